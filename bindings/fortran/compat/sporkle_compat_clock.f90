! Time since some fixed moment, in nanoseconds.
! SPDX-License-Identifier: MIT
module sporkle_compat_clock
  use kinds, only: i64, sp
  implicit none
  private
  public :: now_ns, remaining_ns, to_ms

contains

  integer(i64) function now_ns()
    integer(i64) :: count, rate
    call system_clock(count, rate)
    if (rate == 1000000000_i64) then
      now_ns = count
    else
      now_ns = (count / rate) * 1000000000_i64 + mod(count, rate) * 1000000000_i64 / rate
    end if
  end function now_ns

  ! What is left of a timeout that began at `start`; negative timeouts are
  ! infinite, as the bits of SPORKLE_TIMEOUT_INFINITE are.
  integer(i64) function remaining_ns(start, timeout_ns)
    integer(i64), intent(in) :: start, timeout_ns
    remaining_ns = timeout_ns
    if (timeout_ns > 0) remaining_ns = max(0_i64, timeout_ns - (now_ns() - start))
  end function remaining_ns

  ! Milliseconds, never 0 for something that was done.
  real(sp) function to_ms(ns)
    integer(i64), intent(in) :: ns
    to_ms = real(max(ns, 1_i64), sp) * 1.0e-6_sp
  end function to_ms
end module sporkle_compat_clock
