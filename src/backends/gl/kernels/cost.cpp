#include "backends/gl/kernels/cost.h"

#include <algorithm>
#include <cmath>

namespace sporkle::gl {
namespace {

constexpr double dispatch_us = 3.4;           // dispatch and barrier
constexpr double reduce_us = 1.5;             // latency of the reduction of a split
constexpr double split_us = 0.2;              // more of it per split
constexpr double unit_flops_per_us = 5.07e5;  // 128 lanes, multiply-add, 1.98 GHz
constexpr double memory_bytes_per_us = 3.0e6;
constexpr double cache_bytes_per_us = 5.0e6;
constexpr double cache_bytes = 40e6;
constexpr double unit_registers = 65536;

double traffic_us(double bytes) {
  return bytes / (bytes < cache_bytes ? cache_bytes_per_us : memory_bytes_per_us);
}

// The loop of the gemm shader: tiles of one or two warps and low ones reach less. What pgemm
// spends on gathering pixels is shared by the channels of its tile.
double quad_efficiency(const Variant& v) {
  const int outputs = v.thread_m * v.thread_n;
  const double gathers = v.family != Family::pgemm ? 1.0 : v.block_m > 64 ? 0.96 : 0.93;
  const double low = v.block_m >= 64 ? 1.0 : v.family == Family::pgemm ? 0.62 : 0.82;
  const double warps = thread_count(v) <= 64 ? 0.93 : 1.0;
  const double loop = outputs >= 64 ? 0.63 : outputs >= 32 ? 0.55 : 0.50;
  return loop * gathers * low * warps;
}

// Share of a unit's peak that the inner loop reaches when the unit is full.
double efficiency(const Variant& v, const ConvProblem& p, const Geometry& g) {
  const int outputs = v.thread_m * v.thread_n;
  switch (v.family) {
    case Family::gemm:
    case Family::pgemm:
    case Family::fourier:
    case Family::winograd: return quad_efficiency(v);
    case Family::fused: return 0.35;
    case Family::depthwise: return 0.35;
    case Family::igemm:
      if (thread_count(v) > 128) return 0.50;
      return outputs >= 32 ? 0.57 : 0.55;
    case Family::itable: return 0.28;
    case Family::spread: return 0.20;
    case Family::stem:
      if (g.stage < p.c) return 0.56;
      return outputs < 32 ? 0.41 : 0.50;
    case Family::direct: break;
  }
  return outputs >= 32 ? 0.12 : outputs >= 16 ? 0.08 : outputs >= 8 ? 0.14
         : outputs >= 4 ? 0.035 : 0.015;
}

// The time of a chain of dependent steps, however idle the unit is.
double chain_us(const Variant& v, const ConvProblem& p, const Geometry& g) {
  const double depth = static_cast<double>(g.depth) / v.splits;
  if (v.family == Family::stem) return 0.5 * static_cast<double>(p.c / g.stage) + 0.04 * depth;
  const double step = v.family == Family::igemm || v.family == Family::itable ? 0.30 : 0.25;
  return depth / v.block_k * (step + 0.016 * v.block_k);
}

// Warps of a spread workgroup issue loads and multiply-adds in turn; a chain of unrolled
// steps, each as long as its loads take. Much shared memory leaves few workgroups per unit.
double spread_us(const Variant& v, const Geometry& g, double units, double tiles) {
  const double chain = std::ceil(static_cast<double>(g.blocks) / v.steps);
  const double loads = v.thread_n + v.block_m / 4.0;
  const double crowded = 4 * v.steps * v.block_m * v.block_n >= 32768 ? 1.5 : 1.0;
  const double cycles =
      crowded * (2.7 * loads + v.block_m * v.thread_n / 2.0 + 16.0 / v.block_k);
  const double groups = tiles * static_cast<double>(g.total_slabs());
  const double work =
      std::ceil(groups / units) * v.steps * chain * v.block_k * cycles / 1980.0;
  const double step_us = 0.3 + 0.105 * v.block_k * (v.thread_n > 2 ? 1.9 : 1.0);
  return 0.8 * (1.0 + std::max(work, chain * step_us));
}

// A workgroup of fused transforms its inputs and outputs as well.
double fused_us(const Variant& v, const Geometry& g, double units, double tiles) {
  const double rounds = tiles * static_cast<double>(g.slabs_per_group) / units;
  const double filled = std::max(1.0, rounds + 0.5 * (std::ceil(rounds) - rounds));
  const double flops = 2.0 * fused_positions * v.block_m * v.block_n * static_cast<double>(g.depth);
  return filled * (4.2 * v.block_m * v.block_n / 1024.0 + flops / (unit_flops_per_us * 0.35)) + 2.0;
}

// The multiplying dispatches: whole workgroups on whole units, never faster than the
// latency of a chain of steps allows.
double product_us(const Variant& v, const ConvProblem& p, const Geometry& g, double units,
                  double tiles) {
  if (v.family == Family::spread) return spread_us(v, g, units, tiles);
  if (v.family == Family::fused) return fused_us(v, g, units, tiles);
  const double groups = tiles * static_cast<double>(g.total_slabs()) * v.splits;
  const double depth = static_cast<double>(g.depth) / v.splits;
  const double flops = 2.0 * v.block_m * v.block_n * depth;
  const double rounds = groups / units;
  const double filled = std::max(1.0, rounds + 0.5 * (std::ceil(rounds) - rounds));
  const double rate = unit_flops_per_us * efficiency(v, p, g);
  // One small workgroup alone leaves most of a unit idle.
  const double share = std::min(1.0, thread_count(v) * std::ceil(rounds) / 256.0);
  return std::max(filled * flops / (rate * share), chain_us(v, p, g));
}

// What products that take one tap after the other, and all channels of each, read of the input:
// where the rows that the resident workgroups work on do not fit into the cache, each tap
// fetches them anew, whole lines of every stride-th row.
double taps_us(const Variant& v, const ConvProblem& p, double units, double input) {
  const bool by_taps =
      v.family == Family::igemm || v.family == Family::pgemm || v.family == Family::spread;
  const double outputs = v.thread_m * v.thread_n;
  const double threads = unit_registers / (40.0 + 1.4 * outputs);
  const double pixels = units * threads / thread_count(v) * v.block_n;
  const double rows = pixels * static_cast<double>(p.stride_w * p.group_c()) * 4.0 / v.splits;
  if (!by_taps || std::min(rows, input) < cache_bytes) return 0;
  const double fetches = static_cast<double>(p.kernel_h * p.kernel_w) / static_cast<double>(p.stride_h);
  return fetches * static_cast<double>(p.input_bytes()) / memory_bytes_per_us;
}

double pixel_tiles(const Variant& v, const ConvProblem& p, const Geometry& g) {
  const int64_t tiles = p.n * g.tiles_y * g.tiles_x;
  if (v.family == Family::stem) return static_cast<double>(tiles);
  if (v.family == Family::depthwise) return static_cast<double>(ceil_div(tiles, thread_count(v)));
  const bool counts_tiles = is_transformed(v.family) || v.family == Family::fused;
  const int64_t columns = counts_tiles ? tiles : p.n * p.out_h * p.out_w;
  return static_cast<double>(ceil_div(columns, v.block_n));
}

// llvmpipe on two cores: GFLOP/s of work done, padding included, and milliseconds to
// translate the shaders at the first call, of which a fiftieth is charged to each call.
double software_us(const Variant& v, const ConvProblem& p, const Geometry& g) {
  const int outputs = v.thread_m * v.thread_n;
  double rate = 1.0, translate_ms = 150;
  switch (v.family) {
    case Family::gemm:
    case Family::pgemm:
    case Family::fused:
    case Family::winograd: rate = outputs >= 64 ? 8 : 5; translate_ms = 250; break;
    case Family::fourier: rate = outputs >= 64 ? 8 : 5; translate_ms = 4000; break;
    case Family::depthwise: rate = 3; break;
    case Family::igemm: rate = outputs >= 32 ? 4.3 : 3; translate_ms = 700; break;
    case Family::itable: rate = 2.3; translate_ms = 700; break;
    case Family::stem: rate = 4; translate_ms = 150; break;
    case Family::spread: rate = 2; break;
    case Family::direct: rate = outputs >= 32 ? 3 : outputs >= 8 ? 1.2 : 0.4; break;
  }
  const double work = 2.0 * v.block_m * v.block_n * static_cast<double>(g.depth);
  const double groups = pixel_tiles(v, p, g) * static_cast<double>(g.total_slabs());
  return groups * work / (rate * 1e3) + 20 * translate_ms + 200.0 * v.splits;
}

}  // namespace

double predicted_us(const Variant& v, const ConvProblem& p, const Limits& limits) noexcept {
  Geometry g;
  if (!make_geometry(v, p, limits, &g, nullptr)) return INFINITY;
  if (limits.vendor == Vendor::software) return software_us(v, p, g);
  const double units = limits.compute_units ? limits.compute_units : 64;
  // Rows that no tap of a large stride touches are not read.
  const int64_t rows_read = std::min(p.stride_h, (p.kernel_h - 1) * p.dilation_h + 1);
  const double input = static_cast<double>(p.input_bytes()) * static_cast<double>(rows_read) /
                       static_cast<double>(p.stride_h);
  const double output = static_cast<double>(p.output_bytes());
  const double chunks = static_cast<double>(ceil_div(p.n, g.images));
  const double product = std::max(product_us(v, p, g, units, pixel_tiles(v, p, g)),
                                  taps_us(v, p, units, input));
  if (is_transformed(v.family)) {
    const double tiles = 4.0 * static_cast<double>(p.n * g.tiles_y * g.tiles_x * g.groups);
    const double in = tiles * static_cast<double>(g.rows);
    const double out = tiles * static_cast<double>(p.k * v.splits);
    const auto weights = static_cast<double>(g.packed_bytes);
    // How far the transforms stay behind the memory; those of fourier gain nothing from a cache.
    const double transforms = v.family == Family::fourier
                                  ? (2.0 * (input + in) + 2.3 * (out + output)) / memory_bytes_per_us
                                  : 1.25 * (traffic_us(input + in) + traffic_us(out + output));
    return transforms + std::max(product, traffic_us(in + out + weights)) +
           3 * dispatch_us * chunks;
  }
  if (v.splits == 1)
    return std::max(product, traffic_us(input + output)) + dispatch_us * chunks;
  return std::max(product, traffic_us(input)) + traffic_us(output * (v.splits + 1)) +
         (2 * dispatch_us + reduce_us + split_us * v.splits) * chunks;
}

}  // namespace sporkle::gl
