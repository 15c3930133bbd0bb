#include "scene.h"

#include "support/test.h"

#define COMMON .entry = SCENE_ENTRY, .code = SCENE_ENTRY - 0x800, .code_bytes = 0x4000, \
               .kernarg_bytes = 96, .max_threads = 1024

const Scene scenes[SCENE_CHIPS] = {
    {"gfx900", {.target = 0x900, .rsrc1 = 0x00ac0087, .rsrc2 = 0x84, .wave_size = 64,
                .lds_bytes = 1024, .user_sgprs = 2, COMMON}},
    {"gfx90a", {.target = 0x90a, .rsrc1 = 0x00ac0047, .rsrc2 = 0x84, .rsrc3 = 7, .wave_size = 64,
                .lds_bytes = 1024, .user_sgprs = 2, COMMON}},
    {"gfx1030", {.target = 0x1030, .rsrc1 = 0x60af0041, .rsrc2 = 0x9e, .wave_size = 64,
                 .user_sgprs = 15, COMMON}},
    {"gfx1100", {.target = 0x1100, .rsrc1 = 0x60af0082, .rsrc2 = 0x9e, .rsrc3 = 0x10,
                 .wave_size = 32, .lds_bytes = 4096, .user_sgprs = 15, COMMON}},
    {"gfx1201", {.target = 0x1201, .rsrc1 = 0x600f0082, .rsrc2 = 0x9e, .rsrc3 = 0x20,
                 .wave_size = 32, .user_sgprs = 15, COMMON}},
};

const Scene *scene_find(const char *gfx) {
  for (int i = 0; i < SCENE_CHIPS; ++i) {
    if (strcmp(scenes[i].gfx, gfx) == 0) return &scenes[i];
  }
  fail_msg("no scene for %s", gfx);
  return NULL;
}

pm4_queue *scene_queue(const Scene *scene) {
  const pm4_range ranges[] = {{UINT64_C(0x7F0000010000), 0x1000, PM4_ARGUMENTS},
                              {UINT64_C(0x7F0000020000), 0x1000, PM4_FENCES},
                              {UINT64_C(0x7F0000030000), 0x1000, PM4_INTERRUPTS}};
  const pm4_buffer buffers[] = {{SCENE_BUFFER, 56}};
  pm4_queue *queue = pm4_queue_create(scene->gfx, &scene->kernel, 1, ranges, COUNT_OF(ranges),
                                      buffers, COUNT_OF(buffers));
  assert_non_null(queue);
  return queue;
}

pm4_dispatch scene_dispatch(void) {
  const pm4_dispatch dispatch = {PM4_THREE, {49, 4, 2}, {64, 2, 1}, SCENE_KERNARG, 0};
  return dispatch;
}

uint32_t golden_read(const char *name, uint32_t *out, uint32_t capacity) {
  char path[512], line[512];
  snprintf(path, sizeof path, "%s/%s.txt", GOLDEN_DIRECTORY, name);
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("%s cannot be read", path);
  uint32_t count = 0;
  while (fgets(line, sizeof line, file)) {
    char *end = line;
    const unsigned long word = strtoul(line, &end, 16);
    if (line[0] == '#' || line[0] == '\n') continue;
    if (end != line + 8 || count == capacity) fail_msg("%s: bad line: %s", path, line);
    out[count++] = (uint32_t)word;
  }
  fclose(file);
  return count;
}
