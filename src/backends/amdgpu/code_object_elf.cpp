// Headers, segments, dynamic table and notes of a code object.
#include "backends/amdgpu/code_object_bytes.h"
#include "backends/amdgpu/code_object_targets.h"

namespace sporkle::amdgpu {

namespace {

// LLVM, AMDGPUUsage, "AMDGPU ELF Header Enumeration Values".
constexpr unsigned char osabi_amdgpu_hsa = 64;
constexpr unsigned char abi_version_5 = 3, abi_version_6 = 4;
constexpr uint32_t flag_mach = 0xff, flag_xnack = 0x300, flag_sramecc = 0xc00;
constexpr uint32_t xnack_any = 0x100, sramecc_any = 0x400;
constexpr uint32_t flag_generic_version = 0xff000000, generic_version_1 = 1u << 24;

const char* ident_fault(const unsigned char* ident) {
  if (std::memcmp(ident, ELFMAG, SELFMAG) != 0) return "not an ELF file";
  if (ident[EI_CLASS] != ELFCLASS64) return "not a 64-bit ELF file";
  if (ident[EI_DATA] != ELFDATA2LSB) return "not little-endian";
  if (ident[EI_VERSION] != EV_CURRENT) return "unknown ELF version";
  if (ident[EI_OSABI] != osabi_amdgpu_hsa) return "its OS ABI is not AMDGPU-HSA";
  if (ident[EI_ABIVERSION] != abi_version_5 && ident[EI_ABIVERSION] != abi_version_6) {
    return "not code object version 5 or 6";
  }
  for (int i = EI_PAD; i < EI_NIDENT; ++i) {
    if (ident[i] != 0) return "reserved bytes of e_ident are not 0";
  }
  return nullptr;
}

// Sections are for tools; only their place in the file is checked.
const char* section_fault(const Elf64_Ehdr& header, uint64_t size) {
  if (header.e_shnum == 0) {
    return header.e_shoff == 0 && header.e_shstrndx == 0 ? nullptr : "sections without headers";
  }
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return "e_shentsize is not 64";
  if (!within(header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr), size)) {
    return "the section headers lie outside the file";
  }
  return header.e_shstrndx < header.e_shnum ? nullptr : "e_shstrndx is no section";
}

const char* header_fault(const Elf64_Ehdr& header, uint64_t size) {
  if (header.e_type != ET_DYN) return "not a shared object";
  if (header.e_machine != EM_AMDGPU) return "not for AMD GPUs (e_machine)";
  if (header.e_version != EV_CURRENT) return "unknown e_version";
  if (header.e_entry != 0) return "e_entry is not 0";
  if (header.e_ehsize != sizeof(Elf64_Ehdr)) return "e_ehsize is not 64";
  if (header.e_phentsize != sizeof(Elf64_Phdr)) return "e_phentsize is not 56";
  if (header.e_phnum == 0 || header.e_phnum > 32) return "no or too many program headers";
  if (!within(header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr), size)) {
    return "the program headers lie outside the file";
  }
  return section_fault(header, size);
}

// Code that works with xnack and sramecc on or off is all that is taken: what the
// device is set to is not known here.
const char* read_flags(const Elf64_Ehdr& header, CodeObject* out) {
  const CodeTarget* target = find_code_target(header.e_flags & flag_mach);
  if (target == nullptr) return "an unknown processor (e_flags)";
  const uint32_t xnack = header.e_flags & flag_xnack, sramecc = header.e_flags & flag_sramecc;
  if (xnack > xnack_any || sramecc > sramecc_any) {
    return "compiled for one setting of xnack or sramecc only";
  }
  const uint32_t generic = target->processor == 0 ? generic_version_1 : 0;
  if ((header.e_flags & flag_generic_version) != generic) return "an unknown generic version";
  if ((header.e_flags & ~(flag_mach | flag_xnack | flag_sramecc | flag_generic_version)) != 0) {
    return "unknown e_flags";
  }
  out->version = header.e_ident[EI_ABIVERSION] == abi_version_6 ? 6 : 5;
  if (generic != 0 && out->version != 6) return "a generic target before code object version 6";
  out->target = target->name;
  out->machine = target->machine;
  out->flags = header.e_flags;
  return nullptr;
}

const char* segment_fault(const Elf64_Phdr& header, const CodeObject& object) {
  if (header.p_align < CodeObject::page || (header.p_align & (header.p_align - 1)) != 0) {
    return "a segment's alignment is no power of two from 4096";
  }
  if (header.p_offset % header.p_align != header.p_vaddr % header.p_align) {
    return "a segment's offset and address do not agree";
  }
  if (header.p_paddr != header.p_vaddr) return "a segment's p_paddr is not its p_vaddr";
  if (header.p_filesz > header.p_memsz) return "a segment is larger in the file than in memory";
  if (!within(header.p_offset, header.p_filesz, object.bytes.size())) {
    return "a segment lies outside the file";
  }
  if (!within(header.p_vaddr, header.p_memsz, CodeObject::most_image_bytes)) {
    return "a segment lies beyond 64 MiB";
  }
  if ((header.p_flags & PF_R) == 0 || (header.p_flags & ~(PF_R | PF_W | PF_X)) != 0 ||
      (header.p_flags & (PF_W | PF_X)) == (PF_W | PF_X)) {
    return "a segment is not readable, or both writable and executable";
  }
  if (object.segment_count == CodeObject::most_segments) return "too many segments";
  return nullptr;
}

const char* add_segment(const Elf64_Phdr& header, CodeObject* out) {
  if (const char* fault = segment_fault(header, *out)) return fault;
  const bool executable = (header.p_flags & PF_X) != 0;
  const uint64_t first_page = header.p_vaddr / CodeObject::page * CodeObject::page;
  if (first_page < out->image_bytes) return "segments overlap or are out of order";
  if (executable && out->code_bytes != 0) return "more than one executable segment";
  if (executable && header.p_filesz != header.p_memsz) return "code that is not in the file";
  if (executable) {
    out->code_address = header.p_vaddr;
    out->code_bytes = header.p_memsz;
  }
  out->segments[out->segment_count++] = {header.p_offset, header.p_filesz, header.p_vaddr,
                                         header.p_memsz, (header.p_flags & PF_W) != 0, executable};
  const uint64_t end = header.p_vaddr + header.p_memsz;
  out->image_bytes = (end + CodeObject::page - 1) / CodeObject::page * CodeObject::page;
  return nullptr;
}

// The values of DT_ tags below DT_NUM that are used.
struct Dynamic {
  uint64_t symtab, syment, strtab, strsz, hash, rela, relasz, relaent;
};

const char* take_dynamic(const Elf64_Dyn& entry, Dynamic* out) {
  const uint64_t value = entry.d_un.d_val;
  switch (entry.d_tag) {
    case DT_SYMTAB: out->symtab = value; break;
    case DT_SYMENT: out->syment = value; break;
    case DT_STRTAB: out->strtab = value; break;
    case DT_STRSZ: out->strsz = value; break;
    case DT_HASH: out->hash = value; break;
    case DT_RELA: out->rela = value; break;
    case DT_RELASZ: out->relasz = value; break;
    case DT_RELAENT: out->relaent = value; break;
    case DT_GNU_HASH:
    case DT_RELACOUNT: break;
    default: return "a dynamic tag that is not supported";
  }
  return nullptr;
}

const char* read_dynamic(Bytes table, Dynamic* out) {
  for (uint64_t at = 0; within(at, sizeof(Elf64_Dyn), table.size()); at += sizeof(Elf64_Dyn)) {
    const auto entry = load_at<Elf64_Dyn>(table, at);
    if (entry.d_tag == DT_NULL) return nullptr;
    if (const char* fault = take_dynamic(entry, out)) return fault;
  }
  return "the dynamic table does not end";
}

// The number of symbols is known from the hash table alone.
const char* read_symbols(const Dynamic& dynamic, CodeObject* out) {
  Bytes hash;
  if (dynamic.syment != sizeof(Elf64_Sym)) return "DT_SYMENT is not 24";
  if (!file_range(*out, dynamic.hash, 8, &hash)) return "DT_HASH lies outside the segments";
  const uint64_t count = load_at<uint32_t>(hash, 4);
  if (!file_range(*out, dynamic.symtab, count * sizeof(Elf64_Sym), &out->symbols)) {
    return "the symbol table lies outside the segments";
  }
  if (!file_range(*out, dynamic.strtab, dynamic.strsz, &out->strings) || out->strings.empty() ||
      out->strings.back() != 0) {
    return "the string table lies outside the segments or does not end";
  }
  if (dynamic.relasz == 0) return dynamic.rela == 0 ? nullptr : "DT_RELA without DT_RELASZ";
  if (dynamic.relaent != sizeof(Elf64_Rela) || dynamic.relasz % sizeof(Elf64_Rela) != 0) {
    return "DT_RELAENT is not 24, or DT_RELASZ no multiple of it";
  }
  if (!file_range(*out, dynamic.rela, dynamic.relasz, &out->relocations)) {
    return "the relocations lie outside the segments";
  }
  return nullptr;
}

// LLVM, AMDGPUUsage, "Note Records": owner AMDGPU, type NT_AMDGPU_METADATA.
const char* read_notes(Bytes notes, CodeObject* out) {
  constexpr uint32_t metadata_type = 32;
  uint64_t at = 0;
  while (within(at, sizeof(Elf64_Nhdr), notes.size())) {
    const auto note = load_at<Elf64_Nhdr>(notes, at);
    const uint64_t name = at + sizeof note;
    const uint64_t text = name + (uint64_t{note.n_namesz} + 3) / 4 * 4;
    if (!within(text, note.n_descsz, notes.size())) return "a note is cut off";
    if (note.n_type == metadata_type && note.n_namesz == 7 &&
        std::memcmp(notes.data() + name, "AMDGPU", 7) == 0) {
      if (!out->metadata.empty()) return "metadata twice";
      out->metadata = notes.subspan(text, note.n_descsz);
    }
    at = text + (uint64_t{note.n_descsz} + 3) / 4 * 4;
  }
  return out->metadata.empty() ? "no metadata note" : nullptr;
}

const char* read_segments(const Elf64_Ehdr& header, Elf64_Phdr* dynamic, Elf64_Phdr* note,
                          CodeObject* out) {
  for (uint32_t i = 0; i < header.e_phnum; ++i) {
    const auto program =
        load_at<Elf64_Phdr>(out->bytes, header.e_phoff + uint64_t{i} * sizeof(Elf64_Phdr));
    const char* fault = nullptr;
    switch (program.p_type) {
      case PT_LOAD: fault = add_segment(program, out); break;
      case PT_DYNAMIC: *dynamic = program; break;
      case PT_NOTE: *note = program; break;
      case PT_PHDR:
      case PT_GNU_STACK:
      case PT_GNU_RELRO: break;
      default: fault = "a program header type that is not supported";
    }
    if (fault != nullptr) return fault;
  }
  return out->code_bytes != 0 ? nullptr : "no executable segment";
}

const char* read_all(CodeObject* out) {
  if (out->bytes.size() < sizeof(Elf64_Ehdr)) return "shorter than an ELF header";
  const auto header = load_at<Elf64_Ehdr>(out->bytes, 0);
  Elf64_Phdr dynamic_header{}, note_header{};
  Dynamic dynamic{};
  Bytes table, notes;
  const char* fault = ident_fault(header.e_ident);
  if (fault == nullptr) fault = header_fault(header, out->bytes.size());
  if (fault == nullptr) fault = read_flags(header, out);
  if (fault == nullptr) fault = read_segments(header, &dynamic_header, &note_header, out);
  if (fault != nullptr) return fault;
  if (!file_range(*out, dynamic_header.p_vaddr, dynamic_header.p_filesz, &table)) {
    return "the dynamic table lies outside the segments";
  }
  if (!within(note_header.p_offset, note_header.p_filesz, out->bytes.size())) {
    return "the notes lie outside the file";
  }
  notes = out->bytes.subspan(note_header.p_offset, note_header.p_filesz);
  fault = read_dynamic(table, &dynamic);
  if (fault == nullptr) fault = read_symbols(dynamic, out);
  if (fault == nullptr) fault = read_notes(notes, out);
  return fault;
}

}  // namespace

bool read_code_object(Bytes bytes, CodeObject* out, Reason* why) {
  *out = {};
  out->bytes = bytes;
  if (const char* fault = read_all(out)) return refuse(why, fault);
  const uint64_t count = out->symbols.size() / sizeof(Elf64_Sym);
  for (uint64_t i = 0; i < count; ++i) {
    const Elf64_Sym symbol = symbol_at(*out, i);
    if (string_at(*out, symbol.st_name) == nullptr) {
      return refuse(why, "a symbol's name lies outside the string table");
    }
    if (!descriptor_name(*out, symbol).empty()) ++out->kernel_count;
  }
  return out->kernel_count != 0 || refuse(why, "no kernel in it");
}

bool runs_on(const CodeObject& object, uint32_t processor) {
  const CodeTarget* target = find_code_target(object.machine);
  return target != nullptr && covers(*target, processor);
}

bool file_range(const CodeObject& object, uint64_t address, uint64_t size, Bytes* out) {
  for (uint32_t i = 0; i < object.segment_count; ++i) {
    const CodeSegment& segment = object.segments[i];
    if (address < segment.address) continue;
    if (!within(address - segment.address, size, segment.file_bytes)) continue;
    *out = object.bytes.subspan(segment.offset + (address - segment.address), size);
    return true;
  }
  return false;
}

const char* string_at(const CodeObject& object, uint32_t offset) {
  if (offset >= object.strings.size()) return nullptr;
  return reinterpret_cast<const char*>(object.strings.data()) + offset;
}

std::string_view descriptor_name(const CodeObject& object, const Elf64_Sym& symbol) {
  const char* text = string_at(object, symbol.st_name);
  if (text == nullptr || ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT) return {};
  const std::string_view name = text;
  if (name.size() <= 3 || !name.ends_with(".kd")) return {};
  return name.substr(0, name.size() - 3);
}

}  // namespace sporkle::amdgpu
