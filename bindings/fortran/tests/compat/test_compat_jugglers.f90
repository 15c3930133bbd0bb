! sporkle_conv2d_juggling_fence and _fence_prod: every public name.
! SPDX-License-Identifier: MIT
program test_compat_jugglers
  use kinds
  use compat_check
  use sporkle_conv2d_juggling_fence
  use sporkle_conv2d_juggling_fence_prod, only: prod_capabilities => device_capabilities_fence, &
    conv2d_auto_juggling_fence_prod, init_juggling_system_fence_prod, &
    cleanup_juggling_system_fence_prod, get_device_info_fence_prod, &
    enable_async_gpu_fence_prod, disable_async_gpu_fence_prod, set_fence_config
  implicit none
  integer, parameter :: N = 2, C = 5, H = 17, W = 13, K = 7, ks = 3, stride = 2, pad = 1
  real(sp) :: x(N * C * H * W), weights(K * C * ks * ks), time_ms
  real(sp), allocatable :: y(:)
  real(dp), allocatable :: expected(:)
  type(device_capabilities_fence) :: info
  type(prod_capabilities) :: prod_info
  integer :: ho, wo, round
  external :: skip_without_device

  call skip_without_device()
  ho = out_size(H, ks, stride, pad)
  wo = out_size(W, ks, stride, pad)
  call fill(x, 1)
  call fill(weights, 2)
  expected = oracle(x, weights, N, C, H, W, K, ks, stride, pad)
  allocate (y(size(expected)))

  info = get_device_info_fence()
  call check(info%cpu_available .and. .not. info%fence_support, "fence: defaults")
  call init_juggling_system_fence()
  info = get_device_info_fence()
  call check(info%fence_support .and. info%cpu_threads >= 1, "fence: info after init")
  call check(info%gpu_available .neqv. info%gpu_name == "None", "fence: the GPU has a name")
  call enable_async_gpu_fence()
  do round = 1, 200
    call fence_call("fence: asynchronous")
  end do
  info = get_device_info_fence()
  call check(.not. (info%cpu_gflops < 0.0_sp .or. info%gpu_gflops < 0.0_sp) .and. &
    (info%cpu_gflops > 0.0_sp .or. info%gpu_gflops > 0.0_sp .or. simulated()), &
    "fence: the rate of the device that computed is measured")
  call check(info%gpu_available .or. .not. info%gpu_gflops > 0.0_sp, "fence: no GPU, no rate")
  call disable_async_gpu_fence()
  call fence_call("fence: synchronous")
  call cleanup_juggling_system_fence()
  call fence_call("fence: after cleanup")
  call cleanup_juggling_system_fence()

  call set_fence_config(timeout_ns=30000000000_i64, debug_output=.false., &
    unicode_output=.false., min_gpu_flops_in=0)
  call init_juggling_system_fence_prod()
  prod_info = get_device_info_fence_prod()
  call check(prod_info%fence_support, "prod: info after init")
  call enable_async_gpu_fence_prod()
  do round = 1, 100
    call prod_call("prod: asynchronous, everything to the GPU")
  end do
  prod_info = get_device_info_fence_prod()
  call check((prod_info%gpu_available .and. .not. simulated()) .eqv. &
    prod_info%gpu_gflops > 0.0_sp, "prod: the GPU's rate is measured")
  call set_fence_config(min_gpu_flops_in=huge(0))
  call prod_call("prod: everything to the CPU")
  prod_info = get_device_info_fence_prod()
  call check(prod_info%cpu_gflops > 0.0_sp, "prod: the CPU's rate is measured")
  call set_fence_config(min_gpu_flops_in=0)
  call disable_async_gpu_fence_prod()
  call prod_call("prod: synchronous")
  y = mark
  time_ms = conv2d_auto_juggling_fence_prod(x, weights, y, N, C, H, W, K, ks, stride, pad, ho, &
    wo + 1)
  call check(time_ms < 0.0_sp .and. untouched(y), "prod: a wrong W_out is refused")
  call cleanup_juggling_system_fence_prod()
  call finish("the fence jugglers")

contains

  ! The null device has no rate.
  logical function simulated()
    character(len=8) :: device
    call get_environment_variable("SPORKLE_DEVICE", device)
    simulated = device == "null"
  end function simulated

  subroutine fence_call(what)
    character(len=*), intent(in) :: what
    y = mark
    time_ms = conv2d_auto_juggling_fence(x, weights, y, N, C, H, W, K, ks, stride, pad, ho, wo)
    call check(time_ms > 0.0_sp .and. close_to(y, expected), what)
  end subroutine fence_call

  subroutine prod_call(what)
    character(len=*), intent(in) :: what
    y = mark
    time_ms = conv2d_auto_juggling_fence_prod(x, weights, y, N, C, H, W, K, ks, stride, pad, ho, wo)
    call check(time_ms > 0.0_sp .and. close_to(y, expected), what)
  end subroutine prod_call
end program test_compat_jugglers
