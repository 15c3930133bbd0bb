#include "backends/gl/egl_library.h"

#include <atomic>
#include <cstring>
#include <dlfcn.h>
#include <mutex>

#include "base/process.h"

namespace sporkle::gl {

namespace {

constinit std::mutex library_mutex;
constinit EglFunctions functions;
constinit void* library = nullptr;
// The process that opened the library, as process_epoch(); 0: none has.
constinit std::atomic<uint64_t> library_epoch{0};

template <class F>
bool load_symbol(const char* name, F* out) noexcept {
  *out = reinterpret_cast<F>(dlsym(library, name));
  return *out != nullptr;
}

template <class F>
void load_extension(const char* name, F* out) noexcept {
  *out = reinterpret_cast<F>(functions.get_proc_address(name));
}

bool load_core(Reason* reason) noexcept {
  const bool complete = load_symbol("eglGetProcAddress", &functions.get_proc_address) &&
                        load_symbol("eglQueryString", &functions.query_string) &&
                        load_symbol("eglGetError", &functions.get_error) &&
                        load_symbol("eglInitialize", &functions.initialize) &&
                        load_symbol("eglTerminate", &functions.terminate) &&
                        load_symbol("eglBindAPI", &functions.bind_api) &&
                        load_symbol("eglCreateContext", &functions.create_context) &&
                        load_symbol("eglDestroyContext", &functions.destroy_context) &&
                        load_symbol("eglMakeCurrent", &functions.make_current) &&
                        load_symbol("eglReleaseThread", &functions.release_thread);
  if (!complete) reason->set("libEGL.so.1 lacks a core function: it is no EGL library");
  return complete;
}

// A pointer from eglGetProcAddress is no evidence of support: GLVND returns a
// stub for any name. Only the extension string counts.
bool load_client_extensions(Reason* reason) noexcept {
  const char* list = functions.query_string(EGL_NO_DISPLAY, EGL_EXTENSIONS);
  const char* version = functions.query_string(EGL_NO_DISPLAY, EGL_VERSION);
  // Needed only to share names with a caller.
  load_symbol("eglGetCurrentContext", &functions.get_current_context);
  if (list == nullptr) {
    reason->set("libEGL names no client extensions: nothing works without a display server");
    return false;
  }
  const bool base = has_extension(list, "EGL_EXT_device_base");
  if (base || has_extension(list, "EGL_EXT_device_enumeration")) {
    load_extension("eglQueryDevicesEXT", &functions.query_devices);
  }
  if (base || has_extension(list, "EGL_EXT_device_query")) {
    load_extension("eglQueryDeviceStringEXT", &functions.query_device_string);
    load_extension("eglQueryDeviceAttribEXT", &functions.query_device_attrib);
  }
  if (has_extension(list, "EGL_EXT_platform_base")) {
    load_extension("eglGetPlatformDisplayEXT", &functions.get_platform_display_ext);
  }
  if (version != nullptr && std::strncmp(version, "1.5", 3) == 0) {
    load_symbol("eglGetPlatformDisplay", &functions.get_platform_display);
  }
  if (!has_extension(list, "EGL_EXT_platform_device")) functions.query_devices = nullptr;
  functions.surfaceless_platform = has_extension(list, "EGL_MESA_platform_surfaceless");
  functions.counted_displays = functions.get_platform_display != nullptr &&
                               has_extension(list, "EGL_KHR_display_reference");
  return true;
}

}  // namespace

const EglFunctions* open_egl_library(Reason* reason) noexcept {
  const std::lock_guard lock(library_mutex);
  if (library != nullptr) return &functions;
  library = dlopen("libEGL.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    reason->set("%.240s", dlerror());
    return nullptr;
  }
  if (!load_core(reason)) {
    dlclose(library);
    library = nullptr;
    return nullptr;
  }
  library_epoch.store(process_epoch());
  if (load_client_extensions(reason)) return &functions;
  // Stays loaded, because a driver may be behind it; the next context asks again.
  library = nullptr;
  return nullptr;
}

bool egl_opened_before_fork() noexcept {
  const uint64_t epoch = library_epoch.load();
  return epoch != 0 && epoch != process_epoch();
}

bool has_extension(const char* list, const char* name) noexcept {
  const size_t length = std::strlen(name);
  while (list != nullptr && *list != '\0') {
    const size_t word = std::strcspn(list, " ");
    if (word == length && std::memcmp(list, name, length) == 0) return true;
    list += word;
    list += std::strspn(list, " ");
  }
  return false;
}

}  // namespace sporkle::gl
