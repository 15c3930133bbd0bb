#include "support/allocator.h"

// In front of each block; as long as the alignment.
typedef struct Header {
  uint64_t size, alignment;
} Header;

static bool must_fail(CountingAllocator *a) {
  const int64_t attempt = atomic_fetch_add(&a->allocations, 1) + 1;
  const int64_t at = atomic_load(&a->fail_at);
  if (at == 0) return false;
  return atomic_load(&a->persistent) ? attempt >= at : attempt == at;
}

static void *counting_alloc(void *user, uint64_t size, uint64_t alignment) {
  CountingAllocator *a = user;
  if (a->before != NULL) a->before(a->before_user, size);
  if (alignment == 0 || (alignment & (alignment - 1)) != 0) atomic_fetch_add(&a->errors, 1);
  if (must_fail(a) || size > (UINT64_C(1) << 40)) return NULL;
  const uint64_t front = alignment < sizeof(Header) ? sizeof(Header) : alignment;
  const uint64_t whole = (front + size + front - 1) / front * front;
  char *block = aligned_alloc(front, whole);
  if (block == NULL) return NULL;
  // Whoever reads before writing finds NaN.
  memset(block, 0xff, whole);
  Header *header = (Header *)(void *)(block + front - sizeof(Header));
  header->size = size;
  header->alignment = alignment;
  atomic_fetch_add(&a->live, 1);
  const int64_t bytes = atomic_fetch_add(&a->live_bytes, (int64_t)size) + (int64_t)size;
  int64_t peak = atomic_load(&a->peak_bytes);
  while (bytes > peak && !atomic_compare_exchange_weak(&a->peak_bytes, &peak, bytes)) {
  }
  return block + front;
}

static void counting_free(void *user, void *pointer, uint64_t size, uint64_t alignment) {
  CountingAllocator *a = user;
  if (pointer == NULL) {
    atomic_fetch_add(&a->errors, 1);
    return;
  }
  Header *header = (Header *)(void *)((char *)pointer - sizeof(Header));
  if (header->size != size || header->alignment != alignment) atomic_fetch_add(&a->errors, 1);
  const uint64_t front = header->alignment < sizeof(Header) ? sizeof(Header) : header->alignment;
  atomic_fetch_sub(&a->live, 1);
  atomic_fetch_sub(&a->live_bytes, (int64_t)header->size);
  memset(pointer, 0xfe, header->size);
  free((char *)pointer - front);
}

void counting_allocator_init(CountingAllocator *a) {
  memset(a, 0, sizeof *a);
  a->callbacks = (sporkle_allocator){counting_alloc, counting_free, a};
}

void counting_allocator_fail(CountingAllocator *a, int64_t attempt, bool persistent) {
  atomic_store(&a->persistent, persistent);
  atomic_store(&a->fail_at, attempt == 0 ? 0 : atomic_load(&a->allocations) + attempt);
}
