// How long drivers and devices may be silent: from the settings.
#pragma once

#include <cstdint>

#include "base/options.h"

namespace sporkle::gl {

// With one call of the driver; 0: for ever.
uint64_t call_patience_ns(const Options& options, bool software) noexcept;

// With submitted work, at least; 0: for ever.
uint64_t work_patience_ns(const Options& options, bool software) noexcept;

}  // namespace sporkle::gl
