// A few problems of the size that people run: one checked in full, the others
// in samples of every image and channel.
#include "numerics/check.h"
#include "numerics/problems.h"

typedef struct LargeProblem {
  int64_t n, c, h, k, kernel, stride, padding, groups, dilation;
  int64_t samples;  // 0: every output
} LargeProblem;

static const LargeProblem problems[] = {
    {8, 64, 56, 128, 3, 1, 1, 1, 1, 0},      {2, 3, 224, 64, 7, 2, 3, 1, 1, 20000},
    {4, 256, 28, 512, 1, 1, 0, 1, 1, 20000}, {1, 512, 7, 512, 3, 1, 1, 1, 1, 5000},
    {4, 128, 56, 128, 3, 1, 1, 128, 1, 20000}, {2, 64, 56, 128, 1, 2, 0, 1, 1, 20000},
    {2, 32, 65, 32, 5, 1, 8, 2, 4, 20000},
};

static void check_one(World *world, const LargeProblem *p, Worst *worst) {
  sporkle_conv2d_desc desc;
  sporkle_conv2d_desc_set(&desc, p->n, p->c, p->h, p->h, p->k, p->kernel, p->stride, p->padding);
  desc.groups = p->groups;
  desc.dilation_h = desc.dilation_w = p->dilation;
  desc.flags = SPORKLE_CONV2D_BIAS;
  desc.activation = SPORKLE_ACTIVATION_RELU;
  char text[320];
  numerics_print(&desc, text, sizeof text);
  Tensors t;
  tensors_make(&t, &desc, 77);
  expect_ok(tensors_conv2d(&t, world->context, world->device));
  OracleError error;
  const OracleTensors tensors = {t.input, t.weights, t.bias, t.residual};
  if (p->samples == 0) error = tensors_error(&t, t.output);
  if (p->samples != 0) oracle_compare_sample(&desc, &tensors, t.output, p->samples, 3, &error);
  expect_true(error.rel_l2 <= REL_L2_LIMIT, "%s: relative L2 error %g, largest %g at %lld", text,
              error.rel_l2, error.max_abs, (long long)error.worst);
  expect_true(tensors_guards_intact(&t), "%s: written outside the output", text);
  ++worst->checked;
  if (error.rel_l2 > worst->rel_l2) {
    worst->rel_l2 = error.rel_l2;
    worst->max_abs = error.max_abs;
    memcpy(worst->problem, text, sizeof text);
  }
  tensors_free(&t);
}

void numerics_large(World *world, Worst *worst) {
  for (size_t i = 0; i < COUNT_OF(problems); ++i) check_one(world, &problems[i], worst);
}
