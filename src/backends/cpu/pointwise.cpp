// A 1x1 kernel without stride and padding: a product of matrices. Lanes are
// pixels. Some tiles of pixels are copied to panels, [tile][channel][pixel] in the
// level-2 cache; then each block of output channels goes through all of them, so
// that its outputs are written as a few long runs. (Tile by tile, 48 pixels at a
// time in every output plane, 64 to 256 channels at 56x56 ran at 0.7 of the speed
// as soon as the outputs did not fit the caches.)
#include <algorithm>

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/geometry.h"
#include "backends/cpu/schedule.h"
#include "backends/cpu/workspace.h"
#include "base/memory.h"

namespace sporkle::cpu {

namespace {

// Part of the level-2 cache for panels; in bytes and compared with floats.
constexpr ptrdiff_t panels_cache_part = 4 * sizeof(float);
// Input channels summed at a time.
constexpr ptrdiff_t step_most = 512;
constexpr ptrdiff_t line = 16;  // floats
// Tasks per thread that even out the threads.
constexpr ptrdiff_t tasks_each = 4;

class PointwisePlan final : public ConvPlan {
 public:
  PointwisePlan(const PlanRequest& request, const char* algorithm);

  const char* algorithm() const noexcept override { return algorithm_; }
  uint64_t packed_bytes() const noexcept override { return weights_.size() + bias_.size(); }
  uint64_t workspace_bytes() const noexcept override {
    return TaskBlocks::bytes(threads_, sizeof(float) * (panel_floats() + sums_floats()));
  }
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  // Tiles of one image and group, and a part of its blocks of output channels.
  struct Task {
    ptrdiff_t image, group, first_tile, last_tile, first_block, last_block;
  };
  // Channels of one image from some pixel on.
  struct Input {
    const float* from;  // null: none
    ptrdiff_t channels, columns;
  };
  // Lines of every channel that a tile fetches for later.
  struct Lines {
    const float* from;
    ptrdiff_t count;
  };
  struct Run {
    const HostTensors& tensors;
    const Task& task;
    float* panels;
    float* sums;
  };
  struct Step {
    ptrdiff_t first_channel;
    Input input;
    bool last;
    Input next;  // what the step after this one copies
  };

  void choose_tasks(ptrdiff_t cache);
  void pack_weights(const float* weights);
  ptrdiff_t plane() const noexcept { return flat_.w; }
  ptrdiff_t tiles() const noexcept { return divide_up(plane(), tile_); }
  ptrdiff_t task_tiles() const noexcept { return divide_up(tiles(), parts_); }
  ptrdiff_t steps() const noexcept { return divide_up(flat_.group_c(), step_channels_); }
  ptrdiff_t block_begin(ptrdiff_t block) const noexcept {
    return block * flat_.group_k() / blocks_;
  }
  // Pixels of the tile that the copying kernel for these rows takes.
  ptrdiff_t copying_tile(ptrdiff_t rows) const noexcept {
    return pixel_vectors(kernels_, static_cast<int>(rows)) * kernels_.lanes;
  }
  ptrdiff_t panel_floats() const noexcept { return task_tiles() * step_channels_ * tile_; }
  // Without steps only what a tile that is not full leaves.
  ptrdiff_t sums_floats() const noexcept {
    const ptrdiff_t held = steps() == 1 ? 1 : task_tiles() * divide_up(blocks_, split_);
    return held * rows_ * tile_ + kernels_.lanes;
  }

  Task task(int64_t index) const noexcept;
  Input input_of(const HostTensors& tensors, const Task& task, ptrdiff_t step) const noexcept;
  void run_task(const Run& run, const Input& next_task) const noexcept;
  void run_step(const Run& run, const Step& step) const noexcept;
  void run_tile(const Run& run, const Step& step, ptrdiff_t block, ptrdiff_t tile,
                const Lines& ahead) const noexcept;

  const char* algorithm_;
  const Kernels& kernels_;
  uint32_t threads_;
  ConvProblem flat_;
  ptrdiff_t blocks_, rows_, tile_;  // channel blocks of a group, their rows, pixels of a tile
  ptrdiff_t step_channels_;
  ptrdiff_t parts_ = 1;          // of a plane's tiles
  ptrdiff_t split_ = 1;          // of a group's channel blocks
  AlignedBlock weights_, bias_;  // weights: [group][block][channel][row]
};

PointwisePlan::PointwisePlan(const PlanRequest& request, const char* algorithm)
    : ConvPlan(request.problem),
      algorithm_(algorithm),
      kernels_(request.kernels),
      threads_(request.threads),
      flat_(flattened(request.problem)),
      blocks_(divide_up(flat_.group_k(), kernels_.pixel_rows)),
      rows_(divide_up(flat_.group_k(), blocks_)),
      tile_(pixel_vectors(kernels_, static_cast<int>(rows_)) * kernels_.lanes),
      step_channels_(divide_up(flat_.group_c(), divide_up(flat_.group_c(), step_most))),
      weights_(request.memory, flat_.weights_bytes()),
      bias_(request.memory, flat_.bias_bytes()) {
  choose_tasks(static_cast<ptrdiff_t>(request.level2_bytes));
  pack_weights(request.weights);
  if (request.bias != nullptr) std::copy_n(request.bias, flat_.k, bias_.floats());
}

void PointwisePlan::choose_tasks(ptrdiff_t cache) {
  const ptrdiff_t fitting =
      std::max<ptrdiff_t>(cache / panels_cache_part / (step_channels_ * tile_), 1);
  parts_ = divide_up(tiles(), fitting);
  if (threads_ == 1) return;
  // As many for each thread, none less than a tile.
  const ptrdiff_t threads = threads_, planes = flat_.n * flat_.groups;
  parts_ = std::max(parts_, divide_up(tasks_each * threads, planes));
  while (parts_ * planes % threads != 0) ++parts_;
  parts_ = std::min(parts_, tiles());
  if (parts_ * planes < tasks_each * threads) {
    split_ = std::min(divide_up(tasks_each * threads, parts_ * planes), blocks_);
  }
}

void PointwisePlan::pack_weights(const float* weights) {
  const ptrdiff_t channels = flat_.group_c();
  float* out = weights_.floats();
  for (ptrdiff_t group = 0; group < flat_.groups; ++group) {
    for (ptrdiff_t block = 0; block < blocks_; ++block) {
      const ptrdiff_t begin = group * flat_.group_k() + block_begin(block);
      const ptrdiff_t rows = block_begin(block + 1) - block_begin(block);
      for (ptrdiff_t c = 0; c < channels; ++c) {
        for (ptrdiff_t r = 0; r < rows; ++r) *out++ = weights[(begin + r) * channels + c];
      }
    }
  }
}

PointwisePlan::Task PointwisePlan::task(int64_t index) const noexcept {
  Task t{};
  const ptrdiff_t share = index % split_;
  index /= split_;
  const ptrdiff_t part = index % parts_;
  index /= parts_;
  t.group = index % flat_.groups;
  t.image = index / flat_.groups;
  t.first_tile = part * tiles() / parts_;
  t.last_tile = (part + 1) * tiles() / parts_;
  t.first_block = share * blocks_ / split_;
  t.last_block = (share + 1) * blocks_ / split_;
  return t;
}

void PointwisePlan::execute(const HostTensors& tensors, ParallelFor& parallel,
                            void* workspace) const noexcept {
  TaskBlocks blocks(workspace, threads_, sizeof(float) * (panel_floats() + sums_floats()));
  ParallelFor* pool = threads_for(kernels_, flat_.flops(), parallel);
  const int64_t count = flat_.n * flat_.groups * parts_ * split_;
  for_ranges(pool, count, 16, [&](int64_t first, int64_t last) {
    const TaskBlock block(blocks);
    for (int64_t i = first; i < last; ++i) {
      const Task t = task(i);
      run_task({tensors, t, block.floats(), block.floats() + panel_floats()},
               i + 1 < count ? input_of(tensors, task(i + 1), 0) : Input{});
    }
  });
}

PointwisePlan::Input PointwisePlan::input_of(const HostTensors& tensors, const Task& t,
                                             ptrdiff_t step) const noexcept {
  const ptrdiff_t first = step * step_channels_;
  const ptrdiff_t channel = t.image * flat_.c + t.group * flat_.group_c() + first;
  const ptrdiff_t pixel = t.first_tile * tile_;
  return {tensors.input + channel * plane() + pixel,
          std::min<ptrdiff_t>(step_channels_, flat_.group_c() - first),
          std::min(t.last_tile * tile_, plane()) - pixel};
}

void PointwisePlan::run_task(const Run& run, const Input& next_task) const noexcept {
  for (ptrdiff_t s = 0; s < steps(); ++s) {
    const Input input = input_of(run.tensors, run.task, s);
    const bool last = s + 1 == steps();
    run_step(run, {s * step_channels_, input, last,
                   last ? next_task : input_of(run.tensors, run.task, s + 1)});
  }
}

void PointwisePlan::run_step(const Run& run, const Step& step) const noexcept {
  const Task& t = run.task;
  const ptrdiff_t count = t.last_tile - t.first_tile;
  const ptrdiff_t all = count * (t.last_block - t.first_block);
  // The tiles share the lines of the next input.
  const ptrdiff_t lines = step.next.from == nullptr ? 0 : divide_up(step.next.columns, line);
  ptrdiff_t begin = 0, done = 0;
  for (ptrdiff_t block = t.first_block; block < t.last_block; ++block) {
    for (ptrdiff_t tile = 0; tile < count; ++tile) {
      const ptrdiff_t end = ++done * lines / all;
      run_tile(run, step, block, tile, {step.next.from + begin * line, end - begin});
      begin = end;
    }
  }
}

void PointwisePlan::run_tile(const Run& run, const Step& step, ptrdiff_t block,
                             ptrdiff_t tile, const Lines& ahead) const noexcept {
  const Task& t = run.task;
  const ptrdiff_t pixel = (t.first_tile + tile) * tile_;
  const ptrdiff_t count = std::min(tile_, plane() - pixel);
  const ptrdiff_t vectors = divide_up(count, kernels_.lanes);
  const ptrdiff_t k = t.group * flat_.group_k() + block_begin(block);
  const ptrdiff_t rows = block_begin(block + 1) - block_begin(block);
  const ptrdiff_t base = (t.image * flat_.k + k) * plane();
  static constexpr ptrdiff_t origin = 0;
  const Segment segment{0, pixel, count};
  const ptrdiff_t held = steps() == 1 ? 0 : (block - t.first_block) * task_tiles() + tile;
  FinishArgs finish{};
  finish.acc = run.sums + held * rows_ * tile_;
  finish.acc_row = tile_;
  finish.rows = rows;
  finish.segments = &segment;
  finish.segment_count = 1;
  finish.bias = flat_.has_bias ? bias_.floats() + k : nullptr;
  finish.residual = run.tensors.residual == nullptr ? nullptr : run.tensors.residual + base;
  finish.output = run.tensors.output + base;
  finish.plane = plane();
  set_activation(flat_, &finish);
  const bool straight = step.last && count == vectors * kernels_.lanes;
  float* const panel = run.panels + tile * step.input.channels * tile_;
  const float* const from = step.input.from + tile * tile_;
  const bool first = block == t.first_block;
  const bool copying = first && count == tile_ && copying_tile(rows) == tile_;
  if (first && !copying) {
    kernels_.pack_panels({from, plane(), step.input.channels, count, tile_, panel});
  }
  TileArgs args{};
  args.x = copying ? from : panel;
  args.copy = panel;
  args.w = weights_.floats() + k * flat_.group_c() + step.first_channel * rows;
  args.taps = &origin;
  args.tap_count = 1;
  args.channels = step.input.channels;
  args.x_channel = copying ? plane() : tile_;
  args.w_channel = rows;
  args.acc = run.sums + held * rows_ * tile_;
  args.acc_row = tile_;
  args.accumulate = step.first_channel > 0;
  args.ahead = ahead.from;
  args.ahead_channel = plane();
  args.ahead_lines = ahead.count;
  args.out = step.last ? finish.output + pixel : nullptr;
  args.out_row = plane();
  args.finish = straight ? &finish : nullptr;
  (copying ? kernels_.copying_tile[rows] : kernels_.pixel_tile[rows][vectors])(args);
  if (step.last && !straight) kernels_.finish(finish);
}

bool can(const PlanRequest& request, Reason* reason) noexcept {
  if (is_pointwise(request.problem)) return true;
  reason->set("only 1x1 kernels without stride and padding");
  return false;
}

double cost(const PlanRequest& request, int64_t) noexcept {
  const ConvProblem p = flattened(request.problem);
  const int lanes = request.kernels.lanes;
  const int64_t computed = divide_up(p.w, lanes) * lanes;
  return products(p) * static_cast<double>(computed) / static_cast<double>(p.w);
}

std::shared_ptr<ConvPlan> create(const PlanRequest& request, const char* algorithm) {
  return make_shared_in<PointwisePlan>(request.memory, request, algorithm);
}

}  // namespace

const Implementation pointwise = {"pointwise", can, cost, create};

}  // namespace sporkle::cpu
