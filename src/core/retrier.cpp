#include "core/retrier.h"

#include <new>

#include "core/context.h"
#include "core/selector.h"

namespace sporkle {

namespace {

constexpr uint32_t cpu = 0;

bool device_is_gone(Status status) noexcept {
  return status == SPORKLE_ERROR_DEVICE_LOST || status == SPORKLE_ERROR_DEVICE_UNAVAILABLE;
}

// Runs the operation as a synchronous call on the slot's memory, which stays
// readable and writable for the CPU.
Status run_on(Device& target, const Operation& operation) noexcept {
  try {
    const auto plan = operation.origin->source().prepare(target);
    const HostTensors tensors{operation.input.floats(),
                              operation.residual.memory ? operation.residual.floats() : nullptr,
                              operation.output.floats()};
    RunReport report;
    const uint64_t start = now_ns();
    target.run(plan, tensors, &report);
    operation.meter->busy_ns.fetch_add(now_ns() - start, std::memory_order_relaxed);
    return SPORKLE_OK;
  } catch (const Error& error) {
    return error.status;
  } catch (const std::bad_alloc&) {
    return SPORKLE_ERROR_OUT_OF_MEMORY;
  } catch (...) {
    return SPORKLE_ERROR_INTERNAL;
  }
}

// The slot's device takes care of its memory itself; the CPU works on it while that device
// may be closed.
Status run_again(Context& context, uint32_t device, const Operation& operation) noexcept {
  Device& target = context.device(device);
  if (device != cpu) return run_on(target, operation);
  Status status = SPORKLE_ERROR_CANCELLED;
  operation.output.memory->touch([&]() noexcept { status = run_on(target, operation); });
  return status;
}

}  // namespace

bool Retrier::take_over(Operation& operation) noexcept {
  if (operation.retries == 0) return false;
  RetryJob job{std::move(operation), operation.fence};
  const bool taken = jobs_.take_over(std::move(job));
  operation = taken ? Operation{} : std::move(job.operation);
  return taken;
}

// The device first, which may be back; the last time the CPU.
Status Retrier::execute(void* user, RetryJob& job, bool cancelled) noexcept {
  Context& context = *static_cast<Context*>(user);
  const Operation& operation = job.operation;
  Status status = cancelled ? SPORKLE_ERROR_CANCELLED : SPORKLE_ERROR_DEVICE_LOST;
  for (uint32_t left = operation.retries; left > 0 && device_is_gone(status); --left) {
    uint32_t device = operation.origin->device();
    Reason reason;
    if (left == 1 && !context.require_gpu() &&
        operation.origin->source().supported_by(context.device(cpu), &reason)) {
      note_fallback(context, device, "it was lost with the operation in flight");
      device = cpu;
    }
    operation.meter->retried.fetch_add(1, std::memory_order_relaxed);
    status = run_again(context, device, operation);
  }
  operation.meter->note_end(status, 0);
  if (status < 0) context.stats().add(Counter::submit_failures, 1);
  return status;
}

}  // namespace sporkle
