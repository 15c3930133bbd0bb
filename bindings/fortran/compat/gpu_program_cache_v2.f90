! gpu_program_cache with entries on disk.
! SPDX-License-Identifier: MIT
module gpu_program_cache_v2
  use gpu_program_cache, only: program_cache, program_cache_entry, &
    cleanup_program_cache_v2 => cleanup_program_cache, &
    get_cached_program_v2 => get_cached_program, release_program, print_cache_stats, &
    get_cache_stats, cache_program, find_program, evict_lru
  use sporkle_compat_cache, only: cache_init, cache_warm
  implicit none
  private
  public :: program_cache, program_cache_entry
  public :: init_program_cache_v2, cleanup_program_cache_v2, get_cached_program_v2
  public :: release_program, print_cache_stats, get_cache_stats
  public :: cache_program, find_program, evict_lru
  public :: warm_cache_from_disk

contains

  subroutine init_program_cache_v2(cache, max_programs, cache_directory, auto_save, auto_load)
    type(program_cache), intent(out) :: cache
    integer, intent(in), optional :: max_programs
    character(len=*), intent(in), optional :: cache_directory
    logical, intent(in), optional :: auto_save, auto_load
    call cache_init(cache, .true., max_programs, cache_directory, auto_save, auto_load)
  end subroutine init_program_cache_v2

  subroutine warm_cache_from_disk(cache, keys)
    type(program_cache), intent(inout) :: cache
    character(len=*), intent(in) :: keys(:)
    call cache_warm(cache, keys)
  end subroutine warm_cache_from_disk
end module gpu_program_cache_v2
