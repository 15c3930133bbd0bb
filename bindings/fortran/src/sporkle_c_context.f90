! Functions of sporkle.h in its order: status, version, context, devices.
! SPDX-License-Identifier: MIT
module sporkle_c_context
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_ptr
  use sporkle_c_types, only: &
    sporkle_context_desc, sporkle_option_info, sporkle_device_info, &
    sporkle_property, sporkle_unavailable_info
  implicit none
  private
  public :: sporkle_status_name, sporkle_last_error, sporkle_version, sporkle_version_string
  public :: sporkle_context_desc_init, sporkle_context_create, sporkle_context_destroy
  public :: sporkle_shutdown, sporkle_option_count, sporkle_option_describe
  public :: sporkle_device_count, sporkle_device_describe, sporkle_device_property
  public :: sporkle_device_find, sporkle_unavailable_count, sporkle_unavailable_describe

  interface
    function sporkle_status_name(status) bind(C, name="sporkle_status_name") result(text)
      import :: c_int32_t, c_ptr
      integer(c_int32_t), value :: status
      type(c_ptr) :: text
    end function
    function sporkle_last_error(buffer, capacity) bind(C, name="sporkle_last_error") result(length)
      import :: c_char, c_int64_t
      character(kind=c_char), intent(inout), optional :: buffer(*)
      integer(c_int64_t), value :: capacity
      integer(c_int64_t) :: length
    end function
    function sporkle_version() bind(C, name="sporkle_version") result(version)
      import :: c_int32_t
      integer(c_int32_t) :: version
    end function
    function sporkle_version_string() bind(C, name="sporkle_version_string") result(text)
      import :: c_ptr
      type(c_ptr) :: text
    end function

    subroutine sporkle_context_desc_init(desc) bind(C, name="sporkle_context_desc_init")
      import :: sporkle_context_desc
      type(sporkle_context_desc), intent(inout) :: desc
    end subroutine
    function sporkle_context_create(desc, out_context) bind(C, name="sporkle_context_create") &
        result(status)
      import :: c_int32_t, c_ptr, sporkle_context_desc
      type(sporkle_context_desc), intent(in), optional :: desc
      type(c_ptr), intent(out) :: out_context
      integer(c_int32_t) :: status
    end function
    function sporkle_context_destroy(context) bind(C, name="sporkle_context_destroy") &
        result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t) :: status
    end function
    function sporkle_shutdown() bind(C, name="sporkle_shutdown") result(status)
      import :: c_int32_t
      integer(c_int32_t) :: status
    end function
    function sporkle_option_count(context, out_count) bind(C, name="sporkle_option_count") &
        result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), intent(inout) :: out_count
      integer(c_int32_t) :: status
    end function
    function sporkle_option_describe(context, index, out_info) &
        bind(C, name="sporkle_option_describe") result(status)
      import :: c_int32_t, c_ptr, sporkle_option_info
      type(c_ptr), value :: context
      integer(c_int32_t), value :: index
      type(sporkle_option_info), intent(inout) :: out_info
      integer(c_int32_t) :: status
    end function

    function sporkle_device_count(context, out_count) bind(C, name="sporkle_device_count") &
        result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), intent(inout) :: out_count
      integer(c_int32_t) :: status
    end function
    function sporkle_device_describe(context, device, out_info) &
        bind(C, name="sporkle_device_describe") result(status)
      import :: c_int32_t, c_ptr, sporkle_device_info
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device
      type(sporkle_device_info), intent(inout) :: out_info
      integer(c_int32_t) :: status
    end function
    function sporkle_device_property(context, device, index, out_property) &
        bind(C, name="sporkle_device_property") result(status)
      import :: c_int32_t, c_ptr, sporkle_property
      type(c_ptr), value :: context
      integer(c_int32_t), value :: device, index
      type(sporkle_property), intent(inout) :: out_property
      integer(c_int32_t) :: status
    end function
    function sporkle_device_find(context, spec, out_device) bind(C, name="sporkle_device_find") &
        result(status)
      import :: c_char, c_int32_t, c_ptr
      type(c_ptr), value :: context
      character(kind=c_char), intent(in) :: spec(*)
      integer(c_int32_t), intent(inout) :: out_device
      integer(c_int32_t) :: status
    end function
    function sporkle_unavailable_count(context, out_count) &
        bind(C, name="sporkle_unavailable_count") result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: context
      integer(c_int32_t), intent(inout) :: out_count
      integer(c_int32_t) :: status
    end function
    function sporkle_unavailable_describe(context, index, out_info) &
        bind(C, name="sporkle_unavailable_describe") result(status)
      import :: c_int32_t, c_ptr, sporkle_unavailable_info
      type(c_ptr), value :: context
      integer(c_int32_t), value :: index
      type(sporkle_unavailable_info), intent(inout) :: out_info
      integer(c_int32_t) :: status
    end function
  end interface
end module sporkle_c_context
