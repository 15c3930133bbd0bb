#include "backends/amdgpu/ring_buffer_manager.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <ctime>

#include "backends/amdgpu/pm4/tables.h"
#include "base/clock.h"

namespace sporkle::amdgpu {

namespace {

constexpr uint32_t fewest_dwords = 64;
constexpr uint32_t most_dwords = 1u << 20;
constexpr int polls_before_idle = 256;
constexpr uint64_t first_idle_ns = 20'000;
constexpr uint64_t longest_idle_ns = 500'000;

uint64_t system_now(void*) { return now_ns(); }

void system_idle(void*, uint64_t ns) {
  const timespec time{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  nanosleep(&time, nullptr);
}

}  // namespace

RingClock system_ring_clock() { return {system_now, system_idle, nullptr}; }

RingBufferManager::RingBufferManager(const RingMemory& memory, const RingClock& clock)
    : memory_(memory), clock_(clock) {
  if (memory.words == nullptr || memory.read_position == nullptr ||
      memory.write_position == nullptr) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "memory: null");
  }
  if (!std::has_single_bit(memory.dwords) || memory.dwords < fewest_dwords ||
      memory.dwords > most_dwords) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "memory: %u dwords, not a power of two from %u to %u",
         memory.dwords, fewest_dwords, most_dwords);
  }
}

Status RingBufferManager::read_position(uint64_t* out, Reason* why) {
  // The words must not be reused before the device's progress is seen.
  const uint64_t read = __atomic_load_n(memory_.read_position, __ATOMIC_ACQUIRE);
  if (read < last_read_ || read > put_) {
    why->set("ring: read position %llu, but %llu to %llu is possible",
             static_cast<unsigned long long>(read), static_cast<unsigned long long>(last_read_),
             static_cast<unsigned long long>(put_));
    return SPORKLE_ERROR_DEVICE_LOST;
  }
  last_read_ = read;
  *out = read;
  return SPORKLE_OK;
}

Status RingBufferManager::unread(uint64_t* out_dwords, Reason* why) {
  uint64_t read = 0;
  const Status status = read_position(&read, why);
  if (status == SPORKLE_OK) *out_dwords = put_ - read;
  return status;
}

// One dword stays free, so that a device that masks its positions never takes a
// full ring for an empty one.
Status RingBufferManager::wait_for_space(uint32_t dwords, uint64_t timeout_ns, Reason* why) {
  uint64_t unread_dwords = 0;
  Status status = unread(&unread_dwords, why);
  if (status != SPORKLE_OK || unread_dwords + dwords < memory_.dwords) return status;
  ++counts_.waits;
  const uint64_t start = clock_.now_ns(clock_.user);
  uint64_t idle_ns = first_idle_ns;
  for (int polls = 0;; ++polls) {
    status = unread(&unread_dwords, why);
    if (status != SPORKLE_OK || unread_dwords + dwords < memory_.dwords) return status;
    const uint64_t waited = clock_.now_ns(clock_.user) - start;
    if (waited >= timeout_ns) break;
    if (polls < polls_before_idle) continue;
    clock_.idle(clock_.user, std::min(idle_ns, timeout_ns - waited));
    idle_ns = std::min(2 * idle_ns, longest_idle_ns);
  }
  ++counts_.timeouts;
  why->set("ring: full, %llu of %u dwords are unread",
           static_cast<unsigned long long>(unread_dwords), memory_.dwords);
  return SPORKLE_TIMEOUT;
}

void RingBufferManager::publish() {
  std::atomic_ref<uint64_t>(*memory_.write_position).store(put_, std::memory_order_release);
  if (memory_.doorbell == nullptr) return;
  // The doorbell may not overtake words in write-combining buffers.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic_ref<uint64_t>(*memory_.doorbell).store(put_, std::memory_order_release);
}

Status RingBufferManager::submit(const pm4::ValidatedStream& stream, uint64_t timeout_ns,
                                 Reason* why) {
  const std::span<const uint32_t> words = stream.words();
  if (words.empty() || stream.kind() != pm4::StreamKind::ring) {
    why->set("stream: not validated for a ring");
    return SPORKLE_ERROR_INVALID_ARGUMENT;
  }
  if (words.size() > memory_.dwords / 2) {
    why->set("stream: %zu dwords, more than half of the ring's %u", words.size(), memory_.dwords);
    return SPORKLE_ERROR_INVALID_ARGUMENT;
  }
  const auto count = static_cast<uint32_t>(words.size());
  const auto place = static_cast<uint32_t>(put_ & (memory_.dwords - 1));
  const uint32_t padding = count > memory_.dwords - place ? memory_.dwords - place : 0;
  const Status status = wait_for_space(padding + count, timeout_ns, why);
  if (status != SPORKLE_OK) return status;
  std::fill_n(memory_.words + place, padding, pm4::nop_dword);
  std::memcpy(memory_.words + (padding != 0 ? 0 : place), words.data(), words.size_bytes());
  put_ += padding + count;
  ++counts_.streams;
  counts_.padding_dwords += padding;
  publish();
  return SPORKLE_OK;
}

}  // namespace sporkle::amdgpu
