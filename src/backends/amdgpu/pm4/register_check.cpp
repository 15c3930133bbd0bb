#include "backends/amdgpu/pm4/register_check.h"

namespace sporkle::pm4 {

namespace {

constexpr const char* foreign = "a register that is not ours to write";
constexpr const char* reserved = "reserved bits of a register";
constexpr const char* not_zero = "a register that must be 0";

// The registers with the marks of what is known kept apart, where the compiler
// can hold them in a register of its own.
struct Written {
  ShaderRegisters* registers;
  uint32_t known;
  uint32_t user_known;
};

const char* keep(uint32_t bit, uint32_t value, uint32_t* place, Written* to) {
  *place = value;
  to->known |= bit;
  return nullptr;
}

const char* keep_zero(uint32_t bit, uint32_t value, Written* to) {
  if (value != 0) return not_zero;
  to->known |= bit;
  return nullptr;
}

const char* keep_threads(uint32_t axis, uint32_t value, Generation g, Written* to) {
  constexpr Field full[] = {Field::COMPUTE_NUM_THREAD_X_NUM_THREAD_FULL,
                            Field::COMPUTE_NUM_THREAD_Y_NUM_THREAD_FULL,
                            Field::COMPUTE_NUM_THREAD_Z_NUM_THREAD_FULL};
  if ((value & ~mask(full[axis], g)) != 0) return "a partial workgroup or reserved bits";
  return keep(1u << (7 + axis), value, &to->registers->threads[axis], to);
}

const char* keep_program(Register reg, Generation g, uint32_t value, Written* to) {
  if ((value & ~named_bits(reg, g)) != 0) return reserved;
  ShaderRegisters* const r = to->registers;
  if (reg == Register::COMPUTE_PGM_RSRC1) return keep(known_rsrc1, value, &r->rsrc1, to);
  if (reg == Register::COMPUTE_PGM_RSRC2) return keep(known_rsrc2, value, &r->rsrc2, to);
  return keep(known_rsrc3, value, &r->rsrc3, to);
}

const char* apply(Register reg, uint32_t value, Generation g, Written* to) {
  if (reg >= Register::COMPUTE_USER_DATA_0 && reg <= Register::COMPUTE_USER_DATA_15) {
    const auto index = static_cast<uint32_t>(reg) -
                       static_cast<uint32_t>(Register::COMPUTE_USER_DATA_0);
    to->registers->user[index] = value;
    to->user_known |= 1u << index;
    return nullptr;
  }
  switch (reg) {
    case Register::COMPUTE_PGM_LO: return keep(known_pgm_lo, value, &to->registers->pgm_lo, to);
    case Register::COMPUTE_PGM_HI:
      if ((value & ~mask(Field::COMPUTE_PGM_HI_DATA, g)) != 0) return reserved;
      return keep(known_pgm_hi, value, &to->registers->pgm_hi, to);
    case Register::COMPUTE_PGM_RSRC1:
    case Register::COMPUTE_PGM_RSRC2:
    case Register::COMPUTE_PGM_RSRC3: return keep_program(reg, g, value, to);
    case Register::COMPUTE_TMPRING_SIZE: return keep_zero(known_tmpring, value, to);
    case Register::COMPUTE_RESOURCE_LIMITS: return keep_zero(known_limits, value, to);
    case Register::COMPUTE_NUM_THREAD_X: return keep_threads(0, value, g, to);
    case Register::COMPUTE_NUM_THREAD_Y: return keep_threads(1, value, g, to);
    case Register::COMPUTE_NUM_THREAD_Z: return keep_threads(2, value, g, to);
    case Register::COMPUTE_START_X: return keep_zero(1u << 10, value, to);
    case Register::COMPUTE_START_Y: return keep_zero(1u << 11, value, to);
    case Register::COMPUTE_START_Z: return keep_zero(1u << 12, value, to);
    case Register::COMPUTE_RESTART_X: return keep_zero(1u << 13, value, to);
    case Register::COMPUTE_RESTART_Y: return keep_zero(1u << 14, value, to);
    case Register::COMPUTE_RESTART_Z: return keep_zero(1u << 15, value, to);
    default: return foreign;
  }
}

}  // namespace

const char* apply_registers(const SetRegisters& set, Generation generation,
                            ShaderRegisters* registers) {
  Written written{registers, registers->known, registers->user_known};
  const char* fault = nullptr;
  for (uint32_t i = 0; i < set.count && fault == nullptr; ++i) {
    fault = apply(find_register(set.address + i, generation), set.values[i], generation, &written);
  }
  registers->known = written.known;
  registers->user_known = written.user_known;
  return fault;
}

}  // namespace sporkle::pm4
