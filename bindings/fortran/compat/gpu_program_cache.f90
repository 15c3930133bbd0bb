! A cache of compiled programs in memory.
! SPDX-License-Identifier: MIT
module gpu_program_cache
  use kinds, only: i64
  use sporkle_compat_cache, only: program_cache, program_cache_entry, &
    cache_cleanup, cache_get, cache_init, cache_print, cache_release, cache_stats, &
    cache_statistics, cache_add, cache_evict, cache_find
  implicit none
  private
  public :: program_cache, program_cache_entry
  public :: init_program_cache, cleanup_program_cache, get_cached_program
  public :: release_program, print_cache_stats, get_cache_stats
  public :: cache_program, find_program, evict_lru

contains

  subroutine init_program_cache(cache, max_programs, cache_directory)
    type(program_cache), intent(out) :: cache
    integer, intent(in), optional :: max_programs
    character(len=*), intent(in), optional :: cache_directory
    call cache_init(cache, .false., max_programs, cache_directory)
  end subroutine init_program_cache

  subroutine cleanup_program_cache(cache)
    type(program_cache), intent(inout) :: cache
    call cache_cleanup(cache)
  end subroutine cleanup_program_cache

  function get_cached_program(cache, shader_source, cache_key, compile_func) &
      result(program_id)
    type(program_cache), intent(inout) :: cache
    character(len=*), intent(in) :: shader_source, cache_key
    interface
      function compile_func(source) result(prog_id)
        character(len=*), intent(in) :: source
        integer :: prog_id
      end function compile_func
    end interface
    integer :: program_id
    program_id = cache_get(cache, shader_source, cache_key, compile_func)
  end function get_cached_program

  subroutine release_program(cache, program_id)
    type(program_cache), intent(inout) :: cache
    integer, intent(in) :: program_id
    call cache_release(cache, program_id)
  end subroutine release_program

  subroutine cache_program(cache, program_id, cache_key, compile_time)
    type(program_cache), intent(inout) :: cache
    integer, intent(in) :: program_id
    character(len=*), intent(in) :: cache_key
    integer(i64), intent(in) :: compile_time
    call cache_add(cache, program_id, cache_key, compile_time)
  end subroutine cache_program

  function find_program(cache, cache_key) result(idx)
    type(program_cache), intent(in) :: cache
    character(len=*), intent(in) :: cache_key
    integer :: idx
    idx = cache_find(cache, cache_key)
  end function find_program

  subroutine evict_lru(cache)
    type(program_cache), intent(inout) :: cache
    call cache_evict(cache)
  end subroutine evict_lru

  subroutine print_cache_stats(cache)
    type(program_cache), intent(in) :: cache
    call cache_print(cache)
  end subroutine print_cache_stats

  function get_cache_stats(cache) result(stats)
    type(program_cache), intent(in) :: cache
    type(cache_stats) :: stats
    stats = cache_statistics(cache)
  end function get_cache_stats
end module gpu_program_cache
