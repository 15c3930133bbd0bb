#include "core/preparer.h"

#include <climits>
#include <utility>

#include "base/futex.h"

namespace sporkle {

void Preparation::end() noexcept {
  ended_.store(1, std::memory_order_release);
  futex_wake(ended_, INT_MAX);
}

void Preparation::succeed(uint32_t device, std::shared_ptr<DevicePlan> plan) noexcept {
  device_ = device;
  plan_ = std::move(plan);
  end();
}

void Preparation::fail_with(const Error& error) noexcept {
  error_ = error;
  end();
}

void Preparation::settle() const {
  while (ended_.load(std::memory_order_acquire) == 0) futex_wait(ended_, 0, Deadline{});
  if (error_.status < 0) throw error_;
}

}  // namespace sporkle
