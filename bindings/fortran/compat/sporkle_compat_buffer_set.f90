! A buffer set of the historic executor: one dispatch of a caller's GL program on
! buffers that are made as needed.
! SPDX-License-Identifier: MIT
module sporkle_compat_buffer_set
  use, intrinsic :: iso_c_binding, only: c_null_ptr, c_ptr
  use kinds, only: i64
  use sporkle_compat_clock, only: now_ns
  use sporkle_compat_fence, only: failed, fence_create, fence_is_valid, gpu_fence, plain_pool, &
    pointer_of, ready, timed_out
  use sporkle_compat_gl, only: gl_dispatch, gl_drop_buffer, gl_make_buffer, gl_write_buffer
  use sporkle_compat_job, only: job_add_download, job_destroy, job_poll, job_wait
  use sporkle_compat_meter, only: meter_begin, meter_end
  use sporkle_compat_text, only: warn_once
  implicit none
  private
  public :: buffer_set, set_submit, set_poll, set_wait, set_clear, set_renew
  public :: ready, timed_out, failed

  ! input_buffer and output_buffer are names of GL; times are in nanoseconds.
  type :: buffer_set
    integer :: input_buffer = 0, output_buffer = 0
    type(c_ptr) :: fence = c_null_ptr
    logical :: in_use = .false.
    integer(i64) :: submit_time = 0, complete_time = 0
    integer(i64), private :: input_size = 0, output_size = 0
    logical, private :: delivers = .true. ! the output will reach the caller's array
    type(gpu_fence), private :: done
  end type buffer_set

  integer(i64), parameter :: wait_limit_ns = 1000000000_i64

contains

  ! Storage bindings: 0 input, 1 weight_buffer, 2 output; others are the
  ! caller's. in_use when the work was submitted.
  subroutine set_submit(set, program, weight_buffer, from, input_size, to, output_size, groups, &
      meter)
    type(buffer_set), intent(inout) :: set
    integer, intent(in) :: program, weight_buffer, groups(3), meter
    type(c_ptr), intent(in) :: from, to
    integer(i64), intent(in) :: input_size, output_size
    integer(i64) :: begun
    logical :: ok
    set%submit_time = now_ns()
    ok = program > 0 .and. input_size > 0 .and. output_size > 0 .and. all(groups > 0)
    if (ok) then
      call resize(set%input_buffer, set%input_size, input_size)
      call resize(set%output_buffer, set%output_size, output_size)
      ok = set%input_buffer > 0 .and. set%output_buffer > 0
    end if
    if (ok) ok = gl_write_buffer(set%input_buffer, input_size, from)
    begun = now_ns()
    if (ok) ok = gl_dispatch(program, [set%input_buffer, weight_buffer, set%output_buffer], groups)
    if (ok) then
      set%done = fence_create(plain_pool)
      ok = fence_is_valid(set%done)
    end if
    set%in_use = ok
    if (ok) then
      call meter_begin(meter, set%done%handle, begun)
      set%fence = pointer_of(set%done)
      set%delivers = job_add_download(set%done, set%output_buffer, to, output_size)
      if (.not. set%delivers) &
        call warn_once("gpu_submit_work_async: too many outputs wait for their fences")
    else
      call warn_once("gpu_submit_work_async: the program could not be run")
    end if
  end subroutine set_submit

  ! Does not block; .true. for a set without work.
  logical function set_poll(set) result(complete)
    type(buffer_set), intent(in) :: set
    complete = .true.
    if (set%in_use) complete = job_poll(set%done)
  end function set_poll

  ! ready, failed (also for an output that nobody could deliver), or timed_out
  ! after a second, the set being in use still.
  integer function set_wait(set) result(status)
    type(buffer_set), intent(inout) :: set
    status = job_wait(set%done, wait_limit_ns)
    if (status == timed_out) then
      call warn_once("gpu_wait_for_completion: timed out")
      return
    end if
    if (.not. set%delivers) status = failed
    if (status == failed) call warn_once("gpu_wait_for_completion: the work failed")
    set%complete_time = now_ns()
    call meter_end(set%done%handle, set%complete_time)
    set%in_use = .false.
    set%fence = c_null_ptr
    call job_destroy(set%done)
  end function set_wait

  ! A set that is in use still loses its buffers, so that nobody writes to memory
  ! the GPU uses.
  subroutine set_clear(set)
    type(buffer_set), intent(inout) :: set
    if (set%in_use) call set_renew(set)
  end subroutine set_clear

  ! GL keeps deleted buffers until the commands that use them have ended.
  subroutine set_renew(set)
    type(buffer_set), intent(inout) :: set
    if (set%in_use) call meter_end(set%done%handle, now_ns())
    call job_destroy(set%done)
    call gl_drop_buffer(set%input_buffer)
    call gl_drop_buffer(set%output_buffer)
    set = buffer_set()
  end subroutine set_renew

  subroutine resize(name, size, wanted)
    integer, intent(inout) :: name
    integer(i64), intent(inout) :: size
    integer(i64), intent(in) :: wanted
    if (name > 0 .and. size == wanted) return
    call gl_drop_buffer(name)
    name = gl_make_buffer(wanted, c_null_ptr)
    size = wanted
  end subroutine resize
end module sporkle_compat_buffer_set
