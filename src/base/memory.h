// The caller's allocator as a std::pmr resource, with a count of live bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <memory_resource>

#include "sporkle.h"

namespace sporkle {

class AllocatorResource final : public std::pmr::memory_resource {
 public:
  explicit AllocatorResource(const sporkle_allocator& allocator) : allocator_(allocator) {}

  uint64_t live_bytes() const noexcept { return live_bytes_.load(std::memory_order_relaxed); }
  uint64_t allocations() const noexcept { return allocations_.load(std::memory_order_relaxed); }

 private:
  void* do_allocate(size_t bytes, size_t alignment) override;
  void do_deallocate(void* pointer, size_t bytes, size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  sporkle_allocator allocator_;
  std::atomic<uint64_t> live_bytes_{0};
  std::atomic<uint64_t> allocations_{0};
};

// A shared object whose storage and control block come from `memory`.
template <class T, class... Args>
std::shared_ptr<T> make_shared_in(std::pmr::memory_resource* memory, Args&&... args) {
  return std::allocate_shared<T>(std::pmr::polymorphic_allocator<T>(memory),
                                 std::forward<Args>(args)...);
}

// An array of floats or bytes aligned to 64 from `memory`; freed with it.
class AlignedBlock {
 public:
  AlignedBlock() = default;
  // Throws std::bad_alloc.
  AlignedBlock(std::pmr::memory_resource* memory, uint64_t bytes);
  AlignedBlock(AlignedBlock&& other) noexcept;
  AlignedBlock& operator=(AlignedBlock&& other) noexcept;
  ~AlignedBlock() { reset(); }

  void reset() noexcept;
  void* data() const noexcept { return data_; }
  float* floats() const noexcept { return static_cast<float*>(data_); }
  uint64_t size() const noexcept { return bytes_; }

  static constexpr size_t alignment = 64;

 private:
  std::pmr::memory_resource* memory_ = nullptr;
  void* data_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace sporkle
