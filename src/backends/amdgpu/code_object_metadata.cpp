// The metadata note: what the compiler says of each kernel.
#include "backends/amdgpu/code_object_bytes.h"
#include "backends/amdgpu/message_pack.h"

namespace sporkle::amdgpu {

namespace {

// One entry of a kernel's .args.
bool read_argument(MessageReader* reader, KernelMetadata* out) {
  uint32_t count = 0;
  uint64_t offset = 0, size = 0;
  std::string_view key, kind;
  if (!reader->map(&count)) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (!reader->string(&key)) return false;
    bool taken = true;
    if (key == ".offset") {
      taken = reader->number(&offset);
    } else if (key == ".size") {
      taken = reader->number(&size);
    } else if (key == ".value_kind") {
      taken = reader->string(&kind);
    } else {
      taken = reader->skip();
    }
    if (!taken) return false;
  }
  if (kind.empty() || offset > UINT32_MAX || size > UINT32_MAX - offset) return false;
  if (kind.starts_with("hidden_")) out->hidden_arguments = true;
  if (offset + size > out->argument_end) out->argument_end = static_cast<uint32_t>(offset + size);
  ++out->argument_count;
  return true;
}

bool read_arguments(MessageReader* reader, KernelMetadata* out) {
  uint32_t count = 0;
  if (!reader->array(&count)) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (!read_argument(reader, out)) return false;
  }
  return true;
}

bool read_workgroup(MessageReader* reader, KernelMetadata* out) {
  uint32_t count = 0;
  if (!reader->array(&count) || count != 3) return false;
  for (uint32_t& size : out->workgroup) {
    uint64_t value = 0;
    if (!reader->number(&value) || value == 0 || value > 1024) return false;
    size = static_cast<uint32_t>(value);
  }
  return true;
}

struct NumberKey {
  std::string_view key;
  uint32_t KernelMetadata::*member;
};

constexpr NumberKey number_keys[] = {
    {".kernarg_segment_size", &KernelMetadata::kernarg_bytes},
    {".kernarg_segment_align", &KernelMetadata::kernarg_alignment},
    {".group_segment_fixed_size", &KernelMetadata::group_segment_bytes},
    {".private_segment_fixed_size", &KernelMetadata::private_segment_bytes},
    {".wavefront_size", &KernelMetadata::wavefront_size},
    {".sgpr_count", &KernelMetadata::sgpr_count},
    {".vgpr_count", &KernelMetadata::vgpr_count},
    {".agpr_count", &KernelMetadata::agpr_count},
    {".sgpr_spill_count", &KernelMetadata::sgpr_spill_count},
    {".vgpr_spill_count", &KernelMetadata::vgpr_spill_count},
    {".max_flat_workgroup_size", &KernelMetadata::max_flat_workgroup_size},
};

// Takes the value of `key`; `symbol` is filled by .symbol.
bool read_value(MessageReader* reader, std::string_view key, std::string_view* symbol,
                KernelMetadata* out) {
  if (key == ".symbol") return reader->string(symbol);
  if (key == ".args") return read_arguments(reader, out);
  if (key == ".reqd_workgroup_size") return read_workgroup(reader, out);
  if (key == ".uses_dynamic_stack") return reader->boolean(&out->dynamic_stack);
  for (const NumberKey& known : number_keys) {
    if (key != known.key) continue;
    uint64_t value = 0;
    if (!reader->number(&value) || value > UINT32_MAX) return false;
    out->*known.member = static_cast<uint32_t>(value);
    return true;
  }
  return reader->skip();
}

bool read_entry(MessageReader* reader, std::string_view* symbol, KernelMetadata* out) {
  uint32_t count = 0;
  std::string_view key;
  *out = {};
  *symbol = {};
  if (!reader->map(&count)) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (!reader->string(&key) || !read_value(reader, key, symbol, out)) return false;
  }
  return true;
}

// Walks to the kernels. False: no such key, or damaged before it.
bool enter_kernels(MessageReader* reader, uint32_t* out_count) {
  uint32_t count = 0;
  std::string_view key;
  if (!reader->map(&count)) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (!reader->string(&key)) return false;
    if (key == "amdhsa.kernels") return reader->array(out_count);
    if (!reader->skip()) return false;
  }
  return false;
}

}  // namespace

bool read_metadata(const CodeObject& object, std::string_view symbol, KernelMetadata* out,
                   Reason* why) {
  MessageReader whole(object.metadata);
  if (!whole.skip() || !whole.at_end()) return refuse(why, "damaged metadata");
  MessageReader reader(object.metadata);
  uint32_t count = 0;
  if (!enter_kernels(&reader, &count)) return refuse(why, "metadata without kernels");
  for (uint32_t i = 0; i < count; ++i) {
    std::string_view found;
    if (!read_entry(&reader, &found, out)) return refuse(why, "damaged metadata of a kernel");
    if (found == symbol) return true;
  }
  why->set("code object: no metadata of %.*s", static_cast<int>(symbol.size()), symbol.data());
  return false;
}

}  // namespace sporkle::amdgpu
