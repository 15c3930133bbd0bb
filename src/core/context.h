// The context: what its objects share, and the object behind its handle.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "base/memory.h"
#include "core/cache_store.h"
#include "core/device_list.h"
#include "core/fence_records.h"
#include "core/object_table.h"
#include "core/plan_cache.h"
#include "core/preparer.h"
#include "core/retrier.h"

namespace sporkle {

// Descriptor of a context after the defaults have been filled in.
using ContextDesc = sporkle_context_desc;

// Finds the devices; core does not know the backends.
using EnumerateDevices = void (*)(const DeviceEnvironment& environment, bool with_null,
                                  DeviceList* list);

// An object created from a context: knows it, is listed by it.
class Context;
class Child : public Object {
 public:
  Child(HandleType type, std::shared_ptr<Context> context, const char* label);

  Context& context() const noexcept { return *context_; }
  const char* label() const noexcept { return label_; }
  uint64_t created_ns() const noexcept { return created_ns_; }
  virtual const char* kind_name() const noexcept = 0;

 protected:
  ~Child() = default;
  std::shared_ptr<Context> context_;

 private:
  friend class Context;
  Child* previous_ = nullptr;
  Child* next_ = nullptr;
  uint64_t created_ns_;
  char label_[48] = {};
};

class Context {
 public:
  Context(const ContextDesc& desc, EnumerateDevices enumerate);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  std::pmr::memory_resource* memory() noexcept { return &memory_; }
  const AllocatorResource& allocator() const noexcept { return memory_; }
  Log& log() noexcept { return log_; }
  Stats& stats() noexcept { return stats_; }
  Options& options() noexcept { return options_; }
  // Null once the context is being destroyed.
  FencePool* fences() noexcept { return fences_.load(); }
  // Throws SPORKLE_ERROR_INVALID_HANDLE then.
  FencePool* live_fences();
  PlanCache& plan_cache() noexcept { return plan_cache_; }
  Preparer& preparer() noexcept { return preparer_; }
  Retrier& retrier() noexcept { return retrier_; }
  bool debug() const noexcept { return debug_; }
  bool require_gpu() const noexcept { return require_gpu_; }
  // Problems below this go to the CPU when the selector picks: the rule of the
  // Fortran original.
  uint64_t gpu_min_flops() const noexcept { return gpu_min_flops_; }

  uint32_t device_count() const noexcept { return static_cast<uint32_t>(list_.devices.size()); }
  Device& device(uint32_t index) noexcept { return *list_.devices[index]; }
  // Throws SPORKLE_ERROR_INVALID_ARGUMENT.
  Device& checked_device(uint32_t index, const char* argument = "device");
  const std::pmr::vector<Unavailable>& unavailable() const noexcept { return list_.unavailable; }
  // The device named by argument or variable, or SPORKLE_DEVICE_AUTO.
  uint32_t preferred_device() const noexcept { return preferred_; }
  // Index for buffers and executors: what AUTO stands for without a problem.
  uint32_t default_device() const noexcept;
  // "cpu", "gl:1", "auto". Throws SPORKLE_ERROR_DEVICE_UNAVAILABLE.
  uint32_t find_device(const char* spec, const char* argument) const;

  // Debug mode keeps the label, the maker and the time; otherwise nothing happens.
  void note_fence(FenceRef fence, const char* label, const char* maker) noexcept;

  // Lists a published child. False when the context is being destroyed: nobody
  // would destroy the child.
  bool add_child(Child* child) noexcept;
  void remove_child(Child* child) noexcept;

  // Destroys the children, ends work in flight, stops the devices. Once.
  void close() noexcept;

 private:
  void apply_arguments(const ContextDesc& desc);
  void open_devices(const ContextDesc& desc, EnumerateDevices enumerate);
  void destroy_children() noexcept;
  void report_leaks() noexcept;
  void close_devices() noexcept;

  AllocatorResource memory_;
  Options options_;
  Log log_;
  Stats stats_;
  CacheStore cache_;
  std::atomic<FencePool*> fences_{nullptr};
  DeviceList list_;
  PlanCache plan_cache_;
  Preparer preparer_;
  Retrier retrier_;
  uint32_t preferred_ = SPORKLE_DEVICE_AUTO;
  bool debug_ = false;
  bool require_gpu_ = false;
  uint64_t gpu_min_flops_ = 0;
  std::shared_ptr<FenceRecords> fence_records_;  // debug mode only
  std::mutex children_mutex_;
  Child* children_ = nullptr;
  bool closing_ = false;  // no child is listed any more
};

// The object behind a sporkle_context.
class ContextObject final : public Object {
 public:
  static constexpr HandleType handle_type = HandleType::context;

  explicit ContextObject(std::shared_ptr<Context> shared)
      : Object(handle_type), context(std::move(shared)) {}

  void on_destroy() noexcept override { context->close(); }
  void dispose() noexcept override;

  std::shared_ptr<Context> context;
};

// Creates the context and its handle. `desc` has been normalised.
sporkle_context create_context(const ContextDesc& desc, EnumerateDevices enumerate);

// Helpers for objects that live in the memory of a context.
template <class T, class... Args>
T* new_object(std::pmr::memory_resource* memory, Args&&... args) {
  std::pmr::polymorphic_allocator<> allocator(memory);
  return allocator.new_object<T>(std::forward<Args>(args)...);
}

}  // namespace sporkle
