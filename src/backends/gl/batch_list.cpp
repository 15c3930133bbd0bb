#include "backends/gl/batch_list.h"

#include <algorithm>

namespace sporkle::gl {

namespace {

// About twenty times what a sync costs on an H200 (12 to 15 us): a batch that
// is predicted to run longer ends, so that its operations do not signal late.
constexpr uint64_t batch_limit_ns = 240000;
constexpr uint32_t batch_operation_limit = 64;

constexpr uint64_t spin_span_ns = 30000;
constexpr uint64_t step_min_ns = 20000;
constexpr uint64_t step_max_ns = 1000000;

// A word that does not arrive must not hide a finished batch for longer.
constexpr uint64_t proof_interval_ns = 2000000;

// Sync objects of zink (Mesa 22.3) read as signalled over about 1 % of small
// batches that still run. Where there is a word it is waited for, this long
// and four times the prediction; if it never comes, the word is what is wrong.
constexpr uint64_t word_patience_ns = 200000000;

}  // namespace

void BatchList::start(const GlContext* context, const OpenRules& rules, bool with_hint) noexcept {
  context_ = context;
  if (with_hint) hint_.create(*context, rules);
}

void BatchList::stop() noexcept {
  for (; count_ != 0; drop_oldest()) {
  }
  hint_.destroy(context_->gl());
  forget();
}

void BatchList::forget() noexcept {
  hint_.forget();
  first_ = count_ = 0;
  open_operations_ = 0;
  open_predicted_ns_ = 0;
  context_ = nullptr;
}

void BatchList::add(uint64_t value, uint64_t predicted_ns) noexcept {
  ++open_operations_;
  open_last_ = value;
  open_predicted_ns_ += predicted_ns;
}

bool BatchList::should_close(bool queue_dry) const noexcept {
  if (open_operations_ == 0 || count_ == capacity) return false;
  if (open_operations_ >= batch_operation_limit || open_predicted_ns_ >= batch_limit_ns) {
    return true;
  }
  return queue_dry && count_ < in_flight_limit;
}

bool BatchList::must_close_before(uint64_t predicted_ns) const noexcept {
  return open_operations_ != 0 && count_ < capacity &&
         open_predicted_ns_ + predicted_ns > batch_limit_ns;
}

bool BatchList::close() noexcept {
  const GladGLContext& gl = context_->gl();
  Batch batch;
  batch.serial = next_serial_++;
  batch.last_value = open_last_;
  batch.predicted_ns = open_predicted_ns_;
  if (hint_.enabled()) hint_.signal(gl, batch.serial);
  batch.sync = gl.FenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  // Always flushed here: a sync object that nobody has flushed may never end.
  gl.Flush();
  context_->checkpoint();
  if (batch.sync == nullptr) return false;
  batch.closed_ns = now_ns();
  const uint64_t free_at =
      count_ == 0 ? 0 : batches_[(first_ + count_ - 1) % capacity].expected_end;
  batch.expected_end = std::max(batch.closed_ns, free_at) + batch.predicted_ns;
  batch.proof_ns = batch.closed_ns;
  batches_[(first_ + count_++) % capacity] = batch;
  open_operations_ = 0;
  open_predicted_ns_ = 0;
  return true;
}

BatchAnswer BatchList::ask() noexcept {
  Batch& batch = batches_[first_];
  const bool arrived = !hint_.enabled() || hint_.reached(batch.serial);
  const uint64_t now = arrived ? 0 : now_ns();
  if (!arrived) {
    if (now - batch.proof_ns < proof_interval_ns) return BatchAnswer::pending;
    batch.proof_ns = now;
  }
  const GLenum answer = context_->gl().ClientWaitSync(batch.sync, 0, 0);
  context_->checkpoint();
  if (answer == GL_TIMEOUT_EXPIRED) return BatchAnswer::pending;
  const bool satisfied = answer == GL_ALREADY_SIGNALED || answer == GL_CONDITION_SATISFIED;
  // After a reset every sync object reads as signalled.
  const bool lost = !satisfied || context_->was_reset();
  context_->checkpoint();
  if (lost) return BatchAnswer::lost;
  if (arrived || hint_.reached(batch.serial)) return BatchAnswer::ended;
  if (batch.signalled_ns == 0) batch.signalled_ns = now;
  const uint64_t patience = word_patience_ns + 4 * batch.predicted_ns;
  if (now - batch.signalled_ns < patience) return BatchAnswer::pending;
  hint_.destroy(context_->gl());
  context_->checkpoint();
  return BatchAnswer::ended;
}

void BatchList::drop_oldest() noexcept {
  context_->gl().DeleteSync(batches_[first_].sync);
  context_->checkpoint();
  first_ = (first_ + 1) % capacity;
  --count_;
}

Deadline BatchList::next_look() const noexcept {
  Deadline deadline;
  if (count_ == 0) return deadline;
  const Batch& batch = batches_[first_];
  const uint64_t now = now_ns();
  if (now + 2 * spin_span_ns < batch.expected_end) {
    // Half of what is left: a prediction that is too long would otherwise
    // confirm itself, because the end is seen only when somebody looks.
    deadline.at = now + (batch.expected_end - now) / 2;
  } else {
    deadline.at = now + std::clamp((now - batch.closed_ns) / 16, step_min_ns, step_max_ns);
  }
  return deadline;
}

bool BatchList::ends_soon() const noexcept {
  if (count_ == 0 || !hint_.enabled()) return false;
  const uint64_t now = now_ns();
  const uint64_t end = batches_[first_].expected_end;
  return now + spin_span_ns >= end && now < end + spin_span_ns;
}

}  // namespace sporkle::gl
