// Executors.
#include "core/executor.h"

#include "api/boundary.h"

using namespace sporkle;

sporkle_status sporkle_executor_create(sporkle_context context, const sporkle_executor_desc* desc,
                                       sporkle_executor* out_executor) {
  return boundary("sporkle_executor_create", [&]() -> Status {
    checked_out(out_executor, "out_executor") = nullptr;
    const Pin<ContextObject> pin(context, "context");
    const sporkle_executor_desc defaults = SPORKLE_EXECUTOR_DESC_INIT;
    *out_executor = create_executor(pin->context, read_struct(desc, defaults, "desc"));
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_executor_destroy(sporkle_executor executor) {
  return boundary("sporkle_executor_destroy", [&]() -> Status {
    { const Pin<Executor> pin(executor, "executor"); }
    if (!object_destroy(executor, HandleType::executor)) {
      fail(SPORKLE_ERROR_INVALID_HANDLE, "executor: destroyed by another thread");
    }
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_executor_acquire(sporkle_executor executor, uint64_t timeout_ns,
                                        sporkle_slot* out_slot) {
  return boundary("sporkle_executor_acquire", [&]() -> Status {
    const Pin<Executor> pin(executor, "executor");
    check_out_struct(out_slot, "out_slot");
    sporkle_slot slot{};
    const Status status = pin->acquire(Deadline::after(timeout_ns), &slot);
    if (status == SPORKLE_OK) write_struct(slot, out_slot);
    return status;
  });
}

sporkle_status sporkle_executor_submit(sporkle_executor executor, uint32_t slot, sporkle_plan plan,
                                       sporkle_fence* out_fence) {
  return boundary("sporkle_executor_submit", [&]() -> Status {
    checked_out(out_fence, "out_fence") = nullptr;
    const Pin<Executor> pin(executor, "executor");
    const Pin<Plan> plan_pin(plan, "plan");
    plan_pin->settle();
    *out_fence = pin->submit(slot, *plan_pin);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_executor_release(sporkle_executor executor, uint32_t slot) {
  return boundary("sporkle_executor_release", [&]() -> Status {
    const Pin<Executor> pin(executor, "executor");
    pin->release(slot);
    return SPORKLE_OK;
  });
}
