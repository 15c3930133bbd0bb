! The convolution that picks its device by itself.
! SPDX-License-Identifier: MIT
module sporkle_conv2d_juggling
  use kinds, only: sp
  use sporkle_compat_conv2d, only: conv2d_shape
  use sporkle_compat_juggler, only: juggler, juggler_cleanup, juggler_info, juggler_init, &
    juggler_report, juggler_run
  implicit none
  private
  public :: device_capabilities
  public :: conv2d_auto_juggling, init_juggling_system
  public :: cleanup_juggling_system, get_device_info
  public :: enable_async_gpu, disable_async_gpu

  type :: device_capabilities
    logical :: cpu_available = .true.
    logical :: gpu_available = .false.
    real(sp) :: cpu_gflops = 0.0_sp ! measured; 0 before the first convolution there
    real(sp) :: gpu_gflops = 0.0_sp
    integer :: cpu_threads = 1
    character(len=256) :: gpu_name = "None"
  end type device_capabilities

  type(juggler), save :: system

contains

  subroutine init_juggling_system()
    call juggler_init(system)
  end subroutine init_juggling_system

  subroutine cleanup_juggling_system()
    call juggler_cleanup(system)
  end subroutine cleanup_juggling_system

  function get_device_info() result(info)
    type(device_capabilities) :: info
    type(juggler_report) :: report
    report = juggler_info()
    info%gpu_available = report%gpu_available
    info%cpu_gflops = report%cpu_gflops
    info%gpu_gflops = report%gpu_gflops
    info%cpu_threads = report%cpu_threads
    info%gpu_name = report%gpu_name
  end function get_device_info

  function conv2d_auto_juggling(input, weights, output, N, C, H, W, K, kernel_size, &
      stride, pad, H_out, W_out) result(time_ms)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    real(sp) :: time_ms
    time_ms = juggler_run(system, conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, H_out, &
      W_out), input, weights, output)
  end function conv2d_auto_juggling

  subroutine enable_async_gpu()
    system%async = .true.
  end subroutine enable_async_gpu

  subroutine disable_async_gpu()
    system%async = .false.
  end subroutine disable_async_gpu
end module sporkle_conv2d_juggling
