// libEGL, opened at run time: its functions and what it says about itself.
#pragma once

#include <glad/egl.h>

#include "base/error.h"

namespace sporkle::gl {

// EGL_MESA_device_software has no name in the generated header.
constexpr const char* software_extension = "EGL_MESA_device_software";

struct EglFunctions {
  PFNEGLGETPROCADDRESSPROC get_proc_address = nullptr;
  PFNEGLQUERYSTRINGPROC query_string = nullptr;
  PFNEGLGETERRORPROC get_error = nullptr;
  PFNEGLINITIALIZEPROC initialize = nullptr;
  PFNEGLTERMINATEPROC terminate = nullptr;
  PFNEGLBINDAPIPROC bind_api = nullptr;
  PFNEGLCREATECONTEXTPROC create_context = nullptr;
  PFNEGLDESTROYCONTEXTPROC destroy_context = nullptr;
  PFNEGLMAKECURRENTPROC make_current = nullptr;
  PFNEGLRELEASETHREADPROC release_thread = nullptr;
  // Null when missing.
  PFNEGLGETCURRENTCONTEXTPROC get_current_context = nullptr;
  PFNEGLGETPLATFORMDISPLAYPROC get_platform_display = nullptr;
  PFNEGLGETPLATFORMDISPLAYEXTPROC get_platform_display_ext = nullptr;
  PFNEGLQUERYDEVICESEXTPROC query_devices = nullptr;
  PFNEGLQUERYDEVICESTRINGEXTPROC query_device_string = nullptr;
  PFNEGLQUERYDEVICEATTRIBEXTPROC query_device_attrib = nullptr;
  bool surfaceless_platform = false;
  bool counted_displays = false;  // EGL_KHR_display_reference
};

// Opens the library once per process and never closes it: drivers leave
// threads and exit handlers behind. Null with the loader's error in `reason`.
const EglFunctions* open_egl_library(Reason* reason) noexcept;

// A driver that the parent process has started is unusable in a forked child:
// its worker threads do not exist here.
bool egl_opened_before_fork() noexcept;

// Whether a space-separated list of extensions (may be null) has `name`.
bool has_extension(const char* list, const char* name) noexcept;

}  // namespace sporkle::gl
