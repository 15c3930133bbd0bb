// What enumeration finds: devices in order of preference within a backend, and
// what exists but cannot be used.
#pragma once

#include <memory>
#include <memory_resource>
#include <vector>

#include "core/device.h"

namespace sporkle {

struct Unavailable {
  char backend[32] = {};
  char id[32] = {};
  char reason[256] = {};
  char cure[256] = {};
};

struct DeviceList {
  explicit DeviceList(std::pmr::memory_resource* memory)
      : devices(memory), unavailable(memory) {}

  std::pmr::vector<std::shared_ptr<Device>> devices;
  std::pmr::vector<Unavailable> unavailable;
};

}  // namespace sporkle
