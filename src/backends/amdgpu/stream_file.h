// Packets with what is needed to judge them: the chip, the kernels, the ranges and
// the indirect buffers that they may name. The layout, all little-endian and without
// gaps: StreamFileHeader, kernel_count StoredKernel, range_count AddressRange,
// buffer_count CallableBuffer, dword_count dwords.
#pragma once

#include <span>

#include "backends/amdgpu/pm4/validator.h"

namespace sporkle::amdgpu {

struct StreamFileHeader {
  char magic[8];       // "sporkpm4"
  uint32_t version;    // 1
  uint32_t processor;  // gfx1100 is 0x1100
  uint32_t kind;       // 0: for a ring, 1: for an indirect buffer
  uint32_t kernel_count;
  uint32_t range_count;
  uint32_t buffer_count;
  uint32_t dword_count;
  uint32_t reserved;  // 0
};

struct StoredKernel {
  uint64_t entry_address;
  uint64_t code_address;
  uint64_t code_bytes;
  uint32_t target;
  uint32_t rsrc1, rsrc2, rsrc3;
  uint32_t wave_size;
  uint32_t lds_bytes;
  uint32_t scratch_bytes;
  uint32_t kernarg_bytes;
  uint32_t user_sgpr_count;
  uint32_t kernarg_sgpr;  // 255: none
  uint32_t workgroup[3];
  uint32_t max_workgroup_threads;
};

static_assert(sizeof(StreamFileHeader) == 40 && sizeof(StoredKernel) == 80 &&
                  sizeof(pm4::AddressRange) == 24 && sizeof(pm4::CallableBuffer) == 16,
              "the layout of the file");

// A file in memory, read. `words` points into it.
struct StreamFile {
  static constexpr uint32_t most_kernels = 16;
  static constexpr uint32_t most_ranges = 64;
  static constexpr uint32_t most_buffers = 64;
  static constexpr uint32_t most_dwords = 1u << 20;

  pm4::Target target;
  pm4::StreamKind kind;
  uint32_t kernel_count, range_count, buffer_count;
  pm4::KernelObject kernels[most_kernels];
  pm4::AddressRange ranges[most_ranges];
  pm4::CallableBuffer buffers[most_buffers];
  std::span<const uint32_t> words;

  pm4::Registry registry() const {
    return {target, {kernels, kernel_count}, {ranges, range_count}, {buffers, buffer_count}};
  }
};

// Reads a file; `image` is aligned to 4 bytes. Returns false with a reason.
bool read_stream_file(std::span<const unsigned char> image, StreamFile* out, Reason* why);

// Writes a file. Returns its size; what does not fit in `capacity` is not written.
uint64_t write_stream_file(const StreamFile& file, unsigned char* image, uint64_t capacity);

}  // namespace sporkle::amdgpu
