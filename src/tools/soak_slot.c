#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/random.h"
#include "tools/soak.h"
#include "tools/timing.h"

// A fence that has not ended by then is lost.
static const int64_t patience_ns = 20000000000;
static const float tolerance = 1e-4f;

static void raise_to(atomic_llong *maximum, long long value) {
  long long seen = atomic_load(maximum);
  while (seen < value && !atomic_compare_exchange_weak(maximum, &seen, value)) {
  }
}

void soak_complain(SoakRound *round, const char *call, sporkle_status status) {
  char text[512];
  if (atomic_fetch_add(&round->out->counts.broken, 1) != 0) return;
  snprintf(round->out->message, sizeof round->out->message, "%s: %s", call,
           session_error_text(status, text));
}

// What an operation may end with.
static bool may_end_with(const SoakRound *round, sporkle_status status) {
  if (status == SPORKLE_OK) return true;
  return round->options->faults &&
         (status == SPORKLE_ERROR_DEVICE_LOST || status == SPORKLE_ERROR_OPERATION_FAILED ||
          status == SPORKLE_ERROR_OUT_OF_MEMORY);
}

// What a call that wants the device may say: a fault may also strike while it is
// being opened again.
static bool may_refuse(const SoakRound *round, sporkle_status status) {
  return may_end_with(round, status) ||
         (round->options->faults && status == SPORKLE_ERROR_DEVICE_UNAVAILABLE);
}

static sporkle_status make_buffer(SoakRound *round, size_t count, sporkle_buffer *out) {
  sporkle_buffer_desc desc = SPORKLE_BUFFER_DESC_INIT;
  desc.device = round->session.device;
  desc.size = count * sizeof(float);
  return sporkle_buffer_create(round->session.context, &desc, out);
}

static void release_objects(SoakSlot *slot) {
  if (slot->plan) sporkle_plan_destroy(slot->plan);
  if (slot->input) sporkle_buffer_destroy(slot->input);
  if (slot->output) sporkle_buffer_destroy(slot->output);
  slot->plan = NULL;
  slot->input = slot->output = NULL;
}

// Plan and buffers, anew after a loss. False: not now.
static bool have_objects(SoakRound *round, SoakSlot *slot) {
  const SoakCase *conv = round->conv;
  if (slot->plan) return true;
  const char *call = "sporkle_plan_create";
  sporkle_status status = sporkle_plan_create(round->session.context, round->session.device,
                                              &conv->desc, conv->weights, conv->bias, &slot->plan);
  if (status == SPORKLE_OK) {
    call = "sporkle_buffer_create";
    status = make_buffer(round, conv->input_count, &slot->input);
  }
  if (status == SPORKLE_OK) status = make_buffer(round, conv->output_count, &slot->output);
  if (status == SPORKLE_OK) return true;
  release_objects(slot);
  if (!may_refuse(round, status)) soak_complain(round, call, status);
  return false;
}

// Writes the input and spoils the output, so that only the operation can make
// it right.
static sporkle_status fill(SoakRound *round, SoakSlot *slot) {
  const SoakCase *conv = round->conv;
  void *input = NULL, *output = NULL;
  sporkle_status status = sporkle_buffer_data(slot->input, &input);
  if (status == SPORKLE_OK) status = sporkle_buffer_data(slot->output, &output);
  if (status != SPORKLE_OK) return status;
  memcpy(input, conv->inputs[slot->variant], conv->input_count * sizeof(float));
  for (size_t i = 0; i < conv->output_count; ++i) ((float *)output)[i] = NAN;
  status = sporkle_buffer_flush(slot->input, 0, conv->input_count * sizeof(float));
  if (status != SPORKLE_OK) return status;
  return sporkle_buffer_flush(slot->output, 0, conv->output_count * sizeof(float));
}

static void submit(SoakRound *round, SoakSlot *slot, uint64_t *random) {
  if (!have_objects(round, slot)) return;
  slot->variant = (int)(random_next(random) % SOAK_VARIANTS);
  sporkle_status status = fill(round, slot);
  sporkle_plan_bindings bindings = SPORKLE_PLAN_BINDINGS_INIT;
  bindings.input.buffer = slot->input;
  bindings.output.buffer = slot->output;
  if (status == SPORKLE_OK) status = sporkle_plan_submit(slot->plan, &bindings, &slot->fence);
  if (status == SPORKLE_ERROR_POOL_EXHAUSTED) return;
  if (status != SPORKLE_OK) {
    if (!may_refuse(round, status)) soak_complain(round, "sporkle_plan_submit", status);
    release_objects(slot);
    return;
  }
  slot->stands_in = false;
  slot->submitted_ns = timing_now_ns();
  atomic_store(&slot->shown, (void *)slot->fence);
  atomic_fetch_add(&round->out->counts.submitted, 1);
}

// An operation that ended well has written every output, each near the oracle.
static void verify(SoakRound *round, SoakSlot *slot) {
  SoakCounts *counts = &round->out->counts;
  const SoakCase *conv = round->conv;
  void *data = NULL;
  sporkle_status status =
      sporkle_buffer_invalidate(slot->output, 0, conv->output_count * sizeof(float));
  if (status == SPORKLE_OK) status = sporkle_buffer_data(slot->output, &data);
  if (status != SPORKLE_OK) {
    // The device was lost after the operation, and its output with it.
    if (!may_end_with(round, status)) soak_complain(round, "sporkle_buffer_invalidate", status);
    return;
  }
  const float *got = data, *want = conv->outputs[slot->variant];
  size_t unwritten = 0, wrong = 0;
  for (size_t i = 0; i < conv->output_count; ++i) {
    unwritten += isnan(got[i]) != 0;
    wrong += !(fabsf(got[i] - want[i]) <= tolerance);
  }
  if (unwritten > 0) {
    atomic_fetch_add(&counts->extra, 1);
  } else if (wrong > 0) {
    atomic_fetch_add(&counts->wrong, 1);
  } else {
    atomic_fetch_add(&counts->verified, 1);
  }
}

static void end(SoakRound *round, SoakSlot *slot, sporkle_status status) {
  // An end is final.
  if (sporkle_fence_poll(slot->fence) != status) atomic_fetch_add(&round->out->counts.extra, 1);
  atomic_store(&slot->shown, NULL);
  if (sporkle_fence_destroy(slot->fence) != SPORKLE_OK) {
    soak_complain(round, "sporkle_fence_destroy", SPORKLE_ERROR_INVALID_HANDLE);
  }
  slot->fence = NULL;
  if (!may_end_with(round, status)) {
    soak_complain(round, "the operation", status);
  } else if (status != SPORKLE_OK) {
    atomic_fetch_add(&round->out->counts.failed, 1);
    release_objects(slot);
  } else if (!slot->stands_in || !round->options->faults) {
    // Behind a fault a fence that was inserted later says nothing about the
    // operation whose own fence is gone.
    verify(round, slot);
  }
}

static sporkle_status wait_timed(SoakRound *round, sporkle_fence fence, uint64_t timeout_ns) {
  const int64_t start = timing_now_ns();
  const sporkle_status status = sporkle_fence_wait(fence, timeout_ns);
  const int64_t took = timing_now_ns() - start;
  raise_to(&round->out->counts.longest_wait_ns, took);
  if (took > (int64_t)timeout_ns) {
    raise_to(&round->out->counts.longest_overrun_ns, took - (int64_t)timeout_ns);
  }
  return status;
}

// Lets the fence go before the work has ended; one behind it takes its place.
static void destroy_early(SoakRound *round, SoakSlot *slot) {
  sporkle_fence behind = NULL;
  const sporkle_status status = sporkle_fence_insert(
      round->session.context, round->session.device, "soak", &behind);
  if (status != SPORKLE_OK) {
    if (status != SPORKLE_ERROR_POOL_EXHAUSTED && !may_refuse(round, status)) {
      soak_complain(round, "sporkle_fence_insert", status);
    }
    return;
  }
  atomic_store(&slot->shown, (void *)behind);
  if (sporkle_fence_destroy(slot->fence) != SPORKLE_OK) {
    soak_complain(round, "sporkle_fence_destroy", SPORKLE_ERROR_INVALID_HANDLE);
  }
  slot->fence = behind;
  slot->stands_in = true;
  atomic_fetch_add(&round->out->counts.destroyed_early, 1);
}

static void attend(SoakRound *round, SoakSlot *slot, uint64_t *random) {
  sporkle_status status = SPORKLE_NOT_READY;
  switch (random_next(random) % 8) {
    case 0: destroy_early(round, slot); return;
    case 1: status = wait_timed(round, slot->fence, 0); break;
    case 2: status = wait_timed(round, slot->fence, random_next(random) % 2000000); break;
    case 3: {
      uint32_t index = 0;
      status = sporkle_fence_wait_any(&slot->fence, 1, 500000, &index);
      break;
    }
    case 4: status = sporkle_fence_wait_all(&slot->fence, 1, 500000); break;
    default: status = sporkle_fence_poll(slot->fence); break;
  }
  if (status == SPORKLE_NOT_READY || status == SPORKLE_TIMEOUT) {
    if (timing_now_ns() - slot->submitted_ns < patience_ns) return;
    atomic_fetch_add(&round->out->counts.lost, 1);
    status = SPORKLE_ERROR_DEVICE_LOST;
    slot->fence = NULL;
    release_objects(slot);
    return;
  }
  end(round, slot, status);
}

// A look without the lock: the fence may be destroyed meanwhile.
static void observe(SoakRound *round, SoakSlot *slot, uint64_t *random) {
  const sporkle_fence fence = (sporkle_fence)atomic_load(&slot->shown);
  if (!fence) return;
  const sporkle_status status = random_next(random) % 4 == 0
                                    ? wait_timed(round, fence, random_next(random) % 1000000)
                                    : sporkle_fence_poll(fence);
  const bool known = status == SPORKLE_NOT_READY || status == SPORKLE_TIMEOUT ||
                     status == SPORKLE_ERROR_INVALID_HANDLE || may_end_with(round, status);
  if (!known) soak_complain(round, "a look at a fence", status);
}

void soak_act(SoakRound *round, uint64_t *random) {
  SoakSlot *slot = &round->slots[random_next(random) % SOAK_SLOTS];
  if (random_next(random) % 4 == 0 || pthread_mutex_trylock(&slot->lock) != 0) {
    observe(round, slot, random);
    return;
  }
  if (slot->fence) {
    attend(round, slot, random);
  } else {
    submit(round, slot, random);
  }
  pthread_mutex_unlock(&slot->lock);
}

void soak_drain(SoakRound *round) {
  for (int i = 0; i < SOAK_SLOTS; ++i) {
    SoakSlot *slot = &round->slots[i];
    if (slot->fence) {
      const sporkle_status status = sporkle_fence_wait(slot->fence, (uint64_t)patience_ns);
      if (status == SPORKLE_TIMEOUT) {
        atomic_fetch_add(&round->out->counts.lost, 1);
      } else {
        end(round, slot, status);
      }
    }
    release_objects(slot);
  }
}
