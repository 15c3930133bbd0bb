// The usual causes of a GPU that cannot be used, or not well: each with a
// stable identifier, what was found, and what to type.
#pragma once

#include "backends/gl/pci.h"
#include "base/error.h"
#include "core/device_list.h"

namespace sporkle::gl {

// Where to look. Tests point it at fakes; defaults are the real system.
struct Surroundings {
  const char* root = "";  // prefix of /proc, /sys, /dev, /etc, /usr, /run
  // Environment; null: not set.
  const char* nvidia_capabilities = nullptr;
  const char* nvidia_visible_devices = nullptr;
  const char* cuda_visible_devices = nullptr;
  const char* vendor_filenames = nullptr;
  const char* vendor_directories = nullptr;
  // The system; results as the calls of the same purpose.
  bool (*load_library)(const char* path, Reason* error) = nullptr;  // dlopen
  bool (*may_open)(const char* path) = nullptr;                     // access(R_OK | W_OK)
  bool (*in_group)(uint32_t group) = nullptr;                       // of this process
  uint32_t usable_cpus = 0;
  uint32_t online_cpus = 0;
  char user[64] = {};
};

Surroundings real_surroundings() noexcept;

// What enumeration has seen.
struct Findings {
  bool library_loaded = false;
  Reason library_error;      // when it was not
  uint32_t hardware_devices = 0;
  uint32_t software_devices = 0;
  bool opened_nvidia = false;
  uint64_t slowest_open_ns = 0;
  bool program_cache = true;  // a directory for compiled programs is usable
  Reason wrong_device;       // why SPORKLE_GL_DEVICE or CUDA_VISIBLE_DEVICES leave nothing
};

// Appends what applies, most likely cause first.
void diagnose(const Surroundings& where, const Findings& findings, DeviceList* list);

void add_unavailable(DeviceList* list, const char* id, const char* reason, const char* cure);

// The causes, one function each; true when it applies.
namespace cause {

bool nvidia_compute_only(const Surroundings& where, Unavailable* out);      // SPORKLE-ENV-01
bool container_without_graphics(const Surroundings& where, Unavailable* out);  // 02
bool vendor_library_missing(const Surroundings& where, uint32_t skip, Unavailable* out);  // 03
bool never_opengl(const Surroundings& where, Unavailable* out);             // 04
bool no_permission(const Surroundings& where, Unavailable* out);            // 05
bool software_only(const Findings& findings, Unavailable* out);             // 06
bool wrong_gpu(const Findings& findings, Unavailable* out);                 // 07
bool slow_first_call(const Surroundings& where, const Findings& findings, Unavailable* out);  // 08
bool not_loadable(const Findings& findings, Unavailable* out);              // 09
bool one_bound_core(const Surroundings& where, Unavailable* out);           // 10

}  // namespace cause

}  // namespace sporkle::gl
