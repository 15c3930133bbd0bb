#include "backends/gl/patience.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace sporkle::gl {

namespace {

constexpr uint64_t second_ns = 1000000000u;
constexpr uint64_t limit_s = 1000000;

// Software drivers compute inside of their calls and share the processors with
// everybody: minutes for a large convolution.
constexpr uint64_t software_s = 300;
constexpr uint64_t call_s = 20, work_s = 10;

uint64_t chosen_ns(const Options& options, Option option, uint64_t automatic_s) noexcept {
  if (std::strcmp(options.value(option), "auto") == 0) return automatic_s * second_ns;
  try {
    return std::min(options.number(option), limit_s) * second_ns;
  } catch (const Error&) {
    return 0;  // refused when the context is made
  }
}

}  // namespace

uint64_t call_patience_ns(const Options& options, bool software) noexcept {
  return chosen_ns(options, Option::gl_patience, software ? software_s : call_s);
}

uint64_t work_patience_ns(const Options& options, bool software) noexcept {
  return chosen_ns(options, Option::gl_work_limit, software ? software_s : work_s);
}

}  // namespace sporkle::gl
