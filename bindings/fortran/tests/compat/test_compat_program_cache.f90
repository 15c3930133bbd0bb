! gpu_program_cache, _v2, _threadsafe and gpu_binary_cache: every public name.
! The compile function hands out numbers, so that no GL is needed.
! SPDX-License-Identifier: MIT
module numbered_programs
  use kinds, only: i64
  implicit none
  integer, save :: compiled = 0
contains
  function compile(source) result(prog_id)
    character(len=*), intent(in) :: source
    integer :: prog_id
    integer(i64) :: start, now, rate
    prog_id = 0
    if (source == "broken") return
    call system_clock(start, rate)
    now = start
    do while (source == "slow" .and. (now - start) * 1000 < 3 * rate) ! three milliseconds
      call system_clock(now)
    end do
    compiled = compiled + 1
    prog_id = 1000000 + compiled
  end function compile
end module numbered_programs

program test_compat_program_cache
  use kinds
  use compat_check
  use gpu_binary_cache
  use gpu_program_cache
  use gpu_program_cache_threadsafe
  use gpu_program_cache_v2, only: cache_v2 => program_cache, entry_v2 => program_cache_entry, &
    init_program_cache_v2, cleanup_program_cache_v2, get_cached_program_v2, &
    warm_cache_from_disk, release_v2 => release_program, cache_v2_program => cache_program, &
    find_v2 => find_program, evict_v2 => evict_lru, print_v2 => print_cache_stats, &
    stats_v2 => get_cache_stats
  use numbered_programs
  implicit none
  external :: skip_without_device

  call skip_without_device()
  call memory_cache()
  call counters()
  call disk_cache()
  call threadsafe_cache()
  call binaries()
  call finish("the program caches")

contains

  subroutine memory_cache()
    type(program_cache) :: cache
    type(program_cache_entry) :: entry
    integer :: a, b, c
    call check(entry%program_id == 0 .and. entry%key == "" .and. entry%ref_count == 0 .and. &
      entry%last_used == 0 .and. entry%compile_time == 0 .and. .not. entry%is_binary_cached .and. &
      entry%memory_size == 0 .and. abs(entry%performance) < 1.0e-9_sp, "entry defaults")
    call check(cache%max_entries == 100 .and. cache%cache_dir == "shader_cache/" .and. &
      cache%auto_save .and. .not. cache%initialized .and. cache%num_entries == 0, "defaults")
    call check(get_cached_program(cache, "s", "k", compile) == 0, "0 before init")
    call init_program_cache(cache, 2, "somewhere/")
    call check(cache%initialized .and. cache%max_entries == 2 .and. &
      cache%cache_dir == "somewhere/", "init_program_cache")
    a = get_cached_program(cache, "source a", "a", compile)
    call check(a > 0 .and. cache%cache_misses == 1 .and. cache%entries(1)%ref_count == 1, "a miss")
    call check(get_cached_program(cache, "source a", "a", compile) == a, "a hit")
    call check(cache%cache_hits == 1 .and. cache%entries(1)%ref_count == 2 .and. &
      cache%num_entries == 1, "its counters")
    b = get_cached_program(cache, "another source", "a", compile)
    call check(b /= a .and. b > 0, "the same key with another source is another program")
    call check(get_cached_program(cache, "broken", "x", compile) == 0, "a failed compile gives 0")
    c = get_cached_program(cache, "source c", "c", compile)
    call check(cache%num_entries == 3, "a full cache in use grows")
    call check(get_cached_program(cache, "source c", "c", compile) == c, "and still caches")
    call release_program(cache, b)
    call check(cache%num_entries == 2 .and. find_program(cache, "c") == 2, "and shrinks again")
    call release_program(cache, a)
    call release_program(cache, a)
    call release_program(cache, a)
    call check(cache%entries(1)%ref_count == 0, "references stop at 0")
    call evict_lru(cache)
    call check(find_program(cache, "a") == 0 .and. find_program(cache, "c") == 1, "evict_lru")
    call cache_program(cache, 77, "mine", 1500_i64)
    call check(find_program(cache, "mine") == 2 .and. cache%entries(2)%compile_time == 1500, &
      "cache_program")
    associate (stats => get_cache_stats(cache))
      call check(stats%num_programs == 2 .and. stats%max_programs == 2 .and. &
        stats%active_refs == 3, "get_cache_stats")
      call check(stats%hit_rate > 0.0_dp .and. stats%hit_rate < 1.0_dp, "the hit rate")
    end associate
    call print_cache_stats(cache)
    call cleanup_program_cache(cache)
    call check(.not. cache%initialized .and. .not. allocated(cache%entries), "cleanup")
  end subroutine memory_cache

  ! Compilations and their time, bytes that a hit saved, and which source is which.
  subroutine counters()
    type(program_cache) :: cache
    integer :: a
    call check(cache%total_compilations == 0 .and. cache%total_compile_time == 0 .and. &
      cache%memory_saved == 0 .and. .not. cache%on_disk, "counters: defaults")
    call init_program_cache(cache, 4)
    call check(.not. cache%on_disk, "counters: in memory only")
    a = get_cached_program(cache, "slow", "slow", compile)
    call check(cache%total_compilations == 1 .and. cache%total_compile_time >= 3000 .and. &
      cache%entries(1)%compile_time == cache%total_compile_time, "counters: microseconds")
    a = get_cached_program(cache, "broken", "broken", compile)
    call check(cache%total_compilations == 1 .and. cache%cache_misses == 2, "counters: a failure")
    a = get_cached_program(cache, "quick", "slow", compile)
    call cache_program(cache, 78, "mine", 0_i64)
    associate (e => cache%entries)
      call check(e(1)%source_hash /= e(2)%source_hash .and. e(3)%source_hash == -1, "source_hash")
      e(1)%memory_size = 64
      e(2)%memory_size = 100
    end associate
    a = get_cached_program(cache, "slow", "slow", compile)
    a = get_cached_program(cache, "slow", "slow", compile)
    call check(cache%memory_saved == 128, "memory_saved: the bytes of every hit")
    associate (stats => get_cache_stats(cache))
      call check(stats%total_memory == 164, "total_memory")
      call check(abs(stats%avg_compile_time_ms - real(cache%total_compile_time, dp) / 2000.0_dp) < &
        1.0e-9_dp .and. abs(stats%hit_rate - 0.4_dp) < 1.0e-9_dp, "means")
    end associate
    call cleanup_program_cache(cache)
  end subroutine counters

  subroutine disk_cache()
    type(cache_v2) :: cache
    type(entry_v2) :: entry
    integer :: a
    call check(entry%binary_format == 0 .and. entry%binary_size == 0 .and. cache%auto_load, "v2")
    call init_program_cache_v2(cache, 3, "compat_shader_cache/", auto_save=.true., auto_load=.true.)
    call warm_cache_from_disk(cache, [character(len=8) :: "none", "nothing"])
    call check(cache%binary_loads == 0 .and. cache%num_entries == 0, "v2: nothing to warm from")
    a = get_cached_program_v2(cache, "source", "key", compile)
    call check(get_cached_program_v2(cache, "source", "key", compile) == a .and. a > 0, "v2: hit")
    call check(cache%binary_saves == 0, "v2: no binary of a program that GL does not know")
    call check(cache%on_disk .and. cache%total_compilations == 1 .and. cache%total_compile_time >= 0 &
      .and. cache%memory_saved == 0 .and. cache%entries(1)%source_hash /= -1, "v2: counters")
    call cache_v2_program(cache, 5, "five", 0_i64)
    call check(find_v2(cache, "five") == 2, "v2: find_program")
    call release_v2(cache, 5)
    call evict_v2(cache)
    call check(find_v2(cache, "five") == 0, "v2: evict_lru")
    associate (stats => stats_v2(cache))
      call check(stats%active_refs == 2, "v2: get_cache_stats")
    end associate
    call print_v2(cache)
    call cleanup_program_cache_v2(cache)
  end subroutine disk_cache

  subroutine threadsafe_cache()
    type(program_cache_ts) :: cache
    type(program_cache_entry_ts) :: entry
    integer :: a
    call check(cache%thread_safe .and. entry%ref_count == 0, "ts: defaults")
    call init_program_cache_ts(cache, max_programs=4, cache_directory="compat_shader_cache/", &
      auto_save=.false., auto_load=.false., enable_thread_safety=.true.)
    a = get_cached_program_ts(cache, "source", "key", compile)
    call check(a > 0 .and. cache%entries(1)%ref_count == 1, "ts: a miss")
    call check(cache%on_disk .and. cache%total_compilations == 1 .and. cache%total_compile_time >= 0 &
      .and. cache%memory_saved == 0 .and. cache%entries(1)%source_hash /= entry%source_hash, &
      "ts: counters")
    call release_program_ts(cache, a)
    call warm_cache_from_disk_ts(cache, [character(len=4) :: "none"])
    associate (stats => get_cache_stats_ts(cache))
      call check(stats%active_refs == 0 .and. stats%num_programs == 1, "ts: get_cache_stats_ts")
    end associate
    call print_cache_stats_ts(cache)
    call cleanup_program_cache_ts(cache)
  end subroutine threadsafe_cache

  subroutine binaries()
    logical :: exists
    call binary_cache_init()
    call check(len_trim(get_gpu_identifier()) > 0, "get_gpu_identifier")
    call create_cache_directory("compat_cache_dir/inner/")
    inquire (file="compat_cache_dir/inner/.", exist=exists)
    call check(exists, "create_cache_directory")
    call save_program_binary(0, "key", "compat_cache_dir")
    call check(load_program_binary("key", "compat_cache_dir") == 0, "no binary, no program")
    call binary_cache_cleanup()
  end subroutine binaries
end program test_compat_program_cache
