! sporkle_conv2d_juggling with an adjustable timeout and threshold.
! SPDX-License-Identifier: MIT
module sporkle_conv2d_juggling_fence_prod
  use kinds, only: i64, sp
  use sporkle_compat_conv2d, only: conv2d_shape
  use sporkle_compat_juggler, only: juggler, juggler_cleanup, juggler_info, juggler_init, &
    juggler_report, juggler_run
  implicit none
  private
  public :: device_capabilities_fence
  public :: conv2d_auto_juggling_fence_prod, init_juggling_system_fence_prod
  public :: cleanup_juggling_system_fence_prod, get_device_info_fence_prod
  public :: enable_async_gpu_fence_prod, disable_async_gpu_fence_prod
  public :: set_fence_config

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

  subroutine init_juggling_system_fence_prod()
    call juggler_init(system)
  end subroutine init_juggling_system_fence_prod

  subroutine cleanup_juggling_system_fence_prod()
    call juggler_cleanup(system)
  end subroutine cleanup_juggling_system_fence_prod

  function get_device_info_fence_prod() result(info)
    type(device_capabilities_fence) :: info
    type(juggler_report) :: report
    report = juggler_info()
    info%gpu_available = report%gpu_available
    info%cpu_gflops = report%cpu_gflops
    info%gpu_gflops = report%gpu_gflops
    info%cpu_threads = report%cpu_threads
    info%gpu_name = report%gpu_name
    info%fence_support = report%fence_support
  end function get_device_info_fence_prod

  function conv2d_auto_juggling_fence_prod(input, weights, output, N, C, H, W, K, kernel_size, &
      stride, pad, H_out, W_out) result(time_ms)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    real(sp) :: time_ms
    time_ms = juggler_run(system, conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, H_out, &
      W_out), input, weights, output)
  end function conv2d_auto_juggling_fence_prod

  subroutine enable_async_gpu_fence_prod()
    system%async = .true.
  end subroutine enable_async_gpu_fence_prod

  subroutine disable_async_gpu_fence_prod()
    system%async = .false.
  end subroutine disable_async_gpu_fence_prod

  ! An absent argument leaves its setting alone. The unicode setting is accepted:
  ! nothing that is printed needs it.
  subroutine set_fence_config(timeout_ns, debug_output, unicode_output, min_gpu_flops_in)
    integer(i64), intent(in), optional :: timeout_ns
    logical, intent(in), optional :: debug_output, unicode_output
    integer, intent(in), optional :: min_gpu_flops_in
    if (present(timeout_ns)) system%timeout_ns = timeout_ns
    if (present(debug_output)) system%talk = debug_output
    if (present(unicode_output)) system%unicode = unicode_output
    if (present(min_gpu_flops_in)) system%min_gpu_flops = min_gpu_flops_in
  end subroutine set_fence_config
end module sporkle_conv2d_juggling_fence_prod
