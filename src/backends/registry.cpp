#include "backends/registry.h"

#include "backends/cpu/cpu_device.h"
#include "backends/null/null_device.h"
#if defined(SPORKLE_HAVE_GL)
#include "backends/gl/gl_backend.h"
#endif

namespace sporkle {

void enumerate_devices(const DeviceEnvironment& environment, bool with_null, DeviceList* list) {
  cpu::enumerate(environment, list);
#if defined(SPORKLE_HAVE_GL)
  gl::enumerate(environment, list);
#endif
  if (with_null) null::enumerate(environment, list);
}

}  // namespace sporkle
