// Group commit: operations gather in the open batch; a closed batch has one
// sync object, and a completion word where the driver can write one.
#pragma once

#include "backends/gl/completion_hint.h"
#include "backends/gl/look_schedule.h"
#include "base/clock.h"

namespace sporkle::gl {

struct Batch {
  GLsync sync = nullptr;
  uint32_t serial = 0;
  uint64_t first_value = 0, emitted_value = 0;  // of the timeline: its operations
  uint64_t last_value = 0;     // what has ended with it: without the copies left to the next
  uint64_t opened_ns = 0;      // before the first of them was emitted; where dispatches are synchronous
  uint64_t closed_ns = 0;
  Prediction predicted;        // device time of its operations
  bool hinted = false;         // has a completion word
  bool announced = false;      // its waiters have been told that it ends soon
  uint64_t pending_ns = 0;     // when it was last seen unfinished
  uint64_t waited_ns = 0;      // for its end, while the thread was there to see it
  uint64_t proof_ns = 0;       // when the driver was last asked although the word is not there
  uint64_t word_ns = 0;        // when the word was seen
  uint64_t signalled_ns = 0;   // when the sync object signalled without the word
};

// `hung`: pending for longer than work may take.
enum class BatchAnswer : uint8_t { pending, ended, lost, hung };

class BatchList {
 public:
  // Batches in flight before operations collect.
  static constexpr uint32_t in_flight_limit = 2;

  // `synchronous`: dispatches are complete when they return, so there is
  // nothing to hint at and nothing to wait for. `work_limit_ns`: how long a batch
  // may take at least before it counts as hung; 0: for ever.
  void start(const GlContext* context, const OpenRules& rules, bool synchronous,
             uint64_t work_limit_ns) noexcept;
  void stop() noexcept;
  void forget() noexcept;

  // Whether many operations wait behind the next one: nobody is near the end of what
  // is emitted now, and a batch may be longer.
  void set_backlog(bool deep) noexcept { deep_backlog_ = deep; }
  // An operation is about to be emitted.
  void open() noexcept {
    if (synchronous_ && open_operations_ == 0) opened_ns_ = now_ns();
  }
  // It has been.
  void add(uint64_t value, Prediction predicted) noexcept;
  bool has_open() const noexcept { return open_operations_ != 0; }
  // Whether the open batch ends here. `queue_dry`: nothing more is waiting.
  bool should_close(bool queue_dry) const noexcept;
  // Whether the open batch is worth a sync object of its own while another one
  // is in flight.
  bool worth_closing(uint64_t now) const noexcept;
  // Whether the open batch must end before an operation of that length joins
  // it: a short operation never waits for a long successor.
  bool must_close_before(uint64_t predicted_ns) const noexcept;
  // Whether it must and cannot, because too many are in flight; or is so long that
  // the device has enough to do, and what comes meanwhile can be copied beside it.
  bool must_wait_before(uint64_t predicted_ns) const noexcept;
  // Whether it is better emitted later: the one in flight lasts a while, and until then
  // a successor may come, whose input is copied beside it. Sets the next look.
  bool may_wait_before(uint64_t predicted_ns) noexcept;
  bool is_long(uint64_t predicted_ns) const noexcept { return predicted_ns >= batch_limit_ns_; }
  // Emits the completion word, the sync object and the flush. Operations from
  // `unfinished` on end with a later batch; 0: none. False when the driver gives no
  // sync object.
  bool close(uint64_t unfinished) noexcept;

  bool in_flight() const noexcept { return count_ != 0; }
  bool has_room() const noexcept { return count_ < capacity; }
  const Batch& oldest() const noexcept { return batches_[first_]; }
  const Batch& newest() const noexcept { return batches_[(first_ + count_ - 1) % capacity]; }
  // Asks about the oldest batch; an ended one is removed by drop_oldest().
  BatchAnswer ask() noexcept;
  void drop_oldest() noexcept;

  // How late threads wake up here.
  void set_lateness(Lateness late) noexcept { late_ = late; }
  // When the device can have begun with the oldest batch.
  uint64_t begin_of_oldest() const noexcept;
  // When it can have begun at the earliest: the one before was seen unfinished until then.
  uint64_t earliest_begin_of_oldest() const noexcept;
  // Whether the operations of the oldest batch, which took `least` at least, have taken
  // longer than is known of them: by more than predictions are off, less than copies take.
  bool ends_late(uint64_t least) const noexcept;
  // From when to when the device can be taken to have worked on the oldest batch, which has
  // been seen to end: where dispatches are complete when they return, while it was emitted;
  // else the middle of what is known of its begin and its end, without the cost of a sync.
  uint64_t busy_from() const noexcept;
  uint64_t busy_until(uint64_t now) const noexcept;
  // When the oldest batch is worth asking again.
  Deadline next_look() const noexcept;
  // Whether it is expected to end within the span of a short spin.
  bool ends_soon() const noexcept;
  // Whether the thread does better not to sleep until it ends.
  bool stays_awake() const noexcept;

  bool hinted() const noexcept { return hint_.enabled(); }
  // Whether waiters of the oldest batch should wake up now, once per batch; in
  // `until` how long they do well to stay awake.
  bool announces(uint64_t now, uint64_t* until) noexcept;

  uint64_t last_end_ns() const noexcept { return last_end_ns_; }
  // What a batch costs beyond its operations; 0 where it was not measured.
  uint64_t sync_cost_ns() const noexcept { return sync_cost_ns_; }
  // Times the word and the sync object contradicted each other: a sync object that
  // signals first, at start-up too, or for longer than the driver is given after the
  // word. One that lasts disables the word.
  uint64_t disagreements() const noexcept { return disagreements_; }

 private:
  static constexpr uint32_t capacity = 4;
  // A sync object with its flush takes 11.5 us of an H100's time, the word 3.5 us.
  static constexpr uint64_t deep_backlog_factor = 3;
  static_assert(in_flight_limit < capacity);

  void measure_sync_cost() noexcept;
  uint64_t batch_limit_ns() const noexcept {
    return deep_backlog_ ? deep_backlog_factor * batch_limit_ns_ : batch_limit_ns_;
  }
  uint64_t expected_end() const noexcept {
    return begin_of_oldest() + batches_[first_].predicted.ns;
  }
  bool was_idle() const noexcept;
  bool after_idle() const noexcept;
  bool word_answers(Batch& batch, uint64_t now) noexcept;
  BatchAnswer still_pending(Batch& batch, uint64_t now) const noexcept;
  void distrust_word() noexcept;

  const GlContext* context_ = nullptr;
  CompletionHint hint_;
  Batch batches_[capacity];
  uint32_t first_ = 0, count_ = 0;
  uint32_t next_serial_ = 1;
  uint32_t open_operations_ = 0;
  uint64_t open_first_ = 0, open_last_ = 0;
  bool synchronous_ = false;
  uint64_t opened_ns_ = 0;
  Prediction open_predicted_;
  uint64_t last_end_ns_ = 0;   // when the newest batch that has ended was seen to
  uint64_t last_pending_ns_ = 0;  // and when it was last seen unfinished
  uint64_t sync_cost_ns_ = 0;
  uint64_t word_threshold_ns_ = 0;  // shorter batches have no word
  uint64_t word_patience_ns_ = 0;   // for word and sync object to agree
  uint64_t hold_until_ns_ = 0;      // when what may wait is emitted
  bool deep_backlog_ = false;
  uint64_t batch_limit_ns_ = batch_limit_min_ns;
  uint64_t disagreements_ = 0;
  uint64_t work_limit_ns_ = 0;
  Lateness late_;

  static constexpr uint64_t batch_limit_min_ns = 240000;
};

}  // namespace sporkle::gl
