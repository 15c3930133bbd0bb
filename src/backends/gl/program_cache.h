// Linked compute programs, by source, shared by the plans of a device; their
// binaries are kept on disk. Used on the submission thread; `users` is changed
// from any thread.
#pragma once

#include <atomic>
#include <list>
#include <memory_resource>
#include <string>

#include "backends/gl/gl_context.h"
#include "core/cache_store.h"

namespace sporkle::gl {

struct ProgramEntry {
  explicit ProgramEntry(std::pmr::memory_resource* memory) : source(memory) {}

  std::pmr::string source;
  GLuint name = 0;  // 0 when its context is gone
  bool linking = false;  // begun by start(), not looked at yet
  std::atomic<bool> ran{false};  // for a plan that was accepted: it has machine code
  std::atomic<uint32_t> users{0};
};

class ProgramCache {
 public:
  // `store` may be null.
  ProgramCache(std::pmr::memory_resource* memory, CacheStore* store)
      : memory_(memory), store_(store), entries_(memory) {}

  // Begins to compile a source unless it is here or on disk; the driver works on several
  // at once where it can. Nothing is reported before acquire().
  void start(const GlContext& context, const std::pmr::string& source) noexcept;
  // Whether acquire() would not wait for the compiler.
  bool ready(const GlContext& context, const std::pmr::string& source) const noexcept;

  // The program of a source, with one more user. Throws OPERATION_FAILED with
  // the driver's log; `label` names the shader in it.
  ProgramEntry* acquire(const GlContext& context, const std::pmr::string& source,
                        const char* label);

  // Deletes programs without users beyond the limit, and forgets those without a name.
  void trim(const GladGLContext& gl) noexcept;

  // Deletes the programs without users in the driver, and touches no allocator.
  void delete_unused(const GladGLContext& gl) noexcept;

  // The context is gone: names mean nothing any more.
  void forget_names() noexcept;

  uint32_t compiled() const noexcept { return compiled_; }

 private:
  GLuint load_binary(const GlContext& context, const std::pmr::string& source) noexcept;
  ProgramEntry* find(const std::pmr::string& source) noexcept;
  void finish(const GlContext& context, ProgramEntry& entry, const char* label);
  void save_binary(const GlContext& context, const std::pmr::string& source,
                   GLuint program) noexcept;

  static constexpr size_t unused_limit = 64;

  std::pmr::memory_resource* memory_;
  CacheStore* store_;
  std::pmr::list<ProgramEntry> entries_;
  uint32_t compiled_ = 0;
};

// Compiles and links without waiting for either.
// `keep` says that its binary will be asked for.
GLuint start_program(const GladGLContext& gl, const char* source, bool keep) noexcept;

// Compiles and links; throws OPERATION_FAILED with the driver's log.
GLuint compile_program(const GladGLContext& gl, const char* source, const char* label);

}  // namespace sporkle::gl
