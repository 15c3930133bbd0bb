! Convolution on the CPU.
! SPDX-License-Identifier: MIT
module cpu_conv2d_adaptive
  use kinds, only: sp
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape, run_cpu
  use sporkle_compat_session, only: session_holder
  implicit none
  private
  public :: conv2d_adaptive, autotune_tiles

  type(session_holder), save :: holder

contains

  real(sp) function conv2d_adaptive(input, weights, output, N, C, H, W, K, kernel_size, stride, &
      pad, H_out, W_out)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    conv2d_adaptive = conv2d_run(holder, conv2d_options(where=run_cpu), conv2d_shape(N, C, H, W, &
      K, kernel_size, stride, pad, H_out, W_out), input, weights, output)
  end function conv2d_adaptive

  ! The library picks its tiles itself; kept for callers.
  subroutine autotune_tiles(I, N, K)
    integer, intent(in) :: I, N, K
    if (I < 0 .or. N < 0 .or. K < 0) return
  end subroutine autotune_tiles
end module cpu_conv2d_adaptive
