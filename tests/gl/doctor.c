/* The ten usual causes of a GPU that is not usable, each on a fake system. */
#include "gl/fake_tree.h"
#include "gl/gl_shim.h"
#include "support/test.h"

static const char nvidia_version[] =
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build\n";
static const char mesa_json[] =
    "{ \"file_format_version\" : \"1.0.0\", \"ICD\" : { \"library_path\" : \"libEGL_mesa.so.0\" } }";
static const char nvidia_json[] =
    "{ \"ICD\" : { \"library_path\" : \"libEGL_nvidia.so.0\" } }";
static const char broken_json[] =
    "{ \"ICD\" : { \"library_path\" : \"libEGL_missing.so.0\" } }";

static FakeTree tree;
static shim_finding found[16];
static uint32_t count;

/* A healthy machine with nothing but Mesa's software renderer. */
static shim_patient patient(void) {
  return (shim_patient){.root = tree.root, .user = "ada", .may_open = 1, .in_group = 1,
                        .usable_cpus = 8, .online_cpus = 8, .library_loaded = 1, .software = 1,
                        .program_cache = 1};
}

static int make_tree(void **state) {
  (void)state;
  fake_tree_create(&tree);
  fake_file(&tree, "usr/share/glvnd/egl_vendor.d/50_mesa.json", mesa_json);
  return 0;
}

static int remove_tree(void **state) {
  (void)state;
  fake_tree_remove(&tree);
  return 0;
}

static const shim_finding *examine(const shim_patient *p, const char *id) {
  count = shim_diagnose(p, found, COUNT_OF(found));
  assert_in_range(count, 0, COUNT_OF(found));
  for (uint32_t i = 0; i < count; ++i) {
    if (strcmp(found[i].id, id) == 0) return &found[i];
  }
  return NULL;
}

static void expect_finding(const shim_patient *p, const char *id, const char *reason,
                           const char *cure) {
  const shim_finding *f = examine(p, id);
  if (f == NULL) fail_msg("%s was not found", id);
  if (strstr(f->reason, reason) == NULL) fail_msg("reason of %s: %s", id, f->reason);
  if (strstr(f->cure, cure) == NULL) fail_msg("cure of %s: %s", id, f->cure);
}

static void healthy_hardware_has_no_finding(void **state) {
  (void)state;
  shim_patient p = patient();
  p.hardware = 1;
  p.software = 0;
  fake_file(&tree, "usr/share/glvnd/egl_vendor.d/10_nvidia.json", nvidia_json);
  fake_file(&tree, "proc/driver/nvidia/version", nvidia_version);
  examine(&p, "");
  assert_int_equal(count, 0);
}

static void env_01_compute_only(void **state) {
  (void)state;
  const shim_patient p = patient();
  assert_null(examine(&p, "SPORKLE-ENV-01"));
  fake_file(&tree, "proc/driver/nvidia/version", nvidia_version);
  expect_finding(&p, "SPORKLE-ENV-01", "580.159.04", "libnvidia-gl-580");
  fake_file(&tree, "usr/share/glvnd/egl_vendor.d/10_nvidia.json", nvidia_json);
  assert_null(examine(&p, "SPORKLE-ENV-01"));
}

static void env_02_container(void **state) {
  (void)state;
  shim_patient p = patient();
  fake_file(&tree, "proc/driver/nvidia/version", nvidia_version);
  assert_null(examine(&p, "SPORKLE-ENV-02"));
  fake_file(&tree, ".dockerenv", "");
  expect_finding(&p, "SPORKLE-ENV-02", "graphics", "NVIDIA_DRIVER_CAPABILITIES=compute");
  assert_null(examine(&p, "SPORKLE-ENV-01"));
  p.nvidia_capabilities = "compute,utility";
  expect_finding(&p, "SPORKLE-ENV-02", "compute,utility", "docker run");
  p.nvidia_capabilities = "compute,graphics";
  assert_null(examine(&p, "SPORKLE-ENV-02"));
  assert_non_null(examine(&p, "SPORKLE-ENV-01"));
}

static void env_03_vendor_library(void **state) {
  (void)state;
  shim_patient p = patient();
  assert_null(examine(&p, "SPORKLE-ENV-03"));
  fake_file(&tree, "etc/glvnd/egl_vendor.d/10_broken.json", broken_json);
  expect_finding(&p, "SPORKLE-ENV-03", "libEGL_missing.so.0: cannot open",
                 "/etc/glvnd/egl_vendor.d/10_broken.json");
  fake_file(&tree, "usr/share/glvnd/egl_vendor.d/99_empty.json", "{}");
  examine(&p, "");
  assert_non_null(strstr(found[1].reason, "no library_path"));
  char named[512];
  snprintf(named, sizeof named, "%s/usr/share/glvnd/egl_vendor.d/50_mesa.json", tree.root);
  p.vendor_filenames = named; /* the variable replaces the directories */
  assert_null(examine(&p, "SPORKLE-ENV-03"));
}

static void env_04_never_opengl(void **state) {
  (void)state;
  shim_patient p = patient();
  p.cuda_visible_devices = "MIG-1f2e3d4c";
  expect_finding(&p, "SPORKLE-ENV-04", "MIG", "nvidia-smi -mig 0");
  p = patient();
  assert_null(examine(&p, "SPORKLE-ENV-04"));
  fake_file(&tree, "sys/bus/pci/devices/0000:c1:00.0/vendor", "0x1002\n");
  fake_file(&tree, "sys/bus/pci/devices/0000:c1:00.0/device", "0x73bf\n");
  fake_file(&tree, "sys/bus/pci/devices/0000:c1:00.0/class", "0x030000\n");
  assert_null(examine(&p, "SPORKLE-ENV-04")); /* a graphics card */
  fake_file(&tree, "sys/bus/pci/devices/0000:c1:00.0/class", "0x120000\n");
  expect_finding(&p, "SPORKLE-ENV-04", "0000:c1:00.0", "--device");
  fake_file(&tree, "sys/bus/pci/devices/0000:c1:00.0/class", "0x030000\n");
  fake_file(&tree, "proc/version", "Linux version 6.6.1-microsoft-standard-WSL2\n");
  expect_finding(&p, "SPORKLE-ENV-04", "4.2", "--device cpu");
}

static void env_05_permission(void **state) {
  (void)state;
  shim_patient p = patient();
  fake_file(&tree, "dev/dri/renderD128", "");
  assert_null(examine(&p, "SPORKLE-ENV-05"));
  p.may_open = 0;
  fake_file(&tree, "etc/group", "root:x:0:\nrender:x:106:bob\n");
  expect_finding(&p, "SPORKLE-ENV-05", "/dev/dri/renderD128", "usermod -aG root ada");
  fake_file(&tree, "etc/group", "root:x:0:bob,ada\n");
  p.in_group = 0;
  expect_finding(&p, "SPORKLE-ENV-05", "older than that", "log out and in again");
}

static void env_06_software_only(void **state) {
  (void)state;
  shim_patient p = patient();
  expect_finding(&p, "SPORKLE-ENV-06", "software", "SPORKLE_DEVICE=gl");
  p.hardware = 1;
  assert_null(examine(&p, "SPORKLE-ENV-06"));
}

static void env_07_wrong_gpu(void **state) {
  (void)state;
  shim_patient p = patient();
  assert_null(examine(&p, "SPORKLE-ENV-07"));
  p.wrong_device = "SPORKLE_GL_DEVICE=9 names no device; there are: 0 = a";
  expect_finding(&p, "SPORKLE-ENV-07", "names no device", "local-rank");
}

static void env_08_slow_first_call(void **state) {
  (void)state;
  shim_patient p = patient();
  p.hardware = 1;
  p.opened_nvidia = 1;
  p.slowest_open_ns = 2600000000u;
  expect_finding(&p, "SPORKLE-ENV-08", "2.6 s", "nvidia-smi -pm 1");
  fake_file(&tree, "run/nvidia-persistenced/socket", "");
  assert_null(examine(&p, "SPORKLE-ENV-08"));
  p.slowest_open_ns = 1000;
  p.program_cache = 0;
  expect_finding(&p, "SPORKLE-ENV-08", "cache directory", "SPORKLE_CACHE_DIR");
}

static void env_09_not_loadable(void **state) {
  (void)state;
  shim_patient p = patient();
  p.library_loaded = 0;
  p.software = 0;
  p.library_error = "libEGL.so.1: cannot open shared object file: No such file or directory";
  expect_finding(&p, "SPORKLE-ENV-09", "libEGL.so.1: cannot open", "apt-get install libegl1");
}

static void env_10_one_bound_core(void **state) {
  (void)state;
  shim_patient p = patient();
  p.usable_cpus = 1;
  expect_finding(&p, "SPORKLE-ENV-10", "1 of 8", "--bind-to none");
  p.online_cpus = 1;
  assert_null(examine(&p, "SPORKLE-ENV-10"));
}

#define ON_TREE(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_TREE(healthy_hardware_has_no_finding), ON_TREE(env_01_compute_only),
      ON_TREE(env_02_container),   ON_TREE(env_03_vendor_library), ON_TREE(env_04_never_opengl),
      ON_TREE(env_05_permission),  ON_TREE(env_06_software_only),  ON_TREE(env_07_wrong_gpu),
      ON_TREE(env_08_slow_first_call), ON_TREE(env_09_not_loadable), ON_TREE(env_10_one_bound_core),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("doctor checked: SPORKLE-ENV-01 to 10 found on fake systems, and only there\n");
  return failed;
}
