! Mapped buffers of the historic modules.
! SPDX-License-Identifier: MIT
module sporkle_compat_buffer
  use, intrinsic :: iso_c_binding, only: c_associated, c_int32_t, c_null_ptr, c_ptr
  use kinds, only: i64
  use sporkle_c
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_gl, only: gl_bind_buffer, gl_buffer_name, gl_collect, gl_lend
  use sporkle_compat_memory, only: copy_bytes, offset_of => offset
  use sporkle_compat_session, only: session_devices, session_drop, session_retain
  use sporkle_compat_text, only: last_error_text, warn_once
  implicit none
  private
  public :: mapped_buffer, buffer_open, buffer_close, buffer_flush, buffer_invalidate
  public :: buffer_put, buffer_get, buffer_valid, buffer_gl_name
  public :: buffer_usage, buffer_lend, buffer_collect, buffer_bind

  ! Copies stand for the same buffer.
  type :: mapped_buffer
    type(c_ptr) :: handle = c_null_ptr
    type(c_ptr) :: data = c_null_ptr
    integer(i64) :: size = 0
    integer(c_int32_t) :: usage = 0
    logical :: coherent = .false.
    logical :: mapped = .false. ! `data` is memory of the device's or that it uses
  end type mapped_buffer

contains

  ! On the GPU when there is one, else on the CPU.
  function buffer_open(size, usage) result(buffer)
    integer(i64), intent(in) :: size
    integer(c_int32_t), intent(in) :: usage
    type(mapped_buffer) :: buffer
    type(sporkle_buffer_desc) :: desc
    type(sporkle_buffer_info) :: info
    type(device_set) :: set
    type(c_ptr) :: context, handle
    integer(c_int32_t) :: status, ignored
    if (.not. session_retain(context)) return
    set = session_devices()
    desc%size = max(size, 0_i64)
    desc%usage = usage
    ! The historic modules hand out its OpenGL name.
    if (set%has_gpu) desc%usage = ior(usage, SPORKLE_BUFFER_OPENGL)
    desc%device = merge(set%gpu%index, 0_c_int32_t, set%has_gpu)
    status = sporkle_buffer_create(context, desc, handle)
    if (status == SPORKLE_OK) then
      status = sporkle_buffer_describe(handle, info)
      if (status /= SPORKLE_OK) ignored = sporkle_buffer_destroy(handle)
    end if
    if (status /= SPORKLE_OK) then
      call warn_once(last_error_text())
      call session_drop()
      return
    end if
    buffer = mapped_buffer(handle, info%data, info%size, info%usage, info%coherent == 1, &
      info%placement /= SPORKLE_PLACEMENT_STAGING)
  end function buffer_open

  subroutine buffer_close(buffer)
    type(mapped_buffer), intent(inout) :: buffer
    if (c_associated(buffer%handle)) then
      if (sporkle_buffer_destroy(buffer%handle) == SPORKLE_OK) call session_drop()
    end if
    buffer = mapped_buffer()
  end subroutine buffer_close

  ! Through the library, so that a copy of a destroyed buffer is not valid.
  logical function buffer_valid(buffer) result(valid)
    type(mapped_buffer), intent(in) :: buffer
    type(c_ptr) :: data
    valid = .false.
    if (c_associated(buffer%handle)) &
      valid = sporkle_buffer_data(buffer%handle, data) == SPORKLE_OK
  end function buffer_valid

  logical function buffer_flush(buffer, offset, length) result(ok)
    type(mapped_buffer), intent(in) :: buffer
    integer(i64), intent(in) :: offset, length
    ok = sporkle_buffer_flush(buffer%handle, offset, length) == SPORKLE_OK
    if (.not. ok) call warn_once(last_error_text())
  end function buffer_flush

  logical function buffer_invalidate(buffer) result(ok)
    type(mapped_buffer), intent(in) :: buffer
    ok = sporkle_buffer_invalidate(buffer%handle, 0_i64, buffer%size) == SPORKLE_OK
    if (.not. ok) call warn_once(last_error_text())
  end function buffer_invalidate

  ! What the CPU reads and writes, the device the other way round; 0: both do both.
  pure integer(c_int32_t) function buffer_usage(reads, writes) result(usage)
    logical, intent(in) :: reads, writes
    usage = 0
    if (reads .and. .not. writes) usage = ior(SPORKLE_BUFFER_CPU_READ, SPORKLE_BUFFER_DEVICE_WRITE)
    if (writes .and. .not. reads) usage = ior(SPORKLE_BUFFER_CPU_WRITE, SPORKLE_BUFFER_DEVICE_READ)
  end function buffer_usage

  ! What the CPU wrote, there or everywhere, is there for the device and for the
  ! caller's own commands.
  logical function buffer_lend(buffer, offset, length) result(ok)
    type(mapped_buffer), intent(in) :: buffer
    integer(i64), intent(in), optional :: offset, length
    ok = buffer_valid(buffer)
    if (.not. ok) return
    if (present(offset) .and. present(length)) then
      ok = buffer_flush(buffer, offset, length)
    else
      ok = buffer_flush(buffer, 0_i64, buffer%size)
    end if
    if (ok) call gl_lend(buffer%handle)
  end function buffer_lend

  ! What the caller's own commands wrote is there after a fence created next.
  logical function buffer_collect(buffer) result(ok)
    type(mapped_buffer), intent(in) :: buffer
    ok = buffer_valid(buffer)
    if (ok) call gl_collect(buffer%handle)
  end function buffer_collect

  ! For the caller's next dispatch; nothing without a GL name.
  subroutine buffer_bind(buffer, binding)
    type(mapped_buffer), intent(in) :: buffer
    integer, intent(in) :: binding
    logical :: ignored
    if (.not. buffer_valid(buffer)) return
    call gl_lend(buffer%handle)
    ignored = gl_bind_buffer(binding, buffer_gl_name(buffer))
  end subroutine buffer_bind

  ! Copies `length` bytes in; nothing when the range or the usage forbids it.
  subroutine buffer_put(buffer, from, length, offset)
    type(mapped_buffer), intent(in) :: buffer
    type(c_ptr), intent(in) :: from
    integer(i64), intent(in) :: length, offset
    if (.not. allowed(buffer, SPORKLE_BUFFER_CPU_WRITE, length, offset)) return
    call copy_bytes(offset_of(buffer%data, offset), from, length)
  end subroutine buffer_put

  subroutine buffer_get(buffer, to, length, offset)
    type(mapped_buffer), intent(in) :: buffer
    type(c_ptr), intent(in) :: to
    integer(i64), intent(in) :: length, offset
    if (.not. allowed(buffer, SPORKLE_BUFFER_CPU_READ, length, offset)) return
    call copy_bytes(to, offset_of(buffer%data, offset), length)
  end subroutine buffer_get

  integer function buffer_gl_name(buffer) result(name)
    type(mapped_buffer), intent(in) :: buffer
    name = 0
    if (c_associated(buffer%handle)) name = gl_buffer_name(buffer%handle)
  end function buffer_gl_name

  logical function allowed(buffer, usage, length, offset)
    type(mapped_buffer), intent(in) :: buffer
    integer(c_int32_t), intent(in) :: usage
    integer(i64), intent(in) :: length, offset
    allowed = buffer_valid(buffer)
    if (.not. allowed .or. length == 0) then
      allowed = .false.
      return
    end if
    allowed = offset >= 0 .and. length <= buffer%size - offset
    if (.not. allowed) call warn_once("unified buffer: offset and length outside the buffer")
    if (allowed .and. iand(buffer%usage, usage) == 0) then
      allowed = .false.
      call warn_once("unified buffer: its access mode does not allow this")
    end if
  end function allowed
end module sporkle_compat_buffer
