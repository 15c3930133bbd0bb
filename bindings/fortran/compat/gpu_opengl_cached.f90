! gpu_opengl_interface with a program cache.
! SPDX-License-Identifier: MIT
module gpu_opengl_cached
  use kinds, only: sp
  use gpu_opengl_interface, only: gpu_cleanup, gpu_execute_conv2d_ref, gpu_init
  use gpu_program_cache, only: cleanup_program_cache, get_cached_program, init_program_cache, &
    print_cache_stats, program_cache
  use sporkle_compat_gl, only: gl_compile
  use sporkle_compat_program, only: reference_source
  use sporkle_compat_text, only: print_text
  implicit none
  private
  public :: gpu_init_cached, gpu_cleanup_cached, gpu_execute_conv2d_cached
  public :: gpu_get_cached_program_id, gpu_print_cache_stats

  type(program_cache), save :: cache
  integer, save :: inits = 0

contains

  logical function gpu_init_cached()
    gpu_init_cached = gpu_init()
    if (.not. gpu_init_cached) return
    if (inits == 0) call init_program_cache(cache, 50, "gpu_shader_cache/")
    inits = inits + 1
  end function gpu_init_cached

  subroutine gpu_cleanup_cached()
    if (inits == 0) return
    inits = inits - 1
    if (inits == 0) call cleanup_program_cache(cache)
    call gpu_cleanup()
  end subroutine gpu_cleanup_cached

  real(sp) function gpu_execute_conv2d_cached(input, weights, output, N, C, H, W, K, kernel_size, &
      stride, pad, H_out, W_out)
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(out), target :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    gpu_execute_conv2d_cached = gpu_execute_conv2d_ref(input, weights, output, N, C, H, W, K, &
      kernel_size, stride, pad, H_out, W_out)
  end function gpu_execute_conv2d_cached

  ! GL name of the program of gpu_get_program_id, cached under the key; 0
  ! without GL.
  function gpu_get_cached_program_id(config_key) result(program_id)
    character(len=*), intent(in) :: config_key
    integer :: program_id
    program_id = 0
    if (inits > 0) program_id = get_cached_program(cache, reference_source(), config_key, compile)
  end function gpu_get_cached_program_id

  subroutine gpu_print_cache_stats()
    if (inits > 0) then
      call print_cache_stats(cache)
    else
      call print_text("Program cache: not initialised")
    end if
  end subroutine gpu_print_cache_stats

  function compile(source) result(prog_id)
    character(len=*), intent(in) :: source
    integer :: prog_id
    prog_id = gl_compile(source)
  end function compile
end module gpu_opengl_cached
