/* The encoder against streams derived by hand, and the way back. */
#include "scene.h"
#include "support/test.h"

static void expect_words(const char *gfx, const char *form, const uint32_t *got, uint32_t count) {
  uint32_t golden[SCENE_MOST_DWORDS];
  char name[32];
  snprintf(name, sizeof name, "%s_%s", gfx, form);
  const uint32_t expected = golden_read(name, golden, SCENE_MOST_DWORDS);
  assert_int_equal(count, expected);
  for (uint32_t i = 0; i < count; ++i) {
    if (got[i] != golden[i]) {
      fail_msg("%s: dword %u is %08x, not %08x", name, i, got[i], golden[i]);
    }
  }
}

static void full_form_matches_on_every_generation(void **state) {
  (void)state;
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    uint32_t words[SCENE_MOST_DWORDS];
    pm4_queue *queue = scene_queue(&scenes[i]);
    const pm4_dispatch dispatch = scene_dispatch();
    const uint32_t count =
        pm4_encode(queue, 0, &dispatch, SCENE_FENCE, SCENE_VALUE, words, SCENE_MOST_DWORDS);
    expect_words(scenes[i].gfx, "full", words, count);
    assert_true(count <= 60);
    assert_true(pm4_validate(queue, words, count, PM4_RING));
    pm4_queue_destroy(queue);
  }
}

static void hot_form_is_the_rest_of_the_full_form(void **state) {
  (void)state;
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    uint32_t full[SCENE_MOST_DWORDS], hot[SCENE_MOST_DWORDS];
    pm4_queue *queue = scene_queue(&scenes[i]);
    const pm4_dispatch dispatch = scene_dispatch();
    const uint32_t all =
        pm4_encode(queue, 0, &dispatch, SCENE_FENCE, SCENE_VALUE, full, SCENE_MOST_DWORDS);
    assert_true(pm4_validate(queue, full, all, PM4_RING));
    const uint32_t count =
        pm4_encode(queue, 0, &dispatch, SCENE_FENCE, SCENE_VALUE, hot, SCENE_MOST_DWORDS);
    assert_true(count <= 25);
    assert_memory_equal(hot, full + all - count, count * sizeof *hot);
    assert_true(pm4_validate(queue, hot, count, PM4_RING));
    expect_words(scenes[i].gfx, "hot", hot, count);
    pm4_queue_destroy(queue);
  }
}

static void batch_with_a_dependence_matches(void **state) {
  (void)state;
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    pm4_queue *queue = scene_queue(&scenes[i]);
    pm4_dispatch items[2] = {scene_dispatch(), scene_dispatch()};
    const uint32_t kernels[2] = {0, 0};
    uint32_t words[SCENE_MOST_DWORDS];
    items[1].groups[0] = 7;
    items[1].groups[1] = items[1].groups[2] = 1;
    items[1].kernarg = UINT64_C(0x7F0000010080);
    items[1].depends = 1;
    const uint32_t count = pm4_encode_batch(queue, kernels, items, 2, SCENE_FENCE, SCENE_VALUE,
                                            words, SCENE_MOST_DWORDS);
    expect_words(scenes[i].gfx, "batch", words, count);
    assert_true(pm4_validate(queue, words, count, PM4_RING));
    pm4_queue_destroy(queue);
  }
}

static void interrupts_match(void **state) {
  (void)state;
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    uint32_t words[8];
    pm4_queue *queue = scene_queue(&scenes[i]);
    expect_words(scenes[i].gfx, "interrupt", words,
                 pm4_encode_interrupt(queue, SCENE_SLOT, 5, words, 8));
    assert_true(pm4_validate(queue, words, 8, PM4_RING));
    pm4_queue_destroy(queue);
  }
}

static void call_of_a_prebuilt_buffer_takes_four_dwords(void **state) {
  (void)state;
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    pm4_queue *queue = scene_queue(&scenes[i]);
    const pm4_dispatch dispatch = scene_dispatch();
    uint32_t buffer[SCENE_MOST_DWORDS], golden[SCENE_MOST_DWORDS], ring[4], kernarg, value;
    char name[32];
    const uint32_t size = pm4_encode_prebuilt(queue, 0, &dispatch, SCENE_FENCE, SCENE_VALUE,
                                              buffer, SCENE_MOST_DWORDS, &kernarg, &value);
    snprintf(name, sizeof name, "%s_full", scenes[i].gfx);
    const uint32_t full = golden_read(name, golden, SCENE_MOST_DWORDS);
    assert_int_equal(size, 56);
    assert_memory_equal(buffer, golden, full * sizeof *golden);
    for (uint32_t rest = full; rest < size; ++rest) assert_int_equal(buffer[rest], 0xffff1000);
    assert_int_equal(buffer[kernarg], (uint32_t)SCENE_KERNARG);
    assert_int_equal(buffer[value], (uint32_t)SCENE_VALUE);
    assert_true(pm4_validate(queue, buffer, size, PM4_INDIRECT));
    expect_words(scenes[i].gfx, "call", ring, pm4_encode_call(queue, SCENE_BUFFER, size, ring, 4));
    assert_true(pm4_validate(queue, ring, 4, PM4_RING));
    pm4_queue_destroy(queue);
  }
}

static void golden_streams_survive_decoding(void **state) {
  (void)state;
  const char *forms[] = {"full", "hot", "batch", "call", "interrupt"};
  for (size_t i = 0; i < SCENE_CHIPS * COUNT_OF(forms); ++i) {
    const char *gfx = scenes[i / COUNT_OF(forms)].gfx;
    uint32_t golden[SCENE_MOST_DWORDS], again[SCENE_MOST_DWORDS];
    char name[32];
    snprintf(name, sizeof name, "%s_%s", gfx, forms[i % COUNT_OF(forms)]);
    const uint32_t count = golden_read(name, golden, SCENE_MOST_DWORDS);
    assert_int_equal(pm4_rewrite(gfx, golden, count, again, SCENE_MOST_DWORDS), count);
    assert_memory_equal(golden, again, count * sizeof *golden);
  }
}

static void decoder_names_everything(void **state) {
  (void)state;
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    char name[32], text[16384];
    uint32_t golden[SCENE_MOST_DWORDS];
    snprintf(name, sizeof name, "%s_full", scenes[i].gfx);
    const uint32_t count = golden_read(name, golden, SCENE_MOST_DWORDS);
    const uint64_t length = pm4_decode(scenes[i].gfx, golden, count, text, sizeof text);
    assert_true(length > 0 && length < sizeof text);
    assert_null(strchr(text, '?'));
    assert_null(strchr(text, '!'));
    assert_null(strstr(text, "RESERVED"));
    assert_non_null(strstr(text, "COMPUTE_SHADER_EN=1"));
    assert_non_null(strstr(text, "EVENT_TYPE=20"));
    assert_non_null(strstr(text, "NUM_THREAD_FULL=64"));
  }
}

static void decoder_stays_within_its_buffer(void **state) {
  (void)state;
  uint32_t golden[SCENE_MOST_DWORDS];
  char whole[16384], part[16384];
  const uint32_t count = golden_read("gfx1100_full", golden, SCENE_MOST_DWORDS);
  const uint64_t length = pm4_decode("gfx1100", golden, count, whole, sizeof whole);
  for (uint64_t capacity = 0; capacity <= length + 1; capacity += 97) {
    memset(part, 'x', sizeof part);
    assert_int_equal(pm4_decode("gfx1100", golden, count, part, capacity), length);
    assert_int_equal(part[capacity], 'x');
    if (capacity > 0) assert_int_equal(part[capacity - 1], '\0');
    if (capacity > 0) assert_memory_equal(part, whole, capacity - 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(full_form_matches_on_every_generation),
      cmocka_unit_test(hot_form_is_the_rest_of_the_full_form),
      cmocka_unit_test(batch_with_a_dependence_matches),
      cmocka_unit_test(interrupts_match),
      cmocka_unit_test(call_of_a_prebuilt_buffer_takes_four_dwords),
      cmocka_unit_test(golden_streams_survive_decoding),
      cmocka_unit_test(decoder_names_everything),
      cmocka_unit_test(decoder_stays_within_its_buffer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
