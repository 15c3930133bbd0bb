! The programs that a cache holds.
! SPDX-License-Identifier: MIT
module sporkle_compat_cache_entries
  use kinds, only: dp, i64, sp
  use sporkle_compat_clock, only: now_ns
  use sporkle_compat_gl, only: gl_delete_program
  use sporkle_compat_lock, only: lock, mutex, unlock
  use sporkle_compat_text, only: number, print_text
  implicit none
  private
  public :: program_cache, program_cache_entry, cache_stats
  public :: enter, leave, find_entry, take, insert, evict, cache_statistics, cache_print

  type :: program_cache_entry
    integer :: program_id = 0
    character(len=256) :: key = ""
    integer :: ref_count = 0
    integer(i64) :: last_used = 0
    integer(i64) :: compile_time = 0 ! microseconds
    real(sp) :: performance = 0.0_sp
    logical :: is_binary_cached = .false.
    integer(i64) :: memory_size = 0  ! bytes of the driver's binary where known
    integer :: binary_format = 0
    integer :: binary_size = 0
    integer(i64) :: source_hash = -1 ! -1: not known
  end type program_cache_entry

  type :: program_cache
    type(program_cache_entry), allocatable :: entries(:)
    integer :: num_entries = 0
    integer :: max_entries = 100
    character(len=256) :: cache_dir = "shader_cache/"
    logical :: auto_save = .true.
    logical :: auto_load = .true.
    logical :: initialized = .false.
    logical :: thread_safe = .true.
    integer(i64) :: total_compilations = 0
    integer(i64) :: cache_hits = 0, cache_misses = 0
    integer(i64) :: binary_loads = 0, binary_saves = 0
    integer(i64) :: total_compile_time = 0
    integer(i64) :: memory_saved = 0
    logical :: on_disk = .false.
  end type program_cache

  type :: cache_stats
    integer :: num_programs = 0, max_programs = 0, active_refs = 0
    real(dp) :: hit_rate = 0.0_dp ! 0 to 1
    integer(i64) :: total_memory = 0
    real(dp) :: avg_compile_time_ms = 0.0_dp
  end type cache_stats

  ! One lock for all caches; it is never held while a program is compiled.
  type(mutex), save :: cache_lock

contains

  function cache_statistics(cache) result(stats)
    type(program_cache), intent(in) :: cache
    type(cache_stats) :: stats
    call enter(cache)
    stats%num_programs = cache%num_entries
    stats%max_programs = cache%max_entries
    if (allocated(cache%entries)) then
      stats%active_refs = sum(cache%entries(1:cache%num_entries)%ref_count)
      stats%total_memory = sum(cache%entries(1:cache%num_entries)%memory_size)
    end if
    if (cache%cache_hits + cache%cache_misses > 0) &
      stats%hit_rate = real(cache%cache_hits, dp) / real(cache%cache_hits + cache%cache_misses, dp)
    if (cache%total_compilations > 0) stats%avg_compile_time_ms = &
      real(cache%total_compile_time, dp) / real(cache%total_compilations, dp) / 1000.0_dp
    call leave(cache)
  end function cache_statistics

  subroutine cache_print(cache)
    type(program_cache), intent(in) :: cache
    type(cache_stats) :: stats
    stats = cache_statistics(cache)
    call print_text("Program cache: " // number(int(stats%num_programs, i64)) // " of " // &
      number(int(stats%max_programs, i64)) // " programs, " // &
      number(int(stats%active_refs, i64)) // " references")
    call print_text("  hits " // number(cache%cache_hits) // ", misses " // &
      number(cache%cache_misses) // ", compilations " // number(cache%total_compilations) // &
      " of " // number(stats%avg_compile_time_ms) // " ms each")
    call print_text("  binaries loaded " // number(cache%binary_loads) // ", saved " // &
      number(cache%binary_saves))
  end subroutine cache_print

  integer function take(cache, index) result(program_id)
    type(program_cache), intent(inout) :: cache
    integer, intent(in) :: index
    cache%cache_hits = cache%cache_hits + 1
    cache%memory_saved = cache%memory_saved + cache%entries(index)%memory_size
    cache%entries(index)%ref_count = cache%entries(index)%ref_count + 1
    cache%entries(index)%last_used = now_ns()
    program_id = cache%entries(index)%program_id
  end function take

  subroutine insert(cache, program_id, cache_key, compile_time, source)
    type(program_cache), intent(inout) :: cache
    integer, intent(in) :: program_id
    character(len=*), intent(in) :: cache_key
    integer(i64), intent(in) :: compile_time, source
    type(program_cache_entry), allocatable :: larger(:)
    if (cache%num_entries >= cache%max_entries) call evict(cache)
    if (cache%num_entries >= size(cache%entries)) then
      allocate (larger(2 * size(cache%entries)))
      larger(1:cache%num_entries) = cache%entries(1:cache%num_entries)
      call move_alloc(larger, cache%entries)
    end if
    cache%num_entries = cache%num_entries + 1
    associate (entry => cache%entries(cache%num_entries))
      entry%program_id = program_id
      entry%key = cache_key
      entry%ref_count = 1
      entry%last_used = now_ns()
      entry%compile_time = compile_time
      entry%source_hash = source
    end associate
  end subroutine insert

  subroutine evict(cache)
    type(program_cache), intent(inout) :: cache
    integer :: i, oldest
    oldest = 0
    do i = 1, cache%num_entries
      if (cache%entries(i)%ref_count > 0) cycle
      if (oldest == 0) oldest = i
      if (cache%entries(i)%last_used < cache%entries(oldest)%last_used) oldest = i
    end do
    if (oldest == 0) return
    call gl_delete_program(cache%entries(oldest)%program_id)
    do i = oldest, cache%num_entries - 1
      cache%entries(i) = cache%entries(i + 1)
    end do
    cache%entries(cache%num_entries) = program_cache_entry()
    cache%num_entries = cache%num_entries - 1
  end subroutine evict

  ! 1-based; 0: none. An unknown source on either side matches any.
  pure integer function find_entry(cache, cache_key, source) result(index)
    type(program_cache), intent(in) :: cache
    character(len=*), intent(in) :: cache_key
    integer(i64), intent(in) :: source
    do index = 1, cache%num_entries
      if (cache%entries(index)%key /= cache_key) cycle
      if (source == -1 .or. cache%entries(index)%source_hash == -1 .or. &
        cache%entries(index)%source_hash == source) return
    end do
    index = 0
  end function find_entry

  subroutine enter(cache)
    type(program_cache), intent(in) :: cache
    if (cache%thread_safe) call lock(cache_lock)
  end subroutine enter

  subroutine leave(cache)
    type(program_cache), intent(in) :: cache
    if (cache%thread_safe) call unlock(cache_lock)
  end subroutine leave
end module sporkle_compat_cache_entries
