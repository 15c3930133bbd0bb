! Medians and lines for the benchmarks.
! SPDX-License-Identifier: MIT
module compat_bench
  use kinds
  use sporkle_compat_clock, only: now_ns
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_session, only: session_devices
  implicit none
  private
  public :: now_ns, line, device_line, percentile

contains

  subroutine device_line()
    type(device_set) :: set
    set = session_devices()
    write (*, "(4a,i0,a)") "device: ", trim(merge(set%gpu%name, set%cpu%name, set%has_gpu)), &
      "; CPU: ", trim(set%cpu%name) // ", ", set%threads, " threads"
    if (set%gpu%simulated) write (*, "(a)") "the device is simulated: these times mean nothing"
  end subroutine device_line

  subroutine line(what, ns)
    character(len=*), intent(in) :: what
    integer(i64), intent(in) :: ns(:)
    write (*, "(a,t44,a,f12.3,a,f12.3,a)") what, "median", &
      percentile(ns, 50), " us   p99", percentile(ns, 99), " us"
  end subroutine line

  ! In microseconds; 0 is the least.
  real(dp) function percentile(ns, share)
    integer(i64), intent(in) :: ns(:)
    integer, intent(in) :: share
    integer(i64) :: sorted(size(ns)), value
    integer :: i, j
    sorted = ns
    do i = 2, size(sorted)
      value = sorted(i)
      do j = i - 1, 1, -1
        if (sorted(j) <= value) exit
        sorted(j + 1) = sorted(j)
      end do
      sorted(j + 1) = value
    end do
    percentile = real(sorted(max(1, (size(sorted) * share + 50) / 100)), dp) * 1.0e-3_dp
  end function percentile
end module compat_bench
