// Objects behind handles: found by slot and generation, kept alive by a count
// of pins in the slot, dead at once when destroyed, freed by the last pin.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/handle.h"
#include "base/process.h"

namespace sporkle {

class Object {
 public:
  explicit Object(HandleType type) noexcept : type_(type), epoch_(process_epoch()) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  HandleType type() const noexcept { return type_; }
  void* handle() const noexcept { return handle_; }
  uint64_t epoch() const noexcept { return epoch_; }

  // Called once by the thread that destroyed the handle, before the last pin
  // can go: stops what the object has running.
  virtual void on_destroy() noexcept {}

  // Called when the last pin is gone: destroys and frees the object.
  virtual void dispose() noexcept = 0;

 protected:
  ~Object() = default;

 private:
  friend void object_publish(Object* object);

  HandleType type_;
  uint64_t epoch_;
  void* handle_ = nullptr;
};

// Gives the object a handle. Throws SPORKLE_ERROR_POOL_EXHAUSTED.
void object_publish(Object* object);

// Finds and pins. Null when the handle is stale, of another type or garbage.
Object* object_pin(const void* handle, HandleType type) noexcept;
void object_unpin(Object* object) noexcept;

// Makes the handle dead; returns false when it already was.
bool object_destroy(const void* handle, HandleType type) noexcept;

// Calls object_destroy on every live object of the type that this process
// created, not on those inherited from a parent.
void object_destroy_all(HandleType type) noexcept;

// Called in a forked child: the table may have been inherited while it grew.
void objects_reset_after_fork() noexcept;

// A pinned object for the length of a call. Throws INVALID_HANDLE or FORKED.
template <class T>
class Pin {
 public:
  explicit Pin(const void* handle, const char* argument)
      : object_(object_pin(handle, T::handle_type)) {
    if (object_ == nullptr) {
      fail(SPORKLE_ERROR_INVALID_HANDLE, "%s: %s", argument,
           handle == nullptr ? "null handle" : "not a live handle of this type");
    }
    if (object_->epoch() != process_epoch()) {
      object_unpin(object_);
      fail(SPORKLE_ERROR_FORKED, "%s: created before fork; create a new context in the child",
           argument);
    }
  }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;
  ~Pin() { object_unpin(object_); }

  T* operator->() const noexcept { return static_cast<T*>(object_); }
  T& operator*() const noexcept { return *static_cast<T*>(object_); }

 private:
  Object* object_;
};

}  // namespace sporkle
