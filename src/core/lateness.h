// How late this machine wakes a thread, learnt from what was seen. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sporkle {

// Near the upper end of what is seen: most threads are woken in time by it. A
// process that was stopped tells nothing beyond the limit.
inline uint64_t lateness_after(uint64_t known_ns, uint64_t seen_ns) noexcept {
  constexpr uint64_t limit_ns = 120000;
  const uint64_t seen = std::min(seen_ns, limit_ns);
  return seen > known_ns ? known_ns + (seen - known_ns) / 4 : known_ns - (known_ns - seen) / 16;
}

}  // namespace sporkle
