// The placement of one device: its profile, what was measured, what was chosen.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "backends/gl/placement_probe.h"
#include "core/device.h"

namespace sporkle::gl {

class SubmissionThread;

class DevicePlacement {
 public:
  DevicePlacement(const DeviceEnvironment& environment, std::shared_ptr<SubmissionThread> thread,
                  const Facts& facts, CardKind card, const OpenRules& rules);

  // Measures at the first call, or takes the results of an earlier process.
  // Throws DEVICE_LOST, DEVICE_UNAVAILABLE.
  const Placement& settled();
  // GB/s of the CPU into staging memory; after settled().
  double cpu_write_rate() const noexcept;
  uint64_t block_bytes() const noexcept { return placement_.block_bytes; }

  // What `sporkle info` shows; measures when nobody has yet.
  static constexpr uint32_t property_count = 9;
  void describe(uint32_t index, sporkle_property* out) noexcept;

 private:
  void settle();
  void choose(const ProbeRates& again, bool confirmed) noexcept;
  void describe_kind(BufferKind kind, sporkle_property* out) const noexcept;
  void describe_rates(BufferKind kind, sporkle_property* out) const noexcept;

  DeviceEnvironment environment_;
  std::shared_ptr<SubmissionThread> thread_;
  Facts facts_;
  OpenRules rules_;
  Placement placement_;
  bool overruled_[mapped_kind_count] = {};
  ProbeRates rates_;
  bool cached_ = false;
  std::mutex mutex_;
  std::atomic<bool> settled_{false};
};

}  // namespace sporkle::gl
