// Fences. None of these allocates.
#include <cstdio>

#include "api/boundary.h"
#include "core/context.h"
#include "core/fence_listeners.h"
#include "core/fence_lookup.h"

using namespace sporkle;

namespace {

constexpr uint32_t multi_wait_limit = 4096;

Misuse stale_misuse(sporkle_fence fence) noexcept {
  if (fence == nullptr) return Misuse::null_handle;
  return fence_has_lived(fence) ? Misuse::destroyed : Misuse::not_a_fence;
}

Status finish(const char* function, const char* argument, sporkle_fence fence, Status status,
              bool was_live = false) noexcept {
  if (status == SPORKLE_TIMEOUT) {
    fence_count_timeout(fence);
  } else if (status < 0) {
    if (status == SPORKLE_ERROR_INVALID_HANDLE) {
      fence_misused(function, was_live ? Misuse::destroyed_under_waiter : stale_misuse(fence),
                    fence);
    }
    char reason[96];
    std::snprintf(reason, sizeof reason, "%s: %s", argument,
                  status == SPORKLE_ERROR_INVALID_HANDLE ? "not a live fence"
                                                         : sporkle_status_name(status));
    set_last_error(function, reason);
  }
  return status;
}

// Out of line: a poll that finds a live fence saves no registers for it.
[[gnu::noinline, gnu::cold]] Status report_stale(const char* function,
                                                 sporkle_fence fence) noexcept {
  fence_misused(function, stale_misuse(fence), fence);
  return SPORKLE_ERROR_INVALID_HANDLE;
}

// A pending fence of the parent never ends in a child.
bool refused_in_child(const char* function, sporkle_fence fence) noexcept {
  if (!fence_is_foreign(fence) || fence_poll(fence) == SPORKLE_ERROR_INVALID_HANDLE) return false;
  set_last_error(function, "fence: created before fork");
  fence_misused(function, Misuse::forked, fence);
  return true;
}

Status wait_many(const char* function, const sporkle_fence* fences, uint32_t count, bool any,
                 uint64_t timeout_ns, uint32_t* out_index) noexcept {
  const uint32_t least = any ? 1 : 0;
  if (count < least || count > multi_wait_limit) {
    char reason[96];
    std::snprintf(reason, sizeof reason, "count: %u is not in [%u, %u]", count, least,
                  multi_wait_limit);
    set_last_error(function, reason);
    fence_misused(function, Misuse::bad_count, nullptr);
    return SPORKLE_ERROR_INVALID_ARGUMENT;
  }
  if (count == 0) return SPORKLE_OK;
  if (fences == nullptr) {
    set_last_error(function, "fences: null");
    fence_misused(function, Misuse::bad_count, nullptr);
    return SPORKLE_ERROR_INVALID_ARGUMENT;
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (!refused_in_child(function, fences[i])) continue;
    if (out_index != nullptr) *out_index = i;
    return SPORKLE_ERROR_FORKED;
  }
  uint32_t index = 0;
  bool waited = false;
  const Status status =
      fence_wait_many(fences, count, any, Deadline::after(timeout_ns), &index, &waited);
  if (out_index != nullptr && status != SPORKLE_TIMEOUT) *out_index = index;
  return finish(function, "fences", fences[index], status, waited);
}

}  // namespace

sporkle_status sporkle_fence_insert(sporkle_context context, uint32_t device, const char* label,
                                    sporkle_fence* out_fence) {
  return boundary("sporkle_fence_insert", [&]() -> Status {
    checked_out(out_fence, "out_fence") = nullptr;
    const Pin<ContextObject> pin(context, "context");
    const uint32_t index =
        device == SPORKLE_DEVICE_AUTO ? pin->context->default_device() : device;
    Device& target = pin->context->checked_device(index);
    const FenceRef fence = fence_take(pin->context->live_fences(), false);
    try {
      target.insert_fence(fence, false);
    } catch (...) {
      fence_abandon(fence, false);
      throw;
    }
    pin->context->note_fence(fence, label, "sporkle_fence_insert");
    *out_fence = fence_handle(fence);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_fence_poll(sporkle_fence fence) {
  const Status status = fence_look(fence);
  if (status == SPORKLE_ERROR_INVALID_HANDLE) [[unlikely]] {
    return report_stale("sporkle_fence_poll", fence);
  }
  return status;
}

sporkle_status sporkle_fence_wait(sporkle_fence fence, uint64_t timeout_ns) {
  const Status before = fence_look(fence);
  if (before == SPORKLE_OK) [[likely]] return SPORKLE_OK;
  if (refused_in_child("sporkle_fence_wait", fence)) return SPORKLE_ERROR_FORKED;
  return finish("sporkle_fence_wait", "fence", fence,
                fence_wait(fence, Deadline::after(timeout_ns)), before == SPORKLE_NOT_READY);
}

sporkle_status sporkle_fence_wait_any(const sporkle_fence* fences, uint32_t count,
                                      uint64_t timeout_ns, uint32_t* out_index) {
  return wait_many("sporkle_fence_wait_any", fences, count, true, timeout_ns, out_index);
}

sporkle_status sporkle_fence_wait_all(const sporkle_fence* fences, uint32_t count,
                                      uint64_t timeout_ns) {
  return wait_many("sporkle_fence_wait_all", fences, count, false, timeout_ns, nullptr);
}

sporkle_status sporkle_fence_destroy(sporkle_fence fence) {
  if (refused_in_child("sporkle_fence_destroy", fence)) return SPORKLE_ERROR_FORKED;
  const Status status = fence_destroy(fence, false);
  if (status == SPORKLE_ERROR_INVALID_ARGUMENT) {
    set_last_error("sporkle_fence_destroy", "fence: it belongs to an executor slot");
    fence_misused("sporkle_fence_destroy", Misuse::owned_by_slot, fence);
    return status;
  }
  if (status == SPORKLE_ERROR_INVALID_HANDLE && fence_has_lived(fence)) {
    set_last_error("sporkle_fence_destroy", "fence: not a live fence");
    fence_misused("sporkle_fence_destroy", Misuse::destroyed_twice, fence);
    return status;
  }
  return finish("sporkle_fence_destroy", "fence", fence, status);
}

sporkle_status sporkle_fence_export_fd(sporkle_fence fence, int32_t* out_fd) {
  if (out_fd == nullptr) {
    set_last_error("sporkle_fence_export_fd", "out_fd: null");
    return SPORKLE_ERROR_INVALID_ARGUMENT;
  }
  *out_fd = -1;
  if (refused_in_child("sporkle_fence_export_fd", fence)) return SPORKLE_ERROR_FORKED;
  const Status status = fence_listen(fence, out_fd);
  if (status == SPORKLE_ERROR_POOL_EXHAUSTED) {
    set_last_error("sporkle_fence_export_fd",
                   "out_fd: no file descriptor is left, or 1024 pending fences are exported");
    return status;
  }
  return finish("sporkle_fence_export_fd", "fence", fence, status);
}
