! gpu_opengl_interface, _fence, gpu_opengl_zero_copy, gpu_opengl_cached: every
! public name. Without a GPU in use inits say so and calls fail.
! SPDX-License-Identifier: MIT
program test_compat_opengl
  use, intrinsic :: iso_c_binding, only: c_sizeof
  use kinds
  use compat_check
  use gpu_fence_primitives
  use gpu_opengl_cached
  use gpu_opengl_interface
  use gpu_opengl_interface_fence
  use gpu_opengl_zero_copy
  use gpu_unified_buffers, only: BUFFER_READ_WRITE, buffer_is_valid, create_unified_buffer, &
    destroy_unified_buffer, read_buffer, write_buffer
  use sporkle_conv2d_juggling, only: device_capabilities, get_device_info, init_juggling_system, &
    cleanup_juggling_system
  implicit none
  integer, parameter :: N = 2, C = 3, H = 20, W = 18, K = 8, ks = 3, stride = 1, pad = 1
  real(sp), target :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W)
  real(sp), target :: strided(2 * N * K * H * W)
  real(dp), allocatable :: expected(:)
  real(sp) :: time_ms
  type(device_capabilities) :: info
  type(gpu_fence) :: fence
  logical :: gpu
  integer :: i
  external :: skip_without_device

  call skip_without_device()
  call fill(x, 6)
  call fill(weights, 7)
  expected = oracle(x, weights, N, C, H, W, K, ks, stride, pad)
  call init_juggling_system()
  info = get_device_info()
  gpu = info%gpu_available
  call params_record()
  call fence_record()
  call state_record()

  call before_init()
  call check(gpu_init_zero_copy() .eqv. gpu, "gpu_init_zero_copy")
  call check(gpu_init() .eqv. gpu, "gpu_init")
  call check(gpu_compile_shaders() .eqv. gpu, "gpu_compile_shaders")
  call interface_calls()
  call gpu_cleanup()
  call zero_copy_call("gpu_cleanup leaves zero copy alone")
  call gpu_cleanup_zero_copy()
  y = mark
  time_ms = gpu_execute_conv2d_zero_copy(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
  call check(time_ms < 0.0_sp .and. untouched(y), "zero copy after its cleanup")
  call check(gpu_init_fence() .eqv. gpu, "gpu_init_fence")
  call fence_calls()
  call gpu_cleanup_fence()
  call check(gpu_init_cached() .eqv. gpu, "gpu_init_cached")
  call cached_calls()
  call gpu_cleanup_cached()
  call cleanup_juggling_system()
  call reference_call("gpu_execute_conv2d_ref initialises by itself")
  call finish("the OpenGL interface modules")

contains

  ! The order is N, H, W, C, K; the block that the shader reads.
  subroutine params_record()
    type(gpu_conv2d_params) :: p
    p = gpu_conv2d_params(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    call check(c_sizeof(p) == 40, "gpu_conv2d_params: ten words")
    call check(all([p%N, p%H, p%W, p%C, p%K, p%kernel_size, p%stride, p%pad, p%H_out, p%W_out] == &
      [(i, i = 1, 10)]), "gpu_conv2d_params: its order")
    call check(all(transfer(p, [0]) == [(i, i = 1, 10)]), "gpu_conv2d_params: its layout")
  end subroutine params_record

  subroutine fence_record()
    type(gpu_fence_conv2d_params) :: p
    call check(p%use_fence .and. .not. gpu_fence_is_valid(p%completion_fence), &
      "gpu_fence_conv2d_params: defaults")
    p = gpu_fence_conv2d_params(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    call check(all([p%N, p%H, p%W, p%C, p%K, p%kernel_size, p%stride, p%pad, p%H_out, p%W_out] == &
      [(i, i = 1, 10)]), "gpu_fence_conv2d_params: its order")
    p%completion_fence = gpu_fence_create()
    call check(p%completion_fence%handle /= 0, "gpu_fence_conv2d_params: its fence has a handle")
    call check(gpu_fence_wait(p%completion_fence, FENCE_INFINITE_TIMEOUT) == FENCE_READY .and. &
      p%completion_fence%is_signaled, "gpu_fence_conv2d_params: its fence is a fence")
    call gpu_fence_destroy(p%completion_fence)
  end subroutine fence_record

  ! A caller's own state: nothing is remembered at first; its buffers are buffers.
  subroutine state_record()
    type(gpu_conv2d_state) :: own
    real(sp) :: values(4)
    call check(.not. own%initialized .and. own%compute_program == 0 .and. own%weight_hash == 0 &
      .and. all([own%last_n, own%last_c, own%last_h, own%last_w, own%last_k, &
      own%last_kernel_size] == 0), "gpu_conv2d_state: defaults")
    call check(.not. (buffer_is_valid(own%input_buffer) .or. buffer_is_valid(own%weight_buffer) &
      .or. buffer_is_valid(own%output_buffer) .or. buffer_is_valid(own%param_buffer)), &
      "gpu_conv2d_state: no buffer at first")
    own%param_buffer = create_unified_buffer(16_i64, BUFFER_READ_WRITE)
    own%input_buffer = own%param_buffer
    call write_buffer(own%param_buffer, [1.0_sp, 2.0_sp, 3.0_sp, 4.0_sp])
    call read_buffer(own%input_buffer, values)
    call check(all(abs(values - [1.0_sp, 2.0_sp, 3.0_sp, 4.0_sp]) < 1.0e-9_sp), &
      "gpu_conv2d_state: its buffers hold values, and copies are the same buffer")
    call destroy_unified_buffer(own%param_buffer)
    call check(.not. buffer_is_valid(own%input_buffer), "gpu_conv2d_state: destroyed")
  end subroutine state_record

  subroutine before_init()
    call check(gpu_get_program_id() == 0, "no program before init")
    y = mark
    time_ms = gpu_execute_conv2d_zero_copy(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
    call check(time_ms < 0.0_sp .and. untouched(y), "zero copy before init")
    time_ms = gpu_execute_conv2d_fence(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
    call check(time_ms < 0.0_sp .and. untouched(y), "fence before init")
    call gpu_cleanup()
  end subroutine before_init

  subroutine interface_calls()
    integer :: program, custom
    call reference_call("gpu_execute_conv2d_ref")
    program = gpu_get_program_id()
    custom = gpu_compile_custom_shader_fortran("this is not a shader")
    call check(custom == 0, "a source that does not compile")
    y = mark
    time_ms = gpu_execute_conv2d_custom_fortran(0, x, weights, y, N, C, H, W, K, ks, stride, pad, &
      H, W)
    call check(time_ms < 0.0_sp .and. untouched(y), "program 0 cannot be run")
    if (program > 0) then
      time_ms = gpu_execute_conv2d_custom_fortran(program, x, weights, y, N, C, H, W, K, ks, &
        stride, pad, H, W)
      call check(time_ms > 0.0_sp .and. close_to(y, expected), "the program by its GL name")
    end if
    call zero_copy_call("gpu_execute_conv2d_zero_copy")
  end subroutine interface_calls

  subroutine reference_call(what)
    character(len=*), intent(in) :: what
    y = mark
    time_ms = gpu_execute_conv2d_ref(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
    call outcome(what)
  end subroutine reference_call

  subroutine zero_copy_call(what)
    character(len=*), intent(in) :: what
    y = mark
    time_ms = gpu_execute_conv2d_zero_copy(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
    call outcome(what)
  end subroutine zero_copy_call

  subroutine fence_calls()
    y = mark
    time_ms = gpu_execute_conv2d_fence(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
    call outcome("gpu_execute_conv2d_fence")
    do i = 1, 70
      y = mark
      time_ms = gpu_execute_conv2d_fence(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W, fence)
      call outcome("gpu_execute_conv2d_fence with a fence")
      call check(gpu_fence_is_valid(fence) .eqv. gpu, "its fence")
      call gpu_fence_destroy(fence)
    end do
    do i = 1, 70
      y = mark
      call gpu_execute_conv2d_fence_async(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W, &
        fence)
      call check(gpu_fence_is_valid(fence) .eqv. gpu, "asynchronous: its fence")
      if (gpu) then
        call check(gpu_fence_wait(fence, FENCE_INFINITE_TIMEOUT) == FENCE_READY, "asynchronous")
        call check(close_to(y, expected), "asynchronous: the output after the wait")
      end if
      call gpu_fence_destroy(fence)
    end do
    if (.not. gpu) return
    do i = 1, 20
      call gpu_execute_conv2d_fence_async(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W, &
        fence)
      call check(gpu_fence_is_valid(fence), "the pool's cleanup gives back what its fences held")
      call gpu_fence_pool_cleanup()
    end do
    strided = mark
    call gpu_execute_conv2d_fence_async(x, weights, strided(1::2), N, C, H, W, K, ks, stride, pad, &
      H, W, fence)
    do while (.not. gpu_fence_is_signaled(fence))
    end do
    call check(close_to(strided(1::2), expected) .and. untouched(strided(2::2)), &
      "asynchronous: polled, strided output")
    call gpu_fence_destroy(fence)
    y = mark
    call gpu_execute_conv2d_fence_async(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W + 1, &
      fence)
    call check(.not. gpu_fence_is_valid(fence) .and. untouched(y), "asynchronous: wrong W_out")
  end subroutine fence_calls

  subroutine cached_calls()
    integer :: first
    y = mark
    time_ms = gpu_execute_conv2d_cached(x, weights, y, N, C, H, W, K, ks, stride, pad, H, W)
    call outcome("gpu_execute_conv2d_cached")
    first = gpu_get_cached_program_id("3x3")
    call check(gpu_get_cached_program_id("3x3") == first, "a cached program keeps its name")
    call gpu_print_cache_stats()
  end subroutine cached_calls

  subroutine outcome(what)
    character(len=*), intent(in) :: what
    if (gpu) then
      call check(time_ms > 0.0_sp .and. close_to(y, expected), what)
    else
      call check(time_ms < 0.0_sp .and. untouched(y), what // " without a GPU")
    end if
  end subroutine outcome
end program test_compat_opengl
