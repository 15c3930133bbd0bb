#include "core/object_table.h"

#include <atomic>
#include <sys/mman.h>

#include "base/futex.h"
#include "core/free_flush.h"

namespace sporkle {

namespace {

// state = {generation 39 | live 1 | type 4 | pins 20}. The handle itself holds
// one pin while it is live. A cache line each: pins of one, from whatever thread, are none
// of its neighbour's business.
struct alignas(64) Slot {
  std::atomic<uint64_t> state{0};
  std::atomic<uint64_t> object{0};  // Object*, or index + 1 of the next free slot
  // What free_flush.h says of it: the process that may, 0: none; how many bytes.
  std::atomic<uint64_t> flush_epoch{0}, flush_bytes{0};
};

constexpr uint64_t pin_mask = (uint64_t{1} << 20) - 1;
constexpr uint64_t live_bit = uint64_t{1} << 24;
constexpr uint32_t generation_shift = 25;

constexpr uint32_t chunk_slots = 1024;
constexpr uint32_t chunk_limit = handle_slot_limit / chunk_slots;

alignas(64) constinit std::atomic<Slot*> chunks[chunk_limit];
constinit std::atomic<uint32_t> chunk_count{0};
constinit std::atomic<uint64_t> free_head{0};  // {tag 43 | index + 1: 21 bits}
constinit std::atomic_flag growing = ATOMIC_FLAG_INIT;

constexpr uint64_t index_mask = (uint64_t{1} << 21) - 1;

Slot* find(uint32_t index) noexcept {
  Slot* chunk = chunks[index / chunk_slots].load(std::memory_order_acquire);
  return chunk == nullptr ? nullptr : chunk + index % chunk_slots;
}

uint64_t live_state(uint64_t generation, HandleType type) noexcept {
  return generation << generation_shift | live_bit |
         uint64_t{static_cast<uint32_t>(type)} << 20;
}

bool matches(uint64_t state, uint64_t generation, HandleType type) noexcept {
  return (state & ~pin_mask) == live_state(generation, type);
}

void push(uint32_t index) noexcept {
  Slot* slot = find(index);
  uint64_t old = free_head.load(std::memory_order_relaxed);
  uint64_t next;
  do {
    slot->object.store(old & index_mask, std::memory_order_relaxed);
    next = ((old >> 21) + 1) << 21 | (index + 1);
  } while (!free_head.compare_exchange_weak(old, next, std::memory_order_acq_rel));
}

bool pop(uint32_t* index) noexcept {
  uint64_t old = free_head.load(std::memory_order_acquire);
  for (;;) {
    const auto first = static_cast<uint32_t>(old & index_mask);
    if (first == 0) return false;
    const uint64_t rest = find(first - 1)->object.load(std::memory_order_relaxed) & index_mask;
    const uint64_t next = ((old >> 21) + 1) << 21 | rest;
    if (free_head.compare_exchange_weak(old, next, std::memory_order_acq_rel)) {
      *index = first - 1;
      return true;
    }
  }
}

// Adds one chunk of slots; they are never returned to the system.
bool grow() noexcept {
  const uint32_t chunk = chunk_count.load(std::memory_order_acquire);
  if (chunk == chunk_limit) return false;
  void* memory = mmap(nullptr, chunk_slots * sizeof(Slot), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  Slot* slots = static_cast<Slot*>(memory);
  chunks[chunk].store(slots, std::memory_order_release);
  chunk_count.store(chunk + 1, std::memory_order_release);
  for (uint32_t i = chunk_slots; i-- > 0;) {
    slots[i].state.store(uint64_t{1} << generation_shift);
    push(chunk * chunk_slots + i);
  }
  return true;
}

uint32_t take_slot() {
  uint32_t index = 0;
  while (!pop(&index)) {
    if (growing.test_and_set(std::memory_order_acquire)) {
      cpu_pause();
      continue;
    }
    const bool grown = pop(&index) ? (push(index), true) : grow();
    growing.clear(std::memory_order_release);
    if (!grown) fail(SPORKLE_ERROR_POOL_EXHAUSTED, "handle: no handle is left");
  }
  return index;
}

uint32_t slot_of(const Object* object) noexcept { return decode_handle(object->handle()).slot; }

}  // namespace

// Slots that the parent's thread had not put into the list yet are lost to the child.
void objects_reset_after_fork() noexcept { growing.clear(std::memory_order_release); }

void object_publish(Object* object) {
  const uint32_t index = take_slot();
  Slot* slot = find(index);
  const uint64_t generation = slot->state.load(std::memory_order_relaxed) >> generation_shift;
  object->handle_ = encode_handle(generation, index, object->type());
  slot->object.store(reinterpret_cast<uintptr_t>(object), std::memory_order_relaxed);
  slot->state.store(live_state(generation, object->type()) + 1, std::memory_order_release);
}

Object* object_pin(const void* handle, HandleType type) noexcept {
  const HandleBits bits = decode_handle(handle);
  if (!bits.tagged || bits.type != static_cast<uint32_t>(type)) return nullptr;
  Slot* slot = find(bits.slot);
  if (slot == nullptr) return nullptr;
  uint64_t state = slot->state.load(std::memory_order_acquire);
  for (;;) {
    if (!matches(state, bits.generation, type)) return nullptr;
    if ((state & pin_mask) == pin_mask) return nullptr;
    if (slot->state.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) {
      return reinterpret_cast<Object*>(
          static_cast<uintptr_t>(slot->object.load(std::memory_order_relaxed)));
    }
  }
}

void object_unpin(Object* object) noexcept {
  const uint32_t index = slot_of(object);
  Slot* slot = find(index);
  const uint64_t before = slot->state.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & pin_mask) != 1) return;
  // The last pin of a dead object: nobody can pin it again.
  const uint64_t generation = (before >> generation_shift) + 1;
  object->dispose();
  slot->flush_epoch.store(0, std::memory_order_relaxed);
  slot->state.store(generation << generation_shift, std::memory_order_release);
  if (generation < handle_generation_limit) push(index);
}

bool object_destroy(const void* handle, HandleType type) noexcept {
  const HandleBits bits = decode_handle(handle);
  if (!bits.tagged || bits.type != static_cast<uint32_t>(type)) return false;
  Slot* slot = find(bits.slot);
  if (slot == nullptr) return false;
  uint64_t state = slot->state.load(std::memory_order_acquire);
  do {
    if (!matches(state, bits.generation, type)) return false;
  } while (!slot->state.compare_exchange_weak(state, state & ~live_bit,
                                              std::memory_order_acq_rel));
  auto* object = reinterpret_cast<Object*>(
      static_cast<uintptr_t>(slot->object.load(std::memory_order_relaxed)));
  object->on_destroy();
  object_unpin(object);
  return true;
}

void allow_free_flush(const void* handle, HandleType type, uint64_t bytes) noexcept {
  Object* object = object_pin(handle, type);
  if (object == nullptr) return;
  // The pin keeps the slot from being another object's.
  Slot* slot = find(slot_of(object));
  slot->flush_bytes.store(bytes, std::memory_order_relaxed);
  slot->flush_epoch.store(object->epoch(), std::memory_order_release);
  object_unpin(object);
}

bool flush_is_free(const void* handle, HandleType type, uint64_t offset,
                   uint64_t bytes) noexcept {
  const HandleBits bits = decode_handle(handle);
  if (!bits.tagged || bits.type != static_cast<uint32_t>(type)) return false;
  const Slot* slot = find(bits.slot);
  if (slot == nullptr) return false;
  // Live before and after: what was read in between is this object's.
  if (!matches(slot->state.load(std::memory_order_acquire), bits.generation, type)) return false;
  const uint64_t epoch = slot->flush_epoch.load(std::memory_order_acquire);
  const uint64_t limit = slot->flush_bytes.load(std::memory_order_acquire);
  if (!matches(slot->state.load(std::memory_order_relaxed), bits.generation, type)) return false;
  return epoch != 0 && epoch == process_epoch() && offset <= limit && bytes <= limit - offset;
}

void object_destroy_all(HandleType type) noexcept {
  const uint32_t used = chunk_count.load(std::memory_order_acquire) * chunk_slots;
  for (uint32_t index = 0; index < used; ++index) {
    const uint64_t state = find(index)->state.load(std::memory_order_acquire);
    const uint64_t generation = state >> generation_shift;
    if (!matches(state, generation, type)) continue;
    const void* handle = encode_handle(generation, index, type);
    Object* object = object_pin(handle, type);
    if (object == nullptr) continue;
    // What a parent process made holds locks and threads of the parent.
    if (object->epoch() == process_epoch()) object_destroy(handle, type);
    object_unpin(object);
  }
}

}  // namespace sporkle
