// Every buffer of this program has a window, whatever the driver's profile is.
#include "backends/gl/gl_backend.h"
#include "backends/gl/gl_context.h"

namespace {

const bool windowed = sporkle::gl::scan_rules().windowed = true;

}  // namespace
