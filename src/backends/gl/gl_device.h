// An OpenGL device as the rest of the library sees it.
#pragma once

#include <vector>

#include "backends/gl/interop.h"
#include "backends/gl/device_placement.h"
#include "backends/gl/staging_pool.h"
#include "backends/gl/submission_thread.h"
#include "backends/gl/tuner.h"
#include "core/device_list.h"

namespace sporkle::gl {

// What enumeration found out about a device besides the driver's own facts.
struct DeviceIdentity {
  uint32_t index = 0;        // what SPORKLE_GL_DEVICE takes
  char spec[32] = {};
  char pci[pci_capacity] = {};
  CardKind kind = CardKind::unknown;
  int32_t cuda_index = -1;
  bool asked = false;        // SPORKLE_GL_DEVICE named it
  char reason[160] = {};     // why it is the default, or not
};

class GlDevice final : public Device {
 public:
  GlDevice(const DeviceEnvironment& environment, std::shared_ptr<SubmissionThread> thread,
           const DeviceIdentity& identity, const OpenRules& rules);

  DeviceClass device_class() const noexcept override;
  void describe(sporkle_device_info* info) const noexcept override;
  void property(uint32_t index, sporkle_property* out) const noexcept override;
  bool supports(const ConvProblem& problem, Reason* reason) const noexcept override;
  std::shared_ptr<DevicePlan> create_plan(const ConvProblem& problem, const float* weights,
                                          const float* bias) override;
  std::shared_ptr<DevicePlan> create_sequence(SequenceSteps steps) override;
  std::shared_ptr<DeviceMemory> create_memory(uint64_t bytes, uint32_t usage) override;
  void run(const std::shared_ptr<DevicePlan>& plan, const HostTensors& tensors,
           RunReport* report) override;
  void submit_all(std::span<Operation> operations) override;
  void insert_fence(FenceRef fence, bool owned) override;
  bool drain(Deadline deadline) noexcept override;
  void close(Status status) noexcept override;
  GlInterop* gl_interop() noexcept override { return &interop_; }

 private:
  void list_properties();
  void add_property(const char* key, const char* format, ...)
      __attribute__((format(printf, 3, 4)));
  void list_placement();
  void list_limits();
  uint32_t pieces_of(const DevicePlan& plan) const noexcept;

  DeviceEnvironment environment_;
  std::shared_ptr<SubmissionThread> thread_;
  DeviceIdentity identity_;
  Facts facts_;
  OpenRules rules_;
  mutable DevicePlacement placement_;
  uint32_t placement_first_ = 0;
  uint32_t completion_ = 0;  // index of that property
  std::shared_ptr<MemoryPool> pool_;
  std::shared_ptr<StagingPool> staging_;
  Tuner tuner_;
  Interop interop_;
  std::pmr::vector<sporkle_property> properties_;
};

}  // namespace sporkle::gl
