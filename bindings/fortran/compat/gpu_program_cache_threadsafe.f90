! gpu_program_cache_v2 under its thread-safe names; every cache here is safe.
! SPDX-License-Identifier: MIT
module gpu_program_cache_threadsafe
  use sporkle_compat_cache, only: program_cache_ts => program_cache, &
    program_cache_entry_ts => program_cache_entry, cache_cleanup, cache_get, cache_init, cache_print, cache_release, cache_stats, &
    cache_statistics, cache_warm
  implicit none
  private
  public :: program_cache_ts, program_cache_entry_ts
  public :: init_program_cache_ts, cleanup_program_cache_ts, get_cached_program_ts
  public :: release_program_ts, print_cache_stats_ts, get_cache_stats_ts
  public :: warm_cache_from_disk_ts

contains

  subroutine init_program_cache_ts(cache, max_programs, cache_directory, auto_save, auto_load, &
      enable_thread_safety)
    type(program_cache_ts), intent(out) :: cache
    integer, intent(in), optional :: max_programs
    character(len=*), intent(in), optional :: cache_directory
    logical, intent(in), optional :: auto_save, auto_load, enable_thread_safety
    call cache_init(cache, .true., max_programs, cache_directory, auto_save, auto_load, &
      enable_thread_safety)
  end subroutine init_program_cache_ts

  subroutine cleanup_program_cache_ts(cache)
    type(program_cache_ts), intent(inout) :: cache
    call cache_cleanup(cache)
  end subroutine cleanup_program_cache_ts

  function get_cached_program_ts(cache, shader_source, cache_key, compile_func) &
      result(program_id)
    type(program_cache_ts), intent(inout) :: cache
    character(len=*), intent(in) :: shader_source, cache_key
    interface
      function compile_func(source) result(prog_id)
        character(len=*), intent(in) :: source
        integer :: prog_id
      end function compile_func
    end interface
    integer :: program_id
    program_id = cache_get(cache, shader_source, cache_key, compile_func)
  end function get_cached_program_ts

  subroutine release_program_ts(cache, program_id)
    type(program_cache_ts), intent(inout) :: cache
    integer, intent(in) :: program_id
    call cache_release(cache, program_id)
  end subroutine release_program_ts

  subroutine warm_cache_from_disk_ts(cache, keys)
    type(program_cache_ts), intent(inout) :: cache
    character(len=*), intent(in) :: keys(:)
    call cache_warm(cache, keys)
  end subroutine warm_cache_from_disk_ts

  subroutine print_cache_stats_ts(cache)
    type(program_cache_ts), intent(in) :: cache
    call cache_print(cache)
  end subroutine print_cache_stats_ts

  function get_cache_stats_ts(cache) result(stats)
    type(program_cache_ts), intent(in) :: cache
    type(cache_stats) :: stats
    stats = cache_statistics(cache)
  end function get_cache_stats_ts
end module gpu_program_cache_threadsafe
