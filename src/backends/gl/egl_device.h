// The devices that EGL offers and their displays.
#pragma once

#include <cstdint>

#include "backends/gl/egl_library.h"

namespace sporkle::gl {

constexpr uint32_t egl_device_limit = 32;

struct EglDevice {
  EGLDeviceEXT handle = nullptr;  // null: Mesa's surfaceless platform
  uint32_t position = 0;          // in EGL's own order
  bool software = false;          // the driver says so
  int32_t cuda_index = -1;
  char drm_file[64] = {};         // "/dev/dri/card0", or empty
};

// Fills `out`; 0 with a reason when EGL offers nothing without a display
// server.
uint32_t list_egl_devices(const EglFunctions& egl, EglDevice* out, uint32_t capacity,
                          Reason* reason) noexcept;

// Opens and initialises the display of a device; EGL_NO_DISPLAY with a reason.
EGLDisplay open_display(const EglFunctions& egl, const EglDevice& device,
                        Reason* reason) noexcept;

// Undoes open_display as far as that touches nobody else.
void close_display(const EglFunctions& egl, EGLDisplay display) noexcept;

}  // namespace sporkle::gl
