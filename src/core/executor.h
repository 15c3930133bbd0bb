// The object behind a sporkle_executor: slots with mapped input and output.
#pragma once

#include <mutex>
#include <vector>

#include "core/plan.h"

namespace sporkle {

class Executor final : public Child {
 public:
  static constexpr HandleType handle_type = HandleType::executor;

  Executor(std::shared_ptr<Context> context, uint32_t device, const sporkle_executor_desc& desc);

  const char* kind_name() const noexcept override { return "executor"; }
  void on_destroy() noexcept override;
  void dispose() noexcept override;

  // Waits for a free slot. Returns SPORKLE_OK or SPORKLE_TIMEOUT.
  Status acquire(Deadline deadline, sporkle_slot* out);
  sporkle_fence submit(uint32_t index, Plan& plan);
  void release(uint32_t index);

 private:
  // free -> acquired -> submitted -> free, or -> aside -> free when the work
  // was still pending at release.
  enum class State : uint32_t { free, acquired, submitted, aside };
  struct Slot {
    State state = State::free;
    sporkle_fence fence = nullptr;
    uint64_t resets = 0;  // of devices, when the memory was made
    bool on_host = false;  // the device was lost and gave no new memory
    std::shared_ptr<DeviceMemory> input, residual, output;
  };

  Slot& held_slot(uint32_t index);
  bool try_acquire(sporkle_slot* out);
  void reclaim_aside();
  void make_memory(Slot* slot, Device& target);
  void renew_memory(Slot* slot);
  void check_fits(const Extent& extent) const;
  void drop_fence(Slot* slot) noexcept;

  uint32_t device_;
  uint64_t input_size_, residual_size_, output_size_;
  std::mutex mutex_;
  bool closed_ = false;
  std::pmr::vector<Slot> slots_;
};

// Creates the executor and its handle. Throws Error.
sporkle_executor create_executor(const std::shared_ptr<Context>& context,
                                 const sporkle_executor_desc& desc);

}  // namespace sporkle
