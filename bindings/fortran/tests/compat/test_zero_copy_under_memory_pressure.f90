! Buffers until there is no memory left: the failure is clean, what exists stays
! usable, and released memory can be had again.
! SPDX-License-Identifier: MIT
module test_zero_copy_under_memory_pressure_module
  use, intrinsic :: iso_c_binding, only: c_f_pointer, c_int, c_int64_t, c_ptr
  use kinds
  use compat_check
  use gpu_zero_copy_buffers
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_session, only: session_devices, session_drop, session_retain
  use sporkle_conv2d_juggling
  implicit none
  private
  public :: test_zero_copy_under_memory_pressure

  type, bind(C) :: limit
    integer(c_int64_t) :: current, most
  end type limit

  interface
    function getrlimit(resource, value) bind(C, name="getrlimit") result(error)
      import :: c_int, limit
      integer(c_int), value :: resource
      type(limit), intent(inout) :: value
      integer(c_int) :: error
    end function getrlimit
    function setrlimit(resource, value) bind(C, name="setrlimit") result(error)
      import :: c_int, limit
      integer(c_int), value :: resource
      type(limit), intent(in) :: value
      integer(c_int) :: error
    end function setrlimit
  end interface

  integer(c_int), parameter :: address_space = 9
  integer(i64), parameter :: mib = 1048576_i64
  integer, parameter :: most = 24

contains

  subroutine test_zero_copy_under_memory_pressure()
    type(limit) :: before
    type(c_ptr) :: context
    type(device_set) :: set
    logical :: limited
    integer :: round
    call check(session_retain(context), "the session")
    set = session_devices()
    ! A GL driver need not survive a refused allocation of its own.
    limited = .not. set%gpu%is_gl
    call convolution("before")
    call check(getrlimit(address_space, before) == 0, "getrlimit")
    do round = 1, 3
      if (limited) call set_limit(before, address_space_now() + 300 * mib)
      call fill_memory(limited)
      if (limited) call set_limit(before, before%current)
    end do
    call convolution("after")
    call session_drop()
    call finish("zero copy under memory pressure")
  end subroutine test_zero_copy_under_memory_pressure

  subroutine fill_memory(limited)
    logical, intent(in) :: limited
    type(unified_buffer) :: buffers(most)
    real(sp), pointer :: values(:)
    integer :: i, made
    made = 0
    do i = 1, most
      buffers(i) = create_persistent_buffer(32 * mib)
      if (.not. buffers(i)%is_mapped) exit
      call c_f_pointer(buffers(i)%cpu_ptr, values, [1024])
      values = real(i, sp)
      made = i
    end do
    if (limited) call check(made >= 1 .and. made < most, "memory runs out, after some buffers")
    call convolution("without memory for buffers")
    do i = 1, made
      call c_f_pointer(buffers(i)%cpu_ptr, values, [1024])
      call check(all(abs(values - real(i, sp)) < 1.0e-6_sp), "what exists keeps its content")
      call destroy_unified_buffer(buffers(i))
    end do
    buffers(1) = create_persistent_buffer(32 * mib)
    call check(buffers(1)%is_mapped, "released memory can be had again")
    call destroy_unified_buffer(buffers(1))
  end subroutine fill_memory

  subroutine convolution(what)
    character(len=*), intent(in) :: what
    integer, parameter :: N = 1, C = 3, H = 8, W = 8, K = 4, ks = 3
    real(sp) :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W), time_ms
    call fill(x, 60)
    call fill(weights, 61)
    time_ms = conv2d_auto_juggling(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
    call check(time_ms > 0.0_sp .and. close_to(y, oracle(x, weights, N, C, H, W, K, ks, 1, 1)), &
      "a convolution " // what)
  end subroutine convolution

  subroutine set_limit(before, bytes)
    type(limit), intent(in) :: before
    integer(i64), intent(in) :: bytes
    call check(setrlimit(address_space, limit(bytes, before%most)) == 0, "setrlimit")
  end subroutine set_limit

  ! Bytes of address space in use, in pages of 4 KiB.
  integer(i64) function address_space_now()
    integer :: unit
    open (newunit=unit, file="/proc/self/statm", action="read", status="old")
    read (unit, *) address_space_now
    close (unit)
    address_space_now = address_space_now * 4096
  end function address_space_now
end module test_zero_copy_under_memory_pressure_module
