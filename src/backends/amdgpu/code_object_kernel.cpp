// Kernel descriptors, and what encoder and validator are told of them.
#include "backends/amdgpu/code_object_bytes.h"
#include "backends/amdgpu/pm4/limits.h"

namespace sporkle::amdgpu {

namespace {

// LLVM, AMDGPUUsage, "Kernel Descriptor": 64 bytes, aligned to 64.
constexpr uint64_t descriptor_bytes = 64;
constexpr uint16_t known_properties = enable_private_segment_buffer | enable_dispatch_ptr |
                                      enable_queue_ptr | enable_kernarg_ptr | enable_dispatch_id |
                                      enable_flat_scratch_init | enable_private_segment_size |
                                      enable_wave32 | uses_dynamic_stack;

bool all_zero(Bytes bytes) {
  for (const unsigned char byte : bytes) {
    if (byte != 0) return false;
  }
  return true;
}

bool refuse_kernel(const char* name, const char* text, Reason* why) {
  why->set("code object: kernel %.64s: %s", name, text);
  return false;
}

const char* read_descriptor(Bytes bytes, KernelDescriptor* out) {
  out->group_segment_bytes = load_at<uint32_t>(bytes, 0);
  out->private_segment_bytes = load_at<uint32_t>(bytes, 4);
  out->kernarg_bytes = load_at<uint32_t>(bytes, 8);
  out->entry_offset = load_at<int64_t>(bytes, 16);
  out->rsrc3 = load_at<uint32_t>(bytes, 44);
  out->rsrc1 = load_at<uint32_t>(bytes, 48);
  out->rsrc2 = load_at<uint32_t>(bytes, 52);
  out->properties = load_at<uint16_t>(bytes, 56);
  out->kernarg_preload = load_at<uint16_t>(bytes, 58);
  if (!all_zero(bytes.subspan(12, 4)) || !all_zero(bytes.subspan(24, 20)) ||
      !all_zero(bytes.subspan(60, 4)) || (out->properties & ~known_properties) != 0) {
    return "reserved bits of its descriptor are not 0";
  }
  return nullptr;
}

// The function's symbol: its name without ".kd" and its size. False: none there.
bool find_function(const CodeObject& object, std::string_view name, CodeKernel* out) {
  const uint64_t count = object.symbols.size() / sizeof(Elf64_Sym);
  for (uint64_t i = 0; i < count; ++i) {
    const Elf64_Sym symbol = symbol_at(object, i);
    const char* text = string_at(object, symbol.st_name);
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_value != out->entry_address ||
        text == nullptr || name != text) {
      continue;
    }
    out->name = text;
    out->code_bytes = symbol.st_size;
    return symbol.st_size != 0;
  }
  return false;
}

const char* find_entry(const CodeObject& object, std::string_view name, CodeKernel* out) {
  const int64_t offset = out->descriptor.entry_offset;
  // Both summands are below 2^27 where the sum is used.
  constexpr auto most = static_cast<int64_t>(CodeObject::most_image_bytes);
  if (offset > most || offset < -most) return "its entry lies outside the code";
  const int64_t entry = static_cast<int64_t>(out->descriptor_address) + offset;
  const auto code = static_cast<int64_t>(object.code_address);
  if (entry < code || entry >= code + static_cast<int64_t>(object.code_bytes)) {
    return "its entry lies outside the code";
  }
  out->entry_address = static_cast<uint64_t>(entry);
  if (out->entry_address % 256 != 0) return "its entry is not aligned to 256 bytes";
  if (!find_function(object, name, out)) return "no function symbol at its entry";
  return within(out->entry_address - object.code_address, out->code_bytes, object.code_bytes)
             ? nullptr
             : "its function ends outside the code";
}

const char* metadata_fault(const KernelDescriptor& descriptor, const KernelMetadata& metadata) {
  const uint32_t wave = (descriptor.properties & enable_wave32) != 0 ? 32 : 64;
  if (metadata.kernarg_bytes != descriptor.kernarg_bytes) {
    return "descriptor and metadata disagree on the size of the arguments";
  }
  if (metadata.group_segment_bytes != descriptor.group_segment_bytes) {
    return "descriptor and metadata disagree on LDS";
  }
  if (metadata.private_segment_bytes != descriptor.private_segment_bytes) {
    return "descriptor and metadata disagree on scratch memory";
  }
  if (metadata.wavefront_size != wave) return "descriptor and metadata disagree on the wave size";
  if (metadata.argument_end > metadata.kernarg_bytes) {
    return "an argument lies outside the argument segment";
  }
  const uint64_t fixed =
      uint64_t{metadata.workgroup[0]} * metadata.workgroup[1] * metadata.workgroup[2];
  if (metadata.max_flat_workgroup_size == 0 ||
      metadata.max_flat_workgroup_size > pm4::most_workgroup_threads ||
      fixed > metadata.max_flat_workgroup_size) {
    return "an impossible workgroup size";
  }
  return nullptr;
}

bool read_symbol(const CodeObject& object, const Elf64_Sym& symbol, std::string_view name,
                 CodeKernel* out, Reason* why) {
  Bytes bytes;
  *out = {};
  out->name = name.data();
  if (symbol.st_size != descriptor_bytes || symbol.st_value % descriptor_bytes != 0 ||
      !file_range(object, symbol.st_value, descriptor_bytes, &bytes)) {
    return refuse_kernel(out->name, "its descriptor is not 64 aligned bytes in the file", why);
  }
  out->descriptor_address = symbol.st_value;
  const char* fault = read_descriptor(bytes, &out->descriptor);
  if (fault == nullptr) fault = find_entry(object, name, out);
  if (fault != nullptr) return refuse_kernel(out->name, fault, why);
  if (!read_metadata(object, {name.data(), name.size() + 3}, &out->metadata, why)) return false;
  fault = metadata_fault(out->descriptor, out->metadata);
  return fault == nullptr || refuse_kernel(out->name, fault, why);
}

const char* dispatch_fault(const CodeKernel& kernel, uint32_t kernarg_bytes) {
  const KernelDescriptor& d = kernel.descriptor;
  if (d.private_segment_bytes != 0) return "needs scratch memory, which is not supported";
  if ((d.properties & uses_dynamic_stack) != 0 || kernel.metadata.dynamic_stack) {
    return "needs a dynamic stack, which is not supported";
  }
  if (kernel.metadata.hidden_arguments) return "has hidden arguments, which are not supported";
  constexpr uint16_t pointers = enable_dispatch_ptr | enable_queue_ptr | enable_dispatch_id |
                                enable_flat_scratch_init | enable_private_segment_size;
  if ((d.properties & pointers) != 0 || d.kernarg_preload != 0) {
    return "wants more in its user SGPRs than the address of its arguments";
  }
  if ((d.properties & enable_kernarg_ptr) == 0) return "takes no arguments";
  if (d.kernarg_bytes != kernarg_bytes) return "takes arguments of another size";
  if (d.group_segment_bytes > pm4::most_lds_bytes) return "more than 64 KiB of LDS";
  return nullptr;
}

}  // namespace

bool read_kernel(const CodeObject& object, uint32_t index, CodeKernel* out, Reason* why) {
  const uint64_t count = object.symbols.size() / sizeof(Elf64_Sym);
  uint32_t seen = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const Elf64_Sym symbol = symbol_at(object, i);
    const std::string_view name = descriptor_name(object, symbol);
    if (name.empty() || seen++ != index) continue;
    return read_symbol(object, symbol, name, out, why);
  }
  return refuse(why, "no such kernel");
}

bool find_kernel(const CodeObject& object, std::string_view name, CodeKernel* out, Reason* why) {
  const uint64_t count = object.symbols.size() / sizeof(Elf64_Sym);
  for (uint64_t i = 0; i < count; ++i) {
    const Elf64_Sym symbol = symbol_at(object, i);
    const std::string_view found = descriptor_name(object, symbol);
    if (found == name && !found.empty()) return read_symbol(object, symbol, found, out, why);
  }
  why->set("code object: no kernel named %.*s", static_cast<int>(name.size()), name.data());
  return false;
}

bool make_kernel_object(const CodeObject& object, const CodeKernel& kernel, uint32_t processor,
                        uint64_t address, uint32_t kernarg_bytes, pm4::KernelObject* out,
                        Reason* why) {
  if (!runs_on(object, processor)) {
    why->set("code object: for %s, which is not code for gfx%x", object.target, processor);
    return false;
  }
  if (address == 0 || address % CodeObject::page != 0 || address >= pm4::address_limit ||
      object.image_bytes > pm4::address_limit - address) {
    return refuse(why, "its address is not aligned to 4096 bytes or no device address");
  }
  if (const char* fault = dispatch_fault(kernel, kernarg_bytes)) {
    return refuse_kernel(kernel.name, fault, why);
  }
  const KernelDescriptor& d = kernel.descriptor;
  *out = {};
  out->name = kernel.name;
  out->target = processor;
  out->entry_address = address + kernel.entry_address;
  out->code_address = address + object.code_address;
  out->code_bytes = object.code_bytes;
  out->rsrc1 = d.rsrc1;
  out->rsrc2 = d.rsrc2;
  out->rsrc3 = d.rsrc3;
  out->wave_size = (d.properties & enable_wave32) != 0 ? 32 : 64;
  out->lds_bytes = d.group_segment_bytes;
  out->scratch_bytes = d.private_segment_bytes;
  out->kernarg_bytes = d.kernarg_bytes;
  // Gfx9 reserves the first four user SGPRs for the scratch buffer also where
  // there is none; nothing reads them then.
  out->kernarg_sgpr = (d.properties & enable_private_segment_buffer) != 0 ? 4 : 0;
  out->user_sgpr_count = static_cast<uint8_t>(d.rsrc2 >> 1 & 0x1f);
  for (int i = 0; i < 3; ++i) {
    out->workgroup[i] = static_cast<uint16_t>(kernel.metadata.workgroup[i]);
  }
  out->max_workgroup_threads = static_cast<uint16_t>(kernel.metadata.max_flat_workgroup_size);
  if (out->kernarg_sgpr + 2 > out->user_sgpr_count ||
      out->user_sgpr_count > pm4::most_user_sgprs) {
    return refuse_kernel(kernel.name, "its number of user SGPRs is impossible", why);
  }
  return true;
}

}  // namespace sporkle::amdgpu
