// Whether a driver has the functions that its version promises.
#pragma once

#include <glad/gl.h>

namespace sporkle::gl {

// The first function that the backend calls unconditionally and the driver does
// not have; null: none is missing.
const char* missing_function(const GladGLContext& gl) noexcept;

// Whether it has all that persistent mappings take.
bool can_map(const GladGLContext& gl) noexcept;

}  // namespace sporkle::gl
