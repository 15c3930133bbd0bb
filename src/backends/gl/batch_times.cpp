// When the device began and ended with a batch, as far as that is known.
#include <algorithm>
#include <numeric>

#include "backends/gl/batch_list.h"

namespace sporkle::gl {

namespace {

// Copies that take less are not worth a dispatch in front of them.
constexpr uint64_t late_margin_ns = 20000;

}  // namespace

uint64_t BatchList::begin_of_oldest() const noexcept {
  return std::max(batches_[first_].closed_ns, last_end_ns_);
}

uint64_t BatchList::earliest_begin_of_oldest() const noexcept {
  return std::max(batches_[first_].closed_ns, last_pending_ns_);
}

bool BatchList::ends_late(uint64_t least) const noexcept {
  const Batch& batch = batches_[first_];
  const Prediction known = batch.predicted;
  const uint64_t margin = std::max(late_margin_ns, known.ns / 32);
  // A device that had nothing to do begins late.
  const bool followed = batch.closed_ns < last_end_ns_;
  return followed && known.trusted() && least + sync_cost_ns_ > known.ns + margin;
}

uint64_t BatchList::busy_from() const noexcept {
  if (synchronous_) return batches_[first_].opened_ns;
  return std::midpoint(begin_of_oldest(), earliest_begin_of_oldest()) + sync_cost_ns_;
}

uint64_t BatchList::busy_until(uint64_t now) const noexcept {
  const Batch& batch = batches_[first_];
  return synchronous_ ? batch.closed_ns : std::midpoint(batch.pending_ns, now);
}

}  // namespace sporkle::gl
