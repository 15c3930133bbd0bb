! The juggler's two paths side by side: submitted with a fence, and the
! synchronous call. Small and large problem; every output is verified first.
! SPDX-License-Identifier: MIT
module benchmark_juggler_fence_vs_finish_module
  use kinds
  use compat_bench
  use compat_check
  use sporkle_conv2d_juggling_fence_prod
  implicit none
  private
  public :: benchmark_juggler_fence_vs_finish

  integer, parameter :: repeats = 51

contains

  subroutine benchmark_juggler_fence_vs_finish()
    call set_fence_config(min_gpu_flops_in=0)
    call init_juggling_system_fence_prod()
    call device_line()
    call problem("1x3x32x32 K=16 3x3", 1, 3, 32, 32, 16)
    call problem("1x64x56x56 K=64 3x3", 1, 64, 56, 56, 64)
    call cleanup_juggling_system_fence_prod()
  end subroutine benchmark_juggler_fence_vs_finish

  subroutine problem(name, N, C, H, W, K)
    character(len=*), intent(in) :: name
    integer, intent(in) :: N, C, H, W, K
    real(sp), allocatable :: x(:), weights(:), y(:)
    real(dp), allocatable :: expected(:)
    integer(i64) :: fence_ns(repeats), finish_ns(repeats), start
    real(sp) :: time_ms
    integer :: i
    allocate (x(N * C * H * W), weights(K * C * 9), y(N * K * H * W))
    call fill(x, 70)
    call fill(weights, 71)
    expected = oracle(x, weights, N, C, H, W, K, 3, 1, 1)
    do i = 1, repeats
      call enable_async_gpu_fence_prod()
      start = now_ns()
      time_ms = conv2d_auto_juggling_fence_prod(x, weights, y, N, C, H, W, K, 3, 1, 1, H, W)
      fence_ns(i) = now_ns() - start
      call check(time_ms > 0.0_sp .and. close_to(y, expected), name // ": with a fence")
      call disable_async_gpu_fence_prod()
      y = mark
      start = now_ns()
      time_ms = conv2d_auto_juggling_fence_prod(x, weights, y, N, C, H, W, K, 3, 1, 1, H, W)
      finish_ns(i) = now_ns() - start
      call check(time_ms > 0.0_sp .and. close_to(y, expected), name // ": synchronous")
    end do
    call finish(name // ": every output")
    call line(name // " with a fence", fence_ns(2:))
    call line(name // " synchronous", finish_ns(2:))
  end subroutine problem
end module benchmark_juggler_fence_vs_finish_module
