// The one-call convolution, problem description and selection.
#include "conformance/conformance.h"
#include "support/tensors.h"
#include "support/world.h"

static void describe_gives_the_sizes(void **state) {
  (void)state;
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 2, 6, 11, 9, 4, 3, 2, 1);
  desc.padding_bottom = 3;
  desc.dilation_w = 2;
  desc.groups = 2;
  desc.flags = SPORKLE_CONV2D_BIAS;
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  expect_ok(sporkle_conv2d_describe(&desc, &info));
  assert_int_equal(info.struct_size, sizeof info);
  assert_int_equal(info.out_h, (11 + 1 + 3 - 3) / 2 + 1);
  assert_int_equal(info.out_w, (9 + 1 + 1 - 5) / 2 + 1);
  assert_int_equal(info.input_size, 4 * 2 * 6 * 11 * 9);
  assert_int_equal(info.weights_size, 4 * 4 * 3 * 3 * 3);
  assert_int_equal(info.bias_size, 4 * 4);
  assert_int_equal(info.output_size, 4 * 2 * 4 * info.out_h * info.out_w);
  assert_int_equal(info.flops, 2 * 2 * 4 * info.out_h * info.out_w * 3 * 9);
  desc.flags = 0;
  expect_ok(sporkle_conv2d_describe(&desc, &info));
  assert_int_equal(info.bias_size, 0);
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "desc", sporkle_conv2d_describe(NULL, &info));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "out_info", sporkle_conv2d_describe(&desc, NULL));
}

static void init_and_set(void **state) {
  (void)state;
  const sporkle_conv2d_desc macro = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_desc desc;
  memset(&desc, 0xff, sizeof desc);
  sporkle_conv2d_desc_init(&desc);
  assert_memory_equal(&desc, &macro, sizeof desc);
  memset(&desc, 0xff, sizeof desc);
  sporkle_conv2d_desc_set(&desc, 1, 2, 3, 4, 5, 6, 7, 8);
  const int64_t want[] = {1, 2, 3, 4, 5, 6, 6, 7, 7, 8, 8, 8, 8, 1, 1, 1};
  assert_memory_equal(&desc.n, want, sizeof want);
  assert_int_equal(desc.struct_size, sizeof desc);
  assert_int_equal(desc.flags, 0);
  assert_int_equal(desc.activation, SPORKLE_ACTIVATION_NONE);
  sporkle_conv2d_desc_init(NULL);
  sporkle_conv2d_desc_set(NULL, 1, 1, 1, 1, 1, 1, 1, 1);
}

static void computes(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc = small_problem();
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  Tensors t;
  tensors_make(&t, &desc, 1);
  sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
  expect_ok(sporkle_conv2d(world.context, world.device, &desc, t.input, t.weights, t.bias,
                           t.residual, t.output, &result));
  tensors_check(&t, t.output);
  assert_int_equal(result.device, world.device);
  assert_true(result.algorithm[0] != '\0');
  assert_true(result.elapsed_ns > 0);
  tensors_free(&t);
  world_close(&world);
}

static void repeated_calls_give_the_same_bits(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 2);
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  float *first = malloc(t.info.output_size);
  memcpy(first, t.output, t.info.output_size);
  for (int i = 0; i < 5; ++i) {
    tensors_clear_output(&t);
    expect_ok(tensors_conv2d(&t, world.context, world.device));
    assert_memory_equal(first, t.output, t.info.output_size);
  }
  free(first);
  tensors_free(&t);
  world_close(&world);
}

// The cache goes by content: the same array with other weights, another array
// with the same ones.
static void changed_weights_are_noticed(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 3);
  const uint64_t last = t.info.weights_size / 4 - 1;
  for (int i = 0; i < 4; ++i) {
    if (i % 2 == 0) t.weights[last] += 0.5f;
    if (i % 2 == 1) t.bias[3] -= 0.25f;
    expect_ok(tensors_conv2d(&t, world.context, world.device));
    tensors_check(&t, t.output);
  }
  tensors_free(&t);
  world_close(&world);
}

static void select_names_the_device(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const sporkle_conv2d_desc desc = small_problem();
  uint32_t device = UINT32_MAX, count = 0;
  expect_ok(sporkle_conv2d_select(world.context, world.device, &desc, &device));
  assert_int_equal(device, world.device);
  expect_ok(sporkle_conv2d_select(world.context, world.device, &desc, NULL));
  expect_ok(sporkle_conv2d_select(world.context, SPORKLE_DEVICE_AUTO, &desc, &device));
  assert_int_equal(device, 0);  // small: the CPU
  expect_ok(sporkle_device_count(world.context, &count));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "device",
                 sporkle_conv2d_select(world.context, count, &desc, &device));
  expect_refused(SPORKLE_ERROR_INVALID_ARGUMENT, "desc",
                 sporkle_conv2d_select(world.context, world.device, NULL, &device));
  world_close(&world);
}

static void default_device_is_taken(void **state) {
  (void)state;
  World world;
  sporkle_context_desc desc = world_desc(&world);
  desc.device = test_device;
  world_open_with(&world, &desc);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 4);
  sporkle_conv2d_result result = SPORKLE_CONV2D_RESULT_INIT;
  expect_ok(sporkle_conv2d(world.context, SPORKLE_DEVICE_AUTO, &problem, t.input, t.weights,
                           t.bias, NULL, t.output, &result));
  assert_int_equal(result.device, world.device);
  tensors_check(&t, t.output);
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  expect_ok(sporkle_device_describe(world.context, world.device, &info));
  assert_true(info.flags & SPORKLE_DEVICE_DEFAULT);
  tensors_free(&t);
  world_close(&world);
}

static void simulated_device_is_never_chosen(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 8, 64, 56, 56, 128, 3, 1, 1);
  uint32_t device = UINT32_MAX;
  expect_ok(sporkle_conv2d_select(world.context, SPORKLE_DEVICE_AUTO, &desc, &device));
  sporkle_device_info info = SPORKLE_DEVICE_INFO_INIT;
  expect_ok(sporkle_device_describe(world.context, device, &info));
  assert_int_equal(info.flags & SPORKLE_DEVICE_SIMULATED, 0);
  world_close(&world);
}

GROUP(group_conv2d, "conv2d", cmocka_unit_test(describe_gives_the_sizes),
      cmocka_unit_test(init_and_set), cmocka_unit_test(computes),
      cmocka_unit_test(repeated_calls_give_the_same_bits),
      cmocka_unit_test(changed_weights_are_noticed), cmocka_unit_test(select_names_the_device),
      cmocka_unit_test(default_device_is_taken),
      cmocka_unit_test(simulated_device_is_never_chosen))
