/* Kernels chosen by time: what is remembered, what is rejected, and damaged memory. */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gl/tuner_shim.h"
#include "support/folder.h"
#include "support/test.h"
#include "tools/oracle.h"
#include "tools/random.h"

enum { n = 2, c = 12, h = 10, k = 20, depth = c * 9 };

static float input[n * c * h * h], weights[k * depth], output[2][n * k * h * h];
static char directory[64];

static sporkle_conv2d_desc problem(void) {
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  desc.n = n;
  desc.c = c;
  desc.h = desc.w = h;
  desc.k = k;
  desc.kernel_h = desc.kernel_w = 3;
  desc.padding_top = desc.padding_left = desc.padding_bottom = desc.padding_right = 1;
  return desc;
}

static int setup(void **state) {
  (void)state;
  random_fill(input, COUNT_OF(input), 1);
  random_fill(weights, COUNT_OF(weights), 2);
  snprintf(directory, sizeof directory, "/tmp/sporkle-tuner-XXXXXX");
  return mkdtemp(directory) == NULL;
}

static int teardown(void **state) {
  (void)state;
  folder_empty(directory);
  return rmdir(directory);
}

/* A plan is made and run; the result is right. */
static void compute(shim_tuner *tuner, int slot, char algorithm[48]) {
  const sporkle_conv2d_desc desc = problem();
  const shim_tensors tensors = {input, weights, NULL, NULL, output[slot]};
  memset(output[slot], 0xff, sizeof output[slot]);
  assert_int_equal(shim_tuner_run(tuner, &desc, &tensors, algorithm), 0);
  const OracleTensors expected = {input, weights, NULL, NULL};
  OracleError error;
  assert_true(oracle_compare(&desc, &expected, output[slot], 1, NULL, &error));
  if (!(error.rel_l2 < 1e-5)) fail_msg("%s: relative error %g", algorithm, error.rel_l2);
}

static void one_process(const char *where, int spoil, const char *variant, char algorithm[48],
                        const char *warning) {
  shim_tuner *tuner = shim_tuner_open(where, 1, spoil, variant);
  if (tuner == NULL) skip();
  compute(tuner, 0, algorithm);
  if (warning != NULL) assert_true(shim_tuner_warnings(tuner, warning) >= 1);
  shim_tuner_close(tuner);
}

static void a_choice_is_remembered(void **state) {
  (void)state;
  char first[48], second[48];
  folder_empty(directory);
  one_process(directory, SHIM_NO_SPOIL, NULL, first, NULL);
  /* Another verified choice in its place: it is taken without timing. */
  assert_int_equal(shim_tuner_overwrite(directory, "direct_1x1 77\n"), 2);
  one_process(directory, SHIM_NO_SPOIL, NULL, second, NULL);
  assert_string_equal(second, "direct_1x1");
  printf("tuner: chose %s; took the remembered %s\n", first, second);
}

static void a_default_plan(const char *where, int choice, char algorithm[48]) {
  shim_tuner *tuner = shim_tuner_open(where, choice, SHIM_NO_SPOIL, NULL);
  if (tuner == NULL) skip();
  compute(tuner, 0, algorithm);
  shim_tuner_close(tuner);
}

/* A software driver tries nothing unasked, but takes what was searched for there. */
static void a_default_plan_takes_what_is_remembered(void **state) {
  (void)state;
  char algorithm[48], rule[48];
  folder_empty(directory);
  a_default_plan("off", SHIM_BY_RULE, rule);
  one_process(directory, SHIM_NO_SPOIL, NULL, algorithm, NULL);
  const char *other = strcmp(rule, "direct_1x1") == 0 ? "direct_8x4" : "direct_1x1";
  char content[64];
  snprintf(content, sizeof content, "%s 77\n", other);
  assert_int_equal(shim_tuner_overwrite(directory, content), 2);
  a_default_plan(directory, SHIM_BY_RULE, algorithm);
  assert_string_equal(algorithm, other);
  /* The bits that are promised do not depend on what the cache holds. */
  a_default_plan(directory, SHIM_REPRODUCIBLE, algorithm);
  a_default_plan("off", SHIM_REPRODUCIBLE, rule);
  assert_string_equal(algorithm, rule);
}

/* How many tuned choices are this one. */
static int entries_with(const char *content) {
  int found = 0;
  DIR *dir = opendir(directory);
  for (struct dirent *item; dir && (item = readdir(dir)) != NULL;) {
    char path[400], bytes[2048];
    if (strncmp(item->d_name, "gltune-", 7) != 0) continue;
    snprintf(path, sizeof path, "%s/%s", directory, item->d_name);
    FILE *file = fopen(path, "rb");
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    found += memmem(bytes, size, content, strlen(content)) != NULL;
  }
  if (dir) closedir(dir);
  return found;
}

static void damaged_memory_is_no_memory(void **state) {
  (void)state;
  static const char *const contents[] = {"", "\n", "no_such_kernel 5\n", "\377\376\375 1",
                                         "direct_1x1_with_a_very_long_name_that_fits_nowhere 1\n",
                                         "w4_64x64x8_8x8_l4_p4\0hidden"};
  char algorithm[48];
  for (size_t i = 0; i < COUNT_OF(contents); ++i) {
    folder_empty(directory);
    one_process(directory, SHIM_NO_SPOIL, NULL, algorithm, NULL);
    assert_int_equal(shim_tuner_overwrite(directory, contents[i]), 2);
    one_process(directory, SHIM_NO_SPOIL, NULL, algorithm, NULL);
  }
  /* A remembered kernel that does not take the problem is passed over and replaced. */
  assert_true(shim_tuner_overwrite(directory, "gemm_64x64x8_8x8_l4_p4 1\n") >= 1);
  one_process(directory, SHIM_NO_SPOIL, NULL, algorithm, NULL);
  assert_string_not_equal(algorithm, "gemm_64x64x8_8x8_l4_p4");
  assert_int_equal(entries_with("gemm_64x64x8_8x8_l4_p4"), 0);
  one_process("/proc/no-such-directory/cache", SHIM_NO_SPOIL, NULL, algorithm, NULL);
}

/* The choice of another driver version is none of this one's. */
static void a_driver_update_forgets(void **state) {
  (void)state;
  char algorithm[48];
  folder_empty(directory);
  one_process(directory, SHIM_NO_SPOIL, NULL, algorithm, NULL);
  assert_int_equal(shim_tuner_age(directory, "direct_1x1 1\n"), 2);
  one_process(directory, SHIM_NO_SPOIL, NULL, algorithm, NULL);
  assert_string_not_equal(algorithm, "direct_1x1");
  /* Measured anew and remembered beside the other's. */
  assert_int_equal(shim_tuner_overwrite(directory, "direct_1x1 1\n"), 4);
}

static bool needs_workspace(const char *name) {
  if (strncmp(name, "w2_fused", 8) == 0) return false;
  return name[0] == 'w' || strncmp(name, "f16", 3) == 0 || strstr(name, "_k") != NULL;
}

static void workspace_that_does_not_fit(void **state) {
  (void)state;
  sporkle_conv2d_desc desc = problem();
  desc.n = 8, desc.c = desc.k = 128, desc.h = desc.w = 56;
  const char *name = shim_rule_choice_within(&desc, UINT64_C(1) << 31, 0);
  assert_true(needs_workspace(name));
  uint32_t n = 0;
  for (; (name = shim_rule_choice_within(&desc, 65536, n)) != NULL; ++n) {
    if (needs_workspace(name)) fail_msg("%s fits 64 KiB of workspace", name);
  }
  assert_true(n > 0);
}

static void bad_candidates_are_rejected(void **state) {
  (void)state;
  static const struct { int how; const char *warning; } spoils[] = {
      {SHIM_SPOIL_COMPILE, "spoiled for a test"}, {SHIM_SPOIL_HANG, "does not end"}};
  const sporkle_conv2d_desc desc = problem();
  char algorithm[48];
  char fastest[48];
  folder_empty(directory);
  one_process(directory, SHIM_NO_SPOIL, NULL, fastest, NULL);
  for (size_t i = 0; i < COUNT_OF(spoils); ++i) {
    folder_empty(directory);
    one_process(directory, spoils[i].how, fastest, algorithm, spoils[i].warning);
    assert_string_not_equal(algorithm, fastest);
  }
  /* The fastest one computes wrongly: whichever it is, it is not taken. */
  /* It is verified only where it wins, and close candidates win by turns. */
  int rejected = 0;
  for (uint32_t i = 0; i < 60 && (i < 10 || rejected == 0); ++i) {
    const char *name = i % 2 == 0 ? fastest : shim_rule_choice(NULL, &desc, i % 10);
    folder_empty(directory);
    shim_tuner *tuner = shim_tuner_open(directory, 1, SHIM_SPOIL_RESULT, name);
    compute(tuner, 0, algorithm);
    assert_string_not_equal(algorithm, name);
    rejected += shim_tuner_warnings(tuner, "relative L2 error");
    shim_tuner_close(tuner);
    /* What was taken instead is remembered: the next process does not tune again. */
    assert_int_equal(shim_tuner_overwrite(directory, "direct_1x1 1\n"), 2);
  }
  assert_true(rejected >= 1);
}

/* Whether the tuner said that it does not use this kernel. */
static bool was_rejected(shim_tuner *tuner, const char *name) {
  char text[80];
  snprintf(text, sizeof text, "kernel %s is not used", name);
  return shim_tuner_warnings(tuner, text) != 0;
}

/* When every candidate fails, a kernel behind them is taken, for any problem another one than
 * those that failed before. */
static void what_was_rejected_is_not_taken(void **state) {
  (void)state;
  folder_empty(directory);
  shim_tuner *tuner = shim_tuner_open(directory, SHIM_BY_TIME, SHIM_SPOIL_HANG, "!");
  if (tuner == NULL) skip();
  sporkle_conv2d_desc desc = problem();
  int rejected = 0;
  for (int i = 0; i < 3; ++i, desc.w = --desc.h) {
    char algorithm[48];
    const shim_tensors tensors = {input, weights, NULL, NULL, output[0]};
    memset(output[0], 0xff, sizeof output[0]);
    assert_int_equal(shim_tuner_run(tuner, &desc, &tensors, algorithm), 0);
    if (was_rejected(tuner, algorithm)) fail_msg("%s failed and was taken", algorithm);
    const int before = rejected;
    rejected = shim_tuner_warnings(tuner, "does not end");
    assert_true(rejected >= before + 10);
    const OracleTensors expected = {input, weights, NULL, NULL};
    OracleError error;
    assert_true(oracle_compare(&desc, &expected, output[0], 1, NULL, &error));
    assert_true(error.rel_l2 < 1e-5);
  }
  shim_tuner_close(tuner);
}

/* Where none is left: a status, and the device goes on. */
static void none_is_left(void **state) {
  (void)state;
  folder_empty(directory);
  shim_tuner *tuner = shim_tuner_open(directory, SHIM_BY_TIME, SHIM_SPOIL_RESULT, "!direct_1x1");
  if (tuner == NULL) skip();
  char algorithm[48];
  compute(tuner, 0, algorithm);
  assert_string_equal(algorithm, "direct_1x1");
  compute(tuner, 0, algorithm);
  assert_string_equal(algorithm, "direct_1x1");
  shim_tuner_close(tuner);
  folder_empty(directory);
  tuner = shim_tuner_open(directory, SHIM_BY_TIME, SHIM_SPOIL_RESULT, "!");
  const sporkle_conv2d_desc desc = problem();
  const shim_tensors tensors = {input, weights, NULL, NULL, output[0]};
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(shim_tuner_run(tuner, &desc, &tensors, algorithm),
                     SPORKLE_ERROR_OPERATION_FAILED);
  }
  shim_tuner_close(tuner);
}

/* The rule's choice is verified, once for equal programs, also by an earlier process. */
static void the_choice_of_the_rule_is_verified(void **state) {
  (void)state;
  char algorithm[48], again[48];
  folder_empty(directory);
  shim_tuner *tuner = shim_tuner_open(directory, SHIM_PROVEN, SHIM_SPOIL_RESULT, "!direct_1x1");
  if (tuner == NULL) skip();
  compute(tuner, 0, algorithm);
  assert_string_equal(algorithm, "direct_1x1");
  assert_true(shim_tuner_warnings(tuner, "relative L2 error") >= 1);
  shim_tuner_close(tuner);
  folder_empty(directory);
  tuner = shim_tuner_open(directory, SHIM_PROVEN, SHIM_SPOIL_RESULT, "!");
  const sporkle_conv2d_desc desc = problem();
  const shim_tensors tensors = {input, weights, NULL, NULL, output[0]};
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(shim_tuner_run(tuner, &desc, &tensors, algorithm),
                     SPORKLE_ERROR_OPERATION_FAILED);
  }
  shim_tuner_close(tuner);
  /* What was wrong is not remembered as right; what is right is. */
  tuner = shim_tuner_open(directory, SHIM_PROVEN, SHIM_NO_SPOIL, NULL);
  compute(tuner, 0, algorithm);
  shim_tuner_close(tuner);
  tuner = shim_tuner_open(directory, SHIM_PROVEN, SHIM_SPOIL_RESULT, algorithm);
  compute(tuner, 0, again);
  shim_tuner_close(tuner);
  assert_string_equal(algorithm, again);
  folder_empty(directory);
  tuner = shim_tuner_open(directory, SHIM_PROVEN, SHIM_SPOIL_RESULT, algorithm);
  compute(tuner, 0, again);
  shim_tuner_close(tuner);
  assert_string_not_equal(algorithm, again);
}

/* Weights and biases whose results would not tell right from wrong prove nothing and
 * condemn nobody: a bias that is not finite, sums that overflow, outputs all alike. */
static void what_does_not_tell_proves_nothing(void **state) {
  (void)state;
  static float zeros[k * c * 9], huge[k * c * 9], bias[k];
  char algorithm[48], again[48];
  for (size_t i = 0; i < COUNT_OF(huge); ++i) huge[i] = 3e38f;
  bias[k / 2] = NAN;
  sporkle_conv2d_desc biased = problem();
  biased.flags |= SPORKLE_CONV2D_BIAS;
  const sporkle_conv2d_desc plain = problem();
  const struct {
    const sporkle_conv2d_desc *desc;
    shim_tensors tensors;
  } cases[] = {{&biased, {input, weights, bias, NULL, output[0]}},
               {&plain, {input, huge, NULL, NULL, output[0]}},
               {&plain, {input, zeros, NULL, NULL, output[0]}}};
  static const int choices[] = {SHIM_PROVEN, 1};
  for (size_t i = 0; i < 2 * COUNT_OF(cases); ++i) {
    folder_empty(directory);
    shim_tuner *tuner = shim_tuner_open(directory, choices[i % 2], SHIM_NO_SPOIL, NULL);
    if (tuner == NULL) skip();
    assert_int_equal(shim_tuner_run(tuner, cases[i / 2].desc, &cases[i / 2].tensors, algorithm), 0);
    assert_int_equal(shim_tuner_warnings(tuner, "is not used"), 0);
    shim_tuner_close(tuner);
    if (cases[i / 2].desc != &plain) continue;
    tuner = shim_tuner_open(directory, SHIM_PROVEN, SHIM_SPOIL_RESULT, algorithm);
    compute(tuner, 0, again);
    shim_tuner_close(tuner);
    assert_string_not_equal(algorithm, again);
  }
}

/* What compiling is expected to take follows what it took, and is nothing for what is there. */
static void compiling_is_expected_to_take_what_it_took(void **state) {
  (void)state;
  sporkle_conv2d_desc desc = problem();
  desc.n = 8, desc.c = desc.k = 128, desc.h = desc.w = 28;
  double first, known, met, slower, faster;
  assert_true(
      shim_compile_cost(&desc, "w4_64x64x8_8x8_l4_p4", &first, &known, &met, &slower, &faster));
  assert_true(first > 0);
  assert_true(known == 0);
  if (!(met < 0.95 * first && met > 0.5 * first)) fail_msg("with the packer %g, then %g", first, met);
  if (!(slower > 1.3 * met && slower < 2 * met)) fail_msg("twice %g makes %g", met, slower);
  if (!(faster < slower && faster > 0.7 * slower)) fail_msg("half of %g makes %g", slower, faster);
}

/* The clock here is a number: a day of a process that asks for new plans all the time. */
static void tuning_takes_a_twentieth_of_the_time(void **state) {
  (void)state;
  static const uint64_t ms = 1000000, s = 1000000000;
  for (uint64_t longest = 100 * ms; longest <= 5 * s; longest *= 7) {
    const double share = shim_tuning_share(longest, 50 * ms, 200 * s);
    if (!(share <= 0.05 && share > 0.045)) fail_msg("%g of the time", share);
    /* Before that, ten seconds in all. */
    const double early = shim_tuning_share(longest, 50 * ms, 20 * s);
    if (!(early <= 0.5)) fail_msg("%g of the time from 20 s on", early);
  }
}

/* How many tuned choices are stored. */
static int entries(void) { return entries_with(""); }

static void beyond_its_share_the_rule_decides(void **state) {
  (void)state;
  static float large[2 * n * k * h * h];
  folder_empty(directory);
  shim_tuner *tuner = shim_tuner_open(directory, SHIM_NO_GRACE, SHIM_NO_SPOIL, NULL);
  if (tuner == NULL) skip();
  char algorithm[48];
  compute(tuner, 0, algorithm);
  assert_int_equal(entries(), 2);
  /* Seconds were spent: another problem would take more than the twentieth. */
  sporkle_conv2d_desc desc = problem();
  desc.padding_top = 0;
  const shim_tensors tensors = {input, weights, NULL, NULL, large};
  assert_int_equal(shim_tuner_run(tuner, &desc, &tensors, algorithm), 0);
  assert_int_equal(entries(), 2);
  shim_tuner_close(tuner);
}

typedef struct Racer { shim_tuner *tuner; int slot; char algorithm[48]; } Racer;

static void *race(void *data) {
  Racer *racer = data;
  compute(racer->tuner, racer->slot, racer->algorithm);
  return NULL;
}

static void two_at_once_do_no_harm(void **state) {
  (void)state;
  folder_empty(directory);
  Racer racers[2] = {{shim_tuner_open(directory, 1, SHIM_NO_SPOIL, NULL), 0, ""},
                     {shim_tuner_open(directory, 1, SHIM_NO_SPOIL, NULL), 1, ""}};
  if (racers[0].tuner == NULL) skip();
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, race, &racers[i]);
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  for (int i = 0; i < 2; ++i) shim_tuner_close(racers[i].tuner);
  char algorithm[48];
  one_process(directory, SHIM_NO_SPOIL, NULL, algorithm, NULL);
  assert_true(strcmp(algorithm, racers[0].algorithm) == 0 ||
              strcmp(algorithm, racers[1].algorithm) == 0);
}

static void two_processes_do_no_harm(void **state) {
  (void)state;
  folder_empty(directory);
  pid_t pids[2];
  char *const arguments[] = {(char *)"gl_tuner", directory, NULL};
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(posix_spawn(&pids[i], "/proc/self/exe", NULL, NULL, arguments, environ), 0);
  }
  for (int i = 0; i < 2; ++i) {
    int status = -1;
    assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
    assert_int_equal(status, 0);
  }
  /* Whole entries of one of them, for the problem and for problems like it. */
  assert_int_equal(shim_tuner_overwrite(directory, "direct_1x1 1\n"), 2);
  char algorithm[48];
  one_process(directory, SHIM_NO_SPOIL, NULL, algorithm, NULL);
  assert_string_equal(algorithm, "direct_1x1");
}

/* One of two_processes_do_no_harm: tunes in this directory. */
static int tune_once(const char *where) {
  snprintf(directory, sizeof directory, "%s", where);
  random_fill(input, COUNT_OF(input), 1);
  random_fill(weights, COUNT_OF(weights), 2);
  const sporkle_conv2d_desc desc = problem();
  const shim_tensors tensors = {input, weights, NULL, NULL, output[0]};
  const OracleTensors expected = {input, weights, NULL, NULL};
  char algorithm[48];
  OracleError error;
  shim_tuner *tuner = shim_tuner_open(directory, 1, SHIM_NO_SPOIL, NULL);
  if (tuner == NULL || shim_tuner_run(tuner, &desc, &tensors, algorithm) != 0) return 1;
  shim_tuner_close(tuner);
  return oracle_compare(&desc, &expected, output[0], 1, NULL, &error) && error.rel_l2 < 1e-5 ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc > 1) return tune_once(argv[1]);
  shim_tuner *probe = shim_tuner_open("off", 0, SHIM_NO_SPOIL, NULL);
  if (probe == NULL) return printf("skipped: no OpenGL device\n"), 77;
  shim_tuner_close(probe);
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_choice_is_remembered),
                                     cmocka_unit_test(a_default_plan_takes_what_is_remembered),
                                     cmocka_unit_test(damaged_memory_is_no_memory),
                                     cmocka_unit_test(a_driver_update_forgets),
                                     cmocka_unit_test(workspace_that_does_not_fit),
                                     cmocka_unit_test(bad_candidates_are_rejected),
                                     cmocka_unit_test(what_was_rejected_is_not_taken),
                                     cmocka_unit_test(none_is_left),
                                     cmocka_unit_test(the_choice_of_the_rule_is_verified),
                                     cmocka_unit_test(what_does_not_tell_proves_nothing),
                                     cmocka_unit_test(compiling_is_expected_to_take_what_it_took),
                                     cmocka_unit_test(tuning_takes_a_twentieth_of_the_time),
                                     cmocka_unit_test(beyond_its_share_the_rule_decides),
                                     cmocka_unit_test(two_at_once_do_no_harm),
                                     cmocka_unit_test(two_processes_do_no_harm)};
  return cmocka_run_group_tests_name("gl_tuner", tests, setup, teardown);
}
