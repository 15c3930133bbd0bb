// The queue and the clock.
#include "gpu.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Record {
  uint64_t begin_ns, end_ns;
} Record;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static Command *first, **end = &first;
static bool running;  // a command is being executed, by any thread
static uint64_t tail_end_ns;

static GpuClock mode = GPU_SCALED;
static uint64_t number = 1;      // of the mode
static uint64_t now_ns;          // virtual; of GPU_SCALED at real_base_ns
static uint64_t real_base_ns;
static bool has_thread;

static uint64_t fixed_cost_ns = 20000, group_cost_ns;
static uint64_t next_costs[64];
static uint32_t next_cost, cost_count;
static struct {
  int channels, pixels;
  uint64_t count, ns;
} own_cost;
static uint64_t fall_ns, fall_factor = 1, busy_since_link;
static Record records[gpu_record_limit];
static uint64_t recorded, ended, ended_from_before;

void gpu_lock(void) { pthread_mutex_lock(&lock); }
void gpu_unlock(void) { pthread_mutex_unlock(&lock); }

static uint64_t real_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct timespec real_time(uint64_t ns) {
  const struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
  return t;
}

static uint64_t clock_now(void) {
  return mode == GPU_SCALED ? now_ns + (real_now() - real_base_ns) * number : now_ns;
}

static void retire(Command *command) {
  if (command->recorded && ended_from_before != 0) {
    --ended_from_before;
  } else {
    ended += command->recorded;
  }
  for (int i = 0; i < gpu_bindings; ++i) storage_drop(command->ranges[i].storage);
  if (command->promise != NULL) {
    command->promise->kept = true;
    promise_drop(command->promise);
  }
  free(command->data);
  free(command);
}

// Executes what ends until `limit`, in order.
static void run_until(uint64_t limit) {
  for (;;) {
    while (running) pthread_cond_wait(&changed, &lock);
    Command *command = first;
    if (command == NULL || command->end_ns > limit) break;
    first = command->next;
    if (first == NULL) end = &first;
    running = true;
    pthread_mutex_unlock(&lock);
    execute(command);
    pthread_mutex_lock(&lock);
    retire(command);
    running = false;
    pthread_cond_broadcast(&changed);
  }
  if (mode != GPU_SCALED && now_ns < limit) now_ns = limit;
}

static void *run_by_the_clock(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  for (;;) {
    const uint64_t now = clock_now();
    if (mode != GPU_SCALED || first == NULL) {
      pthread_cond_wait(&changed, &lock);
    } else if (first->end_ns <= now) {
      run_until(now);
    } else {
      const struct timespec then = real_time(real_now() + (first->end_ns - now) / number + 1);
      pthread_cond_timedwait(&changed, &lock, &then);
    }
  }
  return NULL;
}

static void set_clock(GpuClock clock, uint64_t value) {
  now_ns = clock_now();
  real_base_ns = real_now();
  mode = clock;
  number = value != 0 || clock == GPU_JUMP ? value : 1;
  pthread_t thread;
  if (mode == GPU_SCALED && !has_thread) {
    if (pthread_create(&thread, NULL, run_by_the_clock, NULL) != 0) abort();
    pthread_detach(thread);
    has_thread = true;
  }
  // Nobody would wait for what is flushed already.
  if (mode == GPU_IMMEDIATE || mode == GPU_JUMP) run_until(tail_end_ns);
  pthread_cond_broadcast(&changed);
}

static void __attribute__((constructor)) start(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&changed, &attributes);
  pthread_condattr_destroy(&attributes);
  static const char *const names[] = {"immediate", "jump", "scaled", "manual"};
  const char *text = getenv("TEST_GPU");
  if (text == NULL) text = "scaled";
  int wanted = 0;
  while (wanted < 4 && strncmp(text, names[wanted], strlen(names[wanted])) != 0) ++wanted;
  if (wanted == 4) abort();
  const char *value = strchr(text, '=');
  gpu_set_clock((GpuClock)wanted, value == NULL ? 0 : strtoull(value + 1, NULL, 10));
}

void gpu_set_clock(GpuClock clock, uint64_t value) {
  pthread_mutex_lock(&lock);
  set_clock(clock, value);
  pthread_mutex_unlock(&lock);
}

void gpu_advance(uint64_t ns) {
  pthread_mutex_lock(&lock);
  run_until(clock_now() + ns);
  pthread_mutex_unlock(&lock);
}

uint64_t gpu_now(void) {
  pthread_mutex_lock(&lock);
  const uint64_t now = clock_now();
  pthread_mutex_unlock(&lock);
  return now;
}

// A clock that only jumps moves when it is looked at, or nothing would be late.
uint64_t below_now_ns(void) {
  pthread_mutex_lock(&lock);
  if (mode == GPU_IMMEDIATE || mode == GPU_JUMP) run_until(now_ns + 100000);
  const uint64_t now = clock_now();
  pthread_mutex_unlock(&lock);
  return now;
}

bool below_goes_on(void) { return false; }

void below_pass_time(uint64_t timeout_ns) {
  const struct timespec t = {0, (long)(timeout_ns < 1000000 ? timeout_ns : 1000000)};
  if (timeout_ns > 0) nanosleep(&t, NULL);
}

void gpu_set_cost(uint64_t fixed_ns, uint64_t per_group_ns) {
  pthread_mutex_lock(&lock);
  fixed_cost_ns = fixed_ns;
  group_cost_ns = per_group_ns;
  pthread_mutex_unlock(&lock);
}

void gpu_set_next_costs(const uint64_t *ns, uint32_t count) {
  pthread_mutex_lock(&lock);
  if (count > sizeof next_costs / sizeof next_costs[0]) abort();
  memcpy(next_costs, ns, count * sizeof *ns);
  next_cost = 0;
  cost_count = count;
  pthread_mutex_unlock(&lock);
}

void gpu_set_costs_of(int channels, int pixels, uint64_t count, uint64_t ns) {
  pthread_mutex_lock(&lock);
  own_cost.channels = channels;
  own_cost.pixels = pixels;
  own_cost.count = count;
  own_cost.ns = ns;
  pthread_mutex_unlock(&lock);
}

void gpu_set_clock_fall(uint64_t busy_ns, uint64_t factor) {
  pthread_mutex_lock(&lock);
  fall_ns = busy_ns;
  fall_factor = factor;
  pthread_mutex_unlock(&lock);
}

void queue_note_compiler(void) { busy_since_link = 0; }

void gpu_forget(void) {
  pthread_mutex_lock(&lock);
  ended_from_before += recorded - ended;
  recorded = ended = 0;
  pthread_mutex_unlock(&lock);
}

static uint64_t locked_value(const uint64_t *value) {
  pthread_mutex_lock(&lock);
  const uint64_t copy = *value;
  pthread_mutex_unlock(&lock);
  return copy;
}

uint64_t gpu_queued(void) { return locked_value(&recorded); }
uint64_t gpu_ended(void) { return locked_value(&ended); }

static Record record_of(uint64_t index) {
  const Record none = {UINT64_MAX, UINT64_MAX};
  pthread_mutex_lock(&lock);
  const Record found =
      index < recorded && recorded - index <= gpu_record_limit ? records[index % gpu_record_limit]
                                                               : none;
  pthread_mutex_unlock(&lock);
  return found;
}

uint64_t gpu_begin_ns(uint64_t index) { return record_of(index).begin_ns; }
uint64_t gpu_end_ns(uint64_t index) { return record_of(index).end_ns; }

Promise *promise_new(void) {
  Promise *promise = calloc(1, sizeof *promise);
  if (promise == NULL) abort();
  promise->users = 1;
  return promise;
}

void promise_drop(Promise *promise) {
  if (promise != NULL && --promise->users == 0) free(promise);
}

Command *command_new(CommandKind kind) {
  Command *command = calloc(1, sizeof *command);
  if (command == NULL) abort();
  command->kind = kind;
  return command;
}

static uint64_t cost_of_convolution(const Command *command) {
  const DirectSizes *sizes = &command->program.sizes;
  if (own_cost.count != 0 && sizes->bm == own_cost.channels && sizes->tn == own_cost.pixels) {
    --own_cost.count;
    return own_cost.ns;
  }
  if (next_cost < cost_count) return next_costs[next_cost++];
  const uint64_t groups =
      (uint64_t)command->groups[0] * command->groups[1] * command->groups[2];
  return fixed_cost_ns + group_cost_ns * groups;
}

static uint64_t cost_of(const Command *command) {
  if (command->kind != COMMAND_DISPATCH) return 0;
  const bool fills = command->program.kind == PROGRAM_TRIAL && fall_ns != 0;
  uint64_t cost = command->recorded ? cost_of_convolution(command) : fills ? gpu_fill_ns : 0;
  if (busy_since_link < fall_ns) cost *= fall_factor;
  busy_since_link += cost;
  return cost;
}

void queue_record(Gl *gl, Command *command) {
  for (int i = 0; i < gpu_bindings; ++i) storage_use(command->ranges[i].storage);
  if (command->promise != NULL) ++command->promise->users;
  command->recorded = command->kind == COMMAND_DISPATCH && command->program.kind == PROGRAM_DIRECT;
  command->cost_ns = cost_of(command) + hazards_wait(command);
  hazards_note(command);
  *gl->list.end = command;
  gl->list.end = &command->next;
  if (mode != GPU_IMMEDIATE) return;
  queue_flush(gl);
  run_until(tail_end_ns);
}

void queue_flush(Gl *gl) {
  const uint64_t now = clock_now();
  for (Command *command = gl->list.first, *next; command != NULL; command = next) {
    next = command->next;
    command->next = NULL;
    command->begin_ns = (tail_end_ns > now ? tail_end_ns : now) +
                        (command->kind == COMMAND_DISPATCH ? (uint64_t)gpu_gap_ns : 0);
    command->end_ns = command->begin_ns + command->cost_ns;
    tail_end_ns = command->end_ns;
    if (command->promise != NULL) command->promise->at_ns = command->end_ns;
    if (command->recorded) {
      records[recorded++ % gpu_record_limit] = (Record){command->begin_ns, command->end_ns};
    }
    *end = command;
    end = &command->next;
  }
  gl->list.first = NULL;
  gl->list.end = &gl->list.first;
  pthread_cond_broadcast(&changed);
}

bool queue_await(Promise *promise, uint64_t timeout_ns) {
  if (promise->kept) return true;
  const uint64_t start = real_now();
  const uint64_t limit = start + (timeout_ns < 1000000000000u ? timeout_ns : 1000000000000u);
  // A promise that nobody has flushed is kept by no clock.
  if (mode == GPU_JUMP && promise->at_ns != 0 && promise->polls++ >= number) {
    run_until(promise->at_ns);
  }
  const struct timespec then = real_time(limit);
  while (!promise->kept && real_now() < limit) pthread_cond_timedwait(&changed, &lock, &then);
  return promise->kept;
}

void queue_drain(void) {
  Promise *promise = promise_new();
  Command *command = command_new(COMMAND_SYNC);
  command->promise = promise;
  ++promise->users;
  CommandList list = {command, &command->next};
  Gl nowhere = {.list = list};
  queue_flush(&nowhere);
  if (mode == GPU_IMMEDIATE || mode == GPU_JUMP) run_until(promise->at_ns);
  while (!promise->kept) pthread_cond_wait(&changed, &lock);
  promise_drop(promise);
}
