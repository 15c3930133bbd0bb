#include "core/executor.h"

#include <algorithm>
#include <cinttypes>
#include <new>

#include "core/timeline.h"

namespace sporkle {

namespace {

constexpr uint32_t slot_default = 3;
constexpr uint32_t retry_limit = 8;
constexpr uint64_t destroy_patience_ns = 2000000000u;

uint64_t slots_bytes(const sporkle_executor_desc& desc, size_t slots) {
  return slots * (desc.input_size + desc.residual_size + desc.output_size);
}

void check_size(uint64_t bytes, uint64_t least, const char* field) {
  if (bytes < least) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.%s: 0 bytes", field);
  if (bytes > (uint64_t{1} << 48)) {
    fail(SPORKLE_ERROR_OVERFLOW, "desc.%s: %" PRIu64 " exceeds 2^48", field, bytes);
  }
}

}  // namespace

Executor::Executor(std::shared_ptr<Context> context, uint32_t device,
                   const sporkle_executor_desc& desc)
    : Child(handle_type, context, desc.label),
      device_(device),
      input_size_(desc.input_size),
      residual_size_(desc.residual_size),
      output_size_(desc.output_size),
      retries_(desc.retries),
      created_ns_(context->device(device).clock_ns()),
      meter_(make_shared_in<OperationMeter>(context->memory())),
      slots_(context->memory()),
      operations_(context->memory()) {
  operations_.resize(desc.slot_count);
  slots_.resize(desc.slot_count);
  const uint64_t resets = context->stats().read(Counter::device_resets);
  for (Slot& slot : slots_) {
    make_memory(&slot, context->device(device_));
    slot.resets = resets;
  }
  fence_pool_reserve(context->live_fences(), desc.slot_count);
  context->stats().add(Counter::buffer_bytes_added, slots_bytes(desc, slots_.size()));
}

void Executor::make_memory(Slot* slot, Device& target) {
  constexpr uint32_t in = SPORKLE_BUFFER_CPU_WRITE | SPORKLE_BUFFER_DEVICE_READ;
  constexpr uint32_t out = SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE;
  auto input = target.create_memory(input_size_, in);
  auto residual = residual_size_ > 0 ? target.create_memory(residual_size_, in) : nullptr;
  slot->output = target.create_memory(output_size_, out);
  slot->input = std::move(input);
  slot->residual = std::move(residual);
}

// A device that came back needs new memory. While it gives none the slot gets the
// host's, on which the CPU computes: the device may hang and still write to the
// old. Throws when there is neither.
void Executor::renew_memory(Slot* slot) {
  const uint64_t resets = context().stats().read(Counter::device_resets);
  if (slot->resets == resets) return;
  try {
    make_memory(slot, context().device(device_));
    slot->resets = resets;
    slot->on_host = false;
    return;
  } catch (const Error& error) {
    context().log().write(SPORKLE_LOG_DEBUG, "executor: no new memory after a device's loss: %s",
                          error.reason.text);
  } catch (const std::bad_alloc&) {
  }
  constexpr uint32_t cpu = 0;
  if (!slot->on_host) make_memory(slot, context().device(cpu));
  slot->on_host = true;
}

void Executor::drop_fence(Slot* slot) noexcept {
  if (slot->fence != nullptr) fence_destroy(slot->fence, true);
  slot->fence = nullptr;
}

void Executor::on_destroy() noexcept {
  const Deadline deadline = Deadline::after(destroy_patience_ns);
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  multi_notify();
  for (Slot& slot : slots_) {
    if (slot.fence != nullptr) fence_wait(slot.fence, deadline);
  }
}

void Executor::dispose() noexcept {
  const std::shared_ptr<Context> keep = context_;
  for (Slot& slot : slots_) drop_fence(&slot);
  keep->remove_child(this);
  sporkle_executor_desc sizes{};
  sizes.input_size = input_size_;
  sizes.residual_size = residual_size_;
  sizes.output_size = output_size_;
  keep->stats().add(Counter::buffer_bytes_removed, slots_bytes(sizes, slots_.size()));
  if (FencePool* fences = keep->fences()) {
    fence_pool_unreserve(fences, static_cast<uint32_t>(slots_.size()));
  }
  std::pmr::polymorphic_allocator<>(keep->memory()).delete_object(this);
}

void Executor::reclaim_aside() {
  for (Slot& slot : slots_) {
    if (slot.state != State::aside || fence_poll(slot.fence) == SPORKLE_NOT_READY) continue;
    drop_fence(&slot);
    slot.state = State::free;
  }
}

bool Executor::try_acquire(sporkle_slot* out) {
  const std::lock_guard lock(mutex_);
  if (closed_) fail(SPORKLE_ERROR_INVALID_HANDLE, "executor: destroyed");
  reclaim_aside();
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.state != State::free) continue;
    renew_memory(&slot);
    slot.state = State::acquired;
    out->index = i;
    out->input = static_cast<float*>(slot.input->data());
    out->residual =
        slot.residual == nullptr ? nullptr : static_cast<float*>(slot.residual->data());
    out->output = static_cast<float*>(slot.output->data());
    out->input_size = input_size_;
    out->residual_size = residual_size_;
    out->output_size = output_size_;
    return true;
  }
  return false;
}

bool Executor::waits_for_device() {
  const std::lock_guard lock(mutex_);
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
    return slot.fence != nullptr && fence_poll(slot.fence) == SPORKLE_NOT_READY;
  });
}

Status Executor::acquire(Deadline deadline, sporkle_slot* out) {
  bool stalled = false;
  while (!try_acquire(out)) {
    if (deadline.passed()) return SPORKLE_TIMEOUT;
    if (!stalled && waits_for_device()) {
      stalled = true;
      context().stats().add(Counter::stalls, 1);
    }
    // A slot becomes free by a release or by the end of work set aside; both
    // change the gathering while somebody is counted as waiting.
    const auto none_free = [&] {
      const std::lock_guard lock(mutex_);
      reclaim_aside();
      const auto is_free = [](const Slot& slot) { return slot.state == State::free; };
      return !closed_ && std::none_of(slots_.begin(), slots_.end(), is_free);
    };
    Protocol::sleep_for_any(gathering, none_free, deadline);
  }
  return SPORKLE_OK;
}

Executor::Slot& Executor::held_slot(uint32_t index, const char* argument) {
  if (index >= slots_.size()) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: %u, but there are %zu", argument, index,
         slots_.size());
  }
  Slot& slot = slots_[index];
  if (slot.state == State::free || slot.state == State::aside) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: %u has not been acquired", argument, index);
  }
  return slot;
}

sporkle_executor_info Executor::info() {
  sporkle_executor_info info{};
  info.device = device_;
  const std::lock_guard lock(mutex_);
  // Ends before begins, so that no difference is negative.
  info.busy_ns = meter_->busy_ns.load(std::memory_order_relaxed);
  info.failed = meter_->failed.load(std::memory_order_relaxed);
  info.ended = meter_->ended.load(std::memory_order_relaxed);
  info.retried = meter_->retried.load(std::memory_order_relaxed);
  info.submitted = submitted_;
  reclaim_aside();
  info.slots = static_cast<uint32_t>(slots_.size());
  for (const Slot& slot : slots_) {
    const bool pending = slot.fence != nullptr && fence_poll(slot.fence) == SPORKLE_NOT_READY;
    if (slot.state == State::free) ++info.slots_free;
    if (slot.state == State::aside) ++info.slots_aside;
    if (slot.state == State::submitted && pending) ++info.slots_in_flight;
  }
  info.wall_ns = context().device(device_).clock_ns() - created_ns_;
  info.idle_ns = info.wall_ns > info.busy_ns ? info.wall_ns - info.busy_ns : 0;
  if (info.wall_ns > 0) {
    const double busy = static_cast<double>(info.busy_ns) / static_cast<double>(info.wall_ns);
    info.utilisation = std::min(busy, 1.0);
  }
  return info;
}

void Executor::release(uint32_t index) {
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = held_slot(index, "slot");
    if (slot.fence != nullptr && fence_poll(slot.fence) == SPORKLE_NOT_READY) {
      slot.state = State::aside;
      context().stats().add(Counter::slots_set_aside, 1);
      return;
    }
    drop_fence(&slot);
    slot.state = State::free;
  }
  multi_notify();
}

sporkle_executor create_executor(const std::shared_ptr<Context>& context,
                                 const sporkle_executor_desc& given) {
  sporkle_executor_desc desc = given;
  if (desc.slot_count == 0) desc.slot_count = slot_default;
  if (desc.slot_count > Executor::slot_limit) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.slot_count: %u exceeds %u", desc.slot_count,
         Executor::slot_limit);
  }
  if (desc.retries > retry_limit) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.retries: %u exceeds %u", desc.retries, retry_limit);
  }
  check_size(desc.input_size, 1, "input_size");
  check_size(desc.residual_size, 0, "residual_size");
  check_size(desc.output_size, 1, "output_size");
  const uint32_t device =
      desc.device == SPORKLE_DEVICE_AUTO ? context->default_device() : desc.device;
  context->checked_device(device, "desc.device");
  auto* executor = new_object<Executor>(context->memory(), context, device, desc);
  return static_cast<sporkle_executor>(publish_child(executor));
}

}  // namespace sporkle
