#include "explorer/machine.h"

#include <cstdlib>

namespace explorer {

Machine machine;

bool Machine::step(int thread, void (*body)(void*), void* data) {
  now_ = thread;
  position_ = 0;
  moved_ = false;
  if (setjmp(leave_) != 0) return false;
  body(data);
  return true;
}

uint64_t Machine::access(Access kind, const void* cell, uint32_t bytes, uint64_t a, uint64_t b) {
  Thread& me = threads_[now_];
  if (position_ < me.log_size) return me.log[position_++];
  if (kind == Access::fence && me.buffered == 0) {  // nothing that others could see
    ++position_;
    return me.log[me.log_size++] = 0;
  }
  if (moved_) std::longjmp(leave_, 1);
  if (me.log_size == log_limit) std::abort();  // a call that never ends
  moved_ = true;
  const auto at = cell == nullptr
                      ? 0
                      : static_cast<uint32_t>(static_cast<const char*>(cell) - memory_);
  const uint64_t result = perform(kind, at, bytes, a, b);
  last_ = {now_, kind, at, a, result};
  if (me.sleep_cell != 0) std::longjmp(leave_, 1);  // wake() completes the access
  ++position_;
  return me.log[me.log_size++] = result;
}

uint64_t Machine::once(uint64_t (*note)(void*), void* data) {
  Thread& me = threads_[now_];
  if (position_ < me.log_size) return me.log[position_++];
  ++position_;
  const uint64_t result = note(data);
  return me.log[me.log_size++] = result;
}

uint64_t Machine::perform(Access kind, uint32_t cell, uint32_t bytes, uint64_t a, uint64_t b) {
  Thread& me = threads_[now_];
  if (kind == Access::load) {
    for (uint32_t i = me.buffered; i-- > 0;) {
      if (me.buffer[i].cell == cell) return me.buffer[i].value;
    }
    return read(cell, bytes);
  }
  if (kind == Access::store) {
    if (me.buffered == buffer_limit) flush_one(now_);
    me.buffer[me.buffered++] = {cell, bytes, a};
    return 0;
  }
  drain(me);
  if (kind == Access::fence) return 0;
  if (kind == Access::wake) {
    wake(cell, static_cast<uint32_t>(a));
    return 0;
  }
  const uint64_t old = read(cell, bytes);
  if (kind == Access::add) write(cell, bytes, old + a);
  if (kind == Access::exchange && old == a) write(cell, bytes, b);
  if (kind == Access::sleep && old == a && me.late == 0) {
    me.sleep_cell = cell + 1;
    me.sleep_mask = static_cast<uint32_t>(b);
  }
  return kind == Access::exchange ? old : 0;
}

uint64_t Machine::read(uint32_t cell, uint32_t bytes) const {
  uint64_t value = 0;
  std::memcpy(&value, memory_ + cell, bytes);
  return value;
}

void Machine::write(uint32_t cell, uint32_t bytes, uint64_t value) {
  if (cell + bytes > bytes_) std::abort();
  std::memcpy(memory_ + cell, &value, bytes);
}

void Machine::flush_one(int thread) {
  Thread& t = threads_[thread];
  write(t.buffer[0].cell, t.buffer[0].bytes, t.buffer[0].value);
  last_ = {thread, Access::flush, t.buffer[0].cell, t.buffer[0].value, 0};
  --t.buffered;
  for (uint32_t i = 0; i < t.buffered; ++i) t.buffer[i] = t.buffer[i + 1];
}

void Machine::expire(int thread) {
  Thread& t = threads_[thread];
  t.late = 1;
  last_ = {thread, Access::expire, 0, 0, 0};
  if (t.sleep_cell == 0) return;
  t.sleep_cell = 0;
  t.log[t.log_size++] = 0;
}

void Machine::drain(Thread& thread) {
  for (uint32_t i = 0; i < thread.buffered; ++i) {
    write(thread.buffer[i].cell, thread.buffer[i].bytes, thread.buffer[i].value);
  }
  thread.buffered = 0;
}

void Machine::wake(uint32_t cell, uint32_t mask) {
  for (int i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    if (t.sleep_cell != cell + 1 || (t.sleep_mask & mask) == 0) continue;
    t.sleep_cell = 0;
    t.log[t.log_size++] = 0;
  }
}

}  // namespace explorer
