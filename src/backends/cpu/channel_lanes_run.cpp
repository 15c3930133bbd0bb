// Running the tasks of a ChannelLanesPlan.
#include <algorithm>

#include "backends/cpu/channel_lanes.h"
#include "backends/cpu/schedule.h"

namespace sporkle::cpu {

namespace {

// How far a 1x1 kernel fetches its weights ahead, in floats.
constexpr ptrdiff_t weights_ahead = 4096 / 4;

}  // namespace

void ChannelLanesPlan::execute(const HostTensors& tensors, ParallelFor& parallel,
                               void* workspace) const noexcept {
  ParallelFor* pool = threads_for(kernels_, flat_.flops(), parallel);
  float* copy = static_cast<float*>(workspace);
  TaskBlocks blocks(static_cast<char*>(workspace) + (copy_bytes() + 63) / 64 * 64, threads_,
                    task_bytes());
  if (strips_ > 0) return run_strips(tensors, pool, blocks);
  for (ptrdiff_t first = 0; first < flat_.n; first += images_together_) {
    const float* input = tensors.input + first * flat_.c * flat_.h * flat_.w;
    const Images images{pointwise_ ? input : copy, first,
                        std::min<ptrdiff_t>(images_together_, flat_.n - first)};
    if (!pointwise_) pack_images(tensors, images, pool, copy);
    run_images(tensors, images, pool, blocks);
  }
}

void ChannelLanesPlan::run_strips(const HostTensors& tensors, ParallelFor* pool,
                                  TaskBlocks& blocks) const noexcept {
  for_ranges(pool, flat_.n * flat_.groups * strips_, 16, [&](int64_t first, int64_t last) {
    const TaskBlock block(blocks);
    for (int64_t i = first; i < last; ++i) run_strip(tensors, i, block.floats());
  });
}

void ChannelLanesPlan::run_strip(const HostTensors& tensors, int64_t index,
                                 float* scratch) const noexcept {
  const ptrdiff_t strip = index % strips_, group = index / strips_ % flat_.groups;
  const ptrdiff_t image = index / strips_ / flat_.groups;
  const ptrdiff_t begin = strip_begin(strip);
  const ptrdiff_t rows = strip_begin(strip + 1) - begin;
  const ptrdiff_t first_tile = (image * flat_.out_h + begin) * row_tiles_;
  float* const copy = scratch;
  const float* input =
      tensors.input + (image * flat_.c + group * flat_.group_c()) * flat_.h * flat_.w;
  for (ptrdiff_t c = 0; c < flat_.group_c(); c += step_channels_) {
    const ptrdiff_t channels = std::min<ptrdiff_t>(step_channels_, flat_.group_c() - c);
    kernels_.pack(geometry_.pack_args(input + c * flat_.h * flat_.w, channels, begin, 0, copy));
    float* acc = scratch + strip_floats();
    for (ptrdiff_t i = 0; i < blocks_; ++i) {
      const Block block{group, i};
      for (ptrdiff_t t = 0; t < rows * row_tiles_; ++t, acc += next_tile()) {
        const Tile at = tile(first_tile + t);
        run_tile(at, block, {copy + (at.y - begin) * pitch_ + at.x, c, channels}, acc);
        if (c + channels == flat_.group_c()) finish_tile(tensors, at, block, acc);
      }
    }
  }
}

void ChannelLanesPlan::pack_images(const HostTensors& tensors, const Images& images,
                                   ParallelFor* pool, float* copy) const noexcept {
  const float* input = tensors.input + images.first * flat_.c * flat_.h * flat_.w;
  for_ranges(pool, images.count * flat_.c, 8, [&](int64_t first, int64_t last) {
    kernels_.pack(geometry_.pack_args(input + first * flat_.h * flat_.w, last - first, 0, 0,
                                      copy + first * x_channel_));
  });
}

void ChannelLanesPlan::run_images(const HostTensors& tensors, const Images& images,
                                  ParallelFor* pool, TaskBlocks& blocks) const noexcept {
  const ptrdiff_t tiles = images.count * flat_.out_h * row_tiles_;
  const ptrdiff_t columns = flat_.groups * blocks_;
  // Parts of the tiles: no more than fit together, enough for all threads.
  ptrdiff_t parts = divide_up(tiles, tiles_together);
  if (pool != nullptr) {
    const ptrdiff_t wanted = divide_up(16 * static_cast<ptrdiff_t>(threads_), columns);
    parts = std::max(parts, std::min(wanted, divide_up(tiles, 2)));
  }
  for_ranges(pool, columns * parts, 16, [&](int64_t first, int64_t last) {
    const TaskBlock scratch(blocks);
    for (int64_t i = first; i < last; ++i) {
      const ptrdiff_t column = i / parts, part = i % parts;
      run_tiles(tensors, images, {column / blocks_, column % blocks_}, part * tiles / parts,
                (part + 1) * tiles / parts, scratch.floats());
    }
  });
}

void ChannelLanesPlan::run_tiles(const HostTensors& tensors, const Images& images,
                                 const Block& block, ptrdiff_t first_tile, ptrdiff_t last_tile,
                                 float* sums) const noexcept {
  for (ptrdiff_t c = 0; c < flat_.group_c(); c += step_channels_) {
    const ptrdiff_t channels = std::min<ptrdiff_t>(step_channels_, flat_.group_c() - c);
    for (ptrdiff_t t = first_tile; t < last_tile; ++t) {
      Tile at = tile(t);
      const ptrdiff_t channel = at.image * flat_.c + block.group * flat_.group_c() + c;
      float* acc = sums + (t - first_tile) * next_tile();
      run_tile(at, block, {images.x + channel * x_channel_ + at.y * pitch_ + at.x, c, channels},
               acc);
      at.image += images.first;
      if (c + channels == flat_.group_c()) finish_tile(tensors, at, block, acc);
    }
  }
}

ChannelLanesPlan::Tile ChannelLanesPlan::tile(ptrdiff_t index) const noexcept {
  const ptrdiff_t part = index % row_tiles_, row = index / row_tiles_;
  const ptrdiff_t begin = part * flat_.out_w / row_tiles_;
  const ptrdiff_t end = (part + 1) * flat_.out_w / row_tiles_;
  return {row / flat_.out_h, row % flat_.out_h, begin, end - begin};
}

void ChannelLanesPlan::run_tile(const Tile& at, const Block& block, const Source& source,
                                float* acc) const noexcept {
  const ptrdiff_t vectors = vector_begin(block.index + 1) - vector_begin(block.index);
  const ptrdiff_t lanes = vectors * kernels_.lanes;
  // Kernel rows whose input row exists; the copy holds zeros for the others.
  const ptrdiff_t top = at.y * flat_.stride_h - flat_.pad_top;
  const ptrdiff_t first_row = top >= 0 ? 0 : divide_up(-top, flat_.dilation_h);
  const ptrdiff_t past_row =
      top >= flat_.h ? 0 : std::min<ptrdiff_t>(flat_.kernel_h,
                                               (flat_.h - top - 1) / flat_.dilation_h + 1);
  const ptrdiff_t rows = std::max<ptrdiff_t>(past_row - first_row, 0);
  const ptrdiff_t first_tap = rows == 0 ? 0 : first_row * flat_.kernel_w;
  const ptrdiff_t taps = flat_.kernel_h * flat_.kernel_w;
  const ptrdiff_t before = (block.group * vectors_ + vector_begin(block.index)) * kernels_.lanes;
  TileArgs args{};
  args.x = source.x;
  args.w = weights_.floats() + (before * flat_.group_c() + source.first_channel * lanes) * taps +
           first_tap * lanes;
  args.taps = geometry_.taps().data() + first_tap;
  args.tap_count = rows * flat_.kernel_w;
  args.channels = source.channels;
  args.x_channel = x_channel_;
  args.w_channel = lanes * taps;
  args.acc = acc;
  args.acc_row = sums_row_;
  args.accumulate = source.first_channel > 0;
  args.ahead = args.w + weights_ahead;
  args.ahead_channel = lanes;
  args.ahead_lines = divide_up(lanes, 16);
  kernels_.channel_tile[at.count][vectors](args);
}

void ChannelLanesPlan::finish_tile(const HostTensors& tensors, const Tile& at,
                                   const Block& block, const float* acc) const noexcept {
  const ptrdiff_t begin = vector_begin(block.index) * kernels_.lanes;
  const ptrdiff_t end = vector_begin(block.index + 1) * kernels_.lanes;
  alignas(64) float turned[tile_lanes_limit * transposed_row + 16];
  kernels_.transpose({acc, sums_row_, at.count, end - begin, turned});
  const ptrdiff_t plane = flat_.out_h * flat_.out_w;
  const ptrdiff_t k = block.group * flat_.group_k() + begin;
  const ptrdiff_t base = (at.image * flat_.k + k) * plane;
  const Segment segment{0, at.y * flat_.out_w + at.x, at.count};
  FinishArgs args{};
  args.acc = turned;
  args.acc_row = transposed_row;
  args.rows = std::min<ptrdiff_t>(end, flat_.group_k()) - begin;
  args.segments = &segment;
  args.segment_count = 1;
  args.bias = flat_.has_bias ? bias_.floats() + k : nullptr;
  args.residual = tensors.residual == nullptr ? nullptr : tensors.residual + base;
  args.output = tensors.output + base;
  args.plane = plane;
  set_activation(flat_, &args);
  kernels_.finish(args);
}

}  // namespace sporkle::cpu
