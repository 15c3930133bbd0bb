// Counters since the context was created. Sharded, so that counting costs the
// hot path no cache line shared with other threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "sporkle.h"

namespace sporkle {

enum class Counter : uint32_t {
  conv2d_calls,
  conv2d_flops,
  conv2d_errors,
  submits,
  submit_failures,
  plans_created,
  plan_cache_hits,
  plan_cache_misses,
  plan_cache_evictions,
  cpu_copied_bytes,
  gpu_copied_bytes,
  map_calls,
  mapped_bytes_added,
  mapped_bytes_removed,
  stalls,
  fallbacks,
  slots_set_aside,
  device_resets,
  completion_contradictions,
  buffer_bytes_added,
  buffer_bytes_removed,
  workspace_bytes_added,
  workspace_bytes_removed,
  count
};

class Stats {
 public:
  void add(Counter counter, uint64_t amount) noexcept;
  uint64_t read(Counter counter) const noexcept;

  // Fills every counter of the snapshot; those kept by others (fences, plan
  // cache) stay as they are.
  void snapshot(sporkle_stats* out) const noexcept;

 private:
  static constexpr uint32_t shard_count = 8;
  struct alignas(64) Shard {
    std::atomic<uint64_t> values[static_cast<uint32_t>(Counter::count)] = {};
  };
  Shard shards_[shard_count];
};

}  // namespace sporkle
