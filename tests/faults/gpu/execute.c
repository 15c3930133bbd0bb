// What commands do when their time has come.
#include <string.h>

#include "gpu.h"

// `bytes` at `offset` of a binding; NULL when they lie outside.
static uint32_t *words_at(const Range *range, uint64_t offset, uint64_t bytes) {
  if (range->storage != NULL && offset + bytes <= range->bytes) {
    return (uint32_t *)(range->storage->data + range->offset + offset);
  }
  stray_access();
  return NULL;
}

// completion_hint.cpp: word = serial.
static void run_word(const Command *command) {
  uint32_t *word = words_at(&command->ranges[0], 0, sizeof *word);
  if (word != NULL) __atomic_store_n(word, command->arguments[0], __ATOMIC_RELEASE);
}

// self_test.cpp: rows of 64, reversed.
static void run_self_test(const Command *command) {
  const uint64_t count = 64u * (uint64_t)command->groups[0];
  const uint32_t *x = words_at(&command->ranges[0], 0, count * sizeof *x);
  uint32_t *y = words_at(&command->ranges[1], 0, count * sizeof *y);
  if (x == NULL || y == NULL) return;
  for (uint64_t i = 0; i < count; ++i) {
    y[i] = x[i / 64 * 64 + 63 - i % 64] * command->arguments[0] + command->arguments[7];
  }
}

// copy_shader.cpp: vectors of 16 bytes.
static void run_copy(const Command *command) {
  const uint64_t bytes = 16 * (uint64_t)command->arguments[0];
  if (bytes == 0) return;
  const uint32_t *from = words_at(&command->ranges[0], 0, bytes);
  uint32_t *to = words_at(&command->ranges[1], 0, bytes);
  if (from != NULL && to != NULL) memmove(to, from, (size_t)bytes);
}

static float trial_value(uint32_t index, uint32_t seed) {
  uint32_t v = index * 747796405u + seed * 2891336453u + 1u;
  v = ((v >> ((v >> 28) + 4u)) ^ v) * 277803737u;
  v = (v >> 22) ^ v;
  return (float)(v >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

// trial.cpp: fills y, counts what is not finite in x, or gathers x[where].
void run_trial(const Command *command) {
  const uint32_t mode = command->arguments[0];
  const uint64_t count = command->arguments[1];
  const bool fills = mode == TRIAL_FILL || mode == TRIAL_FILL_NAN;
  const Range *ranges = command->ranges;
  const uint32_t *x = fills ? NULL : words_at(&ranges[0], 0, mode == TRIAL_COUNT ? 4 * count : 0);
  uint32_t *y = mode == TRIAL_COUNT ? NULL : words_at(&ranges[1], 0, 4 * count);
  uint32_t *z = fills ? NULL : words_at(&ranges[2], 0, mode == TRIAL_COUNT ? 4 : 4 * (1 + count));
  if ((!fills && (x == NULL || z == NULL)) || (mode != TRIAL_COUNT && y == NULL)) return;
  for (uint64_t i = 0; i < count; ++i) {
    const float value = mode == TRIAL_FILL ? trial_value((uint32_t)i, command->arguments[2]) : 0;
    if (mode == TRIAL_FILL) memcpy(&y[i], &value, sizeof value);
    if (mode == TRIAL_FILL_NAN) y[i] = 0x7fc00001u;
    if (mode == TRIAL_COUNT) *z += (x[i] & 0x7f800000u) == 0x7f800000u;
    if (mode != TRIAL_GATHER) continue;
    const uint32_t *found = words_at(&ranges[0], 4 * (uint64_t)z[1 + i], sizeof *found);
    if (found != NULL) y[i] = *found;
  }
}

void execute(const Command *command) {
  const Range *a = &command->ranges[0], *b = &command->ranges[1];
  switch (command->kind) {
    case COMMAND_COPY:
      memmove(b->storage->data + b->offset, a->storage->data + a->offset, (size_t)a->bytes);
      break;
    case COMMAND_WRITE:
      memcpy(a->storage->data + a->offset, command->data, (size_t)a->bytes);
      break;
    case COMMAND_CLEAR:
      for (uint64_t i = 0; i < a->bytes; i += command->data_bytes) {
        memcpy(a->storage->data + a->offset + i, command->data, (size_t)command->data_bytes);
      }
      break;
    case COMMAND_DISPATCH:
      if (command->program.kind == PROGRAM_WORD) run_word(command);
      if (command->program.kind == PROGRAM_SELF_TEST) run_self_test(command);
      if (command->program.kind == PROGRAM_COPY) run_copy(command);
      if (command->program.kind == PROGRAM_TRIAL) run_trial(command);
      if (command->program.kind == PROGRAM_DIRECT) run_direct(command);
      break;
    case COMMAND_SYNC:
    case COMMAND_TIMESTAMP: break;
  }
}
