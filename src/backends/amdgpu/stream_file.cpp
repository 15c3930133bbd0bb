#include "backends/amdgpu/stream_file.h"

#include <bit>
#include <cstring>

namespace sporkle::amdgpu {

static_assert(std::endian::native == std::endian::little, "files are read in place");

namespace {

constexpr char magic[8] = {'s', 'p', 'o', 'r', 'k', 'p', 'm', '4'};
constexpr uint32_t version = 1;
constexpr const char* kernel_name = "kernel of the file";

template <class T>
const unsigned char* take(const unsigned char* from, T* out, uint32_t count) {
  if (count > 0) std::memcpy(out, from, count * sizeof(T));
  return from + count * sizeof(T);
}

template <class T>
unsigned char* put(const T* from, uint64_t count, unsigned char* to) {
  if (count > 0) std::memcpy(to, from, count * sizeof(T));
  return to + count * sizeof(T);
}

bool refuse(Reason* why, const char* reason) {
  why->set("image: %s", reason);
  return false;
}

bool check_header(const StreamFileHeader& h, Reason* why) {
  if (std::memcmp(h.magic, magic, sizeof magic) != 0) return refuse(why, "not a file of packets");
  if (h.version != version) return refuse(why, "a version that is not known");
  if (h.reserved != 0 || h.kind > 1) return refuse(why, "reserved values in the header");
  if (h.kernel_count > StreamFile::most_kernels || h.range_count > StreamFile::most_ranges ||
      h.buffer_count > StreamFile::most_buffers || h.dword_count > StreamFile::most_dwords) {
    return refuse(why, "more kernels, ranges, buffers or dwords than a file may have");
  }
  return true;
}

uint64_t size_of(const StreamFileHeader& h) {
  return sizeof h + h.kernel_count * sizeof(StoredKernel) +
         h.range_count * sizeof(pm4::AddressRange) +
         h.buffer_count * sizeof(pm4::CallableBuffer) + h.dword_count * sizeof(uint32_t);
}

bool read_kernel(const StoredKernel& k, pm4::KernelObject* out, Reason* why) {
  if (k.user_sgpr_count > 255 || k.kernarg_sgpr > 255 || k.max_workgroup_threads > 65535 ||
      (k.workgroup[0] | k.workgroup[1] | k.workgroup[2]) > 65535) {
    return refuse(why, "a kernel with impossible numbers");
  }
  *out = {kernel_name, k.target, k.entry_address, k.code_address, k.code_bytes, k.rsrc1, k.rsrc2,
          k.rsrc3, k.wave_size, k.lds_bytes, k.scratch_bytes, k.kernarg_bytes,
          static_cast<uint8_t>(k.user_sgpr_count), static_cast<uint8_t>(k.kernarg_sgpr),
          {static_cast<uint16_t>(k.workgroup[0]), static_cast<uint16_t>(k.workgroup[1]),
           static_cast<uint16_t>(k.workgroup[2])},
          static_cast<uint16_t>(k.max_workgroup_threads)};
  return true;
}

StoredKernel store_kernel(const pm4::KernelObject& k) {
  return {k.entry_address, k.code_address, k.code_bytes, k.target, k.rsrc1, k.rsrc2, k.rsrc3,
          k.wave_size, k.lds_bytes, k.scratch_bytes, k.kernarg_bytes, k.user_sgpr_count,
          k.kernarg_sgpr, {k.workgroup[0], k.workgroup[1], k.workgroup[2]},
          k.max_workgroup_threads};
}

}  // namespace

bool read_stream_file(std::span<const unsigned char> image, StreamFile* out, Reason* why) {
  StreamFileHeader h;
  if (image.size() < sizeof h) return refuse(why, "shorter than its header");
  const unsigned char* from = take(image.data(), &h, 1);
  if (!check_header(h, why)) return false;
  if (!pm4::find_target(h.processor, &out->target)) {
    why->set("image: gfx%x is not covered; covered are %s", h.processor, pm4::covered_targets());
    return false;
  }
  if (image.size() != size_of(h)) return refuse(why, "cut off, or longer than its header says");
  out->kind = static_cast<pm4::StreamKind>(h.kind);
  out->kernel_count = h.kernel_count;
  out->range_count = h.range_count;
  out->buffer_count = h.buffer_count;
  for (uint32_t i = 0; i < h.kernel_count; ++i) {
    StoredKernel kernel;
    from = take(from, &kernel, 1);
    if (!read_kernel(kernel, &out->kernels[i], why)) return false;
  }
  from = take(from, out->ranges, h.range_count);
  from = take(from, out->buffers, h.buffer_count);
  out->words = {reinterpret_cast<const uint32_t*>(from), h.dword_count};
  return true;
}

uint64_t write_stream_file(const StreamFile& file, unsigned char* image, uint64_t capacity) {
  StreamFileHeader h{};
  std::memcpy(h.magic, magic, sizeof magic);
  h.version = version;
  h.processor = file.target.processor;
  h.kind = static_cast<uint32_t>(file.kind);
  h.kernel_count = file.kernel_count;
  h.range_count = file.range_count;
  h.buffer_count = file.buffer_count;
  h.dword_count = static_cast<uint32_t>(file.words.size());
  const uint64_t size = size_of(h);
  if (size > capacity) return size;
  unsigned char* to = put(&h, 1, image);
  for (uint32_t i = 0; i < file.kernel_count; ++i) {
    const StoredKernel kernel = store_kernel(file.kernels[i]);
    to = put(&kernel, 1, to);
  }
  to = put(file.ranges, file.range_count, to);
  to = put(file.buffers, file.buffer_count, to);
  put(file.words.data(), file.words.size(), to);
  return size;
}

}  // namespace sporkle::amdgpu
