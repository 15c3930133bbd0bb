#include "core/selector.h"

#include <cstdio>

namespace sporkle {

namespace {

constexpr uint32_t cpu_index = 0;

bool is_gpu(Context& context, uint32_t index) {
  return context.device(index).device_class() != DeviceClass::cpu;
}

[[noreturn]] void refuse_fallback(uint32_t device, const char* reason) {
  fail(SPORKLE_ERROR_DEVICE_UNAVAILABLE,
       "SPORKLE_REQUIRE: a GPU is required and device %u refuses: %s", device, reason);
}

Choice select_preferred(Context& context, uint32_t device, const PlanSource& source) {
  Reason reason;
  if (source.supported_by(context.device(device), &reason)) {
    return {device, device != cpu_index && !context.require_gpu()};
  }
  if (context.require_gpu()) refuse_fallback(device, reason.text);
  note_fallback(context, device, reason.text);
  return {cpu_index, false};
}

Choice select_by_size(Context& context, const PlanSource& source) {
  const bool required = context.require_gpu();
  Reason reason;
  reason.set("there is none");
  for (uint32_t i = 0; i < context.device_count(); ++i) {
    const DeviceClass kind = context.device(i).device_class();
    if (kind != DeviceClass::gpu) continue;
    if (!required && source.flops() < context.gpu_min_flops()) continue;
    if (source.supported_by(context.device(i), &reason)) return {i, !required};
    if (!required) note_fallback(context, i, reason.text);
  }
  if (required) {
    fail(SPORKLE_ERROR_DEVICE_UNAVAILABLE, "SPORKLE_REQUIRE: no GPU takes the problem: %s",
         reason.text);
  }
  return {cpu_index, false};
}

}  // namespace

Choice select_device(Context& context, uint32_t device, const PlanSource& source) {
  if (device == SPORKLE_DEVICE_AUTO) {
    const uint32_t preferred = context.preferred_device();
    if (preferred == SPORKLE_DEVICE_AUTO) return select_by_size(context, source);
    if (context.require_gpu() && !is_gpu(context, preferred)) {
      refuse_fallback(preferred, "the default device is the CPU");
    }
    return select_preferred(context, preferred, source);
  }
  Reason reason;
  if (!source.supported_by(context.checked_device(device), &reason)) {
    fail(SPORKLE_ERROR_UNSUPPORTED, "device: %s", reason.text);
  }
  return {device, false};
}

void note_fallback(Context& context, uint32_t device, const char* reason) noexcept {
  context.stats().add(Counter::fallbacks, 1);
  sporkle_device_info info{};
  context.device(device).describe(&info);
  char cause[300];
  std::snprintf(cause, sizeof cause, "%s: %s", info.spec, reason);
  context.log().warn_once(cause, "computing on the CPU instead of %s (%s): %s", info.spec,
                          info.name, reason);
}

bool error_allows_fallback(Status status) noexcept {
  return status == SPORKLE_ERROR_DEVICE_LOST || status == SPORKLE_ERROR_OUT_OF_MEMORY ||
         status == SPORKLE_ERROR_OPERATION_FAILED || status == SPORKLE_ERROR_UNSUPPORTED ||
         status == SPORKLE_ERROR_DEVICE_UNAVAILABLE;
}

}  // namespace sporkle
