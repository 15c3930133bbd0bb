// conformance DEVICE GROUP: runs one group of tests on one device.
#include "conformance/conformance.h"
#include "support/world.h"

static const Group groups[] = {
    {"context", "creation, defaults, refusals and destruction of contexts", group_context},
    {"options", "every setting: name, value, origin; argument before variable", group_options},
    {"devices", "enumeration, description, properties, lookup, reasons", group_devices},
    {"conv2d", "one-call convolution, selection, problem description", group_conv2d},
    {"bad_input", "every bad problem and tensor refused by name, output untouched",
     group_bad_input},
    {"values", "NaN, infinity, denormals, activation, in-place residual, alignment", group_values},
    {"plan", "plans: creation, description, running, submission", group_plan},
    {"sequence", "sequence plans: connections, submission, executors, refusals, loss",
     group_sequence},
    {"buffers", "buffers: address, ranges, usage, flush, invalidate, reuse", group_buffers},
    {"buffer_misuse", "misuse of buffers: statuses, and reports in debug mode", group_buffer_misuse},
    {"visibility", "missing flushes to the byte, ranges that an operation still writes",
     group_visibility},
    {"pressure", "random sizes and lifetimes, many small buffers, refusals, several contexts",
     group_pressure},
    {"fences", "fences: poll, wait, insert, destroy, pool limit", group_fences},
    {"export_fd", "descriptors that become readable when a fence ends", group_export_fd},
    {"debug", "reports of misuse and leaks: id, label, maker, age", group_debug},
    {"waits", "wait-any and wait-all: order, limits, devices mixed, deadlines", group_waits},
    {"executor", "executor slots: life cycle, refusals, set-aside slots", group_executor},
    {"executor_group", "executors: groups, utilisation, runs again after a loss", group_executor_group},
    {"stats", "statistics agree with what was done", group_stats},
    {"errors", "status names, text of the last error per thread", group_errors},
    {"misuse", "null, stale, destroyed, wrong-type and garbage handles everywhere", group_misuse},
    {"structs", "struct_size short, huge, unknown tail in every struct", group_structs},
    {"allocator", "every allocation fails once and for good; nothing leaks", group_allocator},
    {"teardown", "destruction with work in flight, in any order", group_teardown},
    {"null_clock", "the null device's clock and numbering", group_null_clock},
    {"null_faults", "planned failure, hang, reset and out-of-memory", group_null_faults},
    {"fork", "handles in a forked child, a new context there", group_fork},
    {"threads", "calls from many threads, destruction under use", group_threads},
    {"parallel_for", "the host's parallel_for is used, nested calls work", group_parallel_for},
    {"environment", "traps, FTZ and rounding of the caller change no result", group_environment},
    {"cache", "5000 problems in one process stay within the plan cache's limit", group_cache},
    {"table", "the function table names every function", group_table},
    {"unload", "shutdown, dlclose, exit with work in flight", group_unload},
    {"quiet", "nothing on stdout or stderr in normal use", group_quiet},
    {"reproducible", "the same bits for any thread count, batch split, cold or warm cache",
     group_reproducible},
};

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: conformance DEVICE GROUP [TEST]\n");
    return 2;
  }
  if (argc > 3 && strcmp(argv[2], "leave") == 0) return conformance_leave(argv[1], argv[3]);
  if (strcmp(argv[2], "normal_use") == 0) return conformance_normal_use(argv[1]);
  test_device_select(argc, argv);
  for (size_t i = 0; i < COUNT_OF(groups); ++i) {
    if (strcmp(groups[i].name, argv[2]) != 0) continue;
    if (strncmp(argv[2], "null_", 5) == 0 && !test_device_is("null")) {
      printf("skipped: %s is for the null device only\n", argv[2]);
      return TEST_SKIPPED;
    }
    if (argc > 3) cmocka_set_test_filter(argv[3]);
    const int failed = groups[i].run();
    printf("%s on %s: %s: %s\n", groups[i].name, test_device, groups[i].checked,
           failed == 0 ? "passed" : "FAILED");
    return failed == 0 ? 0 : 1;
  }
  fprintf(stderr, "conformance: no group %s\n", argv[2]);
  return 2;
}
