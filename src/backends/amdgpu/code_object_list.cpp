#include "backends/amdgpu/code_object_list.h"

#include <cstdio>

#include "backends/amdgpu/pm4/text.h"

namespace sporkle::amdgpu {

namespace {

using pm4::Text;

// A symbol's name: bytes of the file, of which JSON takes not all.
void print_name(const char* name, Text* text) {
  for (; *name != '\0'; ++name) {
    const char c = *name;
    const bool plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';
    text->print("%c", plain ? c : '?');
  }
}

enum class Word : uint8_t { rsrc1, rsrc2, rsrc3, properties };
enum Chips : uint8_t { gfx9 = 1, gfx90a = 2, gfx10 = 4, gfx11 = 8, gfx12 = 16, all = 31 };

// LLVM, AMDGPUUsage, "Kernel Descriptor": the fields that its assembler has a
// directive for and that hold the directive's value as it is.
struct FieldRow {
  const char* directive;  // without .amdhsa_
  Word word;
  uint8_t bit, width;
  uint8_t chips;
};

constexpr FieldRow fields[] = {
    {"float_round_mode_32", Word::rsrc1, 12, 2, all},
    {"float_round_mode_16_64", Word::rsrc1, 14, 2, all},
    {"float_denorm_mode_32", Word::rsrc1, 16, 2, all},
    {"float_denorm_mode_16_64", Word::rsrc1, 18, 2, all},
    {"dx10_clamp", Word::rsrc1, 21, 1, gfx9 | gfx90a | gfx10 | gfx11},
    {"ieee_mode", Word::rsrc1, 23, 1, gfx9 | gfx90a | gfx10 | gfx11},
    {"round_robin_scheduling", Word::rsrc1, 21, 1, gfx12},
    {"fp16_overflow", Word::rsrc1, 26, 1, all},
    {"workgroup_processor_mode", Word::rsrc1, 29, 1, gfx10 | gfx11 | gfx12},
    {"memory_ordered", Word::rsrc1, 30, 1, gfx10 | gfx11 | gfx12},
    {"forward_progress", Word::rsrc1, 31, 1, gfx10 | gfx11 | gfx12},
    {"system_sgpr_workgroup_id_x", Word::rsrc2, 7, 1, all},
    {"system_sgpr_workgroup_id_y", Word::rsrc2, 8, 1, all},
    {"system_sgpr_workgroup_id_z", Word::rsrc2, 9, 1, all},
    {"system_sgpr_workgroup_info", Word::rsrc2, 10, 1, all},
    {"system_vgpr_workitem_id", Word::rsrc2, 11, 2, all},
    {"tg_split", Word::rsrc3, 16, 1, gfx90a},
    {"user_sgpr_dispatch_ptr", Word::properties, 1, 1, all},
    {"user_sgpr_queue_ptr", Word::properties, 2, 1, all},
    {"user_sgpr_kernarg_segment_ptr", Word::properties, 3, 1, all},
    {"user_sgpr_dispatch_id", Word::properties, 4, 1, all},
    {"user_sgpr_private_segment_size", Word::properties, 6, 1, all},
    {"wavefront_size32", Word::properties, 10, 1, gfx10 | gfx11 | gfx12},
    {"uses_dynamic_stack", Word::properties, 11, 1, all},
};

// The family of a target, from its name: "gfx90a", "gfx10-3-generic".
uint8_t chips_of(std::string_view target) {
  if (target == "gfx90a" || target == "gfx942") return gfx90a;
  if (target.starts_with("gfx10")) return gfx10;
  if (target.starts_with("gfx11")) return gfx11;
  return target.starts_with("gfx12") ? gfx12 : gfx9;
}

uint32_t word_of(const KernelDescriptor& d, Word word) {
  switch (word) {
    case Word::rsrc1: return d.rsrc1;
    case Word::rsrc2: return d.rsrc2;
    case Word::rsrc3: return d.rsrc3;
    case Word::properties: break;
  }
  return d.properties;
}

// Registers are allocated in granules; LLVM's disassembler prints the end of the
// allocation. AMDGPUUsage, GRANULATED_WORKITEM_VGPR_COUNT and ACCUM_OFFSET.
void print_registers(const KernelDescriptor& d, uint8_t chips, Text* text) {
  const uint32_t blocks = (d.rsrc1 & 0x3f) + 1;
  const bool wide = chips == gfx90a || (chips >= gfx10 && (d.properties & enable_wave32) != 0);
  text->print("\"next_free_vgpr\": %u", blocks * (wide ? 8 : 4));
  if (chips == gfx90a) text->print(", \"accum_offset\": %u", ((d.rsrc3 & 0x3f) + 1) * 4);
  // LLVM counts blocks of 8 here, the allocation goes by 16.
  if (chips < gfx10) text->print(", \"next_free_sgpr\": %u", ((d.rsrc1 >> 6 & 0xf) + 1) * 8);
}

void print_descriptor(const CodeObject& object, const KernelDescriptor& d, Text* text) {
  const uint8_t chips = chips_of(object.target);
  text->print("   \"rsrc1\": %u, \"rsrc2\": %u, \"rsrc3\": %u, \"properties\": %u,\n", d.rsrc1,
              d.rsrc2, d.rsrc3, d.properties);
  text->print("   \"directives\": {\"group_segment_fixed_size\": %u, "
              "\"private_segment_fixed_size\": %u, \"kernarg_size\": %u,\n    ",
              d.group_segment_bytes, d.private_segment_bytes, d.kernarg_bytes);
  print_registers(d, chips, text);
  for (const FieldRow& row : fields) {
    if ((row.chips & chips) == 0) continue;
    const uint32_t value = word_of(d, row.word) >> row.bit & ((1u << row.width) - 1);
    text->print(", \"%s\": %u", row.directive, value);
  }
  text->print("},\n");
}

void print_metadata(const KernelMetadata& m, Text* text) {
  text->print("   \"metadata\": {\"kernarg_segment_size\": %u, \"kernarg_segment_align\": %u, "
              "\"group_segment_fixed_size\": %u, \"private_segment_fixed_size\": %u, "
              "\"wavefront_size\": %u, \"sgpr_count\": %u, \"vgpr_count\": %u, "
              "\"agpr_count\": %u, \"sgpr_spill_count\": %u, \"vgpr_spill_count\": %u, "
              "\"max_flat_workgroup_size\": %u, \"reqd_workgroup_size\": [%u, %u, %u], "
              "\"args\": %u}}",
              m.kernarg_bytes, m.kernarg_alignment, m.group_segment_bytes,
              m.private_segment_bytes, m.wavefront_size, m.sgpr_count, m.vgpr_count,
              m.agpr_count, m.sgpr_spill_count, m.vgpr_spill_count, m.max_flat_workgroup_size,
              m.workgroup[0], m.workgroup[1], m.workgroup[2], m.argument_count);
}

using ull = unsigned long long;

void print_object(const CodeObject& object, Text* text) {
  text->print("{\n \"target\": \"%s\", \"flags\": %u, \"version\": %u,\n", object.target,
              object.flags, object.version);
  text->print(" \"image_bytes\": %llu, \"relocations\": %llu,\n \"segments\": [",
              static_cast<ull>(object.image_bytes),
              static_cast<ull>(object.relocations.size() / 24));
  for (uint32_t i = 0; i < object.segment_count; ++i) {
    const CodeSegment& s = object.segments[i];
    text->print("%s{\"offset\": %llu, \"file_bytes\": %llu, \"address\": %llu, "
                "\"memory_bytes\": %llu, \"flags\": \"R%s%s\"}",
                i == 0 ? "\n  " : ",\n  ", static_cast<ull>(s.offset),
                static_cast<ull>(s.file_bytes), static_cast<ull>(s.address),
                static_cast<ull>(s.memory_bytes), s.writable ? "W" : "", s.executable ? "E" : "");
  }
  text->print("],\n \"kernels\": [");
}

}  // namespace

bool list_code_object(const CodeObject& object, char* buffer, uint64_t capacity,
                      uint64_t* out_length, Reason* why) {
  Text text(buffer, capacity);
  print_object(object, &text);
  for (uint32_t i = 0; i < object.kernel_count; ++i) {
    CodeKernel kernel;
    if (!read_kernel(object, i, &kernel, why)) return false;
    text.print("%s{\"name\": \"", i == 0 ? "\n  " : ",\n  ");
    print_name(kernel.name, &text);
    text.print("\", \"descriptor\": %llu, \"entry\": %llu, \"code_bytes\": %llu,\n",
               static_cast<ull>(kernel.descriptor_address), static_cast<ull>(kernel.entry_address),
               static_cast<ull>(kernel.code_bytes));
    print_descriptor(object, kernel.descriptor, &text);
    print_metadata(kernel.metadata, &text);
  }
  text.print("]\n}\n");
  *out_length = text.length();
  return true;
}

}  // namespace sporkle::amdgpu
