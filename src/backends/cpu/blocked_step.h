// One convolution of a sequence on blocked tensors: directly, or by Winograd's
// algorithm. Lanes are output channels, taps above and below the input are
// skipped, taps beside it meet columns of zeros that the tensor has.
#pragma once

#include <algorithm>
#include <memory>

#include "backends/cpu/conv_plan.h"
#include "backends/cpu/winograd_tiles.h"
#include "base/memory.h"

namespace sporkle::cpu {

// [image][block of channels][row][column][lane], each row with columns of zeros
// on both sides.
struct BlockedShape {
  ptrdiff_t images = 0, channels = 0, height = 0, width = 0, lanes = 1;
  ptrdiff_t left = 0, right = 0;  // columns of zeros

  ptrdiff_t blocks() const noexcept { return divide_up(channels, lanes); }
  ptrdiff_t pitch() const noexcept { return (left + width + right) * lanes; }
  // An odd number of cache lines: blocks spread over the sets of the cache.
  ptrdiff_t block() const noexcept { return (divide_up(height * pitch(), 16) | 1) * 16; }
  ptrdiff_t image() const noexcept { return blocks() * block(); }
  // Throws OVERFLOW.
  uint64_t bytes() const;
  bool operator==(const BlockedShape&) const = default;
};

// What a step reads and writes: pixel (0, 0) of the first image and block.
struct BlockedOperands {
  const float* x;
  const float* residual;  // null without one
  float* out;
  const float* next_weights;  // of the next step, to prefetch
};

class BlockedStep {
 public:
  explicit BlockedStep(const PlanRequest& request);
  BlockedStep(const BlockedStep&) = delete;
  BlockedStep& operator=(const BlockedStep&) = delete;
  virtual ~BlockedStep() = default;

  // Columns of zeros that the input has to have.
  virtual ptrdiff_t zeros_left() const noexcept { return 0; }
  virtual ptrdiff_t zeros_right() const noexcept { return 0; }
  // Called once, with the tensors as they will be; `residual` may be null.
  void connect(const BlockedShape& x, const BlockedShape* residual, const BlockedShape& out);

  uint64_t packed_bytes() const noexcept { return weights_.size() + direct_.size() + bias_.size(); }
  const float* weights() const noexcept { return weights_.floats(); }
  virtual uint64_t workspace_bytes() const noexcept { return 0; }
  // As ConvPlan::execute.
  virtual void execute(const BlockedOperands& operands, ParallelFor& parallel,
                       void* workspace) const noexcept = 0;

 protected:
  virtual void connected() {}
  // Output channels are divided into blocks of two vectors, the last may be one.
  ptrdiff_t vectors(ptrdiff_t block) const noexcept {
    return block + 1 < blocks_ ? blocked_vectors : vectors_ - block * blocked_vectors;
  }
  const float* bias(ptrdiff_t block) const noexcept {
    return problem_.has_bias ? bias_.floats() + block * blocked_vectors * lanes_ : nullptr;
  }
  // Floats of the weights of one block of output channels before it.
  ptrdiff_t weights_before(ptrdiff_t block, ptrdiff_t taps) const noexcept {
    return block * blocked_vectors * lanes_ * taps * in_blocks_ * lanes_;
  }
  // [block][block of input channels][tap][channel][output channel]
  AlignedBlock pack_direct(const PlanRequest& request) const;

  ConvProblem problem_;
  const Kernels& kernels_;
  uint32_t threads_;
  ptrdiff_t lanes_, in_blocks_;
  ptrdiff_t vectors_, blocks_;  // of output channels
  BlockedShape x_, residual_, out_;
  AlignedBlock weights_, direct_, bias_;
};

class BlockedDirect final : public BlockedStep {
 public:
  explicit BlockedDirect(const PlanRequest& request);

  ptrdiff_t zeros_left() const noexcept override { return problem_.pad_left; }
  ptrdiff_t zeros_right() const noexcept override;
  void execute(const BlockedOperands& operands, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  struct Range {
    ptrdiff_t block, first_tile, last_tile;
    const char* ahead;  // weights of the block that comes next
  };
  void connected() override;
  ptrdiff_t panel_bytes(ptrdiff_t block) const noexcept;
  void run_range(const BlockedOperands& operands, const Range& range) const noexcept;
  void run_tile(const BlockedOperands& operands, ptrdiff_t block, ptrdiff_t tile,
                BlockedTileArgs args) const noexcept;

  // Rows of outputs; all pixels are one row where rows do not matter.
  ptrdiff_t rows_ = 0, columns_ = 0, row_tiles_ = 0, tiles_ = 0;
  std::pmr::vector<ptrdiff_t> taps_;
};

class BlockedWinograd final : public BlockedStep {
 public:
  // `few`: with weights that are transformed as they are read (winograd_few.h).
  BlockedWinograd(const PlanRequest& request, int size, bool few);

  // Whether every transformed weight is finite.
  bool usable() const noexcept { return usable_; }
  uint64_t workspace_bytes() const noexcept override;
  void execute(const BlockedOperands& operands, ParallelFor& parallel,
               void* workspace) const noexcept override;

 private:
  using Tiles = TileBlocks::Block;
  struct Run {
    const BlockedOperands& operands;
    Tiles tiles;
    float* input;  // [position][block of channels][tile][lane]
    float* mixed;  // few: [group][row of positions][channel][column][tile]
    float* task;   // sums, outputs of a tile, inputs of a tile
  };
  void choose_tiles(uint64_t cache);
  void pack_weights(const PlanRequest& request);
  void pack_few(const PlanRequest& request);
  ptrdiff_t input_position(ptrdiff_t count) const noexcept {
    return in_blocks_ * count * lanes_ + 16;
  }
  ptrdiff_t sums_position(ptrdiff_t count) const noexcept {
    return (few_ ? groups(count) * few_tiles() : count) * blocked_vectors * lanes_ + 16;
  }
  ptrdiff_t few_tiles() const noexcept { return kernels_.winograd_few.tiles; }
  ptrdiff_t few_group() const noexcept { return positions_ * problem_.c * few_tiles(); }
  ptrdiff_t mixed_floats() const noexcept { return few_ ? groups(most_tiles_) * few_group() : 0; }
  ptrdiff_t input_floats() const noexcept { return positions_ * input_position(most_tiles_); }
  ptrdiff_t sums_floats() const noexcept { return positions_ * sums_position(most_tiles_); }
  ptrdiff_t outputs_row() const noexcept { return kernels_.channel_vectors * lanes_; }
  ptrdiff_t outputs_floats() const noexcept { return size_ * size_ * outputs_row(); }
  ptrdiff_t task_floats() const noexcept;
  ptrdiff_t groups(ptrdiff_t count) const noexcept {
    return divide_up(count, few_ ? few_tiles() : kernels_.blocked.rows);
  }
  // The first tile of a group.
  ptrdiff_t group_begin(ptrdiff_t group, ptrdiff_t count) const noexcept {
    return few_ ? std::min(group * few_tiles(), count) : group * count / groups(count);
  }

  void transform(const Run& run, ptrdiff_t first_block, ptrdiff_t last_block) const noexcept;
  void run_channels(const Run& run, ptrdiff_t block, ptrdiff_t first, ptrdiff_t last) const noexcept;
  void multiply(const Run& run, ptrdiff_t block, ptrdiff_t first, ptrdiff_t last) const noexcept;
  void mix(const Run& run, ptrdiff_t first_block, ptrdiff_t last_block) const noexcept;
  void multiply_few(const Run& run, ptrdiff_t block, ptrdiff_t first, ptrdiff_t last) const noexcept;
  void compute_directly(const Run& run, ptrdiff_t block, ptrdiff_t tile, float* outputs) const noexcept;
  void finish(const Run& run, ptrdiff_t block, ptrdiff_t tile, const float* outputs) const noexcept;

  ptrdiff_t size_, positions_;
  ptrdiff_t tile_rows_, tile_columns_;
  TileBlocks tiles_;          // of the batch
  ptrdiff_t most_tiles_ = 0;  // of a block
  bool few_;
  bool usable_ = true;
};

// Whether blocked kernels compute the problem and are made for it.
bool blocked_usable(const PlanRequest& request) noexcept;

// `images`: how many of them the estimates count.
std::unique_ptr<BlockedStep> create_blocked_step(const PlanRequest& request, int64_t images);

}  // namespace sporkle::cpu
