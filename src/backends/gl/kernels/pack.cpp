// Weights and bias into Tensor::packed. Layout: slabs of weights [slab][depth][block_m],
// then bias [slab][block_m] at bias_offset, then the tap table of itable at table_offset;
// everything padded with zeros. docs/gl_kernels.md gives the order of `depth` per family.
#include <algorithm>
#include <cstring>

#include "backends/gl/kernels/geometry.h"

namespace sporkle::gl {
namespace {

// Memory that may be write-combined: bytes go out through memcpy, none come back.
class Writer {
 public:
  explicit Writer(std::byte* out) : out_(out) {}
  void put(uint64_t index, float value) { std::memcpy(out_ + 4 * index, &value, 4); }
  void zero(uint64_t begin, uint64_t end) {
    if (end > begin) std::memset(out_ + begin, 0, end - begin);
  }

 private:
  std::byte* out_;
};

struct Job {
  const Variant* variant;
  const ConvProblem* problem;
  const float* weights;
  std::byte* out;
  int64_t slabs_per_group, depth;

  int64_t taps() const { return problem->kernel_h * problem->kernel_w; }
};

// Where weight `source` of an output channel goes. Sources beyond the channel's weights
// stand for the padding.
int64_t row_of(const Job& job, int64_t source) {
  const Family family = job.variant->family;
  if (family != Family::igemm && family != Family::pgemm && family != Family::spread) return source;
  const int64_t padded = round_up(job.problem->group_c(), job.variant->block_k);
  return source % job.taps() * padded + source / job.taps();
}

void pack_slab(void* data, uint32_t index) {
  const Job& job = *static_cast<const Job*>(data);
  const int64_t block_m = job.variant->block_m;
  const int64_t group_k = job.problem->group_k();
  const int64_t per_channel = job.problem->group_c() * job.taps();
  const int64_t group = index / job.slabs_per_group;
  const int64_t first = index % job.slabs_per_group * block_m;
  const float* weights = job.weights + (group * group_k + first) * per_channel;
  Writer out(job.out + 4ull * index * job.depth * block_m);
  // In the order of the weights: each cache line of them is used up before the next.
  for (int64_t source = 0; source < job.depth; ++source) {
    const int64_t row = row_of(job, source);
    for (int64_t m = 0; m < block_m; ++m) {
      const bool padding = source >= per_channel || first + m >= group_k;
      out.put(row * block_m + m, padding ? 0.0f : weights[m * per_channel + source]);
    }
  }
}

void pack_bias(const Job& job, const float* bias, std::byte* out) {
  const int64_t block_m = job.variant->block_m;
  const int64_t group_k = job.problem->group_k();
  Writer writer(out);
  for (int64_t slab = 0; slab < job.problem->groups * job.slabs_per_group; ++slab) {
    const int64_t first = slab % job.slabs_per_group * block_m;
    const float* source = bias + slab / job.slabs_per_group * group_k + first;
    for (int64_t m = 0; m < block_m; ++m)
      writer.put(slab * block_m + m, first + m < group_k ? source[m] : 0.0f);
  }
}

// Per row of depth: element offset, vertical and horizontal offset of the tap. Rows of
// padding lie outside every image.
void pack_table(const Job& job, std::byte* out) {
  const ConvProblem& p = *job.problem;
  for (int64_t row = 0; row < job.depth; ++row) {
    int32_t entry[4] = {0, 1 << 30, 1 << 30, 0};
    if (row < p.group_c() * job.taps()) {
      const int64_t dy = row / p.kernel_w % p.kernel_h * p.dilation_h;
      const int64_t dx = row % p.kernel_w * p.dilation_w;
      const int64_t channel = row / job.taps();
      // Offsets wrap like the shader's arithmetic; valid sums are in range again.
      entry[0] = static_cast<int32_t>(channel * p.h * p.w + dy * p.w + dx);
      entry[1] = static_cast<int32_t>(dy);
      entry[2] = static_cast<int32_t>(dx);
    }
    std::memcpy(out + 16 * row, entry, sizeof entry);
  }
}

}  // namespace

void pack_weights(const Recipe& recipe, const ConvProblem& problem, const float* weights,
                  const float* bias, std::byte* out, ParallelFor* parallel) {
  const Variant& v = recipe.variant;
  Job job{&v, &problem, weights, out, ceil_div(problem.group_k(), v.block_m),
          packed_depth(v, problem)};
  const int64_t tasks = problem.groups * job.slabs_per_group;
  if (parallel) {
    parallel->run(static_cast<uint32_t>(tasks), pack_slab, &job);
  } else {
    for (int64_t i = 0; i < tasks; ++i) pack_slab(&job, static_cast<uint32_t>(i));
  }
  Writer writer(out);
  uint64_t end = 4ull * tasks * job.depth * v.block_m;
  writer.zero(end, recipe.bias_offset);
  end = recipe.bias_offset;
  if (bias) {
    pack_bias(job, bias, out + end);
    end += 4ull * problem.groups * job.slabs_per_group * v.block_m;
  }
  writer.zero(end, std::min(recipe.table_offset, recipe.packed_bytes));
  end = std::max(end, recipe.table_offset);
  if (v.family == Family::itable) {
    pack_table(job, out + recipe.table_offset);
    end += 16ull * job.depth;
  }
  writer.zero(end, recipe.packed_bytes);
}

std::pmr::vector<std::byte> tap_table(const Recipe& recipe, const ConvProblem& problem,
                                      std::pmr::memory_resource* memory) {
  std::pmr::vector<std::byte> table(memory);
  const Variant& v = recipe.variant;
  if (v.family != Family::itable) return table;
  const Job job{&v, &problem, nullptr, nullptr, ceil_div(problem.group_k(), v.block_m),
                packed_depth(v, problem)};
  table.resize(16 * static_cast<size_t>(job.depth));
  pack_table(job, table.data());
  return table;
}

}  // namespace sporkle::gl
