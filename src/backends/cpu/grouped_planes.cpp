// Small planes in groups of few channels, depthwise above all: so little work per group that
// what surrounds it counts. Lanes are pixels of the whole padded plane, rows included; where
// its rows lie is worked out once for the plan, and several groups go through each step together.
#include <algorithm>
#include <vector>

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/geometry.h"
#include "backends/cpu/schedule.h"
#include "backends/cpu/workspace.h"
#include "base/memory.h"

namespace sporkle::cpu {

namespace {

// Padded planes and sums of the groups that go together, in half of a level-1 cache.
constexpr ptrdiff_t together_floats = 16 * 1024 / 4;
// Beyond these the other kernels are as fast or faster.
constexpr int64_t plane_most = 2048, group_channels_most = 16;

class GroupedPlanesPlan final : public ConvPlan {
 public:
  GroupedPlanesPlan(const PlanRequest& request, const char* algorithm);

  const char* algorithm() const noexcept override { return algorithm_; }
  uint64_t packed_bytes() const noexcept override { return weights_.size() + bias_.size(); }
  uint64_t workspace_bytes() const noexcept override {
    return TaskBlocks::bytes(threads_, task_floats() * sizeof(float));
  }
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  ptrdiff_t slab_floats() const noexcept {
    return together_ * problem().group_c() * geometry_.channel_floats() + tile_;
  }
  ptrdiff_t task_floats() const noexcept {
    return slab_floats() + together_ * problem().group_k() * sums_row_ + tile_;
  }
  ptrdiff_t block_begin(ptrdiff_t block) const noexcept {
    return block * problem().group_k() / blocks_;
  }

  void find_rows();
  void pack_weights(const float* weights);
  void run(const HostTensors& tensors, int64_t batch, float* slab) const noexcept;
  void sum_group(int64_t group, const float* slab, float* sums) const noexcept;

  const char* algorithm_;
  const Kernels& kernels_;
  uint32_t threads_;
  Geometry geometry_;
  ptrdiff_t blocks_;  // of the output channels of a group
  ptrdiff_t tile_, positions_, sums_row_;
  ptrdiff_t together_, batches_;  // groups of a batch; batches of an image
  std::pmr::vector<RowCopy> copies_;
  std::pmr::vector<Segment> segments_;
  AlignedBlock weights_, bias_;
};

GroupedPlanesPlan::GroupedPlanesPlan(const PlanRequest& request, const char* algorithm)
    : ConvPlan(request.problem),
      algorithm_(algorithm),
      kernels_(request.kernels),
      threads_(request.threads),
      geometry_(request.problem, request.memory),
      blocks_(divide_up(request.problem.group_k(), kernels_.pixel_rows)),
      copies_(request.memory),
      segments_(request.memory),
      weights_(request.memory, request.problem.weights_bytes()),
      bias_(request.memory, request.problem.bias_bytes()) {
  const ConvProblem& p = request.problem;
  geometry_.set_block(p.out_h, p.out_w);
  positions_ = (p.out_h - 1) * geometry_.pitch() + p.out_w;
  const auto rows = static_cast<int>(divide_up(p.group_k(), blocks_));
  tile_ = pixel_vectors(kernels_, rows) * kernels_.lanes;
  sums_row_ = divide_up(positions_, kernels_.lanes) * kernels_.lanes;
  const ptrdiff_t group_floats = p.group_c() * geometry_.channel_floats() + p.group_k() * sums_row_;
  const ptrdiff_t fitting = std::clamp<ptrdiff_t>(together_floats / group_floats, 1, p.groups);
  batches_ = divide_up(p.groups, fitting);
  together_ = divide_up(p.groups, batches_);
  batches_ = divide_up(p.groups, together_);
  find_rows();
  pack_weights(request.weights);
  if (request.bias != nullptr) std::copy_n(request.bias, p.k, bias_.floats());
}

// Every run of a padded plane that is inside the input, and every row of the output.
void GroupedPlanesPlan::find_rows() {
  const ConvProblem& p = problem();
  const PackArgs args = geometry_.pack_args(nullptr, 1, 0, 0, nullptr);
  ptrdiff_t plane = 0;
  for (ptrdiff_t i = 0; i < args.row_phase_count; ++i) {
    for (ptrdiff_t j = 0; j < args.column_phase_count; ++j, plane += args.rows * args.columns) {
      const ptrdiff_t first = args.column_phases[j];
      const ptrdiff_t begin = first >= 0 ? 0 : divide_up(-first, p.stride_w);
      const ptrdiff_t inside = first >= p.w ? 0 : (p.w - first - 1) / p.stride_w + 1;
      const ptrdiff_t end = std::min(inside, args.columns);
      for (ptrdiff_t y = 0; y < args.rows && begin < end; ++y) {
        const ptrdiff_t row = y * p.stride_h + args.row_phases[i];
        if (row < 0 || row >= p.h) continue;
        copies_.push_back({row * p.w + first + begin * p.stride_w,
                           plane + y * args.columns + begin, end - begin});
      }
    }
  }
  for (ptrdiff_t y = 0; y < p.out_h; ++y) {
    segments_.push_back({y * geometry_.pitch(), y * p.out_w, p.out_w});
  }
}

void GroupedPlanesPlan::pack_weights(const float* weights) {
  const ConvProblem& p = problem();
  const ptrdiff_t products = p.group_c() * p.kernel_h * p.kernel_w;
  float* out = weights_.floats();
  for (ptrdiff_t group = 0; group < p.groups; ++group) {
    for (ptrdiff_t block = 0; block < blocks_; ++block) {
      const ptrdiff_t begin = group * p.group_k() + block_begin(block);
      const ptrdiff_t rows = block_begin(block + 1) - block_begin(block);
      for (ptrdiff_t i = 0; i < products; ++i) {
        for (ptrdiff_t r = 0; r < rows; ++r) *out++ = weights[(begin + r) * products + i];
      }
    }
  }
}

void GroupedPlanesPlan::execute(const HostTensors& tensors, ParallelFor& parallel,
                                void* workspace) const noexcept {
  TaskBlocks blocks(workspace, threads_, task_floats() * sizeof(float));
  ParallelFor* pool = threads_for(kernels_, problem().flops(), parallel);
  for_ranges(pool, problem().n * batches_, 16, [&](int64_t first, int64_t last) {
    const TaskBlock block(blocks);
    // What is outside the input stays zero from batch to batch.
    std::fill_n(block.floats(), slab_floats(), 0.0f);
    for (int64_t i = first; i < last; ++i) run(tensors, i, block.floats());
  });
}

void GroupedPlanesPlan::run(const HostTensors& tensors, int64_t batch,
                            float* slab) const noexcept {
  const ConvProblem& p = problem();
  const int64_t image = batch / batches_, first = batch % batches_ * together_;
  const int64_t groups = std::min<int64_t>(together_, p.groups - first);
  const int64_t channel = image * p.c + first * p.group_c();
  kernels_.copy_rows({tensors.input + channel * p.h * p.w, groups * p.group_c(), p.h * p.w,
                      copies_.data(), static_cast<ptrdiff_t>(copies_.size()), p.stride_w, slab,
                      geometry_.channel_floats()});
  float* const sums = slab + slab_floats();
  for (int64_t g = 0; g < groups; ++g) {
    sum_group(first + g, slab + g * p.group_c() * geometry_.channel_floats(),
              sums + g * p.group_k() * sums_row_);
  }
  const int64_t k = first * p.group_k(), plane = p.out_h * p.out_w;
  const int64_t at = (image * p.k + k) * plane;
  FinishArgs args{};
  args.acc = sums;
  args.acc_row = sums_row_;
  args.rows = groups * p.group_k();
  args.segments = segments_.data();
  args.segment_count = static_cast<ptrdiff_t>(segments_.size());
  args.bias = p.has_bias ? bias_.floats() + k : nullptr;
  args.residual = tensors.residual == nullptr ? nullptr : tensors.residual + at;
  args.output = tensors.output + at;
  args.plane = plane;
  set_activation(p, &args);
  kernels_.finish(args);
}

void GroupedPlanesPlan::sum_group(int64_t group, const float* slab, float* sums) const noexcept {
  const ConvProblem& p = problem();
  TileArgs args{};
  args.taps = geometry_.taps().data();
  args.tap_count = p.kernel_h * p.kernel_w;
  args.channels = p.group_c();
  args.x_channel = geometry_.channel_floats();
  args.acc_row = sums_row_;
  for (ptrdiff_t block = 0; block < blocks_; ++block) {
    const ptrdiff_t begin = block_begin(block), rows = block_begin(block + 1) - begin;
    args.w = weights_.floats() + (group * p.group_k() + begin) * p.group_c() * args.tap_count;
    args.w_channel = rows * args.tap_count;
    for (ptrdiff_t at = 0; at < positions_; at += tile_) {
      args.x = slab + at;
      args.acc = sums + begin * sums_row_ + at;
      const ptrdiff_t vectors = divide_up(std::min(tile_, positions_ - at), kernels_.lanes);
      kernels_.pixel_tile[rows][vectors](args);
    }
  }
}

// Floats of the padded planes of a channel, roughly.
double plane_floats(const ConvProblem& p) noexcept {
  const auto extent = [](int64_t out, int64_t kernel, int64_t stride, int64_t dilation) {
    const auto reach = static_cast<double>(kernel - 1) * static_cast<double>(dilation);
    return static_cast<double>(std::min(kernel, stride)) *
           (static_cast<double>(out) + reach / static_cast<double>(stride) + 1);
  };
  return extent(p.out_h, p.kernel_h, p.stride_h, p.dilation_h) *
         extent(p.out_w, p.kernel_w, p.stride_w, p.dilation_w);
}

bool can(const PlanRequest& request, Reason* reason) noexcept {
  const ConvProblem& p = request.problem;
  if (p.groups == 1 || p.group_c() > group_channels_most || p.group_k() > group_channels_most) {
    reason->set("only groups of at most %d channels", static_cast<int>(group_channels_most));
    return false;
  }
  if (plane_floats(p) > static_cast<double>(plane_most)) {
    reason->set("only small planes");
    return false;
  }
  return padded_copy_usable(request, reason);
}

// Lanes are lost between rows and behind the last pixel.
double cost(const PlanRequest& request, int64_t) noexcept {
  const ConvProblem& p = request.problem;
  const int64_t pitch = p.out_w + (p.kernel_w - 1) * p.dilation_w / p.stride_w;
  const int64_t lanes = request.kernels.lanes;
  const auto computed = static_cast<double>(
      divide_up((p.out_h - 1) * pitch + p.out_w, lanes) * lanes);
  return products(p) * computed / static_cast<double>(p.out_h * p.out_w) +
         0.5 * copy_cost * static_cast<double>(p.c * p.h * p.w);
}

std::shared_ptr<ConvPlan> create(const PlanRequest& request, const char* algorithm) {
  return make_shared_in<GroupedPlanesPlan>(request.memory, request, algorithm);
}

}  // namespace

const Implementation grouped_planes = {"grouped_planes", can, cost, create};

}  // namespace sporkle::cpu
