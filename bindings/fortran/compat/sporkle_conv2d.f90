! Convolution on the CPU, on the GPU, or wherever the selector says. These are
! subroutines: a failure leaves the output untouched and is reported once per
! cause on standard error.
! SPDX-License-Identifier: MIT
module sporkle_conv2d
  use, intrinsic :: iso_c_binding, only: c_ptr
  use kinds, only: sp
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape, run_auto, run_cpu, &
    run_gpu
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_session, only: holder_enter, session_devices, session_drop, session_holder
  use sporkle_compat_text, only: warn_once
  implicit none
  private
  public :: conv2d_cpu, conv2d_gpu, conv2d_auto, conv2d_select_implementation

  type(session_holder), save :: holder

contains

  subroutine conv2d_cpu(input, weights, output, N, C, H, W, K, kernel_size, stride, pad, H_out, &
      W_out)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    call run(run_cpu, conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, &
       H_out, W_out), input, weights, output)
  end subroutine conv2d_cpu

  ! Without a GPU in use, computes where the selector says, and says so.
  subroutine conv2d_gpu(input, weights, output, N, C, H, W, K, kernel_size, stride, pad, H_out, &
      W_out)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    integer :: where
    where = run_gpu
    if (.not. gpu_in_use()) then
      call warn_once("conv2d_gpu: no GPU in use, computing on the CPU")
      where = run_auto
    end if
    call run(where, conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, &
       H_out, W_out), input, weights, output)
  end subroutine conv2d_gpu

  subroutine conv2d_auto(input, weights, output, N, C, H, W, K, kernel_size, stride, pad, H_out, &
      W_out)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    call run(run_auto, conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, &
       H_out, W_out), input, weights, output)
  end subroutine conv2d_auto

  ! Every name of a device stands for the same code; an unknown one is reported
  ! and changes nothing.
  subroutine conv2d_select_implementation(device, impl_name)
    character(len=*), intent(in) :: device, impl_name
    logical :: known
    select case (device)
    case ("cpu")
      known = any(impl_name == [character(len=16) :: "adaptive", "reference", "fused", "naive"])
    case ("gpu")
      known = any(impl_name == [character(len=16) :: "reference", "opengl", "async"])
    case default
      known = .false.
    end select
    if (.not. known) call warn_once("conv2d_select_implementation: unknown: " // trim(device) // &
      ", " // trim(impl_name))
  end subroutine conv2d_select_implementation

  subroutine run(where, shape, input, weights, output)
    integer, intent(in) :: where
    type(conv2d_shape), intent(in) :: shape
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(inout) :: output(:)
    real(sp) :: ignored
    ignored = conv2d_run(holder, conv2d_options(where=where, warn=.true.), shape, input, weights, &
      output)
  end subroutine run

  logical function gpu_in_use()
    type(device_set) :: set
    type(c_ptr) :: context
    gpu_in_use = .true.
    if (.not. holder_enter(holder, context)) return
    set = session_devices()
    gpu_in_use = set%has_gpu
    call session_drop()
  end function gpu_in_use
end module sporkle_conv2d
