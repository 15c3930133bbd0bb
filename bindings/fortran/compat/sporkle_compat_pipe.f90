! The asynchronous path of the historic modules: a plan and an executor per
! layer, kept while the layer is in use.
!
! A batch is split over several slots, so that copying in and computing overlap.
! A slot whose work is still pending when it is given back is set aside by the
! library until the work has really ended.
! SPDX-License-Identifier: MIT
module sporkle_compat_pipe
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_null_ptr, c_ptr
  use kinds, only: i64
  use sporkle_c
  use sporkle_compat_clock, only: now_ns, remaining_ns
  use sporkle_compat_lock, only: mutex, lock, unlock
  use sporkle_compat_text, only: to_text
  use sporkle_compat_memory, only: address, copy_bytes, offset, same_bytes
  implicit none
  private
  public :: layer, pipe_ticket, pipe_open, pipe_close, pipe_start, pipe_collect, pipe_abandon
  public :: pipe_algorithm, pipe_busy

  integer, parameter :: pipe_capacity = 8, most_parts = 4
  integer(i64), parameter :: least_part_bytes = 1048576_i64
  integer(i64), parameter :: memory_limit = 1073741824_i64

  ! What makes two calls the same layer.
  type :: layer
    integer(i64) :: session = 0
    integer(c_int32_t) :: device = 0
    type(sporkle_conv2d_desc) :: desc
    type(sporkle_conv2d_info) :: info
    type(c_ptr) :: weights = c_null_ptr
  end type layer

  ! Slots in flight for one call.
  type :: pipe_ticket
    integer :: pipe = 0, parts = 0
    integer(c_int32_t) :: slots(most_parts) = 0
    type(c_ptr) :: inputs(most_parts) = c_null_ptr
    type(c_ptr) :: outputs(most_parts) = c_null_ptr
    type(c_ptr) :: fences(most_parts) = c_null_ptr
    integer(i64) :: output_size = 0 ! bytes of one part
  end type pipe_ticket

  type :: pipe
    type(layer) :: key
    integer(i64), allocatable :: weights(:) ! the content the plan was made from
    type(c_ptr) :: plan = c_null_ptr, executor = c_null_ptr
    integer :: parts = 1, users = 0
    integer(i64) :: last_use = 0, bytes = 0
    logical :: ready = .false.
    type(mutex) :: acquiring
  end type pipe

  type(pipe), save, target :: pipes(pipe_capacity)
  type(mutex), save :: table
  integer(i64), save :: uses = 0

contains

  ! The pipe of a layer, found by full weight content or created, with one more
  ! user; 0 when none can be had.
  integer function pipe_open(context, key) result(index)
    type(c_ptr), intent(in) :: context
    type(layer), intent(in) :: key
    logical :: candidate
    do index = 1, pipe_capacity
      call lock(table)
      candidate = pipes(index)%ready .and. same_layer(pipes(index)%key, key)
      if (candidate) call add_user(pipes(index))
      call unlock(table)
      if (.not. candidate) cycle
      if (same_bytes(address(pipes(index)%weights), key%weights, key%info%weights_size)) return
      call pipe_close(index)
    end do
    index = reserve()
    if (index == 0) return
    if (.not. build(context, key, pipes(index))) then
      call dispose(pipes(index))
      call pipe_close(index)
      index = 0
    end if
  end function pipe_open

  ! The kernel of an open pipe's plan.
  function pipe_algorithm(index) result(name)
    integer, intent(in) :: index
    character(len=:), allocatable :: name
    type(sporkle_plan_info) :: info
    name = ""
    if (sporkle_plan_describe(pipes(index)%plan, info) == SPORKLE_OK) name = to_text(info%algorithm)
  end function pipe_algorithm

  ! Device time of everything that the pipe has run, nanoseconds.
  integer(i64) function pipe_busy(index) result(busy)
    integer, intent(in) :: index
    type(sporkle_executor_info) :: info
    busy = 0
    if (sporkle_executor_describe(pipes(index)%executor, info) == SPORKLE_OK) busy = info%busy_ns
  end function pipe_busy

  subroutine pipe_close(index)
    integer, intent(in) :: index
    call lock(table)
    pipes(index)%users = pipes(index)%users - 1
    call unlock(table)
  end subroutine pipe_close

  ! Copies the input into slots and submits them. On any status but SPORKLE_OK
  ! nothing is in flight for this ticket.
  integer(c_int32_t) function pipe_start(index, input, timeout_ns, ticket) result(status)
    integer, intent(in) :: index
    type(c_ptr), intent(in) :: input
    integer(i64), intent(in) :: timeout_ns
    type(pipe_ticket), intent(out) :: ticket
    integer(i64) :: part_size
    integer :: i
    ticket%pipe = index
    part_size = pipes(index)%key%info%input_size / pipes(index)%parts
    ticket%output_size = pipes(index)%key%info%output_size / pipes(index)%parts
    status = acquire_all(pipes(index), timeout_ns, ticket)
    do i = 1, pipes(index)%parts
      if (status /= SPORKLE_OK) exit
      call copy_bytes(ticket%inputs(i), offset(input, (i - 1) * part_size), part_size)
      status = sporkle_executor_submit(pipes(index)%executor, ticket%slots(i), &
        pipes(index)%plan, ticket%fences(i))
    end do
    if (status /= SPORKLE_OK) call pipe_abandon(ticket)
  end function pipe_start

  ! Waits, copies the output when all parts are right, and gives the slots back.
  ! On SPORKLE_TIMEOUT the slots are set aside and the output is untouched.
  integer(c_int32_t) function pipe_collect(ticket, timeout_ns, output) result(status)
    type(pipe_ticket), intent(inout) :: ticket
    integer(i64), intent(in) :: timeout_ns
    type(c_ptr), intent(in) :: output
    integer :: i
    status = sporkle_fence_wait_all(ticket%fences, int(ticket%parts, c_int32_t), timeout_ns)
    if (status == SPORKLE_OK) then
      do i = 1, ticket%parts
        call copy_bytes(offset(output, (i - 1) * ticket%output_size), ticket%outputs(i), &
          ticket%output_size)
      end do
    end if
    call pipe_abandon(ticket)
  end function pipe_collect

  ! Gives the slots back whatever their state.
  subroutine pipe_abandon(ticket)
    type(pipe_ticket), intent(inout) :: ticket
    integer :: i
    integer(c_int32_t) :: ignored
    do i = 1, ticket%parts
      ignored = sporkle_executor_release(pipes(ticket%pipe)%executor, ticket%slots(i))
    end do
    ticket%parts = 0
  end subroutine pipe_abandon

  ! One caller acquires at a time: two that each hold half of the slots and wait
  ! for the other half would never end.
  integer(c_int32_t) function acquire_all(this, timeout_ns, ticket) result(status)
    type(pipe), intent(inout) :: this
    integer(i64), intent(in) :: timeout_ns
    type(pipe_ticket), intent(inout) :: ticket
    type(sporkle_slot) :: slot
    integer(i64) :: start
    integer :: i
    start = now_ns()
    status = SPORKLE_OK
    call lock(this%acquiring)
    do i = 1, this%parts
      status = sporkle_executor_acquire(this%executor, remaining_ns(start, timeout_ns), slot)
      if (status /= SPORKLE_OK) exit
      ticket%slots(i) = slot%index
      ticket%inputs(i) = slot%input
      ticket%outputs(i) = slot%output
      ticket%parts = i
    end do
    call unlock(this%acquiring)
  end function acquire_all

  ! A pipe without users, emptied; 0 when all are in use.
  integer function reserve() result(index)
    integer :: i
    index = 0
    call lock(table)
    do i = 1, pipe_capacity
      if (pipes(i)%users > 0) cycle
      if (index == 0) index = i
      if (pipes(i)%last_use < pipes(index)%last_use) index = i
    end do
    if (index > 0) then
      pipes(index)%ready = .false.
      call add_user(pipes(index))
    end if
    call unlock(table)
    if (index > 0) call dispose(pipes(index))
  end function reserve

  logical function build(context, key, this)
    type(c_ptr), intent(in) :: context
    type(layer), intent(in) :: key
    type(pipe), intent(inout) :: this
    type(sporkle_conv2d_desc) :: part
    type(sporkle_executor_desc) :: desc
    integer(i64) :: slots, need
    integer :: error
    build = .false.
    this%parts = part_count(key)
    slots = max(3, 2 * this%parts + 1)
    need = slots * ((key%info%input_size + key%info%output_size) / this%parts) + &
      2 * key%info%weights_size
    if (.not. make_room(need)) return
    allocate (this%weights((key%info%weights_size + 7) / 8), stat=error)
    if (error /= 0) return
    call copy_bytes(address(this%weights), key%weights, key%info%weights_size)
    part = key%desc
    part%n = part%n / this%parts
    if (sporkle_plan_create(context, key%device, part, key%weights, c_null_ptr, this%plan) &
      /= SPORKLE_OK) return
    desc%device = key%device
    desc%slot_count = int(slots, c_int32_t)
    desc%input_size = key%info%input_size / this%parts
    desc%output_size = key%info%output_size / this%parts
    if (sporkle_executor_create(context, desc, this%executor) /= SPORKLE_OK) return
    call lock(table)
    this%key = key
    this%bytes = need
    this%ready = .true.
    call unlock(table)
    build = .true.
  end function build

  ! Drops unused pipes until `need` bytes fit below the limit.
  logical function make_room(need)
    integer(i64), intent(in) :: need
    integer :: i, index
    do
      call lock(table)
      make_room = sum(pipes%bytes) + need <= memory_limit
      index = 0
      if (.not. make_room .and. need <= memory_limit) then
        do i = 1, pipe_capacity
          if (pipes(i)%users == 0 .and. pipes(i)%bytes > 0) index = i
        end do
      end if
      if (index > 0) then
        pipes(index)%ready = .false.
        call add_user(pipes(index))
      end if
      call unlock(table)
      if (index == 0) return
      call dispose(pipes(index))
      call pipe_close(index)
    end do
  end function make_room

  subroutine dispose(this)
    type(pipe), intent(inout) :: this
    integer(c_int32_t) :: ignored
    ignored = sporkle_executor_destroy(this%executor)
    ignored = sporkle_plan_destroy(this%plan)
    this%executor = c_null_ptr
    this%plan = c_null_ptr
    if (allocated(this%weights)) deallocate (this%weights)
    call lock(table)
    this%bytes = 0
    call unlock(table)
  end subroutine dispose

  pure integer function part_count(key)
    type(layer), intent(in) :: key
    do part_count = most_parts, 2, -1
      if (mod(key%desc%n, int(part_count, i64)) == 0 .and. &
        key%info%input_size / part_count >= least_part_bytes) return
    end do
    part_count = 1
  end function part_count

  subroutine add_user(this)
    type(pipe), intent(inout) :: this
    uses = uses + 1
    this%users = this%users + 1
    this%last_use = uses
  end subroutine add_user

  pure logical function same_layer(a, b)
    type(layer), intent(in) :: a, b
    same_layer = a%session == b%session .and. a%device == b%device .and. &
      a%desc%n == b%desc%n .and. a%desc%c == b%desc%c .and. a%desc%h == b%desc%h .and. &
      a%desc%w == b%desc%w .and. a%desc%k == b%desc%k .and. &
      a%desc%kernel_h == b%desc%kernel_h .and. a%desc%stride_h == b%desc%stride_h .and. &
      a%desc%padding_top == b%desc%padding_top
  end function same_layer
end module sporkle_compat_pipe
