/* Forms, templates, batches and refusals of the encoder; what it writes, the
 * validator takes. */
#include "scene.h"
#include "support/test.h"

enum { CAPACITY = 8192 };

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)(random_state >> 33) % limit;
}

/* A queue with `count` kernels that differ in their entry. */
static pm4_queue *queue_of_kernels(const Scene *scene, uint32_t count) {
  pm4_kernel kernels[64];
  const pm4_range ranges[] = {{UINT64_C(0x7F0000010000), 0x10000, PM4_ARGUMENTS},
                              {UINT64_C(0x7F0000020000), 0x1000, PM4_FENCES}};
  for (uint32_t i = 0; i < count; ++i) {
    kernels[i] = scene->kernel;
    kernels[i].entry += 0x10000 * i;
    kernels[i].code += 0x10000 * i;
  }
  return pm4_queue_create(scene->gfx, kernels, count, ranges, 2, NULL, 0);
}

static uint32_t encode(pm4_queue *queue, uint32_t kernel, uint32_t conv_class, uint32_t *words) {
  pm4_dispatch dispatch = scene_dispatch();
  dispatch.conv_class = conv_class;
  return pm4_encode(queue, kernel, &dispatch, SCENE_FENCE, SCENE_VALUE, words, CAPACITY);
}

static void state_is_written_only_when_the_kernel_changes(void **state) {
  (void)state;
  static uint32_t words[CAPACITY];
  pm4_queue *queue = queue_of_kernels(scene_find("gfx1100"), 2);
  assert_int_equal(encode(queue, 0, PM4_POINTWISE, words), 55);
  assert_int_equal(encode(queue, 0, PM4_POINTWISE, words), 25);
  assert_int_equal(encode(queue, 1, PM4_THREE, words), 55);
  assert_int_equal(encode(queue, 1, PM4_THREE, words), 25);
  assert_int_equal(encode(queue, 0, PM4_POINTWISE, words), 55);
  pm4_forget(queue);
  assert_int_equal(encode(queue, 0, PM4_POINTWISE, words), 55);
  uint32_t call[4];
  assert_int_equal(pm4_encode_call(queue, SCENE_BUFFER, 56, call, 4), 4);
  assert_int_equal(encode(queue, 0, PM4_POINTWISE, words), 55);
  pm4_queue_destroy(queue);
}

static void templates_are_chosen_by_class(void **state) {
  (void)state;
  static uint32_t words[CAPACITY];
  uint64_t counts[4];
  pm4_queue *queue = queue_of_kernels(scene_find("gfx1100"), 3);
  for (int round = 0; round < 5; ++round) {
    for (uint32_t i = 0; i < 3; ++i) assert_true(encode(queue, i, i, words) > 0);
  }
  pm4_template_counts(queue, counts);
  assert_int_equal(counts[0], 4);
  assert_int_equal(counts[1], 4);
  assert_int_equal(counts[2], 4);
  assert_int_equal(counts[3], 3);
  pm4_queue_destroy(queue);
}

/* A template replaced in the middle of everything never leaves the wrong state behind. */
static void random_sequences_stay_valid(void **state) {
  (void)state;
  static uint32_t words[CAPACITY], again[CAPACITY];
  uint32_t streams = 0;
  for (int s = 0; s < SCENE_CHIPS; ++s) {
    pm4_queue *queue = queue_of_kernels(&scenes[s], 40);
    for (int round = 0; round < 3000; ++round) {
      pm4_dispatch items[12];
      uint32_t kernels[12];
      const uint32_t count = 1 + random_below(12);
      for (uint32_t i = 0; i < count; ++i) {
        kernels[i] = random_below(random_below(2) ? 3 : 40);
        items[i] = scene_dispatch();
        items[i].conv_class = random_below(3);
        items[i].groups[0] = 1 + random_below(4000);
        items[i].threads[1] = 1 + random_below(3);
        items[i].kernarg = UINT64_C(0x7F0000010000) + 16 * random_below(4000);
        items[i].depends = i > 0 && random_below(2);
      }
      /* Too little room, once in a while: nothing but the full form may follow. */
      const uint32_t capacity = random_below(8) == 0 ? random_below(60) : CAPACITY;
      const uint32_t length =
          count == 1 ? pm4_encode(queue, kernels[0], &items[0], SCENE_FENCE, SCENE_VALUE, words,
                                  capacity)
                     : pm4_encode_batch(queue, kernels, items, count, SCENE_FENCE, SCENE_VALUE,
                                        words, capacity);
      if (length == 0) {
        assert_true(capacity < 60);
        continue;
      }
      assert_true(length <= capacity);
      if (!pm4_validate(queue, words, length, PM4_RING)) fail_msg("%s", pm4_queue_reason(queue));
      assert_int_equal(pm4_rewrite(scenes[s].gfx, words, length, again, CAPACITY), length);
      assert_memory_equal(words, again, length * sizeof *words);
      ++streams;
    }
    pm4_queue_destroy(queue);
  }
  print_message("checked: %u random streams are valid and survive decoding\n", streams);
}

static void batch_of_independent_dispatches_has_one_fence(void **state) {
  (void)state;
  static uint32_t words[CAPACITY];
  pm4_queue *queue = queue_of_kernels(scene_find("gfx1100"), 1);
  pm4_dispatch items[16];
  const uint32_t kernels[16] = {0};
  for (int i = 0; i < 16; ++i) items[i] = scene_dispatch();
  /* 8 acquire, 30 state, 9 for each, 8 fence; without the state when it is held. */
  assert_int_equal(pm4_encode_batch(queue, kernels, items, 16, SCENE_FENCE, SCENE_VALUE, words,
                                    CAPACITY), 16 + 30 + 9 * 16);
  assert_int_equal(pm4_encode_batch(queue, kernels, items, 16, SCENE_FENCE, SCENE_VALUE, words,
                                    CAPACITY), 16 + 9 * 16);
  assert_int_equal(pm4_encode_batch(queue, kernels, items, 0, SCENE_FENCE, SCENE_VALUE, words,
                                    CAPACITY), 0);
  pm4_queue_destroy(queue);
}

static void refuse(pm4_queue *queue, pm4_dispatch dispatch, uint64_t fence, const char *reason) {
  uint32_t words[64];
  if (pm4_encode(queue, 0, &dispatch, fence, 1, words, 64) != 0) fail_msg("accepted: %s", reason);
  if (!strstr(pm4_queue_reason(queue), reason)) {
    fail_msg("\"%s\" does not say \"%s\"", pm4_queue_reason(queue), reason);
  }
}

static void impossible_dispatches_are_refused(void **state) {
  (void)state;
  pm4_queue *queue = scene_queue(scene_find("gfx1100"));
  pm4_dispatch d = scene_dispatch();
  d.groups[1] = 0;
  refuse(queue, d, SCENE_FENCE, "groups");
  d = scene_dispatch();
  d.groups[0] = UINT32_MAX;
  refuse(queue, d, SCENE_FENCE, "groups");
  d = scene_dispatch();
  d.threads[0] = 2048;
  refuse(queue, d, SCENE_FENCE, "more work-items");
  d = scene_dispatch();
  d.kernarg += 8;
  refuse(queue, d, SCENE_FENCE, "kernarg_address");
  d.kernarg = UINT64_C(0x1000000000000);
  refuse(queue, d, SCENE_FENCE, "kernarg_address");
  d.kernarg = 0;
  refuse(queue, d, SCENE_FENCE, "kernarg_address");
  refuse(queue, scene_dispatch(), SCENE_FENCE + 4, "fence");
  refuse(queue, scene_dispatch(), 0, "fence");
  refuse(queue, scene_dispatch(), UINT64_C(1) << 48, "fence");
  pm4_queue_destroy(queue);
}

static void impossible_kernels_are_refused(void **state) {
  (void)state;
  const char *reasons[] = {"another chip", "scratch", "aligned to 256", "no device address",
                           "wave size", "64 KiB of LDS", "16 user SGPRs", "kernel arguments",
                           "within the user SGPRs", "another workgroup"};
  for (size_t i = 0; i < COUNT_OF(reasons); ++i) {
    pm4_kernel kernel = scene_find("gfx1100")->kernel;
    if (i == 0) kernel.target = 0x1030;
    if (i == 1) kernel.scratch_bytes = 4;
    if (i == 2) kernel.entry += 4;
    if (i == 3) kernel.entry = 0;
    if (i == 4) kernel.wave_size = 16;
    if (i == 5) kernel.lds_bytes = 65537;
    if (i == 6) kernel.user_sgprs = 17;
    if (i == 7) kernel.kernarg_sgpr = PM4_NO_SGPR;
    if (i == 8) kernel.kernarg_sgpr = 14;
    if (i == 9) kernel.workgroup[0] = 128, kernel.workgroup[1] = kernel.workgroup[2] = 1;
    pm4_queue *queue = pm4_queue_create("gfx1100", &kernel, 1, NULL, 0, NULL, 0);
    refuse(queue, scene_dispatch(), SCENE_FENCE, reasons[i]);
    pm4_queue_destroy(queue);
  }
  pm4_kernel kernel = scene_find("gfx900")->kernel;
  kernel.wave_size = 32;
  pm4_queue *queue = pm4_queue_create("gfx900", &kernel, 1, NULL, 0, NULL, 0);
  refuse(queue, scene_dispatch(), SCENE_FENCE, "wave size");
  pm4_queue_destroy(queue);
}

static void chips_are_known_by_name(void **state) {
  (void)state;
  const char *known[] = {"gfx900", "gfx90a", "gfx942", "gfx1030", "gfx1036", "gfx1100", "gfx1201"};
  const char *unknown[] = {"", "gfx", "gfx1", "gfx803", "gfx1010", "gfx9001", "gfx90A", "gfx1100 ",
                           "gfx+110", "1100", "gfx950", "gfx1250", "gfx11000", "gfx0x11"};
  for (size_t i = 0; i < COUNT_OF(known); ++i) assert_true(pm4_covers(known[i]));
  for (size_t i = 0; i < COUNT_OF(unknown); ++i) assert_false(pm4_covers(unknown[i]));
}

/* The historic system's wrong numbers beside the right ones. */
static void registers_are_where_the_kernel_headers_say(void **state) {
  (void)state;
  assert_int_equal(pm4_register_at("gfx1100", "COMPUTE_PGM_LO"), 0x2e0c);
  assert_int_equal(pm4_register_at("gfx1100", "COMPUTE_NUM_THREAD_X"), 0x2e07);
  assert_int_equal(pm4_register_at("gfx1100", "COMPUTE_PGM_RSRC1"), 0x2e12);
  assert_int_equal(pm4_register_at("gfx1100", "COMPUTE_PGM_RSRC3"), 0x2e28);
  assert_int_equal(pm4_register_at("gfx90a", "COMPUTE_PGM_RSRC3"), 0x2e2d);
  assert_int_equal(pm4_register_at("gfx900", "COMPUTE_PGM_RSRC3"), 0);
  assert_int_equal(pm4_register_at("gfx1201", "COMPUTE_USER_DATA_15"), 0x2e4f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(state_is_written_only_when_the_kernel_changes),
      cmocka_unit_test(templates_are_chosen_by_class),
      cmocka_unit_test(random_sequences_stay_valid),
      cmocka_unit_test(batch_of_independent_dispatches_has_one_fence),
      cmocka_unit_test(impossible_dispatches_are_refused),
      cmocka_unit_test(impossible_kernels_are_refused),
      cmocka_unit_test(chips_are_known_by_name),
      cmocka_unit_test(registers_are_where_the_kernel_headers_say),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
