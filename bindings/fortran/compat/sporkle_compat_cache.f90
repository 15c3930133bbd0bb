! The program cache behind gpu_program_cache, _v2 and _threadsafe.
!
! An entry is found by key and by the content of its source: the same key with
! another source is another program. A full cache whose entries are all in use
! grows for as long as they are.
! SPDX-License-Identifier: MIT
module sporkle_compat_cache
  use, intrinsic :: iso_c_binding, only: c_int8_t
  use kinds, only: i64
  use sporkle_compat_cache_entries
  use sporkle_compat_clock, only: now_ns
  use sporkle_compat_disk, only: content_hash, disk_load, disk_save
  use sporkle_compat_gl, only: gl_delete_program
  use sporkle_compat_text, only: number, verbose, warn_once
  implicit none
  private
  public :: program_cache, program_cache_entry, cache_stats
  public :: cache_init, cache_cleanup, cache_get, cache_release, cache_add, cache_find
  public :: cache_evict, cache_print, cache_statistics, cache_warm

  abstract interface
    function compile_interface(source) result(prog_id)
      character(len=*), intent(in) :: source
      integer :: prog_id
    end function compile_interface
  end interface

contains

  subroutine cache_init(cache, on_disk, max_programs, cache_directory, auto_save, auto_load, &
      thread_safe)
    type(program_cache), intent(out) :: cache
    logical, intent(in) :: on_disk
    integer, intent(in), optional :: max_programs
    character(len=*), intent(in), optional :: cache_directory
    logical, intent(in), optional :: auto_save, auto_load, thread_safe
    if (present(max_programs)) cache%max_entries = max(1, max_programs)
    if (present(cache_directory)) cache%cache_dir = cache_directory
    if (present(auto_save)) cache%auto_save = auto_save
    if (present(auto_load)) cache%auto_load = auto_load
    if (present(thread_safe)) cache%thread_safe = thread_safe
    cache%on_disk = on_disk
    allocate (cache%entries(cache%max_entries))
    cache%initialized = .true.
  end subroutine cache_init

  subroutine cache_cleanup(cache)
    type(program_cache), intent(inout) :: cache
    integer :: i
    if (.not. cache%initialized) return
    do i = 1, cache%num_entries
      if (.not. cache%entries(i)%is_binary_cached) call save_binary(cache, i)
      call gl_delete_program(cache%entries(i)%program_id)
    end do
    if (verbose()) call cache_print(cache)
    deallocate (cache%entries)
    cache%num_entries = 0
    cache%initialized = .false.
  end subroutine cache_cleanup

  function cache_get(cache, shader_source, cache_key, compile_func) result(program_id)
    type(program_cache), intent(inout) :: cache
    character(len=*), intent(in) :: shader_source, cache_key
    procedure(compile_interface) :: compile_func
    integer :: program_id, index
    integer(i64) :: source, started, micros
    logical :: loaded
    program_id = 0
    if (.not. cache%initialized) return
    source = hash_of(shader_source)
    call enter(cache)
    index = find_entry(cache, cache_key, source)
    if (index > 0) program_id = take(cache, index)
    call leave(cache)
    if (program_id > 0) return
    started = now_ns()
    loaded = .false.
    if (cache%on_disk .and. cache%auto_load) then
      program_id = disk_load(disk_key(cache_key, source), cache%cache_dir)
      loaded = program_id > 0
    end if
    if (.not. loaded) program_id = compile_func(shader_source)
    micros = (now_ns() - started) / 1000
    if (loaded) micros = 0
    call settle(cache, cache_key, source, micros, loaded, program_id)
  end function cache_get

  ! Counts and keeps a program that was just made, or gives it up for the one
  ! that another thread made meanwhile.
  subroutine settle(cache, cache_key, source, micros, loaded, program_id)
    type(program_cache), intent(inout) :: cache
    character(len=*), intent(in) :: cache_key
    integer(i64), intent(in) :: source, micros
    logical, intent(in) :: loaded
    integer, intent(inout) :: program_id
    integer :: index, surplus
    surplus = 0
    call enter(cache)
    if (loaded) then
      cache%binary_loads = cache%binary_loads + 1
    else
      cache%cache_misses = cache%cache_misses + 1
    end if
    if (program_id > 0) then
      if (.not. loaded) cache%total_compilations = cache%total_compilations + 1
      cache%total_compile_time = cache%total_compile_time + micros
      index = find_entry(cache, cache_key, source)
      if (index > 0) then
        if (cache%entries(index)%program_id /= program_id) surplus = program_id
        program_id = take(cache, index)
      else
        call insert(cache, program_id, cache_key, micros, source)
        cache%entries(cache%num_entries)%is_binary_cached = loaded
        if (.not. loaded) call save_binary(cache, cache%num_entries)
      end if
    end if
    call leave(cache)
    call gl_delete_program(surplus)
  end subroutine settle

  subroutine cache_release(cache, program_id)
    type(program_cache), intent(inout) :: cache
    integer, intent(in) :: program_id
    integer :: i
    call enter(cache)
    do i = 1, cache%num_entries
      if (cache%entries(i)%program_id /= program_id) cycle
      if (cache%entries(i)%ref_count == 0) then
        call warn_once("program cache: a program was released too often")
      else
        cache%entries(i)%ref_count = cache%entries(i)%ref_count - 1
      end if
      exit
    end do
    if (cache%num_entries > cache%max_entries) call evict(cache)
    call leave(cache)
  end subroutine cache_release

  ! Adds a program that the caller compiled, with one reference.
  subroutine cache_add(cache, program_id, cache_key, compile_time)
    type(program_cache), intent(inout) :: cache
    integer, intent(in) :: program_id
    character(len=*), intent(in) :: cache_key
    integer(i64), intent(in) :: compile_time
    if (.not. cache%initialized) return
    call enter(cache)
    call insert(cache, program_id, cache_key, compile_time, -1_i64)
    call leave(cache)
  end subroutine cache_add

  function cache_find(cache, cache_key) result(index)
    type(program_cache), intent(in) :: cache
    character(len=*), intent(in) :: cache_key
    integer :: index
    index = find_entry(cache, cache_key, -1_i64)
  end function cache_find

  ! Drops the least recently used program that nobody refers to.
  subroutine cache_evict(cache)
    type(program_cache), intent(inout) :: cache
    call enter(cache)
    call evict(cache)
    call leave(cache)
  end subroutine cache_evict

  ! Loads the binaries of keys that save_program_binary wrote.
  subroutine cache_warm(cache, keys)
    type(program_cache), intent(inout) :: cache
    character(len=*), intent(in) :: keys(:)
    integer :: i, program
    if (.not. cache%initialized) return
    do i = 1, size(keys)
      program = disk_load(keys(i), cache%cache_dir)
      if (program == 0) cycle
      call enter(cache)
      call insert(cache, program, keys(i), 0_i64, -1_i64)
      cache%entries(cache%num_entries)%ref_count = 0
      cache%entries(cache%num_entries)%is_binary_cached = .true.
      cache%binary_loads = cache%binary_loads + 1
      call leave(cache)
    end do
  end subroutine cache_warm

  subroutine save_binary(cache, index)
    type(program_cache), intent(inout) :: cache
    integer, intent(in) :: index
    integer :: bytes
    if (.not. (cache%on_disk .and. cache%auto_save)) return
    bytes = disk_save(cache%entries(index)%program_id, disk_key(cache%entries(index)%key, &
      cache%entries(index)%source_hash), cache%cache_dir)
    if (bytes == 0) return
    cache%entries(index)%is_binary_cached = .true.
    cache%entries(index)%binary_size = bytes
    cache%entries(index)%memory_size = bytes
    cache%binary_saves = cache%binary_saves + 1
  end subroutine save_binary

  function disk_key(cache_key, source) result(key)
    character(len=*), intent(in) :: cache_key
    integer(i64), intent(in) :: source
    character(len=:), allocatable :: key
    key = trim(cache_key)
    if (source /= -1) key = key // "-" // number(source)
  end function disk_key

  pure integer(i64) function hash_of(text)
    character(len=*), intent(in) :: text
    integer(c_int8_t), allocatable :: bytes(:)
    integer :: i
    allocate (bytes(len(text)))
    do i = 1, len(text)
      bytes(i) = int(iachar(text(i:i)) - 128, c_int8_t)
    end do
    hash_of = content_hash(bytes)
  end function hash_of
end module sporkle_compat_cache
