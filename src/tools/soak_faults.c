// Faults of the null device through sporkle.h, those of OpenGL through the
// libEGL of the fault tests where it stands before the driver's.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/random.h"
#include "tools/soak.h"

// Losses in one round: a device that keeps resetting is given up after eight.
enum { LOSS_LIMIT = 5 };

static void sleep_us(long us) {
  const struct timespec t = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&t, NULL);
}

typedef struct Provider {
  bool (*plan)(const char *text);
  void (*clear)(void);
} Provider;

static bool find_provider(Provider *out) {
  void *library = dlopen("libEGL.so.1", RTLD_NOW);
  if (!library) return false;
  void *plan = dlsym(library, "fault_plan"), *clear = dlsym(library, "fault_clear");
  memcpy(&out->plan, &plan, sizeof plan);
  memcpy(&out->clear, &clear, sizeof clear);
  return plan && clear;
}

bool soak_faults_possible(const SoakRound *round, char message[512]) {
  Provider provider;
  if (round->out->device.kind == SPORKLE_DEVICE_KIND_NULL) return true;
  if (round->out->device.kind == SPORKLE_DEVICE_KIND_GL && find_provider(&provider)) return true;
  snprintf(message, 512, "--faults: \"%s\" has none to inject; take --device null, or an OpenGL "
           "device with the fault provider in LD_LIBRARY_PATH (docs/faults.md)",
           round->out->device.spec);
  return false;
}

static bool null_control(SoakRound *round, uint32_t command, uint64_t value, uint64_t count) {
  const sporkle_status status = sporkle_null_control(round->session.context,
                                                     round->session.device, command, value, count);
  // A full plan of faults is no error of the device.
  if (status != SPORKLE_OK && status != SPORKLE_ERROR_POOL_EXHAUSTED) {
    soak_complain(round, "sporkle_null_control", status);
  }
  return status == SPORKLE_OK;
}

static void inject_null(SoakRound *round, uint64_t *random) {
  while (!atomic_load(&round->stop)) {
    const uint64_t first = random_next(random) % 16;
    bool planned = false;
    switch (random_next(random) % 4) {
      case 0: planned = null_control(round, SPORKLE_NULL_FAIL, first, 1 + first / 4); break;
      case 1: planned = null_control(round, SPORKLE_NULL_HANG, first, 0); break;
      case 2: planned = null_control(round, SPORKLE_NULL_RESET, first, 0); break;
      default: planned = null_control(round, SPORKLE_NULL_OOM, first, 2); break;
    }
    atomic_fetch_add(&round->out->counts.faults, planned);
    sleep_us((long)(500 + random_next(random) % 4000));
    null_control(round, SPORKLE_NULL_RECOVER, 0, 0);
    sleep_us((long)(random_next(random) % 2000));
  }
  null_control(round, SPORKLE_NULL_RECOVER, 0, 0);
}

static void inject_gl(SoakRound *round, const Provider *provider, uint64_t *random) {
  // 3 ms late, or a minute of virtual time.
  const char *const mild[] = {
      round->options->virtual_clock ? "late=60000000000*10" : "late=3000000*10",
      "spurious-timeout*50", "hang-until-flushed*50", "reset-nonsense*20", "dispatch-memory",
      "no-memory", "null-map", "unaligned-map", "word-missing*8", "word-early*8",
      "word-stale*8", "word-last*8"};
  // Sync objects of zink alone read as signalled too early: without coherent
  // mappings and right words nothing there can be right. The dispatch that fails
  // may be a word's, the buffer without memory its own. And its mappings hang
  // now and then (Mesa 22.3) beside a context that was lost.
  const bool zink = strstr(round->out->device.name, "zink") != NULL;
  static const char *const losses[] = {"wait-failed", "wait-zero", "null-sync",
                                       "lost",        "reset",     "lost-in-flight"};
  const size_t mild_count = zink ? 4 : sizeof mild / sizeof *mild;
  const size_t loss_count = sizeof losses / sizeof *losses;
  int lost = 0;
  while (!atomic_load(&round->stop)) {
    const bool loss = !zink && lost < LOSS_LIMIT && random_next(random) % 4 == 0;
    const uint64_t choice = random_next(random);
    lost += loss;
    provider->plan(loss ? losses[choice % loss_count] : mild[choice % mild_count]);
    atomic_fetch_add(&round->out->counts.faults, 1);
    sleep_us((long)(5000 + random_next(random) % 60000));
    provider->clear();
    sleep_us((long)(random_next(random) % 20000));
  }
  provider->clear();
}

void soak_inject(SoakRound *round, uint64_t *random) {
  Provider provider;
  if (round->out->device.kind == SPORKLE_DEVICE_KIND_NULL) {
    inject_null(round, random);
  } else if (find_provider(&provider)) {
    inject_gl(round, &provider, random);
  }
}
