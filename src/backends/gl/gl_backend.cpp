#include "backends/gl/gl_backend.h"

#include <cstdio>
#include <cstring>
#include <iterator>
#include <new>

#include "backends/gl/device_scan.h"
#include "backends/gl/driver_thread.h"
#include "base/memory.h"

namespace sporkle::gl {

namespace {

constexpr uint64_t scan_patience_ns = 60000000000u;

// "cpu" or "null" needs no graphics driver; "auto" and "gl" look for one.
bool wants_gl(const Options& options) {
  const char* device = options.value(Option::device);
  return std::strcmp(device, "auto") == 0 || std::strncmp(device, "gl", 2) == 0;
}

struct ScanTask {
  ScanTask(const DeviceEnvironment& environment, const OpenRules& rules)
      : scan(environment, rules) {}

  DeviceScan scan;
  Error error;
  bool failed = false;
  // Keeps the task alive for a thread that had to be given up.
  std::shared_ptr<ScanTask> self;
};

void run_scan(void* data, DriverSlot&) {
  auto* task = static_cast<ScanTask*>(data);
  try {
    task->scan.run();
  } catch (const Error& error) {
    task->error = error;
    task->failed = true;
  } catch (const std::bad_alloc&) {
    task->error.status = SPORKLE_ERROR_OUT_OF_MEMORY;
    task->error.reason.set("device: no memory to look for OpenGL devices");
    task->failed = true;
  }
}

void close_all(DeviceList& list) noexcept {
  for (auto& device : list.devices) device->close(SPORKLE_ERROR_CANCELLED);
}

}  // namespace

OpenRules& scan_rules() noexcept {
  static OpenRules rules;
  return rules;
}

void enumerate(const DeviceEnvironment& environment, DeviceList* list) {
  if (!wants_gl(*environment.options)) {
    char reason[160];
    std::snprintf(reason, sizeof reason, "not looked for: the device setting is \"%.40s\"",
                  environment.options->value(Option::device));
    add_unavailable(list, "", reason, "env -u SPORKLE_DEVICE sporkle info");
    return;
  }
  if (egl_opened_before_fork()) {
    add_unavailable(list, "", "the parent process had opened the graphics driver before it forked",
                    "fork before the first context, or use exec");
    return;
  }
  auto task = make_shared_in<ScanTask>(environment.memory, environment, scan_rules());
  DriverThread thread;
  if (!thread.start(environment.memory, "sporkle-gl-scan", &run_scan, task.get())) {
    add_unavailable(list, "", "the system refuses a thread to look for OpenGL devices",
                    "ulimit -u");
    return;
  }
  if (!thread.finish(Deadline::after(scan_patience_ns))) {
    task->self = task;
    add_unavailable(list, "", "the graphics driver does not finish loading",
                    "SPORKLE_DEVICE=cpu   # and see dmesg for the driver's messages");
    return;
  }
  if (task->failed) {
    close_all(task->scan.list());
    throw task->error;
  }
  DeviceList& found = task->scan.list();
  std::move(found.devices.begin(), found.devices.end(), std::back_inserter(list->devices));
  list->unavailable.insert(list->unavailable.end(), found.unavailable.begin(),
                           found.unavailable.end());
}

}  // namespace sporkle::gl
