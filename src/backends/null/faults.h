// Planned faults: ranges of operation or allocation numbers.
#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"

namespace sporkle::null {

enum class Fault : uint32_t { none, fail, hang, reset, out_of_memory };

class FaultPlan {
 public:
  // Plans `fault` for [first, first + count); ranges that end before `oldest`
  // can no longer happen and make room. Throws SPORKLE_ERROR_POOL_EXHAUSTED.
  void add(Fault fault, uint64_t first, uint64_t count, uint64_t oldest) {
    for (Range& range : ranges_) {
      if (range.fault != Fault::none && range.end > oldest) continue;
      range = {fault, first, count > UINT64_MAX - first ? UINT64_MAX : first + count};
      return;
    }
    fail(SPORKLE_ERROR_POOL_EXHAUSTED, "command: %zu faults are planned already", ranges_.size());
  }

  void clear() noexcept { ranges_ = {}; }

  bool covers(Fault fault, uint64_t number) const noexcept {
    for (const Range& range : ranges_) {
      if (range.fault == fault && number >= range.begin && number < range.end) return true;
    }
    return false;
  }

 private:
  struct Range {
    Fault fault = Fault::none;
    uint64_t begin = 0, end = 0;
  };
  std::array<Range, 32> ranges_;
};

}  // namespace sporkle::null
