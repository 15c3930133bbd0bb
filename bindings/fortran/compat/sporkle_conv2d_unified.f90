! One convolution with the device as text. The function cannot carry the
! module's name, which Fortran does not allow: it is conv2d_unified.
! SPDX-License-Identifier: MIT
module sporkle_conv2d_unified
  use kinds, only: i64, sp
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape, run_auto, run_cpu, &
    run_gpu
  use sporkle_compat_session, only: session_holder
  use sporkle_compat_text, only: say
  implicit none
  private
  public :: conv2d_unified

  type(session_holder), save :: holder

contains

  ! device_type: "cpu", "gpu" or "auto", the default. "pm4" is the same as "gpu":
  ! the GPU in use, through OpenGL as well; the line of the call names both.
  function conv2d_unified(input, weights, output, N, C, H, W, K, kernel_size, stride, pad, &
      device_type) result(time_ms)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad
    character(len=*), intent(in), optional :: device_type
    real(sp) :: time_ms
    type(conv2d_options) :: options
    time_ms = -1.0_sp
    if (present(device_type)) then
      select case (device_type)
      case ("auto")
        options%where = run_auto
      case ("cpu")
        options%where = run_cpu
      case ("gpu", "pm4")
        options%where = run_gpu
      case default
        call say("Sporkle: conv2d_unified: device_type: unknown: " // trim(device_type))
        return
      end select
    end if
    time_ms = conv2d_run(holder, options, conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, &
      out_size(H), out_size(W)), input, weights, output)

  contains

    ! 0 where the library will refuse the other arguments.
    pure integer(i64) function out_size(in_size)
      integer, intent(in) :: in_size
      out_size = 0
      if (stride > 0) out_size = (int(in_size, i64) + 2_i64 * pad - kernel_size) / stride + 1
    end function out_size
  end function conv2d_unified
end module sporkle_conv2d_unified
