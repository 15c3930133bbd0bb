! One dispatch of a caller's GL program on buffers that are made as needed.
! SPDX-License-Identifier: MIT
module sporkle_compat_submit
  use, intrinsic :: iso_c_binding, only: c_null_ptr, c_ptr
  use kinds, only: i64
  use sporkle_compat_fence, only: fence_create, fence_is_valid, gpu_fence, plain_pool
  use sporkle_compat_gl, only: gl_dispatch, gl_drop_buffer, gl_make_buffer, gl_write_buffer
  use sporkle_compat_job, only: job_add_download
  implicit none
  private
  public :: submission, submit_program

  type :: submission
    integer :: input = 0, output = 0
    integer(i64) :: input_size = 0, output_size = 0
    type(gpu_fence) :: fence
  end type submission

contains

  ! Storage bindings: 0 input, 1 weight_buffer, 2 output; others are the
  ! caller's. .true. when the work was submitted.
  logical function submit_program(work, program, weight_buffer, from, input_size, to, &
      output_size, groups) result(ok)
    type(submission), intent(inout) :: work
    integer, intent(in) :: program, weight_buffer, groups(3)
    type(c_ptr), intent(in) :: from, to
    integer(i64), intent(in) :: input_size, output_size
    ok = program > 0 .and. input_size > 0 .and. output_size > 0 .and. all(groups > 0)
    if (.not. ok) return
    call resize(work%input, work%input_size, input_size)
    call resize(work%output, work%output_size, output_size)
    ok = work%input > 0 .and. work%output > 0
    if (ok) ok = gl_write_buffer(work%input, input_size, from)
    if (ok) ok = gl_dispatch(program, [work%input, weight_buffer, work%output], groups)
    if (.not. ok) return
    work%fence = fence_create(plain_pool)
    ok = fence_is_valid(work%fence)
    if (ok) call job_add_download(work%fence, work%output, to, output_size)
  end function submit_program

  subroutine resize(name, size, wanted)
    integer, intent(inout) :: name
    integer(i64), intent(inout) :: size
    integer(i64), intent(in) :: wanted
    if (name > 0 .and. size == wanted) return
    call gl_drop_buffer(name)
    name = gl_make_buffer(wanted, c_null_ptr)
    size = wanted
  end subroutine resize
end module sporkle_compat_submit
