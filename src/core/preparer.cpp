#include "core/preparer.h"

#include <utility>

namespace sporkle {

void Preparation::succeed(uint32_t device, std::shared_ptr<DevicePlan> plan) noexcept {
  device_ = device;
  plan_ = std::move(plan);
}

void Preparation::fail_with(const Error& error) noexcept { error_ = error; }

bool Preparation::ended() const noexcept {
  return timelines[end_.timeline].counter.load(std::memory_order_acquire) >= end_.value;
}

void Preparation::settle() const {
  if (!ended()) timeline_wait(end_.timeline, end_.value, Deadline{});
  if (error_.status < 0) throw error_;
}

}  // namespace sporkle
