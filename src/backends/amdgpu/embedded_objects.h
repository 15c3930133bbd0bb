// The code objects that this build carries.
#pragma once

#include "backends/amdgpu/code_object.h"

namespace sporkle::amdgpu {

struct EmbeddedObject {
  const char* target;  // "gfx1100", "gfx11-generic"
  Bytes bytes;
};

std::span<const EmbeddedObject> embedded_objects();

// The object for a chip: its own, else a generic one that covers it. Returns
// false with a reason when the build has none.
bool find_embedded_object(uint32_t processor, CodeObject* out, Reason* why);

}  // namespace sporkle::amdgpu
