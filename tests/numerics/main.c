// numerics DEVICE [SHARE]: random, exact and large problems on one device. With
// SHARE n every n-th random problem is tried and no large one: drivers that
// compile each shader for a second would take many minutes.
#include <stdlib.h>

#include "numerics/check.h"
#include "numerics/problems.h"

enum { random_problems = 480 };

static int share = 1;

static void random_against_float64(void **state) {
  (void)state;
  World world;
  world_open(&world);
  Worst worst = {0};
  for (uint64_t i = 0; i < random_problems; i += (uint64_t)share) {
    const sporkle_conv2d_desc desc = numerics_problem(i);
    numerics_check(&world, &desc, i, (Route)(i % route_count), &worst);
  }
  printf("numerics on %s: %d random problems within relative L2 %g (%d refused); worst %.3g: %s\n",
         test_device, worst.checked, REL_L2_LIMIT, worst.refused, worst.rel_l2, worst.problem);
  assert_true(worst.checked >= 400 / share);
  world_close(&world);
}

static void integers_bit_by_bit(void **state) {
  (void)state;
  World world;
  world_open(&world);
  const int count = numerics_exact(&world);
  printf("numerics on %s: %d integer problems equal bit by bit (transforms: within tolerance)\n",
         test_device, count);
  assert_true(count >= 80);
  world_close(&world);
}

static void large_problems(void **state) {
  (void)state;
  if (test_device_is("null") || TEST_SANITIZED || share > 1) skip();  // would take minutes
  World world;
  world_open(&world);
  Worst worst = {0};
  numerics_large(&world, &worst);
  printf("numerics on %s: %d large problems; worst %.3g: %s\n", test_device, worst.checked,
         worst.rel_l2, worst.problem);
  world_close(&world);
}

int main(int argc, char **argv) {
  test_device_select(argc, argv);
  if (argc > 2) share = atoi(argv[2]);
  if (share < 1) return 2;
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_against_float64),
                                     cmocka_unit_test(integers_bit_by_bit),
                                     cmocka_unit_test(large_problems)};
  return cmocka_run_group_tests_name("numerics", tests, NULL, NULL) == 0 ? 0 : 1;
}
