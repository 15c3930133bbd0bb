#include "backends/gl/diagnosis.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <pwd.h>
#include <sched.h>
#include <unistd.h>

#include "backends/gl/vendor_files.h"
#include "base/options.h"

namespace sporkle::gl {

namespace {

constexpr uint32_t vendor_file_limit = 16;

bool try_library(const char* path, Reason* error) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    error->set("%.240s", dlerror());
    return false;
  }
  // Left open: a driver that has been unloaded once does not always load again,
  // and GLVND has opened the working ones anyway.
  return true;
}

bool may_open_node(const char* path) { return access(path, R_OK | W_OK) == 0; }

bool process_in_group(uint32_t group) {
  gid_t groups[256];
  const int count = getgroups(256, groups);
  return getegid() == group || std::find(groups, groups + std::max(count, 0), group) !=
                                   groups + std::max(count, 0);
}

void append(DeviceList* list, const Unavailable& found) { list->unavailable.push_back(found); }

}  // namespace

Surroundings real_surroundings() noexcept {
  Surroundings where;
  where.nvidia_capabilities = foreign_variable(ForeignVariable::nvidia_driver_capabilities);
  where.nvidia_visible_devices = foreign_variable(ForeignVariable::nvidia_visible_devices);
  where.cuda_visible_devices = foreign_variable(ForeignVariable::cuda_visible_devices);
  where.vendor_filenames = foreign_variable(ForeignVariable::egl_vendor_filenames);
  where.vendor_directories = foreign_variable(ForeignVariable::egl_vendor_dirs);
  where.load_library = &try_library;
  where.may_open = &may_open_node;
  where.in_group = &process_in_group;
  where.online_cpus = static_cast<uint32_t>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L));
  cpu_set_t set;
  where.usable_cpus = sched_getaffinity(0, sizeof set, &set) == 0
                          ? static_cast<uint32_t>(CPU_COUNT(&set))
                          : where.online_cpus;
  passwd entry, *found = nullptr;
  char buffer[1024];
  if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
    std::snprintf(where.user, sizeof where.user, "%s", entry.pw_name);
  }
  return where;
}

void add_unavailable(DeviceList* list, const char* id, const char* reason, const char* cure) {
  Unavailable entry;
  std::snprintf(entry.backend, sizeof entry.backend, "gl");
  std::snprintf(entry.id, sizeof entry.id, "%s", id);
  std::snprintf(entry.reason, sizeof entry.reason, "%s", reason);
  std::snprintf(entry.cure, sizeof entry.cure, "%s", cure);
  list->unavailable.push_back(entry);
}

void diagnose(const Surroundings& where, const Findings& findings, DeviceList* list) {
  Unavailable found;
  if (cause::wrong_gpu(findings, &found)) append(list, found);
  if (cause::not_loadable(findings, &found)) append(list, found);
  // What would bring a hardware GPU back is of interest only without one.
  if (findings.hardware_devices == 0) {
    for (const auto check : {&cause::container_without_graphics, &cause::nvidia_compute_only,
                             &cause::never_opengl, &cause::no_permission}) {
      if (check(where, &found)) append(list, found);
    }
  }
  for (uint32_t i = 0; i < vendor_file_limit; ++i) {
    if (!cause::vendor_library_missing(where, i, &found)) break;
    append(list, found);
  }
  if (cause::software_only(findings, &found)) append(list, found);
  if (cause::slow_first_call(where, findings, &found)) append(list, found);
  if (findings.hardware_devices + findings.software_devices > 0 &&
      cause::one_bound_core(where, &found)) {
    append(list, found);
  }
}

}  // namespace sporkle::gl
