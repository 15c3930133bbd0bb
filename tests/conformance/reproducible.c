// The reproducible option: the same bits for any number of threads and any
// split of the batch, with a cold and a warm cache.
#include "conformance/conformance.h"
#include "support/tensors.h"
#include "support/world.h"

typedef struct Shape {
  int64_t c, h, w, k;
  int32_t kernel, stride, pad;
} Shape;

// One per class of kernel; all large enough to be split among threads.
static const Shape shapes[] = {
    {64, 28, 28, 64, 3, 1, 1},   // 3x3, stride 1
    {256, 14, 14, 256, 3, 1, 1},  // small plane
    {32, 56, 56, 64, 1, 1, 0},   // pointwise
    {512, 7, 7, 256, 1, 1, 0},   // pointwise, small plane
    {32, 57, 55, 48, 3, 2, 1},   // stride
    {3, 97, 101, 33, 7, 2, 3},   // few channels
    {19, 31, 29, 13, 5, 1, 2},   // odd everything
};

static sporkle_conv2d_desc problem(const Shape *s, int64_t batch) {
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_desc_set(&desc, batch, s->c, s->h, s->w, s->k, s->kernel, s->stride, s->pad);
  desc.flags |= SPORKLE_CONV2D_BIAS | SPORKLE_CONV2D_RESIDUAL;
  desc.activation = SPORKLE_ACTIVATION_RELU;
  return desc;
}

static void open_reproducible(World *world, uint32_t threads, bool by_variable) {
  sporkle_context_desc desc = world_desc(world);
  desc.threads = threads;
  if (by_variable) {
    setenv("SPORKLE_REPRODUCIBLE", "on", 1);
  } else {
    desc.flags |= SPORKLE_CONTEXT_REPRODUCIBLE;
  }
  world_open_with(world, &desc);
  unsetenv("SPORKLE_REPRODUCIBLE");
}

// The whole batch at once, by a plan or by the one-call form.
static void run_whole(World *world, Tensors *t, bool by_plan) {
  tensors_clear_output(t);
  if (!by_plan) {
    expect_ok(tensors_conv2d(t, world->context, world->device));
    return;
  }
  sporkle_plan plan = NULL;
  expect_ok(sporkle_plan_create(world->context, world->device, &t->desc, t->weights, t->bias,
                                &plan));
  expect_ok(sporkle_plan_run(plan, t->input, t->residual, t->output, NULL));
  expect_ok(sporkle_plan_destroy(plan));
}

static void run_images(World *world, Tensors *t, const Shape *shape) {
  const sporkle_conv2d_desc one = problem(shape, 1);
  const size_t in = t->info.input_size / sizeof(float) / (size_t)t->desc.n;
  const size_t out = t->info.output_size / sizeof(float) / (size_t)t->desc.n;
  tensors_clear_output(t);
  for (size_t i = 0; i < (size_t)t->desc.n; ++i) {
    expect_ok(sporkle_conv2d(world->context, world->device, &one, t->input + i * in, t->weights,
                             t->bias, t->residual + i * out, t->output + i * out, NULL));
  }
}

static void expect_same(const Tensors *t, const float *want, const Shape *s, const char *how) {
  expect_true(memcmp(t->output, want, t->info.output_size) == 0,
              "%lldx%lldx%lld k%lld %dx%d s%d: other bits %s", (long long)s->c, (long long)s->h,
              (long long)s->w, (long long)s->k, s->kernel, s->kernel, s->stride, how);
}

static void same_bits(void **state) {
  (void)state;
  const size_t count = test_device_is("null") ? 1 : COUNT_OF(shapes);
  // Other devices do not compute on these threads.
  const uint32_t most_threads = test_device_is("cpu") ? 3 : 2;
  for (size_t i = 0; i < count; ++i) {
    Tensors t;
    const sporkle_conv2d_desc desc = problem(&shapes[i], 4);
    tensors_make(&t, &desc, i);
    float *want = malloc(t.info.output_size);
    for (uint32_t threads = 1; threads <= most_threads; ++threads) {
      World world;
      open_reproducible(&world, threads, threads == 2);
      run_whole(&world, &t, true);
      if (threads == 1) {
        tensors_check(&t, t.output);
        memcpy(want, t.output, t.info.output_size);
      }
      expect_same(&t, want, &shapes[i], "with other threads");
      run_whole(&world, &t, false);
      expect_same(&t, want, &shapes[i], "by one call");
      run_whole(&world, &t, false);
      expect_same(&t, want, &shapes[i], "from the plan cache");
      run_images(&world, &t, &shapes[i]);
      expect_same(&t, want, &shapes[i], "image by image");
      world_close(&world);
    }
    free(want);
    tensors_free(&t);
  }
}

GROUP(group_reproducible, "reproducible", cmocka_unit_test(same_bits))
