// Which OpenGL device comes first, and which one a user names. Pure.
#pragma once

#include <cstdint>
#include <span>

#include "backends/gl/pci.h"
#include "base/error.h"

namespace sporkle::gl {

struct Candidate {
  uint32_t source = 0;      // whose candidate this is; not looked at
  bool software = false;
  bool nvidia = false;
  CardKind kind = CardKind::unknown;
  int32_t cuda_index = -1;
  char name[128] = {};
  char pci[pci_capacity] = {};
  char uuid[uuid_capacity] = {};
};

// Discrete, unknown, integrated, software; in the driver's order within each.
void order_candidates(std::span<Candidate> candidates) noexcept;

// Whether CUDA_VISIBLE_DEVICES (null: not set) lets a candidate be used.
bool visible_to_cuda(const Candidate& candidate, const char* visible_devices) noexcept;

struct Choice {
  uint32_t index = 0;
  bool asked = false;  // the user named it
};

// What SPORKLE_GL_DEVICE says about ordered candidates (not empty). `rank`:
// the launcher's local rank, or -1. False with a reason when it names none.
bool choose_candidate(std::span<const Candidate> candidates, const char* wish, int64_t rank,
                      Choice* choice, Reason* reason) noexcept;

}  // namespace sporkle::gl
