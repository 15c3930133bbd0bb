// The function table for hosts that load the library with dlopen.
#include "api/boundary.h"

namespace {

constexpr sporkle_api api_table = {
    sizeof(sporkle_api),
#define SPORKLE_ENTRY(name) sporkle_##name,
#include "api/entrypoints.def"
#undef SPORKLE_ENTRY
};

}  // namespace

sporkle_status sporkle_get_api(uint32_t major, const sporkle_api** out_api) {
  using namespace sporkle;
  return boundary("sporkle_get_api", [&]() -> Status {
    checked_out(out_api, "out_api") = nullptr;
    if (major != SPORKLE_VERSION_MAJOR) {
      fail(SPORKLE_ERROR_VERSION, "major: %u, but the library speaks %d", major,
           SPORKLE_VERSION_MAJOR);
    }
    *out_api = &api_table;
    return SPORKLE_OK;
  });
}
