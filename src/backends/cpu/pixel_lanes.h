// Lanes over output pixels: a vector holds neighbouring outputs of one channel,
// a tile some output channels of them. The outputs of a block are numbered
// along its rows with the pitch of the phase planes, so that a tile may run on
// over the ends of rows; what falls between rows is computed and dropped. Where
// whole vectors of each row drop less, tiles end with the row.
#pragma once

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/geometry.h"
#include "backends/cpu/workspace.h"
#include "base/memory.h"

namespace sporkle::cpu {

class PixelLanesPlan final : public ConvPlan {
 public:
  PixelLanesPlan(const PlanRequest& request, const char* algorithm);

  const char* algorithm() const noexcept override { return algorithm_; }
  uint64_t packed_bytes() const noexcept override { return weights_.size() + bias_.size(); }
  uint64_t workspace_bytes() const noexcept override {
    return TaskBlocks::bytes(threads_, task_floats() * sizeof(float));
  }
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  // A part of the output channels of a group in one block of one image.
  struct Task {
    ptrdiff_t image, group, y, x, rows, columns, first_block, last_block;
  };
  // What a running task works on.
  struct Run {
    const HostTensors& tensors;
    const Task& task;
    float* slab;
    float* sums;
  };

  struct Span {
    ptrdiff_t first, count;
  };

  bool reads_in_place() const noexcept;
  void choose_channels();
  void choose_block(ptrdiff_t cache);
  void choose_tiles();
  void pack_weights(const float* weights);
  ptrdiff_t slab_floats() const noexcept;
  ptrdiff_t task_floats() const noexcept;
  // Output channels are divided evenly into blocks of at most `rows_` rows.
  ptrdiff_t block_begin(ptrdiff_t block) const noexcept {
    return block * flat_.group_k() / blocks_;
  }
  ptrdiff_t steps() const noexcept { return divide_up(flat_.group_c(), step_channels_); }

  Task task(int64_t index) const noexcept;
  ptrdiff_t tiles(const Task& task) const noexcept;
  Span span(const Task& task, ptrdiff_t tile) const noexcept;
  void run_task(const Run& run) const noexcept;
  void run_step(const Run& run, ptrdiff_t first_channel, bool last) const noexcept;
  const float* input_of(const Run& run, ptrdiff_t first_channel) const noexcept;
  const float* pack_tile(const Run& run, const float* input, ptrdiff_t first,
                         ptrdiff_t channels) const noexcept;
  void run_tile(const Run& run, ptrdiff_t tile, ptrdiff_t first_channel, ptrdiff_t channels,
                bool last) const noexcept;
  ptrdiff_t segments(const Task& task, ptrdiff_t first, ptrdiff_t count,
                     Segment* out) const noexcept;
  FinishArgs finish_args(const Run& run, ptrdiff_t first_k, ptrdiff_t rows, const float* acc,
                         const Segment* segments, ptrdiff_t segment_count) const noexcept;

  const char* algorithm_;
  const Kernels& kernels_;
  uint32_t threads_;
  ConvProblem flat_;
  Geometry geometry_;
  ptrdiff_t blocks_, rows_, tile_;  // channel blocks of a group, their rows, pixels of a tile
  bool in_place_;                   // reads the input itself instead of phase planes
  ptrdiff_t step_channels_ = 0;     // input channels packed at a time
  ptrdiff_t row_tiles_ = 0;         // of a row of outputs; 0: tiles run on over row ends
  ptrdiff_t split_ = 1;             // parts of a group's channel blocks
  AlignedBlock weights_, bias_;     // [group][block][channel][tap][row]
};

}  // namespace sporkle::cpu
