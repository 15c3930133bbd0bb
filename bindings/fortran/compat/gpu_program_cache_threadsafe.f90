! gpu_program_cache_v2 under its thread-safe names; every cache here is safe.
! SPDX-License-Identifier: MIT
module gpu_program_cache_threadsafe
  use gpu_program_cache_v2, only: program_cache_ts => program_cache, &
    program_cache_entry_ts => program_cache_entry, &
    cleanup_program_cache_ts => cleanup_program_cache_v2, &
    get_cached_program_ts => get_cached_program_v2, release_program_ts => release_program, &
    print_cache_stats_ts => print_cache_stats, get_cache_stats_ts => get_cache_stats, &
    warm_cache_from_disk_ts => warm_cache_from_disk
  use sporkle_compat_cache, only: cache_init
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
end module gpu_program_cache_threadsafe
