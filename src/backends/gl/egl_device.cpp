#include "backends/gl/egl_device.h"

#include <algorithm>
#include <cstdio>

namespace sporkle::gl {

namespace {

void describe_device(const EglFunctions& egl, EglDevice* device) noexcept {
  if (egl.query_device_string == nullptr) return;
  const char* list = egl.query_device_string(device->handle, EGL_EXTENSIONS);
  device->software = has_extension(list, software_extension);
  if (has_extension(list, "EGL_EXT_device_drm")) {
    const char* file = egl.query_device_string(device->handle, EGL_DRM_DEVICE_FILE_EXT);
    if (file != nullptr) std::snprintf(device->drm_file, sizeof device->drm_file, "%s", file);
  }
  EGLAttrib cuda = -1;
  if (has_extension(list, "EGL_NV_device_cuda") && egl.query_device_attrib != nullptr &&
      egl.query_device_attrib(device->handle, EGL_CUDA_DEVICE_NV, &cuda) == EGL_TRUE) {
    device->cuda_index = static_cast<int32_t>(cuda);
  }
}

}  // namespace

uint32_t list_egl_devices(const EglFunctions& egl, EglDevice* out, uint32_t capacity,
                          Reason* reason) noexcept {
  EGLDeviceEXT handles[egl_device_limit];
  EGLint count = 0;
  if (egl.query_devices != nullptr &&
      egl.query_devices(egl_device_limit, handles, &count) == EGL_TRUE && count > 0) {
    const uint32_t used = std::min(static_cast<uint32_t>(count), capacity);
    for (uint32_t i = 0; i < used; ++i) {
      out[i] = EglDevice{};
      out[i].handle = handles[i];
      out[i].position = i;
      describe_device(egl, &out[i]);
    }
    return used;
  }
  if (egl.surfaceless_platform && capacity > 0) {
    out[0] = EglDevice{};
    return 1;
  }
  reason->set("EGL lists no device and has no surfaceless platform: no driver is installed");
  return 0;
}

EGLDisplay open_display(const EglFunctions& egl, const EglDevice& device,
                        Reason* reason) noexcept {
  const bool surfaceless = device.handle == nullptr;
  const EGLenum platform =
      surfaceless ? EGL_PLATFORM_SURFACELESS_MESA : EGL_PLATFORM_DEVICE_EXT;
  EGLDisplay display = EGL_NO_DISPLAY;
  if (egl.counted_displays) {
    const EGLAttrib attributes[] = {EGL_TRACK_REFERENCES_KHR, EGL_TRUE, EGL_NONE};
    display = egl.get_platform_display(platform, device.handle, attributes);
  } else if (egl.get_platform_display_ext != nullptr) {
    display = egl.get_platform_display_ext(platform, device.handle, nullptr);
  } else if (egl.get_platform_display != nullptr) {
    display = egl.get_platform_display(platform, device.handle, nullptr);
  }
  if (display == EGL_NO_DISPLAY) {
    reason->set("EGL gives no display for device %u (error 0x%04x)", device.position,
                static_cast<unsigned>(egl.get_error()));
    return EGL_NO_DISPLAY;
  }
  EGLint major = 0, minor = 0;
  if (egl.initialize(display, &major, &minor) != EGL_TRUE) {
    reason->set("eglInitialize of device %u failed (error 0x%04x): the driver cannot be loaded",
                device.position, static_cast<unsigned>(egl.get_error()));
    return EGL_NO_DISPLAY;
  }
  return display;
}

void close_display(const EglFunctions& egl, EGLDisplay display) noexcept {
  // A display is shared by everyone in the process who asks for the same
  // device. Without reference counting, terminating it would end the contexts
  // of the host program, so it stays initialised until the process ends.
  if (egl.counted_displays && display != EGL_NO_DISPLAY) egl.terminate(display);
}

}  // namespace sporkle::gl
