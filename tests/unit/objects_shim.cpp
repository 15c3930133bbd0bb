#include "objects_shim.h"

#include <sys/mman.h>

#include "core/object_table.h"

using namespace sporkle;

namespace {

constexpr HandleType some_type = HandleType::buffer;

struct Thing final : Object {
  Thing() : Object(some_type) {}
  void dispose() noexcept override { delete this; }
};

thread_local void (*before_mmap)() = nullptr;

}  // namespace

// The linker sends the library's calls of mmap here (--wrap).
extern "C" {
void* __real_mmap(void* at, size_t bytes, int access, int flags, int fd, off_t offset);
void* __wrap_mmap(void* at, size_t bytes, int access, int flags, int fd, off_t offset);
}

void* __wrap_mmap(void* at, size_t bytes, int access, int flags, int fd, off_t offset) {
  void (*const held)() = before_mmap;
  before_mmap = nullptr;
  if (held != nullptr) held();
  return __real_mmap(at, bytes, access, flags, fd, offset);
}

void shim_hold_next_mmap(void (*held)(void)) { before_mmap = held; }

void shim_objects_enter(void) {
  process_enter([]() noexcept {});
}

void* shim_object_make(void) {
  auto* thing = new Thing;
  try {
    object_publish(thing);
  } catch (...) {
    thing->dispose();
    return nullptr;
  }
  return thing->handle();
}

int shim_object_lives(const void* handle) {
  Object* object = object_pin(handle, some_type);
  if (object == nullptr) return 0;
  object_unpin(object);
  return 1;
}

int shim_object_destroy(void* handle) { return object_destroy(handle, some_type); }
