// Machine code for AMD GPUs as LLVM writes it: a code object, which is an ELF64
// shared object for EM_AMDGPU. Read here without trust, placed for a GPU address,
// and described kernel by kernel. Nothing is allocated; what is read points into
// the caller's bytes.
//
// Source: LLVM, "User Guide for AMDGPU Backend", ELF Code Object, Code Object
// Metadata, Kernel Descriptor; System V ABI for ELF.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "backends/amdgpu/pm4/kernel_object.h"
#include "base/error.h"

namespace sporkle::amdgpu {

using Bytes = std::span<const unsigned char>;

// A PT_LOAD program header.
struct CodeSegment {
  uint64_t offset, file_bytes;     // in the file
  uint64_t address, memory_bytes;  // relative to where the object is placed
  bool writable, executable;
};

struct CodeObject {
  static constexpr uint32_t most_segments = 8;
  static constexpr uint64_t page = 4096;
  static constexpr uint64_t most_image_bytes = uint64_t{64} << 20;

  Bytes bytes;
  const char* target;      // static: "gfx1100", "gfx11-generic"
  uint32_t machine;        // EF_AMDGPU_MACH
  uint32_t flags;          // e_flags
  uint32_t version;        // code object version: 5 or 6
  uint64_t image_bytes;    // size in memory, a multiple of page
  uint64_t code_address;   // the one executable segment, relative
  uint64_t code_bytes;
  uint32_t segment_count;
  CodeSegment segments[most_segments];
  Bytes symbols;      // Elf64_Sym each
  Bytes strings;      // ends with NUL
  Bytes relocations;  // Elf64_Rela each
  Bytes metadata;     // MessagePack
  uint32_t kernel_count;
};

// Reads and checks headers, segments, dynamic table, symbols and notes. Sections
// are not used. Returns false with a reason; `out` is then unspecified.
bool read_code_object(Bytes bytes, CodeObject* out, Reason* why);

// Whether the code runs on a chip: the chip's own code, or a generic target that
// covers it. `processor` is LLVM's name as a hexadecimal number, 0x1100.
bool runs_on(const CodeObject& object, uint32_t processor);

// Copies the segments into `memory`, image_bytes of it, as they are to lie at the
// device address `address`, a multiple of page, and relocates. Returns false with
// a reason: wrong size, an address that is misaligned or wraps, a relocation
// that is not R_AMDGPU_ABS64 or R_AMDGPU_RELATIVE64 or lies outside the data.
bool place_code_object(const CodeObject& object, uint64_t address, std::span<unsigned char> memory,
                       Reason* why);

// The kernel descriptor's fields, as stored.
struct KernelDescriptor {
  uint32_t group_segment_bytes;
  uint32_t private_segment_bytes;
  uint32_t kernarg_bytes;
  int64_t entry_offset;
  uint32_t rsrc1, rsrc2, rsrc3;
  uint16_t properties;
  uint16_t kernarg_preload;
};

// Bits of KernelDescriptor::properties.
enum : uint16_t {
  enable_private_segment_buffer = 1u << 0,
  enable_dispatch_ptr = 1u << 1,
  enable_queue_ptr = 1u << 2,
  enable_kernarg_ptr = 1u << 3,
  enable_dispatch_id = 1u << 4,
  enable_flat_scratch_init = 1u << 5,
  enable_private_segment_size = 1u << 6,
  enable_wave32 = 1u << 10,
  uses_dynamic_stack = 1u << 11,
};

// What the metadata says of a kernel.
struct KernelMetadata {
  uint32_t kernarg_bytes, kernarg_alignment;
  uint32_t group_segment_bytes, private_segment_bytes;
  uint32_t wavefront_size;
  uint32_t sgpr_count, vgpr_count, agpr_count;
  uint32_t sgpr_spill_count, vgpr_spill_count;
  uint32_t max_flat_workgroup_size;
  uint32_t workgroup[3];  // zeros: not fixed
  uint32_t argument_count;
  uint32_t argument_end;  // end of the last argument
  bool hidden_arguments;  // arguments that the run time would have to add
  bool dynamic_stack;
};

struct CodeKernel {
  const char* name;
  uint64_t descriptor_address, entry_address;  // relative
  uint64_t code_bytes;                         // of the function
  KernelDescriptor descriptor;
  KernelMetadata metadata;
};

// Kernel `index` below kernel_count, in the order of the symbol table: its
// descriptor, entry and metadata, checked against each other. Returns false with
// a reason.
bool read_kernel(const CodeObject& object, uint32_t index, CodeKernel* out, Reason* why);

bool find_kernel(const CodeObject& object, std::string_view name, CodeKernel* out, Reason* why);

// Describes a kernel of an object placed at `address` to encoder and validator.
// Refuses what cannot be dispatched: another chip's code, scratch memory, hidden
// arguments, a dispatch or queue pointer in registers, arguments of another size
// than `kernarg_bytes`.
bool make_kernel_object(const CodeObject& object, const CodeKernel& kernel, uint32_t processor,
                        uint64_t address, uint32_t kernarg_bytes, pm4::KernelObject* out,
                        Reason* why);

}  // namespace sporkle::amdgpu
