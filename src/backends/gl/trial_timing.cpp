// A trial's clock: when a recipe is ready for it, and what it takes.
#include <algorithm>
#include <cstdio>
#include <time.h>

#include "backends/gl/self_test.h"
#include "backends/gl/trial.h"
#include "backends/gl/trial_programs.h"

namespace sporkle::gl {

namespace {

constexpr uint64_t idle_fill_bytes = 16 << 20;  // what keeps the clock up may not queue up
constexpr int fills_in_flight = 64;
constexpr uint64_t fill_patience_ns = 5'000'000'000;

}  // namespace

bool Trial::ready(const Recipe& recipe) {
  bool all = true;
  thread_->call([&](Engine& engine) {
    std::pmr::string source(memory_);
    for (const Program& program : recipe.programs) {
      source.clear();
      append_source(program, source);
      all = all && engine.program_ready(source);
    }
    if (all || engine.facts().software) return;
    const uint64_t bytes = std::min<uint64_t>(packed_->size, idle_fill_bytes);
    for (int i = 0; i < 8; ++i) fill(engine, *packed_, Fill::random, bytes, trial_packed_seed);
    engine.gl().Flush();
  });
  return all;
}

bool Trial::keep_busy(uint64_t ns) {
  const Deadline end = Deadline::after(ns);
  bool goes = true;
  while (goes && !end.passed()) {
    thread_->call([&](Engine& engine) {
      const GladGLContext& gl = engine.gl();
      bool ended = false;
      if (!engine.facts().software) {
        const uint64_t bytes = std::min<uint64_t>(packed_->size, idle_fill_bytes);
        for (int i = 0; i < fills_in_flight; ++i) {
          fill(engine, *packed_, Fill::random, bytes, trial_packed_seed);
        }
        const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
        ended = sync != nullptr && wait_sync(gl, sync, fill_patience_ns);
        gl.DeleteSync(sync);
      }
      engine.context().checkpoint();
      goes = ended;
    });
  }
  return goes;
}

// Random weights do; random offsets of taps do not: a kernel whose taps lie outside of the
// image reads no input (itable, H100: 20.6 us where the true table takes 24.2).
void Trial::write_table(Engine& engine, const Recipe& recipe) {
  const auto table = tap_table(recipe, problem_, memory_);
  if (table.empty()) return;
  engine.fill_local(*packed_, table.data(), table.size(), recipe.table_offset);
  engine.gl().MemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT);
}

// What the device was given before must not be taken for this recipe's: neither the work of
// others, nor a recipe that hangs, nor an error.
void Trial::await_idle(Engine& engine, uint64_t patience_ns) {
  const GladGLContext& gl = engine.gl();
  clear_gl_errors(gl);
  const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  const bool idle = sync != nullptr && wait_sync(gl, sync, patience_ns);
  gl.DeleteSync(sync);
  engine.context().checkpoint();
  if (idle) return;
  fail(SPORKLE_ERROR_BUSY, "the device has not ended what came before after %.0f s",
       static_cast<double>(patience_ns) * 1e-9);
}

bool Trial::compiler_answers(uint64_t patience_ns) {
  char text[160];
  // A text of its own each time: nothing has it compiled already.
  std::snprintf(text, sizeof text,
                "#version 430\nlayout(local_size_x = 1) in;\n"
                "layout(std430, binding = 0) buffer Y { uint y[]; };\n"
                "void main() { y[0] = %uu; }\n", static_cast<unsigned>(now_ns() / 1000));
  const std::pmr::string source(text, memory_);
  thread_->call([&](Engine& engine) { engine.start_program(source); });
  const Deadline end = Deadline::after(patience_ns);
  for (;;) {
    bool ready = false;
    thread_->call([&](Engine& engine) { ready = engine.program_ready(source); });
    if (ready || end.passed()) return ready;
    const timespec pause{0, 1'000'000};
    nanosleep(&pause, nullptr);
  }
}

// Until the trial ends: who compares many must not find that one was deleted and compiles anew.
void Trial::hold(const TrialPrograms& programs) {
  for (ProgramEntry* entry : programs.entries) {
    if (std::find(held_.begin(), held_.end(), entry) != held_.end()) continue;
    held_.push_back(entry);
    entry->users.fetch_add(1, std::memory_order_relaxed);
  }
}

bool Trial::time(const Recipe& recipe, const TimingRules& rules, Timing* out,
                 Reason* reason) try {
  bool good = false;
  thread_->call([&](Engine& engine) {
    if (is_spoiled(recipe, OpenRules::spoil_compile)) {
      fail(SPORKLE_ERROR_OPERATION_FAILED, "shader spoiled for a test");
    }
    const TrialPrograms programs(engine, recipe, memory_);
    await_idle(engine, rules.patience_ns);
    write_table(engine, recipe);
    Timing timing = time_recipe(engine.gl(), recipe, programs.names.data(),
                                tensors(packed_->name), rules, &engine.context());
    if (is_spoiled(recipe, OpenRules::spoil_hang)) timing.ended = false;
    const GLenum error = engine.gl().GetError();
    const bool accepted = timing.ended && error == GL_NO_ERROR;
    engine.context().checkpoint();
    if (error == GL_OUT_OF_MEMORY) {
      fail(SPORKLE_ERROR_OUT_OF_MEMORY, "the device has no memory to run %s", recipe.variant.name);
    }
    if (recipe.variant.family == Family::itable) {
      fill(engine, *packed_, Fill::random, recipe.packed_bytes, trial_packed_seed);
    }
    engine.context().checkpoint();
    // Behind it: a thread that was given up in the driver shares nothing with the trial's end.
    hold(programs);
    good = accepted;
    if (!timing.ended) reason->set("it does not end");
    else if (!good) reason->set("the driver refuses its commands");
    *out = timing;
  });
  return good;
} catch (const Error& error) {
  if (error.status == SPORKLE_ERROR_DEVICE_LOST || error.status == SPORKLE_ERROR_OUT_OF_MEMORY ||
      error.status == SPORKLE_ERROR_BUSY) {
    throw;
  }
  *reason = error.reason;
  return false;
}

}  // namespace sporkle::gl
