#include "backends/gl/gl_context.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "backends/gl/buffer_object.h"
#include "backends/gl/functions.h"
#include "base/clock.h"

namespace sporkle::gl {

namespace {

// A context that is lost while it is being opened gives null strings, and glad
// measures them.
constinit thread_local PFNGLGETSTRINGIPROC get_stringi = nullptr;

const GLubyte* guarded_get_stringi(GLenum name, GLuint index) {
  const GLubyte* text = get_stringi(name, index);
  return text != nullptr ? text : reinterpret_cast<const GLubyte*>("");
}

// eglGetProcAddress as glad wants it.
GLADapiproc load_function(void* user, const char* name) {
  const auto function = reinterpret_cast<GLADapiproc>(
      static_cast<const EglFunctions*>(user)->get_proc_address(name));
  if (function == nullptr || std::strcmp(name, "glGetStringi") != 0) return function;
  get_stringi = reinterpret_cast<PFNGLGETSTRINGIPROC>(function);
  return reinterpret_cast<GLADapiproc>(&guarded_get_stringi);
}

template <size_t capacity>
void copy_string(char (&out)[capacity], const GLubyte* text) noexcept {
  std::snprintf(out, capacity, "%s",
                text == nullptr ? "" : reinterpret_cast<const char*>(text));
}

bool renders_in_software(const char* renderer) noexcept {
  // The names under which Mesa's CPU renderers appear, also behind zink.
  for (const char* name : {"llvmpipe", "softpipe", "lavapipe", "swrast", "Software Rasterizer"}) {
    if (std::strstr(renderer, name) != nullptr) return true;
  }
  return false;
}

Vendor vendor_of(const char* vendor, const char* renderer, bool software) noexcept {
  if (software) return Vendor::software;
  if (std::strstr(vendor, "NVIDIA") != nullptr) return Vendor::nvidia;
  for (const char* text : {vendor, renderer}) {
    if (std::strstr(text, "AMD") != nullptr || std::strstr(text, "ATI") != nullptr ||
        std::strstr(text, "Radeon") != nullptr) {
      return Vendor::amd;
    }
    if (std::strstr(text, "Intel") != nullptr) return Vendor::intel;
  }
  return Vendor::other;
}

EGLContext create_like(const EglFunctions& egl, EGLDisplay display, EGLContext share,
                       EGLint minor, bool robust) noexcept {
  const EGLint attributes[] = {
      EGL_CONTEXT_MAJOR_VERSION, 4, EGL_CONTEXT_MINOR_VERSION, minor,
      EGL_CONTEXT_OPENGL_PROFILE_MASK, EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
      robust ? EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY : EGL_NONE,
      EGL_LOSE_CONTEXT_ON_RESET, EGL_NONE};
  return egl.create_context(display, EGL_NO_CONFIG_KHR, share, attributes);
}

constexpr uint64_t workspace_limit_hardware = uint64_t{2} << 30;
constexpr uint64_t workspace_limit_software = uint64_t{512} << 20;

}  // namespace

bool GlContext::open(const EglFunctions& egl, const EglDevice& device, const OpenRules& rules,
                     Reason* reason) {
  const uint64_t start = now_ns();
  egl_ = &egl;
  egl.bind_api(EGL_OPENGL_API);
  display_ = open_display(egl, device, reason);
  if (display_ == EGL_NO_DISPLAY) return false;
  if (!create(egl, reason) || !load(rules, device, reason)) {
    close();
    return false;
  }
  facts_.open_ns = now_ns() - start;
  return true;
}

bool GlContext::create(const EglFunctions& egl, Reason* reason) {
  const char* extensions = egl.query_string(display_, EGL_EXTENSIONS);
  for (const char* needed : {"EGL_KHR_no_config_context", "EGL_KHR_surfaceless_context"}) {
    if (!has_extension(extensions, needed)) {
      reason->set("the driver lacks %s", needed);
      return false;
    }
  }
  // Best first. The robust form wants the EGL 1.5 tokens on desktop GL: the
  // EXT tokens are refused by Mesa and by NVIDIA.
  for (const EGLint minor : {5, 3}) {
    for (const bool robust : {true, false}) {
      asked_robust_ = robust;
      asked_minor_ = minor;
      context_ = create_like(egl, display_, EGL_NO_CONTEXT, minor, robust);
      if (context_ != EGL_NO_CONTEXT) break;
    }
    if (context_ != EGL_NO_CONTEXT) break;
  }
  if (context_ == EGL_NO_CONTEXT) {
    reason->set("the driver offers no OpenGL 4.3 core context (EGL error 0x%04x)",
                static_cast<unsigned>(egl.get_error()));
    return false;
  }
  if (egl.make_current(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, context_) == EGL_TRUE) {
    current_ = true;
    return true;
  }
  reason->set("eglMakeCurrent without a surface failed (EGL error 0x%04x)",
              static_cast<unsigned>(egl.get_error()));
  return false;
}

EGLContext GlContext::create_shared() const noexcept {
  return create_like(*egl_, display_, context_, asked_minor_, asked_robust_);
}

bool GlContext::load(const OpenRules& rules, const EglDevice& device, Reason* reason) {
  const int version = gladLoadGLContextUserPtr(
      &gl_, &load_function, const_cast<void*>(static_cast<const void*>(egl_)));
  if (version == 0 || !gl_.VERSION_4_3) {
    reason->set("the driver offers OpenGL %d.%d; compute shaders need 4.3",
                GLAD_VERSION_MAJOR(version), GLAD_VERSION_MINOR(version));
    return false;
  }
  if (const char* name = missing_function(gl_)) {
    reason->set("the driver says it has OpenGL %d.%d and lacks %s", GLAD_VERSION_MAJOR(version),
                GLAD_VERSION_MINOR(version), name);
    return false;
  }
  facts_.major = GLAD_VERSION_MAJOR(version);
  facts_.minor = GLAD_VERSION_MINOR(version);
  facts_.buffer_storage = can_map(gl_) && !rules.without_buffer_storage;
  read_facts(device);
  if (rules.pretend_vendor != nullptr) {
    std::snprintf(facts_.vendor, sizeof facts_.vendor, "%s", rules.pretend_vendor);
    std::snprintf(facts_.name, sizeof facts_.name, "%s", rules.pretend_renderer);
    facts_.software = renders_in_software(facts_.name);
  }
  if (read_limits()) return true;
  reason->set("the driver does not tell its limits");
  return false;
}

void GlContext::read_facts(const EglDevice& device) noexcept {
  copy_string(facts_.name, gl_.GetString(GL_RENDERER));
  copy_string(facts_.vendor, gl_.GetString(GL_VENDOR));
  copy_string(facts_.version, gl_.GetString(GL_VERSION));
  copy_string(facts_.glsl, gl_.GetString(GL_SHADING_LANGUAGE_VERSION));
  facts_.software = device.software || renders_in_software(facts_.name);
  facts_.limits.vendor = vendor_of(facts_.vendor, facts_.name, facts_.software);
  if (asked_robust_ && gl_.GetGraphicsResetStatus != nullptr &&
      (gl_.VERSION_4_5 || gl_.KHR_robustness)) {
    GLint strategy = 0;
    gl_.GetIntegerv(GL_RESET_NOTIFICATION_STRATEGY, &strategy);
    facts_.robust = strategy == GL_LOSE_CONTEXT_ON_RESET;
  }
  if (gl_.EXT_memory_object && gl_.GetUnsignedBytei_vEXT != nullptr) {
    unsigned char bytes[16] = {};
    gl_.GetUnsignedBytei_vEXT(GL_DEVICE_UUID_EXT, 0, bytes);
    if (gl_.GetError() == GL_NO_ERROR) format_uuid(bytes, facts_.uuid);
  }
  clear_gl_errors(gl_);
}

bool GlContext::read_limits() noexcept {
  Limits& limits = facts_.limits;
  const auto get = [this](GLenum name) {
    GLint64 value = 0;
    gl_.GetInteger64v(name, &value);
    return static_cast<uint64_t>(std::max<GLint64>(value, 0));
  };
  for (GLuint i = 0; i < 3; ++i) {
    GLint value = 0;
    gl_.GetIntegeri_v(GL_MAX_COMPUTE_WORK_GROUP_COUNT, i, &value);
    limits.max_groups[i] = static_cast<uint32_t>(std::max(value, 1));
  }
  GLint size_x = 0;
  gl_.GetIntegeri_v(GL_MAX_COMPUTE_WORK_GROUP_SIZE, 0, &size_x);
  limits.max_invocations =
      std::min(static_cast<uint32_t>(get(GL_MAX_COMPUTE_WORK_GROUP_INVOCATIONS)),
               static_cast<uint32_t>(std::max(size_x, 1)));
  limits.shared_bytes = static_cast<uint32_t>(get(GL_MAX_COMPUTE_SHARED_MEMORY_SIZE));
  limits.offset_alignment =
      std::max<uint32_t>(static_cast<uint32_t>(get(GL_SHADER_STORAGE_BUFFER_OFFSET_ALIGNMENT)), 16);
  limits.max_storage_blocks = static_cast<uint32_t>(get(GL_MAX_COMPUTE_SHADER_STORAGE_BLOCKS));
  limits.max_block_bytes = get(GL_MAX_SHADER_STORAGE_BLOCK_SIZE);
  limits.max_workspace_bytes =
      facts_.software ? workspace_limit_software : workspace_limit_hardware;
  if (gl_.GetError() != GL_NO_ERROR) return false;
  if (limits.vendor == Vendor::nvidia) {
    // GL_SM_COUNT_NV of NV_shader_thread_group, which glad does not know.
    constexpr GLenum sm_count = 0x933B;
    GLint count = 0;
    gl_.GetIntegerv(sm_count, &count);
    if (gl_.GetError() == GL_NO_ERROR && count > 0) {
      limits.compute_units = static_cast<uint32_t>(count);
    }
  }
  return true;
}

bool GlContext::was_reset() const noexcept {
  if (!facts_.robust) return false;
  // Drivers have been seen to return other values; only these mean a reset.
  const GLenum status = gl_.GetGraphicsResetStatus();
  return status == GL_GUILTY_CONTEXT_RESET || status == GL_INNOCENT_CONTEXT_RESET ||
         status == GL_UNKNOWN_CONTEXT_RESET;
}

void GlContext::detach() noexcept {
  if (!current_) return;
  egl_->make_current(display_, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
  current_ = false;
}

void GlContext::close() noexcept {
  if (egl_ == nullptr || display_ == EGL_NO_DISPLAY) return;
  detach();
  if (context_ != EGL_NO_CONTEXT) egl_->destroy_context(display_, context_);
  context_ = EGL_NO_CONTEXT;
  close_display(*egl_, display_);
  display_ = EGL_NO_DISPLAY;
}

}  // namespace sporkle::gl
