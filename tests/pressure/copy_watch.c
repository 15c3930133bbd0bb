#include "pressure/copy_watch.h"

#include <stdatomic.h>

enum { most = 64 };

static struct {
  uintptr_t begin, end;
} ranges[most];
static atomic_uint range_count;
static atomic_bool counting;
static atomic_ullong moved, calls;

void copy_watch_add(const void *begin, size_t bytes) {
  const unsigned at = atomic_load(&range_count);
  if (at == most) __builtin_trap();
  ranges[at].begin = (uintptr_t)begin;
  ranges[at].end = (uintptr_t)begin + bytes;
  atomic_store(&range_count, at + 1);
}

void copy_watch_clear(void) {
  atomic_store(&range_count, 0);
  atomic_store(&moved, 0);
  atomic_store(&calls, 0);
}

void copy_watch_set(bool on) { atomic_store(&counting, on); }
uint64_t copy_watch_bytes(void) { return atomic_load(&moved); }
uint64_t copy_watch_calls(void) { return atomic_load(&calls); }

static uint64_t overlap(const void *pointer, size_t bytes) {
  const uintptr_t begin = (uintptr_t)pointer, end = begin + bytes;
  uint64_t sum = 0;
  const unsigned count = atomic_load(&range_count);
  for (unsigned i = 0; i < count; ++i) {
    const uintptr_t from = begin > ranges[i].begin ? begin : ranges[i].begin;
    const uintptr_t to = end < ranges[i].end ? end : ranges[i].end;
    if (from < to) sum += to - from;
  }
  return sum;
}

static void note(const void *to, const void *from, size_t bytes) {
  if (!atomic_load_explicit(&counting, memory_order_relaxed)) return;
  atomic_fetch_add(&calls, 1);
  const uint64_t written = overlap(to, bytes), read = overlap(from, bytes);
  atomic_fetch_add(&moved, written > read ? written : read);
}

// One instruction each: the compiler must not make calls of these again.
static void forward(void *to, const void *from, size_t bytes) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

static void backward(char *to, const char *from, size_t bytes) {
  to += bytes - 1;
  from += bytes - 1;
  __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
  note(to, from, bytes);
  forward(to, from, bytes);
  return to;
}

void *mempcpy(void *restrict to, const void *restrict from, size_t bytes);
void *mempcpy(void *restrict to, const void *restrict from, size_t bytes) {
  note(to, from, bytes);
  forward(to, from, bytes);
  return (char *)to + bytes;
}

void *memmove(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes) {
  note(to, from, bytes);
  if ((uintptr_t)to - (uintptr_t)from >= bytes) {
    forward(to, from, bytes);
  } else {
    backward(to, from, bytes);
  }
  return to;
}

// What _FORTIFY_SOURCE calls; the sizes are the caller's to check here.
void *__memcpy_chk(void *to, const void *from, size_t bytes, size_t room);
void *__memcpy_chk(void *to, const void *from, size_t bytes, size_t room) {
  if (room < bytes) __builtin_trap();
  return memcpy(to, from, bytes);
}

void *__memmove_chk(void *to, const void *from, size_t bytes, size_t room);
void *__memmove_chk(void *to, const void *from, size_t bytes, size_t room) {
  if (room < bytes) __builtin_trap();
  return memmove(to, from, bytes);
}
