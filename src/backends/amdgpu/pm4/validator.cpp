#include "backends/amdgpu/pm4/validator.h"

#include <array>

#include "backends/amdgpu/pm4/dispatch_check.h"
#include "backends/amdgpu/pm4/register_check.h"

namespace sporkle::pm4 {

namespace {

// Everything below is stated with fields of the tables and not with the words
// that the encoder makes, so that an error there is not repeated here.

using GenerationMasks = std::array<uint32_t, generation_count>;

template <size_t count>
constexpr GenerationMasks masks_of(const Field (&fields)[count]) {
  GenerationMasks masks{};
  for (const Field field : fields) {
    for (int g = 0; g < generation_count; ++g) masks[g] |= mask(field, static_cast<Generation>(g));
  }
  return masks;
}

// Caches that hold what a compute program reads or writes.
constexpr GenerationMasks acquire_caches = masks_of({
    Field::ACQUIRE_MEM_SH_ICACHE_ACTION_ENA, Field::ACQUIRE_MEM_SH_KCACHE_ACTION_ENA,
    Field::ACQUIRE_MEM_TC_ACTION_ENA,        Field::ACQUIRE_MEM_TCL1_ACTION_ENA,
    Field::ACQUIRE_MEM_TC_WB_ACTION_ENA,     Field::ACQUIRE_MEM_TC_NC_ACTION_ENA,
    Field::ACQUIRE_MEM_GLI_INV,              Field::ACQUIRE_MEM_GLM_WB,
    Field::ACQUIRE_MEM_GLM_INV,              Field::ACQUIRE_MEM_GLK_WB,
    Field::ACQUIRE_MEM_GLK_INV,              Field::ACQUIRE_MEM_GLV_INV,
    Field::ACQUIRE_MEM_GL1_INV,              Field::ACQUIRE_MEM_GL2_INV,
    Field::ACQUIRE_MEM_GL2_WB});

constexpr GenerationMasks release_fields = masks_of({
    Field::RELEASE_MEM_EVENT_TYPE,       Field::RELEASE_MEM_EVENT_INDEX,
    Field::RELEASE_MEM_TC_WB_ACTION_ENA, Field::RELEASE_MEM_TC_NC_ACTION_ENA,
    Field::RELEASE_MEM_GCR_GLM_WB,       Field::RELEASE_MEM_GCR_GLM_INV,
    Field::RELEASE_MEM_GCR_GL2_WB,       Field::RELEASE_MEM_GCR_SEQ,
    Field::RELEASE_MEM_CACHE_POLICY});

constexpr GenerationMasks select_fields = masks_of(
    {Field::RELEASE_MEM_DST_SEL, Field::RELEASE_MEM_INT_SEL, Field::RELEASE_MEM_DATA_SEL});

struct Walk {
  const Registry& registry;
  StreamKind kind;
  ShaderRegisters registers;
  bool unfenced;  // a dispatch has no fence behind it yet
  const char* fault;
};

bool refuse(Walk* walk, const char* fault) {
  walk->fault = fault;
  return false;
}

bool covered(const Registry& registry, uint64_t address, uint64_t bytes, uint32_t access) {
  for (const AddressRange& range : registry.ranges) {
    if ((range.access & access) == access && address >= range.address &&
        bytes <= range.bytes && address - range.address <= range.bytes - bytes) {
      return true;
    }
  }
  return false;
}

bool check_acquire(const AcquireMem& acquire, std::span<const uint32_t> words, Walk* walk) {
  const Generation g = walk->registry.target.generation;
  if (words.size() == 8 && words[1] != 0) return refuse(walk, "the first word must be 0");
  if ((acquire.caches & ~acquire_caches[static_cast<int>(g)]) != 0) {
    return refuse(walk, "caches that are not ours, or reserved bits");
  }
  if (acquire.caches == 0) return refuse(walk, "no cache is named");
  if (extract(Field::ACQUIRE_MEM_GLI_INV, g, acquire.caches) > 1) {
    return refuse(walk, "the instruction cache by range");
  }
  if (acquire.size != whole_memory || acquire.base != 0) return refuse(walk, "not all of memory");
  if (acquire.poll_interval != POLL_INTERVAL_DEFAULT) return refuse(walk, "another poll interval");
  return true;
}

bool check_release_event(uint32_t event, Walk* walk) {
  const Generation g = walk->registry.target.generation;
  const bool gcr = mask(Field::RELEASE_MEM_GCR_GL2_WB, g) != 0;
  if (extract(Field::RELEASE_MEM_EVENT_TYPE, g, event) != CACHE_FLUSH_AND_INV_TS_EVENT ||
      extract(Field::RELEASE_MEM_EVENT_INDEX, g, event) != EVENT_INDEX_END_OF_PIPE) {
    return refuse(walk, "not the end-of-pipe event");
  }
  if ((event & ~release_fields[static_cast<int>(g)]) != 0) {
    return refuse(walk, "bits that are not ours, or reserved");
  }
  const Field write_back =
      gcr ? Field::RELEASE_MEM_GCR_GL2_WB : Field::RELEASE_MEM_TC_WB_ACTION_ENA;
  if (extract(write_back, g, event) == 0) return refuse(walk, "L2 is not written back");
  // nvd.h and the emit_fence functions: GLM_INV must be set with GLM_WB.
  if (extract(Field::RELEASE_MEM_GCR_GLM_WB, g, event) !=
      extract(Field::RELEASE_MEM_GCR_GLM_INV, g, event)) {
    return refuse(walk, "GLM_WB and GLM_INV go together");
  }
  if (extract(Field::RELEASE_MEM_GCR_SEQ, g, event) > 1) return refuse(walk, "another sequence");
  // Only gfx10 and later know 3 = bypass (nvd.h); elsewhere 0 = LRU.
  if (extract(Field::RELEASE_MEM_CACHE_POLICY, g, event) != (gcr ? 3u : 0u)) {
    return refuse(walk, "another cache policy");
  }
  return true;
}

bool check_release_target(const ReleaseMem& release, bool interrupt, Walk* walk) {
  if (release.address % 8 != 0) return refuse(walk, "the address is not aligned to 8 bytes");
  if (!covered(walk->registry, release.address, 8,
               interrupt ? AddressRange::interrupts : AddressRange::fences)) {
    return refuse(walk, "the address is outside the registered ranges");
  }
  if (interrupt && release.data != release.context_id) {
    return refuse(walk, "the slot and the interrupt name different events");
  }
  if (!interrupt && release.context_id != 0) {
    return refuse(walk, "a context id without an interrupt");
  }
  return true;
}

bool check_release(const ReleaseMem& release, Walk* walk) {
  const Generation g = walk->registry.target.generation;
  if (!check_release_event(release.event, walk)) return false;
  if ((release.select & ~select_fields[static_cast<int>(g)]) != 0) {
    return refuse(walk, "reserved bits");
  }
  if (extract(Field::RELEASE_MEM_DST_SEL, g, release.select) != DST_SEL_MEMORY) {
    return refuse(walk, "not to memory");
  }
  const uint32_t interrupts = extract(Field::RELEASE_MEM_INT_SEL, g, release.select);
  const uint32_t data = extract(Field::RELEASE_MEM_DATA_SEL, g, release.select);
  const bool interrupt = interrupts == INT_SEL_INTERRUPT_AFTER_WRITE && data == DATA_SEL_32_BIT;
  const bool fence = (interrupts == INT_SEL_NONE || interrupts == INT_SEL_DATA_AFTER_WRITE) &&
                     data == DATA_SEL_64_BIT;
  if (!fence && !interrupt) return refuse(walk, "neither a 64-bit fence nor an interrupt");
  if (!check_release_target(release, interrupt, walk)) return false;
  if (fence) walk->unfenced = false;
  return true;
}

bool check_write(const WriteData& write, Walk* walk) {
  const Generation g = walk->registry.target.generation;
  const uint32_t control = write.control;
  if (extract(Field::WRITE_DATA_DST_SEL, g, control) != DST_SEL_MEMORY_ASYNC ||
      extract(Field::WRITE_DATA_WR_CONFIRM, g, control) != 1 ||
      (control & ~(mask(Field::WRITE_DATA_DST_SEL, g) | mask(Field::WRITE_DATA_WR_CONFIRM, g))) !=
          0) {
    return refuse(walk, "not a confirmed write to memory");
  }
  if (write.address % 4 != 0) return refuse(walk, "the address is not aligned to 4 bytes");
  if (!covered(walk->registry, write.address, uint64_t{4} * write.count, AddressRange::fences)) {
    return refuse(walk, "the address is outside the registered ranges");
  }
  return true;
}

bool check_call(const IndirectBuffer& call, Walk* walk) {
  const Generation g = walk->registry.target.generation;
  if (walk->kind != StreamKind::ring) return refuse(walk, "a call within an indirect buffer");
  const uint32_t dwords = extract(Field::INDIRECT_BUFFER_IB_SIZE, g, call.control);
  if (call.control != (dwords | place(Field::INDIRECT_BUFFER_VALID, g, 1))) {
    return refuse(walk, "VALID is not set, or other bits are");
  }
  for (const CallableBuffer& buffer : walk->registry.buffers) {
    if (buffer.address != call.address || buffer.dwords != dwords || dwords == 0) continue;
    walk->registers = {};
    return true;
  }
  return refuse(walk, "not a validated indirect buffer");
}

bool check_event(uint32_t event, Walk* walk) {
  const Generation g = walk->registry.target.generation;
  const uint32_t named =
      mask(Field::EVENT_WRITE_EVENT_TYPE, g) | mask(Field::EVENT_WRITE_EVENT_INDEX, g);
  if (extract(Field::EVENT_WRITE_EVENT_TYPE, g, event) != CS_PARTIAL_FLUSH ||
      extract(Field::EVENT_WRITE_EVENT_INDEX, g, event) != EVENT_INDEX_PARTIAL_FLUSH ||
      (event & ~named) != 0) {
    return refuse(walk, "an event other than CS_PARTIAL_FLUSH");
  }
  return true;
}

bool check_nop(std::span<const uint32_t> words, Walk* walk) {
  for (const uint32_t word : words.subspan(1)) {
    if (word != 0) return refuse(walk, "a NOP with a payload");
  }
  return true;
}

bool check_dispatch(const DispatchDirect& dispatch, Walk* walk) {
  const DispatchFault fault = dispatch_fault(dispatch, walk->registers, walk->registry);
  if (fault.reason != nullptr) return refuse(walk, fault.reason);
  if (fault.kernel->kernarg_sgpr != no_sgpr &&
      !covered(walk->registry, fault.kernarg, fault.kernel->kernarg_bytes,
               AddressRange::arguments)) {
    return refuse(walk, "the kernel arguments are outside the registered ranges");
  }
  walk->unfenced = true;
  return true;
}

bool check_packet(const Packet& packet, Walk* walk) {
  if (packet.row == nullptr) return refuse(walk, "an unknown packet");
  if (!packet.row->allowed) return refuse(walk, "a packet that is not ours to use");
  if (packet.flags != 0) return refuse(walk, "header flags");
  const Generation g = walk->registry.target.generation;
  const Command command = read_command(packet, g);
  switch (command.opcode) {
    case Opcode::SET_SH_REG: {
      if (packet.words[1] >> 16 != 0) return refuse(walk, "bits above the register offset");
      walk->fault = apply_registers(command.set, g, &walk->registers);
      return walk->fault == nullptr;
    }
    case Opcode::ACQUIRE_MEM: return check_acquire(command.acquire, packet.words, walk);
    case Opcode::RELEASE_MEM: return check_release(command.release, walk);
    case Opcode::DISPATCH_DIRECT: return check_dispatch(command.dispatch, walk);
    case Opcode::WRITE_DATA: return check_write(command.write, walk);
    case Opcode::INDIRECT_BUFFER: return check_call(command.indirect, walk);
    case Opcode::NOP: return check_nop(packet.words, walk);
    case Opcode::EVENT_WRITE: return check_event(command.event.event, walk);
    default: return refuse(walk, "a packet that is not ours to use");
  }
}

}  // namespace

bool Validator::check(std::span<const uint32_t> stream, StreamKind kind, ValidatedStream* out,
                      Refusal* why) {
  Walk walk{*registry_, kind, kind == StreamKind::ring ? registers_ : ShaderRegisters{}, false,
            nullptr};
  const char* where = "stream";
  uint32_t at = 0;
  while (at < stream.size() && walk.fault == nullptr) {
    Packet packet;
    walk.fault = take_packet(stream.subspan(at), registry_->target.generation, &packet);
    if (packet.row != nullptr) where = packet.row->name;
    if (walk.fault != nullptr || !check_packet(packet, &walk)) break;
    at += static_cast<uint32_t>(packet.words.size());
    where = "stream";
  }
  if (walk.fault == nullptr && stream.empty()) walk.fault = "empty";
  if (walk.fault == nullptr && walk.unfenced) walk.fault = "no fence behind the last dispatch";
  if (walk.fault != nullptr) {
    why->dword = at;
    why->reason.set("dword %u: %s: %s", at, where, walk.fault);
    return false;
  }
  if (kind == StreamKind::ring) registers_ = walk.registers;
  *out = ValidatedStream(stream, kind);
  return true;
}

}  // namespace sporkle::pm4
