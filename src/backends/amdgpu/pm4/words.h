// The fixed words of each generation: cache control, fence and dispatch. All of
// them are hardware-unverified here: no AMD GPU was at hand. What each one does
// is what the source named beside it does.
#pragma once

#include "backends/amdgpu/pm4/commands.h"
#include "backends/amdgpu/pm4/limits.h"

namespace sporkle::pm4 {

// Before work that reads what the CPU or another queue wrote: every cache, as
// gfx_v9_0.c, gfx_v10_0.c, gfx_v11_0.c and gfx_v12_0.c of Linux 6.12 do in
// emit_mem_sync. On gfx12 the metadata cache is left out, as RADV does (radv_cs.c).
constexpr uint32_t acquire_system(Generation g) {
  constexpr Field fields[] = {
      Field::ACQUIRE_MEM_SH_ICACHE_ACTION_ENA, Field::ACQUIRE_MEM_SH_KCACHE_ACTION_ENA,
      Field::ACQUIRE_MEM_TC_ACTION_ENA,        Field::ACQUIRE_MEM_TCL1_ACTION_ENA,
      Field::ACQUIRE_MEM_TC_WB_ACTION_ENA,     Field::ACQUIRE_MEM_GL2_INV,
      Field::ACQUIRE_MEM_GL2_WB,               Field::ACQUIRE_MEM_GLM_INV,
      Field::ACQUIRE_MEM_GLM_WB,               Field::ACQUIRE_MEM_GL1_INV,
      Field::ACQUIRE_MEM_GLV_INV,              Field::ACQUIRE_MEM_GLK_INV,
      Field::ACQUIRE_MEM_GLI_INV};
  uint32_t word = 0;
  for (const Field field : fields) word |= place(field, g, 1);
  return word;
}

// Between dependent dispatches of one queue: the caches of the compute units.
// Stores go through them to L2, which all units of a chip share. gfx9_4 chips
// may have several dies with an L2 each, so there it is everything again.
constexpr uint32_t acquire_device(Generation g) {
  if (g == Generation::gfx9_4) return acquire_system(g);
  return place(Field::ACQUIRE_MEM_SH_KCACHE_ACTION_ENA, g, 1) |
         place(Field::ACQUIRE_MEM_TCL1_ACTION_ENA, g, 1) |
         place(Field::ACQUIRE_MEM_GL1_INV, g, 1) | place(Field::ACQUIRE_MEM_GLV_INV, g, 1) |
         place(Field::ACQUIRE_MEM_GLK_INV, g, 1);
}

// End of pipe, with L2 written back. gfx10 and later: as emit_fence of
// gfx_v10_0.c, gfx_v11_0.c and gfx_v12_0.c. gfx9: as emit_fence of gfx_v9_0.c in
// its write-back form; invalidating is the next acquire's work.
constexpr uint32_t release_event(Generation g) {
  const uint32_t event =
      place(Field::RELEASE_MEM_EVENT_TYPE, g, CACHE_FLUSH_AND_INV_TS_EVENT) |
      place(Field::RELEASE_MEM_EVENT_INDEX, g, EVENT_INDEX_END_OF_PIPE);
  if (mask(Field::RELEASE_MEM_GCR_GL2_WB, g) == 0) {
    return event | place(Field::RELEASE_MEM_TC_WB_ACTION_ENA, g, 1) |
           place(Field::RELEASE_MEM_TC_NC_ACTION_ENA, g, 1);
  }
  return event | place(Field::RELEASE_MEM_GCR_SEQ, g, 1) |
         place(Field::RELEASE_MEM_GCR_GL2_WB, g, 1) | place(Field::RELEASE_MEM_GCR_GLM_WB, g, 1) |
         place(Field::RELEASE_MEM_GCR_GLM_INV, g, 1) |
         place(Field::RELEASE_MEM_CACHE_POLICY, g, CACHE_POLICY_BYPASS);
}

// A 64-bit value to memory after the write-backs are confirmed, no interrupt:
// as radv_cs_emit_write_event_eop (Mesa 25.0.7, radv_cs.c).
constexpr uint32_t fence_select(Generation g) {
  return place(Field::RELEASE_MEM_DST_SEL, g, DST_SEL_MEMORY) |
         place(Field::RELEASE_MEM_INT_SEL, g, INT_SEL_DATA_AFTER_WRITE) |
         place(Field::RELEASE_MEM_DATA_SEL, g, DATA_SEL_64_BIT);
}

// The event number to the event page, then an interrupt that carries it.
constexpr uint32_t interrupt_select(Generation g) {
  return place(Field::RELEASE_MEM_DST_SEL, g, DST_SEL_MEMORY) |
         place(Field::RELEASE_MEM_INT_SEL, g, INT_SEL_INTERRUPT_AFTER_WRITE) |
         place(Field::RELEASE_MEM_DATA_SEL, g, DATA_SEL_32_BIT);
}

constexpr uint32_t dispatch_initiator(Generation g, uint32_t wave_size) {
  return place(Field::COMPUTE_DISPATCH_INITIATOR_COMPUTE_SHADER_EN, g, 1) |
         place(Field::COMPUTE_DISPATCH_INITIATOR_FORCE_START_AT_000, g, 1) |
         place(Field::COMPUTE_DISPATCH_INITIATOR_CS_W32_EN, g, wave_size == 32 ? 1 : 0);
}

constexpr uint32_t partial_flush(Generation g) {
  return place(Field::EVENT_WRITE_EVENT_TYPE, g, CS_PARTIAL_FLUSH) |
         place(Field::EVENT_WRITE_EVENT_INDEX, g, EVENT_INDEX_PARTIAL_FLUSH);
}

constexpr uint32_t rsrc2_with_lds(Generation g, uint32_t rsrc2, uint32_t lds_bytes) {
  return rsrc2 | place(Field::COMPUTE_PGM_RSRC2_LDS_SIZE, g, lds_granules(lds_bytes));
}

}  // namespace sporkle::pm4
