! A program that issues gl* calls itself: after gpu_init a context is current on
! this thread, the names the modules hand out are real there, and fences cover
! the caller's own commands.
! SPDX-License-Identifier: MIT
program test_compat_own_gl
  use, intrinsic :: iso_c_binding, only: c_int, c_intptr_t, c_loc, c_null_ptr, c_size_t
  use kinds
  use compat_check
  use gl_constants
  use gpu_fence_primitives
  use gpu_opengl_interface
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
  if (program == 0) call skip()
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

  subroutine put(which, data, bytes)
    use, intrinsic :: iso_c_binding, only: c_ptr
    integer, intent(in) :: which, bytes
    type(c_ptr), intent(in) :: data
    call glBindBuffer(GL_SHADER_STORAGE_BUFFER, names(which))
    call glBufferData(GL_SHADER_STORAGE_BUFFER, int(bytes, c_size_t), data, GL_DYNAMIC_DRAW)
    call glBindBufferBase(GL_SHADER_STORAGE_BUFFER, int(which - 1, c_int), names(which))
  end subroutine put

  subroutine skip()
    interface
      subroutine c_exit(status) bind(C, name="exit")
        import :: c_int
        integer(c_int), value :: status
      end subroutine c_exit
    end interface
    write (*, "(a)") "skipped: this library hands out no GL names"
    flush (6)
    call c_exit(77_c_int)
  end subroutine skip
end program test_compat_own_gl
