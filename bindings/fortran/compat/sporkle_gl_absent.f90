! What the sporkle_gl_* functions answer where libsporkle has none: unsupported.
! Compiled only when sporkle.h does not declare them.
! SPDX-License-Identifier: MIT
module sporkle_gl_absent
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_ptr
  use sporkle_c, only: SPORKLE_ERROR_UNSUPPORTED
  implicit none
  private

contains

  function sporkle_gl_attach(context, device) bind(C, name="sporkle_gl_attach") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_detach(context, device) bind(C, name="sporkle_gl_detach") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_hand_over(context, device) bind(C, name="sporkle_gl_hand_over") &
      result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_take_over(context, device) bind(C, name="sporkle_gl_take_over") &
      result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_buffer_create(context, device, size, data, out_name) &
      bind(C, name="sporkle_gl_buffer_create") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device
    integer(c_int64_t), value :: size
    type(c_ptr), value :: data
    integer(c_int32_t), intent(inout) :: out_name
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_buffer_delete(context, device, name) &
      bind(C, name="sporkle_gl_buffer_delete") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device, name
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_buffer_write(context, device, name, offset, size, data) &
      bind(C, name="sporkle_gl_buffer_write") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device, name
    integer(c_int64_t), value :: offset, size
    type(c_ptr), value :: data
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_buffer_read(context, device, name, offset, size, data) &
      bind(C, name="sporkle_gl_buffer_read") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device, name
    integer(c_int64_t), value :: offset, size
    type(c_ptr), value :: data
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_buffer_name(buffer, out_name) bind(C, name="sporkle_gl_buffer_name") &
      result(status)
    type(c_ptr), value :: buffer
    integer(c_int32_t), intent(inout) :: out_name
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_buffer_bind(context, device, binding, name) &
      bind(C, name="sporkle_gl_buffer_bind") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device, binding, name
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_program_create(context, device, source, length, out_program) &
      bind(C, name="sporkle_gl_program_create") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device
    character(kind=c_char), intent(in) :: source(*)
    integer(c_int64_t), value :: length
    integer(c_int32_t), intent(inout) :: out_program
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_program_delete(context, device, program) &
      bind(C, name="sporkle_gl_program_delete") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device, program
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_program_save(context, device, program, data, capacity, out_size, &
      out_format) bind(C, name="sporkle_gl_program_save") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device, program
    type(c_ptr), value :: data
    integer(c_int64_t), value :: capacity
    integer(c_int64_t), intent(inout) :: out_size
    integer(c_int32_t), intent(inout) :: out_format
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_program_load(context, device, format, data, size, out_program) &
      bind(C, name="sporkle_gl_program_load") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device, format
    type(c_ptr), value :: data
    integer(c_int64_t), value :: size
    integer(c_int32_t), intent(inout) :: out_program
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

  function sporkle_gl_dispatch(context, device, program, groups_x, groups_y, groups_z) &
      bind(C, name="sporkle_gl_dispatch") result(status)
    type(c_ptr), value :: context
    integer(c_int32_t), value :: device, program, groups_x, groups_y, groups_z
    integer(c_int32_t) :: status
    status = SPORKLE_ERROR_UNSUPPORTED
  end function

end module sporkle_gl_absent
