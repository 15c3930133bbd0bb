! GPU convolution through mapped memory.
! SPDX-License-Identifier: MIT
module gpu_opengl_zero_copy
  use kinds, only: i64, sp
  use gpu_unified_buffers, only: unified_buffer
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape, run_gpu
  use sporkle_compat_gpu, only: gpu_start, gpu_stop, gpu_started, gpu_user
  implicit none
  private
  public :: gpu_init_zero_copy, gpu_cleanup_zero_copy, gpu_execute_conv2d_zero_copy
  public :: gpu_conv2d_state

  type :: gpu_conv2d_state
    type(unified_buffer) :: input_buffer, weight_buffer, output_buffer, param_buffer
    integer :: compute_program = 0
    logical :: initialized = .false.
    integer :: last_n = 0, last_c = 0, last_h = 0, last_w = 0, last_k = 0, last_kernel_size = 0
    integer(i64) :: weight_hash = 0
  end type gpu_conv2d_state

  type(gpu_user), save :: user

contains

  logical function gpu_init_zero_copy()
    gpu_init_zero_copy = gpu_start(user)
  end function gpu_init_zero_copy

  subroutine gpu_cleanup_zero_copy()
    call gpu_stop(user)
  end subroutine gpu_cleanup_zero_copy

  ! -1 before gpu_init_zero_copy, as after any failure.
  function gpu_execute_conv2d_zero_copy(input, weights, output, N, C, H, W, K, kernel_size, &
      stride, pad, H_out, W_out) result(time_ms)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    real(sp) :: time_ms
    time_ms = -1.0_sp
    if (.not. gpu_started(user)) return
    time_ms = conv2d_run(user%holder, conv2d_options(where=run_gpu, async=.true.), &
      conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, H_out, W_out), input, weights, output)
  end function gpu_execute_conv2d_zero_copy
end module gpu_opengl_zero_copy
