#include "core/plan_cache.h"

#include <cstring>

namespace sporkle {

namespace {

// What an entry costs beside its packed weights: an estimate that
// keeps many tiny plans within the limit as well.
constexpr uint64_t entry_overhead = 2048;

bool same_problem(const ConvProblem& a, const ConvProblem& b) noexcept {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

}  // namespace

PlanCache::PlanCache(std::pmr::memory_resource* memory, Stats* stats, uint64_t byte_limit)
    : stats_(stats), byte_limit_(byte_limit), entries_(memory) {}

ContentDigest PlanCache::digest(const ConvProblem& problem, const float* weights,
                                const float* bias, ParallelFor* parallel) const noexcept {
  return hash_.digest({weights, problem.weights_bytes()},
                      {bias, bias == nullptr ? 0 : problem.bias_bytes()}, parallel);
}

std::shared_ptr<DevicePlan> PlanCache::find(uint32_t device, const ConvProblem& problem,
                                            const ContentDigest& content) {
  const std::lock_guard lock(mutex_);
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (it->device != device || it->content != content ||
        !same_problem(it->plan->problem(), problem)) {
      continue;
    }
    entries_.splice(entries_.begin(), entries_, it);
    stats_->add(Counter::plan_cache_hits, 1);
    return it->plan;
  }
  stats_->add(Counter::plan_cache_misses, 1);
  return nullptr;
}

void PlanCache::insert(uint32_t device, const ContentDigest& content,
                       std::shared_ptr<DevicePlan> plan) {
  const uint64_t bytes = plan->packed_bytes() + entry_overhead;
  if (bytes > byte_limit_ || !hash_.keyed()) return;
  const std::lock_guard lock(mutex_);
  evict_beyond(byte_limit_ - bytes);
  entries_.push_front({device, content, std::move(plan), bytes});
  bytes_ += bytes;
}

void PlanCache::evict_beyond(uint64_t limit) noexcept {
  while (bytes_ > limit && !entries_.empty()) {
    bytes_ -= entries_.back().bytes;
    entries_.pop_back();
    stats_->add(Counter::plan_cache_evictions, 1);
  }
}

void PlanCache::drop_device(uint32_t device) noexcept {
  const std::lock_guard lock(mutex_);
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (it->device != device) {
      ++it;
      continue;
    }
    bytes_ -= it->bytes;
    it = entries_.erase(it);
  }
}

void PlanCache::clear() noexcept {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  bytes_ = 0;
}

uint64_t PlanCache::bytes() const noexcept {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace sporkle
