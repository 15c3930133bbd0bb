// Executors.
#include "core/executor.h"

#include <cstdio>
#include <optional>

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
    const Executor::SlotWork work{slot, &*plan_pin};
    pin->submit({&work, 1}, false, out_fence);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_executor_submit_many(sporkle_executor executor, const uint32_t* slots,
                                            const sporkle_plan* plans, uint32_t count,
                                            sporkle_fence* out_fences) {
  return boundary("sporkle_executor_submit_many", [&]() -> Status {
    checked_out(out_fences, "out_fences");
    const Pin<Executor> pin(executor, "executor");
    if (slots == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "slots: null");
    if (plans == nullptr) fail(SPORKLE_ERROR_INVALID_ARGUMENT, "plans: null");
    if (count == 0 || count > Executor::slot_limit) {
      fail(SPORKLE_ERROR_INVALID_ARGUMENT, "count: %u is not in [1, %u]", count,
           Executor::slot_limit);
    }
    for (uint32_t i = 0; i < count; ++i) out_fences[i] = nullptr;
    std::optional<Pin<Plan>> pins[Executor::slot_limit];
    Executor::SlotWork work[Executor::slot_limit];
    for (uint32_t i = 0; i < count; ++i) {
      char name[24];
      std::snprintf(name, sizeof name, "plans[%u]", i);
      pins[i].emplace(plans[i], name);
      (*pins[i])->settle();
      work[i] = {slots[i], &**pins[i]};
    }
    pin->submit({work, count}, true, out_fences);
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

sporkle_status sporkle_executor_describe(sporkle_executor executor,
                                         sporkle_executor_info* out_info) {
  return boundary("sporkle_executor_describe", [&]() -> Status {
    const Pin<Executor> pin(executor, "executor");
    check_out_struct(out_info, "out_info");
    write_struct(pin->info(), out_info);
    return SPORKLE_OK;
  });
}
