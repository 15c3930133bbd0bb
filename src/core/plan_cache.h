// The one-call form's plans, found by problem and full content of the weights.
#pragma once

#include <list>
#include <memory>
#include <memory_resource>
#include <mutex>

#include "base/memory.h"
#include "core/device.h"

namespace sporkle {

class PlanCache {
 public:
  PlanCache(std::pmr::memory_resource* memory, Stats* stats, uint64_t byte_limit);

  // Finds a plan of `device` for exactly these weights and this bias, or null.
  std::shared_ptr<DevicePlan> find(uint32_t device, const ConvProblem& problem,
                                   const float* weights, const float* bias);

  // Keeps a plan with a copy of its weights, dropping the least recently used
  // ones beyond the limit. A plan too large for the limit is not kept.
  void insert(uint32_t device, const float* weights, const float* bias,
              std::shared_ptr<DevicePlan> plan);

  // Drops every plan of a device: it was lost.
  void drop_device(uint32_t device) noexcept;
  void clear() noexcept;
  uint64_t bytes() const noexcept;

 private:
  struct Entry {
    uint32_t device = 0;
    AlignedBlock content;  // weights, then bias
    std::shared_ptr<DevicePlan> plan;
    uint64_t bytes = 0;
  };
  using EntryList = std::pmr::list<std::shared_ptr<Entry>>;

  std::shared_ptr<Entry> candidate(uint32_t device, const ConvProblem& problem, uint32_t skip);
  void evict_beyond(uint64_t limit) noexcept;

  std::pmr::memory_resource* memory_;
  Stats* stats_;
  uint64_t byte_limit_;
  mutable std::mutex mutex_;
  EntryList entries_;  // most recently used first
  uint64_t bytes_ = 0;
};

}  // namespace sporkle
