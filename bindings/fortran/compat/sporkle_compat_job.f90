! Work whose result reaches the caller's arrays when its fence is waited for:
! the asynchronous historic calls.
! SPDX-License-Identifier: MIT
module sporkle_compat_job
  use, intrinsic :: iso_c_binding, only: c_associated, c_int32_t, c_intptr_t, c_null_ptr, c_ptr
  use kinds, only: i64, sp
  use sporkle_c
  use sporkle_compat_conv2d, only: address_of, conv2d_check, conv2d_device, conv2d_options, &
    conv2d_shape, conv2d_timeout
  use sporkle_compat_fence, only: failed, fence_create, fence_destroy, fence_poll, fence_wait, &
    gpu_fence, plain_pool, pool_cleanup, ready
  use sporkle_compat_gl, only: gl_read_buffer
  use sporkle_compat_lock, only: mutex, lock, unlock
  use sporkle_compat_pipe, only: layer, pipe_abandon, pipe_close, pipe_collect, pipe_open, &
    pipe_start, pipe_ticket
  use sporkle_compat_session, only: holder_enter, session_drop, session_holder, session_number
  use sporkle_compat_text, only: last_error_text, say
  implicit none
  private
  public :: job_start, job_add_download, job_wait, job_poll, job_destroy, job_pool_cleanup

  integer, parameter :: job_capacity = 128
  integer(i64), parameter :: collect_timeout = 1000000000_i64

  type :: job
    integer(c_intptr_t) :: handle = 0            ! of its fence; 0: free
    integer :: pipe = 0
    type(pipe_ticket) :: ticket
    real(sp), pointer :: output(:) => null()     ! of a convolution
    integer :: gl_name = 0                       ! of a download
    type(c_ptr) :: to = c_null_ptr
    integer(i64) :: bytes = 0
    logical :: broken = .false.                  ! the work failed; kept until destroy
  end type job

  type(job), save :: jobs(job_capacity)
  integer, save :: live = 0
  type(mutex), save :: job_lock

contains

  ! Starts a convolution. The fence is invalid when that failed; otherwise the
  ! output is written by the wait or poll that finds the fence signalled, and
  ! the caller's array must exist until then.
  subroutine job_start(holder, options, shape, input, weights, output, fence)
    type(session_holder), intent(inout) :: holder
    type(conv2d_options), intent(in) :: options
    type(conv2d_shape), intent(in) :: shape
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(inout), target :: output(:)
    type(gpu_fence), intent(out) :: fence
    type(sporkle_conv2d_desc) :: desc
    type(sporkle_conv2d_info) :: info
    type(job) :: this
    type(c_ptr) :: context
    integer(c_int32_t) :: device, chosen
    integer :: slot
    character(len=:), allocatable :: refusal
    if (.not. holder_enter(holder, context)) return
    refusal = conv2d_check(shape, size(input, kind=i64), size(weights, kind=i64), &
      size(output, kind=i64), desc, info)
    if (len(refusal) == 0 .and. .not. (is_contiguous(input) .and. is_contiguous(weights))) &
      refusal = "conv2d: input, weights: an asynchronous call needs contiguous arrays"
    if (len(refusal) == 0) then
      if (conv2d_device(context, options, desc, info, device, chosen) /= SPORKLE_OK) &
        refusal = last_error_text()
    end if
    if (len(refusal) == 0) then
      this%output => output(1:info%output_size / 4)
      if (begin(context, layer(session_number(), chosen, desc, info, address_of(weights)), &
        address_of(input), this)) then
        fence = fence_create(plain_pool, chosen)
        this%handle = fence%handle
        slot = add(this)
        if (slot == 0) then
          call drop(this)
          call fence_destroy(fence)
          refusal = "conv2d: too many outputs wait for their fences"
        end if
      end if
    end if
    if (len(refusal) > 0) call say("Sporkle: " // refusal)
    call session_drop()
  end subroutine job_start

  ! Adds "read this GL buffer when the fence has signalled"; .false. when nobody
  ! will read it.
  logical function job_add_download(fence, gl_name, to, bytes) result(ok)
    type(gpu_fence), intent(in) :: fence
    integer, intent(in) :: gl_name
    type(c_ptr), intent(in) :: to
    integer(i64), intent(in) :: bytes
    type(job) :: this
    this%handle = fence%handle
    this%gl_name = gl_name
    this%to = to
    this%bytes = bytes
    ok = add(this) > 0
  end function job_add_download

  ! As fence_wait, and delivers what belongs to the fence.
  integer function job_wait(fence, timeout_ns) result(status)
    type(gpu_fence), intent(inout) :: fence
    integer(i64), intent(in) :: timeout_ns
    status = fence_wait(fence, timeout_ns)
    if (status == ready .and. live > 0) then
      if (.not. deliver(fence%handle)) status = failed
    end if
  end function job_wait

  ! As fence_poll, and delivers. Work that failed has ended too: the wait tells.
  logical function job_poll(fence) result(signaled)
    type(gpu_fence), intent(in) :: fence
    logical :: ignored
    signaled = fence_poll(fence)
    if (signaled .and. live > 0) ignored = deliver(fence%handle)
  end function job_poll

  ! What the fence had not delivered is given up.
  subroutine job_destroy(fence)
    type(gpu_fence), intent(inout) :: fence
    integer :: slot
    if (live > 0 .and. fence%handle /= 0) then
      call lock(job_lock)
      slot = find(fence%handle)
      if (slot > 0) call remove(slot)
      call unlock(job_lock)
    end if
    call fence_destroy(fence)
  end subroutine job_destroy

  ! Ends the pool; what its fences had not delivered is given up. Jobs have
  ! fences of that pool only.
  subroutine job_pool_cleanup()
    integer :: slot
    call lock(job_lock)
    do slot = 1, job_capacity
      if (jobs(slot)%handle /= 0) call remove(slot)
    end do
    call unlock(job_lock)
    call pool_cleanup(plain_pool)
  end subroutine job_pool_cleanup

  logical function begin(context, key, input, this)
    type(c_ptr), intent(in) :: context, input
    type(layer), intent(in) :: key
    type(job), intent(inout) :: this
    this%pipe = pipe_open(context, key)
    begin = this%pipe > 0
    if (.not. begin) return
    begin = pipe_start(this%pipe, input, conv2d_timeout(key%info%flops), this%ticket) == SPORKLE_OK
    if (.not. begin) call pipe_close(this%pipe)
  end function begin

  integer function add(this) result(slot)
    type(job), intent(in) :: this
    slot = 0
    if (this%handle == 0) return
    call lock(job_lock)
    slot = find(0_c_intptr_t)
    if (slot > 0) then
      jobs(slot) = this
      live = live + 1
    end if
    call unlock(job_lock)
  end function add

  ! .false. when the work behind the fence failed.
  logical function deliver(handle)
    integer(c_intptr_t), intent(in) :: handle
    integer :: slot
    deliver = .true.
    call lock(job_lock)
    slot = find(handle)
    if (slot > 0) then
      if (jobs(slot)%pipe > 0) then
        deliver = collect(jobs(slot))
      else if (.not. jobs(slot)%broken) then
        deliver = gl_read_buffer(jobs(slot)%gl_name, jobs(slot)%bytes, jobs(slot)%to)
      else
        deliver = .false.
      end if
      if (deliver) then
        call remove(slot)
      else
        call drop(jobs(slot))
        jobs(slot)%broken = .true.
      end if
    end if
    call unlock(job_lock)
  end function deliver

  logical function collect(this)
    type(job), intent(inout) :: this
    real(sp), allocatable, target :: packed(:)
    if (is_contiguous(this%output)) then
      collect = pipe_collect(this%ticket, collect_timeout, address_of(this%output)) == SPORKLE_OK
    else
      allocate (packed(size(this%output, kind=i64)))
      collect = pipe_collect(this%ticket, collect_timeout, address_of(packed)) == SPORKLE_OK
      if (collect) this%output(:) = packed
    end if
  end function collect

  integer function find(handle) result(slot)
    integer(c_intptr_t), intent(in) :: handle
    do slot = 1, job_capacity
      if (jobs(slot)%handle == handle) return
    end do
    slot = 0
  end function find

  subroutine remove(slot)
    integer, intent(in) :: slot
    call drop(jobs(slot))
    jobs(slot) = job()
    live = live - 1
  end subroutine remove

  subroutine drop(this)
    type(job), intent(inout) :: this
    if (this%pipe == 0) return
    call pipe_abandon(this%ticket)
    call pipe_close(this%pipe)
    this%pipe = 0
  end subroutine drop
end module sporkle_compat_job
