// The one-call form's plans, found by problem and a digest of the full content of
// weights and bias.
#pragma once

#include <list>
#include <memory>
#include <memory_resource>
#include <mutex>

#include "core/content_hash.h"
#include "core/device.h"

namespace sporkle {

class PlanCache {
 public:
  PlanCache(std::pmr::memory_resource* memory, Stats* stats, uint64_t byte_limit);

  // Stands for weights and bias in the two below. Reads all of them, on the
  // threads of `parallel` (may be null).
  ContentDigest digest(const ConvProblem& problem, const float* weights, const float* bias,
                       ParallelFor* parallel) const noexcept;

  // Finds a plan of `device` with this content, or null.
  std::shared_ptr<DevicePlan> find(uint32_t device, const ConvProblem& problem,
                                   const ContentDigest& content);

  // Keeps a plan, dropping the least recently used ones beyond the limit. A plan
  // too large for the limit is not kept, and none without a random key.
  void insert(uint32_t device, const ContentDigest& content, std::shared_ptr<DevicePlan> plan);

  // Drops every plan of a device: it was lost.
  void drop_device(uint32_t device) noexcept;
  void clear() noexcept;
  uint64_t bytes() const noexcept;

 private:
  struct Entry {
    uint32_t device = 0;
    ContentDigest content;
    std::shared_ptr<DevicePlan> plan;
    uint64_t bytes = 0;
  };
  using EntryList = std::pmr::list<Entry>;

  void evict_beyond(uint64_t limit) noexcept;

  Stats* stats_;
  uint64_t byte_limit_;
  ContentHash hash_;
  mutable std::mutex mutex_;
  EntryList entries_;  // most recently used first
  uint64_t bytes_ = 0;
};

}  // namespace sporkle
