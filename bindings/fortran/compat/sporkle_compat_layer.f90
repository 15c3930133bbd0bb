! Plans for modules that submit on their own buffers, and batches in flight.
! SPDX-License-Identifier: MIT
module sporkle_compat_layer
  use, intrinsic :: iso_c_binding, only: c_associated, c_int32_t, c_null_ptr, c_ptr
  use kinds, only: i64, sp
  use sporkle_c
  use sporkle_compat_buffer, only: buffer_flush, buffer_invalidate, mapped_buffer
  use sporkle_compat_conv2d, only: address_of, conv2d_check, conv2d_shape
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_session, only: session_devices, session_drop, session_retain
  use sporkle_compat_text, only: last_error_text, warn_once
  implicit none
  private
  public :: make_plan, drop_plan, batch_submit, batch_ended, batch_wait, batch_drop

contains

  ! A plan on the GPU when there is one, else on the CPU: where buffer_open puts
  ! its buffers.
  logical function make_plan(shape, weights, plan, info)
    type(conv2d_shape), intent(in) :: shape
    real(sp), intent(in) :: weights(:)
    type(c_ptr), intent(out) :: plan
    type(sporkle_conv2d_info), intent(out) :: info
    type(sporkle_conv2d_desc) :: desc
    type(device_set) :: set
    type(c_ptr) :: context
    real(sp), allocatable, target :: packed(:)
    character(len=:), allocatable :: refusal
    plan = c_null_ptr
    make_plan = session_retain(context)
    if (.not. make_plan) return
    refusal = conv2d_check(shape, huge(0_i64), size(weights, kind=i64), huge(0_i64), desc, info)
    if (len(refusal) == 0) then
      set = session_devices()
      packed = weights(1:info%weights_size / 4)
      if (sporkle_plan_create(context, merge(set%gpu%index, 0_c_int32_t, set%has_gpu), desc, &
        address_of(packed), c_null_ptr, plan) /= SPORKLE_OK) refusal = last_error_text()
    end if
    make_plan = len(refusal) == 0
    if (.not. make_plan) call warn_once(refusal)
    call session_drop()
  end function make_plan

  subroutine drop_plan(plan)
    type(c_ptr), intent(inout) :: plan
    integer(c_int32_t) :: ignored
    if (c_associated(plan)) ignored = sporkle_plan_destroy(plan)
    plan = c_null_ptr
  end subroutine drop_plan

  ! The fence is null when nothing was submitted.
  logical function batch_submit(plan, input, output, fence) result(ok)
    type(c_ptr), intent(in) :: plan
    type(mapped_buffer), intent(in) :: input, output
    type(c_ptr), intent(inout) :: fence
    type(sporkle_plan_bindings) :: bindings
    fence = c_null_ptr
    ok = buffer_flush(input, 0_i64, input%size)
    if (.not. ok) return
    bindings%input%buffer = input%handle
    bindings%output%buffer = output%handle
    ok = sporkle_plan_submit(plan, bindings, fence) == SPORKLE_OK
    if (ok) return
    fence = c_null_ptr
    call warn_once(last_error_text())
  end function batch_submit

  ! Does not block. When the batch has ended its fence goes, and `good` says
  ! whether the output is there; without a fence nothing changes.
  logical function batch_ended(fence, output, good) result(ended)
    type(c_ptr), intent(inout) :: fence
    type(mapped_buffer), intent(in) :: output
    logical, intent(inout) :: good
    integer(c_int32_t) :: status
    ended = .true.
    if (.not. c_associated(fence)) return
    status = sporkle_fence_poll(fence)
    ended = status /= SPORKLE_NOT_READY
    if (.not. ended) return
    if (status == SPORKLE_OK) good = buffer_invalidate(output)
    call batch_drop(fence)
  end function batch_ended

  subroutine batch_wait(fence, timeout_ns)
    type(c_ptr), intent(in) :: fence
    integer(i64), intent(in) :: timeout_ns
    integer(c_int32_t) :: ignored
    if (c_associated(fence)) ignored = sporkle_fence_wait(fence, timeout_ns)
  end subroutine batch_wait

  subroutine batch_drop(fence)
    type(c_ptr), intent(inout) :: fence
    integer(c_int32_t) :: ignored
    if (c_associated(fence)) ignored = sporkle_fence_destroy(fence)
    fence = c_null_ptr
  end subroutine batch_drop
end module sporkle_compat_layer
