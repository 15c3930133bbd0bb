#include "backends/amdgpu/conv_kernels.h"

#include <bit>
#include <limits>

#include "backends/amdgpu/pm4/conv_class.h"

namespace sporkle::amdgpu {

namespace {

constexpr int64_t most = int64_t{1} << 30;

ConvKernel choose(const ConvProblem& p) {
  switch (pm4::classify(p)) {
    case pm4::ConvClass::pointwise: return ConvKernel::pointwise;
    case pm4::ConvClass::three_by_three:
      return p.stride_h == 1 ? ConvKernel::three_by_three : ConvKernel::three_by_three_stride2;
    case pm4::ConvClass::general: break;
  }
  return ConvKernel::general;
}

const char* size_fault(const ConvProblem& p) {
  constexpr uint64_t most_bytes = uint64_t{4} * most;
  if (p.input_bytes() > most_bytes) return "the input has more than 2^30 elements";
  if (p.weights_bytes() > most_bytes) return "the weights have more than 2^30 elements";
  if (p.output_bytes() > most_bytes) return "the output has more than 2^30 elements";
  const auto too_long = [](int64_t extent, int64_t before, int64_t after) {
    return before > most || after > most || extent + before + after > most;
  };
  if (too_long(p.h, p.pad_top, p.pad_bottom) || too_long(p.w, p.pad_left, p.pad_right)) {
    return "the input with its padding is longer than 2^30 in one direction";
  }
  if (p.stride_h > most || p.stride_w > most || p.dilation_h > most || p.dilation_w > most) {
    return "a stride or dilation above 2^30";
  }
  return nullptr;
}

unsigned flags_of(const ConvProblem& p) {
  unsigned flags = 0;
  if (p.has_bias != 0) flags |= CONV_BIAS;
  if (p.has_residual != 0) flags |= CONV_RESIDUAL;
  return flags;
}

uint32_t tiles(int64_t size, int64_t tile) {
  return static_cast<uint32_t>((size + tile - 1) / tile);
}

ConvShape shape_of(const ConvProblem& p) {
  const auto narrow = [](int64_t value) { return static_cast<int>(value); };
  ConvShape s{};
  s.c = narrow(p.c), s.h = narrow(p.h), s.w = narrow(p.w), s.k = narrow(p.k);
  s.kernel_h = narrow(p.kernel_h), s.kernel_w = narrow(p.kernel_w);
  s.stride_h = narrow(p.stride_h), s.stride_w = narrow(p.stride_w);
  s.pad_top = narrow(p.pad_top), s.pad_left = narrow(p.pad_left);
  s.dilation_h = narrow(p.dilation_h), s.dilation_w = narrow(p.dilation_w);
  s.out_h = narrow(p.out_h), s.out_w = narrow(p.out_w);
  s.group_c = narrow(p.group_c()), s.group_k = narrow(p.group_k());
  s.by_out_w = make_divisor(static_cast<uint32_t>(p.out_w));
  s.flags = flags_of(p);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const bool clamp = p.activation == Activation::clamp;
  s.low = clamp ? p.clamp_min : p.activation == Activation::relu ? 0.0f : -infinity;
  s.high = clamp ? p.clamp_max : infinity;
  return s;
}

// Workgroups, and the tiles that the kernel divides by.
void set_grid(const ConvProblem& p, ConvGrid* out) {
  const auto images = static_cast<uint32_t>(p.n);
  const auto set = [&](uint32_t x, uint32_t y, uint16_t threads, uint32_t divide_by) {
    out->groups[0] = x, out->groups[1] = y, out->groups[2] = images;
    out->threads[0] = threads, out->threads[1] = 1, out->threads[2] = 1;
    out->shape.tiles = static_cast<int>(divide_by);
    out->shape.by_tiles = make_divisor(divide_by);
  };
  const int64_t pixels = p.out_h * p.out_w;
  if (out->kernel == ConvKernel::pointwise) {
    set(tiles(pixels, CONV_1X1_PIXELS), tiles(p.k, CONV_1X1_CHANNELS), CONV_1X1_THREADS, 1);
  } else if (out->kernel == ConvKernel::general) {
    const uint32_t channels = tiles(p.group_k(), CONV_GENERAL_CHANNELS);
    set(tiles(pixels, CONV_GENERAL_THREADS), channels * static_cast<uint32_t>(p.groups),
        CONV_GENERAL_THREADS, channels);
  } else {
    const uint32_t across = tiles(p.out_w, CONV_3X3_SIDE);
    set(across * tiles(p.out_h, CONV_3X3_SIDE), tiles(p.k, CONV_3X3_CHANNELS), CONV_3X3_THREADS,
        across);
  }
}

const char* name_of(ConvKernel kernel) {
  switch (kernel) {
    case ConvKernel::pointwise: return "conv2d_1x1";
    case ConvKernel::three_by_three: return "conv2d_3x3";
    case ConvKernel::three_by_three_stride2: return "conv2d_3x3_stride2";
    case ConvKernel::general: break;
  }
  return "conv2d_general";
}

}  // namespace

ConvDivisor make_divisor(uint32_t value) {
  const unsigned shift = 31 + static_cast<unsigned>(std::bit_width(value - 1));
  return {static_cast<unsigned>((uint64_t{1} << shift) / value + 1), shift};
}

bool plan_conv(const ConvProblem& problem, ConvGrid* out, Reason* why) {
  if (const char* fault = size_fault(problem)) {
    why->set("problem: %s", fault);
    return false;
  }
  out->kernel = choose(problem);
  out->name = name_of(out->kernel);
  out->shape = shape_of(problem);
  set_grid(problem, out);
  return true;
}

}  // namespace sporkle::amdgpu
