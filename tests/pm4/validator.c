/* What the validator refuses, and that a refusal changes nothing. */
#include "corruptions.h"
#include "scene.h"
#include "support/test.h"

static const char *chip_of(const char *golden) {
  static char gfx[16];
  sscanf(golden, "%15[^_]", gfx);
  return gfx;
}

static void single_field_corruptions_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < corruption_count; ++i) {
    const Corruption *c = &corruptions[i];
    uint32_t words[SCENE_MOST_DWORDS];
    pm4_queue *queue = scene_queue(scene_find(chip_of(c->golden)));
    const uint32_t count = golden_read(c->golden, words, SCENE_MOST_DWORDS);
    assert_true(c->dword < count);
    assert_true(pm4_validate(queue, words, count, PM4_RING));
    assert_int_not_equal(words[c->dword], c->value);
    pm4_forget(queue);
    words[c->dword] = c->value;
    if (pm4_validate(queue, words, count, PM4_RING)) {
      fail_msg("%s: dword %u = %08x was accepted", c->golden, c->dword, c->value);
    }
    if (!strstr(pm4_queue_reason(queue), c->reason)) {
      fail_msg("%s: dword %u = %08x: \"%s\" does not say \"%s\"", c->golden, c->dword, c->value,
               pm4_queue_reason(queue), c->reason);
    }
    pm4_queue_destroy(queue);
  }
  assert_true(corruption_count >= 60);
  print_message("checked: %zu single-field corruptions are refused with their reason\n",
                corruption_count);
}

/* Bits that may differ in a full stream and still mean something sound, by the
 * dword's distance from the end: numbers of workgroups, the fence's value, where
 * arguments and fence are, workgroups that fit, caches that may be named besides ours. */
static uint32_t free_bits(const char *gfx, uint32_t from_end) {
  const bool gfx9 = strncmp(gfx, "gfx9", 4) == 0;
  const uint32_t threads_x = gfx9 ? 27 : 28;  /* the scene's kernels take any workgroup */
  if (from_end <= threads_x && from_end + 2 >= threads_x) return 0x3ff;
  switch (from_end) {
    case 3: case 2: return UINT32_MAX;                 /* fence value */
    case 5: return 0xff8;                              /* within the fences' range */
    case 12: case 11: case 10: return UINT32_MAX;      /* workgroups; the limit is tested apart */
    case 15: return 0xff0;                             /* within the arguments' range */
    case 6: return 0x3000000;                          /* INT_SEL none or after confirm */
    case 7: return gfx9 ? 1u << 19 : 1u << 22;         /* TC_NC; SEQ */
    case 18: return gfx9 ? 0 : 0xc3f1;                 /* GCR_CNTL */
    case 23: return gfx9 ? 0x28c40008 : 0;             /* CP_COHER_CNTL */
    default: return 0;
  }
}

static void every_single_bit_flip_is_refused_or_harmless(void **state) {
  (void)state;
  uint32_t flips = 0, accepted = 0;
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    uint32_t words[SCENE_MOST_DWORDS];
    char name[32];
    snprintf(name, sizeof name, "%s_full", scenes[i].gfx);
    const uint32_t count = golden_read(name, words, SCENE_MOST_DWORDS);
    pm4_queue *queue = scene_queue(&scenes[i]);
    for (uint32_t bit = 0; bit < 32 * count; ++bit) {
      const uint32_t dword = bit / 32, mask = 1u << bit % 32;
      words[dword] ^= mask;
      pm4_forget(queue);
      ++flips;
      if (pm4_validate(queue, words, count, PM4_RING)) {
        ++accepted;
        if (!(free_bits(scenes[i].gfx, count - dword) & mask)) {
          fail_msg("%s: dword %u with bit %u flipped was accepted", name, dword, bit % 32);
        }
      }
      words[dword] ^= mask;
    }
    pm4_queue_destroy(queue);
  }
  print_message("checked: %u single-bit flips, %u of them in free fields\n", flips, accepted);
  assert_true(accepted > 0);
}

static void truncated_streams_are_refused(void **state) {
  (void)state;
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    uint32_t words[SCENE_MOST_DWORDS];
    char name[32];
    snprintf(name, sizeof name, "%s_full", scenes[i].gfx);
    const uint32_t count = golden_read(name, words, SCENE_MOST_DWORDS);
    pm4_queue *queue = scene_queue(&scenes[i]);
    assert_false(pm4_validate(queue, words, 0, PM4_RING));
    assert_non_null(strstr(pm4_queue_reason(queue), "empty"));
    for (uint32_t length = 1; length < count; ++length) {
      pm4_forget(queue);
      const bool whole_packets = pm4_validate(queue, words, length, PM4_RING);
      /* Cut before the dispatch, what is left may be sound: registers and caches. */
      if (whole_packets) assert_true(length <= count - 13);
    }
    pm4_queue_destroy(queue);
  }
}

static void refusal_changes_nothing(void **state) {
  (void)state;
  uint32_t full[SCENE_MOST_DWORDS], hot[SCENE_MOST_DWORDS];
  pm4_queue *queue = scene_queue(scene_find("gfx1100"));
  const uint32_t count = golden_read("gfx1100_full", full, SCENE_MOST_DWORDS);
  const uint32_t rest = golden_read("gfx1100_hot", hot, SCENE_MOST_DWORDS);
  /* Hot without the state before it. */
  assert_false(pm4_validate(queue, hot, rest, PM4_RING));
  assert_non_null(strstr(pm4_queue_reason(queue), "was not written"));
  /* A refused stream's registers do not count. */
  full[count - 6] = 0;
  assert_false(pm4_validate(queue, full, count, PM4_RING));
  assert_false(pm4_validate(queue, hot, rest, PM4_RING));
  golden_read("gfx1100_full", full, SCENE_MOST_DWORDS);
  assert_true(pm4_validate(queue, full, count, PM4_RING));
  assert_true(pm4_validate(queue, hot, rest, PM4_RING));
  /* An indirect buffer starts with nothing and leaves nothing. */
  assert_false(pm4_validate(queue, hot, rest, PM4_INDIRECT));
  assert_true(pm4_validate(queue, full, count, PM4_INDIRECT));
  uint32_t call[4];
  golden_read("gfx1100_call", call, 4);
  assert_true(pm4_validate(queue, call, 4, PM4_RING));
  assert_false(pm4_validate(queue, hot, rest, PM4_RING));
  pm4_queue_destroy(queue);
}

static void calls_are_only_to_validated_buffers(void **state) {
  (void)state;
  const struct { uint32_t dword, value; } bad[] = {
      {1, 0x00040004}, {2, 0x00007f01}, {3, 0x00000038}, {3, 0x00800037}, {3, 0x00800000},
      {3, 0x00900038}, {3, 0x00a00038}, {3, 0x01800038}, {3, 0x10800038}, {3, 0x40800038}};
  pm4_queue *queue = scene_queue(scene_find("gfx1100"));
  uint32_t call[4];
  for (size_t i = 0; i < COUNT_OF(bad); ++i) {
    golden_read("gfx1100_call", call, 4);
    call[bad[i].dword] = bad[i].value;
    assert_false(pm4_validate(queue, call, 4, PM4_RING));
  }
  golden_read("gfx1100_call", call, 4);
  assert_false(pm4_validate(queue, call, 4, PM4_INDIRECT));
  assert_non_null(strstr(pm4_queue_reason(queue), "within an indirect buffer"));
  pm4_queue_destroy(queue);
}

static void writes_go_to_registered_memory_only(void **state) {
  (void)state;
  pm4_queue *queue = scene_queue(scene_find("gfx1100"));
  /* WRITE_DATA, DST_SEL 5 << 8, WR_CONFIRM 1 << 20, two values. */
  const uint32_t good[] = {0xc0043700, 0x00100500, 0x00020ff8, 0x00007f00, 1, 2};
  const struct { uint32_t dword, value; } bad[] = {
      {1, 0x00100000}, {1, 0x00000500}, {1, 0x00110500}, {1, 0x40100500}, {1, 0x00100200},
      {2, 0x00020ffc}, {2, 0x00020ff2}, {2, 0x00010000}, {3, 0xffffffff}, {3, 0}};
  uint32_t words[6];
  assert_true(pm4_validate(queue, good, 6, PM4_RING));
  for (size_t i = 0; i < COUNT_OF(bad); ++i) {
    memcpy(words, good, sizeof good);
    words[bad[i].dword] = bad[i].value;
    assert_false(pm4_validate(queue, words, 6, PM4_RING));
  }
  pm4_queue_destroy(queue);
}

static void events_and_interrupts_are_the_known_ones(void **state) {
  (void)state;
  pm4_queue *queue = scene_queue(scene_find("gfx1100"));
  const uint32_t flush[] = {0xc0004600, 0x407};
  const uint32_t bad_flush[] = {0x414, 0x007, 0x507, 0x100407, 0x40f, 0};
  assert_true(pm4_validate(queue, flush, 2, PM4_RING));
  for (size_t i = 0; i < COUNT_OF(bad_flush); ++i) {
    const uint32_t words[] = {0xc0004600, bad_flush[i]};
    assert_false(pm4_validate(queue, words, 2, PM4_RING));
  }
  uint32_t words[8];
  golden_read("gfx1100_interrupt", words, 8);
  words[5] = 6;
  assert_false(pm4_validate(queue, words, 8, PM4_RING));
  assert_non_null(strstr(pm4_queue_reason(queue), "different events"));
  golden_read("gfx1100_interrupt", words, 8);
  words[3] = 0x00020028;
  assert_false(pm4_validate(queue, words, 8, PM4_RING));
  /* 32 bits without an interrupt, with one before the write, with a confirmed write only. */
  const uint32_t bad_selects[] = {0x20000000, 0x21000000, 0x23000000};
  for (size_t i = 0; i < COUNT_OF(bad_selects); ++i) {
    golden_read("gfx1100_interrupt", words, 8);
    words[2] = bad_selects[i];
    assert_false(pm4_validate(queue, words, 8, PM4_RING));
    assert_non_null(strstr(pm4_queue_reason(queue), "neither"));
  }
  pm4_queue_destroy(queue);
}

/* One register of the state, in a packet of its own. */
typedef struct Write {
  uint32_t offset, value;
} Write;

/* Takes a full form apart: its register writes, and the packets behind them. */
static uint32_t take_apart(const uint32_t *words, uint32_t count, Write *writes, uint32_t *rest,
                           uint32_t *rest_count) {
  uint32_t found = 0;
  *rest_count = 0;
  for (uint32_t at = 0; at < count;) {
    const uint32_t dwords = (words[at] >> 16 & 0x3fff) + 2;
    if ((words[at] >> 8 & 0xff) == 0x76) {
      for (uint32_t i = 2; i < dwords; ++i) {
        writes[found++] = (Write){words[at + 1] + i - 2, words[at + i]};
      }
    } else {
      memcpy(rest + *rest_count, words + at, dwords * sizeof *rest);
      *rest_count += dwords;
    }
    at += dwords;
  }
  return found;
}

/* Every register that the full form writes is one that a dispatch needs. */
static void every_register_must_be_written(void **state) {
  (void)state;
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    uint32_t words[SCENE_MOST_DWORDS], rest[SCENE_MOST_DWORDS], rest_count;
    Write writes[SCENE_MOST_DWORDS];
    char name[32];
    snprintf(name, sizeof name, "%s_full", scenes[i].gfx);
    const uint32_t count = golden_read(name, words, SCENE_MOST_DWORDS);
    const uint32_t registers = take_apart(words, count, writes, rest, &rest_count);
    assert_int_equal(registers, strcmp(scenes[i].gfx, "gfx900") == 0 ? 17 : 18);
    pm4_queue *queue = scene_queue(&scenes[i]);
    for (uint32_t left_out = 0; left_out <= registers; ++left_out) {
      uint32_t stream[3 * SCENE_MOST_DWORDS], used = 0;
      for (uint32_t r = 0; r < registers; ++r) {
        if (r == left_out) continue;
        stream[used++] = 0xc0017600;
        stream[used++] = writes[r].offset;
        stream[used++] = writes[r].value;
      }
      memcpy(stream + used, rest, rest_count * sizeof *rest);
      pm4_forget(queue);
      const bool accepted = pm4_validate(queue, stream, used + rest_count, PM4_RING) != 0;
      if (accepted != (left_out == registers) ||
          (!accepted && !strstr(pm4_queue_reason(queue), "was not written"))) {
        fail_msg("%s: without register write %u: %s", name, left_out, pm4_queue_reason(queue));
      }
    }
    pm4_queue_destroy(queue);
  }
}

static pm4_queue *queue_with(const pm4_kernel *kernel) {
  const pm4_range ranges[] = {{UINT64_C(0x7F0000010000), 0x1000, PM4_ARGUMENTS},
                              {UINT64_C(0x7F0000020000), 0x1000, PM4_FENCES}};
  return pm4_queue_create("gfx1100", kernel, 1, ranges, 2, NULL, 0);
}

static void code_objects_must_be_loaded_for_the_chip(void **state) {
  (void)state;
  uint32_t words[SCENE_MOST_DWORDS];
  const uint32_t count = golden_read("gfx1100_full", words, SCENE_MOST_DWORDS);
  for (int i = 0; i < 6; ++i) {
    pm4_kernel kernel = scene_find("gfx1100")->kernel;
    const char *reason = "";
    if (i == 0) kernel.target = 0x1101, reason = "another chip";
    if (i == 1) kernel.scratch_bytes = 16, reason = "scratch";
    if (i == 2) kernel.entry += 0x100, reason = "not the entry of a loaded kernel";
    if (i == 3) kernel.code_bytes = 0x800, reason = "outside the code";
    if (i == 4) kernel.workgroup[0] = 256, kernel.workgroup[1] = kernel.workgroup[2] = 1,
                reason = "workgroup contradicts";
    if (i == 5) kernel.max_threads = 127, reason = "too many work-items";
    pm4_queue *queue = queue_with(&kernel);
    assert_false(pm4_validate(queue, words, count, PM4_RING));
    if (!strstr(pm4_queue_reason(queue), reason)) fail_msg("%s", pm4_queue_reason(queue));
    pm4_queue_destroy(queue);
  }
  pm4_queue *queue = pm4_queue_create("gfx1100", NULL, 0, NULL, 0, NULL, 0);
  assert_false(pm4_validate(queue, words, count, PM4_RING));
  pm4_queue_destroy(queue);
}

static void expect_refused(const pm4_kernel *kernel, uint32_t dword, uint32_t value,
                           const char *reason) {
  uint32_t words[SCENE_MOST_DWORDS];
  const uint32_t count = golden_read("gfx1100_full", words, SCENE_MOST_DWORDS);
  words[dword] = value;
  pm4_queue *queue = queue_with(kernel);
  assert_false(pm4_validate(queue, words, count, PM4_RING));
  if (!strstr(pm4_queue_reason(queue), reason)) fail_msg("%s", pm4_queue_reason(queue));
  pm4_queue_destroy(queue);
}

/* A code object that agrees with the stream on something that no chip can do. */
static void code_objects_cannot_allow_the_impossible(void **state) {
  (void)state;
  const pm4_kernel good = scene_find("gfx1100")->kernel;
  pm4_kernel kernel = good;
  kernel.rsrc2 |= 1; /* SCRATCH_EN */
  expect_refused(&kernel, 7, 0x0004009f, "scratch is enabled");
  kernel = good;
  kernel.max_threads = 2048;
  expect_refused(&kernel, 28, 0x20, "too many work-items"); /* 64 x 32 */
  kernel = good;
  kernel.kernarg_sgpr = 40;
  expect_refused(&kernel, 39, 0x248, "arguments was not written"); /* 40 % 32 = 8 */
}

static void ranges_do_not_wrap(void **state) {
  (void)state;
  uint32_t words[SCENE_MOST_DWORDS];
  const pm4_kernel kernel = scene_find("gfx1100")->kernel;
  const pm4_range ranges[] = {{UINT64_C(0x7F0000010000), 0x1000, PM4_ARGUMENTS},
                              {UINT64_C(0xFFFFFFFFFFFFFFF0), 0x10, PM4_FENCES},
                              {UINT64_C(0x7F0000020000), 8, PM4_FENCES},
                              {UINT64_C(0x7F0000030000), 4, PM4_FENCES}};
  pm4_queue *queue = pm4_queue_create("gfx1100", &kernel, 1, ranges, COUNT_OF(ranges), NULL, 0);
  const uint32_t count = golden_read("gfx1100_full", words, SCENE_MOST_DWORDS);
  words[50] = 0xfffffff8;
  words[51] = 0xffffffff;
  assert_true(pm4_validate(queue, words, count, PM4_RING)); /* registered, whatever it is */
  words[50] = 0x00020000;
  words[51] = 0x00007f00;
  assert_true(pm4_validate(queue, words, count, PM4_RING));
  words[50] = 0x00020008;
  assert_false(pm4_validate(queue, words, count, PM4_RING));
  words[50] = 0x00030000; /* a range of half a fence */
  assert_false(pm4_validate(queue, words, count, PM4_RING));
  words[50] = words[51] = 0;
  assert_false(pm4_validate(queue, words, count, PM4_RING));
  pm4_queue_destroy(queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(single_field_corruptions_are_refused),
      cmocka_unit_test(every_single_bit_flip_is_refused_or_harmless),
      cmocka_unit_test(truncated_streams_are_refused),
      cmocka_unit_test(refusal_changes_nothing),
      cmocka_unit_test(calls_are_only_to_validated_buffers),
      cmocka_unit_test(writes_go_to_registered_memory_only),
      cmocka_unit_test(events_and_interrupts_are_the_known_ones),
      cmocka_unit_test(every_register_must_be_written),
      cmocka_unit_test(code_objects_must_be_loaded_for_the_chip),
      cmocka_unit_test(code_objects_cannot_allow_the_impossible),
      cmocka_unit_test(ranges_do_not_wrap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
