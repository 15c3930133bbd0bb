! Buffers that the CPU and the GPU share.
! SPDX-License-Identifier: MIT
module gpu_unified_buffers
  use, intrinsic :: iso_c_binding, only: c_null_ptr, c_ptr
  use kinds, only: dp, i32, i64, sp
  use sporkle_compat_buffer, only: buffer_bind, buffer_close, buffer_collect, buffer_invalidate, &
    buffer_lend, buffer_open, buffer_usage, buffer_valid, mapped_buffer
  use sporkle_compat_text, only: number, warn_once
  use sporkle_compat_values, only: get_values, put_values
  use gpu_fence_primitives, only: FENCE_INFINITE_TIMEOUT, gpu_fence, gpu_fence_create, &
    gpu_fence_destroy, gpu_fence_wait
  implicit none
  private
  public :: unified_buffer, create_unified_buffer, destroy_unified_buffer, get_buffer_pointer
  public :: buffer_is_valid, sync_buffer_to_gpu, sync_buffer_from_gpu, write_buffer, read_buffer
  public :: bind_buffer_to_shader
  public :: BUFFER_READ_ONLY, BUFFER_WRITE_ONLY, BUFFER_READ_WRITE
  public :: MEMORY_CPU_PREFERRED, MEMORY_GPU_PREFERRED, MEMORY_COHERENT, MEMORY_STREAMING

  enum, bind(C) ! what the CPU does with the buffer
    enumerator :: BUFFER_READ_ONLY = 1, BUFFER_WRITE_ONLY = 2, BUFFER_READ_WRITE = 3
  end enum
  enum, bind(C) ! the library places the memory itself: all four hints work
    enumerator :: MEMORY_CPU_PREFERRED = 1, MEMORY_GPU_PREFERRED = 2, MEMORY_COHERENT = 3
    enumerator :: MEMORY_STREAMING = 4
  end enum

  type :: unified_buffer
    private
    type(mapped_buffer) :: memory
    integer :: access_mode = BUFFER_READ_WRITE
    integer :: memory_hint = MEMORY_COHERENT
    type(gpu_fence) :: sync_fence
  end type unified_buffer

  interface write_buffer
    module procedure write_sp, write_dp, write_i32
  end interface write_buffer
  interface read_buffer
    module procedure read_sp, read_dp, read_i32
  end interface read_buffer

contains

  ! The memory is the library's to place; an invalid buffer on failure, also for a
  ! mode or hint that is none of the constants.
  function create_unified_buffer(size, access_mode, memory_hint) result(buffer)
    integer(i64), intent(in) :: size
    integer, intent(in) :: access_mode
    integer, intent(in), optional :: memory_hint
    type(unified_buffer) :: buffer
    if (.not. is_one_of("access_mode", access_mode, BUFFER_READ_ONLY, BUFFER_READ_WRITE)) return
    if (present(memory_hint)) then
      if (.not. is_one_of("memory_hint", memory_hint, MEMORY_CPU_PREFERRED, MEMORY_STREAMING)) &
        return
      buffer%memory_hint = memory_hint
    end if
    buffer%access_mode = access_mode
    buffer%memory = buffer_open(size, buffer_usage( &
      reads=access_mode /= BUFFER_WRITE_ONLY, writes=access_mode /= BUFFER_READ_ONLY))
  end function create_unified_buffer

  logical function is_one_of(argument, value, first, last) result(ok)
    character(len=*), intent(in) :: argument
    integer, intent(in) :: value
    integer(kind(BUFFER_READ_ONLY)), intent(in) :: first, last
    ok = value >= first .and. value <= last
    if (.not. ok) call warn_once("create_unified_buffer: " // argument // ": " // &
      number(int(value, i64)) // " is not in " // number(int(first, i64)) // " to " // &
      number(int(last, i64)))
  end function is_one_of

  ! Work in flight ends before the memory goes.
  subroutine destroy_unified_buffer(buffer)
    type(unified_buffer), intent(inout) :: buffer
    call gpu_fence_destroy(buffer%sync_fence)
    call buffer_close(buffer%memory)
    buffer = unified_buffer()
  end subroutine destroy_unified_buffer

  function get_buffer_pointer(buffer) result(ptr)
    type(unified_buffer), intent(in) :: buffer
    type(c_ptr) :: ptr
    ptr = c_null_ptr
    if (buffer_valid(buffer%memory)) ptr = buffer%memory%data
  end function get_buffer_pointer

  function buffer_is_valid(buffer) result(valid)
    type(unified_buffer), intent(in) :: buffer
    logical :: valid
    valid = buffer_valid(buffer%memory)
  end function buffer_is_valid

  subroutine sync_buffer_to_gpu(buffer, offset, length)
    type(unified_buffer), intent(inout) :: buffer
    integer(i64), intent(in), optional :: offset, length
    if (.not. buffer_lend(buffer%memory, offset, length)) return
    call gpu_fence_destroy(buffer%sync_fence)
    buffer%sync_fence = gpu_fence_create()
  end subroutine sync_buffer_to_gpu

  ! Waits for all work submitted so far.
  subroutine sync_buffer_from_gpu(buffer)
    type(unified_buffer), intent(inout) :: buffer
    integer :: status
    logical :: ok
    if (.not. buffer_collect(buffer%memory)) return
    call gpu_fence_destroy(buffer%sync_fence)
    buffer%sync_fence = gpu_fence_create()
    status = gpu_fence_wait(buffer%sync_fence, FENCE_INFINITE_TIMEOUT)
    if (buffer%access_mode /= BUFFER_WRITE_ONLY) ok = buffer_invalidate(buffer%memory)
  end subroutine sync_buffer_from_gpu

  subroutine bind_buffer_to_shader(buffer, binding_point)
    type(unified_buffer), intent(in) :: buffer
    integer, intent(in) :: binding_point
    call buffer_bind(buffer%memory, binding_point)
  end subroutine bind_buffer_to_shader

  subroutine write_sp(buffer, data, offset)
    type(unified_buffer), intent(inout) :: buffer
    real(sp), intent(in) :: data(:)
    integer(i64), intent(in), optional :: offset
    call put_values(buffer%memory, data, offset)
  end subroutine write_sp

  subroutine write_dp(buffer, data, offset)
    type(unified_buffer), intent(inout) :: buffer
    real(dp), intent(in) :: data(:)
    integer(i64), intent(in), optional :: offset
    call put_values(buffer%memory, data, offset)
  end subroutine write_dp

  subroutine write_i32(buffer, data, offset)
    type(unified_buffer), intent(inout) :: buffer
    integer(i32), intent(in) :: data(:)
    integer(i64), intent(in), optional :: offset
    call put_values(buffer%memory, data, offset)
  end subroutine write_i32

  subroutine read_sp(buffer, data, offset)
    type(unified_buffer), intent(in) :: buffer
    real(sp), intent(inout) :: data(:)
    integer(i64), intent(in), optional :: offset
    call get_values(buffer%memory, data, offset)
  end subroutine read_sp

  subroutine read_dp(buffer, data, offset)
    type(unified_buffer), intent(in) :: buffer
    real(dp), intent(inout) :: data(:)
    integer(i64), intent(in), optional :: offset
    call get_values(buffer%memory, data, offset)
  end subroutine read_dp

  subroutine read_i32(buffer, data, offset)
    type(unified_buffer), intent(in) :: buffer
    integer(i32), intent(inout) :: data(:)
    integer(i64), intent(in), optional :: offset
    call get_values(buffer%memory, data, offset)
  end subroutine read_i32
end module gpu_unified_buffers
