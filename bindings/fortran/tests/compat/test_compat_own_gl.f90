! A program that issues gl* calls itself: after gpu_init a context is current on
! this thread, the names the modules hand out are real there, and fences cover
! the caller's own commands.
! SPDX-License-Identifier: MIT
program test_compat_own_gl
  use, intrinsic :: iso_c_binding, only: c_int, c_intptr_t, c_loc, c_null_ptr, c_size_t
  use kinds
  use compat_check
  use gl_constants
  use gpu_binary_cache, only: load_program_binary, save_program_binary
  use gpu_fence_primitives
  use gpu_opengl_interface
  use gpu_program_cache_v2
  use gpu_unified_buffers
  implicit none
  integer, parameter :: N = 2, C = 3, H = 12, W = 11, K = 5, ks = 3
  real(sp), target :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W)
  type(gpu_conv2d_params), target :: params
  type(gpu_fence) :: fence
  integer(c_int) :: names(4)
  integer :: program, i
  external :: skip_without_device

  call skip_without_device()
  call check(gpu_init(), "gpu_init")
  program = gpu_get_program_id()
  call check(program > 0, "the module's program has a name")
  call fill(x, 100)
  call fill(weights, 101)
  params = gpu_conv2d_params(N, H, W, C, K, ks, 1, 1, H, W)
  do i = 1, 4
    call glGenBuffers(1_c_int, names(i))
    call check(names(i) > 0, "glGenBuffers works: a context is current")
  end do
  call dispatch()
  call check(close_to(y, oracle(x, weights, N, C, H, W, K, ks, 1, 1)), &
    "the module's program, dispatched by the caller")
  call shared_input()
  call shared_output()
  call binaries()
  do i = 1, 4
    call glDeleteBuffers(1_c_int, names(i))
  end do
  call gpu_cleanup()
  call finish("a program with its own gl* calls")

contains

  subroutine dispatch()
    call put(1, c_loc(x), 4 * size(x))
    call put(2, c_loc(weights), 4 * size(weights))
    call put(3, c_null_ptr, 4 * size(y))
    call put(4, c_loc(params), 40)
    call run()
  end subroutine dispatch

  subroutine run()
    integer :: outputs
    outputs = size(y)
    call glUseProgram(int(program, c_int))
    call glDispatchCompute(int((outputs + 63) / 64, c_int), 1_c_int, 1_c_int)
    call glMemoryBarrier(-1_c_int)
    fence = gpu_fence_create()
    call check(gpu_fence_wait(fence, 30000000000_i64) == FENCE_READY, "a fence behind gl* calls")
    call gpu_fence_destroy(fence)
    y = mark
    call glBindBuffer(GL_SHADER_STORAGE_BUFFER, names(3))
    call glGetBufferSubData(GL_SHADER_STORAGE_BUFFER, 0_c_intptr_t, &
      int(4 * size(y), c_size_t), c_loc(y))
  end subroutine run

  ! A buffer of the library as the program's input, by its name.
  subroutine shared_input()
    type(unified_buffer) :: buffer
    buffer = create_unified_buffer(int(4 * size(x), i64), BUFFER_WRITE_ONLY)
    call fill(x, 102)
    call write_buffer(buffer, x)
    call sync_buffer_to_gpu(buffer)
    call bind_buffer_to_shader(buffer, 0)
    call run()
    call check(close_to(y, oracle(x, weights, N, C, H, W, K, ks, 1, 1)), &
      "a unified buffer bound to the caller's shader")
    call destroy_unified_buffer(buffer)
  end subroutine shared_input

  ! A buffer of the library as the program's output: the CPU reads what it wrote.
  subroutine shared_output()
    type(unified_buffer) :: buffer
    integer :: outputs
    outputs = size(y)
    buffer = create_unified_buffer(int(4 * size(y), i64), BUFFER_READ_ONLY)
    call put(1, c_loc(x), 4 * size(x))
    call bind_buffer_to_shader(buffer, 2)
    call glUseProgram(int(program, c_int))
    call glDispatchCompute(int((outputs + 63) / 64, c_int), 1_c_int, 1_c_int)
    call sync_buffer_from_gpu(buffer)
    y = mark
    call read_buffer(buffer, y)
    call check(close_to(y, oracle(x, weights, N, C, H, W, K, ks, 1, 1)), &
      "a unified buffer written by the caller's shader")
    call destroy_unified_buffer(buffer)
  end subroutine shared_output

  ! Programs of GL in the caches: saved, loaded, and still right.
  subroutine binaries()
    type(program_cache) :: cache
    character(len=32) :: driver
    character(len=48) :: folder
    integer :: original
    call get_environment_variable("GALLIUM_DRIVER", driver)
    folder = "own_gl_" // driver ! the drivers' tests may run side by side
    call execute_command_line("rm -rf " // folder)
    original = program
    call init_program_cache_v2(cache, 4, trim(folder) // "/", auto_save=.true., auto_load=.true.)
    call save_program_binary(original, "by hand", trim(folder))
    program = load_program_binary("by hand", trim(folder))
    call check(program > 0 .and. program /= original, "a program from its binary")
    call put(3, c_null_ptr, 4 * size(y))
    call run()
    call check(close_to(y, oracle(x, weights, N, C, H, W, K, ks, 1, 1)), "it computes the same")
    program = get_cached_program_v2(cache, "broken", "key", gpu_compile_custom_shader_fortran)
    call check(program == 0, "a source that does not compile is not cached")
    program = original
    call cleanup_program_cache_v2(cache)
    call execute_command_line("rm -rf " // folder)
  end subroutine binaries

  subroutine put(which, data, bytes)
    use, intrinsic :: iso_c_binding, only: c_ptr
    integer, intent(in) :: which, bytes
    type(c_ptr), intent(in) :: data
    call glBindBuffer(GL_SHADER_STORAGE_BUFFER, names(which))
    call glBufferData(GL_SHADER_STORAGE_BUFFER, int(bytes, c_size_t), data, GL_DYNAMIC_DRAW)
    call glBindBufferBase(GL_SHADER_STORAGE_BUFFER, int(which - 1, c_int), names(which))
  end subroutine put
end program test_compat_own_gl
