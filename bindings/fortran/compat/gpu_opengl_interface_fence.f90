! GPU convolution with a fence.
! SPDX-License-Identifier: MIT
module gpu_opengl_interface_fence
  use kinds, only: sp
  use gpu_fence_primitives, only: gpu_fence, gpu_fence_create
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape, run_gpu
  use sporkle_compat_gpu, only: gpu_start, gpu_started, gpu_stop, gpu_user
  use sporkle_compat_job, only: job_start
  implicit none
  private
  public :: gpu_fence_conv2d_params, gpu_init_fence, gpu_cleanup_fence
  public :: gpu_execute_conv2d_fence, gpu_execute_conv2d_fence_async

  type :: gpu_fence_conv2d_params
    integer :: N, H, W, C, K, kernel_size, stride, pad, H_out, W_out
    type(gpu_fence) :: completion_fence
    logical :: use_fence = .true.
  end type gpu_fence_conv2d_params

  type(gpu_user), save :: user

contains

  logical function gpu_init_fence()
    gpu_init_fence = gpu_start(user)
  end function gpu_init_fence

  subroutine gpu_cleanup_fence()
    call gpu_stop(user)
  end subroutine gpu_cleanup_fence

  ! -1 before gpu_init_fence and after any failure or timeout, the output being
  ! untouched then. fence_out, a fence behind the finished work, is the caller's.
  real(sp) function gpu_execute_conv2d_fence(input, weights, output, N, C, H, W, K, kernel_size, &
      stride, pad, H_out, W_out, fence_out) result(time_ms)
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(out), target :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    type(gpu_fence), intent(out), optional :: fence_out
    time_ms = -1.0_sp
    if (.not. gpu_started(user)) return
    time_ms = conv2d_run(user%holder, conv2d_options(where=run_gpu, async=.true.), &
      conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, H_out, W_out), input, weights, output)
    if (present(fence_out) .and. time_ms > 0.0_sp) fence_out = gpu_fence_create()
  end function gpu_execute_conv2d_fence

  ! Returns at once. The output is filled by the gpu_fence_wait or
  ! gpu_fence_is_signaled that finds the fence signalled; until then the array
  ! must exist. The fence is invalid when nothing was started.
  subroutine gpu_execute_conv2d_fence_async(input, weights, output, N, C, H, W, K, kernel_size, &
      stride, pad, H_out, W_out, fence_out)
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(inout), target :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    type(gpu_fence), intent(out) :: fence_out
    if (.not. gpu_started(user)) return
    call job_start(user%holder, conv2d_options(where=run_gpu), conv2d_shape(N, C, H, W, K, &
      kernel_size, stride, pad, H_out, W_out), input, weights, output, fence_out)
  end subroutine gpu_execute_conv2d_fence_async
end module gpu_opengl_interface_fence
