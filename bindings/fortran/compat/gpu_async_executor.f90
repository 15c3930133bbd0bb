! Programs of the caller on three sets of GL buffers, and convolutions.
!
! The output of a submission is written to the caller's array by the wait, poll
! or reuse that finds the set finished; the array must exist until then.
! SPDX-License-Identifier: MIT
module gpu_async_executor
  use, intrinsic :: iso_c_binding, only: c_loc, c_null_ptr, c_ptr
  use kinds, only: dp, i64, sp
  use sporkle_compat_clock, only: now_ns
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape
  use sporkle_compat_fence, only: gpu_fence, pointer_of
  use sporkle_compat_job, only: job_destroy, job_poll, job_wait
  use sporkle_compat_session, only: holder_cleanup, holder_init, session_holder
  use sporkle_compat_submit, only: submit_program, submission
  use sporkle_compat_gl, only: gl_drop_buffer
  use sporkle_compat_text, only: number, say, warn_once
  implicit none
  private
  public :: MAX_IN_FLIGHT, gpu_async_state, gpu_async_executor_init, gpu_async_executor_cleanup
  public :: gpu_get_next_buffer_set, gpu_submit_work_async, gpu_is_work_complete
  public :: gpu_wait_for_completion, gpu_async_conv2d

  integer, parameter :: MAX_IN_FLIGHT = 3
  integer(i64), parameter :: wait_limit_ns = 1000000000_i64

  type :: buffer_set
    integer :: input_buffer = 0, output_buffer = 0
    type(c_ptr) :: fence = c_null_ptr
    logical :: in_use = .false.
    integer(i64) :: submit_time = 0, complete_time = 0
    type(submission), private :: work
  end type buffer_set

  type :: gpu_async_state
    type(buffer_set) :: buffer_sets(MAX_IN_FLIGHT)
    integer :: current_set = 1, weight_buffer = 0, compute_program = 0
    integer(i64) :: total_gpu_time = 0, total_idle_time = 0 ! nanoseconds
    integer :: completed_operations = 0
    logical :: initialized = .false.
    integer :: max_workgroup_size = 256
  end type gpu_async_state

  type(session_holder), save :: holder

contains

  subroutine gpu_async_executor_init(state, compute_program, weight_buffer)
    type(gpu_async_state), intent(out) :: state
    integer, intent(in) :: compute_program, weight_buffer
    state%compute_program = compute_program
    state%weight_buffer = weight_buffer
    state%initialized = holder_init(holder)
  end subroutine gpu_async_executor_init

  subroutine gpu_async_executor_cleanup(state)
    type(gpu_async_state), intent(inout) :: state
    integer :: i
    if (.not. state%initialized) return
    do i = 1, MAX_IN_FLIGHT
      call gpu_wait_for_completion(state, i)
      call set_aside(state%buffer_sets(i))
    end do
    call say("Sporkle: executor: " // number(int(state%completed_operations, i64)) // &
      " operations, busy " // number(real(state%total_gpu_time, dp) * 1.0e-6_dp) // &
      " ms, idle " // number(real(state%total_idle_time, dp) * 1.0e-6_dp) // " ms")
    state%initialized = .false.
    call holder_cleanup(holder)
  end subroutine gpu_async_executor_cleanup

  ! A set whose work does not end within a second loses its buffers, so that
  ! nobody writes to memory the GPU still uses, and starts anew.
  function gpu_get_next_buffer_set(state) result(set_id)
    type(gpu_async_state), intent(inout) :: state
    integer :: set_id, i
    do i = 0, MAX_IN_FLIGHT - 1
      set_id = mod(state%current_set - 1 + i, MAX_IN_FLIGHT) + 1
      if (gpu_is_work_complete(state, set_id)) exit
    end do
    if (i == MAX_IN_FLIGHT) set_id = minloc(state%buffer_sets%submit_time, dim=1)
    call gpu_wait_for_completion(state, set_id)
    if (state%buffer_sets(set_id)%in_use) call set_aside(state%buffer_sets(set_id))
    state%current_set = mod(set_id, MAX_IN_FLIGHT) + 1
  end function gpu_get_next_buffer_set

  subroutine gpu_submit_work_async(state, set_id, input_data, output_data, input_size, &
      output_size, grid_x, grid_y, grid_z)
    type(gpu_async_state), intent(inout) :: state
    integer, intent(in) :: set_id
    real(sp), intent(in), target :: input_data(*)
    real(sp), intent(inout), target :: output_data(*)
    integer(i64), intent(in) :: input_size, output_size
    integer, intent(in) :: grid_x, grid_y, grid_z
    integer(i64) :: started
    if (.not. state%initialized .or. set_id < 1 .or. set_id > MAX_IN_FLIGHT) return
    call gpu_wait_for_completion(state, set_id)
    if (state%buffer_sets(set_id)%in_use) call set_aside(state%buffer_sets(set_id))
    started = now_ns()
    if (state%completed_operations > 0 .and. .not. any(state%buffer_sets%in_use)) &
      state%total_idle_time = state%total_idle_time + started - &
      maxval(state%buffer_sets%complete_time)
    associate (set => state%buffer_sets(set_id))
      set%in_use = submit_program(set%work, state%compute_program, state%weight_buffer, &
        c_loc(input_data(1)), input_size, c_loc(output_data(1)), output_size, &
        [grid_x, grid_y, grid_z])
      set%input_buffer = set%work%input
      set%output_buffer = set%work%output
      set%fence = pointer_of(set%work%fence)
      set%submit_time = started
      if (.not. set%in_use) call warn_once("gpu_submit_work_async: the program could not be run")
    end associate
  end subroutine gpu_submit_work_async

  function gpu_is_work_complete(state, set_id) result(complete)
    type(gpu_async_state), intent(in) :: state
    integer, intent(in) :: set_id
    logical :: complete
    complete = .true.
    if (set_id < 1 .or. set_id > MAX_IN_FLIGHT) return
    if (state%buffer_sets(set_id)%in_use) complete = job_poll(state%buffer_sets(set_id)%work%fence)
  end function gpu_is_work_complete

  ! Waits up to a second; a set that is not finished then stays in use.
  subroutine gpu_wait_for_completion(state, set_id)
    type(gpu_async_state), intent(inout) :: state
    integer, intent(in) :: set_id
    if (set_id < 1 .or. set_id > MAX_IN_FLIGHT) return
    associate (set => state%buffer_sets(set_id))
      if (.not. set%in_use) return
      if (job_wait(set%work%fence, wait_limit_ns) == 1) then
        call warn_once("gpu_wait_for_completion: timed out")
        return
      end if
      set%complete_time = now_ns()
      set%in_use = .false.
      set%fence = c_null_ptr
      call job_destroy(set%work%fence)
      state%total_gpu_time = state%total_gpu_time + set%complete_time - set%submit_time
      state%completed_operations = state%completed_operations + 1
    end associate
  end subroutine gpu_wait_for_completion

  ! Returns with the output complete; a failure leaves it untouched.
  subroutine gpu_async_conv2d(state, input, weights, output, N, C, H, W, K, kernel_size, stride, &
      pad, H_out, W_out)
    type(gpu_async_state), intent(inout) :: state
    real(sp), intent(in), target :: input(*), weights(*)
    real(sp), intent(inout), target :: output(*)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    type(conv2d_shape) :: shape
    real(sp) :: time_ms
    if (.not. state%initialized) return
    shape = conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, H_out, W_out)
    time_ms = conv2d_run(holder, conv2d_options(async=.true., warn=.true.), shape, &
      input(1:shape%n * shape%c * shape%h * shape%w), &
      weights(1:shape%k * shape%c * shape%kernel_size**2), &
      output(1:shape%n * shape%k * shape%h_out * shape%w_out))
    if (time_ms < 0.0_sp) return
    state%completed_operations = state%completed_operations + 1
    state%total_gpu_time = state%total_gpu_time + int(real(time_ms, dp) * 1.0e6_dp, i64)
  end subroutine gpu_async_conv2d

  ! GL keeps deleted buffers until the commands that use them have ended.
  subroutine set_aside(set)
    type(buffer_set), intent(inout) :: set
    call job_destroy(set%work%fence)
    call gl_drop_buffer(set%work%input)
    call gl_drop_buffer(set%work%output)
    set = buffer_set()
  end subroutine set_aside
end module gpu_async_executor
