#include "core/plan_cache.h"

#include <cstring>

namespace sporkle {

namespace {

// What an entry costs beside weights and packed weights: an estimate that
// keeps many tiny plans within the limit as well.
constexpr uint64_t entry_overhead = 2048;

bool same_problem(const ConvProblem& a, const ConvProblem& b) noexcept {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

}  // namespace

PlanCache::PlanCache(std::pmr::memory_resource* memory, Stats* stats, uint64_t byte_limit)
    : memory_(memory), stats_(stats), byte_limit_(byte_limit), entries_(memory) {}

// The `skip`-th entry for a problem, in order of use.
std::shared_ptr<PlanCache::Entry> PlanCache::candidate(uint32_t device,
                                                       const ConvProblem& problem,
                                                       uint32_t skip) {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) {
    if (entry->device != device || !same_problem(entry->plan->problem(), problem)) continue;
    if (skip-- == 0) return entry;
  }
  return nullptr;
}

std::shared_ptr<DevicePlan> PlanCache::find(uint32_t device, const ConvProblem& problem,
                                            const float* weights, const float* bias) {
  for (uint32_t i = 0;; ++i) {
    const std::shared_ptr<Entry> entry = candidate(device, problem, i);
    if (entry == nullptr) break;
    // Compared outside the lock: the content is immutable.
    const char* content = static_cast<const char*>(entry->content.data());
    if (std::memcmp(content, weights, problem.weights_bytes()) != 0) continue;
    if (bias != nullptr &&
        std::memcmp(content + problem.weights_bytes(), bias, problem.bias_bytes()) != 0) {
      continue;
    }
    const std::lock_guard lock(mutex_);
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (*it != entry) continue;
      entries_.splice(entries_.begin(), entries_, it);
      break;
    }
    stats_->add(Counter::plan_cache_hits, 1);
    return entry->plan;
  }
  stats_->add(Counter::plan_cache_misses, 1);
  return nullptr;
}

void PlanCache::insert(uint32_t device, const float* weights, const float* bias,
                       std::shared_ptr<DevicePlan> plan) {
  const ConvProblem& problem = plan->problem();
  const uint64_t content_bytes = problem.weights_bytes() + problem.bias_bytes();
  const uint64_t bytes = content_bytes + plan->packed_bytes() + entry_overhead;
  if (bytes > byte_limit_) return;
  auto entry = make_shared_in<Entry>(memory_);
  entry->device = device;
  entry->content = AlignedBlock(memory_, content_bytes);
  char* content = static_cast<char*>(entry->content.data());
  std::memcpy(content, weights, problem.weights_bytes());
  if (bias != nullptr) std::memcpy(content + problem.weights_bytes(), bias, problem.bias_bytes());
  entry->plan = std::move(plan);
  entry->bytes = bytes;
  const std::lock_guard lock(mutex_);
  evict_beyond(byte_limit_ - bytes);
  entries_.push_front(std::move(entry));
  bytes_ += bytes;
}

void PlanCache::evict_beyond(uint64_t limit) noexcept {
  while (bytes_ > limit && !entries_.empty()) {
    bytes_ -= entries_.back()->bytes;
    entries_.pop_back();
    stats_->add(Counter::plan_cache_evictions, 1);
  }
}

void PlanCache::drop_device(uint32_t device) noexcept {
  const std::lock_guard lock(mutex_);
  for (auto it = entries_.begin(); it != entries_.end();) {
    if ((*it)->device != device) {
      ++it;
      continue;
    }
    bytes_ -= (*it)->bytes;
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
