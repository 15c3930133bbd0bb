// The object behind a sporkle_executor: slots with mapped input and output.
#pragma once

#include <mutex>
#include <span>
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
  // All or nothing, in this order and as one group. `many`: errors name elements
  // of slots and plans.
  struct SlotWork {
    uint32_t slot;
    Plan* plan;
  };
  void submit(std::span<const SlotWork> work, bool many, sporkle_fence* out_fences);
  void release(uint32_t index);
  sporkle_executor_info info();

  static constexpr uint32_t slot_limit = 256;

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

  Slot& held_slot(uint32_t index, const char* argument);
  bool try_acquire(sporkle_slot* out);
  void reclaim_aside();
  // Whether the device is at work in one of its slots.
  bool waits_for_device();
  void make_memory(Slot* slot, Device& target);
  void renew_memory(Slot* slot);
  void check_plan(const Plan& plan, const char* argument) const;
  void check_work(std::span<const SlotWork> work, bool many);
  bool flush_slots(std::span<const SlotWork> work);
  void fill_operation(const SlotWork& item, Plan::Target target, Operation* operation);
  void queue_group(std::span<const SlotWork> work, const Error* lost);
  void drop_fence(Slot* slot) noexcept;

  uint32_t device_;
  uint64_t input_size_, residual_size_, output_size_;
  uint32_t retries_;
  uint64_t created_ns_;  // on the device's clock
  const std::shared_ptr<OperationMeter> meter_;
  std::mutex mutex_;  // guards everything below
  bool closed_ = false;
  uint64_t submitted_ = 0;
  std::pmr::vector<Slot> slots_;
  std::pmr::vector<Operation> operations_;  // room for a group
};

// Creates the executor and its handle. Throws Error.
sporkle_executor create_executor(const std::shared_ptr<Context>& context,
                                 const sporkle_executor_desc& desc);

}  // namespace sporkle
