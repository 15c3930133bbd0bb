! Every constant has the value of the C header, bit for bit.
! SPDX-License-Identifier: MIT
program test_raw_constants
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_null_char
  use sporkle_c
  implicit none

  interface
    function test_constant_count() bind(C) result(count)
      import :: c_int32_t
      integer(c_int32_t) :: count
    end function
    ! 1 when the constant has another name or another value in C.
    function test_constant_differs(index, name, value) bind(C) result(differs)
      import :: c_char, c_int32_t, c_int64_t
      integer(c_int32_t), value :: index
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), value :: value
      integer(c_int32_t) :: differs
    end function
  end interface

  integer(c_int32_t) :: checked = 0
  logical :: failed = .false.

  call compare("SPORKLE_VERSION_MAJOR", int(SPORKLE_VERSION_MAJOR, c_int64_t))
  call compare("SPORKLE_VERSION_MINOR", int(SPORKLE_VERSION_MINOR, c_int64_t))
  call compare("SPORKLE_VERSION_PATCH", int(SPORKLE_VERSION_PATCH, c_int64_t))
  call compare("SPORKLE_HEADER_VERSION", int(SPORKLE_HEADER_VERSION, c_int64_t))
  call compare("SPORKLE_OK", int(SPORKLE_OK, c_int64_t))
  call compare("SPORKLE_TIMEOUT", int(SPORKLE_TIMEOUT, c_int64_t))
  call compare("SPORKLE_NOT_READY", int(SPORKLE_NOT_READY, c_int64_t))
  call compare("SPORKLE_ERROR_INVALID_ARGUMENT", int(SPORKLE_ERROR_INVALID_ARGUMENT, c_int64_t))
  call compare("SPORKLE_ERROR_INVALID_HANDLE", int(SPORKLE_ERROR_INVALID_HANDLE, c_int64_t))
  call compare("SPORKLE_ERROR_OVERFLOW", int(SPORKLE_ERROR_OVERFLOW, c_int64_t))
  call compare("SPORKLE_ERROR_OUT_OF_MEMORY", int(SPORKLE_ERROR_OUT_OF_MEMORY, c_int64_t))
  call compare("SPORKLE_ERROR_POOL_EXHAUSTED", int(SPORKLE_ERROR_POOL_EXHAUSTED, c_int64_t))
  call compare("SPORKLE_ERROR_UNSUPPORTED", int(SPORKLE_ERROR_UNSUPPORTED, c_int64_t))
  call compare("SPORKLE_ERROR_DEVICE_UNAVAILABLE", int(SPORKLE_ERROR_DEVICE_UNAVAILABLE, c_int64_t))
  call compare("SPORKLE_ERROR_DEVICE_LOST", int(SPORKLE_ERROR_DEVICE_LOST, c_int64_t))
  call compare("SPORKLE_ERROR_OPERATION_FAILED", int(SPORKLE_ERROR_OPERATION_FAILED, c_int64_t))
  call compare("SPORKLE_ERROR_BUSY", int(SPORKLE_ERROR_BUSY, c_int64_t))
  call compare("SPORKLE_ERROR_FORKED", int(SPORKLE_ERROR_FORKED, c_int64_t))
  call compare("SPORKLE_ERROR_IO", int(SPORKLE_ERROR_IO, c_int64_t))
  call compare("SPORKLE_ERROR_VERSION", int(SPORKLE_ERROR_VERSION, c_int64_t))
  call compare("SPORKLE_ERROR_CANCELLED", int(SPORKLE_ERROR_CANCELLED, c_int64_t))
  call compare("SPORKLE_ERROR_INTERNAL", int(SPORKLE_ERROR_INTERNAL, c_int64_t))
  call compare("SPORKLE_TIMEOUT_INFINITE", SPORKLE_TIMEOUT_INFINITE)
  call compare("SPORKLE_DEVICE_AUTO", int(SPORKLE_DEVICE_AUTO, c_int64_t))
  call compare("SPORKLE_LOG_OFF", int(SPORKLE_LOG_OFF, c_int64_t))
  call compare("SPORKLE_LOG_ERROR", int(SPORKLE_LOG_ERROR, c_int64_t))
  call compare("SPORKLE_LOG_WARNING", int(SPORKLE_LOG_WARNING, c_int64_t))
  call compare("SPORKLE_LOG_INFO", int(SPORKLE_LOG_INFO, c_int64_t))
  call compare("SPORKLE_LOG_DEBUG", int(SPORKLE_LOG_DEBUG, c_int64_t))
  call compare("SPORKLE_CONTEXT_DEBUG", int(SPORKLE_CONTEXT_DEBUG, c_int64_t))
  call compare("SPORKLE_CONTEXT_REQUIRE_GPU", int(SPORKLE_CONTEXT_REQUIRE_GPU, c_int64_t))
  call compare("SPORKLE_CONTEXT_ENABLE_NULL", int(SPORKLE_CONTEXT_ENABLE_NULL, c_int64_t))
  call compare("SPORKLE_CONTEXT_REPRODUCIBLE", int(SPORKLE_CONTEXT_REPRODUCIBLE, c_int64_t))
  call compare("SPORKLE_DEVICE_KIND_CPU", int(SPORKLE_DEVICE_KIND_CPU, c_int64_t))
  call compare("SPORKLE_DEVICE_KIND_GL", int(SPORKLE_DEVICE_KIND_GL, c_int64_t))
  call compare("SPORKLE_DEVICE_KIND_AMDGPU", int(SPORKLE_DEVICE_KIND_AMDGPU, c_int64_t))
  call compare("SPORKLE_DEVICE_KIND_NULL", int(SPORKLE_DEVICE_KIND_NULL, c_int64_t))
  call compare("SPORKLE_DEVICE_SOFTWARE", int(SPORKLE_DEVICE_SOFTWARE, c_int64_t))
  call compare("SPORKLE_DEVICE_SIMULATED", int(SPORKLE_DEVICE_SIMULATED, c_int64_t))
  call compare("SPORKLE_DEVICE_DEFAULT", int(SPORKLE_DEVICE_DEFAULT, c_int64_t))
  call compare("SPORKLE_ACTIVATION_NONE", int(SPORKLE_ACTIVATION_NONE, c_int64_t))
  call compare("SPORKLE_ACTIVATION_RELU", int(SPORKLE_ACTIVATION_RELU, c_int64_t))
  call compare("SPORKLE_ACTIVATION_CLAMP", int(SPORKLE_ACTIVATION_CLAMP, c_int64_t))
  call compare("SPORKLE_CONV2D_BIAS", int(SPORKLE_CONV2D_BIAS, c_int64_t))
  call compare("SPORKLE_CONV2D_RESIDUAL", int(SPORKLE_CONV2D_RESIDUAL, c_int64_t))
  call compare("SPORKLE_SEQUENCE_NONE", int(SPORKLE_SEQUENCE_NONE, c_int64_t))
  call compare("SPORKLE_SEQUENCE_LIMIT", int(SPORKLE_SEQUENCE_LIMIT, c_int64_t))
  call compare("SPORKLE_BUFFER_CPU_WRITE", int(SPORKLE_BUFFER_CPU_WRITE, c_int64_t))
  call compare("SPORKLE_BUFFER_CPU_READ", int(SPORKLE_BUFFER_CPU_READ, c_int64_t))
  call compare("SPORKLE_BUFFER_DEVICE_READ", int(SPORKLE_BUFFER_DEVICE_READ, c_int64_t))
  call compare("SPORKLE_BUFFER_DEVICE_WRITE", int(SPORKLE_BUFFER_DEVICE_WRITE, c_int64_t))
  call compare("SPORKLE_BUFFER_OPENGL", int(SPORKLE_BUFFER_OPENGL, c_int64_t))
  call compare("SPORKLE_PLACEMENT_HOST", int(SPORKLE_PLACEMENT_HOST, c_int64_t))
  call compare("SPORKLE_PLACEMENT_MAPPED", int(SPORKLE_PLACEMENT_MAPPED, c_int64_t))
  call compare("SPORKLE_PLACEMENT_WINDOW", int(SPORKLE_PLACEMENT_WINDOW, c_int64_t))
  call compare("SPORKLE_PLACEMENT_STAGING", int(SPORKLE_PLACEMENT_STAGING, c_int64_t))
  call compare("SPORKLE_NULL_CLOCK_AUTO", int(SPORKLE_NULL_CLOCK_AUTO, c_int64_t))
  call compare("SPORKLE_NULL_CLOCK_MANUAL", int(SPORKLE_NULL_CLOCK_MANUAL, c_int64_t))
  call compare("SPORKLE_NULL_ADVANCE", int(SPORKLE_NULL_ADVANCE, c_int64_t))
  call compare("SPORKLE_NULL_OP_TIME", int(SPORKLE_NULL_OP_TIME, c_int64_t))
  call compare("SPORKLE_NULL_FAIL", int(SPORKLE_NULL_FAIL, c_int64_t))
  call compare("SPORKLE_NULL_HANG", int(SPORKLE_NULL_HANG, c_int64_t))
  call compare("SPORKLE_NULL_RESET", int(SPORKLE_NULL_RESET, c_int64_t))
  call compare("SPORKLE_NULL_OOM", int(SPORKLE_NULL_OOM, c_int64_t))
  call compare("SPORKLE_NULL_RECOVER", int(SPORKLE_NULL_RECOVER, c_int64_t))
  if (checked /= test_constant_count()) failed = .true.
  print "(i0,a)", checked, " constants have the values of the C header"
  if (failed) stop 1

contains

  subroutine compare(name, value)
    character(len=*), intent(in) :: name
    integer(c_int64_t), intent(in) :: value

    if (test_constant_differs(checked, name // c_null_char, value) /= 0) then
      print "(2a)", name, ": other name or other value"
      failed = .true.
    end if
    checked = checked + 1
  end subroutine compare
end program test_raw_constants
