// OpenGL buffer objects: created and deleted on the submission thread, owned
// and released from any thread.
#pragma once

#include <cstdint>

#include "backends/gl/gl_context.h"

namespace sporkle::gl {

// What the CPU does with a buffer. All but `local` are persistently mapped and
// need buffer_storage.
enum class BufferKind : uint8_t { upload, readback, shared, local };
constexpr uint32_t buffer_kind_count = 4;

const char* buffer_kind_name(BufferKind kind) noexcept;

// How a kind is mapped.
struct MapChoice {
  bool read = true;
  bool write = true;
  bool client_storage = false;  // GL_CLIENT_STORAGE_BIT: backed by host memory
};

struct BufferObject {
  GLuint name = 0;
  BufferKind kind = BufferKind::local;
  uint64_t size = 0;
  void* map = nullptr;      // for its whole life, 64-byte aligned
  bool coherent = false;    // of the mapping
  uint64_t generation = 0;  // of the context it belongs to
  BufferObject* next = nullptr;  // in the one list it is in
};

// Throws OUT_OF_MEMORY for a size that the machine cannot have, whatever is given back: to be
// asked before Reclaim::retry, so that such a size costs nobody the idle memory.
void refuse_beyond_memory(const GlContext& context, BufferKind kind, uint64_t bytes);

// Fills name, size, map and coherent. Throws OUT_OF_MEMORY or
// OPERATION_FAILED; nothing is left behind then.
void create_buffer_object(const GlContext& context, const OpenRules& rules, BufferKind kind,
                          const MapChoice& choice, uint64_t bytes, BufferObject* out);

// Gives idle memory back to the driver; on the submission thread.
struct Reclaim {
  void (*run)(void* data) noexcept = nullptr;
  void* data = nullptr;

  // Runs `allocate`, and once more after a reclaim when the driver has no memory.
  template <class F>
  void retry(F allocate) const {
    try {
      allocate();
    } catch (const Error& error) {
      if (error.status != SPORKLE_ERROR_OUT_OF_MEMORY || run == nullptr) throw;
      run(data);
      allocate();
    }
  }
};

// Whether the driver really gives usable mappings.
bool mapping_works(const GlContext& context, const OpenRules& rules) noexcept;

// What the work that raised an error ends with.
Status status_of_gl_error(GLenum error) noexcept;

// Forgets errors raised before, so that the next check is about what follows.
void clear_gl_errors(const GladGLContext& gl) noexcept;

}  // namespace sporkle::gl
