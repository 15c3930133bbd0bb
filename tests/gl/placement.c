/* Placement: the profile that a driver's strings select, what measurements
 * overrule, and that every profile computes the same on the driver at hand. */
#include "gl/gl_shim.h"
#include "gl/placement_shim.h"
#include "support/test.h"
#include "tools/oracle.h"

typedef struct Driver {
  const char *vendor, *renderer;
  int integrated, software;
  const char *platform, *upload, *readback;
  int client_readback;
} Driver;

static const Driver drivers[] = {
    {"NVIDIA Corporation", "NVIDIA H200/PCIe/SSE2", 0, 0, "NVIDIA", "window", "window", 0},
    {"nouveau", "NV136", 0, 0, "NVIDIA", "window", "window", 0},
    {"AMD", "AMD Radeon RX 7900 XTX (radeonsi, navi31)", 0, 0, "AMD discrete", "window", "window",
     1},
    {"X.Org", "AMD Radeon VII (radeonsi, vega20)", 0, 0, "AMD discrete", "window", "window", 1},
    {"AMD", "AMD Radeon 780M (radeonsi, gfx1103_r1)", 1, 0, "integrated", "mapped", "mapped", 0},
    {"Intel", "Mesa Intel(R) UHD Graphics 770 (ADL-S GT1)", 1, 0, "integrated", "mapped", "mapped",
     0},
    {"Intel", "Mesa Intel(R) Arc(tm) A770 Graphics (DG2)", 0, 0, "unknown", "window", "window", 0},
    {"ARM", "Mali-G610 (Panfrost)", 0, 0, "mobile", "mapped", "mapped", 0},
    {"freedreno", "Adreno (TM) 690", 0, 0, "mobile", "mapped", "mapped", 0},
    {"Broadcom", "V3D 7.1", 0, 0, "mobile", "mapped", "mapped", 0},
    {"NVIDIA Corporation", "NVIDIA Tegra Orin (nvgpu)/integrated", 0, 0, "mobile", "mapped",
     "mapped", 0},
    {"Mesa", "llvmpipe (LLVM 15.0.6, 256 bits)", 0, 1, "software", "mapped", "mapped", 0},
    {"Acme", "Unheard Of 1", 0, 0, "unknown", "window", "window", 0},
};

static void profiles(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(drivers); ++i) {
    const Driver *d = &drivers[i];
    assert_string_equal(shim_platform(d->vendor, d->renderer, d->integrated, d->software),
                        d->platform);
    shim_placement p = shim_place(d->vendor, d->renderer, d->integrated, d->software, 1, NULL);
    assert_string_equal(p.form[0], d->upload);
    assert_string_equal(p.form[1], d->readback);
    assert_int_equal(p.client_storage[1], d->client_readback);
    /* Mobile drivers get few and large mappings. */
    assert_int_equal(p.block_bytes > (8 << 20), strcmp(d->platform, "mobile") == 0);
    p = shim_place(d->vendor, d->renderer, d->integrated, d->software, 0, NULL);
    for (int kind = 0; kind < 3; ++kind) assert_string_equal(p.form[kind], "staging");
  }
}

/* On NVIDIA small buffers that one side writes need no window: uploads and readbacks of up to 1 MiB. */
static void small_buffers_are_mapped(void **state) {
  (void)state;
  enum { upload, readback, shared };
  for (int kind = upload; kind <= shared; ++kind) {
    const uint64_t most = 1048576;
    const char *small = kind == shared ? "window" : "mapped";
    assert_string_equal(shim_form_of("NVIDIA Corporation", "NVIDIA H200", kind, 4), small);
    assert_string_equal(shim_form_of("NVIDIA Corporation", "NVIDIA H200", kind, most), small);
    assert_string_equal(shim_form_of("NVIDIA Corporation", "NVIDIA H200", kind, most + 1),
                        "window");
    assert_string_equal(shim_form_of("AMD", "AMD Radeon RX 7900 XTX (radeonsi)", kind, 4),
                        "window");
    assert_string_equal(shim_form_of("ARM", "Mali-G610", kind, most + 1), "mapped");
  }
}

/* Rates of one kind of memory everywhere. */
static shim_rates flat(double mapped, double local) {
  return (shim_rates){{mapped, mapped}, {mapped, mapped}, {mapped, mapped}, {mapped, mapped},
                      {mapped, mapped}, local, local};
}

static void measurements(void **state) {
  (void)state;
  /* One memory behind a name that says nothing: mapped is more than 1.5 x better. */
  shim_rates rates = flat(20, 20);
  rates.copy[0] = rates.copy[1] = 40;
  shim_placement p = shim_place("Acme", "Unheard Of 1", 0, 0, 1, &rates);
  assert_int_equal(p.overruled, 0); /* some 10 to 25 %: not worth it */
  assert_string_equal(p.form[0], "window");
  rates.gpu_read[0] = rates.gpu_read[1] = 200;
  rates.local_read = 200;
  rates.copy[0] = rates.copy[1] = 10;
  p = shim_place("Acme", "Unheard Of 1", 0, 0, 1, &rates);
  assert_int_equal(p.overruled, 1);
  assert_string_equal(p.form[0], "mapped");
  /* A slow bus behind a card that claims to be integrated. */
  rates = flat(12, 3000);
  rates.gpu_read[0] = rates.gpu_read[1] = 4;
  p = shim_place("Intel", "Mesa Intel(R) UHD", 1, 0, 1, &rates);
  assert_int_equal(p.overruled, 1);
  assert_string_equal(p.form[0], "window");
  assert_string_equal(p.form[1], "mapped");
  /* Uncached reads: client storage. */
  rates = flat(12, 3000);
  rates.cpu_read[0] = 0.1;
  p = shim_place("NVIDIA Corporation", "NVIDIA X", 0, 0, 1, &rates);
  assert_int_equal(p.overruled, 1);
  assert_int_equal(p.client_storage[1], 1);
  assert_int_equal(p.client_storage[0], 0);
  /* Nothing measured, nothing overruled. */
  rates = (shim_rates){{0}, {0}, {0}, {0}, {0}, 0, 0};
  assert_int_equal(shim_place("AMD", "AMD Radeon", 0, 0, 1, &rates).overruled, 0);
  /* What an H200 measured: the profile stands. */
  const shim_rates h200 = {{12.1, 12.1}, {7.6, 7.6}, {51, 51}, {52, 52}, {50, 50}, 3510, 2500};
  assert_int_equal(shim_place("NVIDIA Corporation", "NVIDIA H200", 0, 0, 1, &h200).overruled, 0);
}

enum { n = 1, c = 8, h = 9, k = 8 };
static float input[n * c * h * h], weights[k * c * 9], output[n * k * h * h];

/* The driver at hand under another name. */
static void every_profile_computes(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(input); ++i) input[i] = (float)(i % 17) - 8;
  for (size_t i = 0; i < COUNT_OF(weights); ++i) weights[i] = (float)(i % 5) - 2;
  sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
  sporkle_conv2d_desc_set(&desc, n, c, h, h, k, 3, 1, 1);
  for (size_t i = 0; i < COUNT_OF(drivers); ++i) {
    const Driver *d = &drivers[i];
    char reason[256];
    shim_device *device = shim_device_open_as(d->vendor, d->renderer, d->integrated, reason);
    if (device == NULL) {
      print_message("no OpenGL device: %s\n", reason);
      skip();
    }
    memset(output, 0xff, sizeof output);
    assert_int_equal(shim_device_submit(device, &desc, input, weights, NULL, NULL, 3, output), 0);
    const OracleTensors tensors = {input, weights, NULL, NULL};
    OracleError error;
    assert_true(oracle_compare(&desc, &tensors, output, 1, NULL, &error));
    assert_true(error.rel_l2 < 1e-5);
    const uint32_t placement = shim_device_placement(device);
    if (placement != SPORKLE_PLACEMENT_STAGING && !d->software) {
      assert_int_equal(placement, strcmp(d->upload, "window") == 0 ? SPORKLE_PLACEMENT_WINDOW
                                                                   : SPORKLE_PLACEMENT_MAPPED);
    }
    assert_int_equal(shim_device_close(device), 0);
  }
}

/* Candidates are timed on tensors that lie where those of the operation will lie, except outputs
 * whose way over the bus would hide the kernel. */
static void tuner_times_where_tensors_lie(void **state) {
  (void)state;
  static const struct {
    const char *vendor, *renderer;
    int software;
    int64_t c, h, k;
    const char *input, *output;
  } cases[] = {
      {"NVIDIA Corporation", "NVIDIA H100 80GB HBM3", 0, 3, 32, 16, "mapped", "mapped"},
      {"NVIDIA Corporation", "NVIDIA H100 80GB HBM3", 0, 16, 200, 1, "local", "mapped"},
      {"NVIDIA Corporation", "NVIDIA H100 80GB HBM3", 0, 3, 64, 64, "mapped", "local"},
      {"NVIDIA Corporation", "NVIDIA H100 80GB HBM3", 0, 128, 56, 128, "local", "local"},
      {"Mesa", "llvmpipe (LLVM 15.0.6, 256 bits)", 1, 64, 56, 128, "mapped", "mapped"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); ++i) {
    sporkle_conv2d_desc desc = SPORKLE_CONV2D_DESC_INIT;
    sporkle_conv2d_desc_set(&desc, 1, cases[i].c, cases[i].h, cases[i].h, cases[i].k, 3, 1, 1);
    const char *forms[2];
    shim_trial_forms(cases[i].vendor, cases[i].renderer, cases[i].software, &desc, forms);
    assert_string_equal(forms[0], cases[i].input);
    assert_string_equal(forms[1], cases[i].output);
    /* As a buffer of that kind and size would lie. */
    if (cases[i].software) continue;
    const uint64_t bytes[2] = {4u * (uint64_t)(cases[i].c * cases[i].h * cases[i].h),
                               4u * (uint64_t)(cases[i].k * cases[i].h * cases[i].h)};
    for (int kind = 0; kind < 2; ++kind) {
      if (kind == 1 && bytes[kind] > 512 << 10) continue;
      const char *form = shim_form_of(cases[i].vendor, cases[i].renderer, kind, bytes[kind]);
      assert_int_equal(strcmp(form, "mapped") == 0, strcmp(forms[kind], "mapped") == 0);
    }
  }
}

/* The driver at hand, measured. */
static void probe(void **state) {
  (void)state;
  char reason[256], text[256];
  shim_device *device = shim_device_open(SHIM_PROBE, reason);
  if (device == NULL) {
    print_message("no OpenGL device: %s\n", reason);
    skip();
  }
  if (shim_device_placement(device) != SPORKLE_PLACEMENT_STAGING) {
    static const char *const keys[] = {"probe", "probe_local", "probe_upload", "probe_readback",
                                       "placement_upload", "placement_readback"};
    for (size_t i = 0; i < COUNT_OF(keys); ++i) {
      assert_true(shim_device_property(device, keys[i], text, sizeof text));
      print_message("%s: %s\n", keys[i], text);
      assert_null(strstr(text, "not measured"));
      if (i == 2) assert_non_null(strstr(text, "CPU write"));
    }
  }
  assert_int_equal(shim_device_close(device), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(profiles), cmocka_unit_test(small_buffers_are_mapped),
      cmocka_unit_test(measurements), cmocka_unit_test(every_profile_computes),
      cmocka_unit_test(tuner_times_where_tensors_lie), cmocka_unit_test(probe),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("placement: profiles of %zu drivers, measurements that overrule them, the probe\n",
         COUNT_OF(drivers));
  return failed;
}
