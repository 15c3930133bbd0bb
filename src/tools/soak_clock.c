// Virtual clocks: the null device's, and that of the GPU without hardware that
// the fault tests put below the library.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/soak.h"

static const uint64_t operation_ns = 100000000;

static bool start_gpu(SoakRound *round) {
  void (*set_cost)(uint64_t fixed_ns, uint64_t per_group_ns) = NULL;
  void *library = dlopen("libEGL.so.1", RTLD_NOW);
  if (!library) return false;
  void *now = dlsym(library, "gpu_now"), *cost = dlsym(library, "gpu_set_cost");
  if (!now || !cost) return false;
  memcpy(&round->gpu_now, &now, sizeof now);
  memcpy(&set_cost, &cost, sizeof cost);
  set_cost(operation_ns, 0);
  return true;
}

bool soak_clock_start(SoakRound *round, char message[512]) {
  const uint32_t kind = round->out->device.kind;
  if (kind == SPORKLE_DEVICE_KIND_NULL) {
    return sporkle_null_control(round->session.context, round->session.device,
                                SPORKLE_NULL_OP_TIME, operation_ns, 0) == SPORKLE_OK;
  }
  if (kind == SPORKLE_DEVICE_KIND_GL && start_gpu(round)) return true;
  snprintf(message, 512, "--virtual: \"%s\" has no virtual clock; take --device null, or the "
           "virtual GPU (docs/faults.md)", round->out->device.spec);
  return false;
}

double soak_clock_s(const SoakRound *round) {
  sporkle_property property;
  if (round->gpu_now) return (double)round->gpu_now() * 1e-9;
  if (!session_property(round->session.context, round->session.device, "virtual_time_ns",
                        &property)) {
    return 0;
  }
  return strtod(property.value, NULL) * 1e-9;
}
