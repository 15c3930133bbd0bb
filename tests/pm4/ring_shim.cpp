#include <memory>
#include <vector>

#include "backends/amdgpu/pm4/tables.h"
#include "backends/amdgpu/ring_buffer_manager.h"
#include "queue_shim.h"

using namespace sporkle;
using namespace sporkle::amdgpu;

struct pm4_ring {
  std::vector<uint32_t> words;
  uint64_t read_position = 0;
  uint64_t write_position = 0;
  uint64_t doorbell = 0;
  uint64_t now = 0;
  pm4_ring_idle idle;
  void* user;
  Reason reason;
  std::unique_ptr<RingBufferManager> manager;
};

namespace {

uint64_t ring_now(void* user) { return static_cast<pm4_ring*>(user)->now += 10; }

void ring_idle(void* user, uint64_t ns) {
  auto* ring = static_cast<pm4_ring*>(user);
  ring->now += ns;
  if (ring->idle != nullptr) ring->idle(ring->user, ns);
}

bool validate(pm4::Validator* validator, std::span<const uint32_t> words,
              pm4::ValidatedStream* stream, Reason* why) {
  pm4::Refusal refusal;
  if (validator->check(words, pm4::StreamKind::ring, stream, &refusal)) return true;
  *why = refusal.reason;
  return false;
}

}  // namespace

pm4_ring* pm4_ring_create(uint32_t dwords, pm4_ring_idle idle, void* user, int real_clock) {
  auto ring = std::make_unique<pm4_ring>();
  ring->words.resize(dwords, 0xdeadbeef);
  ring->idle = idle;
  ring->user = user;
  const RingMemory memory{ring->words.data(), dwords, &ring->read_position, &ring->write_position,
                          &ring->doorbell};
  const RingClock clock{ring_now, ring_idle, ring.get()};
  ring->manager = std::make_unique<RingBufferManager>(
      memory, real_clock ? system_ring_clock() : clock);
  return ring.release();
}

void pm4_ring_destroy(pm4_ring* ring) { delete ring; }

pm4_ring_view pm4_ring_memory(pm4_ring* ring) {
  return {ring->words.data(),     static_cast<uint32_t>(ring->words.size()), &ring->read_position,
          &ring->write_position, &ring->doorbell, &ring->now};
}

int32_t pm4_ring_submit_nops(pm4_ring* ring, uint32_t count, uint64_t timeout_ns) {
  const pm4::Registry registry{{0x1100, pm4::Generation::gfx11}, {}, {}, {}};
  pm4::Validator validator(registry);
  std::vector<uint32_t> words(count, 0);
  if (count > 0) words[0] = count == 1 ? pm4::nop_dword : pm4::packet_header(pm4::Opcode::NOP, count);
  pm4::ValidatedStream stream;
  if (!validate(&validator, words, &stream, &ring->reason)) return SPORKLE_ERROR_INVALID_ARGUMENT;
  return ring->manager->submit(stream, timeout_ns, &ring->reason);
}

int32_t pm4_ring_submit(pm4_ring* ring, pm4_queue* queue, const uint32_t* words, uint32_t count,
                        uint64_t timeout_ns) {
  pm4::ValidatedStream stream;
  if (!validate(queue->validator.get(), {words, count}, &stream, &ring->reason)) {
    return SPORKLE_ERROR_INVALID_ARGUMENT;
  }
  return ring->manager->submit(stream, timeout_ns, &ring->reason);
}

int32_t pm4_ring_submit_unvalidated(pm4_ring* ring) {
  return ring->manager->submit(pm4::ValidatedStream(), 0, &ring->reason);
}

const char* pm4_ring_reason(pm4_ring* ring) { return ring->reason.text; }

void pm4_ring_counts(pm4_ring* ring, uint64_t out[4]) {
  const RingCounts& counts = ring->manager->counts();
  out[0] = counts.streams;
  out[1] = counts.padding_dwords;
  out[2] = counts.waits;
  out[3] = counts.timeouts;
}

int32_t pm4_ring_bad_size(uint32_t dwords) {
  uint32_t word = 0;
  uint64_t read = 0, write = 0;
  try {
    const RingBufferManager manager({&word, dwords, &read, &write, nullptr});
  } catch (const Error& error) {
    return error.status;
  }
  return SPORKLE_OK;
}
