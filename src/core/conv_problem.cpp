#include "core/conv_problem.h"

#include <cinttypes>
#include <initializer_list>

namespace sporkle {

namespace {

void require_at_least(int64_t value, int64_t least, const char* field) {
  if (value >= least) return;
  fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.%s: %" PRId64 " is below %" PRId64, field, value,
       least);
}

void check_fields(const sporkle_conv2d_desc& d) {
  const struct {
    int64_t value;
    int64_t least;
    const char* field;
  } fields[] = {
      {d.n, 1, "n"}, {d.c, 1, "c"}, {d.h, 1, "h"}, {d.w, 1, "w"}, {d.k, 1, "k"},
      {d.kernel_h, 1, "kernel_h"}, {d.kernel_w, 1, "kernel_w"},
      {d.stride_h, 1, "stride_h"}, {d.stride_w, 1, "stride_w"},
      {d.padding_top, 0, "padding_top"}, {d.padding_left, 0, "padding_left"},
      {d.padding_bottom, 0, "padding_bottom"}, {d.padding_right, 0, "padding_right"},
      {d.dilation_h, 1, "dilation_h"}, {d.dilation_w, 1, "dilation_w"}, {d.groups, 1, "groups"},
  };
  for (const auto& f : fields) require_at_least(f.value, f.least, f.field);
  if (d.c % d.groups != 0) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT,
         "desc.groups: %" PRId64 " does not divide c = %" PRId64, d.groups, d.c);
  }
  if (d.k % d.groups != 0) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT,
         "desc.groups: %" PRId64 " does not divide k = %" PRId64, d.groups, d.k);
  }
}

void check_modes(const sporkle_conv2d_desc& d) {
  constexpr uint32_t known = SPORKLE_CONV2D_BIAS | SPORKLE_CONV2D_RESIDUAL;
  if ((d.flags & ~known) != 0) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.flags: unknown bits 0x%x", d.flags & ~known);
  }
  if (d.activation < SPORKLE_ACTIVATION_NONE || d.activation > SPORKLE_ACTIVATION_CLAMP) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.activation: unknown value %d", d.activation);
  }
  if (d.activation == SPORKLE_ACTIVATION_CLAMP && !(d.clamp_min <= d.clamp_max)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.clamp_min: %g is not at most clamp_max = %g",
         static_cast<double>(d.clamp_min), static_cast<double>(d.clamp_max));
  }
  if (d.reserved != 0) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "desc.reserved: must be 0");
  }
}

// One output extent. Every intermediate is checked: fields are user input.
int64_t output_extent(int64_t in, int64_t before, int64_t after, int64_t dilation, int64_t kernel,
                      int64_t stride, const char* field) {
  int64_t padded, reach;
  if (__builtin_add_overflow(in, before, &padded) ||
      __builtin_add_overflow(padded, after, &padded)) {
    fail(SPORKLE_ERROR_OVERFLOW, "desc.%s: the padded input does not fit 64 bits", field);
  }
  if (__builtin_mul_overflow(dilation, kernel - 1, &reach) ||
      __builtin_add_overflow(reach, int64_t{1}, &reach)) {
    fail(SPORKLE_ERROR_OVERFLOW, "desc.kernel_%s: the dilated kernel does not fit 64 bits", field);
  }
  if (reach > padded) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT,
         "desc.kernel_%s: the dilated kernel spans %" PRId64 ", the padded input only %" PRId64,
         field, reach, padded);
  }
  return (padded - reach) / stride + 1;
}

// Tensor sizes stay below 2^62 bytes, so that sums of a few never wrap.
void check_product(const char* what, std::initializer_list<int64_t> factors, uint64_t scale) {
  uint64_t product = scale;
  for (const int64_t factor : factors) {
    if (__builtin_mul_overflow(product, static_cast<uint64_t>(factor), &product) ||
        product > (uint64_t{1} << 62)) {
      fail(SPORKLE_ERROR_OVERFLOW, "desc: the %s exceeds 2^62", what);
    }
  }
}

}  // namespace

ConvProblem make_problem(const sporkle_conv2d_desc& d) {
  check_fields(d);
  check_modes(d);
  ConvProblem p{};
  p.n = d.n, p.c = d.c, p.h = d.h, p.w = d.w, p.k = d.k;
  p.kernel_h = d.kernel_h, p.kernel_w = d.kernel_w;
  p.stride_h = d.stride_h, p.stride_w = d.stride_w;
  p.pad_top = d.padding_top, p.pad_left = d.padding_left;
  p.pad_bottom = d.padding_bottom, p.pad_right = d.padding_right;
  p.dilation_h = d.dilation_h, p.dilation_w = d.dilation_w;
  p.groups = d.groups;
  p.out_h = output_extent(d.h, d.padding_top, d.padding_bottom, d.dilation_h, d.kernel_h,
                          d.stride_h, "h");
  p.out_w = output_extent(d.w, d.padding_left, d.padding_right, d.dilation_w, d.kernel_w,
                          d.stride_w, "w");
  p.activation = static_cast<Activation>(d.activation);
  if (p.activation == Activation::clamp) {
    p.clamp_min = d.clamp_min;
    p.clamp_max = d.clamp_max;
  }
  p.has_bias = (d.flags & SPORKLE_CONV2D_BIAS) != 0;
  p.has_residual = (d.flags & SPORKLE_CONV2D_RESIDUAL) != 0;
  check_product("input in bytes", {p.n, p.c, p.h, p.w}, 4);
  check_product("weights in bytes", {p.k, p.group_c(), p.kernel_h, p.kernel_w}, 4);
  check_product("output in bytes", {p.n, p.k, p.out_h, p.out_w}, 4);
  check_product("number of FLOPs",
                {p.n, p.k, p.out_h, p.out_w, p.group_c(), p.kernel_h, p.kernel_w}, 2);
  return p;
}

}  // namespace sporkle
