// A trial's clock: when a recipe is ready for it, and what it takes.
#include <algorithm>

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
    write_table(engine, recipe);
    Timing timing = time_recipe(engine.gl(), recipe, programs.names.data(),
                                tensors(packed_->name), rules, &engine.context());
    if (is_spoiled(recipe, OpenRules::spoil_hang)) timing.ended = false;
    const bool accepted = timing.ended && engine.gl().GetError() == GL_NO_ERROR;
    engine.context().checkpoint();
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
  if (error.status == SPORKLE_ERROR_DEVICE_LOST) throw;
  *reason = error.reason;
  return false;
}

}  // namespace sporkle::gl
