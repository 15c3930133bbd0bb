// Submitting slots, one or many as one group.
#include <bitset>
#include <cinttypes>
#include <cstdio>

#include "core/executor.h"

namespace sporkle {

namespace {

bool device_is_gone(Status status) noexcept {
  return status == SPORKLE_ERROR_DEVICE_LOST || status == SPORKLE_ERROR_DEVICE_UNAVAILABLE;
}

// "slot", or "slots[3]".
struct ArgumentName {
  char text[24];
  ArgumentName(const char* singular, uint32_t index, bool many) {
    std::snprintf(text, sizeof text, many ? "%ss[%u]" : "%s", singular, index);
  }
};

}  // namespace

void Executor::check_plan(const Plan& plan, const char* argument) const {
  if (&plan.context() != &context() || plan.device() != device_) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: of another context or device", argument);
  }
  const Extent& extent = plan.extent();
  const struct {
    uint64_t need, have;
    const char* name;
  } rows[] = {{extent.input_bytes, input_size_, "input"},
              {extent.residual_bytes, residual_size_, "residual"},
              {extent.output_bytes, output_size_, "output"}};
  for (const auto& row : rows) {
    if (row.need <= row.have) continue;
    fail(SPORKLE_ERROR_INVALID_ARGUMENT,
         "%s: its %s has %" PRIu64 " bytes, the slot only %" PRIu64, argument, row.name, row.need,
         row.have);
  }
}

void Executor::check_work(std::span<const SlotWork> work, bool many) {
  std::bitset<slot_limit> seen;
  for (uint32_t i = 0; i < work.size(); ++i) {
    const ArgumentName name("slot", i, many);
    const uint32_t index = work[i].slot;
    const Slot& slot = held_slot(index, name.text);
    if (slot.state != State::acquired) {
      fail(SPORKLE_ERROR_BUSY, "%s: %u has already been submitted", name.text, index);
    }
    if (seen[index]) fail(SPORKLE_ERROR_BUSY, "%s: %u comes twice", name.text, index);
    seen[index] = true;
    check_plan(*work[i].plan, ArgumentName("plan", i, many).text);
  }
}

// Makes what the CPU wrote visible. False when a slot's memory is not of the
// device as it is now.
bool Executor::flush_slots(std::span<const SlotWork> work) {
  const uint64_t resets = context().stats().read(Counter::device_resets);
  for (const SlotWork& item : work) {
    if (slots_[item.slot].resets != resets) return false;
  }
  for (const SlotWork& item : work) {
    Slot& slot = slots_[item.slot];
    const Extent& extent = item.plan->extent();
    slot.input->flush(0, extent.input_bytes);
    if (extent.residual_bytes > 0) slot.residual->flush(0, extent.residual_bytes);
  }
  return true;
}

void Executor::fill_operation(const SlotWork& item, Plan::Target target, Operation* operation) {
  Slot& slot = slots_[item.slot];
  operation->plan = std::move(target.plan);
  operation->input = {slot.input, 0};
  if (item.plan->extent().residual_bytes > 0) operation->residual = {slot.residual, 0};
  operation->output = {slot.output, 0};
  operation->fence_owned = true;
  operation->publish_output = true;
  operation->meter = meter_;
  if (retries_ == 0 || target.device == 0) return;
  operation->rescuer = &context().retrier();
  operation->origin = item.plan->preparation();
  operation->retries = retries_;
}

// Queues everything on the device, or for `lost` on the CPU: all or nothing.
void Executor::queue_group(std::span<const SlotWork> work, const Error* lost) {
  const std::span<Operation> group(operations_.data(), work.size());
  FenceRef fences[slot_limit];
  size_t taken = 0;
  try {
    for (size_t i = 0; i < work.size(); ++i) {
      Plan& plan = *work[i].plan;
      fill_operation(work[i], lost == nullptr ? plan.current() : plan.on_cpu(*lost), &group[i]);
      group[i].fence = fences[i] =
          fence_take(context().live_fences(), true, "sporkle_executor_submit");
      ++taken;
    }
    context().device(lost == nullptr ? device_ : 0).submit_all(group);
  } catch (...) {
    for (Operation& operation : group) operation = Operation{};
    for (size_t i = 0; i < taken; ++i) fence_abandon(fences[i], true);
    throw;
  }
  for (size_t i = 0; i < work.size(); ++i) {
    Slot& slot = slots_[work[i].slot];
    context().note_fence(fences[i], work[i].plan->prepared()->algorithm(), "sporkle_executor_submit");
    slot.fence = fence_handle(fences[i]);
    slot.state = State::submitted;
  }
}

void Executor::submit(std::span<const SlotWork> work, bool many, sporkle_fence* out_fences) {
  const std::lock_guard lock(mutex_);
  if (closed_) fail(SPORKLE_ERROR_INVALID_HANDLE, "executor: destroyed");
  check_work(work, many);
  try {
    if (!flush_slots(work)) {
      fail(SPORKLE_ERROR_DEVICE_LOST, "slot: its memory is of before a reset");
    }
    queue_group(work, nullptr);
  } catch (const Error& error) {
    if (!device_is_gone(error.status)) throw;
    queue_group(work, &error);
  }
  submitted_ += work.size();
  context().stats().add(Counter::submits, work.size());
  for (size_t i = 0; i < work.size(); ++i) out_fences[i] = slots_[work[i].slot].fence;
}

}  // namespace sporkle
