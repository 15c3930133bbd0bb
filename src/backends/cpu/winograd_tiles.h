// How both Winograd plans divide the tiles of a batch: winograd.h, blocked_step.h.
#pragma once

#include <algorithm>

#include "backends/cpu/geometry.h"
#include "backends/cpu/schedule.h"
#include "backends/cpu/workspace.h"

namespace sporkle::cpu {

// Tiles in blocks. Where blocks keep the threads busy each task takes one by itself,
// else all threads work together on one block after the other.
struct TileBlocks {
  struct Block {
    ptrdiff_t first, count;  // tiles, counted over the whole batch
  };

  ptrdiff_t tiles = 0, count = 1;
  bool together = false;

  // `fitting` tiles fill the cache; a block has `least` to `most` of them. `enough`
  // keep the products of a thread busy.
  void divide(ptrdiff_t fitting, ptrdiff_t least, ptrdiff_t most, ptrdiff_t enough,
              ptrdiff_t threads) noexcept {
    count = divide_up(tiles, std::clamp(fitting, least, most));
    if (threads == 1) return;
    // Alone when no thread idles for long at the end.
    const ptrdiff_t even = divide_up(count, threads) * threads;
    if (tiles / even >= enough) count = even;
    together = count % threads != 0 && count < 8 * threads;
    if (together) count = divide_up(tiles, most);
  }
  // All threads work on each block of at most `most` tiles.
  void share(ptrdiff_t most) noexcept {
    together = true;
    count = divide_up(tiles, most);
  }

  ptrdiff_t largest() const noexcept { return divide_up(tiles, count); }
  Block block(ptrdiff_t index) const noexcept {
    const ptrdiff_t each = tiles / count, rest = tiles % count;
    return {each * index + std::min(index, rest), each + (index < rest ? 1 : 0)};
  }
};

// What is to be done for every block.
struct TileWork {
  ptrdiff_t inputs;   // channels, or blocks of them, that are transformed
  ptrdiff_t outputs;  // blocks of output channels
  ptrdiff_t parts;    // that keep all threads busy
};

// transform(run, first, last) for inputs, then channels(run, output, first, last) for
// groups of tiles; run_of(block, memory of the task) makes a run, groups(tiles) counts.
template <class RunOf, class Transform, class Channels, class Groups>
void run_tile_blocks(const TileBlocks& blocks, const TileWork& work, ParallelFor* pool,
                     TaskBlocks& tasks, const RunOf& run_of, const Transform& transform,
                     const Channels& channels, const Groups& groups) noexcept {
  if (!blocks.together) {
    for_ranges(pool, blocks.count, 16, [&](int64_t first, int64_t last) {
      const TaskBlock memory(tasks);
      for (int64_t i = first; i < last; ++i) {
        const auto run = run_of(blocks.block(i), memory.floats());
        transform(run, 0, work.inputs);
        const ptrdiff_t all = groups(blocks.block(i).count);
        for (ptrdiff_t b = 0; b < work.outputs; ++b) channels(run, b, 0, all);
      }
    });
    return;
  }
  for (ptrdiff_t i = 0; i < blocks.count; ++i) {
    const TileBlocks::Block now = blocks.block(i);
    for_ranges(pool, work.inputs, 2, [&](int64_t first, int64_t last) {
      const TaskBlock memory(tasks);
      transform(run_of(now, memory.floats()), first, last);
    });
    // With few blocks of output channels the tiles are divided as well.
    const ptrdiff_t all = groups(now.count);
    const ptrdiff_t parts = work.outputs >= 4 * work.parts || work.outputs % work.parts == 0
                                ? 1 : std::min(all, work.parts);
    for_ranges(pool, work.outputs * parts, 16, [&](int64_t first, int64_t last) {
      const TaskBlock memory(tasks);
      const auto run = run_of(now, memory.floats());
      for (int64_t task = first; task < last; ++task) {
        const ptrdiff_t part = task % parts;
        channels(run, task / parts, part * all / parts, (part + 1) * all / parts);
      }
    });
  }
}

}  // namespace sporkle::cpu
