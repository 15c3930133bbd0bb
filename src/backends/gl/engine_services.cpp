// What other threads have the engine do for buffers, weights and programs, between batches.
#include <cinttypes>

#include "backends/gl/engine.h"

namespace sporkle::gl {

void Engine::create_buffer(BufferKind kind, uint64_t bytes, BufferObject* out) {
  const MapChoice& choice = map_choices_[static_cast<uint32_t>(kind)];
  refuse_beyond_memory(*context_, kind, bytes);
  reclaim_.retry([&] {
    if (bytes > rules_.memory_limit || buffer_bytes_ > rules_.memory_limit - bytes) {
      fail(SPORKLE_ERROR_OUT_OF_MEMORY, "size: %" PRIu64 " bytes exceed the limit", bytes);
    }
    create_buffer_object(*context_, rules_, kind, choice, bytes, out);
  });
  out->generation = generation_;
  buffer_bytes_ += out->size;
  ++buffers_;
  if (out->map == nullptr) return;
  environment_.stats->add(Counter::map_calls, 1);
  environment_.stats->add(Counter::mapped_bytes_added, out->size);
}

void Engine::fill_local(const BufferObject& object, const void* data, uint64_t bytes,
                        uint64_t start) {
  const GladGLContext& gl = context_->gl();
  environment_.stats->add(Counter::cpu_copied_bytes, bytes);
  if (!facts().buffer_storage) {
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, object.name);
    in_pieces({0, bytes}, [&](Stretch piece) {
      gl.BufferSubData(GL_COPY_WRITE_BUFFER, static_cast<GLintptr>(start + piece.offset),
                       static_cast<GLsizeiptr>(piece.bytes),
                       static_cast<const char*>(data) + piece.offset);
    });
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, 0);
  } else {
    // Storage without DYNAMIC_STORAGE is filled by the GPU from a temporary.
    GLuint staging = 0;
    gl.GenBuffers(1, &staging);
    gl.BindBuffer(GL_COPY_READ_BUFFER, staging);
    gl.BufferStorage(GL_COPY_READ_BUFFER, static_cast<GLsizeiptr>(bytes), data, 0);
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, object.name);
    in_pieces({0, bytes}, [&](Stretch piece) {
      const auto offset = static_cast<GLintptr>(piece.offset);
      gl.CopyBufferSubData(GL_COPY_READ_BUFFER, GL_COPY_WRITE_BUFFER, offset,
                           static_cast<GLintptr>(start) + offset,
                           static_cast<GLsizeiptr>(piece.bytes));
    });
    gl.BindBuffer(GL_COPY_READ_BUFFER, 0);
    gl.BindBuffer(GL_COPY_WRITE_BUFFER, 0);
    gl.DeleteBuffers(1, &staging);
    environment_.stats->add(Counter::gpu_copied_bytes, bytes);
  }
  const GLenum error = gl.GetError();
  context_->checkpoint();
  if (error != GL_NO_ERROR) {
    fail(SPORKLE_ERROR_OUT_OF_MEMORY,
         "plan: the OpenGL driver has no memory for %" PRIu64 " bytes of weights", bytes);
  }
}

void Engine::flush_mapped(const BufferObject& object) {
  if (object.coherent) return;
  const GladGLContext& gl = context_->gl();
  clear_gl_errors(gl);
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, object.name);
  gl.FlushMappedBufferRange(GL_COPY_WRITE_BUFFER, 0, static_cast<GLsizeiptr>(object.size));
  gl.BindBuffer(GL_COPY_WRITE_BUFFER, 0);
  check_copy("plan");
}

void Engine::start_program(const std::pmr::string& source) noexcept {
  programs_.start(*context_, source);
}

bool Engine::program_ready(const std::pmr::string& source) const noexcept {
  return programs_.ready(*context_, source);
}

ProgramEntry* Engine::acquire_program(const std::pmr::string& source, const char* label) {
  return programs_.acquire(*context_, source, label);
}

void Engine::check_copy(const char* argument) {
  const GLenum error = context_->gl().GetError();
  context_->checkpoint();
  if (error == GL_NO_ERROR) return;
  fail(status_of_gl_error(error), "%s: the OpenGL driver did not copy (error 0x%04x)", argument, error);
}

void Engine::upload_now(GlMemory& memory) {
  if (memory.generation() != generation_) return;
  clear_gl_errors(context_->gl());
  Stretch stretches[GlMemory::stretch_limit];
  const uint32_t count = memory.take_flushed(stretches);
  for (uint32_t i = 0; i < count; ++i) memory.upload(context_->gl(), stretches[i]);
  try {
    check_copy("buffer");
  } catch (...) {
    memory.give_back_flushed(stretches, count);
    throw;
  }
}

void Engine::upload_stretch(GlMemory& memory, Stretch stretch) {
  if (memory.generation() != generation_) return;
  clear_gl_errors(context_->gl());
  memory.upload(context_->gl(), stretch);
  check_copy("buffer");
}

void Engine::download_stretch(GlMemory& memory, Stretch stretch) {
  if (memory.generation() != generation_) {
    fail(SPORKLE_ERROR_DEVICE_LOST, "buffer: created before the device was reset");
  }
  // What the CPU has flushed and no operation has taken yet is newer.
  upload_now(memory);
  context_->gl().MemoryBarrier(GL_BUFFER_UPDATE_BARRIER_BIT);
  memory.download(context_->gl(), stretch);
  check_copy("buffer");
}

}  // namespace sporkle::gl
