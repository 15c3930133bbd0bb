// Look-ups in the tables; the indexes are built at compile time.
#include "backends/amdgpu/pm4/tables.h"

#include <array>

namespace sporkle::pm4 {

namespace {

constexpr bool allowed = true;
constexpr bool refused = false;

constexpr PacketRow packets[] = {
#define PM4_PACKET(name, opcode, g9, g94, g103, g11, g12, use) \
  {#name, Opcode::name, use, {g9, g94, g103, g11, g12}},
#define PM4_PACKET_FIELD(packet, dword, field, g9, g94, g103, g11, g12, source)
#define PM4_VALUE(name, value, source)
#include "backends/amdgpu/pm4/packets.def"
#undef PM4_PACKET
#undef PM4_PACKET_FIELD
#undef PM4_VALUE
};

constexpr FieldRow fields[] = {
#define PM4_FIELD(owner, field, g9, g94, g103, g11, g12) \
  {#field, Register::owner, Opcode::NOP, 0, {g9, g94, g103, g11, g12}},
#include "backends/amdgpu/pm4/fields.def"
#undef PM4_FIELD
#define PM4_PACKET(name, opcode, g9, g94, g103, g11, g12, use)
#define PM4_PACKET_FIELD(packet, dword, field, g9, g94, g103, g11, g12, source) \
  {#field, Register::none, Opcode::packet, dword, {g9, g94, g103, g11, g12}},
#define PM4_VALUE(name, value, source)
#include "backends/amdgpu/pm4/packets.def"
#undef PM4_PACKET
#undef PM4_PACKET_FIELD
#undef PM4_VALUE
};

constexpr const char* register_names[] = {
#define PM4_REGISTER(name, g9, g94, g103, g11, g12) #name,
#include "backends/amdgpu/pm4/registers.def"
#undef PM4_REGISTER
    "none"};

constexpr int register_count = static_cast<int>(Register::none);
constexpr uint32_t sh_space = SH_REG_END - SH_REG_START;

constexpr auto packet_index = [] {
  std::array<uint8_t, 256> index{};
  uint8_t row = 0;
  for (const PacketRow& packet : packets) index[static_cast<uint8_t>(packet.opcode)] = ++row;
  return index;
}();

constexpr auto register_index = [] {
  std::array<std::array<uint8_t, sh_space>, generation_count> index{};
  for (auto& column : index) column.fill(static_cast<uint8_t>(Register::none));
  for (int reg = 0; reg < register_count; ++reg) {
    for (int g = 0; g < generation_count; ++g) {
      const uint32_t where = tables::addresses[reg][g];
      if (where != 0) index[g][where - SH_REG_START] = static_cast<uint8_t>(reg);
    }
  }
  return index;
}();

constexpr auto register_bits = [] {
  std::array<std::array<uint32_t, generation_count>, register_count + 1> bits{};
  for (const FieldRow& row : fields) {
    for (int g = 0; g < generation_count; ++g) {
      bits[static_cast<int>(row.reg)][g] |= row.mask[g];
    }
  }
  return bits;
}();

}  // namespace

const PacketRow* find_packet(uint32_t opcode, Generation generation) {
  const uint8_t row = opcode < packet_index.size() ? packet_index[opcode] : 0;
  if (row == 0) return nullptr;
  const PacketRow& packet = packets[row - 1];
  return packet.dwords[static_cast<int>(generation)] != 0 ? &packet : nullptr;
}

Register find_register(uint32_t address, Generation generation) {
  if (address < SH_REG_START || address >= SH_REG_END) return Register::none;
  return static_cast<Register>(
      register_index[static_cast<int>(generation)][address - SH_REG_START]);
}

const char* register_name(Register reg) { return register_names[static_cast<int>(reg)]; }

uint32_t named_bits(Register reg, Generation generation) {
  return reg == Register::none
             ? 0
             : register_bits[static_cast<int>(reg)][static_cast<int>(generation)];
}

Rows fields_of(Register reg) {
  const FieldRow* first = std::begin(fields);
  while (first != std::end(fields) && first->reg != reg) ++first;
  const FieldRow* last = first;
  while (last != std::end(fields) && last->reg == reg) ++last;
  return {first, last};
}

Rows fields_of(Opcode packet) {
  const auto belongs = [&](const FieldRow& row) {
    return row.reg == Register::none && row.packet == packet;
  };
  const FieldRow* first = std::begin(fields);
  while (first != std::end(fields) && !belongs(*first)) ++first;
  const FieldRow* last = first;
  while (last != std::end(fields) && belongs(*last)) ++last;
  return {first, last};
}

}  // namespace sporkle::pm4
