#include "backends/registry.h"

#include "backends/amdgpu/packet_tools.h"
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

uint64_t pm4_encode(const char* gfx, const ConvProblem& problem, unsigned char* image,
                    uint64_t capacity, sporkle_pm4_info* out_info) {
  return amdgpu::encode_stream_file(gfx, problem, image, capacity, out_info);
}

uint64_t pm4_decode(const char* gfx, const unsigned char* image, uint64_t size, char* text,
                    uint64_t capacity) {
  return amdgpu::decode_packets(gfx, image, size, text, capacity);
}

void pm4_validate(const unsigned char* image, uint64_t size) {
  amdgpu::validate_stream_file(image, size);
}

uint64_t pm4_list_code(const char* gfx, const unsigned char* object, uint64_t size, char* text,
                       uint64_t capacity) {
  return amdgpu::list_code(gfx, object, size, text, capacity);
}

}  // namespace sporkle
