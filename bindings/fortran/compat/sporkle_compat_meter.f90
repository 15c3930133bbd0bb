! Time in which the device had work of an executor of GL programs: the union of
! the times from each dispatch to the end of its fence. A thread that sleeps on
! the fences, in submission order, sees the ends; a waiter that is earlier tells.
! SPDX-License-Identifier: MIT
module sporkle_compat_meter
  use, intrinsic :: iso_c_binding, only: c_f_pointer, c_funloc, c_funptr, c_int, c_int64_t, &
    c_intptr_t, c_null_ptr, c_ptr, c_size_t
  use kinds, only: i64
  use sporkle_c, only: SPORKLE_TIMEOUT_INFINITE, sporkle_fence_wait
  use sporkle_compat_clock, only: now_ns
  use sporkle_compat_lock, only: mutex, lock, unlock
  implicit none
  private
  public :: meter_open, meter_close, meter_begin, meter_end, meter_busy

  integer, parameter :: most = 8 ! operations of one executor; it has 3 sets

  type :: meter
    logical :: used = .false.
    integer :: pending = 0
    integer(c_intptr_t) :: fences(most) = 0
    integer(i64) :: begun(most) = 0
    integer(i64) :: busy = 0, last_end = 0
  end type meter

  ! messages: the two ends of a pipe of fence handles; 0 ends the thread.
  ! process: whose thread it is.
  type :: watcher
    logical :: running = .false.
    integer(c_int) :: process = 0
    integer(c_int) :: messages(2) = -1
    integer(c_intptr_t) :: thread = 0
  end type watcher

  type(mutex), save :: meter_lock
  type(meter), allocatable, save :: meters(:)
  type(watcher), save :: watching
  integer(c_int), parameter :: set_mask = 2 ! SIG_SETMASK of Linux
  integer(c_int), parameter :: close_on_exec = 524288 ! O_CLOEXEC of Linux
  integer(c_int), parameter :: interrupted = 4 ! EINTR of Linux

  interface
    function pipe2(ends, flags) bind(C, name="pipe2") result(error)
      import :: c_int
      integer(c_int), intent(out) :: ends(2)
      integer(c_int), value :: flags
      integer(c_int) :: error
    end function pipe2
    function c_read(file, handle, size) bind(C, name="read") result(done)
      import :: c_int, c_intptr_t, c_size_t
      integer(c_int), value :: file
      integer(c_intptr_t), intent(inout) :: handle
      integer(c_size_t), value :: size
      integer(c_size_t) :: done
    end function c_read
    function c_write(file, handle, size) bind(C, name="write") result(done)
      import :: c_int, c_intptr_t, c_size_t
      integer(c_int), value :: file
      integer(c_intptr_t), intent(in) :: handle
      integer(c_size_t), value :: size
      integer(c_size_t) :: done
    end function c_write
    function errno_location() bind(C, name="__errno_location") result(errno)
      import :: c_ptr
      type(c_ptr) :: errno
    end function errno_location
    function c_close(file) bind(C, name="close") result(error)
      import :: c_int
      integer(c_int), value :: file
      integer(c_int) :: error
    end function c_close
    function getpid() bind(C, name="getpid") result(process)
      import :: c_int
      integer(c_int) :: process
    end function getpid
    function pthread_create(thread, attributes, start, argument) &
        bind(C, name="pthread_create") result(error)
      import :: c_funptr, c_int, c_intptr_t, c_ptr
      integer(c_intptr_t), intent(out) :: thread
      type(c_ptr), value :: attributes, argument
      type(c_funptr), value :: start
      integer(c_int) :: error
    end function pthread_create
    function pthread_join(thread, outcome) bind(C, name="pthread_join") result(error)
      import :: c_int, c_intptr_t, c_ptr
      integer(c_intptr_t), value :: thread
      type(c_ptr), value :: outcome
      integer(c_int) :: error
    end function pthread_join
    function sigfillset(set) bind(C, name="sigfillset") result(error)
      import :: c_int, c_int64_t
      integer(c_int64_t), intent(out) :: set(16)
      integer(c_int) :: error
    end function sigfillset
    function pthread_sigmask(how, set, before) bind(C, name="pthread_sigmask") result(error)
      import :: c_int, c_int64_t
      integer(c_int), value :: how
      integer(c_int64_t), intent(in) :: set(16)
      integer(c_int64_t), intent(out) :: before(16)
      integer(c_int) :: error
    end function pthread_sigmask
  end interface

contains

  ! The number of a new meter.
  integer function meter_open() result(id)
    call lock(meter_lock)
    if (.not. allocated(meters)) allocate (meters(0))
    do id = 1, size(meters)
      if (.not. meters(id)%used) exit
    end do
    if (id > size(meters)) meters = [meters, meter()]
    meters(id) = meter(used=.true.)
    call unlock(meter_lock)
  end function meter_open

  ! After the fences of its operations have been destroyed. The last meter ends
  ! the thread.
  subroutine meter_close(id)
    integer, intent(inout) :: id
    type(watcher) :: old
    integer(c_int) :: ignored
    if (id == 0) return
    call lock(meter_lock)
    meters(id) = meter()
    id = 0
    call forget_inherited()
    if (.not. any(meters%used)) then
      old = watching
      watching = watcher()
    end if
    call unlock(meter_lock)
    if (.not. old%running) return
    call tell(old, 0_c_intptr_t)
    ignored = pthread_join(old%thread, c_null_ptr)
    ignored = c_close(old%messages(1))
    ignored = c_close(old%messages(2))
  end subroutine meter_close

  ! An operation was dispatched at `begun`; the fence is behind it.
  subroutine meter_begin(id, fence, begun)
    integer, intent(in) :: id
    integer(c_intptr_t), intent(in) :: fence
    integer(i64), intent(in) :: begun
    type(watcher) :: now
    if (id == 0) return
    call lock(meter_lock)
    associate (m => meters(id))
      if (m%pending == most) call retire(m, 1, now_ns())
      m%pending = m%pending + 1
      m%fences(m%pending) = fence
      m%begun(m%pending) = begun
    end associate
    call forget_inherited()
    if (.not. watching%running) call start(watching)
    now = watching
    call unlock(meter_lock)
    ! Not under the lock: the thread needs it to empty a full pipe. This meter
    ! keeps the thread.
    if (now%running) call tell(now, fence)
  end subroutine meter_begin

  ! The fence has ended by now, and what was submitted before it.
  subroutine meter_end(fence, now)
    integer(c_intptr_t), intent(in) :: fence
    integer(i64), intent(in) :: now
    integer :: id, i
    call lock(meter_lock)
    if (allocated(meters)) then
      do id = 1, size(meters)
        do i = meters(id)%pending, 1, -1
          if (meters(id)%fences(i) == fence) then
            call retire(meters(id), i, now)
            exit
          end if
        end do
      end do
    end if
    call unlock(meter_lock)
  end subroutine meter_end

  ! Nanoseconds until `now`, the operation that runs included.
  integer(i64) function meter_busy(id, now) result(busy)
    integer, intent(in) :: id
    integer(i64), intent(in) :: now
    busy = 0
    if (id == 0) return
    call lock(meter_lock)
    busy = meters(id)%busy
    if (meters(id)%pending > 0) &
      busy = busy + max(0_i64, now - max(meters(id)%begun(1), meters(id)%last_end))
    call unlock(meter_lock)
  end function meter_busy

  subroutine retire(m, count, now)
    type(meter), intent(inout) :: m
    integer, intent(in) :: count
    integer(i64), intent(in) :: now
    m%busy = m%busy + max(0_i64, now - max(m%begun(1), m%last_end))
    m%last_end = max(now, m%last_end)
    m%fences(1:m%pending - count) = m%fences(count + 1:m%pending)
    m%begun(1:m%pending - count) = m%begun(count + 1:m%pending)
    m%pending = m%pending - count
  end subroutine retire

  ! So few bytes are written whole or not at all; a handler of the program's own
  ! signals may cut short the wait for room.
  subroutine tell(w, message)
    type(watcher), intent(in) :: w
    integer(c_intptr_t), intent(in) :: message
    integer(c_int), pointer :: errno
    do
      if (c_write(w%messages(2), message, 8_c_size_t) >= 0) return
      call c_f_pointer(errno_location(), errno)
      if (errno /= interrupted) return
    end do
  end subroutine tell

  ! A forked child has the parent's pipe without the thread, and a message of the
  ! child would reach the parent's. The child's two descriptors stay open: it may
  ! have closed them and given their numbers away.
  subroutine forget_inherited()
    if (.not. watching%running) return
    if (watching%process /= getpid()) watching = watcher()
  end subroutine forget_inherited

  ! Without the thread the waiters alone tell the ends. Signals are for the
  ! program's own threads.
  subroutine start(w)
    type(watcher), intent(inout) :: w
    integer(c_int64_t) :: all_signals(16), before(16), ignored_set(16)
    integer(c_int) :: error, ignored
    if (pipe2(w%messages, close_on_exec) /= 0) return
    ignored = sigfillset(all_signals)
    ignored = pthread_sigmask(set_mask, all_signals, before)
    error = pthread_create(w%thread, c_null_ptr, c_funloc(watch), &
      transfer(int(w%messages(1), c_intptr_t), c_null_ptr))
    ignored = pthread_sigmask(set_mask, before, ignored_set)
    w%running = error == 0
    w%process = getpid()
    if (w%running) return
    ignored = c_close(w%messages(1))
    ignored = c_close(w%messages(2))
  end subroutine start

  ! A fence that was destroyed meanwhile answers at once.
  recursive function watch(argument) bind(C) result(nothing)
    type(c_ptr), value :: argument
    type(c_ptr) :: nothing
    integer(c_int) :: file, ignored
    integer(c_intptr_t) :: fence
    nothing = c_null_ptr
    file = int(transfer(argument, fence), c_int)
    do
      fence = 0
      if (c_read(file, fence, 8_c_size_t) /= 8) return
      if (fence == 0) return
      ignored = sporkle_fence_wait(transfer(fence, c_null_ptr), SPORKLE_TIMEOUT_INFINITE)
      call meter_end(fence, now_ns())
    end do
  end function watch
end module sporkle_compat_meter
