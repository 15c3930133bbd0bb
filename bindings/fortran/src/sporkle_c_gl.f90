! Functions of sporkle.h in the order of entrypoints.def: OpenGL interop (experimental), what
! came later.
! SPDX-License-Identifier: MIT
module sporkle_c_gl
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_ptr
  implicit none
  private
  public :: sporkle_gl_attach, sporkle_gl_detach, sporkle_gl_hand_over, sporkle_gl_take_over
  public :: sporkle_gl_buffer_name, sporkle_gl_buffer_create, sporkle_gl_buffer_delete
  public :: sporkle_gl_buffer_write, sporkle_gl_buffer_read, sporkle_gl_buffer_bind
  public :: sporkle_gl_program_create, sporkle_gl_program_delete, sporkle_gl_program_save
  public :: sporkle_gl_program_load, sporkle_gl_dispatch
  public :: sporkle_fence_export_fd

  interface
    function sporkle_gl_attach(context, device) bind(C, name="sporkle_gl_attach") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_detach(context, device) bind(C, name="sporkle_gl_detach") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_hand_over(context, device, buffer) bind(C, name="sporkle_gl_hand_over") &
        result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      type(c_ptr), value :: buffer
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_take_over(context, device, buffer) bind(C, name="sporkle_gl_take_over") &
        result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      type(c_ptr), value :: buffer
      integer(c_int32_t) :: status
    end function

    function sporkle_gl_buffer_name(buffer, out_name) bind(C, name="sporkle_gl_buffer_name") &
        result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: buffer
      integer(c_int32_t), intent(inout) :: out_name
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_buffer_create(context, device, size, data, out_name) &
        bind(C, name="sporkle_gl_buffer_create") result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      integer(c_int64_t), value :: size
      type(c_ptr), value :: data
      integer(c_int32_t), intent(inout) :: out_name
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_buffer_delete(context, device, name) &
        bind(C, name="sporkle_gl_buffer_delete") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device, name
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_buffer_write(context, device, name, offset, size, data) &
        bind(C, name="sporkle_gl_buffer_write") result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device, name
      integer(c_int64_t), value :: offset, size
      type(c_ptr), value :: data
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_buffer_read(context, device, name, offset, size, data) &
        bind(C, name="sporkle_gl_buffer_read") result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device, name
      integer(c_int64_t), value :: offset, size
      type(c_ptr), value :: data
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_buffer_bind(context, device, binding, name) &
        bind(C, name="sporkle_gl_buffer_bind") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device, binding, name
      integer(c_int32_t) :: status
    end function

    function sporkle_gl_program_create(context, device, source, length, out_program) &
        bind(C, name="sporkle_gl_program_create") result(status)
      import :: c_char, c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      character(kind=c_char), intent(in) :: source(*)
      integer(c_int64_t), value :: length
      integer(c_int32_t), intent(inout) :: out_program
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_program_delete(context, device, program) &
        bind(C, name="sporkle_gl_program_delete") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device, program
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_program_save(context, device, program, data, capacity, out_size, &
        out_format) bind(C, name="sporkle_gl_program_save") result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device, program
      type(c_ptr), value :: data
      integer(c_int64_t), value :: capacity
      integer(c_int64_t), intent(inout) :: out_size
      integer(c_int32_t), intent(inout) :: out_format
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_program_load(context, device, format, data, size, out_program) &
        bind(C, name="sporkle_gl_program_load") result(status)
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device, format
      type(c_ptr), value :: data
      integer(c_int64_t), value :: size
      integer(c_int32_t), intent(inout) :: out_program
      integer(c_int32_t) :: status
    end function
    function sporkle_gl_dispatch(context, device, program, groups_x, groups_y, groups_z) &
        bind(C, name="sporkle_gl_dispatch") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device, program, groups_x, groups_y, groups_z
      integer(c_int32_t) :: status
    end function
    function sporkle_fence_export_fd(fence, out_fd) bind(C, name="sporkle_fence_export_fd") &
        result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: fence
      integer(c_int32_t), intent(inout) :: out_fd ! -1 after an error; close(2) it
      integer(c_int32_t) :: status
    end function
  end interface
end module sporkle_c_gl
