// The vendor libraries that GLVND would load, from its configuration files.
#pragma once

#include "backends/gl/diagnosis.h"

namespace sporkle::gl {

struct VendorFile {
  char path[256] = {};     // of the JSON file
  char library[256] = {};  // its library_path
  bool loads = false;
  Reason error;            // of the loader, when it does not
};

// Lists the vendor files in GLVND's order of precedence and tries each
// library. Returns how many; at most `capacity` are filled.
uint32_t list_vendor_files(const Surroundings& where, VendorFile* out, uint32_t capacity);

// Whether some vendor file names a library of NVIDIA that loads.
bool nvidia_vendor_loads(const Surroundings& where);

}  // namespace sporkle::gl
