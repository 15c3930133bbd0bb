! Constants of sporkle.h, in its order.
! SPDX-License-Identifier: MIT
module sporkle_c_constants
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t
  implicit none
  public
  private :: c_int32_t, c_int64_t

  integer(c_int32_t), parameter :: SPORKLE_VERSION_MAJOR = 0
  integer(c_int32_t), parameter :: SPORKLE_VERSION_MINOR = 1
  integer(c_int32_t), parameter :: SPORKLE_VERSION_PATCH = 0
  ! SPORKLE_VERSION of the header; Fortran does not tell that name from the
  ! function sporkle_version.
  integer(c_int32_t), parameter :: SPORKLE_HEADER_VERSION = &
    SPORKLE_VERSION_MAJOR * 10000 + SPORKLE_VERSION_MINOR * 100 + SPORKLE_VERSION_PATCH

  integer(c_int32_t), parameter :: SPORKLE_OK = 0
  integer(c_int32_t), parameter :: SPORKLE_TIMEOUT = 1
  integer(c_int32_t), parameter :: SPORKLE_NOT_READY = 2
  integer(c_int32_t), parameter :: SPORKLE_ERROR_INVALID_ARGUMENT = -1
  integer(c_int32_t), parameter :: SPORKLE_ERROR_INVALID_HANDLE = -2
  integer(c_int32_t), parameter :: SPORKLE_ERROR_OVERFLOW = -3
  integer(c_int32_t), parameter :: SPORKLE_ERROR_OUT_OF_MEMORY = -4
  integer(c_int32_t), parameter :: SPORKLE_ERROR_POOL_EXHAUSTED = -5
  integer(c_int32_t), parameter :: SPORKLE_ERROR_UNSUPPORTED = -6
  integer(c_int32_t), parameter :: SPORKLE_ERROR_DEVICE_UNAVAILABLE = -7
  integer(c_int32_t), parameter :: SPORKLE_ERROR_DEVICE_LOST = -8
  integer(c_int32_t), parameter :: SPORKLE_ERROR_OPERATION_FAILED = -9
  integer(c_int32_t), parameter :: SPORKLE_ERROR_BUSY = -10
  integer(c_int32_t), parameter :: SPORKLE_ERROR_FORKED = -11
  integer(c_int32_t), parameter :: SPORKLE_ERROR_IO = -12
  integer(c_int32_t), parameter :: SPORKLE_ERROR_VERSION = -13
  integer(c_int32_t), parameter :: SPORKLE_ERROR_CANCELLED = -14
  integer(c_int32_t), parameter :: SPORKLE_ERROR_INTERNAL = -15

  ! UINT64_MAX and UINT32_MAX: Fortran integers are signed, the bits are the same.
  integer(c_int64_t), parameter :: SPORKLE_TIMEOUT_INFINITE = -1_c_int64_t
  integer(c_int32_t), parameter :: SPORKLE_DEVICE_AUTO = -1_c_int32_t

  integer(c_int32_t), parameter :: SPORKLE_LOG_OFF = 0
  integer(c_int32_t), parameter :: SPORKLE_LOG_ERROR = 1
  integer(c_int32_t), parameter :: SPORKLE_LOG_WARNING = 2
  integer(c_int32_t), parameter :: SPORKLE_LOG_INFO = 3
  integer(c_int32_t), parameter :: SPORKLE_LOG_DEBUG = 4

  integer(c_int32_t), parameter :: SPORKLE_CONTEXT_DEBUG = 1
  integer(c_int32_t), parameter :: SPORKLE_CONTEXT_REQUIRE_GPU = 2
  integer(c_int32_t), parameter :: SPORKLE_CONTEXT_ENABLE_NULL = 4
  integer(c_int32_t), parameter :: SPORKLE_CONTEXT_REPRODUCIBLE = 8

  integer(c_int32_t), parameter :: SPORKLE_DEVICE_KIND_CPU = 1
  integer(c_int32_t), parameter :: SPORKLE_DEVICE_KIND_GL = 2
  integer(c_int32_t), parameter :: SPORKLE_DEVICE_KIND_AMDGPU = 3
  integer(c_int32_t), parameter :: SPORKLE_DEVICE_KIND_NULL = 4

  integer(c_int32_t), parameter :: SPORKLE_DEVICE_SOFTWARE = 1
  integer(c_int32_t), parameter :: SPORKLE_DEVICE_SIMULATED = 2
  integer(c_int32_t), parameter :: SPORKLE_DEVICE_DEFAULT = 4

  integer(c_int32_t), parameter :: SPORKLE_ACTIVATION_NONE = 0
  integer(c_int32_t), parameter :: SPORKLE_ACTIVATION_RELU = 1
  integer(c_int32_t), parameter :: SPORKLE_ACTIVATION_CLAMP = 2

  integer(c_int32_t), parameter :: SPORKLE_CONV2D_BIAS = 1
  integer(c_int32_t), parameter :: SPORKLE_CONV2D_RESIDUAL = 2

  integer(c_int32_t), parameter :: SPORKLE_SEQUENCE_NONE = -1_c_int32_t
  integer(c_int32_t), parameter :: SPORKLE_SEQUENCE_LIMIT = 1024

  integer(c_int32_t), parameter :: SPORKLE_BUFFER_CPU_WRITE = 1
  integer(c_int32_t), parameter :: SPORKLE_BUFFER_CPU_READ = 2
  integer(c_int32_t), parameter :: SPORKLE_BUFFER_DEVICE_READ = 4
  integer(c_int32_t), parameter :: SPORKLE_BUFFER_DEVICE_WRITE = 8
  integer(c_int32_t), parameter :: SPORKLE_BUFFER_OPENGL = 16

  integer(c_int32_t), parameter :: SPORKLE_PLACEMENT_HOST = 1
  integer(c_int32_t), parameter :: SPORKLE_PLACEMENT_MAPPED = 2
  integer(c_int32_t), parameter :: SPORKLE_PLACEMENT_WINDOW = 3
  integer(c_int32_t), parameter :: SPORKLE_PLACEMENT_STAGING = 4

  integer(c_int32_t), parameter :: SPORKLE_NULL_CLOCK_AUTO = 0
  integer(c_int32_t), parameter :: SPORKLE_NULL_CLOCK_MANUAL = 1
  integer(c_int32_t), parameter :: SPORKLE_NULL_ADVANCE = 2
  integer(c_int32_t), parameter :: SPORKLE_NULL_OP_TIME = 3
  integer(c_int32_t), parameter :: SPORKLE_NULL_FAIL = 4
  integer(c_int32_t), parameter :: SPORKLE_NULL_HANG = 5
  integer(c_int32_t), parameter :: SPORKLE_NULL_RESET = 6
  integer(c_int32_t), parameter :: SPORKLE_NULL_OOM = 7
  integer(c_int32_t), parameter :: SPORKLE_NULL_RECOVER = 8
end module sporkle_c_constants
