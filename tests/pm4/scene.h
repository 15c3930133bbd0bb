/* What the golden streams are about: one kernel per chip, registered ranges, one
 * dispatch. See golden/README.md. */
#ifndef SPORKLE_TESTS_PM4_SCENE_H
#define SPORKLE_TESTS_PM4_SCENE_H

#include "pm4_shim.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SCENE_CHIPS = 5, SCENE_MOST_DWORDS = 128 };

#define SCENE_ENTRY UINT64_C(0x7F1234567800)
#define SCENE_KERNARG UINT64_C(0x7F0000010040)
#define SCENE_FENCE UINT64_C(0x7F0000020008)
#define SCENE_VALUE UINT64_C(0x100000007)
#define SCENE_SLOT UINT64_C(0x7F0000030028)
#define SCENE_BUFFER UINT64_C(0x7F0000040000)

typedef struct Scene {
  const char *gfx;
  pm4_kernel kernel;
} Scene;

/* The kernels are placeholders with plausible descriptor words; no machine code
 * belongs to them. */
extern const Scene scenes[SCENE_CHIPS];

const Scene *scene_find(const char *gfx);
pm4_queue *scene_queue(const Scene *scene);
pm4_dispatch scene_dispatch(void);

/* Reads golden/NAME.txt; the number of dwords. Fails the test when it cannot. */
uint32_t golden_read(const char *name, uint32_t *out, uint32_t capacity);

#ifdef __cplusplus
}
#endif

#endif
