// Winograd's algorithm F(m x m, 3 x 3) for m = 2 and 4: fewer products than the
// definition by 2.25 and 4. Lanes are output channels in the products.
//
// A block of tiles is transformed, multiplied position by position, and
// transformed back; sums never leave the caches. Where the blocks keep the
// threads busy each task does all of that by itself; else all threads work on
// one block, first on its input channels, then on its output channels.
#pragma once

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/geometry.h"
#include "backends/cpu/winograd_tiles.h"
#include "base/memory.h"

namespace sporkle::cpu {

class WinogradPlan final : public ConvPlan {
 public:
  // `few`: weights stay as they are and are transformed as they are read, for few tiles.
  WinogradPlan(const PlanRequest& request, const char* algorithm, int size, bool few);

  const char* algorithm() const noexcept override { return algorithm_; }
  uint64_t packed_bytes() const noexcept override {
    return weights_.size() + direct_.size() + bias_.size();
  }
  uint64_t workspace_bytes() const noexcept override;
  void execute(const HostTensors& tensors, ParallelFor& parallel,
               void* workspace) const noexcept override;

  // Whether every transformed weight is finite.
  bool usable() const noexcept { return usable_; }

 private:
  using Block = TileBlocks::Block;
  // A block, its transformed input and what belongs to the running task.
  struct Run {
    const HostTensors& tensors;
    Block block;
    float* input;  // [position][panel][channel][tile]; few: [group][row][channel][column][tile]
    float* task;
  };
  struct Tile {
    ptrdiff_t image, y, x;  // first output
  };

  void choose_blocks(uint64_t cache);
  void pack_weights(const float* weights);
  void transform_weights(const float* weights, ptrdiff_t block, float* out);

  ptrdiff_t vector_begin(ptrdiff_t block) const noexcept { return block * vectors_ / blocks_; }
  ptrdiff_t lanes_begin(ptrdiff_t block) const noexcept {
    return vector_begin(block) * kernels_.lanes;
  }
  ptrdiff_t row_floats() const noexcept { return kernels_.channel_vectors * kernels_.lanes; }
  // Tiles whose transformed values lie together: whole vectors.
  ptrdiff_t panel_tiles() const noexcept {
    return kernels_.lanes > kernels_.channel_rows ? kernels_.lanes : kernels_.channel_rows;
  }
  // Groups of tiles that the products take at once.
  ptrdiff_t groups(ptrdiff_t tiles) const noexcept {
    return divide_up(tiles, group_tiles());
  }
  ptrdiff_t group_tiles() const noexcept {
    return few_ ? kernels_.winograd_few.tiles : kernels_.channel_rows;
  }
  ptrdiff_t input_position(ptrdiff_t tiles) const noexcept;
  ptrdiff_t sums_position(ptrdiff_t tiles) const noexcept {
    return (few_ ? groups(tiles) * group_tiles() : tiles) * row_floats() + 16;
  }
  // Parts of a task's memory, in floats.
  ptrdiff_t input_floats() const noexcept {
    return few_ ? groups(block_tiles_) * few_group() : positions_ * input_position(block_tiles_);
  }
  // Few: the inputs of a group of tiles, and where some channels are transformed.
  ptrdiff_t few_group() const noexcept { return positions_ * problem().c * group_tiles(); }
  ptrdiff_t few_position() const noexcept { return few_channels * panel_tiles() + 16; }
  ptrdiff_t sums_floats() const noexcept { return positions_ * sums_position(block_tiles_); }
  ptrdiff_t outputs_floats() const noexcept { return size_ * size_ * row_floats(); }
  ptrdiff_t task_floats() const noexcept;

  Tile tile(ptrdiff_t index) const noexcept;
  void transform_input(const Run& run, ptrdiff_t first, ptrdiff_t last) const noexcept;
  WinogradInputArgs input_args(const Run& run, ptrdiff_t first, ptrdiff_t last) const noexcept;
  void transform_few(const Run& run, ptrdiff_t first, ptrdiff_t last) const noexcept;
  // Output channels of one block for the groups of tiles [first, last).
  void run_channels(const Run& run, ptrdiff_t channels, ptrdiff_t first,
                    ptrdiff_t last) const noexcept;
  void multiply(const Run& run, ptrdiff_t channels, ptrdiff_t first,
                ptrdiff_t last) const noexcept;
  void multiply_few(const Run& run, ptrdiff_t channels, ptrdiff_t first,
                    ptrdiff_t last) const noexcept;
  void compute_directly(const Run& run, ptrdiff_t channels, const Tile& at,
                        float* outputs) const noexcept;
  void store(const Run& run, ptrdiff_t channels, const Tile& at,
             const float* outputs) const noexcept;

  static constexpr ptrdiff_t few_channels = 16;  // transformed at a time

  const char* algorithm_;
  const Kernels& kernels_;
  const WinogradKernels& transforms_;
  uint32_t threads_;
  ptrdiff_t parts_;  // that keep all threads busy
  bool few_;
  ptrdiff_t size_, positions_;          // m, (m + 2)^2
  ptrdiff_t tile_rows_, tile_columns_;  // of an image
  TileBlocks tiles_;                    // of the batch
  ptrdiff_t vectors_, blocks_;          // of output channels, blocks of them
  ptrdiff_t step_channels_ = 0;         // input channels summed at a time
  ptrdiff_t block_tiles_ = 0;           // most tiles of a block
  bool usable_ = true;
  AlignedBlock weights_;  // [block][position][channel][lane]
  AlignedBlock direct_;   // [block][channel][tap][lane], for tiles that are not finite
  AlignedBlock bias_;     // zeros without bias
};

}  // namespace sporkle::cpu
