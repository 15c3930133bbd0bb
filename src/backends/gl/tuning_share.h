// How much of the time that a device is open goes into trials of kernels: at most `grace_ns` in
// all, or a twentieth, whichever is more. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace sporkle::gl {

class TuningShare {
 public:
  static constexpr uint64_t usual_grace_ns = 10'000'000'000;

  explicit TuningShare(uint64_t created_ns, uint64_t grace_ns = usual_grace_ns) noexcept
      : created_ns_(created_ns), grace_ns_(grace_ns) {}

  // Whether another trial, as long as the longest so far, stays within the share.
  bool allows(uint64_t now_ns) const noexcept {
    const uint64_t room = std::max(grace_ns_, (now_ns - created_ns_) / parts);
    return spent_ns() + longest_ns_.load(std::memory_order_relaxed) <= room;
  }

  // A trial or a check took so long.
  void add(uint64_t ns) noexcept {
    spent_ns_.fetch_add(ns, std::memory_order_relaxed);
    uint64_t longest = longest_ns_.load(std::memory_order_relaxed);
    while (longest < ns &&
           !longest_ns_.compare_exchange_weak(longest, ns, std::memory_order_relaxed)) {
    }
  }

  uint64_t spent_ns() const noexcept { return spent_ns_.load(std::memory_order_relaxed); }
  uint64_t created_ns() const noexcept { return created_ns_; }

 private:
  static constexpr uint64_t parts = 20;

  uint64_t created_ns_, grace_ns_;
  std::atomic<uint64_t> spent_ns_{0}, longest_ns_{0};
};

}  // namespace sporkle::gl
