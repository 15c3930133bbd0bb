/* Which OpenGL device is taken: order, names, filters. */
#include "gl/gl_shim.h"
#include "gl/fake_tree.h"
#include "support/test.h"

static const shim_candidate node[] = {
    {.software = 1, .kind = 0, .cuda_index = -1, .name = "llvmpipe (LLVM 15)"},
    {.kind = 2, .cuda_index = -1, .name = "Mesa Intel(R) UHD", .pci = "0000:00:02.0"},
    {.nvidia = 1, .kind = 1, .cuda_index = 1, .name = "NVIDIA H200/PCIe/SSE2",
     .pci = "0000:65:00.0", .uuid = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"},
    {.nvidia = 1, .kind = 1, .cuda_index = 0, .name = "NVIDIA A2/PCIe/SSE2",
     .pci = "0000:17:00.0", .uuid = "GPU-00112233-4455-6677-8899-aabbccddeeff"},
    {.kind = 0, .cuda_index = -1, .name = "strange card"},
};

static void hardware_comes_first(void **state) {
  (void)state;
  uint32_t order[COUNT_OF(node)];
  shim_order(node, COUNT_OF(node), order);
  static const uint32_t want[] = {2, 3, 4, 1, 0};
  for (size_t i = 0; i < COUNT_OF(node); ++i) assert_int_equal(order[i], want[i]);
}

/* The wishes below are about the candidates in this order. */
static int choose(const char *wish, int64_t rank, int *asked, char *reason) {
  const shim_candidate ordered[] = {node[2], node[3], node[4], node[1], node[0]};
  return shim_choose(ordered, COUNT_OF(ordered), wish, rank, asked, reason);
}

static void every_kind_of_wish(void **state) {
  (void)state;
  static const struct {
    const char *wish;
    int64_t rank;
    int want;
  } cases[] = {
      {"auto", -1, 0},          {"", -1, 0},
      {"1", -1, 1},             {"4", -1, 4},
      {"0000:17:00.0", -1, 1},  {"17:00.0", -1, 1},
      {"pci:65:00.0", -1, 0},   {"GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", -1, 0},
      {"gpu-00112233", -1, 1},  {"8932F937-D72C", -1, 0},
      {"h200", -1, 0},          {"intel", -1, 3},
      {"software", -1, 4},      {"llvmpipe", -1, 4},
      {"local-rank", 0, 0},     {"local-rank", 5, 1},
  };
  char reason[256];
  int asked = 0;
  for (size_t i = 0; i < COUNT_OF(cases); ++i) {
    const int got = choose(cases[i].wish, cases[i].rank, &asked, reason);
    if (got != cases[i].want) fail_msg("\"%s\" gave %d", cases[i].wish, got);
    assert_int_equal(asked, i >= 2);
  }
}

static void wishes_that_name_nothing(void **state) {
  (void)state;
  char reason[256];
  int asked = 0;
  for (const char *const *wish = (const char *const[]){"5", "99999999999999999999", "0000:99:00.0",
                                                       "GPU-ffffffff", "voodoo", "GPU-", "7:00.0",
                                                       NULL};
       *wish != NULL; ++wish) {
    if (choose(*wish, -1, &asked, reason) != -1) fail_msg("\"%s\" names a device", *wish);
    assert_non_null(strstr(reason, *wish));
    assert_non_null(strstr(reason, "H200"));
  }
  assert_int_equal(choose("local-rank", -1, &asked, reason), -1);
  assert_non_null(strstr(reason, "MPI"));
}

static void local_rank_on_a_software_machine(void **state) {
  (void)state;
  char reason[256];
  int asked = 0;
  assert_int_equal(shim_choose(node, 1, "local-rank", 3, &asked, reason), 0);
}

static void cuda_visible_devices_filters_nvidia(void **state) {
  (void)state;
  const shim_candidate *h200 = &node[2];
  static const struct {
    const char *list;
    int visible;
  } cases[] = {
      {NULL, 1},   {"1", 1},     {"0,1", 1},          {"0", 0},
      {"", 0},     {"-1", 0},    {"-1,1", 0},         {"NoDevFiles", 0},
      {"10", 0},   {" 1 ", 1},   {"GPU-8932f937", 1}, {"GPU-00112233", 0},
      {"0,GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", 1},
  };
  for (size_t i = 0; i < COUNT_OF(cases); ++i) {
    const int got = shim_visible_to_cuda(h200, cases[i].list);
    if (got != cases[i].visible) fail_msg("\"%s\" gave %d", cases[i].list, got);
  }
  assert_true(shim_visible_to_cuda(&node[1], "0"));
  assert_true(shim_visible_to_cuda(&node[0], ""));
}

static void cards_are_told_apart_by_the_pci_tree(void **state) {
  (void)state;
  FakeTree tree;
  fake_tree_create(&tree);
  fake_file(&tree, "sys/bus/pci/devices/0000:65:00.0/vendor", "0x10de\n");
  fake_file(&tree, "sys/bus/pci/devices/0000:0c:00.0/vendor", "0x1002\n");
  fake_file(&tree, "sys/bus/pci/devices/0000:0c:00.2/vendor", "0x1022\n");
  fake_file(&tree, "sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n");
  fake_file(&tree, "sys/bus/pci/devices/0000:00:06.0/vendor", "0x10de\n");
  fake_file(&tree, "proc/driver/nvidia/gpus/0000:65:00.0/information",
            "Model: \t\t NVIDIA H200\nGPU UUID: \t GPU-8932f937-d72c-4106-c12f-20bd9faed9f6\n");
  assert_int_equal(shim_kind_of_pci(tree.root, "0000:65:00.0"), 1);
  assert_int_equal(shim_kind_of_pci(tree.root, "0000:0c:00.0"), 2);
  assert_int_equal(shim_kind_of_pci(tree.root, "0000:00:02.0"), 2);
  assert_int_equal(shim_kind_of_pci(tree.root, "0000:00:06.0"), 1); /* a virtual machine's */
  assert_int_equal(shim_kind_of_pci(tree.root, "rubbish"), 0);
  char pci[16] = "";
  assert_true(shim_pci_of_uuid(tree.root, "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", pci));
  assert_string_equal(pci, "0000:65:00.0");
  assert_false(shim_pci_of_uuid(tree.root, "GPU-0", pci));
  fake_tree_remove(&tree);
}

static void only_dependent_accesses_need_a_barrier(void **state) {
  (void)state;
  shim_hazards *h = shim_hazards_create();
  assert_false(shim_hazards_add(h, 1, 0, 64, 0));
  assert_false(shim_hazards_add(h, 1, 0, 64, 0));    /* two readers */
  assert_false(shim_hazards_add(h, 2, 0, 64, 1));    /* another buffer */
  assert_false(shim_hazards_add(h, 2, 64, 128, 1));  /* next to it */
  assert_true(shim_hazards_add(h, 2, 0, 4, 0));      /* reads what was written */
  assert_true(shim_hazards_add(h, 2, 0, 64, 1));     /* overwrites what is read */
  assert_true(shim_hazards_add(h, 2, 60, 68, 1));    /* overwrites what was written */
  assert_false(shim_hazards_add(h, 1, 0, 64, 1));    /* forgotten by the barrier */
  int barriers = 0;
  for (uint32_t i = 0; i < 1000; ++i) barriers += shim_hazards_add(h, 100 + i, 0, 64, 1);
  assert_in_range(barriers, 3, 4); /* a full table is emptied by a barrier */
  shim_hazards_destroy(h);
}

static void what_has_ended_is_only_made_visible(void **state) {
  (void)state;
  shim_hazards *h = shim_hazards_create();
  for (int i = 0; i < 1000; ++i) {
    assert_false(shim_hazards_add(h, 1, 0, 64, 0));   /* overwritten by nobody */
    assert_false(shim_hazards_add(h, 2, 0, 64, 1));   /* overwrites what has ended */
    shim_hazards_all_ended(h);                        /* and keeps it once */
  }
  assert_false(shim_hazards_add(h, 1, 0, 64, 1));     /* overwrites what was read */
  assert_true(shim_hazards_add(h, 1, 0, 64, 0));      /* which has not ended */
  assert_false(shim_hazards_add(h, 2, 0, 64, 0));     /* forgotten by the barrier */
  assert_true(shim_hazards_add(h, 2, 0, 64, 1));
  shim_hazards_all_ended(h);
  assert_true(shim_hazards_add(h, 2, 60, 64, 0));     /* reads what was written */
  shim_hazards_destroy(h);
}

static void a_barrier_among_accesses_orders_those_before(void **state) {
  (void)state;
  shim_hazards *h = shim_hazards_create();
  shim_hazards_add(h, 1, 0, 64, 1);
  shim_hazards_all_ended(h);
  shim_hazards_add(h, 2, 0, 64, 1);
  const uint32_t earlier = shim_hazards_mark(h);
  assert_false(shim_hazards_add(h, 3, 0, 64, 1));
  shim_hazards_ordered(h, earlier);
  assert_false(shim_hazards_add(h, 1, 0, 64, 0)); /* ordered, and visible */
  assert_false(shim_hazards_add(h, 2, 0, 64, 1));
  assert_true(shim_hazards_add(h, 3, 0, 64, 0));  /* may have come behind the barrier */
  shim_hazards_destroy(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hardware_comes_first),
      cmocka_unit_test(every_kind_of_wish),
      cmocka_unit_test(wishes_that_name_nothing),
      cmocka_unit_test(local_rank_on_a_software_machine),
      cmocka_unit_test(cuda_visible_devices_filters_nvidia),
      cmocka_unit_test(cards_are_told_apart_by_the_pci_tree),
      cmocka_unit_test(only_dependent_accesses_need_a_barrier),
      cmocka_unit_test(what_has_ended_is_only_made_visible),
      cmocka_unit_test(a_barrier_among_accesses_orders_those_before),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("selection checked: device order, SPORKLE_GL_DEVICE, CUDA_VISIBLE_DEVICES, barriers\n");
  return failed;
}
