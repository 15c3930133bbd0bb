! sporkle_conv2d_juggling under its fence names: the same behaviour.
! SPDX-License-Identifier: MIT
module sporkle_conv2d_juggling_fence
  use kinds, only: sp
  use sporkle_compat_conv2d, only: conv2d_shape
  use sporkle_compat_juggler, only: juggler, juggler_cleanup, juggler_info, juggler_init, &
    juggler_report, juggler_run
  implicit none
  private
  public :: device_capabilities_fence
  public :: conv2d_auto_juggling_fence, init_juggling_system_fence
  public :: cleanup_juggling_system_fence, get_device_info_fence
  public :: enable_async_gpu_fence, disable_async_gpu_fence

  type :: device_capabilities_fence
    logical :: cpu_available = .true.
    logical :: gpu_available = .false.
    real(sp) :: cpu_gflops = 0.0_sp ! measured; 0 before the first convolution there
    real(sp) :: gpu_gflops = 0.0_sp
    integer :: cpu_threads = 1
    character(len=256) :: gpu_name = "None"
    logical :: fence_support = .false.
  end type device_capabilities_fence

  type(juggler), save :: system

contains

  subroutine init_juggling_system_fence()
    call juggler_init(system)
  end subroutine init_juggling_system_fence

  subroutine cleanup_juggling_system_fence()
    call juggler_cleanup(system)
  end subroutine cleanup_juggling_system_fence

  function get_device_info_fence() result(info)
    type(device_capabilities_fence) :: info
    type(juggler_report) :: report
    report = juggler_info()
    info%gpu_available = report%gpu_available
    info%cpu_gflops = report%cpu_gflops
    info%gpu_gflops = report%gpu_gflops
    info%cpu_threads = report%cpu_threads
    info%gpu_name = report%gpu_name
    info%fence_support = report%fence_support
  end function get_device_info_fence

  function conv2d_auto_juggling_fence(input, weights, output, N, C, H, W, K, kernel_size, &
      stride, pad, H_out, W_out) result(time_ms)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    real(sp) :: time_ms
    time_ms = juggler_run(system, conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, H_out, &
      W_out), input, weights, output)
  end function conv2d_auto_juggling_fence

  subroutine enable_async_gpu_fence()
    system%async = .true.
  end subroutine enable_async_gpu_fence

  subroutine disable_async_gpu_fence()
    system%async = .false.
  end subroutine disable_async_gpu_fence
end module sporkle_conv2d_juggling_fence
