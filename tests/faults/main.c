// Faults of the OpenGL driver, made by the libEGL in provider/: faults GROUP [TEST].
#include "faults/control.h"

static const struct {
  const char *name;
  const struct CMUnitTest *tests;
  const size_t *count;
} groups[] = {
    {"sync", sync_tests, &sync_test_count},       {"reset", reset_tests, &reset_test_count},
    {"memory", memory_tests, &memory_test_count}, {"start", start_tests, &start_test_count},
    {"word", word_tests, &word_test_count},       {"walk", walk_tests, &walk_test_count},
    {"virtual", virtual_tests, &virtual_test_count}, {"hang", hang_tests, &hang_test_count},
    {"every", every_tests, &every_test_count}, {"split", split_tests, &split_test_count},
    {"retry", retry_tests, &retry_test_count}, {"beside", beside_tests, &beside_test_count},
    {"tune", tune_tests, &tune_test_count},       {"store", store_tests, &store_test_count},
};

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  control_load();
  for (size_t i = 0; i < COUNT_OF(groups); ++i) {
    if (argc < 2 || strcmp(groups[i].name, argv[1]) != 0) continue;
    if (argc > 2) cmocka_set_test_filter(argv[2]);
    const int failed =
        _cmocka_run_group_tests(argv[1], groups[i].tests, *groups[i].count, NULL, NULL);
    printf("faults %s: %s\n", argv[1], failed == 0 ? "checked" : "FAILED");
    return failed;
  }
  printf("usage: faults sync|reset|memory|start|word|walk|virtual|hang|every|split|retry|beside|tune|store [TEST]\n");
  return 2;
}
