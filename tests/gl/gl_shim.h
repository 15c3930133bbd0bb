/* C windows on the OpenGL backend's internals. */
#ifndef SPORKLE_TESTS_GL_SHIM_H
#define SPORKLE_TESTS_GL_SHIM_H

#include <stdint.h>

#include "sporkle.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Selection. kind: 0 unknown, 1 discrete, 2 integrated. */
typedef struct shim_candidate {
  int software, nvidia, kind, cuda_index;
  const char *name, *pci, *uuid;
} shim_candidate;

/* Orders the candidates; out_order[i] is the given index of the i-th. */
void shim_order(const shim_candidate *candidates, uint32_t count, uint32_t *out_order);
/* The index chosen among candidates already in order, or -1; `reason` has 256 bytes. */
int shim_choose(const shim_candidate *candidates, uint32_t count, const char *wish, int64_t rank,
                int *out_asked, char *reason);
int shim_visible_to_cuda(const shim_candidate *candidate, const char *visible);
/* Kind of a card in a fake tree, numbers as above. */
int shim_kind_of_pci(const char *root, const char *pci);
int shim_pci_of_uuid(const char *root, const char *uuid, char *out);

/* Hazards: accesses are {buffer, begin, end, write}. */
typedef struct shim_hazards shim_hazards;
shim_hazards *shim_hazards_create(void);
void shim_hazards_destroy(shim_hazards *hazards);
void shim_hazards_all_ended(shim_hazards *hazards);
uint32_t shim_hazards_mark(const shim_hazards *hazards);
void shim_hazards_ordered(shim_hazards *hazards, uint32_t mark);
/* Returns whether a barrier was needed (it is then done), and adds the access. */
int shim_hazards_add(shim_hazards *hazards, uint32_t buffer, uint64_t begin, uint64_t end,
                     int write);

/* The doctor on a fake system. */
typedef struct shim_patient {
  const char *root;
  const char *nvidia_capabilities, *nvidia_visible_devices, *cuda_visible_devices;
  const char *vendor_filenames, *user;
  int may_open, in_group;
  uint32_t usable_cpus, online_cpus;
  int library_loaded;
  const char *library_error;
  uint32_t hardware, software;
  int opened_nvidia;
  uint64_t slowest_open_ns;
  int program_cache;
  const char *wrong_device;
} shim_patient;

typedef struct shim_finding {
  char id[32], reason[256], cure[256];
} shim_finding;

/* Vendor libraries whose name contains "missing" do not load. Returns the
 * number of findings; at most `capacity` are filled. */
uint32_t shim_diagnose(const shim_patient *patient, shim_finding *out, uint32_t capacity);

/* A device opened with rules; null when there is none (reason, 256 bytes). Without MAPPED,
 * WINDOWED and NO_STORAGE memory lies where the device's profile says. */
typedef struct shim_device shim_device;
enum {
  SHIM_NO_STORAGE = 1, SHIM_NO_COHERENT = 2, SHIM_WINDOWED = 4, SHIM_PROBE = 8, SHIM_BESIDE = 16,
  SHIM_MAPPED = 32
};
shim_device *shim_device_open(uint32_t rules, char *reason);
/* With a driver that has only `limit` bytes for buffers. */
shim_device *shim_device_open_limited(uint32_t rules, uint64_t limit, char *reason);
/* Believing these strings instead of the driver's. */
shim_device *shim_device_open_as(const char *vendor, const char *renderer, int integrated,
                                 char *reason);
int shim_device_property(shim_device *device, const char *key, char *value, uint64_t capacity);
/* Memory of every usage; null with a status when it is refused. */
typedef struct shim_memory shim_memory;
shim_memory *shim_memory_create(shim_device *device, uint64_t bytes, sporkle_status *status);
void shim_memory_destroy(shim_memory *memory);
/* Live bytes of the device's memory after it is gone. */
uint64_t shim_device_close(shim_device *device);
uint32_t shim_device_placement(shim_device *device);
/* Splits the batch of every synchronous run from now on; 1: not. */
void shim_device_split(shim_device *device, uint32_t pieces);
/* What predicted times ask for. */
uint32_t shim_choose_pieces(uint64_t copy_in_ns, uint64_t device_ns, uint64_t images,
                            uint64_t most);
/* Synchronous and asynchronous convolution; the result is copied out. The
 * asynchronous one flushes the input in `pieces` parts. */
sporkle_status shim_device_run(shim_device *device, const sporkle_conv2d_desc *desc,
                               const float *input, const float *weights, const float *bias,
                               const float *residual, float *output);
sporkle_status shim_device_submit(shim_device *device, const sporkle_conv2d_desc *desc,
                                  const float *input, const float *weights, const float *bias,
                                  const float *residual, uint32_t pieces, float *output);
/* A chain of two: the output of the first is the input of the second, both
 * submitted before either has ended. */
sporkle_status shim_device_chain(shim_device *device, const sporkle_conv2d_desc *desc,
                                 const float *input, const float *weights, float *output);
/* `count` operations submitted at once, on inputs one behind the other. SEPARATE:
 * memory of their own; SLICES: parts of one memory for inputs, of one for outputs;
 * CHAIN: each reads what the one before wrote; AGAIN: all write the same output, which
 * is the last one's. Copies that ran beside kernels are added to `beside`. */
enum { SHIM_SEPARATE, SHIM_SLICES, SHIM_CHAIN, SHIM_AGAIN };
sporkle_status shim_device_stream(shim_device *device, const sporkle_conv2d_desc *desc, int layout,
                                  uint32_t count, const float *inputs, const float *weights,
                                  float *outputs, uint64_t *beside);
/* Counters since the device was opened; copies without those that plans took, which depend on
 * the device: weights are packed by the CPU or by the GPU. */
void shim_device_counters(shim_device *device, uint64_t *map_calls,
                          uint64_t *cpu_copied, uint64_t *gpu_copied);

#ifdef __cplusplus
}
#endif

#endif
