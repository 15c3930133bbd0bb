// Group commit: operations gather in the open batch; a closed batch has one
// sync object, and a completion word where the driver can write one.
#pragma once

#include "backends/gl/completion_hint.h"
#include "base/clock.h"

namespace sporkle::gl {

struct Batch {
  GLsync sync = nullptr;
  uint32_t serial = 0;
  uint64_t last_value = 0;     // of the timeline
  uint64_t closed_ns = 0;
  uint64_t predicted_ns = 0;   // device time of its operations
  uint64_t expected_end = 0;   // on our clock
  uint64_t proof_ns = 0;       // when the driver was last asked although the word is not there
  uint64_t signalled_ns = 0;   // when it said so first
};

enum class BatchAnswer : uint8_t { pending, ended, lost };

class BatchList {
 public:
  // Batches in flight before operations collect.
  static constexpr uint32_t in_flight_limit = 3;

  void start(const GlContext* context, const OpenRules& rules, bool with_hint) noexcept;
  void stop() noexcept;
  void forget() noexcept;

  // An operation has been emitted.
  void add(uint64_t value, uint64_t predicted_ns) noexcept;
  bool has_open() const noexcept { return open_operations_ != 0; }
  // Whether the open batch ends here. `queue_dry`: nothing more is waiting.
  bool should_close(bool queue_dry) const noexcept;
  // Whether the open batch must end before an operation of that length joins
  // it: a short operation never waits for a long successor.
  bool must_close_before(uint64_t predicted_ns) const noexcept;
  // Emits the completion word, the sync object and the flush. False when the
  // driver gives no sync object.
  bool close() noexcept;

  bool in_flight() const noexcept { return count_ != 0; }
  const Batch& oldest() const noexcept { return batches_[first_]; }
  // Asks about the oldest batch; an ended one is removed by drop_oldest().
  BatchAnswer ask() noexcept;
  void drop_oldest() noexcept;

  // When the oldest batch is worth asking again.
  Deadline next_look() const noexcept;
  // Whether it is expected to end within the span of a short spin.
  bool ends_soon() const noexcept;

  bool hinted() const noexcept { return hint_.enabled(); }

 private:
  static constexpr uint32_t capacity = 4;
  static_assert(in_flight_limit < capacity);

  const GlContext* context_ = nullptr;
  CompletionHint hint_;
  Batch batches_[capacity];
  uint32_t first_ = 0, count_ = 0;
  uint32_t next_serial_ = 1;
  uint32_t open_operations_ = 0;
  uint64_t open_last_ = 0;
  uint64_t open_predicted_ns_ = 0;
};

}  // namespace sporkle::gl
