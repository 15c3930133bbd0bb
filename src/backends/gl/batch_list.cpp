#include "backends/gl/batch_list.h"

#include <algorithm>

#include "backends/gl/self_test.h"

namespace sporkle::gl {

namespace {

constexpr uint32_t batch_operation_limit = 64;

// A batch that is predicted to run longer than this many syncs ends, so that
// its operations do not signal late.
constexpr uint64_t syncs_per_batch = 20;
constexpr uint64_t batch_limit_max_ns = 2000000;

// While one batch is in flight the next is closed when the sync it costs is
// small against its work, or in time to keep the device from running dry.
constexpr uint64_t large_batch_syncs = 8, small_batch_syncs = 2;
constexpr uint64_t turnaround_ns = 25000;
// The same for an operation that waits for its successor, whose thread may sleep.
constexpr uint64_t hold_margin_ns = 150000;

// Waiters stay awake for a moment beyond the predicted end, and for longer when the
// device has been idle.
constexpr uint64_t short_grace_ns = 60000, long_grace_ns = 30000;
constexpr uint64_t idle_ns = 1000000, idle_grace_ns = 300000;

// The word costs a barrier and a dispatch, 4.6 us on an H200: shorter batches
// are asked for by their sync object alone. Not on software drivers: zink's
// glClientWaitSync (Mesa 22.3.6) with a timeout of 0 or 1 us calls a sync object
// signalled that its own thread has not submitted yet.
constexpr uint64_t word_threshold_hardware_ns = 100000;

// A word that does not arrive must not hide a finished batch for longer.
constexpr uint64_t proof_interval_ns = 2000000;
// The word is written before the sync object signals; the gap is 2 to 4 us on
// an H200, and a time slice or more where the processor does the work.
constexpr uint64_t word_patience_hardware_ns = 2000000;
constexpr uint64_t word_patience_software_ns = 300000000;
constexpr uint64_t word_spin_ns = 30000;
// Of batches that take so long that the thread's processor falls asleep.
constexpr uint64_t rehearsal_ns = 1500000;

// Work that takes this many times what is expected, and longer than the limit,
// is taken for hung. A process that was stopped has not waited: of the time
// between two looks, milliseconds apart, no more counts than this.
constexpr uint64_t hung_factor = 100;
constexpr uint64_t look_gap_limit_ns = 250000000;

constexpr int sync_samples = 8;
constexpr uint64_t sync_patience_ns = 100000000;

}  // namespace

void BatchList::start(const GlContext* context, const OpenRules& rules, bool synchronous,
                      uint64_t work_limit_ns) noexcept {
  context_ = context;
  work_limit_ns_ = work_limit_ns;
  synchronous_ = synchronous;
  if (synchronous) return;
  const bool software = context->facts().software;
  word_threshold_ns_ = software ? 0 : word_threshold_hardware_ns;
  word_patience_ns_ = software ? word_patience_software_ns : word_patience_hardware_ns;
  if (!hint_.create(*context, rules)) ++disagreements_;
  measure_sync_cost();
}

void BatchList::measure_sync_cost() noexcept {
  const GladGLContext& gl = context_->gl();
  uint64_t best = UINT64_MAX;
  for (int i = 0; i < sync_samples; ++i) {
    const uint64_t start = now_ns();
    const GLsync sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.Flush();
    const bool ended = sync != nullptr && wait_sync(gl, sync, sync_patience_ns);
    gl.DeleteSync(sync);
    if (!ended) return;
    best = std::min(best, now_ns() - start);
  }
  sync_cost_ns_ = best;
  batch_limit_ns_ = std::clamp(syncs_per_batch * best, batch_limit_min_ns, batch_limit_max_ns);
}

void BatchList::stop() noexcept {
  if (context_ == nullptr) return forget();  // a recovery that opened no context
  for (; count_ != 0; drop_oldest()) {
  }
  hint_.destroy(context_->gl());
  forget();
}

void BatchList::forget() noexcept {
  hint_.forget();
  first_ = count_ = 0;
  open_operations_ = 0;
  open_predicted_ = {};
  context_ = nullptr;
}

void BatchList::add(uint64_t value, Prediction predicted) noexcept {
  if (open_operations_++ == 0) open_first_ = value;
  open_last_ = value;
  open_predicted_.add(predicted);
}

bool BatchList::should_close(bool queue_dry) const noexcept {
  if (open_operations_ == 0 || count_ == capacity) return false;
  if (open_operations_ >= batch_operation_limit || open_predicted_.ns >= batch_limit_ns()) {
    return true;
  }
  if (!queue_dry || count_ >= in_flight_limit) return false;
  return count_ == 0 || worth_closing(now_ns());
}

bool BatchList::worth_closing(uint64_t now) const noexcept {
  if (open_predicted_.ns >= large_batch_syncs * sync_cost_ns_) return true;
  return open_predicted_.ns >= small_batch_syncs * sync_cost_ns_ &&
         expected_end() <= now + turnaround_ns;
}

bool BatchList::must_close_before(uint64_t predicted_ns) const noexcept {
  return open_operations_ != 0 && count_ < capacity &&
         open_predicted_.ns + predicted_ns > batch_limit_ns();
}

bool BatchList::must_wait_before(uint64_t predicted_ns) const noexcept {
  if (count_ >= in_flight_limit && is_long(predicted_ns) && is_long(newest().predicted.ns)) {
    return true;
  }
  return open_operations_ != 0 && count_ == capacity &&
         open_predicted_.ns + predicted_ns > batch_limit_ns();
}

bool BatchList::may_wait_before(uint64_t predicted_ns) noexcept {
  hold_until_ns_ = 0;
  if (count_ != 1 || open_operations_ != 0 || !is_long(predicted_ns)) return false;
  const Prediction running = batches_[first_].predicted;
  if (!running.trusted()) return false;
  const uint64_t margin = std::max(hold_margin_ns, running.ns / 8);
  if (now_ns() + margin >= expected_end()) return false;
  hold_until_ns_ = expected_end() - margin;
  return true;
}

bool BatchList::close(uint64_t unfinished) noexcept {
  const GladGLContext& gl = context_->gl();
  Batch batch;
  batch.serial = next_serial_++;
  batch.first_value = open_first_;
  batch.emitted_value = open_last_;
  batch.last_value = unfinished != 0 ? unfinished - 1 : open_last_;
  batch.predicted = open_predicted_;
  batch.predicted.ns += sync_cost_ns_;
  batch.hinted = hint_.enabled() && open_predicted_.ns >= word_threshold_ns_;
  if (batch.hinted) hint_.signal(gl, batch.serial);
  batch.sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  // Always flushed here: a sync object that nobody has flushed may never end.
  gl.Flush();
  context_->checkpoint();
  if (batch.sync == nullptr) return false;
  batch.opened_ns = opened_ns_;
  batch.closed_ns = now_ns();
  batch.pending_ns = batch.closed_ns;
  batch.proof_ns = batch.closed_ns;
  batches_[(first_ + count_++) % capacity] = batch;
  open_operations_ = 0;
  open_predicted_ = {};
  hold_until_ns_ = 0;
  return true;
}

// Whether the driver is worth asking.
bool BatchList::word_answers(Batch& batch, uint64_t now) noexcept {
  const bool hinted = batch.hinted && hint_.enabled();
  if (hinted && batch.word_ns == 0 && hint_.reached(batch.serial)) batch.word_ns = now;
  const bool proof = now - batch.proof_ns >= proof_interval_ns;
  if (proof) batch.proof_ns = now;
  return !hinted || proof || batch.word_ns != 0;
}

BatchAnswer BatchList::still_pending(Batch& batch, uint64_t now) const noexcept {
  const uint64_t since = std::max(batch.pending_ns, last_end_ns_);
  batch.waited_ns += std::min(now - std::min(since, now), look_gap_limit_ns);
  batch.pending_ns = now;
  if (work_limit_ns_ == 0 || batch.waited_ns <= work_limit_ns_) return BatchAnswer::pending;
  const bool expected = batch.waited_ns / hung_factor <= batch.predicted.ns;
  return expected ? BatchAnswer::pending : BatchAnswer::hung;
}

void BatchList::distrust_word() noexcept {
  hint_.destroy(context_->gl());
  context_->checkpoint();
}

BatchAnswer BatchList::ask() noexcept {
  Batch& batch = batches_[first_];
  const uint64_t now = now_ns();
  if (!word_answers(batch, now)) return still_pending(batch, now);
  const GLenum answer = context_->gl().ClientWaitSync(batch.sync, 0, 0);
  context_->checkpoint();
  if (answer == GL_TIMEOUT_EXPIRED) {
    if (batch.word_ns != 0 && hint_.enabled() && now - batch.word_ns > word_patience_ns_) {
      ++disagreements_;
      distrust_word();
    }
    // Some drivers leave the sync objects of a lost context pending.
    return batch.proof_ns == now && context_->was_reset() ? BatchAnswer::lost
                                                          : still_pending(batch, now);
  }
  const bool satisfied = answer == GL_ALREADY_SIGNALED || answer == GL_CONDITION_SATISFIED;
  // After a reset every sync object reads as signalled.
  const bool lost = !satisfied || context_->was_reset();
  context_->checkpoint();
  if (lost) return BatchAnswer::lost;
  // A signalled sync object promises the word: one of the two is wrong.
  if (batch.hinted && hint_.enabled() && !hint_.reached(batch.serial)) {
    if (batch.signalled_ns == 0) {
      batch.signalled_ns = now;
      ++disagreements_;
    }
    const uint64_t patience = word_patience_ns_ + 4 * batch.predicted.ns;
    if (now - batch.signalled_ns < patience) return BatchAnswer::pending;
    distrust_word();
  }
  return BatchAnswer::ended;
}

void BatchList::drop_oldest() noexcept {
  last_pending_ns_ = batches_[first_].pending_ns;
  context_->gl().DeleteSync(batches_[first_].sync);
  context_->checkpoint();
  first_ = (first_ + 1) % capacity;
  --count_;
  last_end_ns_ = now_ns();
}

Deadline BatchList::next_look() const noexcept {
  Deadline deadline;
  if (count_ == 0) return deadline;
  const Batch& batch = batches_[first_];
  const uint64_t now = now_ns();
  deadline.at = LookSchedule::next(begin_of_oldest(), batch.predicted, now, late_);
  // In time to close the next batch before the device runs dry.
  const uint64_t turn = expected_end() - turnaround_ns;
  if (open_operations_ != 0 && turn > now) deadline.at = std::min(deadline.at, turn);
  if (hold_until_ns_ > now) deadline.at = std::min(deadline.at, hold_until_ns_);
  // The sync object follows its word closely.
  if (batch.word_ns != 0) deadline.at = std::min(deadline.at, now + LookSchedule::step_min_ns);
  return deadline;
}

// The oldest batch: the device had nothing to do before it.
bool BatchList::was_idle() const noexcept {
  return batches_[first_].closed_ns > last_end_ns_ + idle_ns;
}

// And it is short.
bool BatchList::after_idle() const noexcept {
  return was_idle() && batches_[first_].predicted.ns <= LookSchedule::short_after_idle_ns;
}

bool BatchList::announces(uint64_t now, uint64_t* until) noexcept {
  if (count_ == 0 || batches_[first_].announced) return false;
  Batch& batch = batches_[first_];
  const uint64_t end = expected_end();
  if (now + LookSchedule::telling_ns(batch.predicted, late_) < end && !after_idle()) return false;
  batch.announced = true;
  // The driver is asked once more before the end: what it does then comes from the caches
  // when the word is there.
  if (batch.predicted.ns >= rehearsal_ns) batch.proof_ns = 0;
  const bool is_short = batch.predicted.ns < word_threshold_hardware_ns;
  *until = std::max(now, end) +
           (was_idle() ? idle_grace_ns : is_short ? short_grace_ns : long_grace_ns);
  return true;
}

bool BatchList::ends_soon() const noexcept {
  if (count_ == 0) return false;
  const Batch& batch = batches_[first_];
  const uint64_t now = now_ns();
  if (batch.word_ns != 0) return now - batch.word_ns < word_spin_ns;
  return LookSchedule::spins(begin_of_oldest(), batch.predicted, now, late_);
}

bool BatchList::stays_awake() const noexcept {
  if (count_ == 0) return false;
  const Batch& batch = batches_[first_];
  if (batch.word_ns != 0) return ends_soon();
  return LookSchedule::stays_awake(begin_of_oldest(), batch.predicted, now_ns(), after_idle(),
                                   late_);
}

}  // namespace sporkle::gl
