// The 52 convolutions of ResNet-50 behind its pooling layer as one sequence:
// one submission, one fence, the outputs of float64 step by step.
//
//   sequence_resnet50 DEVICE WIDTH PLANE
//
// 64 and 56 are the network's own; narrower and smaller ones keep software
// drivers within seconds.
#include <stdlib.h>
#include <string.h>

#include "sequence/chain.h"

static int64_t width, plane;

static sporkle_buffer make_buffer(Chain *c, uint64_t size, const float *content) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = c->world.device;
  desc.size = size;
  sporkle_buffer buffer = NULL;
  void *data = NULL;
  expect_ok(sporkle_buffer_create(c->world.context, &desc, &buffer));
  expect_ok(sporkle_buffer_data(buffer, &data));
  if (content) memcpy(data, content, size);
  else memset(data, 0xff, size);
  expect_ok(sporkle_buffer_flush(buffer, 0, size));
  return buffer;
}

static void one_submission(void **state) {
  (void)state;
  Chain c;
  assert_true(network_resnet50(&c.network, 1, width, plane));
  assert_int_equal(c.network.count, NETWORK_RESNET50);
  chain_open(&c, NULL);
  chain_want(&c);
  sporkle_plan_bindings b = SPORKLE_PLAN_BINDINGS_INIT;
  b.input.buffer = make_buffer(&c, c.input_size, c.input);
  b.output.buffer = make_buffer(&c, c.output_size, NULL);
  const sporkle_stats before = world_stats(&c.world);
  sporkle_fence fence = NULL;
  expect_ok(sporkle_plan_submit(c.plan, &b, &fence));
  expect_ok(sporkle_fence_wait(fence, SPORKLE_TIMEOUT_INFINITE));
  const sporkle_stats after = world_stats(&c.world);
  assert_int_equal(after.submits - before.submits, 1);
  assert_int_equal(after.fences_created - before.fences_created, 1);
  assert_int_equal(after.cpu_copied_bytes - before.cpu_copied_bytes, 0);
  void *data = NULL;
  expect_ok(sporkle_buffer_invalidate(b.output.buffer, 0, c.output_size));
  expect_ok(sporkle_buffer_data(b.output.buffer, &data));
  memcpy(c.output, data, c.output_size);
  chain_check(&c);
  expect_ok(sporkle_fence_destroy(fence));
  expect_ok(sporkle_buffer_destroy(b.input.buffer));
  expect_ok(sporkle_buffer_destroy(b.output.buffer));
  // The same through ordinary memory.
  chain_run(&c);
  chain_check(&c);
  assert_int_equal(world_stats(&c.world).conv2d_calls - after.conv2d_calls, NETWORK_RESNET50);
  chain_close(&c);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  width = strtol(argv[2], NULL, 10);
  plane = strtol(argv[3], NULL, 10);
  test_device_select(argc, argv);
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_submission)};
  if (cmocka_run_group_tests_name("sequence_resnet50", tests, NULL, NULL)) return 1;
  printf("52 convolutions in one submission with one fence, within 1e-5 of float64 step by step\n");
  return 0;
}
