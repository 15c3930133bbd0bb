#include "backends/amdgpu/embedded_objects.h"

namespace sporkle::amdgpu {

namespace {

// Generated: an array of bytes per object, and `objects`, chips before generic targets.
#include <code_objects.inc>

}  // namespace

std::span<const EmbeddedObject> embedded_objects() { return objects; }

bool find_embedded_object(uint32_t processor, CodeObject* out, Reason* why) {
  for (const EmbeddedObject& object : objects) {
    if (!read_code_object(object.bytes, out, why)) return false;
    if (runs_on(*out, processor)) return true;
  }
  why->set("gfx%x: this build carries no machine code for it", processor);
  return false;
}

}  // namespace sporkle::amdgpu
