! Batches of one convolution in three sets of mapped buffers.
!
! prepare_gpu_pipeline makes the sets. The caller fills
! input_buffers(set)%cpu_ptr, submits, and reads output_buffers(set)%cpu_ptr once
! the batch is complete; batch b uses set mod(b - 1, 3) + 1.
! SPDX-License-Identifier: MIT
module gpu_async_pipeline
  use, intrinsic :: iso_c_binding, only: c_associated, c_null_ptr, c_ptr
  use kinds, only: i64, sp
  use sporkle_c, only: sporkle_conv2d_info
  use sporkle_compat_buffer, only: buffer_close, buffer_gl_name, buffer_lend, buffer_open, &
    mapped_buffer
  use sporkle_compat_conv2d, only: conv2d_shape, conv2d_timeout
  use sporkle_compat_layer, only: batch_drop, batch_ended, batch_submit, batch_wait, &
    drop_plan, make_plan
  use sporkle_compat_session, only: holder_cleanup, holder_init, session_holder
  use sporkle_compat_text, only: warn_once
  use sporkle_compat_values, only: put_values
  implicit none
  private
  public :: gl_buffer, gpu_async_state, prepare_gpu_pipeline, release_gpu_pipeline
  public :: submit_gpu_work_async, is_gpu_work_complete, wait_gpu_work

  integer, parameter :: sets = 3

  type :: gl_buffer
    integer :: name = 0               ! of GL; 0 where the memory has none
    integer(i64) :: size = 0          ! bytes
    type(c_ptr) :: cpu_ptr = c_null_ptr
    type(mapped_buffer), private :: memory
  end type gl_buffer

  ! fence_objects counts the submissions of each set; fence_signaled is .false.
  ! for work that failed, even after is_gpu_work_complete says that it ended.
  type :: gpu_async_state
    integer :: fence_objects(sets) = 0
    integer :: current_buffer = 1
    logical :: fence_signaled(sets) = .false.
    type(gl_buffer) :: input_buffers(sets), output_buffers(sets), weight_buffer
    type(c_ptr), private :: fences(sets) = c_null_ptr
    type(c_ptr), private :: plan = c_null_ptr
    integer(i64), private :: timeout_ns = 0
  end type gpu_async_state

  type(session_holder), save :: holder

contains

  function prepare_gpu_pipeline(state, weights, N, C, H, W, K, kernel_size, stride, pad, H_out, &
      W_out) result(success)
    type(gpu_async_state), intent(inout) :: state
    real(sp), intent(in) :: weights(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    logical :: success
    type(sporkle_conv2d_info) :: info
    integer :: i
    call release_gpu_pipeline(state)
    success = holder_init(holder)
    if (.not. success) return
    success = make_plan(conv2d_shape(N, C, H, W, K, kernel_size, stride, pad, H_out, W_out), &
      weights, state%plan, info)
    if (.not. success) then
      call holder_cleanup(holder)
      return
    end if
    state%timeout_ns = conv2d_timeout(info%flops)
    do i = 1, sets
      state%input_buffers(i) = open(info%input_size)
      state%output_buffers(i) = open(info%output_size)
      success = success .and. c_associated(state%input_buffers(i)%cpu_ptr) .and. &
        c_associated(state%output_buffers(i)%cpu_ptr)
    end do
    state%weight_buffer = open(info%weights_size)
    success = success .and. c_associated(state%weight_buffer%cpu_ptr)
    if (success) call put_values(state%weight_buffer%memory, weights(1:info%weights_size / 4))
    if (success) success = buffer_lend(state%weight_buffer%memory)
    if (.not. success) call release_gpu_pipeline(state)
  end function prepare_gpu_pipeline

  subroutine release_gpu_pipeline(state)
    type(gpu_async_state), intent(inout) :: state
    logical :: ignored
    integer :: i
    if (.not. c_associated(state%plan)) return
    do i = 1, sets
      ignored = wait_gpu_work(state, i)
      call batch_drop(state%fences(i))
      call buffer_close(state%input_buffers(i)%memory)
      call buffer_close(state%output_buffers(i)%memory)
    end do
    call buffer_close(state%weight_buffer%memory)
    call drop_plan(state%plan)
    state = gpu_async_state()
    call holder_cleanup(holder)
  end subroutine release_gpu_pipeline

  ! A set that is still busy is waited for; one that does not end in time is not
  ! submitted again.
  subroutine submit_gpu_work_async(state, batch_id)
    type(gpu_async_state), intent(inout) :: state
    integer, intent(in) :: batch_id
    integer :: set
    set = set_of(batch_id)
    if (.not. c_associated(state%plan)) return
    if (.not. wait_gpu_work(state, batch_id)) then
      call warn_once("submit_gpu_work_async: the buffer set is still busy")
      return
    end if
    if (.not. batch_submit(state%plan, state%input_buffers(set)%memory, &
      state%output_buffers(set)%memory, state%fences(set))) return
    state%fence_objects(set) = state%fence_objects(set) + 1
    state%fence_signaled(set) = .false.
    state%current_buffer = mod(set, sets) + 1
  end subroutine submit_gpu_work_async

  ! Does not block; .true. for a set without work.
  function is_gpu_work_complete(state, batch_id) result(complete)
    type(gpu_async_state), intent(inout) :: state
    integer, intent(in) :: batch_id
    logical :: complete
    integer :: set
    set = set_of(batch_id)
    complete = batch_ended(state%fences(set), state%output_buffers(set)%memory, &
      state%fence_signaled(set))
  end function is_gpu_work_complete

  ! Sleeps until the batch is complete; .false. when that takes far longer than
  ! the work can.
  function wait_gpu_work(state, batch_id) result(complete)
    type(gpu_async_state), intent(inout) :: state
    integer, intent(in) :: batch_id
    logical :: complete
    call batch_wait(state%fences(set_of(batch_id)), state%timeout_ns)
    complete = is_gpu_work_complete(state, batch_id)
  end function wait_gpu_work

  pure integer function set_of(batch_id)
    integer, intent(in) :: batch_id
    set_of = modulo(batch_id - 1, sets) + 1
  end function set_of

  function open(size) result(buffer)
    integer(i64), intent(in) :: size
    type(gl_buffer) :: buffer
    buffer%memory = buffer_open(size, 0)
    buffer%size = buffer%memory%size
    buffer%cpu_ptr = buffer%memory%data
    buffer%name = buffer_gl_name(buffer%memory)
  end function open
end module gpu_async_pipeline
