! Fences: the completion of submitted work.
! SPDX-License-Identifier: MIT
module sporkle_fences
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int64
  use sporkle_c, only: sporkle_fence_destroy, sporkle_fence_export_fd, sporkle_fence_insert, &
    sporkle_fence_poll, sporkle_fence_wait, sporkle_fence_wait_all, sporkle_fence_wait_any, SPORKLE_DEVICE_AUTO, &
    SPORKLE_OK, SPORKLE_TIMEOUT_INFINITE
  use sporkle_contexts, only: sporkle_context_t
  use sporkle_objects, only: conclude, sporkle_error_text, sporkle_object_t, to_c
  implicit none
  private
  public :: sporkle_fence_t, sporkle_wait_any, sporkle_wait_all

  ! Timeouts are nanoseconds: 0 polls, absent or SPORKLE_TIMEOUT_INFINITE waits
  ! without limit.
  type, extends(sporkle_object_t) :: sporkle_fence_t
  contains
    procedure :: insert => fence_insert
    procedure :: poll => fence_poll
    procedure :: wait => fence_wait
    procedure :: export_fd => fence_export_fd
    procedure :: destroy => fence_destroy
    procedure :: adopt => fence_adopt
    procedure, private :: alias => fence_alias
    generic :: assignment(=) => alias
    final :: fence_finalize
  end type sporkle_fence_t

contains

  ! A fence behind everything submitted to a device so far.
  subroutine fence_insert(self, context, device, label, stat, errmsg)
    class(sporkle_fence_t), intent(inout) :: self
    type(sporkle_context_t), intent(in) :: context
    integer, intent(in), optional :: device
    character(len=*), intent(in), optional :: label
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(kind=c_char), allocatable :: label_(:)
    integer(c_int32_t) :: code, device_

    call release(self)
    device_ = SPORKLE_DEVICE_AUTO
    if (present(device)) device_ = int(device, c_int32_t)
    call to_c(label, label_)
    ! An unallocated label_ counts as an absent argument.
    code = sporkle_fence_insert(context%handle_, device_, label_, self%handle_)
    self%owner_ = code == SPORKLE_OK
    call conclude(self, code, stat, errmsg)
  end subroutine fence_insert

  ! SPORKLE_OK, SPORKLE_NOT_READY or the error that the work failed with.
  function fence_poll(self) result(status)
    class(sporkle_fence_t), intent(in) :: self
    integer :: status

    status = int(sporkle_fence_poll(self%handle_))
  end function fence_poll

  subroutine fence_wait(self, timeout_ns, stat, errmsg)
    class(sporkle_fence_t), intent(inout) :: self
    integer(int64), intent(in), optional :: timeout_ns
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call conclude(self, sporkle_fence_wait(self%handle_, limit(timeout_ns)), stat, errmsg)
  end subroutine fence_wait

  ! A file descriptor, the caller's to close, that poll(2) finds readable once the
  ! fence has ended; -1 after an error.
  subroutine fence_export_fd(self, fd, stat, errmsg)
    class(sporkle_fence_t), intent(inout) :: self
    integer, intent(out) :: fd
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int32_t) :: code, fd_

    fd_ = -1
    code = sporkle_fence_export_fd(self%handle_, fd_)
    fd = int(fd_)
    call conclude(self, code, stat, errmsg)
  end subroutine fence_export_fd

  ! The work goes on.
  subroutine fence_destroy(self, stat, errmsg)
    class(sporkle_fence_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer(c_int32_t) :: code

    code = sporkle_fence_destroy(self%handle_)
    if (code == SPORKLE_OK) then
      self%handle_ = c_null_ptr
      self%owner_ = .false.
    end if
    call conclude(self, code, stat, errmsg)
  end subroutine fence_destroy

  ! Takes a handle of module sporkle_c; with owner the variable destroys it.
  subroutine fence_adopt(self, handle, owner)
    class(sporkle_fence_t), intent(inout) :: self
    type(c_ptr), intent(in) :: handle
    logical, intent(in) :: owner

    call release(self)
    self%handle_ = handle
    self%owner_ = owner
  end subroutine fence_adopt

  ! index is the first fence of the array, counted from 1, that has ended.
  subroutine sporkle_wait_any(fences, index, timeout_ns, stat, errmsg)
    type(sporkle_fence_t), intent(in) :: fences(:)
    integer, intent(inout) :: index
    integer(int64), intent(in), optional :: timeout_ns
    integer, intent(out) :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(c_ptr), allocatable :: handles(:)
    integer(c_int32_t) :: found

    call collect(fences, handles)
    found = -1
    stat = int(sporkle_fence_wait_any(handles, int(size(fences), c_int32_t), &
                                      limit(timeout_ns), found))
    if (found >= 0) index = int(found) + 1
    if (stat < 0 .and. present(errmsg)) errmsg = sporkle_error_text()
  end subroutine sporkle_wait_any

  subroutine sporkle_wait_all(fences, timeout_ns, stat, errmsg)
    type(sporkle_fence_t), intent(in) :: fences(:)
    integer(int64), intent(in), optional :: timeout_ns
    integer, intent(out) :: stat
    character(len=*), intent(inout), optional :: errmsg
    type(c_ptr), allocatable :: handles(:)

    call collect(fences, handles)
    stat = int(sporkle_fence_wait_all(handles, int(size(fences), c_int32_t), limit(timeout_ns)))
    if (stat < 0 .and. present(errmsg)) errmsg = sporkle_error_text()
  end subroutine sporkle_wait_all

  subroutine collect(fences, handles)
    type(sporkle_fence_t), intent(in) :: fences(:)
    type(c_ptr), allocatable, intent(out) :: handles(:)
    integer :: i

    allocate (handles(max(size(fences), 1)))
    handles(1) = c_null_ptr
    do i = 1, size(fences)
      handles(i) = fences(i)%handle_
    end do
  end subroutine collect

  pure function limit(timeout_ns) result(limit_ns)
    integer(int64), intent(in), optional :: timeout_ns
    integer(c_int64_t) :: limit_ns

    limit_ns = SPORKLE_TIMEOUT_INFINITE
    if (present(timeout_ns)) limit_ns = timeout_ns
  end function limit

  ! A copy refers to the same fence and does not destroy it.
  subroutine fence_alias(self, other)
    class(sporkle_fence_t), intent(inout) :: self
    type(sporkle_fence_t), intent(in) :: other

    call release(self)
    self%handle_ = other%handle_
  end subroutine fence_alias

  impure elemental subroutine fence_finalize(self)
    type(sporkle_fence_t), intent(inout) :: self

    call release(self)
  end subroutine fence_finalize

  subroutine release(self)
    class(sporkle_fence_t), intent(inout) :: self
    integer(c_int32_t) :: ignored

    if (self%owner_) ignored = sporkle_fence_destroy(self%handle_)
    self%handle_ = c_null_ptr
    self%owner_ = .false.
  end subroutine release
end module sporkle_fences
