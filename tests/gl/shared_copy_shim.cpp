#include "gl/shared_copy_shim.h"

#include "backends/gl/shared_copy.h"

struct shim_copy {
  sporkle::gl::SharedCopy copy;
};

extern "C" {

shim_copy* shim_copy_create(void) { return new shim_copy; }
void shim_copy_destroy(shim_copy* c) { delete c; }
int shim_copy_begin(shim_copy* c, void* to, const void* from, uint64_t bytes) {
  return c->copy.begin(to, from, bytes);
}
void shim_copy_finish(shim_copy* c) { c->copy.finish(); }
int shim_copy_help(shim_copy* c) { return c->copy.help(); }
int shim_copy_wanted(shim_copy* c) { return c->copy.wanted(); }

}
