// Dispatches that run into each other with no barrier between, which a queue
// that executes in order would never show.
#include <string.h>

#include "gpu.h"

enum { touch_limit = 1024 };

typedef struct Touch {
  const Storage *storage;
  uint64_t begin, end;
  bool write, ended;
} Touch;

static Touch touches[touch_limit];
static int touch_count;
static uint64_t hazards, strays, dispatches, shader_copies;
static uint64_t wait_period, wait_ns, wait_turn, waits;
static bool has_neighbour;  // work since the last barrier

// What is bound elsewhere is left over from another program.
static bool uses(const Program *program, uint32_t mode, int slot) {
  switch (program->kind) {
    case PROGRAM_WORD: return slot == 0;
    case PROGRAM_SELF_TEST: return slot <= 1;
    // `mode`: how many vectors.
    case PROGRAM_COPY: return slot <= 1 && mode != 0;
    // Its counter and its list are one binding, and different words.
    case PROGRAM_TRIAL:
      return (slot == 0 && (mode == TRIAL_COUNT || mode == TRIAL_GATHER)) ||
             (slot == 1 && mode != TRIAL_COUNT);
    case PROGRAM_DIRECT:
      return slot <= 4 && (slot != 2 || program->sizes.has_bias) &&
             (slot != 3 || program->sizes.has_residual);
    default: return false;
  }
}

static bool writes(ProgramKind kind, int slot) {
  switch (kind) {
    case PROGRAM_WORD: return slot == 0;
    case PROGRAM_SELF_TEST:
    case PROGRAM_COPY: return slot == 1;
    case PROGRAM_TRIAL:
    case PROGRAM_DIRECT: return slot == (kind == PROGRAM_DIRECT ? 4 : 1);
    default: return false;
  }
}

// Of what has ended only the writes, and only for who reads them: a barrier makes
// them visible.
static bool meets(const Touch *a, const Touch *b) {
  const bool depends = a->ended ? a->write && !b->write : a->write || b->write;
  return a->storage == b->storage && a->begin < b->end && b->begin < a->end && depends;
}

void hazards_note(const Command *command) {
  if (command->kind != COMMAND_DISPATCH) return;
  bool met = false;
  const int before = touch_count;
  for (int slot = 0; slot < gpu_bindings; ++slot) {
    const Range *range = &command->ranges[slot];
    if (range->storage == NULL || !uses(&command->program, command->arguments[0], slot)) continue;
    const Touch touch = {range->storage, range->offset, range->offset + range->bytes,
                         writes(command->program.kind, slot), false};
    for (int i = 0; i < before && !met; ++i) met = meets(&touches[i], &touch);
    if (touch_count < touch_limit) touches[touch_count++] = touch;
  }
  hazards += met;
  shader_copies += command->program.kind == PROGRAM_COPY;
  ++dispatches;
}

// How much longer a dispatch takes that waits for its neighbours.
uint64_t hazards_wait(const Command *command) {
  if (command->kind != COMMAND_DISPATCH) return 0;
  const ProgramKind kind = command->program.kind;
  const bool waits_now = wait_period != 0 && wait_turn++ % wait_period == 0 && has_neighbour;
  has_neighbour |= kind == PROGRAM_DIRECT || (kind == PROGRAM_COPY && command->arguments[0] != 0);
  waits += waits_now;
  return waits_now ? wait_ns : 0;
}

void gpu_set_waits(uint64_t period, uint64_t ns) {
  gpu_lock();
  wait_period = period;
  wait_ns = ns;
  wait_turn = waits = 0;
  gpu_unlock();
}

uint64_t gpu_waits(void) {
  gpu_lock();
  const uint64_t count = waits;
  gpu_unlock();
  return count;
}

uint64_t hazards_dispatches(void) { return dispatches; }

void hazards_ended(uint64_t count) {
  if (count != dispatches) return;
  for (int i = 0; i < touch_count; ++i) touches[i].ended = true;
}

void hazards_forget(const Storage *storage) {
  for (int i = 0; i < touch_count; ++i) {
    if (touches[i].storage == storage) touches[i--] = touches[--touch_count];
  }
}

void hazards_barrier(void) {
  touch_count = 0;
  has_neighbour = false;
}

void stray_access(void) { __atomic_fetch_add(&strays, 1, __ATOMIC_RELAXED); }

uint64_t gpu_hazards(void) {
  gpu_lock();
  const uint64_t count = hazards;
  gpu_unlock();
  return count;
}

uint64_t gpu_stray_accesses(void) { return __atomic_load_n(&strays, __ATOMIC_RELAXED); }

uint64_t gpu_shader_copies(void) {
  gpu_lock();
  const uint64_t count = shader_copies;
  gpu_unlock();
  return count;
}
