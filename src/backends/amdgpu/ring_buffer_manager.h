// The ring that a queue reads packets from. Positions are counted in dwords,
// only grow and are never masked; the place in memory is position modulo size.
// A stream is never split at the end of the memory: the rest is filled with
// NOPs. What the device has not read is never overwritten. One thread at a time
// submits; the device reads at any time. Nothing is allocated.
#pragma once

#include <cstdint>
#include <span>

#include "backends/amdgpu/pm4/validator.h"
#include "base/error.h"

namespace sporkle::amdgpu {

// Time as the ring sees it; tests put their own here.
struct RingClock {
  uint64_t (*now_ns)(void* user);
  void (*idle)(void* user, uint64_t ns);  // may return early
  void* user;
};

// The system's monotonic clock and sleep.
RingClock system_ring_clock();

// Memory shared with the device. That the device reports a monotonic 64-bit
// read position in dwords is hardware-unverified.
struct RingMemory {
  uint32_t* words;
  uint32_t dwords;                // a power of two
  const uint64_t* read_position;  // written by the device
  uint64_t* write_position;       // read by the device
  uint64_t* doorbell;             // may be null
};

struct RingCounts {
  uint64_t streams;
  uint64_t padding_dwords;
  uint64_t waits;     // submissions that found the ring full
  uint64_t timeouts;  // of these, those that gave up
};

class RingBufferManager {
 public:
  static constexpr uint32_t default_bytes = 64 * 1024;

  // Throws Error: memory null, size not a power of two from 64 to 2^20 dwords.
  explicit RingBufferManager(const RingMemory& memory, const RingClock& clock = system_ring_clock());

  // Puts a stream into the ring and tells the device; waits up to `timeout_ns`
  // for space. Returns SPORKLE_OK; SPORKLE_TIMEOUT (the ring stayed full, nothing
  // was written); SPORKLE_ERROR_INVALID_ARGUMENT (not a validated ring stream, or
  // longer than half the ring); SPORKLE_ERROR_DEVICE_LOST (the read position is
  // impossible). After each of these the ring can be used further.
  Status submit(const pm4::ValidatedStream& stream, uint64_t timeout_ns, Reason* why);

  // Dwords that the device has not read yet, padding included. Returns
  // SPORKLE_ERROR_DEVICE_LOST when the read position is impossible.
  Status unread(uint64_t* out_dwords, Reason* why);

  uint64_t write_position() const { return put_; }
  const RingCounts& counts() const { return counts_; }

 private:
  Status read_position(uint64_t* out, Reason* why);
  Status wait_for_space(uint32_t dwords, uint64_t timeout_ns, Reason* why);
  void publish();

  RingMemory memory_;
  RingClock clock_;
  uint64_t put_ = 0;
  uint64_t last_read_ = 0;
  RingCounts counts_{};
};

}  // namespace sporkle::amdgpu
