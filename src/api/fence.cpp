// Fences. None of these allocates, but an export its entry.
#include <cstdio>
#include <cstring>

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

// Sets the error's text; debug mode reports the same one.
Status refuse(const char* function, Misuse misuse, sporkle_fence fence, Status status,
              const char* reason) noexcept {
  set_last_error(function, reason);
  fence_misused(function, misuse, fence, reason);
  return status;
}

// `argument`: as the caller of the function knows it; `element`: of which array's
// element the text is, or empty.
Status finish(const char* function, const char* argument, sporkle_fence fence, Status status,
              bool was_live = false, const char* element = "") noexcept {
  if (status == SPORKLE_TIMEOUT) {
    fence_count_timeout(fence);
  } else if (status < 0) {
    if (status == SPORKLE_ERROR_INVALID_HANDLE) {
      fence_misused(function, was_live ? Misuse::destroyed_under_waiter : stale_misuse(fence),
                    fence, element);
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
bool refused_in_child(const char* function, sporkle_fence fence,
                      const char* element = "") noexcept {
  if (!fence_is_foreign(fence) || fence_poll(fence) == SPORKLE_ERROR_INVALID_HANDLE) return false;
  set_last_error(function, "fence: created before fork");
  fence_misused(function, Misuse::forked, fence, element);
  return true;
}

struct Element {
  char text[24];
  explicit Element(uint32_t index) noexcept {
    std::snprintf(text, sizeof text, "fences[%u]", index);
  }
};

// Whatever else the array holds and in which order: a bad handle is refused first.
bool refused_element(const char* function, const sporkle_fence* fences, uint32_t count,
                     uint32_t* index, Status* status) noexcept {
  bool foreign = false;
  for (uint32_t i = 0; i < count; ++i) {
    if (fence_poll(fences[i]) == SPORKLE_ERROR_INVALID_HANDLE) {
      const Element element(*index = i);
      *status = finish(function, element.text, fences[i], SPORKLE_ERROR_INVALID_HANDLE, false,
                       element.text);
      return true;
    }
    foreign = foreign || fence_is_foreign(fences[i]);
  }
  if (!foreign) return false;
  for (*index = 0; *index < count; ++*index) {
    *status = SPORKLE_ERROR_FORKED;
    if (refused_in_child(function, fences[*index], Element(*index).text)) return true;
  }
  return false;
}

Status wait_many(const char* function, const sporkle_fence* fences, uint32_t count, bool any,
                 uint64_t timeout_ns, uint32_t* out_index) noexcept {
  const uint32_t least = any ? 1 : 0;
  if (count < least || count > multi_wait_limit) {
    char reason[96];
    std::snprintf(reason, sizeof reason, "count: %u is not in [%u, %u]", count, least,
                  multi_wait_limit);
    return refuse(function, Misuse::bad_count, nullptr, SPORKLE_ERROR_INVALID_ARGUMENT, reason);
  }
  if (count == 0) return SPORKLE_OK;
  if (fences == nullptr) {
    return refuse(function, Misuse::bad_count, nullptr, SPORKLE_ERROR_INVALID_ARGUMENT,
                  "fences: null");
  }
  uint32_t index = 0;
  Status status = SPORKLE_OK;
  if (refused_element(function, fences, count, &index, &status)) {
    if (out_index != nullptr) *out_index = index;
    return status;
  }
  bool waited = false;
  status =
      fence_wait_many(fences, count, any, Deadline::after(timeout_ns), &index, &waited);
  if (out_index != nullptr && status != SPORKLE_TIMEOUT) *out_index = index;
  const Element element(index);
  return finish(function, element.text, fences[index], status, waited, element.text);
}

// Reports a refused insertion with the reason that the caller finds as last error.
void report_insertion(Status status) noexcept {
  if (status != SPORKLE_ERROR_INVALID_ARGUMENT && status != SPORKLE_ERROR_INVALID_HANDLE &&
      status != SPORKLE_ERROR_FORKED) {
    return;
  }
  char text[256] = "";
  sporkle_last_error(text, sizeof text);
  const char* reason = std::strstr(text, ": ");
  fence_misused("sporkle_fence_insert", Misuse::bad_argument, nullptr,
                reason == nullptr ? text : reason + 2);
}

}  // namespace

sporkle_status sporkle_fence_insert(sporkle_context context, uint32_t device, const char* label,
                                    sporkle_fence* out_fence) {
  const Status status = boundary("sporkle_fence_insert", [&]() -> Status {
    checked_out(out_fence, "out_fence") = nullptr;
    const Pin<ContextObject> pin(context, "context");
    const uint32_t index =
        device == SPORKLE_DEVICE_AUTO ? pin->context->default_device() : device;
    Device& target = pin->context->checked_device(index);
    const FenceRef fence = fence_take(pin->context->live_fences(), false, "sporkle_fence_insert");
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
  if (status < 0) [[unlikely]] report_insertion(status);
  return status;
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
  static constexpr char function[] = "sporkle_fence_export_fd";
  if (out_fd == nullptr) {
    return refuse(function, Misuse::bad_argument, fence, SPORKLE_ERROR_INVALID_ARGUMENT,
                  "out_fd: null");
  }
  *out_fd = -1;
  if (refused_in_child(function, fence)) return SPORKLE_ERROR_FORKED;
  switch (fence_listen(fence, out_fd)) {
    case ListenResult::made: return SPORKLE_OK;
    case ListenResult::not_a_fence:
      return finish(function, "fence", fence, SPORKLE_ERROR_INVALID_HANDLE);
    case ListenResult::process_descriptors:
      return refuse(function, Misuse::no_descriptor, fence, SPORKLE_ERROR_POOL_EXHAUSTED,
                    "out_fd: the process has as many files open as it may (RLIMIT_NOFILE)");
    case ListenResult::system_descriptors:
      return refuse(function, Misuse::no_descriptor, fence, SPORKLE_ERROR_POOL_EXHAUSTED,
                    "out_fd: the system has as many files open as it may");
    case ListenResult::memory: break;
  }
  set_last_error(function, "out_fd: no memory for it");
  return SPORKLE_ERROR_OUT_OF_MEMORY;
}
