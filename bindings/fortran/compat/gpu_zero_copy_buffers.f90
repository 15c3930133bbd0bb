! Persistently mapped buffers under their planned names.
! SPDX-License-Identifier: MIT
module gpu_zero_copy_buffers
  use, intrinsic :: iso_c_binding, only: c_intptr_t, c_null_ptr, c_ptr
  use kinds, only: i64
  use sporkle_c, only: SPORKLE_BUFFER_CPU_READ, SPORKLE_BUFFER_CPU_WRITE, &
    SPORKLE_BUFFER_DEVICE_READ
  use sporkle_compat_buffer, only: buffer_close, buffer_open, mapped_buffer
  implicit none
  private
  public :: unified_buffer, create_unified_buffer, create_persistent_buffer, try_create_buffer
  public :: create_staging_buffer, destroy_unified_buffer
  public :: GL_MAP_WRITE_BIT, GL_MAP_PERSISTENT_BIT, GL_MAP_COHERENT_BIT

  integer, parameter :: GL_MAP_READ_BIT = 1
  integer, parameter :: GL_MAP_WRITE_BIT = 2
  integer, parameter :: GL_MAP_PERSISTENT_BIT = 64
  integer, parameter :: GL_MAP_COHERENT_BIT = 128

  ! gpu_handle is the library's buffer; 0 when there is none. A buffer that is not
  ! mapped can be used all the same: cpu_ptr is memory that the library copies.
  ! usage_flags are those flags of the caller's that the memory has.
  type :: unified_buffer
    integer(i64) :: size = 0
    integer :: usage_flags = 0
    type(c_ptr) :: cpu_ptr = c_null_ptr
    integer(c_intptr_t) :: gpu_handle = 0
    logical :: is_coherent = .false., is_mapped = .false.
  end type unified_buffer

contains

  ! Mapped where the device can, else memory that the library copies.
  function create_unified_buffer(size, flags) result(buffer)
    integer(i64), intent(in) :: size
    integer, intent(in) :: flags
    type(unified_buffer) :: buffer
    buffer = from_memory(buffer_open(size, 0), flags)
  end function create_unified_buffer

  function create_persistent_buffer(size) result(buffer)
    integer(i64), intent(in) :: size
    type(unified_buffer) :: buffer
    buffer = create_unified_buffer(size, ior(GL_MAP_WRITE_BIT, &
      ior(GL_MAP_PERSISTENT_BIT, GL_MAP_COHERENT_BIT)))
  end function create_persistent_buffer

  ! A mapped buffer or none. One that turns out not to be coherent is right all
  ! the same: is_coherent says that it needs the flush of the library.
  function try_create_buffer(size, map_flags) result(buffer)
    integer(i64), intent(in) :: size
    integer, intent(in) :: map_flags
    type(unified_buffer) :: buffer
    type(mapped_buffer) :: memory
    memory = buffer_open(size, 0)
    if (.not. memory%mapped) call buffer_close(memory)
    buffer = from_memory(memory, map_flags)
  end function try_create_buffer

  ! Memory that the CPU fills and the device reads.
  function create_staging_buffer(size) result(buffer)
    integer(i64), intent(in) :: size
    type(unified_buffer) :: buffer
    buffer = from_memory(buffer_open(size, ior(SPORKLE_BUFFER_CPU_WRITE, &
      SPORKLE_BUFFER_DEVICE_READ)), GL_MAP_WRITE_BIT)
  end function create_staging_buffer

  subroutine destroy_unified_buffer(buffer)
    type(unified_buffer), intent(inout) :: buffer
    type(mapped_buffer) :: memory
    memory%handle = transfer(buffer%gpu_handle, c_null_ptr)
    call buffer_close(memory)
    buffer = unified_buffer()
  end subroutine destroy_unified_buffer

  function from_memory(memory, flags) result(buffer)
    type(mapped_buffer), intent(in) :: memory
    integer, intent(in) :: flags
    type(unified_buffer) :: buffer
    if (memory%size == 0) return
    buffer%usage_flags = iand(flags, granted(memory))
    buffer%size = memory%size
    buffer%cpu_ptr = memory%data
    buffer%gpu_handle = transfer(memory%handle, buffer%gpu_handle)
    buffer%is_coherent = memory%coherent
    buffer%is_mapped = memory%mapped
  end function from_memory

  pure integer function granted(memory)
    type(mapped_buffer), intent(in) :: memory
    granted = 0
    if (iand(memory%usage, SPORKLE_BUFFER_CPU_READ) /= 0) granted = GL_MAP_READ_BIT
    if (iand(memory%usage, SPORKLE_BUFFER_CPU_WRITE) /= 0) granted = ior(granted, GL_MAP_WRITE_BIT)
    if (.not. memory%mapped) return
    granted = ior(granted, GL_MAP_PERSISTENT_BIT)
    if (memory%coherent) granted = ior(granted, GL_MAP_COHERENT_BIT)
  end function granted
end module gpu_zero_copy_buffers
