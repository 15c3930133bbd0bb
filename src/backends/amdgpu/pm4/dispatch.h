// What a dispatch needs, and its packets as a template: built once per kernel,
// then copied and patched.
#pragma once

#include <cstdint>
#include <span>

#include "backends/amdgpu/pm4/kernel_object.h"
#include "backends/amdgpu/pm4/target.h"
#include "base/error.h"

namespace sporkle::pm4 {

struct DispatchRequest {
  const KernelObject* kernel;
  uint32_t groups[3];   // workgroups
  uint16_t threads[3];  // work-items per workgroup
  uint64_t kernarg_address;
};

// The 64-bit value that the device writes when the work has ended.
struct FenceWrite {
  uint64_t address;  // multiple of 8
  uint64_t value;
};

// An interrupt after the fence: the event number goes to its slot and along.
struct Interrupt {
  uint64_t address;  // multiple of 8
  uint32_t event_id;
};

// Says why a kernel cannot be dispatched with this workgroup. Returns true when it can.
bool check_kernel(const KernelObject& kernel, const uint16_t threads[3], const Target& target,
                  Reason* why);

// Says why a dispatch of a checked kernel, or its fence, is not possible.
bool check_request(const DispatchRequest& request, const FenceWrite& fence, Reason* why);

// All packets of one dispatch with its fence. The state comes first, so that
// what a queue needs whose registers hold the state already is the rest.
struct DispatchTemplate {
  static constexpr uint32_t capacity = 60;

  const KernelObject* kernel;  // null: empty
  uint64_t entry_address;      // tells a kernel object that was loaded anew
  uint16_t threads[3];
  uint16_t count;       // dwords of the full form
  uint16_t hot;         // first dword of the hot form: acquire, arguments, dispatch, fence
  uint16_t warm;        // first dword after the acquire
  uint16_t fence;       // first dword of the fence
  uint16_t kernarg;     // dword of the argument address; 0: the kernel takes none
  uint16_t groups;      // dword of the first number of workgroups
  uint32_t words[capacity];

  bool fits(const DispatchRequest& request) const {
    return kernel == request.kernel && entry_address == request.kernel->entry_address &&
           threads[0] == request.threads[0] && threads[1] == request.threads[1] &&
           threads[2] == request.threads[2];
  }

  // Copies dwords [from, to) to `out` with the values of this dispatch in them.
  void copy(uint32_t from, uint32_t to, const DispatchRequest& request, const FenceWrite& fence,
            uint32_t* out) const;
};

// Builds the template of a kernel that check_kernel accepted.
void build_template(const KernelObject& kernel, const uint16_t threads[3], const Target& target,
                    DispatchTemplate* out);

}  // namespace sporkle::pm4
