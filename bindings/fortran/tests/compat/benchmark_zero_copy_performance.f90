! A pipeline on mapped buffers against calls that copy, batch by batch; every
! output is verified first.
! SPDX-License-Identifier: MIT
module benchmark_zero_copy_performance_module
  use, intrinsic :: iso_c_binding, only: c_f_pointer
  use kinds
  use compat_bench
  use compat_check
  use gpu_async_pipeline
  use sporkle_conv2d_juggling_fence_prod
  implicit none
  private
  public :: benchmark_zero_copy_performance

  integer, parameter :: N = 2, C = 32, H = 56, W = 56, K = 32, batches = 60

contains

  subroutine benchmark_zero_copy_performance()
    real(sp), allocatable :: x(:), weights(:), y(:)
    real(dp), allocatable :: expected(:)
    type(gpu_async_state) :: state
    integer(i64) :: mapped_ns, copied_ns
    allocate (x(N * C * H * W), weights(K * C * 9), y(N * K * H * W))
    call fill(x, 80)
    call fill(weights, 81)
    expected = oracle(x, weights, N, C, H, W, K, 3, 1, 1)
    call check(prepare_gpu_pipeline(state, weights, N, C, H, W, K, 3, 1, 1, H, W), "pipeline")
    call device_line()
    mapped_ns = pipeline(state, x, expected, .true.)
    mapped_ns = pipeline(state, x, expected, .false.)
    copied_ns = copying(x, weights, y, expected)
    call release_gpu_pipeline(state)
    call finish("every output of 2x32x56x56 K=32 3x3")
    call line("mapped pipeline, per batch", [mapped_ns / batches])
    call line("calls that copy, per batch", [copied_ns / batches])
  end subroutine benchmark_zero_copy_performance

  ! The caller produces the input directly in mapped memory.
  integer(i64) function pipeline(state, x, expected, verify)
    type(gpu_async_state), intent(inout) :: state
    real(sp), intent(in) :: x(:)
    real(dp), intent(in) :: expected(:)
    logical, intent(in) :: verify
    real(sp), pointer :: values(:)
    integer :: b, set
    pipeline = now_ns()
    do b = 1, batches + 3
      set = mod(b - 1, 3) + 1
      if (b > 3) then
        call check(wait_gpu_work(state, b), "mapped: a batch ends")
        call c_f_pointer(state%output_buffers(set)%cpu_ptr, values, [size(expected)])
        if (verify) call check(close_to(values, expected), "mapped: a batch")
      end if
      if (b > batches) cycle
      if (verify) then
        call c_f_pointer(state%input_buffers(set)%cpu_ptr, values, [size(x)])
        values = x
      end if
      call submit_gpu_work_async(state, b)
    end do
    pipeline = now_ns() - pipeline
  end function pipeline

  integer(i64) function copying(x, weights, y, expected)
    real(sp), intent(in) :: x(:), weights(:)
    real(sp), intent(inout) :: y(:)
    real(dp), intent(in) :: expected(:)
    real(sp) :: time_ms
    integer :: b
    call set_fence_config(min_gpu_flops_in=0)
    time_ms = conv2d_auto_juggling_fence_prod(x, weights, y, N, C, H, W, K, 3, 1, 1, H, W)
    call check(close_to(y, expected), "copying: before the timing")
    y = mark
    copying = now_ns()
    do b = 1, batches
      time_ms = conv2d_auto_juggling_fence_prod(x, weights, y, N, C, H, W, K, 3, 1, 1, H, W)
    end do
    copying = now_ns() - copying
    call check(time_ms > 0.0_sp .and. close_to(y, expected), "copying: after the timing")
  end function copying
end module benchmark_zero_copy_performance_module
