// Lanes over output channels: a vector holds neighbouring output channels of
// one pixel, a tile some pixels of a row. No lane is lost at the ends of rows,
// and taps above and below the input are skipped, which counts on small planes.
// The price is a transposition of every tile at its end.
//
// With several threads, where the weights and the sums that wait for more input channels
// stay in a core's cache, tasks are strips of output rows: each copies what it reads into
// phase planes of its own, some channels at a time. Otherwise whole images are copied first
// and tasks are blocks of output channels times a part of the tiles.
#pragma once

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/geometry.h"
#include "backends/cpu/workspace.h"
#include "base/memory.h"

namespace sporkle::cpu {

class ChannelLanesPlan final : public ConvPlan {
 public:
  ChannelLanesPlan(const PlanRequest& request, const char* algorithm);

  const char* algorithm() const noexcept override { return algorithm_; }
  uint64_t packed_bytes() const noexcept override { return weights_.size() + bias_.size(); }
  uint64_t workspace_bytes() const noexcept override {
    return copy_bytes() + TaskBlocks::bytes(threads_, task_bytes());
  }
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  // Pixels of a row that are computed together.
  struct Tile {
    ptrdiff_t image, y, x, count;
  };
  // A block of output channels of a group.
  struct Block {
    ptrdiff_t group, index;
  };
  // What a tile reads: channels of its image from this one on.
  struct Source {
    const float* x;  // of the tile's row and column, first of the channels
    ptrdiff_t first_channel, channels;
  };
  // Whole images whose copy exists, or which are read as they are.
  struct Images {
    const float* x;  // of the first of them
    ptrdiff_t first, count;
  };

  void choose_strips(uint64_t level2_bytes);
  void pack_weights(const float* weights);
  uint64_t copy_bytes() const noexcept;
  uint64_t task_bytes() const noexcept;
  ptrdiff_t vector_begin(ptrdiff_t block) const noexcept { return block * vectors_ / blocks_; }
  ptrdiff_t strip_begin(ptrdiff_t strip) const noexcept { return strip * flat_.out_h / strips_; }
  ptrdiff_t strip_floats() const noexcept;
  // Of sums: a tile, and from one tile to the next. With one step no tile waits for more
  // input channels, and all take turns in one place.
  ptrdiff_t tile_floats() const noexcept { return divide_up(flat_.out_w, row_tiles_) * sums_row_; }
  ptrdiff_t next_tile() const noexcept {
    return step_channels_ < flat_.group_c() ? tile_floats() : 0;
  }

  void run_strips(const HostTensors& tensors, ParallelFor* pool, TaskBlocks& blocks) const noexcept;
  void run_strip(const HostTensors& tensors, int64_t index, float* scratch) const noexcept;
  void pack_images(const HostTensors& tensors, const Images& images, ParallelFor* pool,
                   float* copy) const noexcept;
  void run_images(const HostTensors& tensors, const Images& images, ParallelFor* pool,
                  TaskBlocks& blocks) const noexcept;
  void run_tiles(const HostTensors& tensors, const Images& images, const Block& block,
                 ptrdiff_t first_tile, ptrdiff_t last_tile, float* sums) const noexcept;
  Tile tile(ptrdiff_t index) const noexcept;
  void run_tile(const Tile& at, const Block& block, const Source& source,
                float* acc) const noexcept;
  void finish_tile(const HostTensors& tensors, const Tile& at, const Block& block,
                   const float* acc) const noexcept;

  // Tiles that go through the weights together.
  static constexpr ptrdiff_t tiles_together = 64;
  static constexpr ptrdiff_t tile_lanes_limit = 3 * 16;

  const char* algorithm_;
  const Kernels& kernels_;
  uint32_t threads_;
  bool pointwise_;  // reads the input itself instead of a padded copy
  ConvProblem flat_;
  Geometry geometry_;
  ptrdiff_t vectors_, blocks_;  // vectors of output channels of a group, blocks of them
  ptrdiff_t row_tiles_;         // tiles of an output row, all nearly as long
  ptrdiff_t x_channel_ = 0, pitch_ = 0;
  ptrdiff_t step_channels_ = 0;
  ptrdiff_t sums_row_ = 0;         // floats of a pixel's sums, whole cache lines
  ptrdiff_t strips_ = 0;           // of an image; 0: images are copied whole
  ptrdiff_t images_together_ = 1;
  AlignedBlock weights_, bias_;    // weights: [group][block][channel][tap][lane]
};

}  // namespace sporkle::cpu
