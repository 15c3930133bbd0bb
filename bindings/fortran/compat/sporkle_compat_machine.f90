! What the machine can do: cache sizes as the library reports them, memory
! bandwidth and convolution rates as measured.
! SPDX-License-Identifier: MIT
module sporkle_compat_machine
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_ptr
  use kinds, only: dp, i64, sp
  use sporkle_c
  use sporkle_compat_clock, only: now_ns
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape
  use sporkle_compat_lock, only: lock, mutex, unlock
  use sporkle_compat_session, only: session_drop, session_holder, session_retain
  use sporkle_compat_text, only: to_text
  implicit none
  private
  public :: cache_kib, copy_gb_per_s, stream_gb_per_s, conv2d_gflops, gemm_gflops

  type(mutex), save :: copy_lock

contains

  ! Size of cache level 1, 2 or 3 in KiB; 0 when it is not known.
  integer function cache_kib(level)
    integer, intent(in) :: level
    character(len=:), allocatable :: text
    character(len=3), parameter :: names(3) = ["L1d", "L2 ", "L3 "]
    integer :: at, status
    cache_kib = 0
    text = cpu_property("caches")
    at = index(text, trim(names(level)) // " ")
    if (at == 0) return
    read (text(at + len_trim(names(level)):), *, iostat=status) cache_kib
    if (status /= 0) cache_kib = 0
  end function cache_kib

  ! Bytes read and written per second, in GB, by one thread that copies 32 MiB:
  ! the best and the median of five rounds, measured once.
  subroutine copy_gb_per_s(best, usual)
    real(dp), intent(out) :: best, usual
    integer, parameter :: count = 8388608, rounds = 5, middle = 3
    real(dp), save :: measured(rounds) = 0.0_dp
    real(sp), allocatable :: from(:), to(:)
    real(dp) :: rate
    integer(i64) :: start
    integer :: i, at
    call lock(copy_lock)
    if (.not. measured(1) > 0.0_dp) then
      allocate (from(count), to(count))
      from = 1.0_sp
      to = 0.0_sp
      do i = 1, rounds
        start = now_ns()
        to(:) = from
        rate = 8.0_dp * real(count, dp) / real(max(now_ns() - start, 1_i64), dp)
        from(i) = to(i + 1)
        at = i - 1 ! the rates so far are in falling order
        do while (at >= 1)
          if (measured(at) >= rate) exit
          measured(at + 1) = measured(at)
          at = at - 1
        end do
        measured(at + 1) = rate
      end do
    end if
    best = measured(1)
    usual = measured(middle)
    call unlock(copy_lock)
  end subroutine copy_gb_per_s

  ! What a verified 1 x 1 convolution of one channel over 64 MiB, which only
  ! reads and writes, moves in GB/s: its arrays in the device's memory, counted as
  ! read and written, and from the caller's array to the caller's array, counted
  ! once; 0 where it cannot be run. The device's own time says the first where
  ! there is one.
  subroutine stream_gb_per_s(holder, where, memory, copy)
    type(session_holder), intent(inout) :: holder
    integer, intent(in) :: where
    real(sp), intent(out) :: memory, copy
    integer(i64), parameter :: batch = 8, side = 1024
    real(sp), allocatable :: input(:), output(:)
    real(sp) :: time_ms, megabytes
    integer :: i
    memory = 0.0_sp
    copy = 0.0_sp
    allocate (input(batch * side**2), output(batch * side**2))
    do i = 1, size(input)
      input(i) = real(mod(i, 1021), sp)
    end do
    megabytes = real(size(input), sp) * 4.0e-6_sp
    do i = 1, 6
      output = -1.0_sp
      time_ms = conv2d_run(holder, conv2d_options(where=where, device_time=mod(i, 2) == 0), &
        conv2d_shape(batch, 1_i64, side, side, 1_i64, 1_i64, 1_i64, 0_i64, side, side), input, &
        [2.0_sp], output)
      if (time_ms < 0.0_sp .or. any(abs(output - 2.0_sp * input) > 0.0_sp)) return
      memory = max(memory, 2.0_sp * megabytes / time_ms)
      if (mod(i, 2) == 1) copy = max(copy, megabytes / time_ms)
    end do
  end subroutine stream_gb_per_s

  ! GFLOP/s of a 3 x 3 convolution, verified; 0 where it cannot be run.
  real(sp) function conv2d_gflops(holder, where)
    type(session_holder), intent(inout) :: holder
    integer, intent(in) :: where
    conv2d_gflops = rate(holder, where, 3)
  end function conv2d_gflops

  ! GFLOP/s of a matrix product (a 1 x 1 convolution), verified.
  real(sp) function gemm_gflops(holder, where)
    type(session_holder), intent(inout) :: holder
    integer, intent(in) :: where
    gemm_gflops = rate(holder, where, 1)
  end function gemm_gflops

  ! Grows the problem until it takes long enough to be timed.
  real(sp) function rate(holder, where, kernel)
    type(session_holder), intent(inout) :: holder
    integer, intent(in) :: where, kernel
    integer, parameter :: channels(3) = [16, 64, 256]
    integer, parameter :: side = 28
    real(sp) :: time_ms
    integer :: i
    rate = 0.0_sp
    do i = 1, size(channels)
      time_ms = timed(holder, where, channels(i), side, kernel)
      if (time_ms < 0.0_sp) return
      rate = 2.0e-6_sp * real(channels(i), sp)**2 * real(side * kernel, sp)**2 / time_ms
      if (time_ms > 5.0_sp) return
    end do
  end function rate

  ! With ones everywhere an output counts the taps inside the input.
  real(sp) function timed(holder, where, channels, side, kernel) result(time_ms)
    type(session_holder), intent(inout) :: holder
    integer, intent(in) :: where, channels, side, kernel
    real(sp), allocatable :: input(:), weights(:), output(:)
    real(sp) :: attempt
    integer :: i
    allocate (input(channels * side**2), weights((channels * kernel)**2), &
      output(channels * side**2), source=1.0_sp)
    time_ms = -1.0_sp
    do i = 1, 3
      output = 0.0_sp
      attempt = conv2d_run(holder, conv2d_options(where=where), conv2d_shape(1_i64, &
        int(channels, i64), int(side, i64), int(side, i64), int(channels, i64), &
        int(kernel, i64), 1_i64, int(kernel / 2, i64), int(side, i64), int(side, i64)), input, &
        weights, output)
      if (attempt < 0.0_sp) return
      ! The bound of every algorithm; Winograd does not count exactly.
      if (any(abs(output - expected()) > 1.0e-5_sp * expected())) return
      if (time_ms < 0.0_sp .or. attempt < time_ms) time_ms = attempt
    end do

  contains

    function expected() result(values)
      real(sp), allocatable :: values(:)
      integer :: taps(side), p
      taps = kernel
      if (kernel == 3) taps([1, side]) = 2
      allocate (values(channels * side**2))
      do p = 0, size(values) - 1
        values(p + 1) = real(channels * taps(mod(p, side) + 1) * taps(mod(p / side, side) + 1), sp)
      end do
    end function expected
  end function timed

  function cpu_property(key) result(value)
    character(len=*), intent(in) :: key
    character(len=:), allocatable :: value
    type(sporkle_device_info) :: info
    type(sporkle_property) :: property
    type(c_ptr) :: context
    integer(c_int32_t) :: i
    value = ""
    if (.not. session_retain(context)) return
    if (sporkle_device_describe(context, 0_c_int32_t, info) == SPORKLE_OK) then
      do i = 0, info%property_count - 1
        if (sporkle_device_property(context, 0_c_int32_t, i, property) /= SPORKLE_OK) exit
        if (to_text(property%key) == key) value = to_text(property%value)
      end do
    end if
    call session_drop()
  end function cpu_property
end module sporkle_compat_machine
