// Packets as values: what a packet says, apart from how it is laid out. Writing
// a command and reading it back is the identity for every allowed packet.
#pragma once

#include <cstdint>
#include <span>

#include "backends/amdgpu/pm4/tables.h"

namespace sporkle::pm4 {

// Words that are written to the end of a fixed piece of memory. When it is
// full, further words are dropped and `overflow` says so.
class Writer {
 public:
  constexpr explicit Writer(std::span<uint32_t> out) : out_(out) {}

  constexpr void word(uint32_t value) {
    if (used_ == out_.size()) {
      overflow_ = true;
      return;
    }
    out_[used_++] = value;
  }
  constexpr void address(uint64_t value) {
    word(static_cast<uint32_t>(value));
    word(static_cast<uint32_t>(value >> 32));
  }
  constexpr void words(std::span<const uint32_t> values) {
    for (const uint32_t value : values) word(value);
  }
  constexpr void header(Opcode opcode, uint32_t dwords) { word(packet_header(opcode, dwords)); }

  constexpr uint32_t used() const { return static_cast<uint32_t>(used_); }
  constexpr bool overflow() const { return overflow_; }

 private:
  std::span<uint32_t> out_;
  size_t used_ = 0;
  bool overflow_ = false;
};

// Invalidates and writes back caches over a range before what follows.
// `caches` is the first payload dword on gfx9, GCR_CNTL on later generations.
struct AcquireMem {
  uint32_t caches;
  uint64_t size;  // units of 256 bytes; 0xFFFFFFFFFFFFFF: everything
  uint64_t base;  // units of 256 bytes
  uint32_t poll_interval;
};

constexpr uint64_t whole_memory = 0xFFFFFFFFFFFFFF;

// Writes back caches when all work before it has ended, then writes `data`.
struct ReleaseMem {
  uint32_t event;   // EVENT_TYPE, EVENT_INDEX and the caches
  uint32_t select;  // DST_SEL, INT_SEL, DATA_SEL
  uint64_t address;
  uint64_t data;
  uint32_t context_id;  // goes with an interrupt
};

struct SetRegisters {
  uint32_t address;  // of the first register
  uint32_t count;
  const uint32_t* values;
};

struct DispatchDirect {
  uint32_t groups[3];
  uint32_t initiator;
};

struct EventWrite {
  uint32_t event;
};

struct IndirectBuffer {
  uint64_t address;
  uint32_t control;  // size in dwords and flags
};

struct WriteData {
  uint32_t control;
  uint64_t address;
  uint32_t count;
  const uint32_t* values;
};

struct Nop {
  uint32_t dwords;  // 1: without payload; else payload zeros
};

struct Command {
  Opcode opcode;
  union {
    AcquireMem acquire;
    ReleaseMem release;
    SetRegisters set;
    DispatchDirect dispatch;
    EventWrite event;
    IndirectBuffer indirect;
    WriteData write;
    Nop nop;
  };
};

// Later generations name caches in GCR_CNTL.
constexpr bool has_gcr(Generation generation) {
  return mask(Field::ACQUIRE_MEM_GLI_INV, generation) != 0;
}

constexpr void write_acquire(const AcquireMem& acquire, Generation generation, Writer* out) {
  const bool gcr = has_gcr(generation);
  out->header(Opcode::ACQUIRE_MEM, gcr ? 8 : 7);
  out->word(gcr ? 0 : acquire.caches);
  out->address(acquire.size);
  out->address(acquire.base);
  out->word(acquire.poll_interval);
  if (gcr) out->word(acquire.caches);
}

constexpr void write_release(const ReleaseMem& release, Writer* out) {
  out->header(Opcode::RELEASE_MEM, 8);
  out->word(release.event);
  out->word(release.select);
  out->address(release.address);
  out->address(release.data);
  out->word(release.context_id);
}

constexpr void write_registers(const SetRegisters& set, Writer* out) {
  out->header(Opcode::SET_SH_REG, 2 + set.count);
  out->word(set.address - SH_REG_START);
  out->words({set.values, set.count});
}

constexpr void write_dispatch(const DispatchDirect& dispatch, Writer* out) {
  out->header(Opcode::DISPATCH_DIRECT, 5);
  out->words(dispatch.groups);
  out->word(dispatch.initiator);
}

void write_command(const Command& command, Generation generation, Writer* out);

// One packet of a stream, its length checked.
struct Packet {
  const PacketRow* row;  // null: an opcode that the tables do not know
  uint32_t opcode;
  uint32_t flags;                   // the low 8 bits of the header
  std::span<const uint32_t> words;  // with the header
};

// Takes the packet at the start of `stream`. Returns null, or why there is none:
// another packet type, a length beyond the stream, or one that the opcode does
// not have. `stream` must not be empty.
const char* take_packet(std::span<const uint32_t> stream, Generation generation, Packet* out);

// Reads an allowed packet that take_packet accepted. The command points into
// the packet's words.
Command read_command(const Packet& packet, Generation generation);

}  // namespace sporkle::pm4
