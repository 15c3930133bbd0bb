// The code object reader: what the library carries is read and placed; damaged,
// foreign and unsupported objects are refused, each for its reason.
#include <elf.h>

#include "support/test.h"
// After the standard headers: the shim's structs use their types.
#include "code_object_shim.h"

#define ADDRESS UINT64_C(0x7f1000000000)
#define KERNARG 136

enum { MOST_BYTES = 64 * 1024, GFX1100 = 0x1100 };

static unsigned char original[MOST_BYTES], damaged[MOST_BYTES];
static uint64_t object_size;

static void load_original(void) {
  const char *target = NULL;
  for (uint32_t i = 0;; ++i) {
    const unsigned char *bytes = code_embedded(i, &object_size, &target);
    if (!bytes) fail_msg("no object for gfx1100");
    if (strcmp(target, "gfx1100") != 0) continue;
    assert_true(object_size <= MOST_BYTES);
    memcpy(original, bytes, object_size);
    return;
  }
}

static void restore(void) { memcpy(damaged, original, object_size); }

static void put(uint64_t offset, uint32_t bytes, uint64_t value) {
  memcpy(damaged + offset, &value, bytes);
}

static uint64_t get(uint64_t offset, uint32_t bytes) {
  uint64_t value = 0;
  memcpy(&value, damaged + offset, bytes);
  return value;
}

static bool refused(const unsigned char *bytes, uint64_t size) {
  code_summary summary;
  code_kernel kernel;
  if (!code_read(bytes, size, &summary)) return true;
  for (uint32_t i = 0; i < summary.kernel_count; ++i) {
    if (!code_kernel_at(bytes, size, i, &kernel)) return true;
  }
  return false;
}

static void expect_reason(const char *what, const char *reason) {
  if (!strstr(code_reason(), reason)) {
    fail_msg("%s: \"%s\" does not say \"%s\"", what, code_reason(), reason);
  }
}

static void expect_refused_because(const char *what, const char *reason) {
  if (!refused(damaged, object_size)) fail_msg("%s: accepted", what);
  expect_reason(what, reason);
}

typedef struct Field {
  const char *name;
  uint32_t offset, bytes;
  uint64_t value;
  const char *reason;
} Field;

static void damage_each(const Field *fields, size_t count, uint64_t base, int64_t *checked) {
  for (size_t i = 0; i < count; ++i) {
    restore();
    assert_true(get(base + fields[i].offset, fields[i].bytes) != fields[i].value);
    put(base + fields[i].offset, fields[i].bytes, fields[i].value);
    expect_refused_because(fields[i].name, fields[i].reason);
    ++*checked;
  }
}

static uint64_t program_header(uint32_t type, uint32_t flags) {
  restore();
  for (uint64_t i = 0; i < get(offsetof(Elf64_Ehdr, e_phnum), 2); ++i) {
    const uint64_t at = sizeof(Elf64_Ehdr) + i * sizeof(Elf64_Phdr);
    if (get(at, 4) == type && (get(at + 4, 4) & flags) == flags) return at;
  }
  fail_msg("no program header of type %u", type);
  return 0;
}

/* File offset of entry `tag` of the dynamic table. */
static uint64_t dynamic_entry(int64_t tag) {
  const uint64_t start = get(program_header(PT_DYNAMIC, 0) + 8, 8);
  for (uint64_t at = start;; at += 16) {
    if ((int64_t)get(at, 8) == tag) return at;
    if (get(at, 8) == DT_NULL) fail_msg("no dynamic entry %d", (int)tag);
  }
}

static uint64_t find_text(const char *text) {
  const uint64_t length = strlen(text);
  for (uint64_t i = 0; i + length <= object_size; ++i) {
    if (memcmp(original + i, text, length) == 0) return i;
  }
  fail_msg("no \"%s\"", text);
  return 0;
}

#define EHDR(field) offsetof(Elf64_Ehdr, field), sizeof(((Elf64_Ehdr *)0)->field)
#define PHDR(field) offsetof(Elf64_Phdr, field), sizeof(((Elf64_Phdr *)0)->field)

static void embedded_objects_are_read_and_placed(void **state) {
  (void)state;
  uint64_t size = 0;
  const char *target = NULL;
  uint32_t count = 0;
  for (const unsigned char *bytes; (bytes = code_embedded(count, &size, &target)); ++count) {
    code_summary summary;
    if (!code_read(bytes, size, &summary)) fail_msg("%s: %s", target, code_reason());
    assert_string_equal(summary.target, target);
    assert_int_equal(summary.version, strstr(target, "generic") ? 6 : 5);
    assert_int_equal(summary.kernel_count, 4);
    assert_int_equal(summary.image_bytes % 4096, 0);
    unsigned char *memory = malloc(summary.image_bytes);
    if (!code_place(bytes, size, ADDRESS, memory, summary.image_bytes)) {
      fail_msg("%s: %s", target, code_reason());
    }
    /* The code lies where the entry will be looked for. */
    for (uint32_t i = 0; i < summary.kernel_count; ++i) {
      code_kernel kernel;
      if (!code_kernel_at(bytes, size, i, &kernel)) fail_msg("%s: %s", target, code_reason());
      assert_int_equal(kernel.kernarg_bytes, KERNARG);
      assert_int_equal(kernel.arguments, 6);
      assert_int_equal(kernel.scratch_bytes, 0);
      assert_int_equal(kernel.spills, 0);
      assert_int_equal(kernel.wave_size, strncmp(target, "gfx9", 4) == 0 ? 64 : 32);
      uint32_t first;
      memcpy(&first, memory + kernel.entry_address, 4);
      assert_true(first != 0);
    }
    free(memory);
  }
  assert_true(count >= 2);
  printf("checked: %u code objects of 4 kernels, no scratch, no spills, no hidden arguments\n",
         count);
}

static void generic_objects_serve_their_family(void **state) {
  (void)state;
  assert_string_equal(code_embedded_for(0x1100), "gfx1100");
  assert_string_equal(code_embedded_for(0x1030), "gfx1030");
  assert_null(code_embedded_for(0x1010));
  expect_reason("gfx1010", "no machine code");
  uint64_t size = 0;
  const char *target = NULL;
  if (code_embedded(2, &size, &target)) {
    assert_string_equal(code_embedded_for(0x1201), "gfx1201");
    assert_string_equal(code_embedded_for(0x1102), "gfx11-generic");
    assert_string_equal(code_embedded_for(0x1036), "gfx10-3-generic");
    assert_string_equal(code_embedded_for(0x906), "gfx9-generic");
    assert_string_equal(code_embedded_for(0x1200), "gfx12-generic");
    assert_null(code_embedded_for(0x908));
  }
}

static void each_header_field_is_checked(void **state) {
  (void)state;
  static const Field elf[] = {
      {"EI_MAG0", 0, 1, 0, "not an ELF"}, {"EI_MAG1", 1, 1, 'e', "not an ELF"},
      {"EI_MAG2", 2, 1, 'l', "not an ELF"}, {"EI_MAG3", 3, 1, 'f', "not an ELF"},
      {"EI_CLASS", 4, 1, ELFCLASS32, "64-bit"}, {"EI_DATA", 5, 1, ELFDATA2MSB, "little-endian"},
      {"EI_VERSION", 6, 1, 2, "ELF version"}, {"EI_OSABI", 7, 1, 65, "OS ABI"},
      {"EI_ABIVERSION", 8, 1, 2, "version 5 or 6"}, {"EI_PAD", 9, 1, 1, "reserved"},
      {"EI_PAD end", 15, 1, 1, "reserved"}, {"e_type", EHDR(e_type), ET_REL, "shared object"},
      {"e_machine", EHDR(e_machine), EM_X86_64, "e_machine"},
      {"e_version", EHDR(e_version), 2, "e_version"}, {"e_entry", EHDR(e_entry), 256, "e_entry"},
      {"e_phoff", EHDR(e_phoff), UINT64_MAX, "program headers"},
      {"e_phoff end", EHDR(e_phoff), MOST_BYTES, "program headers"},
      {"e_shoff", EHDR(e_shoff), UINT64_MAX - 8, "section headers"},
      {"e_flags chip", EHDR(e_flags), 0x42, "unknown processor"},
      {"e_flags xnack", EHDR(e_flags), 0x241, "one setting"},
      {"e_flags sramecc", EHDR(e_flags), 0xc41, "one setting"},
      {"e_flags generic", EHDR(e_flags), 0x01000041, "generic version"},
      {"e_flags no generic", EHDR(e_flags), 0x54, "generic version"},
      {"e_flags generic in 5", EHDR(e_flags), 0x01000054, "before code object version 6"},
      {"e_flags other", EHDR(e_flags), 0x1041, "unknown e_flags"},
      {"e_ehsize", EHDR(e_ehsize), 52, "e_ehsize"},
      {"e_phentsize", EHDR(e_phentsize), 32, "e_phentsize"},
      {"e_phnum none", EHDR(e_phnum), 0, "too many program headers"},
      {"e_phnum", EHDR(e_phnum), 0xffff, "too many program headers"},
      {"e_phnum few", EHDR(e_phnum), 1, "no executable segment"},
      {"e_shentsize", EHDR(e_shentsize), 40, "e_shentsize"},
      {"e_shnum", EHDR(e_shnum), 0xffff, "section headers"},
      {"e_shnum none", EHDR(e_shnum), 0, "sections without headers"},
      {"e_shstrndx", EHDR(e_shstrndx), 0xfff, "e_shstrndx"}};
  static const Field code[] = {
      {"p_type", PHDR(p_type), PT_TLS, "program header type"},
      {"p_type note", PHDR(p_type), PT_NOTE, "no executable segment"},
      {"p_flags", PHDR(p_flags), PF_R | PF_W | PF_X, "both writable and executable"},
      {"p_flags unreadable", PHDR(p_flags), PF_X, "not readable"},
      {"p_flags unknown", PHDR(p_flags), 0x10000005, "not readable"},
      {"p_offset misaligned", PHDR(p_offset), 0x1901, "do not agree"},
      {"p_vaddr misaligned", PHDR(p_vaddr), UINT64_MAX, "do not agree"},
      {"p_paddr", PHDR(p_paddr), 0, "p_paddr"},
      {"p_filesz", PHDR(p_filesz), UINT64_MAX, "larger in the file"},
      {"p_filesz small", PHDR(p_filesz), 256, "not in the file"},
      {"p_memsz", PHDR(p_memsz), UINT64_MAX, "beyond 64 MiB"},
      {"p_memsz small", PHDR(p_memsz), 256, "larger in the file"},
      {"p_align", PHDR(p_align), 0, "power of two"},
      {"p_align 24", PHDR(p_align), 0x3000, "power of two"}};
  static const Field data[] = {
      {"two codes", PHDR(p_flags), PF_R | PF_X, "more than one executable"},
      {"p_filesz data", PHDR(p_filesz), 0x8000000, "larger in the file"}};
  static const Field dynamic[] = {
      {"PT_DYNAMIC p_vaddr", PHDR(p_vaddr), UINT64_MAX, "dynamic table lies outside"},
      {"PT_DYNAMIC p_filesz", PHDR(p_filesz), UINT64_MAX, "dynamic table lies outside"},
      {"PT_DYNAMIC short", PHDR(p_filesz), 32, "does not end"},
      {"PT_DYNAMIC gone", PHDR(p_type), PT_PHDR, "does not end"}};
  static const Field notes[] = {
      {"PT_NOTE p_offset", PHDR(p_offset), UINT64_MAX, "notes lie outside"},
      {"PT_NOTE p_filesz", PHDR(p_filesz), UINT64_MAX, "notes lie outside"},
      {"PT_NOTE gone", PHDR(p_type), PT_PHDR, "no metadata note"},
      {"PT_NOTE cut", PHDR(p_filesz), 64, "cut off"}};
  int64_t checked = 0;
  damage_each(elf, COUNT_OF(elf), 0, &checked);
  damage_each(code, COUNT_OF(code), program_header(PT_LOAD, PF_X), &checked);
  damage_each(data, COUNT_OF(data), program_header(PT_LOAD, PF_W), &checked);
  damage_each(dynamic, COUNT_OF(dynamic), program_header(PT_DYNAMIC, 0), &checked);
  damage_each(notes, COUNT_OF(notes), program_header(PT_NOTE, 0), &checked);
  printf("checked: %lld damaged header fields refused for their reasons\n", (long long)checked);
}

static void segments_elsewhere_are_refused(void **state) {
  (void)state;
  const uint64_t at = program_header(PT_LOAD, PF_X);
  const uint64_t in_page = get(at + offsetof(Elf64_Phdr, p_vaddr), 8) % 4096;
  const uint64_t last_page = UINT64_MAX - 4095;
  put(at + offsetof(Elf64_Phdr, p_vaddr), 8, in_page);
  expect_refused_because("p_vaddr", "p_paddr");
  put(at + offsetof(Elf64_Phdr, p_paddr), 8, in_page);
  expect_refused_because("p_vaddr", "overlap");
  put(at + offsetof(Elf64_Phdr, p_vaddr), 8, last_page + in_page);
  put(at + offsetof(Elf64_Phdr, p_paddr), 8, last_page + in_page);
  expect_refused_because("p_vaddr", "beyond 64 MiB");
  restore();
  put(at + offsetof(Elf64_Phdr, p_offset), 8, last_page + in_page);
  expect_refused_because("p_offset", "outside the file");
}

static void tables_are_checked(void **state) {
  (void)state;
  static const struct { int64_t tag; uint64_t value; const char *reason; } bad[] = {
      {DT_SYMTAB, UINT64_MAX, "symbol table lies outside"}, {DT_SYMENT, 16, "DT_SYMENT"},
      {DT_STRTAB, UINT64_MAX, "string table"}, {DT_STRSZ, UINT64_MAX, "string table"},
      {DT_STRSZ, 0, "string table"}, {DT_STRSZ, 20, "string table"},
      {DT_HASH, UINT64_MAX - 4, "DT_HASH"}, {DT_HASH, 0, "kernel"}};
  for (size_t i = 0; i < COUNT_OF(bad); ++i) {
    const uint64_t at = dynamic_entry(bad[i].tag);
    restore();
    put(at + 8, 8, bad[i].value);
    assert_true(refused(damaged, object_size));
    if (bad[i].value != 0 || bad[i].tag != DT_HASH) expect_reason("dynamic", bad[i].reason);
  }
  static const int64_t foreign[] = {DT_NEEDED, DT_INIT, DT_TEXTREL, DT_JMPREL, -1};
  for (size_t i = 0; i < COUNT_OF(foreign); ++i) {
    const uint64_t at = dynamic_entry(DT_GNU_HASH);
    restore();
    put(at, 8, (uint64_t)foreign[i]);
    expect_refused_because("dynamic tag", "not supported");
  }
  const uint64_t at = dynamic_entry(DT_GNU_HASH);
  restore();
  put(at, 8, DT_RELA);
  expect_refused_because("DT_RELA", "without DT_RELASZ");
}

/* Offsets of the descriptor of the first kernel, in the file: it lies in the first segment. */
static uint64_t first_descriptor(void) {
  code_kernel kernel;
  assert_true(code_kernel_at(original, object_size, 0, &kernel));
  return kernel.descriptor_address;
}

static void descriptors_are_checked(void **state) {
  (void)state;
  static const Field fields[] = {
      {"group", 0, 4, 4, "disagree on LDS"}, {"private", 4, 4, 16, "disagree on scratch"},
      {"kernarg", 8, 4, 128, "disagree on the size"}, {"reserved 12", 12, 4, 1, "reserved bits"},
      {"entry", 16, 8, 0, "outside the code"}, {"entry far", 16, 8, INT64_MAX, "outside the code"},
      {"entry before", 16, 8, (uint64_t)INT64_MIN, "outside the code"},
      {"reserved 24", 24, 8, 1, "reserved bits"}, {"reserved 40", 40, 4, 1, "reserved bits"},
      {"properties wave", 56, 2, 0x8, "wave size"},
      {"properties reserved", 56, 2, 0x8408, "reserved bits"},
      {"reserved 60", 60, 4, 1, "reserved bits"}};
  int64_t checked = 0;
  const uint64_t at = first_descriptor();
  damage_each(fields, COUNT_OF(fields), at, &checked);
  restore();
  put(at + 16, 8, get(at + 16, 8) + 4);
  expect_refused_because("entry", "not aligned to 256");
  restore();
  put(at + 16, 8, get(at + 16, 8) + 256);
  expect_refused_because("entry", "no function symbol");
}

static void symbols_are_checked(void **state) {
  (void)state;
  restore();
  const uint64_t table = get(dynamic_entry(DT_SYMTAB) + 8, 8);
  const uint64_t count = get(get(dynamic_entry(DT_HASH) + 8, 8) + 4, 4);
  for (uint64_t i = 1; i < count; ++i) {
    const uint64_t at = table + i * sizeof(Elf64_Sym);
    const uint64_t places[][2] = {{0, 4}, {8, 8}, {16, 8}};  // name, value, size
    for (size_t p = 0; p < COUNT_OF(places); ++p) {
      restore();
      put(at + places[p][0], (uint32_t)places[p][1], UINT64_MAX);
      if (!refused(damaged, object_size)) fail_msg("symbol %d, member %zu", (int)i, p);
    }
  }
}

static int make_damaged(uint32_t processor, uint64_t address, uint32_t kernarg) {
  pm4_kernel kernel;
  return code_make(damaged, object_size, "conv2d_1x1", processor, address, kernarg, &kernel);
}

static void expect_not_made(const char *reason) {
  if (make_damaged(GFX1100, ADDRESS, KERNARG)) fail_msg("made, not \"%s\"", reason);
  expect_reason("make", reason);
}

static void unsupported_kernels_are_refused(void **state) {
  (void)state;
  const uint64_t at = first_descriptor();
  restore();
  assert_true(make_damaged(GFX1100, ADDRESS, KERNARG));
  put(at + 4, 4, 16);
  put(find_text(".private_segment_fixed_size") + 27, 1, 16);
  expect_not_made("needs scratch memory");
  restore();
  put(at + 56, 2, 0xc08);
  expect_not_made("dynamic stack");
  restore();
  put(find_text(".uses_dynamic_stack") + 19, 1, 0xc3);
  expect_not_made("dynamic stack");
  restore();
  memcpy(damaged + find_text("global_buffer"), "hidden_buffer", 13);
  expect_not_made("hidden arguments");
  static const uint16_t pointers[] = {1 << 1, 1 << 2, 1 << 4, 1 << 5, 1 << 6};
  for (size_t i = 0; i < COUNT_OF(pointers); ++i) {
    restore();
    put(at + 56, 2, 0x408u | pointers[i]);
    expect_not_made("more in its user SGPRs");
  }
  restore();
  put(at + 58, 2, 4);
  expect_not_made("more in its user SGPRs");
  restore();
  put(at + 56, 2, 0x400);
  expect_not_made("takes no arguments");
  restore();
  put(at + 52, 4, get(at + 52, 4) & ~0x3eu);
  expect_not_made("number of user SGPRs");
}

static void use_is_checked(void **state) {
  (void)state;
  restore();
  assert_false(make_damaged(0x1101, ADDRESS, KERNARG));
  expect_reason("chip", "not code for gfx1101");
  assert_false(make_damaged(GFX1100, ADDRESS, KERNARG - 8));
  expect_reason("arguments", "arguments of another size");
  code_summary summary;
  assert_true(code_read(damaged, object_size, &summary));
  unsigned char *memory = malloc(summary.image_bytes);
  const uint64_t last = (UINT64_C(1) << 48) - summary.image_bytes;
  assert_true(make_damaged(GFX1100, last, KERNARG));
  assert_true(code_place(damaged, object_size, last, memory, summary.image_bytes));
  const uint64_t bad[] = {0, ADDRESS + 256, last + 4096, UINT64_C(1) << 48, UINT64_MAX - 4095};
  for (size_t i = 0; i < COUNT_OF(bad); ++i) {
    assert_false(make_damaged(GFX1100, bad[i], KERNARG));
    expect_reason("address", "no device address");
    assert_false(code_place(damaged, object_size, bad[i], memory, summary.image_bytes));
    expect_reason("address", "no device address");
  }
  assert_false(code_place(damaged, object_size, ADDRESS, memory, summary.image_bytes - 1));
  expect_reason("memory", "another size");
  pm4_kernel kernel;
  assert_false(code_make(damaged, object_size, "conv2d", GFX1100, ADDRESS, KERNARG, &kernel));
  expect_reason("name", "no kernel named conv2d");
  free(memory);
}

/* The object with `count` relocations put behind its dynamic table; the place of the first. */
static uint64_t add_relocations(uint64_t count) {
  const uint64_t data = program_header(PT_LOAD, PF_W);
  const uint64_t dynamic = program_header(PT_DYNAMIC, 0);
  const uint64_t start = get(dynamic + 8, 8), address = get(dynamic + 16, 8);
  const uint64_t end = dynamic_entry(DT_NULL), table = 0x100;
  restore();
  assert_true(end + 64 <= start + table);
  assert_true(start + 0x200 < get(offsetof(Elf64_Ehdr, e_shoff), 8));
  put(data + offsetof(Elf64_Phdr, p_filesz), 8, 0x200);
  put(dynamic + offsetof(Elf64_Phdr, p_filesz), 8, 0x200);
  const uint64_t entries[] = {DT_RELA, address + table, DT_RELASZ, 24 * count, DT_RELAENT, 24,
                              DT_NULL, 0};
  for (size_t i = 0; i < COUNT_OF(entries); ++i) put(end + 8 * i, 8, entries[i]);
  return start + table;
}

static void put_relocation(uint64_t at, uint64_t place, uint32_t symbol, uint32_t type,
                           uint64_t addend) {
  put(at, 8, place);
  put(at + 8, 8, (uint64_t)symbol << 32 | type);
  put(at + 16, 8, addend);
}

static void relocations_are_applied(void **state) {
  (void)state;
  const uint64_t at = add_relocations(2);
  const uint64_t place = get(program_header(PT_LOAD, PF_W) + 16, 8) + 0x300;
  add_relocations(2);
  put_relocation(at, place, 0, 13, 0x2800);
  put_relocation(at + 24, place + 8, 1, 3, 4);
  code_summary summary;
  code_kernel kernel;
  if (!code_read(damaged, object_size, &summary)) fail_msg("%s", code_reason());
  assert_int_equal(summary.relocation_count, 2);
  unsigned char *memory = malloc(summary.image_bytes);
  if (!code_place(damaged, object_size, ADDRESS, memory, summary.image_bytes)) {
    fail_msg("%s", code_reason());
  }
  assert_true(code_kernel_at(damaged, object_size, 0, &kernel));
  uint64_t values[2];
  memcpy(values, memory + place, sizeof values);
  assert_true(values[0] == ADDRESS + 0x2800);
  assert_true(values[1] == ADDRESS + kernel.entry_address + 4);

  const struct { uint64_t place; uint32_t symbol, type; uint64_t addend; const char *reason; }
      bad[] = {{place, 0, 0, 0, "other than"}, {place, 1, 1, 0, "other than"},
               {place, 1, 5, 0, "other than"}, {place, 0, 14, 0, "other than"},
               {0x2800, 0, 13, 0, "outside the data"}, {0, 0, 13, 0, "outside the data"},
               {UINT64_MAX - 3, 0, 13, 0, "outside the data"},
               {place, 1, 13, 0, "with a symbol"}, {place, 0, 3, 0, "against no symbol"},
               {place, 1000, 3, 0, "against no symbol"},
               {place, 0, 13, summary.image_bytes + 1, "points outside"},
               {place, 1, 3, (uint64_t)INT64_MIN, "points outside"}};
  for (size_t i = 0; i < COUNT_OF(bad); ++i) {
    put_relocation(at, bad[i].place, bad[i].symbol, bad[i].type, bad[i].addend);
    assert_false(code_place(damaged, object_size, ADDRESS, memory, summary.image_bytes));
    expect_reason("relocation", bad[i].reason);
  }
  free(memory);
}

/* A copy of exact size lets a sanitizer see a read beyond the end. */
static bool refused_copy(uint64_t size) {
  unsigned char *copy = malloc(size ? size : 1);
  memcpy(copy, damaged, size);
  const bool result = refused(copy, size);
  free(copy);
  return result;
}

static void truncated_objects_are_refused(void **state) {
  (void)state;
  restore();
  for (uint64_t size = 0; size < object_size; size += size < 8192 ? 1 : 61) {
    if (!refused_copy(size)) fail_msg("accepted %d of %d bytes", (int)size, (int)object_size);
  }
}

/* Whatever a byte is changed to, reading ends, and what is read stays in bounds. */
static void any_byte_may_change(void **state) {
  (void)state;
  int64_t accepted = 0, count = 0;
  for (uint64_t at = 0; at < object_size; at += at < 0x1800 || at > 0x6400 ? 1 : 97) {
    for (int value = 0; value < 2; ++value) {
      restore();
      damaged[at] ^= value ? 0xff : 1u << at % 8;
      accepted += !refused_copy(object_size);
      ++count;
    }
  }
  assert_true(accepted < count);
  printf("checked: %lld objects with one byte changed, %lld refused\n", (long long)count,
         (long long)(count - accepted));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(embedded_objects_are_read_and_placed),
      cmocka_unit_test(generic_objects_serve_their_family),
      cmocka_unit_test(each_header_field_is_checked),
      cmocka_unit_test(segments_elsewhere_are_refused),
      cmocka_unit_test(tables_are_checked),
      cmocka_unit_test(descriptors_are_checked),
      cmocka_unit_test(symbols_are_checked),
      cmocka_unit_test(unsupported_kernels_are_refused),
      cmocka_unit_test(use_is_checked),
      cmocka_unit_test(relocations_are_applied),
      cmocka_unit_test(truncated_objects_are_refused),
      cmocka_unit_test(any_byte_may_change),
  };
  load_original();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
