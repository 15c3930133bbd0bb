! Functions of sporkle.h in its order: problems, the one-call form, plans, buffers.
! SPDX-License-Identifier: MIT
module sporkle_c_conv2d
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t, c_ptr
  use sporkle_c_types, only: &
    sporkle_conv2d_desc, sporkle_conv2d_info, sporkle_conv2d_result, &
    sporkle_plan_info, sporkle_buffer_desc, sporkle_buffer_info, &
    sporkle_plan_bindings
  implicit none
  private
  public :: sporkle_conv2d_desc_init, sporkle_conv2d_desc_set, sporkle_conv2d_describe
  public :: sporkle_conv2d_select, sporkle_conv2d, sporkle_plan_create, sporkle_plan_destroy
  public :: sporkle_plan_describe, sporkle_plan_run, sporkle_buffer_desc_init
  public :: sporkle_buffer_create, sporkle_buffer_destroy, sporkle_buffer_describe
  public :: sporkle_buffer_data, sporkle_buffer_flush, sporkle_buffer_invalidate
  public :: sporkle_plan_submit

  interface
    subroutine sporkle_conv2d_desc_init(desc) bind(C, name="sporkle_conv2d_desc_init")
      import :: sporkle_conv2d_desc
      type(sporkle_conv2d_desc), intent(inout) :: desc
    end subroutine
    subroutine sporkle_conv2d_desc_set(desc, n, c, h, w, k, kernel, stride, padding) &
        bind(C, name="sporkle_conv2d_desc_set")
      import :: c_int64_t, sporkle_conv2d_desc
      type(sporkle_conv2d_desc), intent(inout) :: desc
      integer(c_int64_t), value :: n, c, h, w, k, kernel, stride, padding
    end subroutine
    function sporkle_conv2d_describe(desc, out_info) bind(C, name="sporkle_conv2d_describe") &
        result(status)
      import :: c_int32_t, sporkle_conv2d_desc, sporkle_conv2d_info
      type(sporkle_conv2d_desc), intent(in) :: desc
      type(sporkle_conv2d_info), intent(inout) :: out_info
      integer(c_int32_t) :: status
    end function
    function sporkle_conv2d_select(context, device, desc, out_device) &
        bind(C, name="sporkle_conv2d_select") result(status)
      import :: c_int32_t, c_ptr, sporkle_conv2d_desc
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      type(sporkle_conv2d_desc), intent(in) :: desc
      integer(c_int32_t), intent(inout), optional :: out_device
      integer(c_int32_t) :: status
    end function
    function sporkle_conv2d(context, device, desc, input, weights, bias, residual, output, &
        out_result) bind(C, name="sporkle_conv2d") result(status)
      import :: c_int32_t, c_ptr, sporkle_conv2d_desc, sporkle_conv2d_result
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      type(sporkle_conv2d_desc), intent(in) :: desc
      type(c_ptr), value :: input, weights, bias, residual, output
      type(sporkle_conv2d_result), intent(inout), optional :: out_result
      integer(c_int32_t) :: status
    end function

    function sporkle_plan_create(context, device, desc, weights, bias, out_plan) &
        bind(C, name="sporkle_plan_create") result(status)
      import :: c_int32_t, c_ptr, sporkle_conv2d_desc
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      type(sporkle_conv2d_desc), intent(in) :: desc
      type(c_ptr), value :: weights, bias
      type(c_ptr), intent(out) :: out_plan
      integer(c_int32_t) :: status
    end function
    function sporkle_plan_destroy(plan) bind(C, name="sporkle_plan_destroy") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: plan
      integer(c_int32_t) :: status
    end function
    function sporkle_plan_describe(plan, out_info) bind(C, name="sporkle_plan_describe") &
        result(status)
      import :: c_int32_t, c_ptr, sporkle_plan_info
      type(c_ptr), value :: plan
      type(sporkle_plan_info), intent(inout) :: out_info
      integer(c_int32_t) :: status
    end function
    function sporkle_plan_run(plan, input, residual, output, out_result) &
        bind(C, name="sporkle_plan_run") result(status)
      import :: c_int32_t, c_ptr, sporkle_conv2d_result
      type(c_ptr), value :: plan, input, residual, output
      type(sporkle_conv2d_result), intent(inout), optional :: out_result
      integer(c_int32_t) :: status
    end function

    subroutine sporkle_buffer_desc_init(desc) bind(C, name="sporkle_buffer_desc_init")
      import :: sporkle_buffer_desc
      type(sporkle_buffer_desc), intent(inout) :: desc
    end subroutine
    function sporkle_buffer_create(context, desc, out_buffer) &
        bind(C, name="sporkle_buffer_create") result(status)
      import :: c_int32_t, c_ptr, sporkle_buffer_desc
      type(c_ptr), value :: context
      type(sporkle_buffer_desc), intent(in) :: desc
      type(c_ptr), intent(out) :: out_buffer
      integer(c_int32_t) :: status
    end function
    function sporkle_buffer_destroy(buffer) bind(C, name="sporkle_buffer_destroy") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: buffer
      integer(c_int32_t) :: status
    end function
    function sporkle_buffer_describe(buffer, out_info) bind(C, name="sporkle_buffer_describe") &
        result(status)
      import :: c_int32_t, c_ptr, sporkle_buffer_info
      type(c_ptr), value :: buffer
      type(sporkle_buffer_info), intent(inout) :: out_info
      integer(c_int32_t) :: status
    end function
    function sporkle_buffer_data(buffer, out_data) bind(C, name="sporkle_buffer_data") &
        result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: buffer
      type(c_ptr), intent(out) :: out_data
      integer(c_int32_t) :: status
    end function
    function sporkle_buffer_flush(buffer, offset, size) bind(C, name="sporkle_buffer_flush") &
        result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: buffer
      integer(c_int64_t), value :: offset, size
      integer(c_int32_t) :: status
    end function
    function sporkle_buffer_invalidate(buffer, offset, size) &
        bind(C, name="sporkle_buffer_invalidate") result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: buffer
      integer(c_int64_t), value :: offset, size
      integer(c_int32_t) :: status
    end function
    function sporkle_plan_submit(plan, bindings, out_fence) bind(C, name="sporkle_plan_submit") &
        result(status)
      import :: c_int32_t, c_ptr, sporkle_plan_bindings
      type(c_ptr), value :: plan
      type(sporkle_plan_bindings), intent(in) :: bindings
      type(c_ptr), intent(out) :: out_fence
      integer(c_int32_t) :: status
    end function
  end interface
end module sporkle_c_conv2d
