#include "heap_shim.h"

#include "core/region_heap.h"

using namespace sporkle;

shim_heap* shim_heap_create(uint64_t bytes) {
  return reinterpret_cast<shim_heap*>(new RegionHeap(std::pmr::new_delete_resource(), bytes));
}

static RegionHeap* heap_of(shim_heap* heap) { return reinterpret_cast<RegionHeap*>(heap); }

void shim_heap_destroy(shim_heap* heap) { delete heap_of(heap); }

void* shim_heap_take(shim_heap* heap, uint64_t bytes, uint64_t* offset, uint64_t* size) {
  RegionHeap::Chunk* chunk = heap_of(heap)->take(bytes);
  if (chunk != nullptr) {
    *offset = chunk->offset;
    *size = chunk->bytes;
  }
  return chunk;
}

void shim_heap_give(shim_heap* heap, void* chunk) {
  heap_of(heap)->give(static_cast<RegionHeap::Chunk*>(chunk));
}

uint64_t shim_heap_taken(shim_heap* heap) { return heap_of(heap)->taken_bytes(); }
