// One search for OpenGL devices; runs on a library thread, because loading a
// driver runs its constructors and must not meet the caller's floating-point
// traps.
#pragma once

#include <vector>

#include "backends/gl/diagnosis.h"
#include "backends/gl/gl_device.h"
#include "backends/gl/selection.h"

namespace sporkle::gl {

class DeviceScan {
 public:
  DeviceScan(const DeviceEnvironment& environment, const OpenRules& rules);

  // Fills list().
  void run();

  DeviceList& list() noexcept { return list_; }

 private:
  struct Opened {
    EglDevice device;
    std::shared_ptr<SubmissionThread> thread;
  };

  void open_all(const EglFunctions& egl);
  void await_all();
  Candidate describe(uint32_t source) const;
  bool is_duplicate(const Candidate& candidate) const noexcept;
  void hide_by_cuda();
  void choose();
  void publish(const Choice& choice);
  void explain_default(const Choice& choice, uint32_t position, DeviceIdentity* identity) const;
  void drop(uint32_t source) noexcept;

  DeviceEnvironment environment_;
  OpenRules rules_;
  DeviceList list_;
  std::pmr::vector<Opened> opened_;
  std::pmr::vector<Candidate> candidates_;
  Findings findings_;
};

}  // namespace sporkle::gl
