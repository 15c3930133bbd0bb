// Allocations, mappings, copies and dispatches that fail.
#include <dirent.h>
#include <unistd.h>

#include "faults/control.h"
#include "tools/network.h"

static sporkle_buffer_desc buffer_desc(const World *world) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = world->device;
  desc.size = 1 << 20; // too large to share an object
  return desc;
}

static void no_memory_for_a_buffer(void **state) {
  (void)state;
  World world;
  world_open_gl(&world, NULL, false);
  const int64_t before = settled_objects();
  plan_faults("no-memory*");
  const sporkle_buffer_desc desc = buffer_desc(&world);
  sporkle_buffer buffer = NULL;
  expect_refused(SPORKLE_ERROR_OUT_OF_MEMORY, "size",
                 sporkle_buffer_create(world.context, &desc, &buffer));
  assert_null(buffer);
  assert_true(control.struck("no-memory") > 0);
  expect_no_more_objects(before);
  control.clear();
  expect_ok(sporkle_buffer_create(world.context, &desc, &buffer));
  expect_ok(sporkle_buffer_destroy(buffer));
  world_check_usable(&world);
  world_close_gl(&world);
}

// A size that can never be is refused before idle memory is given back for it.
static void an_impossible_size_costs_no_idle_memory(void **state) {
  (void)state;
  World world;
  world_open_gl(&world, NULL, false);
  sporkle_buffer_desc desc = buffer_desc(&world);
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world.context, &desc, &buffer));
  expect_ok(sporkle_buffer_destroy(buffer));
  const int64_t idle = settled_objects();
  const uint64_t mapped = world_stats(&world).mapped_bytes;
  desc.size = (uint64_t)1 << 46;
  expect_refused(SPORKLE_ERROR_OUT_OF_MEMORY, "size",
                 sporkle_buffer_create(world.context, &desc, &buffer));
  assert_int_equal(settled_objects(), idle);
  assert_int_equal(world_stats(&world).mapped_bytes, mapped);
  world_close_gl(&world);
}

static void no_memory_for_a_plan(void **state) {
  (void)state;
  World world;
  world_open_gl(&world, NULL, false);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 4);
  plan_faults("no-memory*");
  sporkle_plan plan = NULL;
  expect_status(SPORKLE_ERROR_OUT_OF_MEMORY,
                sporkle_plan_create(world.context, world.device, &problem, t.weights, t.bias,
                                    &plan));
  control.clear();
  expect_ok(tensors_conv2d(&t, world.context, world.device));
  tensors_check(&t, t.output);
  tensors_free(&t);
  world_close_gl(&world);
}

// Weights that the device transforms: a refused dispatch leaves none, and no plan takes that
// for weights.
static void no_memory_for_packing(void **state) {
  (void)state;
  World world;
  setenv("SPORKLE_GL_KERNEL", "w2_128x16x16_4x4_l16_p2_k2", 1);
  world_open_gl(&world, NULL, false);
  unsetenv("SPORKLE_GL_KERNEL");
  sporkle_conv2d_desc problem = small_problem();
  sporkle_conv2d_desc_set(&problem, 1, 32, 12, 12, 32, 3, 1, 1);
  Tensors t;
  tensors_make(&t, &problem, 4);
  sporkle_plan plan = NULL;
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  const sporkle_status able =
      sporkle_plan_create(world.context, world.device, &problem, t.weights, t.bias, &plan);
  if (able == SPORKLE_OK) {
    expect_ok(sporkle_plan_describe(plan, &info));
    expect_ok(sporkle_plan_destroy(plan));
  }
  const bool packs = strncmp(info.algorithm, "w2_", 3) == 0;
  if (packs) {
    plan_faults("dispatch-memory");
    expect_status(SPORKLE_ERROR_OUT_OF_MEMORY,
                  sporkle_plan_create(world.context, world.device, &problem, t.weights, t.bias,
                                      &plan));
    assert_int_equal(control.struck("dispatch-memory"), 1);
    control.clear();
    expect_ok(tensors_conv2d(&t, world.context, world.device));
    tensors_check(&t, t.output);
  }
  tensors_free(&t);
  world_close_gl(&world);
  if (packs) return;
  print_message("the virtual GPU links no kernel whose weights are transformed\n");
  skip();
}

// Each allocation on the way of a plan and its first run fails in turn. Either the status says
// so or another kernel is taken, which needs less; no plan computes with weights that never
// arrived. How many of either, and the kernel that is usual.
typedef struct Refusals {
  int failures, replaced;
  char usual[64];
} Refusals;

static Refusals fail_each_allocation(const char *configuration,
                                     const sporkle_conv2d_desc *problem) {
  World world;
  world_open_gl(&world, configuration, false);
  Tensors t;
  tensors_make(&t, problem, 4);
  Refusals seen = {0, 0, ""};
  bool struck = true;
  for (int call = -1; struck; ++call) {
    char text[32];
    snprintf(text, sizeof text, "no-memory@%d", call);
    if (call >= 0) plan_faults(text);
    sporkle_plan plan = NULL;
    sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
    sporkle_status status = sporkle_plan_create(world.context, world.device, problem, t.weights,
                                                t.bias, &plan);
    if (status == SPORKLE_OK) {
      expect_ok(sporkle_plan_describe(plan, &info));
      status = sporkle_plan_run(plan, t.input, t.residual, t.output, NULL);
    }
    if (call < 0) snprintf(seen.usual, sizeof seen.usual, "%s", info.algorithm);
    struck = call < 0 || control.struck("no-memory") > 0;
    control.clear();
    assert_true(status == SPORKLE_OK || (struck && status == SPORKLE_ERROR_OUT_OF_MEMORY));
    if (status == SPORKLE_OK) tensors_check(&t, t.output);
    seen.failures += status != SPORKLE_OK;
    seen.replaced += status == SPORKLE_OK && strcmp(info.algorithm, seen.usual) != 0;
    if (plan != NULL) expect_ok(sporkle_plan_destroy(plan));
  }
  tensors_free(&t);
  world_close_gl(&world);
  printf("%s: %d allocations refused with a status, %d answered by another kernel\n", seen.usual,
         seen.failures, seen.replaced);
  return seen;
}

// Where the GPU has memory of its own, weights go there by a copy.
static void no_memory_for_weights(void **state) {
  (void)state;
  const sporkle_conv2d_desc problem = small_problem();
  const Refusals seen = fail_each_allocation("renderer=Test card*", &problem);
  assert_true(seen.failures + seen.replaced > 0);
}

// Winograd with its scratch memory gives way to a kernel that needs none.
static void no_memory_for_a_workspace(void **state) {
  (void)state;
  sporkle_conv2d_desc problem = small_problem();
  sporkle_conv2d_desc_set(&problem, 1, 32, 28, 28, 32, 3, 1, 1);
  const Refusals seen = fail_each_allocation(NULL, &problem);
  if (seen.usual[0] != 'w') skip(); /* the virtual GPU has direct kernels only */
  assert_true(seen.replaced > 0);
}

// Bytes of the two workspaces of a device for operations that need so many.
static uint64_t workspaces_of(uint64_t bytes) { return 2 * ((bytes + 63) / 64 * 64); }

// A plan that is made has taken all that it needs; one that is refused, or a kernel that gave
// way, leaves nothing.
static void refused_plans_keep_no_workspace(void **state) {
  (void)state;
  World world;
  world_open_gl(&world, NULL, false);
  sporkle_conv2d_desc problem = small_problem();
  sporkle_conv2d_desc_set(&problem, 1, 32, 28, 28, 32, 3, 1, 1);
  Tensors t;
  tensors_make(&t, &problem, 4);
  uint64_t taken = world_stats(&world).workspace_bytes, last = 0;
  bool struck = true;
  for (int call = 0; struck; ++call) {
    char text[32];
    snprintf(text, sizeof text, "no-memory@%d*2", call);  // the second attempt too
    plan_faults(text);
    sporkle_plan plan = NULL;
    sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
    const sporkle_status status = sporkle_plan_create(world.context, world.device, &problem,
                                                      t.weights, t.bias, &plan);
    struck = control.struck("no-memory") > 0;
    control.clear();
    assert_true(status == SPORKLE_OK || (struck && status == SPORKLE_ERROR_OUT_OF_MEMORY));
    if (status == SPORKLE_OK) expect_ok(sporkle_plan_describe(plan, &info));
    if (status == SPORKLE_OK) expect_ok(sporkle_plan_destroy(plan));
    last = workspaces_of(info.workspace_bytes);
    if (last > taken) taken = last;
    assert_int_equal(world_stats(&world).workspace_bytes, taken);
  }
  tensors_free(&t);
  world_close_gl(&world);
  if (last == 0) skip(); /* the virtual GPU has direct kernels only */
}

static void sequences_take_their_workspace(void **state) {
  (void)state;
  World world;
  world_open_gl(&world, NULL, false);
  const uint64_t before = world_stats(&world).workspace_bytes;
  Network network;
  sporkle_conv2d_desc problem = small_problem();
  sporkle_conv2d_desc_set(&problem, 1, 32, 28, 28, 32, 3, 1, 1);
  assert_true(network_begin(&network, 2));
  assert_true(network_add(&network, &problem, 0, SPORKLE_SEQUENCE_NONE));
  assert_true(network_add(&network, &problem, 1, SPORKLE_SEQUENCE_NONE));
  sporkle_plan plan = NULL;
  sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
  expect_ok(sporkle_plan_sequence(world.context, world.device, network.sequence, network.count,
                                  &plan));
  expect_ok(sporkle_plan_describe(plan, &info));
  const uint64_t needed = workspaces_of(info.workspace_bytes);
  assert_true(needed > before);
  assert_int_equal(world_stats(&world).workspace_bytes, needed);
  expect_ok(sporkle_plan_destroy(plan));
  network_free(&network);
  world_close_gl(&world);
}

static int tuned_choices(const char *directory, bool remove) {
  int count = 0;
  DIR *dir = opendir(directory);
  assert_non_null(dir);
  for (const struct dirent *item; (item = readdir(dir)) != NULL;) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, item->d_name);
    count += strncmp(item->d_name, "gltune-", 7) == 0;
    if (remove && item->d_name[0] != '.') unlink(path);
  }
  closedir(dir);
  return count;
}

static sporkle_status plan_once(World *world, const Tensors *t) {
  sporkle_plan plan = NULL;
  const sporkle_status status = sporkle_plan_create(world->context, world->device, &t->desc,
                                                    t->weights, t->bias, &plan);
  if (status == SPORKLE_OK) expect_ok(sporkle_plan_destroy(plan));
  return status;
}

// What is taken because there was no memory for the fastest is no choice for later.
static void a_shortage_is_not_remembered(void **state) {
  (void)state;
  World world;
  const char *driver = getenv("GALLIUM_DRIVER");
  if (driver != NULL && strcmp(driver, "zink") == 0) skip(); /* 11 s of compiling there */
  char directory[] = "/tmp/sporkle-shortage-XXXXXX";
  assert_non_null(mkdtemp(directory));
  control.clear();
  test_device = "gl";
  setenv("SPORKLE_TUNE", "on", 1);
  sporkle_context_desc desc = world_desc(&world);
  desc.cache_dir = directory;
  world_open_with(&world, &desc);
  unsetenv("SPORKLE_TUNE");
  // Opened to be looked at, a device goes back to sleep: a buffer opens it for good.
  const sporkle_buffer_desc small = buffer_desc(&world);
  sporkle_buffer buffer = NULL;
  expect_ok(sporkle_buffer_create(world.context, &small, &buffer));
  sporkle_conv2d_desc problem = small_problem();
  sporkle_conv2d_desc_set(&problem, 1, 32, 28, 28, 32, 3, 1, 1);
  Tensors t;
  tensors_make(&t, &problem, 4);
  // Behind the five allocations of the trial: both attempts to get memory for weights.
  plan_faults("no-memory@5*2");
  expect_ok(plan_once(&world, &t));
  control.clear();
  const bool refused = log_capture_contains(&world.log, "is not used: size: ");
  const int kept_then = tuned_choices(directory, false);
  expect_ok(plan_once(&world, &t));
  tensors_free(&t);
  expect_ok(sporkle_buffer_destroy(buffer));
  world_close_gl(&world);
  const int kept = tuned_choices(directory, true);
  assert_int_equal(rmdir(directory), 0);
  if (refused) assert_int_equal(kept_then, 0);
  printf("%s refused, then %d choices, %d in the end\n", refused ? "one kernel" : "no kernel",
         kept_then, kept);
  if (!refused || kept == 0) skip(); /* the virtual GPU times nothing, or mapped weights won */
}

// A reproducible plan keeps its kernel and takes fewer images at a time, or says that there is
// no memory: the bits are those of any other run.
static void no_memory_and_the_same_bits(void **state) {
  (void)state;
  World world;
  setenv("SPORKLE_REPRODUCIBLE", "on", 1);
  world_open_gl(&world, NULL, false);
  unsetenv("SPORKLE_REPRODUCIBLE");
  sporkle_conv2d_desc problem = small_problem();
  sporkle_conv2d_desc_set(&problem, 4, 32, 28, 28, 32, 3, 1, 1);
  Tensors t;
  tensors_make(&t, &problem, 4);
  enum { most = 16 };
  float *outputs[most];
  uint64_t workspaces[most];
  char algorithms[most][64];
  int count = 0, failures = 0, smaller = 0;
  bool struck = true;
  // The last run has all that it asks for.
  for (int call = 0; struck; ++call) {
    char text[32];
    snprintf(text, sizeof text, "no-memory@%d*2", call);  // the second attempt too
    plan_faults(text);
    sporkle_plan plan = NULL;
    sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
    const sporkle_status status = sporkle_plan_create(world.context, world.device, &problem,
                                                      t.weights, t.bias, &plan);
    struck = control.struck("no-memory") > 0;
    control.clear();
    failures += status != SPORKLE_OK;
    if (status != SPORKLE_OK) expect_status(SPORKLE_ERROR_OUT_OF_MEMORY, status);
    if (status != SPORKLE_OK) continue;
    assert_true(count < most);
    expect_ok(sporkle_plan_describe(plan, &info));
    expect_ok(sporkle_plan_run(plan, t.input, t.residual, t.output, NULL));
    expect_ok(sporkle_plan_destroy(plan));
    tensors_check(&t, t.output);
    outputs[count] = malloc(t.info.output_size);
    memcpy(outputs[count], t.output, t.info.output_size);
    workspaces[count] = info.workspace_bytes;
    snprintf(algorithms[count++], sizeof algorithms[0], "%s", info.algorithm);
  }
  const int last = count - 1;
  for (int i = 0; i < count; ++i) {
    assert_string_equal(algorithms[i], algorithms[last]);
    assert_memory_equal(outputs[i], outputs[last], t.info.output_size);
    smaller += workspaces[i] < workspaces[last];
  }
  printf("%s, reproducible: %d refusals, %d with less workspace\n", algorithms[last], failures,
         smaller);
  if (workspaces[last] > 0) assert_true(smaller > 0);
  for (int i = 0; i < count; ++i) free(outputs[i]);
  tensors_free(&t);
  world_close_gl(&world);
}

// One operation fails alone.
static void no_memory_for_a_dispatch(void **state) {
  (void)state;
  World world;
  world_open_gl(&world, NULL, false);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 5);
  expect_ok(job_run(&job));
  job_end_fence(&job);
  plan_faults("dispatch-memory");
  expect_status(SPORKLE_ERROR_OUT_OF_MEMORY, job_run(&job));
  job_end_fence(&job);
  job_clear(&job);
  expect_ok(job_run(&job));
  job_check(&job);
  assert_int_equal(world_stats(&world).device_resets, 0);
  job_free(&job);
  world_close_gl(&world);
}

static void expect_right(World *world, uint64_t seed) {
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, world, &problem, seed);
  expect_ok(job_run(&job));
  job_check(&job);
  job_free(&job);
}

// A mapping that fails once costs coherence at most; one that fails for ever
// costs a status; from the start, it costs copies.
static void expect_mapping_fault(const char *once, const char *for_ever) {
  World world;
  world_open_gl(&world, NULL, false);
  plan_faults(once);
  expect_right(&world, 6);
  const int64_t before = settled_objects();
  plan_faults(for_ever);
  const sporkle_buffer_desc desc = buffer_desc(&world);
  sporkle_buffer buffer = NULL;
  expect_refused(SPORKLE_ERROR_OUT_OF_MEMORY, "size",
                 sporkle_buffer_create(world.context, &desc, &buffer));
  expect_no_more_objects(before);
  control.clear();
  expect_right(&world, 7);
  world_close_gl(&world);

  world_open_gl(&world, for_ever, false);
  expect_right(&world, 8);
  sporkle_buffer_info info = SPORKLE_BUFFER_INFO_INIT;
  expect_ok(sporkle_buffer_create(world.context, &desc, &buffer));
  expect_ok(sporkle_buffer_describe(buffer, &info));
  assert_int_equal(info.placement, SPORKLE_PLACEMENT_STAGING);
  expect_ok(sporkle_buffer_destroy(buffer));
  world_check_usable(&world);
  world_close_gl(&world);
}

static void null_map(void **state) {
  (void)state;
  expect_mapping_fault("null-map", "null-map*");
}

static void unaligned_map(void **state) {
  (void)state;
  expect_mapping_fault("unaligned-map=16", "unaligned-map=16*");
}

// Every call of a kind that moves tensors is struck in turn: no fence says OK
// over an output that is not there.
// With `flush_again` the input is flushed for each run, else once: what could
// not be moved then must not be forgotten.
static void expect_no_stale_output(const char *configuration, const char *fault,
                                   bool flush_again) {
  World world;
  world_open_gl(&world, configuration, false);
  const sporkle_conv2d_desc problem = small_problem();
  Job job;
  job_prepare(&job, &world, &problem, 9);
  int failures = 0;
  for (int call = 0; call < 20; ++call) {
    const Tensors *t = &job.tensors;
    char text[64];
    snprintf(text, sizeof text, "%s@%d", fault, call);
    plan_faults(text);
    if (flush_again) expect_ok(sporkle_buffer_flush(job.input, 0, t->info.input_size));
    job_clear(&job);
    sporkle_status status = job_run(&job);
    job_end_fence(&job);
    if (status == SPORKLE_OK) {
      status = sporkle_buffer_invalidate(job.output, 0, t->info.output_size);
    }
    const bool struck = control.struck(fault) > 0;
    control.clear();
    if (status == SPORKLE_OK) {
      expect_true(!struck, "%s: call %d was struck and nothing failed", fault, call);
      job_check(&job);
      break;
    }
    assert_int_equal(status, SPORKLE_ERROR_OUT_OF_MEMORY);
    ++failures;
  }
  assert_true(failures > 0);
  printf("%s: %d calls struck\n", fault, failures);
  job_free(&job);
  world_check_usable(&world);
  world_close_gl(&world);
}

static void copies_of_a_window(void **state) {
  (void)state;
  expect_no_stale_output("renderer=Test card*", "copy-error", false);
  expect_no_stale_output("renderer=Test card*", "copy-error", true);
}

static void copies_without_mapping(void **state) {
  (void)state;
  static const char configuration[] = "version=4.3*;missing-extension=GL_ARB_buffer_storage*";
  expect_no_stale_output(configuration, "read-error", true);
  expect_no_stale_output(configuration, "write-error", false);
  expect_no_stale_output(configuration, "write-error", true);
}

// The synchronous call reads its output back by itself.
static void copies_of_a_call(void **state) {
  (void)state;
  static const char *const names[] = {"read-error", "write-error"};
  World world;
  world_open_gl(&world, "version=4.3*;missing-extension=GL_ARB_buffer_storage*", false);
  const sporkle_conv2d_desc problem = small_problem();
  Tensors t;
  tensors_make(&t, &problem, 4);
  for (size_t i = 0; i < COUNT_OF(names); ++i) {
    int failures = 0;
    for (int call = 0; call < 10; ++call) {
      char text[32];
      snprintf(text, sizeof text, "%s@%d", names[i], call);
      plan_faults(text);
      tensors_clear_output(&t);
      const sporkle_status status = tensors_conv2d(&t, world.context, world.device);
      const bool struck = control.struck(names[i]) > 0;
      control.clear();
      assert_int_equal(status, struck ? SPORKLE_ERROR_OUT_OF_MEMORY : SPORKLE_OK);
      failures += struck;
      if (!struck) tensors_check(&t, t.output);
    }
    assert_true(failures > 0);
  }
  tensors_free(&t);
  world_check_usable(&world);
  world_close_gl(&world);
}

const struct CMUnitTest memory_tests[] = {
    cmocka_unit_test(no_memory_for_a_buffer), cmocka_unit_test(no_memory_for_a_plan),
    cmocka_unit_test(an_impossible_size_costs_no_idle_memory),
    cmocka_unit_test(no_memory_for_packing),
    cmocka_unit_test(no_memory_for_weights), cmocka_unit_test(no_memory_for_a_workspace),
    cmocka_unit_test(refused_plans_keep_no_workspace),
    cmocka_unit_test(sequences_take_their_workspace),
    cmocka_unit_test(a_shortage_is_not_remembered), cmocka_unit_test(no_memory_and_the_same_bits),
    cmocka_unit_test(no_memory_for_a_dispatch), cmocka_unit_test(null_map),
    cmocka_unit_test(unaligned_map), cmocka_unit_test(copies_of_a_window),
    cmocka_unit_test(copies_without_mapping), cmocka_unit_test(copies_of_a_call),
};
const size_t memory_test_count = COUNT_OF(memory_tests);
