// Constants of packets and registers, made from packets.def, registers.def and
// fields.def, the one place where a number of the hardware is written down.
#pragma once

#include <bit>
#include <cstdint>

#include "backends/amdgpu/pm4/target.h"

namespace sporkle::pm4 {

enum class Opcode : uint8_t {
#define PM4_PACKET(name, opcode, g9, g94, g103, g11, g12, use) name = opcode,
#define PM4_PACKET_FIELD(packet, dword, field, g9, g94, g103, g11, g12, source)
#define PM4_VALUE(name, value, source)
#include "backends/amdgpu/pm4/packets.def"
#undef PM4_PACKET
#undef PM4_PACKET_FIELD
#undef PM4_VALUE
};

// The order of registers.def; `none` ends it.
enum class Register : uint8_t {
#define PM4_REGISTER(name, g9, g94, g103, g11, g12) name,
#include "backends/amdgpu/pm4/registers.def"
#undef PM4_REGISTER
  none
};

// Register fields first, then packet fields.
enum class Field : uint8_t {
#define PM4_FIELD(owner, field, g9, g94, g103, g11, g12) owner##_##field,
#include "backends/amdgpu/pm4/fields.def"
#undef PM4_FIELD
#define PM4_PACKET(name, opcode, g9, g94, g103, g11, g12, use)
#define PM4_PACKET_FIELD(packet, dword, field, g9, g94, g103, g11, g12, source) packet##_##field,
#define PM4_VALUE(name, value, source)
#include "backends/amdgpu/pm4/packets.def"
#undef PM4_PACKET
#undef PM4_PACKET_FIELD
#undef PM4_VALUE
  none
};

// Values of fields and limits of register spaces.
enum Value : uint32_t {
#define PM4_PACKET(name, opcode, g9, g94, g103, g11, g12, use)
#define PM4_PACKET_FIELD(packet, dword, field, g9, g94, g103, g11, g12, source)
#define PM4_VALUE(name, value, source) name = value,
#include "backends/amdgpu/pm4/packets.def"
#undef PM4_PACKET
#undef PM4_PACKET_FIELD
#undef PM4_VALUE
};

constexpr uint16_t many = 0xffff;  // dwords of a packet of variable length

struct PacketRow {
  const char* name;
  Opcode opcode;
  bool allowed;
  uint16_t dwords[generation_count];  // with the header; 0: not there; `many`: varies
};

struct FieldRow {
  const char* name;
  Register reg;   // `none` for a field of a packet
  Opcode packet;  // meaningful when reg is `none`
  uint8_t dword;  // of the packet
  uint32_t mask[generation_count];
};

struct Rows {
  const FieldRow* first;
  const FieldRow* last;
  const FieldRow* begin() const { return first; }
  const FieldRow* end() const { return last; }
};

// Null when the generation has no such packet, or nobody knows it.
const PacketRow* find_packet(uint32_t opcode, Generation generation);

// `none` when the address is no compute register that the tables know.
Register find_register(uint32_t address, Generation generation);

const char* register_name(Register reg);

// The bits of a register that some field has; 0 for registers without fields.
uint32_t named_bits(Register reg, Generation generation);

// All rows of a register or of a packet, of every dword and generation.
Rows fields_of(Register reg);
Rows fields_of(Opcode packet);

namespace tables {

constexpr uint32_t masks[][generation_count] = {
#define PM4_FIELD(owner, field, g9, g94, g103, g11, g12) {g9, g94, g103, g11, g12},
#include "backends/amdgpu/pm4/fields.def"
#undef PM4_FIELD
#define PM4_PACKET(name, opcode, g9, g94, g103, g11, g12, use)
#define PM4_PACKET_FIELD(packet, dword, field, g9, g94, g103, g11, g12, source) \
  {g9, g94, g103, g11, g12},
#define PM4_VALUE(name, value, source)
#include "backends/amdgpu/pm4/packets.def"
#undef PM4_PACKET
#undef PM4_PACKET_FIELD
#undef PM4_VALUE
};

constexpr uint16_t addresses[][generation_count] = {
#define PM4_REGISTER(name, g9, g94, g103, g11, g12) {g9, g94, g103, g11, g12},
#include "backends/amdgpu/pm4/registers.def"
#undef PM4_REGISTER
};

}  // namespace tables

// The mask of a field, 0 where the generation does not have it.
constexpr uint32_t mask(Field field, Generation generation) {
  return tables::masks[static_cast<int>(field)][static_cast<int>(generation)];
}

// A value in its field's place; 0 where the generation does not have the field.
constexpr uint32_t place(Field field, Generation generation, uint32_t value) {
  const uint32_t bits = mask(field, generation);
  return bits == 0 ? 0 : (value << std::countr_zero(bits)) & bits;
}

constexpr uint32_t extract(Field field, Generation generation, uint32_t word) {
  const uint32_t bits = mask(field, generation);
  return bits == 0 ? 0 : (word & bits) >> std::countr_zero(bits);
}

// Dword address of a register, 0 where the generation does not have it.
constexpr uint32_t address(Register reg, Generation generation) {
  return tables::addresses[static_cast<int>(reg)][static_cast<int>(generation)];
}

// The header of a packet of `dwords` dwords, header included: type 3, both low
// flag bits clear (soc15d.h and nvd.h, PACKET3).
constexpr uint32_t packet_header(Opcode opcode, uint32_t dwords) {
  return 3u << 30 | (dwords - 2) << 16 | static_cast<uint32_t>(opcode) << 8;
}

// A NOP without payload: its count field is all ones (Mesa, sid.h, PKT3_NOP_PAD).
constexpr uint32_t nop_dword = 0xFFFF1000;

}  // namespace sporkle::pm4
