#include "core/device.h"

namespace sporkle {

void Device::control(uint32_t, uint64_t, uint64_t) {
  fail(SPORKLE_ERROR_INVALID_ARGUMENT, "device: not a null device");
}

std::shared_ptr<DevicePlan> Device::create_sequence(SequenceSteps) {
  fail(SPORKLE_ERROR_UNSUPPORTED, "device: it has no sequence plans");
}

}  // namespace sporkle
