// One kernel of a loaded code object: what the encoder needs to dispatch it and
// what the validator compares a dispatch with. Plain data, filled by the code
// object loader; nothing here owns memory.
//
// Field names follow LLVM's AMDGPU usage guide, "Kernel Descriptor", and the
// register names of the gc headers of the Linux kernel.
#pragma once

#include <cstdint>

namespace sporkle::pm4 {

constexpr uint8_t no_sgpr = 0xff;

struct KernelObject {
  // For messages; static or as long-lived as the code object.
  const char* name;

  // The chip that the code was loaded for, LLVM's processor name as a
  // hexadecimal number: gfx1100 is 0x1100, gfx90a is 0x90a. For code compiled
  // for a generic target this is the chip it runs on, not the generic name.
  uint32_t target;

  // Device addresses. The entry is 256-byte aligned, because COMPUTE_PGM_LO
  // and _HI hold it without its low 8 bits, and lies within the code's range.
  uint64_t entry_address;
  uint64_t code_address;
  uint64_t code_bytes;

  // As in the kernel descriptor. rsrc2 has LDS_SIZE = 0 there: the encoder adds
  // lds_bytes in the generation's granule.
  uint32_t rsrc1;
  uint32_t rsrc2;
  uint32_t rsrc3;

  uint32_t wave_size;      // lanes: 32 or 64; gfx9 knows only 64
  uint32_t lds_bytes;      // GROUP_SEGMENT_FIXED_SIZE
  uint32_t scratch_bytes;  // PRIVATE_SEGMENT_FIXED_SIZE; only 0 is dispatched
  uint32_t kernarg_bytes;  // KERNARG_SIZE

  // User SGPRs. The only value passed is the 64-bit address of the kernel
  // arguments, in SGPRs kernarg_sgpr and kernarg_sgpr + 1; no_sgpr when the
  // kernel asks for none. A loader refuses kernels that ask for more.
  // user_sgpr_count is the descriptor's USER_SGPR_COUNT, which may be larger.
  uint8_t user_sgpr_count;
  uint8_t kernarg_sgpr;

  // Work-items per workgroup: what the kernel was compiled for, or zeros when
  // any size up to max_workgroup_threads will do.
  uint16_t workgroup[3];
  uint16_t max_workgroup_threads;
};

}  // namespace sporkle::pm4
