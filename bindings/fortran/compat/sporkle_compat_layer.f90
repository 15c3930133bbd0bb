! Plans for modules that submit on their own buffers.
! SPDX-License-Identifier: MIT
module sporkle_compat_layer
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_null_ptr, c_ptr
  use kinds, only: i64, sp
  use sporkle_c
  use sporkle_compat_conv2d, only: address_of, conv2d_check, conv2d_shape
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_session, only: session_devices, session_drop, session_retain
  use sporkle_compat_text, only: last_error_text, warn_once
  implicit none
  private
  public :: make_plan

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
end module sporkle_compat_layer
