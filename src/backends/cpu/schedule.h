// Running the tasks of a plan.
#pragma once

#include <algorithm>

#include "backends/cpu/kernels.h"
#include "core/parallel.h"

namespace sporkle::cpu {

// The threads for that much work, null where it is not worth handing out.
inline ParallelFor* threads_for(const Kernels& kernels, uint64_t flops,
                                ParallelFor& parallel) noexcept {
  // Beyond the limit more does not matter; so the conversion cannot overflow.
  const double ns = std::min(static_cast<double>(flops) / kernels.gflops, 1e9);
  return parallel.worth(static_cast<uint64_t>(ns)) ? &parallel : nullptr;
}

// Calls body(first, last) on ranges that cover [0, count). Ranges are handed
// out as threads become free; `grains` of them per thread even out the end.
template <class Body>
void for_ranges(ParallelFor* parallel, int64_t count, uint32_t grains, const Body& body) noexcept {
  struct Call {
    const Body& body;
    int64_t count, ranges;
  };
  const int64_t threads = parallel == nullptr ? 1 : parallel->threads();
  if (threads == 1 || count == 1) return body(int64_t{0}, count);
  Call call{body, count, std::min<int64_t>(count, threads * grains)};
  const auto task = [](void* data, uint32_t index) {
    const Call& c = *static_cast<const Call*>(data);
    // Without the product count * index, which may not fit.
    const int64_t each = c.count / c.ranges, rest = c.count % c.ranges;
    const int64_t first = each * index + std::min<int64_t>(index, rest);
    c.body(first, first + each + (index < rest ? 1 : 0));
  };
  parallel->run(static_cast<uint32_t>(call.ranges), task, &call);
}

}  // namespace sporkle::cpu
