#include "backends/amdgpu/pm4/commands.h"

namespace sporkle::pm4 {

namespace {

uint64_t join(uint32_t low, uint32_t high) { return static_cast<uint64_t>(high) << 32 | low; }

AcquireMem read_acquire(std::span<const uint32_t> w, Generation generation) {
  const uint32_t caches = has_gcr(generation) ? w[7] : w[1];
  return {caches, join(w[2], w[3]), join(w[4], w[5]), w[6]};
}

void write_nop(const Nop& nop, Writer* out) {
  if (nop.dwords == 1) {
    out->word(nop_dword);
    return;
  }
  out->header(Opcode::NOP, nop.dwords);
  for (uint32_t i = 1; i < nop.dwords; ++i) out->word(0);
}

void write_data(const WriteData& write, Writer* out) {
  out->header(Opcode::WRITE_DATA, 4 + write.count);
  out->word(write.control);
  out->address(write.address);
  out->words({write.values, write.count});
}

}  // namespace

void write_command(const Command& command, Generation generation, Writer* out) {
  switch (command.opcode) {
    case Opcode::ACQUIRE_MEM: return write_acquire(command.acquire, generation, out);
    case Opcode::RELEASE_MEM: return write_release(command.release, out);
    case Opcode::SET_SH_REG: return write_registers(command.set, out);
    case Opcode::DISPATCH_DIRECT: return write_dispatch(command.dispatch, out);
    case Opcode::WRITE_DATA: return write_data(command.write, out);
    case Opcode::NOP: return write_nop(command.nop, out);
    case Opcode::EVENT_WRITE:
      out->header(Opcode::EVENT_WRITE, 2);
      return out->word(command.event.event);
    case Opcode::INDIRECT_BUFFER:
      out->header(Opcode::INDIRECT_BUFFER, 4);
      out->address(command.indirect.address);
      return out->word(command.indirect.control);
    default: return;
  }
}

const char* take_packet(std::span<const uint32_t> stream, Generation generation, Packet* out) {
  const uint32_t header = stream[0];
  out->opcode = header >> 8 & 0xff;
  out->flags = header & 0xff;
  out->row = find_packet(out->opcode, generation);
  out->words = stream.first(1);
  if (header >> 30 != 3) return "not a type 3 packet";
  if (header == nop_dword) return nullptr;
  const uint32_t dwords = (header >> 16 & 0x3fff) + 2;
  if (dwords > stream.size()) return "longer than what is left of the stream";
  out->words = stream.first(dwords);
  if (out->row == nullptr) return nullptr;
  const uint32_t expected = out->row->dwords[static_cast<int>(generation)];
  if (expected != many && expected != dwords) return "wrong length for its opcode";
  const bool empty = (out->row->opcode == Opcode::SET_SH_REG && dwords < 3) ||
                     (out->row->opcode == Opcode::WRITE_DATA && dwords < 5);
  return empty ? "no data" : nullptr;
}

Command read_command(const Packet& packet, Generation generation) {
  const std::span<const uint32_t> w = packet.words;
  const auto count = static_cast<uint32_t>(w.size());
  Command command{static_cast<Opcode>(packet.opcode), {}};
  switch (command.opcode) {
    case Opcode::ACQUIRE_MEM: command.acquire = read_acquire(w, generation); break;
    case Opcode::RELEASE_MEM:
      command.release = {w[1], w[2], join(w[3], w[4]), join(w[5], w[6]), w[7]};
      break;
    case Opcode::SET_SH_REG:
      command.set = {SH_REG_START + (w[1] & 0xffff), count - 2, w.data() + 2};
      break;
    case Opcode::DISPATCH_DIRECT: command.dispatch = {{w[1], w[2], w[3]}, w[4]}; break;
    case Opcode::EVENT_WRITE: command.event = {w[1]}; break;
    case Opcode::INDIRECT_BUFFER: command.indirect = {join(w[1], w[2]), w[3]}; break;
    case Opcode::WRITE_DATA:
      command.write = {w[1], join(w[2], w[3]), count - 4, w.data() + 4};
      break;
    default: command.nop = {count}; break;
  }
  return command;
}

}  // namespace sporkle::pm4
