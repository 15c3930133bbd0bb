// The time in which a device was busy, on the host's clock. Where batches begin and end is
// known between bounds only, so that those of neighbours overlap: every moment counts once.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sporkle::gl {

class BusySpan {
 public:
  // Of begin..end what no earlier span has had. Ends do not go back.
  uint64_t take(uint64_t begin, uint64_t end) noexcept {
    begin = std::max(begin, until_);
    if (end <= begin) return 0;
    until_ = end;
    return end - begin;
  }

 private:
  uint64_t until_ = 0;
};

}  // namespace sporkle::gl
