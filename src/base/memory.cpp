#include "base/memory.h"

#include <new>
#include <utility>

namespace sporkle {

void* AllocatorResource::do_allocate(size_t bytes, size_t alignment) {
  void* pointer = nullptr;
  if (allocator_.alloc != nullptr) {
    pointer = allocator_.alloc(allocator_.user, bytes, alignment);
  } else {
    pointer = ::operator new(bytes, std::align_val_t(alignment), std::nothrow);
  }
  if (pointer == nullptr) throw std::bad_alloc();
  live_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  allocations_.fetch_add(1, std::memory_order_relaxed);
  return pointer;
}

void AllocatorResource::do_deallocate(void* pointer, size_t bytes, size_t alignment) {
  live_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (allocator_.free != nullptr) {
    allocator_.free(allocator_.user, pointer, bytes, alignment);
  } else {
    ::operator delete(pointer, std::align_val_t(alignment));
  }
}

AlignedBlock::AlignedBlock(std::pmr::memory_resource* memory, uint64_t bytes)
    : memory_(memory), bytes_(bytes) {
  if (bytes > 0) data_ = memory->allocate(bytes, alignment);
}

AlignedBlock::AlignedBlock(AlignedBlock&& other) noexcept
    : memory_(other.memory_),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

AlignedBlock& AlignedBlock::operator=(AlignedBlock&& other) noexcept {
  if (this != &other) {
    reset();
    memory_ = other.memory_;
    data_ = std::exchange(other.data_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void AlignedBlock::reset() noexcept {
  if (data_ != nullptr) memory_->deallocate(data_, bytes_, alignment);
  data_ = nullptr;
  bytes_ = 0;
}

}  // namespace sporkle
