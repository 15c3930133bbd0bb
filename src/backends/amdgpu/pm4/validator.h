// Decides whether a stream may reach the hardware. Accepts only what is listed
// here and refuses everything else:
//
//   packets     SET_SH_REG, ACQUIRE_MEM, DISPATCH_DIRECT, EVENT_WRITE (CS_PARTIAL_FLUSH),
//               RELEASE_MEM, WRITE_DATA to memory, INDIRECT_BUFFER (in a ring), NOP; of the
//               generation's length, with no reserved bit and no header flag set
//   registers   those of one dispatch; not masks of compute units, not the VMID, nothing that
//               the operating system owns
//   dispatch    every register it needs written since the start (or by a stream that this
//               validator accepted before), COMPUTE_SHADER_EN, the start at 0,0,0, and a loaded
//               kernel whose entry, RSRC words, wave size, LDS size, workgroup and arguments agree
//   addresses   within registered ranges of the right access, aligned, not wrapping
//   completion  a fence behind the last dispatch
//
// It is written against the sources named in the tables, not against the encoder.
#pragma once

#include <cstdint>
#include <span>

#include "backends/amdgpu/pm4/commands.h"
#include "backends/amdgpu/pm4/kernel_object.h"
#include "base/error.h"

namespace sporkle::pm4 {

// Memory that a stream may name.
struct AddressRange {
  static constexpr uint32_t arguments = 1u << 0;  // kernel arguments
  static constexpr uint32_t fences = 1u << 1;     // RELEASE_MEM and WRITE_DATA
  static constexpr uint32_t interrupts = 1u << 2; // slots of the event page

  uint64_t address;
  uint64_t bytes;
  uint32_t access;
  uint32_t reserved;
};

// A stream in device memory that was validated as such.
struct CallableBuffer {
  uint64_t address;
  uint32_t dwords;
  uint32_t reserved;
};

// What is registered with the device. The arrays stay the owner's and are read
// at every check.
struct Registry {
  Target target;
  std::span<const KernelObject> kernels;
  std::span<const AddressRange> ranges;
  std::span<const CallableBuffer> buffers;
};

enum class StreamKind : uint8_t { ring, indirect };

// Where and why a stream was refused.
struct Refusal {
  uint32_t dword;
  Reason reason;
};

class Validator;

// A stream that a validator accepted: the only thing that a ring takes. The
// words stay the caller's and must not change before they are submitted.
class ValidatedStream {
 public:
  ValidatedStream() = default;
  std::span<const uint32_t> words() const { return words_; }
  StreamKind kind() const { return kind_; }

 private:
  friend class Validator;
  ValidatedStream(std::span<const uint32_t> words, StreamKind kind) : words_(words), kind_(kind) {}

  std::span<const uint32_t> words_;
  StreamKind kind_ = StreamKind::indirect;
};

// Values of the registers that a dispatch uses, and which of them are known.
struct ShaderRegisters {
  uint32_t known;  // one bit per member below, see validator.cpp
  uint32_t user_known;
  uint32_t pgm_lo, pgm_hi;
  uint32_t rsrc1, rsrc2, rsrc3;
  uint32_t threads[3];
  uint32_t user[16];
};

// The checks for one queue. One thread at a time.
class Validator {
 public:
  // `registry` outlives the validator.
  explicit Validator(const Registry& registry) : registry_(&registry) {}

  // True: `out` may be submitted to this queue. False: `why` says what is wrong
  // and nothing changes. A ring stream continues with the registers as the
  // accepted ring streams before left them; an indirect one starts with none.
  bool check(std::span<const uint32_t> stream, StreamKind kind, ValidatedStream* out,
             Refusal* why);

  // The queue's registers are unknown: after a submission that failed.
  void forget_registers() { registers_ = {}; }

 private:
  const Registry* registry_;
  ShaderRegisters registers_{};
};

}  // namespace sporkle::pm4
