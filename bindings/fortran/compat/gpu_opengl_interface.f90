! GPU convolution, and GL programs for callers that dispatch themselves.
! SPDX-License-Identifier: MIT
module gpu_opengl_interface
  use, intrinsic :: iso_c_binding, only: c_int
  use kinds, only: sp
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape, run_gpu
  use sporkle_compat_gl, only: gl_compile
  use sporkle_compat_gpu, only: gpu_start, gpu_started, gpu_stop, gpu_user
  use sporkle_compat_program, only: program_conv2d, reference_program
  implicit none
  private
  public :: gpu_conv2d_params, gpu_init, gpu_cleanup, gpu_compile_shaders
  public :: gpu_execute_conv2d_ref, gpu_get_program_id
  public :: gpu_compile_custom_shader_fortran, gpu_execute_conv2d_custom_fortran

  type, bind(C) :: gpu_conv2d_params
    integer(c_int) :: N, H, W, C, K, kernel_size, stride, pad, H_out, W_out
  end type gpu_conv2d_params

  type(gpu_user), save :: user

contains

  ! Counted: every successful gpu_init wants its gpu_cleanup.
  logical function gpu_init()
    gpu_init = gpu_start(user)
  end function gpu_init

  subroutine gpu_cleanup()
    call gpu_stop(user)
  end subroutine gpu_cleanup

  ! The library compiles what a convolution needs when it needs it.
  logical function gpu_compile_shaders()
    gpu_compile_shaders = gpu_started(user)
  end function gpu_compile_shaders

  ! The GPU's own time where it can be measured. Initialises by itself.
  real(sp) function gpu_execute_conv2d_ref(input, weights, output, N, C, H, W, K, kernel_size, &
      stride, pad, H_out, W_out)
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(out), target :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    gpu_execute_conv2d_ref = conv2d_run(user%holder, conv2d_options(where=run_gpu, &
      device_time=.true.), conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, H_out, W_out), &
      input, weights, output)
  end function gpu_execute_conv2d_ref

  ! GL name of a program with storage bindings 0 input, 1 weights, 2 output,
  ! 3 gpu_conv2d_params and 64 outputs per group; 0 before gpu_init or without GL.
  function gpu_get_program_id() result(program_id)
    integer :: program_id
    program_id = 0
    if (gpu_started(user)) program_id = reference_program()
  end function gpu_get_program_id

  ! 0 when the source does not compile.
  function gpu_compile_custom_shader_fortran(shader_source) result(program_id)
    character(len=*), intent(in) :: shader_source
    integer :: program_id
    program_id = gl_compile(shader_source)
  end function gpu_compile_custom_shader_fortran

  ! A program of the caller with the bindings and groups of gpu_get_program_id's.
  real(sp) function gpu_execute_conv2d_custom_fortran(program_id, input, weights, output, N, C, &
      H, W, K, kernel_size, stride, pad, H_out, W_out)
    integer, intent(in) :: program_id
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(out), target :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    gpu_execute_conv2d_custom_fortran = program_conv2d(user%holder, program_id, conv2d_shape(N, &
      C, H, W, K, kernel_size, stride, pad, H_out, W_out), input, weights, output)
  end function gpu_execute_conv2d_custom_fortran
end module gpu_opengl_interface
