#include "shim.h"

#include <atomic>
#include <cstring>
#include <memory_resource>
#include <vector>

#include "base/handle.h"
#include "base/log.h"
#include "base/options.h"
#include "base/process.h"
#include "core/cache_store.h"
#include "core/expectation.h"
#include "core/fence_pool.h"
#include "core/timeline.h"

using namespace sporkle;

struct shim_fences {
  FencePool* pool;
  uint32_t timeline[2];
  uint64_t base[2];
};

class RefusedMemory final : public std::pmr::memory_resource {
 public:
  bool refuse = false;

 private:
  void* do_allocate(size_t bytes, size_t alignment) override {
    if (refuse) throw std::bad_alloc();
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, size_t bytes, size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

struct shim_cache {
  Log log;
  CacheStore store;
  RefusedMemory memory;
};

void shim_process_enter(void (*reset)(void)) {
  static std::atomic<void (*)()> body;
  body.store(reset);
  process_enter([]() noexcept { body.load()(); });
}

uint64_t shim_process_epoch(void) { return process_epoch(); }

shim_fences* shim_fences_create(uint32_t capacity) {
  process_enter([]() noexcept {});
  auto* fences = new shim_fences;
  fences->pool = fence_pool_acquire(capacity);
  for (int i = 0; i < 2; ++i) {
    fences->timeline[i] = timeline_acquire();
    fences->base[i] = timelines[fences->timeline[i]].counter.load();
  }
  return fences;
}

void shim_fences_destroy(shim_fences* fences) {
  fence_pool_release(fences->pool, SPORKLE_ERROR_CANCELLED);
  for (uint32_t timeline : fences->timeline) timeline_release(timeline);
  delete fences;
}

sporkle_fence shim_fence_make(shim_fences* fences, uint64_t value, int owned) {
  try {
    const FenceRef ref = fence_take(fences->pool, owned != 0, "test");
    fence_arm(ref, fences->timeline[0], fences->base[0] + value, owned != 0);
    return fence_handle(ref);
  } catch (const Error&) {
    return nullptr;
  }
}

static FenceRef ref_of(sporkle_fence fence) {
  const HandleBits bits = decode_handle(fence);
  return {bits.slot, bits.generation};
}

void shim_fence_fail(sporkle_fence fence, sporkle_status status) {
  fence_fail(ref_of(fence), status);
}

void shim_fence_move(shim_fences* fences, sporkle_fence fence, uint32_t timeline, uint64_t value) {
  fence_move(ref_of(fence), fences->timeline[timeline], fences->base[timeline] + value);
}

void shim_publish(shim_fences* fences, uint32_t timeline, uint64_t value) {
  timeline_publish(fences->timeline[timeline], fences->base[timeline] + value);
}

void shim_expect(shim_fences* fences, uint64_t value, uint64_t ns) {
  const uint64_t before = timelines[fences->timeline[0]].counter.load();
  timeline_expect(fences->timeline[0], before, fences->base[0] + value, now_ns() + ns);
}

sporkle_status shim_fences_grow(shim_fences* fences, uint32_t slots) {
  try {
    fence_pool_reserve(fences->pool, slots);
    return SPORKLE_OK;
  } catch (const Error& error) {
    return error.status;
  }
}

uint32_t shim_fences_visit(shim_fences* fences) {
  uint32_t live = 0;
  fence_pool_visit(
      fences->pool,
      [](void* count, FenceRef, FenceState) { ++*static_cast<uint32_t*>(count); }, &live);
  return live;
}

uint32_t shim_fences_used(shim_fences* fences) {
  sporkle_stats stats{};
  fence_pool_snapshot(fences->pool, &stats);
  return static_cast<uint32_t>(stats.fences_now);
}

uint32_t shim_fence_slot_size(void) { return sizeof(FenceSlot); }

shim_cache* shim_cache_create(const char* directory) {
  auto* cache = new shim_cache{{nullptr, nullptr, SPORKLE_LOG_OFF}, {}, {}};
  cache->store.open(directory, nullptr, &cache->memory);
  return cache;
}

shim_cache* shim_cache_create_logging(const char* directory, sporkle_log_callback log, void* user) {
  auto* cache = new shim_cache{{log, user, SPORKLE_LOG_WARNING}, {}, {}};
  cache->store.open(directory, &cache->log, &cache->memory);
  return cache;
}

void shim_cache_destroy(shim_cache* cache) { delete cache; }

int shim_cache_put(shim_cache* cache, const char* kind, const char* key, const void* data,
                   uint64_t size) {
  return cache->store.put(kind, key, {static_cast<const unsigned char*>(data), size});
}

int64_t shim_cache_get(shim_cache* cache, const char* kind, const char* key, void* data,
                       uint64_t capacity) {
  std::pmr::vector<unsigned char> content;
  if (!cache->store.get(kind, key, &content)) return -1;
  const uint64_t copied = content.size() < capacity ? content.size() : capacity;
  if (copied > 0) std::memcpy(data, content.data(), copied);
  return static_cast<int64_t>(content.size());
}

uint64_t shim_cache_bytes(shim_cache* cache) { return cache->store.bytes(); }
uint64_t shim_cache_clear(shim_cache* cache) { return cache->store.clear(); }
void shim_cache_limit(shim_cache* cache, uint64_t bytes) { cache->store.set_byte_limit(bytes); }
void shim_cache_refuse_memory(shim_cache* cache, int refuse) { cache->memory.refuse = refuse != 0; }

int shim_text_is_off(const char* text) { return text_is_off(text); }

void shim_warn_unknown(sporkle_log_callback log, void* user) {
  Log sink(log, user, SPORKLE_LOG_WARNING);
  warn_unknown_variables(sink);
}

void shim_warn_once(sporkle_log_callback log, void* user, const char* cause, int times) {
  Log sink(log, user, SPORKLE_LOG_WARNING);
  for (int i = 0; i < times; ++i) sink.warn_once(cause, "%s", cause);
}

void* shim_encode(uint64_t generation, uint32_t slot, uint32_t type) {
  return encode_handle(generation, slot, static_cast<HandleType>(type));
}

void shim_decode(const void* handle, uint64_t* generation, uint32_t* slot, uint32_t* type) {
  const HandleBits bits = decode_handle(handle);
  *generation = bits.generation;
  *slot = bits.slot;
  *type = bits.type;
}
