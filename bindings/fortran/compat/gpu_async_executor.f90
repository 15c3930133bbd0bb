! Programs of the caller on three sets of GL buffers, and convolutions.
!
! The output of a submission is written to the caller's array by the wait, poll
! or reuse that finds the set finished; the array must exist until then.
! SPDX-License-Identifier: MIT
module gpu_async_executor
  use, intrinsic :: iso_c_binding, only: c_loc
  use kinds, only: dp, i64, sp
  use sporkle_compat_buffer_set, only: buffer_set, ready, set_clear, set_poll, set_renew, &
    set_submit, set_wait, timed_out
  use sporkle_compat_clock, only: now_ns
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape
  use sporkle_compat_meter, only: meter_busy, meter_close, meter_open
  use sporkle_compat_session, only: holder_cleanup, holder_init, session_holder
  use sporkle_compat_text, only: number, say
  implicit none
  private
  public :: MAX_IN_FLIGHT, gpu_async_state, gpu_async_executor_init, gpu_async_executor_cleanup
  public :: gpu_get_next_buffer_set, gpu_submit_work_async, gpu_is_work_complete
  public :: gpu_wait_for_completion, gpu_async_conv2d

  integer, parameter :: MAX_IN_FLIGHT = 3

  type :: gpu_async_state
    type(buffer_set) :: buffer_sets(MAX_IN_FLIGHT)
    integer :: current_set = 1, weight_buffer = 0, compute_program = 0
    integer(i64) :: total_gpu_time = 0, total_idle_time = 0 ! nanoseconds since init
    integer :: completed_operations = 0
    logical :: initialized = .false.
    integer :: max_workgroup_size = 256
    integer, private :: meter = 0
    integer(i64), private :: opened = 0, convolutions = 0
  end type gpu_async_state

  type(session_holder), save :: holder

contains

  subroutine gpu_async_executor_init(state, compute_program, weight_buffer)
    type(gpu_async_state), intent(inout) :: state
    integer, intent(in) :: compute_program, weight_buffer
    logical :: held
    held = holder_init(holder) ! first: the session outlives the end of an earlier init
    if (state%initialized) call give_up(state)
    state = gpu_async_state(compute_program=compute_program, weight_buffer=weight_buffer)
    state%initialized = held
    if (.not. held) return
    state%meter = meter_open()
    state%opened = now_ns()
  end subroutine gpu_async_executor_init

  ! Waits for nothing and delivers nothing: the caller's arrays may be gone.
  subroutine give_up(state)
    type(gpu_async_state), intent(inout) :: state
    integer :: i
    do i = 1, MAX_IN_FLIGHT
      call set_renew(state%buffer_sets(i))
    end do
    call meter_close(state%meter)
    call holder_cleanup(holder)
  end subroutine give_up

  subroutine gpu_async_executor_cleanup(state)
    type(gpu_async_state), intent(inout) :: state
    integer :: i
    if (.not. state%initialized) return
    do i = 1, MAX_IN_FLIGHT
      call gpu_wait_for_completion(state, i)
    end do
    call account(state)
    call say("Sporkle: executor: " // number(int(state%completed_operations, i64)) // &
      " operations, busy " // number(real(state%total_gpu_time, dp) * 1.0e-6_dp) // &
      " ms, idle " // number(real(state%total_idle_time, dp) * 1.0e-6_dp) // " ms")
    state%initialized = .false.
    call give_up(state)
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
    call set_clear(state%buffer_sets(set_id))
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
    if (.not. state%initialized .or. set_id < 1 .or. set_id > MAX_IN_FLIGHT) return
    call gpu_wait_for_completion(state, set_id)
    call set_clear(state%buffer_sets(set_id))
    call set_submit(state%buffer_sets(set_id), state%compute_program, state%weight_buffer, &
      c_loc(input_data(1)), input_size, c_loc(output_data(1)), output_size, &
      [grid_x, grid_y, grid_z], state%meter)
    call account(state)
  end subroutine gpu_submit_work_async

  function gpu_is_work_complete(state, set_id) result(complete)
    type(gpu_async_state), intent(in) :: state
    integer, intent(in) :: set_id
    logical :: complete
    complete = .true.
    if (set_id < 1 .or. set_id > MAX_IN_FLIGHT) return
    complete = set_poll(state%buffer_sets(set_id))
  end function gpu_is_work_complete

  ! Waits up to a second; a set that is not finished then stays in use.
  subroutine gpu_wait_for_completion(state, set_id)
    type(gpu_async_state), intent(inout) :: state
    integer, intent(in) :: set_id
    integer :: status
    if (set_id < 1 .or. set_id > MAX_IN_FLIGHT) return
    associate (set => state%buffer_sets(set_id))
      if (.not. set%in_use) return
      status = set_wait(set)
      call account(state)
      if (status == timed_out) return
      if (status == ready) state%completed_operations = state%completed_operations + 1
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
    time_ms = conv2d_run(holder, conv2d_options(async=.true., warn=.true., &
      device_time=.true.), shape, &
      input(1:shape%n * shape%c * shape%h * shape%w), &
      weights(1:shape%k * shape%c * shape%kernel_size**2), &
      output(1:shape%n * shape%k * shape%h_out * shape%w_out))
    if (time_ms < 0.0_sp) return
    state%completed_operations = state%completed_operations + 1
    state%convolutions = state%convolutions + int(real(time_ms, dp) * 1.0e6_dp, i64)
    call account(state)
  end subroutine gpu_async_conv2d

  ! Busy and idle time make up the time since init.
  subroutine account(state)
    type(gpu_async_state), intent(inout) :: state
    integer(i64) :: now, wall
    now = now_ns()
    wall = now - state%opened
    state%total_gpu_time = min(wall, state%convolutions + meter_busy(state%meter, now))
    state%total_idle_time = wall - state%total_gpu_time
  end subroutine account
end module gpu_async_executor
