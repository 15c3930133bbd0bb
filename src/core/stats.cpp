#include "core/stats.h"

namespace sporkle {

namespace {

// Threads take shards in turn at their first count.
constinit std::atomic<uint32_t> next_shard{0};
constinit thread_local uint32_t my_shard = UINT32_MAX;

}  // namespace

void Stats::add(Counter counter, uint64_t amount) noexcept {
  if (my_shard == UINT32_MAX) my_shard = next_shard.fetch_add(1, std::memory_order_relaxed);
  Shard& shard = shards_[my_shard % shard_count];
  shard.values[static_cast<uint32_t>(counter)].fetch_add(amount, std::memory_order_relaxed);
}

uint64_t Stats::read(Counter counter) const noexcept {
  uint64_t sum = 0;
  for (const Shard& shard : shards_) {
    sum += shard.values[static_cast<uint32_t>(counter)].load(std::memory_order_relaxed);
  }
  return sum;
}

void Stats::snapshot(sporkle_stats* out) const noexcept {
  out->conv2d_calls = read(Counter::conv2d_calls);
  out->conv2d_flops = read(Counter::conv2d_flops);
  out->conv2d_errors = read(Counter::conv2d_errors);
  out->submits = read(Counter::submits);
  out->submit_failures = read(Counter::submit_failures);
  out->plans_created = read(Counter::plans_created);
  out->plan_cache_hits = read(Counter::plan_cache_hits);
  out->plan_cache_misses = read(Counter::plan_cache_misses);
  out->plan_cache_evictions = read(Counter::plan_cache_evictions);
  // Ended before begun, so that the gauge is never negative.
  const uint64_t removed = read(Counter::buffer_bytes_removed);
  out->buffer_bytes = read(Counter::buffer_bytes_added) - removed;
  out->cpu_copied_bytes = read(Counter::cpu_copied_bytes);
  out->gpu_copied_bytes = read(Counter::gpu_copied_bytes);
  out->map_calls = read(Counter::map_calls);
  const uint64_t unmapped = read(Counter::mapped_bytes_removed);
  out->mapped_bytes = read(Counter::mapped_bytes_added) - unmapped;
  out->stalls = read(Counter::stalls);
  out->fallbacks = read(Counter::fallbacks);
  out->slots_set_aside = read(Counter::slots_set_aside);
  out->device_resets = read(Counter::device_resets);
  const uint64_t released = read(Counter::workspace_bytes_removed);
  out->workspace_bytes = read(Counter::workspace_bytes_added) - released;
  out->completion_contradictions = read(Counter::completion_contradictions);
}

}  // namespace sporkle
