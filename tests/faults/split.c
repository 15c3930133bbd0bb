// Synchronous calls whose batch is split by predicted times, on the virtual GPU
// posing as a card.

#include "faults/control.h"

static struct {
  void (*set_cost)(uint64_t fixed_ns, uint64_t per_group_ns);
  void (*forget)(void);
  uint64_t (*queued)(void), (*hazards)(void), (*stray_accesses)(void);
} gpu;

static void load_gpu(void) {
  gpu_take("gpu_set_cost", &gpu.set_cost);
  gpu_take("gpu_forget", &gpu.forget);
  gpu_take("gpu_queued", &gpu.queued);
  gpu_take("gpu_hazards", &gpu.hazards);
  gpu_take("gpu_stray_accesses", &gpu.stray_accesses);
}

typedef struct Scene {
  World world;
  Tensors tensors;
} Scene;

static void open_scene(Scene *scene) {
  load_gpu();
  world_open_gl(&scene->world, "renderer=virtual card*", false);
  gpu.set_cost(2000000, 0);
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_desc_set(&desc, 8, 16, 128, 128, 4, 3, 4, 1);  // 8 MiB to copy
  desc.flags = SPORKLE_CONV2D_BIAS;
  tensors_make(&scene->tensors, &desc, 11);
}

static void close_scene(Scene *scene) {
  tensors_free(&scene->tensors);
  assert_int_equal(gpu.hazards(), 0);
  assert_int_equal(gpu.stray_accesses(), 0);
  world_close_gl(&scene->world);
}

// Dispatches of one call, whose output is checked.
static uint64_t dispatches(Scene *scene) {
  gpu.forget();
  tensors_clear_output(&scene->tensors);
  expect_ok(tensors_conv2d(&scene->tensors, scene->world.context, scene->world.device));
  tensors_check(&scene->tensors, scene->tensors.output);
  return gpu.queued();
}

static void teach(Scene *scene) {
  uint64_t count = 0;
  for (int i = 0; i < 8 && count < 2; ++i) count = dispatches(scene);
  assert_true(count >= 2);
}

// The first prediction is of a few microseconds; what was seen is milliseconds.
static void split_once_it_pays(void **state) {
  (void)state;
  Scene scene;
  open_scene(&scene);
  // The kernel is verified by one image when the plan is made.
  assert_int_equal(dispatches(&scene), 2);
  teach(&scene);
  const sporkle_stats before = world_stats(&scene.world);
  const uint64_t count = dispatches(&scene);
  assert_in_range(count, 2, 8);
  const sporkle_stats after = world_stats(&scene.world);
  const sporkle_conv2d_info *info = &scene.tensors.info;
  assert_int_equal(after.cpu_copied_bytes - before.cpu_copied_bytes,
                   info->input_size + info->output_size);
  assert_int_equal(after.conv2d_calls - before.conv2d_calls, 1);
  printf("faults split: 8 images in %llu pieces\n", (unsigned long long)count);
  close_scene(&scene);
}

// Whatever fails at whichever piece: the output stays as it was.
static void failures_in_the_middle(void **state) {
  (void)state;
  static const char *const faults[] = {"lost", "dispatch-memory", "copy-error", "null-sync"};
  Scene scene;
  open_scene(&scene);
  int failed = 0;
  for (size_t i = 0; i < COUNT_OF(faults); ++i) {
    for (int call = 0; call < 4; ++call) {
      teach(&scene);
      char text[32];
      snprintf(text, sizeof text, "%s@%d", faults[i], call);
      plan_faults(text);
      tensors_clear_output(&scene.tensors);
      const sporkle_status status =
          tensors_conv2d(&scene.tensors, scene.world.context, scene.world.device);
      control.clear();
      if (status == SPORKLE_OK) {
        tensors_check(&scene.tensors, scene.tensors.output);
        continue;  // a completion word's dispatch: the sync object is the proof
      }
      ++failed;
      if (!tensors_untouched(&scene.tensors)) fail_msg("%s: the output was written", text);
    }
  }
  assert_true(failed >= 8);
  close_scene(&scene);
}

const struct CMUnitTest split_tests[] = {cmocka_unit_test(split_once_it_pays),
                                         cmocka_unit_test(failures_in_the_middle)};
const size_t split_test_count = COUNT_OF(split_tests);
