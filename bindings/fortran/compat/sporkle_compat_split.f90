! The rule of the historic work split, in percent.
! SPDX-License-Identifier: MIT
module sporkle_compat_split
  use kinds, only: i64, sp
  implicit none
  private
  public :: shares

  integer(i64), parameter :: cpu_below_flops = 500000000_i64
  integer(i64), parameter :: split_above_flops = 10000000000_i64
  integer, parameter :: least_share = 5

contains

  ! Small work goes to the CPU, large work to both by their rates, the rest to
  ! the faster one. A share too small to be worth it goes to the other device.
  subroutine shares(flops, gflops, cpu_percent, gpu_percent, total_gflops)
    integer(i64), intent(in) :: flops
    real(sp), intent(in) :: gflops(2) ! CPU, GPU; 0: not usable
    integer, intent(out) :: cpu_percent, gpu_percent
    real(sp), intent(out) :: total_gflops
    gpu_percent = 0
    if (gflops(2) > 0.0_sp .and. flops >= cpu_below_flops) then
      if (flops > split_above_flops) then
        gpu_percent = nint(100.0_sp * gflops(2) / (gflops(1) + gflops(2)))
      else if (gflops(2) > gflops(1)) then
        gpu_percent = 100
      end if
    end if
    if (gpu_percent < least_share) gpu_percent = 0
    if (gpu_percent > 100 - least_share) gpu_percent = 100
    cpu_percent = 100 - gpu_percent
    total_gflops = 0.0_sp
    if (cpu_percent > 0) total_gflops = total_gflops + gflops(1)
    if (gpu_percent > 0) total_gflops = total_gflops + gflops(2)
  end subroutine shares
end module sporkle_compat_split
