#include "core/expectation.h"

namespace sporkle {

constinit Expectation expectations[timeline_limit];

void timeline_expect(uint32_t index, uint64_t after, uint64_t value, uint64_t until) noexcept {
  Expectation& expectation = expectations[index];
  expectation.value.store(value, std::memory_order_relaxed);
  expectation.until.store(until, std::memory_order_release);
  Protocol::notify(timelines[index], gathering, Protocol::mask_of_range(after, value));
}

}  // namespace sporkle
