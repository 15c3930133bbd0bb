#include "gl/dispatch_waits_shim.h"

#include "backends/gl/dispatch_waits.h"

using sporkle::gl::DispatchWaits;

static_assert(DispatchWaits::period == shim_waits_period);

static DispatchWaits waits;

void shim_waits_reset(void) { waits = DispatchWaits(); }
void shim_waits_count(uint64_t dispatches) { waits.count(dispatches); }
uint64_t shim_waits_next(void) { return waits.next(); }
void shim_waits_learn(uint64_t first, uint32_t behind) { waits.learn(first, behind); }
uint32_t shim_waits_padding(uint32_t behind) { return waits.padding(behind); }
