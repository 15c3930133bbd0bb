// Bad problems and tensors: a status, a text that names the argument, an
// untouched output, and a context that goes on working.
#include "conformance/conformance.h"
#include "support/tensors.h"
#include "support/world.h"

typedef struct BadField {
  const char *field;
  sporkle_status status;
  size_t offset;  // of an int64_t in the descriptor
  int64_t value;
} BadField;

#define FIELD(name, value) \
  { "desc." #name, SPORKLE_ERROR_INVALID_ARGUMENT, offsetof(sporkle_conv2d_desc, name), value }

static const BadField bad_fields[] = {
    FIELD(n, 0), FIELD(n, -1), FIELD(n, INT64_MIN), FIELD(c, 0), FIELD(c, -3), FIELD(h, 0),
    FIELD(h, -7), FIELD(w, 0), FIELD(w, -9), FIELD(k, 0), FIELD(k, -4), FIELD(kernel_h, 0),
    FIELD(kernel_h, -3), FIELD(kernel_w, 0), FIELD(kernel_w, INT64_MIN), FIELD(stride_h, 0),
    FIELD(stride_h, -1), FIELD(stride_w, 0), FIELD(stride_w, -2), FIELD(padding_top, -1),
    FIELD(padding_left, -1), FIELD(padding_bottom, INT64_MIN), FIELD(padding_right, -1),
    FIELD(dilation_h, 0), FIELD(dilation_h, -1), FIELD(dilation_w, 0), FIELD(groups, 0),
    FIELD(groups, -1), FIELD(groups, 2), FIELD(groups, 3), FIELD(kernel_h, 10),
    FIELD(kernel_w, 12), FIELD(dilation_h, 5), FIELD(dilation_w, 6),
};

// A kernel too large is the kernel's fault, whatever made it too large.
static const char *blamed(const BadField *row) {
  if (strcmp(row->field, "desc.dilation_h") == 0 && row->value > 1) return "desc.kernel_h";
  if (strcmp(row->field, "desc.dilation_w") == 0 && row->value > 1) return "desc.kernel_w";
  return row->field;
}

// Every call that takes a problem refuses it alike.
static void refused_everywhere(World *world, Tensors *t, const sporkle_conv2d_desc *desc,
                               sporkle_status status, const char *argument) {
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  expect_refused(status, argument, sporkle_conv2d_describe(desc, &info));
  uint32_t device = 12345;
  expect_refused(status, argument,
                 sporkle_conv2d_select(world->context, world->device, desc, &device));
  sporkle_plan plan = (sporkle_plan)(uintptr_t)1;
  expect_refused(status, argument,
                 sporkle_plan_create(world->context, world->device, desc, t->weights, t->bias,
                                     &plan));
  assert_null(plan);
  expect_refused(status, argument,
                 sporkle_conv2d(world->context, world->device, desc, t->input, t->weights,
                                t->bias, t->residual, t->output, NULL));
  assert_true(tensors_untouched(t));
}

static void bad_sizes(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Tensors t;
  const sporkle_conv2d_desc good = small_problem();
  tensors_make(&t, &good, 1);
  for (size_t i = 0; i < COUNT_OF(bad_fields); ++i) {
    sporkle_conv2d_desc desc = good;
    memcpy((char *)&desc + bad_fields[i].offset, &bad_fields[i].value, sizeof(int64_t));
    refused_everywhere(&world, &t, &desc, bad_fields[i].status, blamed(&bad_fields[i]));
  }
  tensors_free(&t);
  world_check_usable(&world);
  world_close(&world);
}

// Refused as one of the two, never accepted, never computed.
static void overflow_refused(World *world, Tensors *t, const sporkle_conv2d_desc *desc,
                             const char *what) {
  sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
  const sporkle_status status = sporkle_conv2d_describe(desc, &info);
  expect_true(status == SPORKLE_ERROR_OVERFLOW, "%s: %s", what, sporkle_status_name(status));
  refused_everywhere(world, t, desc, SPORKLE_ERROR_OVERFLOW, "desc");
}

static void overflow_of_products(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Tensors t;
  const sporkle_conv2d_desc good = small_problem();
  tensors_make(&t, &good, 1);
  static const struct {
    const char *name;
    size_t offset;
  } sizes[] = {{"n", offsetof(sporkle_conv2d_desc, n)}, {"c", offsetof(sporkle_conv2d_desc, c)},
               {"h", offsetof(sporkle_conv2d_desc, h)}, {"w", offsetof(sporkle_conv2d_desc, w)},
               {"k", offsetof(sporkle_conv2d_desc, k)},
               {"padding_top", offsetof(sporkle_conv2d_desc, padding_top)},
               {"padding_left", offsetof(sporkle_conv2d_desc, padding_left)},
               {"padding_bottom", offsetof(sporkle_conv2d_desc, padding_bottom)},
               {"padding_right", offsetof(sporkle_conv2d_desc, padding_right)}};
  static const int64_t values[] = {INT64_MAX, INT64_MAX / 2, INT64_C(1) << 61};
  for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
    for (size_t v = 0; v < COUNT_OF(values); ++v) {
      sporkle_conv2d_desc desc = good;
      memcpy((char *)&desc + sizes[i].offset, &values[v], sizeof(int64_t));
      overflow_refused(&world, &t, &desc, sizes[i].name);
    }
  }
  sporkle_conv2d_desc desc = good;
  desc.kernel_h = desc.dilation_h = INT64_MAX;
  overflow_refused(&world, &t, &desc, "dilated kernel");
  // Fits 64 bits, but leaves no room for a sum of sizes.
  sporkle_conv2d_desc_set(&desc, 1, 1, 1, INT64_C(1) << 61, 1, 1, 1, 0);
  overflow_refused(&world, &t, &desc, "input of 2^63 bytes");
  // Every tensor fits, the FLOPs do not.
  sporkle_conv2d_desc_set(&desc, 1 << 10, 1 << 18, 1 << 10, 1 << 10, 1 << 18, 1, 1, 0);
  overflow_refused(&world, &t, &desc, "FLOPs");
  tensors_free(&t);
  world_check_usable(&world);
  world_close(&world);
}

// A device may refuse what is beyond its arithmetic; it may not get it wrong.
static void computed_or_refused(World *world, const sporkle_conv2d_desc *desc) {
  Tensors t;
  tensors_make(&t, desc, 8);
  if (sporkle_conv2d_select(world->context, world->device, desc, NULL) != SPORKLE_OK) {
    expect_refused(SPORKLE_ERROR_UNSUPPORTED, "device",
                   sporkle_conv2d_select(world->context, world->device, desc, NULL));
    expect_status(SPORKLE_ERROR_UNSUPPORTED, tensors_conv2d(&t, world->context, world->device));
    assert_true(tensors_untouched(&t));
  } else {
    expect_ok(tensors_conv2d(&t, world->context, world->device));
    tensors_check(&t, t.output);
  }
  tensors_free(&t);
}

// Huge but valid: every index computation has to hold.
static void extreme_strides_and_paddings(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc = small_problem();
  desc.stride_h = desc.stride_w = INT64_MAX / 4;
  computed_or_refused(&world, &desc);
  desc.stride_h = desc.stride_w = INT64_MAX;
  desc.padding_left = 5;
  computed_or_refused(&world, &desc);
  desc = small_problem();
  desc.padding_top = desc.padding_bottom = INT64_C(1) << 40;
  desc.stride_h = INT64_C(1) << 40;
  computed_or_refused(&world, &desc);
  world_close(&world);
}

static void bad_modes(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Tensors t;
  const sporkle_conv2d_desc good = small_problem();
  tensors_make(&t, &good, 1);
  sporkle_conv2d_desc desc = good;
  desc.flags |= 1u << 7;
  refused_everywhere(&world, &t, &desc, SPORKLE_ERROR_INVALID_ARGUMENT, "desc.flags");
  desc = good;
  desc.activation = 3;
  refused_everywhere(&world, &t, &desc, SPORKLE_ERROR_INVALID_ARGUMENT, "desc.activation");
  desc.activation = -1;
  refused_everywhere(&world, &t, &desc, SPORKLE_ERROR_INVALID_ARGUMENT, "desc.activation");
  desc = good;
  desc.activation = SPORKLE_ACTIVATION_CLAMP;
  desc.clamp_min = 1.0f;
  refused_everywhere(&world, &t, &desc, SPORKLE_ERROR_INVALID_ARGUMENT, "desc.clamp_min");
  const uint32_t nan_bits = 0x7fc00000u;
  memcpy(&desc.clamp_min, &nan_bits, 4);
  refused_everywhere(&world, &t, &desc, SPORKLE_ERROR_INVALID_ARGUMENT, "desc.clamp_min");
  desc = good;
  desc.reserved = 1;
  refused_everywhere(&world, &t, &desc, SPORKLE_ERROR_INVALID_ARGUMENT, "desc.reserved");
  tensors_free(&t);
  world_close(&world);
}

static void bad_tensors(void **state) {
  (void)state;
  World world;
  world_open(&world);
  sporkle_conv2d_desc desc = small_problem();
  Tensors t;
  tensors_make(&t, &desc, 1);
  const sporkle_status invalid = SPORKLE_ERROR_INVALID_ARGUMENT;
  const sporkle_context c = world.context;
  const uint32_t d = world.device;
  float *in = t.input, *we = t.weights, *bi = t.bias, *out = t.output;
  const float *odd = (const float *)(const void *)((const char *)in + 1);
  expect_refused(invalid, "desc", sporkle_conv2d(c, d, NULL, in, we, bi, NULL, out, NULL));
  expect_refused(invalid, "input", sporkle_conv2d(c, d, &desc, NULL, we, bi, NULL, out, NULL));
  expect_refused(invalid, "weights", sporkle_conv2d(c, d, &desc, in, NULL, bi, NULL, out, NULL));
  expect_refused(invalid, "bias", sporkle_conv2d(c, d, &desc, in, we, NULL, NULL, out, NULL));
  expect_refused(invalid, "output", sporkle_conv2d(c, d, &desc, in, we, bi, NULL, NULL, NULL));
  expect_refused(invalid, "residual", sporkle_conv2d(c, d, &desc, in, we, bi, in, out, NULL));
  expect_refused(invalid, "input", sporkle_conv2d(c, d, &desc, odd, we, bi, NULL, out, NULL));
  expect_refused(invalid, "weights", sporkle_conv2d(c, d, &desc, in, odd, bi, NULL, out, NULL));
  expect_refused(invalid, "output", sporkle_conv2d(c, d, &desc, in, we, bi, NULL, in, NULL));
  expect_refused(invalid, "output", sporkle_conv2d(c, d, &desc, in, we, bi, NULL, we, NULL));
  expect_refused(invalid, "output", sporkle_conv2d(c, d, &desc, in, we, bi, NULL, bi, NULL));
  float *last = in + t.info.input_size / 4 - 1;
  expect_refused(invalid, "output", sporkle_conv2d(c, d, &desc, in, we, bi, NULL, last, NULL));
  desc.flags = SPORKLE_CONV2D_RESIDUAL;
  expect_refused(invalid, "bias", sporkle_conv2d(c, d, &desc, in, we, bi, in, out, NULL));
  expect_refused(invalid, "residual", sporkle_conv2d(c, d, &desc, in, we, NULL, NULL, out, NULL));
  expect_refused(invalid, "output",
                 sporkle_conv2d(c, d, &desc, in, we, NULL, out + 1, out, NULL));
  expect_refused(invalid, "device", sporkle_conv2d(c, 77, &desc, in, we, NULL, in, out, NULL));
  assert_true(tensors_untouched(&t));
  tensors_free(&t);
  world_check_usable(&world);
  world_close(&world);
}

GROUP(group_bad_input, "bad_input", cmocka_unit_test(bad_sizes),
      cmocka_unit_test(overflow_of_products), cmocka_unit_test(extreme_strides_and_paddings),
      cmocka_unit_test(bad_modes), cmocka_unit_test(bad_tensors))
