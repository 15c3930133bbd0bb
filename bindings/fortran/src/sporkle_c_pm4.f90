! Functions of sporkle.h in the order of entrypoints.def: AMD packet tools (experimental), what
! came later, function table.
! SPDX-License-Identifier: MIT
module sporkle_c_pm4
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_ptr
  use sporkle_c_types, only: sporkle_conv2d_desc, sporkle_executor_info, sporkle_pm4_info, &
    sporkle_sequence_step
  implicit none
  private
  public :: sporkle_pm4_encode, sporkle_pm4_decode, sporkle_pm4_validate
  public :: sporkle_pm4_list_code, sporkle_plan_sequence, sporkle_plan_prepare
  public :: sporkle_executor_submit_many, sporkle_executor_describe, sporkle_get_api

  interface
    function sporkle_pm4_encode(gfx, desc, image, capacity, out_size, out_info) &
        bind(C, name="sporkle_pm4_encode") result(status)
      import :: c_char, c_int32_t, c_int64_t, c_ptr, sporkle_conv2d_desc, sporkle_pm4_info
      character(kind=c_char), intent(in) :: gfx(*)
      type(sporkle_conv2d_desc), intent(in) :: desc
      type(c_ptr), value :: image
      integer(c_int64_t), value :: capacity
      integer(c_int64_t), intent(out) :: out_size
      type(sporkle_pm4_info), intent(inout), optional :: out_info
      integer(c_int32_t) :: status
    end function
    function sporkle_pm4_decode(gfx, image, size, text, capacity, out_length) &
        bind(C, name="sporkle_pm4_decode") result(status)
      import :: c_char, c_int32_t, c_int64_t, c_ptr
      character(kind=c_char), intent(in), optional :: gfx(*)
      type(c_ptr), value :: image
      integer(c_int64_t), value :: size
      type(c_ptr), value :: text
      integer(c_int64_t), value :: capacity
      integer(c_int64_t), intent(out) :: out_length
      integer(c_int32_t) :: status
    end function
    function sporkle_pm4_validate(image, size) bind(C, name="sporkle_pm4_validate") &
        result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: image
      integer(c_int64_t), value :: size
      integer(c_int32_t) :: status
    end function

    function sporkle_pm4_list_code(gfx, object, size, text, capacity, out_length) &
        bind(C, name="sporkle_pm4_list_code") result(status)
      import :: c_char, c_int32_t, c_int64_t, c_ptr
      character(kind=c_char), intent(in), optional :: gfx(*)
      type(c_ptr), value :: object
      integer(c_int64_t), value :: size
      type(c_ptr), value :: text
      integer(c_int64_t), value :: capacity
      integer(c_int64_t), intent(out) :: out_length
      integer(c_int32_t) :: status
    end function
    function sporkle_plan_sequence(context, device, steps, count, out_plan) &
        bind(C, name="sporkle_plan_sequence") result(status)
      import :: c_int32_t, c_ptr, sporkle_sequence_step
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      type(sporkle_sequence_step), intent(in) :: steps(*)
      integer(c_int32_t), value :: count
      type(c_ptr), intent(out) :: out_plan
      integer(c_int32_t) :: status
    end function
    function sporkle_plan_prepare(context, device, desc, weights, bias, out_plan, out_fence) &
        bind(C, name="sporkle_plan_prepare") result(status)
      import :: c_int32_t, c_ptr, sporkle_conv2d_desc
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      type(sporkle_conv2d_desc), intent(in) :: desc
      type(c_ptr), value :: weights, bias
      type(c_ptr), intent(out) :: out_plan, out_fence
      integer(c_int32_t) :: status
    end function

    function sporkle_executor_submit_many(executor, slots, plans, count, out_fences) &
        bind(C, name="sporkle_executor_submit_many") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: executor
      integer(c_int32_t), intent(in) :: slots(*)
      type(c_ptr), intent(in) :: plans(*)
      integer(c_int32_t), value :: count
      type(c_ptr), intent(out) :: out_fences(*)
      integer(c_int32_t) :: status
    end function
    function sporkle_executor_describe(executor, out_info) &
        bind(C, name="sporkle_executor_describe") result(status)
      import :: c_int32_t, c_ptr, sporkle_executor_info
      type(c_ptr), value :: executor
      type(sporkle_executor_info), intent(inout) :: out_info
      integer(c_int32_t) :: status
    end function

    function sporkle_get_api(major, out_api) bind(C, name="sporkle_get_api") result(status)
      import :: c_int32_t, c_ptr
      integer(c_int32_t), value :: major
      type(c_ptr), intent(out) :: out_api ! a sporkle_api, for c_f_pointer
      integer(c_int32_t) :: status
    end function
  end interface
end module sporkle_c_pm4
