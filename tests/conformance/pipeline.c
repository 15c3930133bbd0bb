#include "conformance/pipeline.h"

static sporkle_executor make_executor(World *world, const Tensors *t, uint32_t slots,
                                      uint32_t retries) {
  sporkle_executor_desc desc = SPORKLE_EXECUTOR_DESC_INIT;
  desc.device = world->device;
  desc.slot_count = slots;
  desc.retries = retries;
  desc.input_size = t->info.input_size;
  desc.output_size = t->info.output_size;
  if (t->residual) desc.residual_size = t->info.output_size;
  sporkle_executor executor = NULL;
  expect_ok(sporkle_executor_create(world->context, &desc, &executor));
  return executor;
}

static void open_with(Pipeline *p, uint32_t slots, bool residual, uint32_t retries) {
  world_open(&p->world);
  sporkle_conv2d_desc desc = small_problem();
  if (residual) desc.flags |= SPORKLE_CONV2D_RESIDUAL;
  tensors_make(&p->tensors, &desc, 3);
  expect_ok(sporkle_plan_create(p->world.context, p->world.device, &desc, p->tensors.weights,
                                p->tensors.bias, &p->plan));
  p->executor = make_executor(&p->world, &p->tensors, slots, retries);
}

void pipeline_open(Pipeline *p, uint32_t slots, bool residual) {
  open_with(p, slots, residual, 0);
}

void pipeline_open_retrying(Pipeline *p, uint32_t slots, uint32_t retries) {
  open_with(p, slots, false, retries);
}

void pipeline_close(Pipeline *p) {
  expect_ok(sporkle_executor_destroy(p->executor));
  tensors_free(&p->tensors);
  assert_int_equal(world_stats(&p->world).buffer_bytes, 0);
  world_close(&p->world);
}

void pipeline_fill(Pipeline *p, sporkle_slot *slot) {
  *slot = (sporkle_slot)SPORKLE_SLOT_INIT;
  expect_ok(sporkle_executor_acquire(p->executor, SPORKLE_TIMEOUT_INFINITE, slot));
  memcpy(slot->input, p->tensors.input, p->tensors.info.input_size);
  if (slot->residual) {
    memcpy(slot->residual, p->tensors.residual, p->tensors.info.output_size);
  }
  memset(slot->output, 0xff, slot->output_size);
}

sporkle_fence feed(Pipeline *p, sporkle_slot *slot) {
  pipeline_fill(p, slot);
  sporkle_fence fence = NULL;
  expect_ok(sporkle_executor_submit(p->executor, slot->index, p->plan, &fence));
  return fence;
}

void check_slot(const Pipeline *p, const sporkle_slot *slot) {
  const OracleError error = tensors_error(&p->tensors, slot->output);
  expect_true(error.rel_l2 <= REL_L2_LIMIT, "slot %u: error %g", slot->index, error.rel_l2);
}

sporkle_executor_info pipeline_info(const Pipeline *p) {
  sporkle_executor_info info = SPORKLE_EXECUTOR_INFO_INIT;
  expect_ok(sporkle_executor_describe(p->executor, &info));
  return info;
}

bool pipeline_is_staged(Pipeline *p) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = p->world.device;
  desc.size = p->tensors.info.output_size;
  desc.usage = SPORKLE_BUFFER_CPU_READ | SPORKLE_BUFFER_DEVICE_WRITE;
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(p->world.context, &desc, &buffer));
  sporkle_buffer_info info = SPORKLE_BUFFER_INFO_INIT;
  expect_ok(sporkle_buffer_describe(buffer, &info));
  expect_ok(sporkle_buffer_destroy(buffer));
  return info.placement == SPORKLE_PLACEMENT_STAGING;
}
