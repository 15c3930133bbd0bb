! GL names for callers that issue gl* calls themselves: contexts of the
! library's share group, programs, buffers, and the hand-over between the
! caller's commands and the library's.
! SPDX-License-Identifier: MIT
module sporkle_compat_gl
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t, c_int8_t, c_loc, c_null_ptr, c_ptr
  use kinds, only: i64
  use sporkle_c
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_lock, only: mutex, lock, unlock
  use sporkle_compat_session, only: session_devices, session_drop, session_retain
  use sporkle_compat_text, only: last_error_text, say
  implicit none
  private
  public :: gl_attach, gl_detach, gl_publish, gl_lend, gl_collect, gl_compile, gl_delete_program
  public :: gl_program_bytes, gl_program_from_bytes, gl_make_buffer, gl_drop_buffer
  public :: gl_write_buffer, gl_read_buffer, gl_bind_buffer, gl_dispatch, gl_buffer_name

  ! A context attached to the calling thread for the length of one operation; an
  ! attachment that gpu_init made stays underneath.
  type :: visit
    type(c_ptr) :: context = c_null_ptr
    integer(c_int32_t) :: device = 0
  end type visit

  type(mutex), save :: attach_lock
  integer, save :: attached = 0 ! gpu_init of all threads; 0 spares fences the hand-over

contains

  ! gpu_init: nothing is wrong when the GPU has no GL context to share; only GL
  ! names are then out of reach.
  subroutine gl_attach()
    type(visit) :: v
    if (.not. enter(v)) return
    call lock(attach_lock)
    attached = attached + 1
    call unlock(attach_lock)
    call session_drop()
  end subroutine gl_attach

  subroutine gl_detach()
    type(visit) :: v
    if (attached == 0) return
    if (.not. find_device(v)) return
    if (sporkle_gl_detach(v%context, v%device) == SPORKLE_OK) then
      call lock(attach_lock)
      attached = attached - 1
      call unlock(attach_lock)
    end if
    call session_drop()
  end subroutine gl_detach

  ! Makes what the caller's context has been told so far come before what the
  ! library is told next, on the GPU.
  subroutine gl_publish(context, device)
    type(c_ptr), intent(in) :: context
    integer(c_int32_t), intent(in) :: device
    integer(c_int32_t) :: ignored
    if (attached > 0) ignored = sporkle_gl_hand_over(context, device, c_null_ptr)
  end subroutine gl_publish

  ! What the CPU has flushed into a buffer of the library is there for the
  ! caller's next commands.
  subroutine gl_lend(buffer)
    type(c_ptr), intent(in) :: buffer
    type(visit) :: v
    integer(c_int32_t) :: ignored
    if (attached == 0) return
    if (.not. find_device(v)) return
    ignored = sporkle_gl_take_over(v%context, v%device, buffer)
    call session_drop()
  end subroutine gl_lend

  ! What the caller's commands wrote to a buffer of the library is there for the
  ! CPU after a fence that is created next.
  subroutine gl_collect(buffer)
    type(c_ptr), intent(in) :: buffer
    type(visit) :: v
    integer(c_int32_t) :: ignored
    if (attached == 0) return
    if (.not. find_device(v)) return
    ignored = sporkle_gl_hand_over(v%context, v%device, buffer)
    call session_drop()
  end subroutine gl_collect

  ! A linked compute program, or 0 with the compiler's words in verbose mode.
  integer function gl_compile(source) result(program)
    character(len=*), intent(in) :: source
    type(visit) :: v
    integer(c_int32_t) :: name
    program = 0
    name = 0
    if (.not. enter(v)) return
    if (sporkle_gl_program_create(v%context, v%device, source, len(source, c_int64_t), name) &
      == SPORKLE_OK) then
      program = name
    else
      call say("Sporkle: " // last_error_text())
    end if
    call leave(v)
  end function gl_compile

  subroutine gl_delete_program(program)
    integer, intent(in) :: program
    type(visit) :: v
    integer(c_int32_t) :: ignored
    if (program <= 0) return
    if (.not. enter(v)) return
    ignored = sporkle_gl_program_delete(v%context, v%device, int(program, c_int32_t))
    call leave(v)
  end subroutine gl_delete_program

  ! The driver's binary of a program; empty when there is none.
  subroutine gl_program_bytes(program, format, bytes)
    integer, intent(in) :: program
    integer, intent(out) :: format
    integer(c_int8_t), allocatable, target, intent(out) :: bytes(:)
    type(visit) :: v
    integer(c_int64_t) :: size
    integer(c_int32_t) :: kind, status
    allocate (bytes(0))
    format = 0
    size = 0
    kind = 0
    if (program <= 0) return
    if (.not. enter(v)) return
    status = sporkle_gl_program_save(v%context, v%device, int(program, c_int32_t), c_null_ptr, &
      0_c_int64_t, size, kind)
    if (status == SPORKLE_OK .and. size > 0) then
      deallocate (bytes)
      allocate (bytes(size))
      status = sporkle_gl_program_save(v%context, v%device, int(program, c_int32_t), &
        c_loc(bytes), size, size, kind)
      if (status == SPORKLE_OK) then
        format = kind
      else
        deallocate (bytes)
        allocate (bytes(0))
      end if
    end if
    call leave(v)
  end subroutine gl_program_bytes

  integer function gl_program_from_bytes(format, bytes) result(program)
    integer, intent(in) :: format
    integer(c_int8_t), intent(in), target :: bytes(:)
    type(visit) :: v
    integer(c_int32_t) :: name
    program = 0
    name = 0
    if (size(bytes) == 0) return
    if (.not. enter(v)) return
    if (sporkle_gl_program_load(v%context, v%device, int(format, c_int32_t), c_loc(bytes(1)), &
      size(bytes, kind=c_int64_t), name) == SPORKLE_OK) program = name
    call leave(v)
  end function gl_program_from_bytes

  ! A buffer object of `bytes` bytes with the content at `data` (or none); 0 on failure.
  integer function gl_make_buffer(bytes, data) result(name)
    integer(i64), intent(in) :: bytes
    type(c_ptr), intent(in) :: data
    type(visit) :: v
    integer(c_int32_t) :: made
    name = 0
    made = 0
    if (.not. enter(v)) return
    if (sporkle_gl_buffer_create(v%context, v%device, bytes, data, made) == SPORKLE_OK) &
      name = made
    call leave(v)
  end function gl_make_buffer

  subroutine gl_drop_buffer(name)
    integer, intent(in) :: name
    type(visit) :: v
    integer(c_int32_t) :: ignored
    if (name <= 0) return
    if (.not. enter(v)) return
    ignored = sporkle_gl_buffer_delete(v%context, v%device, int(name, c_int32_t))
    call leave(v)
  end subroutine gl_drop_buffer

  logical function gl_write_buffer(name, bytes, data) result(ok)
    integer, intent(in) :: name
    integer(i64), intent(in) :: bytes
    type(c_ptr), intent(in) :: data
    type(visit) :: v
    ok = enter(v)
    if (.not. ok) return
    ok = sporkle_gl_buffer_write(v%context, v%device, int(name, c_int32_t), 0_c_int64_t, bytes, &
      data) == SPORKLE_OK
    call leave(v)
  end function gl_write_buffer

  ! Waits for the work that writes the buffer.
  logical function gl_read_buffer(name, bytes, data) result(ok)
    integer, intent(in) :: name
    integer(i64), intent(in) :: bytes
    type(c_ptr), intent(in) :: data
    type(visit) :: v
    ok = enter(v)
    if (.not. ok) return
    ok = sporkle_gl_buffer_read(v%context, v%device, int(name, c_int32_t), 0_c_int64_t, bytes, &
      data) == SPORKLE_OK
    call leave(v)
  end function gl_read_buffer

  ! Binds a storage buffer for the caller's next dispatch.
  logical function gl_bind_buffer(binding, name) result(ok)
    integer, intent(in) :: binding, name
    type(visit) :: v
    ok = enter(v)
    if (.not. ok) return
    ok = sporkle_gl_buffer_bind(v%context, v%device, int(binding, c_int32_t), &
      int(name, c_int32_t)) == SPORKLE_OK
    call leave(v)
  end function gl_bind_buffer

  ! Binds `buffers` to 0, 1, ... (0 leaves a binding alone), dispatches, and
  ! hands the result over to the library's timeline.
  logical function gl_dispatch(program, buffers, groups) result(ok)
    integer, intent(in) :: program, buffers(:), groups(3)
    type(visit) :: v
    integer :: i
    integer(c_int32_t) :: size(3)
    ok = enter(v)
    if (.not. ok) return
    ok = sporkle_gl_take_over(v%context, v%device, c_null_ptr) == SPORKLE_OK
    do i = 1, ubound(buffers, 1)
      if (ok .and. buffers(i) > 0) ok = sporkle_gl_buffer_bind(v%context, v%device, &
        int(i - 1, c_int32_t), int(buffers(i), c_int32_t)) == SPORKLE_OK
    end do
    size = int(groups, c_int32_t)
    if (ok) ok = sporkle_gl_dispatch(v%context, v%device, int(program, c_int32_t), size(1), &
      size(2), size(3)) == SPORKLE_OK
    if (ok) ok = sporkle_gl_hand_over(v%context, v%device, c_null_ptr) == SPORKLE_OK
    call leave(v)
  end function gl_dispatch

  ! The GL name behind a buffer of the library; 0 when it has none.
  integer function gl_buffer_name(buffer) result(name)
    type(c_ptr), intent(in) :: buffer
    integer(c_int32_t) :: found
    found = 0
    name = 0
    if (sporkle_gl_buffer_name(buffer, found) == SPORKLE_OK) name = found
  end function gl_buffer_name

  logical function find_device(v)
    type(visit), intent(out) :: v
    type(device_set) :: set
    find_device = session_retain(v%context)
    if (.not. find_device) return
    set = session_devices()
    v%device = set%gpu%index
    find_device = set%has_gpu .and. set%gpu%is_gl
    if (.not. find_device) call session_drop()
  end function find_device

  logical function enter(v)
    type(visit), intent(out) :: v
    enter = find_device(v)
    if (.not. enter) return
    enter = sporkle_gl_attach(v%context, v%device) == SPORKLE_OK
    if (.not. enter) call session_drop()
  end function enter

  subroutine leave(v)
    type(visit), intent(in) :: v
    integer(c_int32_t) :: ignored
    ignored = sporkle_gl_detach(v%context, v%device)
    call session_drop()
  end subroutine leave
end module sporkle_compat_gl
