#include "backends/gl/tuner_key.h"

#include <bit>
#include <cinttypes>
#include <cstdio>

namespace sporkle::gl {

// A choice is only good for the kernels it was made among: catalogue_mark().
void write_tuner_key(const Facts& facts, const ConvProblem& p, TunerKey& out) {
  std::snprintf(out, sizeof out,
                "2|%s|%s|%s|%08x|g%" PRId64 "n%" PRId64 "c%" PRId64 "h%" PRId64 "w%" PRId64
                "k%" PRId64 "r%" PRId64 "x%" PRId64 "s%" PRId64 "x%" PRId64 "p%" PRId64 ",%" PRId64
                ",%" PRId64 ",%" PRId64 "d%" PRId64 "x%" PRId64 "a%db%ur%u",
                facts.vendor, facts.name, facts.version, catalogue_mark(), p.groups, p.n, p.c, p.h,
                p.w, p.k, p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.pad_top, p.pad_left,
                p.pad_bottom, p.pad_right, p.dilation_h, p.dilation_w,
                static_cast<int>(p.activation), p.has_bias, p.has_residual);
}

void write_similar_key(const Facts& facts, const ConvProblem& p, TunerKey& out) {
  const auto round = [](int64_t v) { return std::bit_width(static_cast<uint64_t>(v)); };
  const int depthwise = p.group_c() == 1 ? 2 : p.groups > 1 ? 1 : 0;
  std::snprintf(out, sizeof out, "similar1|%s|%s|%s|%08x|%d|%d|%d|%d|%d|%" PRId64 "x%" PRId64
                "|%" PRId64 "x%" PRId64,
                facts.vendor, facts.name, facts.version, catalogue_mark(), depthwise,
                static_cast<int>(round(p.n * p.out_h * p.out_w)), static_cast<int>(round(p.c)),
                static_cast<int>(round(p.k)), p.out_h * p.out_w % 4 == 0, p.kernel_h, p.kernel_w,
                p.stride_h, p.stride_w);
}

}  // namespace sporkle::gl
