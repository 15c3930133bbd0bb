! What fences cost: on an empty queue, and behind a convolution whose output is
! verified.
! SPDX-License-Identifier: MIT
module benchmark_fence_performance_module
  use kinds
  use compat_bench
  use compat_check
  use gpu_fence_primitives
  use gpu_opengl_interface_fence
  implicit none
  private
  public :: benchmark_fence_performance

  integer, parameter :: repeats = 2001, N = 1, C = 32, H = 28, W = 28, K = 32

contains

  subroutine benchmark_fence_performance()
    integer(i64) :: create_ns(repeats), wait_ns(repeats), poll_ns(repeats), destroy_ns(repeats)
    integer(i64) :: t(5)
    type(gpu_fence) :: fence
    logical :: signaled
    integer :: i
    do i = 1, repeats
      t(1) = now_ns()
      fence = gpu_fence_create()
      t(2) = now_ns()
      call check(gpu_fence_wait(fence, FENCE_INFINITE_TIMEOUT) == FENCE_READY, "a fence ends")
      t(3) = now_ns()
      signaled = gpu_fence_is_signaled(fence)
      t(4) = now_ns()
      call gpu_fence_destroy(fence)
      t(5) = now_ns()
      call check(signaled, "and is signalled")
      create_ns(i) = t(2) - t(1)
      wait_ns(i) = t(3) - t(2)
      poll_ns(i) = t(4) - t(3)
      destroy_ns(i) = t(5) - t(4)
    end do
    call device_line()
    call finish("every fence")
    call line("create, empty queue", create_ns(2:))
    call line("wait, empty queue", wait_ns(2:))
    call line("poll (with two clock reads)", poll_ns(2:))
    call line("destroy", destroy_ns(2:))
    call behind_work()
  end subroutine benchmark_fence_performance

  ! From the end of the submission to the return of the wait.
  subroutine behind_work()
    real(sp), allocatable, target :: x(:), weights(:), y(:)
    real(dp), allocatable :: expected(:)
    integer(i64) :: wait_ns(50), start
    type(gpu_fence) :: fence
    integer :: i
    if (.not. gpu_init_fence()) then
      write (*, "(a)") "no GPU in use: no fences behind GPU work"
      return
    end if
    allocate (x(N * C * H * W), weights(K * C * 9), y(N * K * H * W))
    call fill(x, 90)
    call fill(weights, 91)
    expected = oracle(x, weights, N, C, H, W, K, 3, 1, 1)
    do i = 1, size(wait_ns)
      y = mark
      call gpu_execute_conv2d_fence_async(x, weights, y, N, C, H, W, K, 3, 1, 1, H, W, fence)
      start = now_ns()
      call check(gpu_fence_wait(fence, FENCE_INFINITE_TIMEOUT) == FENCE_READY, "the work ends")
      wait_ns(i) = now_ns() - start
      call gpu_fence_destroy(fence)
      call check(close_to(y, expected), "with the right values")
    end do
    call finish("every convolution")
    call line("wait behind 1x32x28x28 K=32 3x3", wait_ns(2:))
    call gpu_cleanup_fence()
  end subroutine behind_work
end module benchmark_fence_performance_module
