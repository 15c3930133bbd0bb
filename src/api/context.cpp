// Contexts, settings, statistics.
#include "core/context.h"

#include <cstdio>

#include "api/boundary.h"
#include "backends/registry.h"
#include "base/fp_environment.h"
#include "base/process.h"
#include "core/fence_listeners.h"
#include "core/timeline.h"

using namespace sporkle;

namespace {

sporkle_context_desc normalised(const sporkle_context_desc* given) {
  const sporkle_context_desc defaults = SPORKLE_CONTEXT_DESC_INIT;
  sporkle_context_desc desc = given == nullptr ? defaults : read_struct(given, defaults, "desc");
  constexpr uint32_t known =
      SPORKLE_CONTEXT_DEBUG | SPORKLE_CONTEXT_REQUIRE_GPU | SPORKLE_CONTEXT_ENABLE_NULL |
      SPORKLE_CONTEXT_REPRODUCIBLE;
  if ((desc.flags & ~known) != 0) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.flags: unknown bits 0x%x", desc.flags & ~known);
  }
  if ((desc.allocator.alloc == nullptr) != (desc.allocator.free == nullptr)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.allocator: alloc and free come together");
  }
  if (desc.log_level < -1 || desc.log_level > SPORKLE_LOG_DEBUG) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.log_level: %d is not in [-1, %d]", desc.log_level,
         SPORKLE_LOG_DEBUG);
  }
  if (desc.fence_capacity > fence_capacity_limit) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.fence_capacity: %u exceeds %u",
         desc.fence_capacity, fence_capacity_limit);
  }
  if (desc.fence_capacity == 0) desc.fence_capacity = fence_capacity_default;
  if (desc.plan_cache_bytes == 0) desc.plan_cache_bytes = uint64_t{256} << 20;
  return desc;
}

void reset_after_fork() noexcept {
  objects_reset_after_fork();
  timelines_reset_after_fork();
  fence_pools_reset_after_fork();
  fence_listeners_reset_after_fork();
}

}  // namespace

sporkle_status sporkle_context_create(const sporkle_context_desc* desc,
                                      sporkle_context* out_context) {
  return boundary("sporkle_context_create", [&]() -> Status {
    checked_out(out_context, "out_context") = nullptr;
    const sporkle_context_desc full = normalised(desc);
    // Constructors of driver libraries run on this thread.
    const FpEnvironmentScope fp_environment;
    process_enter(reset_after_fork);
    *out_context = create_context(full, enumerate_devices);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_context_destroy(sporkle_context context) {
  return boundary("sporkle_context_destroy", [&]() -> Status {
    { const Pin<ContextObject> pin(context, "context"); }
    if (!object_destroy(context, HandleType::context)) {
      fail(SPORKLE_ERROR_INVALID_HANDLE, "context: destroyed by another thread");
    }
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_shutdown(void) {
  return boundary("sporkle_shutdown", [&]() -> Status {
    if (process_epoch() != 0) object_destroy_all(HandleType::context);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_option_count(sporkle_context context, uint32_t* out_count) {
  return boundary("sporkle_option_count", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    checked_out(out_count, "out_count") = option_count;
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_option_describe(sporkle_context context, uint32_t index,
                                       sporkle_option_info* out_info) {
  return boundary("sporkle_option_describe", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    check_out_struct(out_info, "out_info");
    if (index >= option_count) {
      fail(SPORKLE_ERROR_INVALID_ARGUMENT, "index: %u, but there are %u settings", index,
           option_count);
    }
    const auto option = static_cast<Option>(index);
    const Options& options = pin->context->options();
    sporkle_option_info info{};
    std::snprintf(info.name, sizeof info.name, "%s", Options::name(option));
    std::snprintf(info.value, sizeof info.value, "%s", options.value(option));
    std::snprintf(info.origin, sizeof info.origin, "%s",
                  Options::origin_name(options.origin(option)));
    std::snprintf(info.description, sizeof info.description, "%s", Options::description(option));
    write_struct(info, out_info);
    return SPORKLE_OK;
  });
}

sporkle_status sporkle_context_stats(sporkle_context context, sporkle_stats* out_stats) {
  return boundary("sporkle_context_stats", [&]() -> Status {
    const Pin<ContextObject> pin(context, "context");
    check_out_struct(out_stats, "out_stats");
    sporkle_stats stats{};
    pin->context->stats().snapshot(&stats);
    if (const FencePool* fences = pin->context->fences()) fence_pool_snapshot(fences, &stats);
    stats.plan_cache_bytes = pin->context->plan_cache().bytes();
    write_struct(stats, out_stats);
    return SPORKLE_OK;
  });
}
