// OpenGL buffer objects: created and deleted on the submission thread, owned
// and released from any thread.
#pragma once

#include <cstdint>

#include "backends/gl/gl_context.h"

namespace sporkle::gl {

struct BufferObject {
  GLuint name = 0;
  uint64_t size = 0;
  void* map = nullptr;      // for its whole life, 64-byte aligned
  bool coherent = false;    // of the mapping
  uint64_t generation = 0;  // of the context it belongs to
  BufferObject* next_released = nullptr;
};

enum class BufferKind : uint8_t {
  mapped,  // persistently mapped for reading and writing; needs buffer_storage
  local    // device-local, never mapped
};

// Fills name, size, map and coherent. Throws OUT_OF_MEMORY or
// OPERATION_FAILED; nothing is left behind then.
void create_buffer_object(const GlContext& context, const OpenRules& rules, BufferKind kind,
                          uint64_t bytes, BufferObject* out);

// Whether the driver really gives usable mappings.
bool mapping_works(const GlContext& context, const OpenRules& rules) noexcept;

// What the work that raised an error ends with.
Status status_of_gl_error(GLenum error) noexcept;

// Forgets errors raised before, so that the next check is about what follows.
void clear_gl_errors(const GladGLContext& gl) noexcept;

}  // namespace sporkle::gl
