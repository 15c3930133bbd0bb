// The templates that the library under test expands, for programs.c.
#include "backends/gl/shaders/shaders.h"

extern "C" {
const char* library_common() { return sporkle::gl::shaders::common; }
const char* library_direct() { return sporkle::gl::shaders::direct; }
}
