#include "backends/gl/engine.h"

#include <algorithm>
#include <cinttypes>
#include <new>

#include "backends/gl/interop_exchange.h"
#include "backends/gl/patience.h"
#include "backends/gl/self_test.h"
#include "core/expectation.h"

namespace sporkle::gl {

namespace {

// While a backlog is emitted, what ends meanwhile is looked for every so many
// operations.
constexpr uint64_t ask_interval = 8;

// Operations that wait behind the one being emitted when a backlog counts as deep.
constexpr uint64_t deep_backlog = 8;

// A GPU that has just hung is asked for less long whether it computes again:
// closing the device waits for that.
constexpr uint64_t hung_self_test_ns = 1000000000u;

// An operation's part of its batch's time: what was predicted, but never nothing, or a
// prediction of 0 would be 0 for ever.
double weight_of(const Entry& entry) noexcept {
  constexpr uint64_t least_ns = 1000;
  if (entry.exchange != nullptr) return 0;
  return static_cast<double>(std::max(entry.predicted.ns, least_ns));
}

}  // namespace

Engine::Engine(const DeviceEnvironment& environment, const EglFunctions& egl,
               const EglDevice& device, const OpenRules& rules, CommandQueue& queue,
               Reclaim reclaim)
    : environment_(environment),
      egl_(egl),
      device_(device),
      rules_(rules),
      reclaim_(reclaim),
      queue_(queue),
      zombies_(environment.memory),
      programs_(environment.memory, environment.cache),
      encoder_(environment.memory, environment.stats, rules, reclaim),
      emitted_(queue.completed()) {}

bool Engine::open(DriverSlot* slot, Error* error) noexcept {
  slot_ = slot;
  error->status = SPORKLE_ERROR_DEVICE_UNAVAILABLE;
  try {
    if (start_context(&error->reason)) return true;
  } catch (const Error& thrown) {
    error->reason = thrown.reason;
  } catch (const std::bad_alloc&) {
    error->status = SPORKLE_ERROR_OUT_OF_MEMORY;
    error->reason.set("no memory to open an OpenGL context");
  }
  close_context();
  return false;
}

bool Engine::start_context(Reason* reason) {
  std::pmr::polymorphic_allocator<> allocator(environment_.memory);
  context_ = allocator.new_object<GlContext>();
  context_->set_thread(slot_);
  if (!context_->open(egl_, device_, rules_, reason)) return false;
  const uint64_t patience = hung_ ? hung_self_test_ns : self_test_patience_ns;
  if (!passes_self_test(*context_, patience, reason) || !settle_mapping(reason)) return false;
  ++generation_;
  buffers_ = 0;
  lost_ = hung_ = false;
  encoder_.start(context_, generation_);
  const uint64_t before = batches_.disagreements();
  batches_.start(context_, rules_, dispatches_synchronously(*context_),
                 work_patience_ns(*environment_.options, facts().software));
  count_disagreements(before);
  return true;
}

// Whether buffers can be mapped is found out once: memory keeps its form when
// the context is opened again.
bool Engine::settle_mapping(Reason* reason) {
  if (mapping_ == Mapping::unknown) {
    const bool works = facts().buffer_storage && mapping_works(*context_, rules_);
    if (!works) rules_.without_buffer_storage = true;
    if (!works) context_->give_up_mapping();
    mapping_ = works ? Mapping::works : Mapping::given_up;
  }
  if (facts().buffer_storage == (mapping_ == Mapping::works)) return true;
  reason->set("the driver no longer maps buffers");
  return false;
}

void Engine::advance(DriverSlot& slot, const std::atomic<bool>& stop) noexcept {
  end_batches();
  bool held = false;
  do {
    if (lost_) return;
    held = emit_waiting(slot, stop);
    if (lost_) return;
    if (batches_.should_close(true)) close_batch();
    // What was held back may go once one of those in flight has ended.
  } while (end_batches() && held && !stop.load(std::memory_order_relaxed));
}

bool Engine::emit_waiting(DriverSlot& slot, const std::atomic<bool>& stop) noexcept {
  const uint64_t last = queue_.submitted();
  while (emitted_ < last && !lost_ && !stop.load(std::memory_order_relaxed)) {
    const uint64_t value = emitted_ + 1;
    Entry& entry = queue_.entry(value);
    entry.predicted = predict(entry);
    batches_.set_backlog(last - value >= deep_backlog);
    if (batches_.must_wait_before(entry.predicted.ns)) return true;
    if (value == last && continues_stream(value) &&
        batches_.may_wait_before(entry.predicted.ns)) {
      return true;
    }
    emit(entry, value);
    if (lost_) return false;
    driver_checkpoint(slot);
    emitted_ = value;
    batches_.add(value, entry.predicted);
    if (entry.status == SPORKLE_ERROR_DEVICE_LOST && context_->was_reset()) lost_ = true;
    if (batches_.should_close(false)) {
      close_batch();
      end_batches();
    } else if (value % ask_interval == 0 && batches_.ends_soon()) {
      end_batches();
    }
  }
  return false;
}

Prediction Engine::predict(const Entry& entry) noexcept {
  if (entry.exchange != nullptr) return {};
  return static_cast<const GlWork&>(*entry.operation.plan).predicted();
}

void Engine::emit(Entry& entry, uint64_t value) noexcept {
  if (entry.exchange != nullptr) {
    entry.status = entry.exchange->emit(context_->gl(), generation());
    encoder_.note_foreign_calls();
    return;
  }
  if (batches_.must_close_before(entry.predicted.ns)) close_batch();
  batches_.open();
  if (!lost_) entry.status = encoder_.encode(entry, value, successor(value));
}

const Operation* Engine::successor(uint64_t value) noexcept {
  if (value == queue_.completed() || value >= queue_.submitted() || !copies_beside()) return nullptr;
  const Entry &present = queue_.entry(value), &next = queue_.entry(value + 1);
  if (present.exchange != nullptr || next.exchange != nullptr) return nullptr;
  const bool stream = present.operation.plan == next.operation.plan;
  return stream && batches_.is_long(predict(next).ns) ? &next.operation : nullptr;
}

bool Engine::continues_stream(uint64_t value) noexcept {
  if (value <= queue_.completed() + 1 || !copies_beside()) return false;
  const Entry &before = queue_.entry(value - 1), &present = queue_.entry(value);
  if (before.exchange != nullptr || present.exchange != nullptr) return false;
  const auto* input = static_cast<const GlMemory*>(present.operation.input.memory.get());
  return before.operation.plan == present.operation.plan && input->shader_copies();
}

// Software renderers copy on the processor that computes.
bool Engine::copies_beside() const noexcept { return !facts().software || rules_.beside != nullptr; }

void Engine::close_batch() noexcept {
  const uint64_t deferred = successor(emitted_) != nullptr ? encoder_.defer_downloads() : 0;
  if (deferred == 0) encoder_.finish_batch();
  context_->checkpoint();
  if (!batches_.close(deferred)) {
    lost_ = true;
    return;
  }
  if (!batches_.newest().hinted) {
    if (deferred != 0) encoder_.order_all();
    return;
  }
  encoder_.note_word();
  encoder_.note_foreign_calls();
}

bool Engine::end_batches() noexcept {
  bool ended = false;
  while (batches_.in_flight() && !lost_) {
    const uint64_t before = batches_.disagreements();
    const bool hinted = batches_.hinted();
    const BatchAnswer answer = batches_.ask();
    count_disagreements(before);
    if (hinted && !batches_.hinted()) note_lost_word();
    if (answer == BatchAnswer::pending) return ended;
    if (answer == BatchAnswer::lost || answer == BatchAnswer::hung) {
      lost_ = true;
      hung_ = answer == BatchAnswer::hung;
      return ended;
    }
    const Batch& batch = batches_.oldest();
    observe(batch, now_ns());
    if (batch.last_value > queue_.completed()) queue_.complete(batch.last_value);
    batches_.drop_oldest();
    ended = true;
    if (!busy()) encoder_.note_all_ended();
    // Operations that collected while this one was in flight may go now.
    if (batches_.should_close(emitted_ == queue_.submitted())) close_batch();
  }
  return ended;
}

void Engine::count_disagreements(uint64_t before) noexcept {
  const uint64_t now = batches_.disagreements();
  if (now != before) environment_.stats->add(Counter::completion_contradictions, now - before);
}

void Engine::note_lost_word() noexcept {
  contradictions_.fetch_add(1, std::memory_order_relaxed);
  environment_.log->write(SPORKLE_LOG_WARNING,
                          "%s: completion word and sync object contradict each other (%" PRIu64
                          "); only sync objects are used from now on",
                          facts().name, batches_.disagreements());
}

void Engine::announce(uint64_t now, Lateness late) noexcept {
  late.waiter_ns = expectations[queue_.timeline()].waking_ns.load(std::memory_order_relaxed);
  batches_.set_lateness(late);
  uint64_t until = 0;
  if (!batches_.announces(now, &until)) return;
  timeline_expect(queue_.timeline(), queue_.completed(), batches_.oldest().last_value, until);
}

bool Engine::has_exchange(const Batch& batch) noexcept {
  for (uint64_t v = batch.first_value; v <= batch.emitted_value; ++v) {
    if (queue_.entry(v).exchange != nullptr) return true;
  }
  return false;
}

void Engine::observe(const Batch& batch, uint64_t now) noexcept {
  // Device time of the operations alone, between two bounds: the batch before was seen
  // to end when somebody looked, and may have ended when it was last seen unfinished.
  const auto beyond_sync = [&](uint64_t begin, uint64_t then) {
    const uint64_t start = begin + batches_.sync_cost_ns();
    return static_cast<double>(then > start ? then - start : 0);
  };
  const double least = beyond_sync(batches_.begin_of_oldest(), batch.pending_ns);
  const double most = beyond_sync(batches_.earliest_begin_of_oldest(), now);
  double weights = 0;
  for (uint64_t v = batch.first_value; v <= batch.emitted_value; ++v) {
    weights += weight_of(queue_.entry(v));
  }
  // Behind a hand-over the time is also the caller's commands'.
  const bool mixed = has_exchange(batch);
  for (uint64_t v = queue_.completed() + 1; v <= batch.last_value; ++v) {
    if (queue_.entry(v).exchange != nullptr) continue;
    encoder_.collect(queue_.entry(v));
    context_->checkpoint();
  }
  const uint64_t busy = busy_.take(batches_.busy_from(), batches_.busy_until(now));
  if (mixed) return;
  const bool late = batches_.ends_late(static_cast<uint64_t>(least));
  // The time is that of the kernels in it, whose copies may end later: their
  // operations are in the queue as long.
  for (uint64_t v = batch.first_value; v <= batch.emitted_value; ++v) {
    Entry& entry = queue_.entry(v);
    if (late) encoder_.note_late(entry);
    const double share = weight_of(entry) / weights;
    static_cast<GlWork&>(*entry.operation.plan)
        .observe(static_cast<uint64_t>(least * share), static_cast<uint64_t>(most * share));
    if (OperationMeter* meter = entry.operation.meter.get()) {
      meter->busy_ns.fetch_add(static_cast<uint64_t>(static_cast<double>(busy) * share),
                               std::memory_order_relaxed);
    }
  }
}

}  // namespace sporkle::gl
