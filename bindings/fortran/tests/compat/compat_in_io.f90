! Functions of the historic modules as items of I/O statements on both standard
! units, with everything that they have to say; the registered time limit is the
! check that they return.
! SPDX-License-Identifier: MIT
program compat_in_io
  use, intrinsic :: iso_fortran_env, only: error_unit
  use kinds
  use compat_check
  use gpu_async_pipeline
  use gpu_fence_primitives
  use gpu_opengl_interface, only: gpu_compile_custom_shader_fortran, gpu_init
  use gpu_unified_buffers
  use sporkle_conv2d_juggling_fence_prod, only: conv2d_auto_juggling_fence_prod, set_fence_config
  use sporkle_conv2d_unified
  use gpu_program_cache
  implicit none
  external :: skip_without_device
  real(sp) :: x(48), w(54), y(32)
  type(gpu_async_state) :: pipeline
  type(program_cache) :: cache
  type(gpu_fence) :: fences(65)
  integer :: i
  call skip_without_device()
  x = 1.0_sp
  w = 1.0_sp
  write (error_unit, *) "pipeline ", &
    prepare_gpu_pipeline(pipeline, w, 1, 3, 4, 4, 2, 3, 1, 1, 4, 5)
  print *, "unified ", conv2d_unified(x, w, y, 1, 3, 4, 4, 2, 3, 1, 1, "auto")
  call check(abs(y(6) - 27.0_sp) < 1.0e-4_sp, "the result of a call in an I/O statement")
  print *, "refused ", conv2d_unified(x, w, y, 1, 3, 4, 4, 2, 3, 1, 1, "kronos")
  print *, "GPU ", gpu_init(), gpu_compile_custom_shader_fortran("no GLSL")
  write (error_unit, *) "buffer ", buffer_is_valid(create_unified_buffer(64_i64, 99))
  call set_fence_config(debug_output=.true.)
  print *, "debug ", conv2d_auto_juggling_fence_prod(x, w, y, 1, 3, 4, 4, 2, 3, 1, 1, 4, 4)
  do i = 1, 64
    fences(i) = gpu_fence_create()
  end do
  write (error_unit, *) "fence ", gpu_fence_is_valid(gpu_fence_create())
  call init_program_cache(cache, 2, "compat_in_io.cache/")
  print *, "program ", get_cached_program(cache, "no GLSL", "key", compile)
  call cleanup_program_cache(cache)
  call finish("functions in I/O statements")

contains

  function compile(source) result(program)
    character(len=*), intent(in) :: source
    integer :: program
    program = gpu_compile_custom_shader_fortran(source)
  end function compile
end program compat_in_io
