// What the driver at hand does with mapped memory, in a few milliseconds: CPU
// writes and reads, GPU reads, writes and copies, for every way to map.
#pragma once

#include <memory_resource>

#include "backends/gl/placement.h"

namespace sporkle {
class CacheStore;
}

namespace sporkle::gl {

// On the submission thread. Never fails: what cannot be measured stays 0.
ProbeRates probe_rates(const GlContext& context, const OpenRules& rules) noexcept;

// Results of an earlier process for the same vendor, renderer and driver.
bool load_rates(const CacheStore& store, std::pmr::memory_resource* memory, const Facts& facts,
                ProbeRates* out) noexcept;
void save_rates(CacheStore& store, const Facts& facts, const ProbeRates& rates) noexcept;

}  // namespace sporkle::gl
