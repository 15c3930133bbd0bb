// Special values and layouts: what IEEE says, what the header promises.
#include <math.h>

#include "conformance/conformance.h"
#include "support/tensors.h"
#include "support/world.h"

static void compute_and_check(World *world, Tensors *t) {
  tensors_clear_output(t);
  expect_ok(tensors_conv2d(t, world->context, world->device));
  const OracleError error = tensors_error(t, t->output);
  expect_true(error.rel_l2 <= REL_L2_LIMIT, "error %g at %lld", error.rel_l2,
              (long long)error.worst);
  assert_true(tensors_guards_intact(t));
}

static void special_inputs(void **state) {
  (void)state;
  World world;
  world_open(&world);
  static const float specials[] = {NAN, INFINITY, -INFINITY, 1e-40f, -1e-40f, 3e38f, 0.0f, -0.0f};
  static const int32_t activations[] = {SPORKLE_ACTIVATION_NONE, SPORKLE_ACTIVATION_RELU,
                                        SPORKLE_ACTIVATION_CLAMP};
  for (size_t a = 0; a < COUNT_OF(activations); ++a) {
    sporkle_conv2d_desc desc = small_problem();
    desc.flags |= SPORKLE_CONV2D_RESIDUAL;
    desc.activation = activations[a];
    desc.clamp_min = -0.5f;
    desc.clamp_max = 0.75f;
    for (size_t s = 0; s < COUNT_OF(specials); ++s) {
      Tensors t;
      tensors_make(&t, &desc, 10 + s);
      t.input[5] = t.input[t.info.input_size / 4 - 1] = specials[s];
      compute_and_check(&world, &t);
      t.bias[2] = specials[s];
      compute_and_check(&world, &t);
      t.residual[3] = specials[s];
      compute_and_check(&world, &t);
      t.weights[0] = specials[s];
      compute_and_check(&world, &t);
      tensors_free(&t);
    }
  }
  world_close(&world);
}

// An infinite weight over padding adds nothing: the tap does not exist.
static void padding_contributes_nothing(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 1, 1, 5, 5, 1, 3, 1, 1);
  Tensors t;
  tensors_make(&t, &desc, 4);
  t.weights[0] = INFINITY;  // touches the input only away from the first row and column
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  for (int i = 0; i < 5; ++i) {
    assert_true(isfinite(t.output[i]));
    assert_true(isfinite(t.output[5 * i]));
  }
  for (int i = 6; i < 10; ++i) assert_false(isfinite(t.output[i]));
  tensors_free(&t);
  world_close(&world);
}

static void denormals_survive(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 1, 1, 4, 4, 1, 1, 1, 0);
  Tensors t;
  tensors_make(&t, &desc, 4);
  t.weights[0] = 1.0f;
  for (int i = 0; i < 16; ++i) t.input[i] = (float)(i + 1) * 0x1p-149f;
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  // GLSL (4.60, section 4.7.1) lets a GPU flush denormals to zero; all or none.
  static const float flushed[16] = {0};
  if (!test_device_is("gl") || memcmp(t.output, flushed, sizeof flushed) != 0) {
    assert_memory_equal(t.input, t.output, 16 * sizeof(float));
  }
  tensors_free(&t);
  world_close(&world);
}

static void residual_in_place(void **state) {
  (void)state;
  World world;
  world_open(&world);
  for (int32_t activation = 0; activation < 2; ++activation) {
    sporkle_conv2d_desc desc;
    sporkle_conv2d_desc_set(&desc, 2, 5, 13, 17, 9, 3, 1, 1);
    desc.flags = SPORKLE_CONV2D_RESIDUAL;
    desc.activation = activation;
    Tensors t;
    tensors_make(&t, &desc, 6);
    memcpy(t.output, t.residual, t.info.output_size);
    expect_ok(sporkle_conv2d(world.context, world.device, &desc, t.input, t.weights, NULL,
                             t.output, t.output, NULL));
    tensors_check(&t, t.output);
    tensors_free(&t);
  }
  world_close(&world);
}

// Float alignment is enough, whatever the kernel would like.
static void alignment_of_float(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, 1, 16, 14, 14, 32, 3, 1, 1);
  for (int shift = 1; shift < 16; shift += 5) {
    Tensors t;
    tensors_make(&t, &desc, 7);
    float *input = malloc(t.info.input_size + 64), *weights = malloc(t.info.weights_size + 64);
    float *output = malloc(t.info.output_size + 64);
    memcpy(input + shift, t.input, t.info.input_size);
    memcpy(weights + shift, t.weights, t.info.weights_size);
    expect_ok(sporkle_conv2d(world.context, world.device, &desc, input + shift, weights + shift,
                             NULL, NULL, output + shift, NULL));
    const OracleError error = tensors_error(&t, output + shift);
    expect_true(error.rel_l2 <= REL_L2_LIMIT, "error %g", error.rel_l2);
    free(input);
    free(weights);
    free(output);
    tensors_free(&t);
  }
  world_close(&world);
}

static void inputs_are_not_written(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc = small_problem();
  desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  Tensors t, copy;
  tensors_make(&t, &desc, 8);
  tensors_make(&copy, &desc, 8);
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  assert_memory_equal(t.input, copy.input, t.info.input_size);
  assert_memory_equal(t.weights, copy.weights, t.info.weights_size);
  assert_memory_equal(t.bias, copy.bias, t.info.bias_size);
  assert_memory_equal(t.residual, copy.residual, t.info.output_size);
  tensors_free(&t);
  tensors_free(&copy);
  world_close(&world);
}

GROUP(group_values, "values", cmocka_unit_test(special_inputs),
      cmocka_unit_test(padding_contributes_nothing), cmocka_unit_test(denormals_survive),
      cmocka_unit_test(residual_in_place), cmocka_unit_test(alignment_of_float),
      cmocka_unit_test(inputs_are_not_written))
