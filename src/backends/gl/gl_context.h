// One OpenGL context, current on the thread that opened it for its whole life.
#pragma once

#include <atomic>
#include <glad/gl.h>

#include "backends/gl/driver_thread.h"
#include "backends/gl/egl_device.h"
#include "backends/gl/kernels/recipe.h"
#include "backends/gl/pci.h"
#include "backends/gl/tuning_share.h"

namespace sporkle::gl {

// What the driver says about itself.
struct Facts {
  char name[128] = {};       // GL_RENDERER
  char vendor[64] = {};
  char version[96] = {};     // GL_VERSION
  char glsl[64] = {};
  char uuid[uuid_capacity] = {};
  int major = 0, minor = 0;  // of the context
  bool robust = false;       // resets are reported instead of ending the process
  bool buffer_storage = false;
  bool software = false;
  uint64_t open_ns = 0;      // time the driver took to start
  Limits limits;
};

// Bounds that tests set to reach the paths a driver at hand does not need.
struct OpenRules {
  bool without_buffer_storage = false;
  bool without_coherent = false;
  bool windowed = false;       // device-local memory with a mapped window
  bool without_probe = false;  // placement by profile alone
  // Copies beside kernels on software drivers too; counts them.
  std::atomic<uint64_t>* beside = nullptr;
  // Strings to believe instead of the driver's; null: the driver's.
  const char* pretend_vendor = nullptr;
  const char* pretend_renderer = nullptr;
  bool pretend_integrated = false;  // whatever the PCI tree says
  uint64_t memory_limit = UINT64_MAX;  // bytes of buffers before the driver "has none left"
  const uint32_t* pieces = nullptr;  // of each synchronous call; null: as many as pay
  bool tune_everywhere = false;  // time kernels on software drivers too
  uint64_t tuning_grace_ns = TuningShare::usual_grace_ns;
  // A variant that fails in a trial ("!name": all others do), and how; or the only one
  // that plans may take.
  enum : uint32_t { spoil_nothing, spoil_compile, spoil_hang, spoil_result, only_variant };
  uint32_t spoil = spoil_nothing;
  char spoiled_variant[40] = {};
};

class GlContext {
 public:
  GlContext() = default;
  GlContext(const GlContext&) = delete;
  GlContext& operator=(const GlContext&) = delete;
  ~GlContext() { close(); }

  // Creates the context and makes it current on this thread.
  bool open(const EglFunctions& egl, const EglDevice& device, const OpenRules& rules,
            Reason* reason);
  // On the thread that opened it.
  void close() noexcept;
  // Stops being current, so that the thread can open another one; mappings
  // stay valid until close().
  void detach() noexcept;

  bool is_open() const noexcept { return context_ != EGL_NO_CONTEXT; }
  const GladGLContext& gl() const noexcept { return gl_; }
  const Facts& facts() const noexcept { return facts_; }
  // Its buffers are not mapped from now on.
  void give_up_mapping() noexcept { facts_.buffer_storage = false; }

  // The thread that uses it. checkpoint() does not return once that thread has
  // been given up: it is called between a driver call, which may have taken for
  // ever, and whatever is not this thread's alone.
  void set_thread(DriverSlot* slot) noexcept { slot_ = slot; }
  void checkpoint() const noexcept {
    if (slot_ != nullptr) driver_checkpoint(*slot_);
  }

  EGLDisplay display() const noexcept { return display_; }
  // A context of the same kind in the same share group, current nowhere;
  // EGL_NO_CONTEXT when the driver refuses.
  EGLContext create_shared() const noexcept;

  // Whether the driver has reported a reset of this context.
  bool was_reset() const noexcept;

 private:
  bool create(const EglFunctions& egl, Reason* reason);
  bool load(const OpenRules& rules, const EglDevice& device, Reason* reason);
  void read_facts(const EglDevice& device) noexcept;
  bool read_limits() noexcept;

  const EglFunctions* egl_ = nullptr;
  EGLDisplay display_ = EGL_NO_DISPLAY;
  EGLContext context_ = EGL_NO_CONTEXT;
  bool asked_robust_ = false;
  EGLint asked_minor_ = 0;
  bool current_ = false;
  DriverSlot* slot_ = nullptr;
  GladGLContext gl_{};
  Facts facts_;
};

}  // namespace sporkle::gl
