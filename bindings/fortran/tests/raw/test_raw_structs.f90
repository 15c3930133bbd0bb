! Every bind(C) type has the size of the C struct and starts with the bytes of
! its *_INIT macro.
! SPDX-License-Identifier: MIT
program test_raw_structs
  use, intrinsic :: iso_c_binding
  use sporkle_c
  implicit none

  interface
    function test_struct_count() bind(C) result(count)
      import :: c_int64_t
      integer(c_int64_t) :: count
    end function
    function test_struct_differs(index, name, size, bytes) bind(C) result(answer)
      import :: c_char, c_int32_t, c_int64_t, c_ptr
      integer(c_int64_t), value :: index, size
      character(kind=c_char), intent(in) :: name(*)
      type(c_ptr), value :: bytes
      integer(c_int32_t) :: answer
    end function
  end interface

  type(sporkle_allocator), target, save :: allocator
  type(sporkle_context_desc), target, save :: context_desc
  type(sporkle_option_info), target, save :: option_info
  type(sporkle_device_info), target, save :: device_info
  type(sporkle_property), target, save :: property
  type(sporkle_unavailable_info), target, save :: unavailable_info
  type(sporkle_conv2d_desc), target, save :: conv2d_desc
  type(sporkle_conv2d_info), target, save :: conv2d_info
  type(sporkle_conv2d_result), target, save :: conv2d_result
  type(sporkle_plan_info), target, save :: plan_info
  type(sporkle_sequence_step), target, save :: sequence_step
  type(sporkle_buffer_desc), target, save :: buffer_desc
  type(sporkle_buffer_info), target, save :: buffer_info
  type(sporkle_binding), target, save :: binding
  type(sporkle_plan_bindings), target, save :: plan_bindings
  type(sporkle_executor_desc), target, save :: executor_desc
  type(sporkle_slot), target, save :: slot
  type(sporkle_stats), target, save :: stats
  type(sporkle_pm4_info), target, save :: pm4_info
  type(sporkle_api), target, save :: api
  integer(c_int64_t) :: checked
  logical :: failed

  checked = 0
  failed = .false.
  call compare("allocator", c_sizeof(allocator), c_loc(allocator))
  call compare("context_desc", c_sizeof(context_desc), c_loc(context_desc))
  call compare("option_info", c_sizeof(option_info), c_loc(option_info))
  call compare("device_info", c_sizeof(device_info), c_loc(device_info))
  call compare("property", c_sizeof(property), c_loc(property))
  call compare("unavailable_info", c_sizeof(unavailable_info), c_loc(unavailable_info))
  call compare("conv2d_desc", c_sizeof(conv2d_desc), c_loc(conv2d_desc))
  call compare("conv2d_info", c_sizeof(conv2d_info), c_loc(conv2d_info))
  call compare("conv2d_result", c_sizeof(conv2d_result), c_loc(conv2d_result))
  call compare("plan_info", c_sizeof(plan_info), c_loc(plan_info))
  call compare("sequence_step", c_sizeof(sequence_step), c_loc(sequence_step))
  call compare("buffer_desc", c_sizeof(buffer_desc), c_loc(buffer_desc))
  call compare("buffer_info", c_sizeof(buffer_info), c_loc(buffer_info))
  call compare("binding", c_sizeof(binding), c_loc(binding))
  call compare("plan_bindings", c_sizeof(plan_bindings), c_loc(plan_bindings))
  call compare("executor_desc", c_sizeof(executor_desc), c_loc(executor_desc))
  call compare("slot", c_sizeof(slot), c_loc(slot))
  call compare("stats", c_sizeof(stats), c_loc(stats))
  call compare("pm4_info", c_sizeof(pm4_info), c_loc(pm4_info))
  call compare("api", c_sizeof(api), c_loc(api))
  if (checked /= test_struct_count()) failed = .true.
  print "(i0,a)", checked, " structs have the size and the default values of the C header"
  if (failed) stop 1

contains

  subroutine compare(name, size, bytes)
    character(len=*), intent(in) :: name
    integer(c_size_t), intent(in) :: size
    type(c_ptr), intent(in) :: bytes
    integer(c_int32_t) :: answer

    answer = test_struct_differs(checked, name // c_null_char, int(size, c_int64_t), bytes)
    if (answer == 1) print "(2a)", name, ": out of order"
    if (answer == 2) print "(2a,i0)", name, ": size differs, here ", size
    if (answer == 3) print "(2a)", name, ": default values differ"
    if (answer /= 0) failed = .true.
    checked = checked + 1
  end subroutine compare
end program test_raw_structs
