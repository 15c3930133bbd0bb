! The function table of sporkle.h, for programs that load the library at run
! time: the components are in the order of struct sporkle_api.
! SPDX-License-Identifier: MIT
module sporkle_c_table
  use, intrinsic :: iso_c_binding, only: c_funptr, c_int64_t, c_null_funptr
  implicit none
  private
  public :: sporkle_api

  type, bind(C) :: sporkle_api
    integer(c_int64_t) :: struct_size = 0
    type(c_funptr) :: status_name = c_null_funptr
    type(c_funptr) :: last_error = c_null_funptr
    type(c_funptr) :: version = c_null_funptr
    type(c_funptr) :: version_string = c_null_funptr
    type(c_funptr) :: context_desc_init = c_null_funptr
    type(c_funptr) :: context_create = c_null_funptr
    type(c_funptr) :: context_destroy = c_null_funptr
    type(c_funptr) :: shutdown = c_null_funptr
    type(c_funptr) :: option_count = c_null_funptr
    type(c_funptr) :: option_describe = c_null_funptr
    type(c_funptr) :: device_count = c_null_funptr
    type(c_funptr) :: device_describe = c_null_funptr
    type(c_funptr) :: device_property = c_null_funptr
    type(c_funptr) :: device_find = c_null_funptr
    type(c_funptr) :: unavailable_count = c_null_funptr
    type(c_funptr) :: unavailable_describe = c_null_funptr
    type(c_funptr) :: conv2d_desc_init = c_null_funptr
    type(c_funptr) :: conv2d_desc_set = c_null_funptr
    type(c_funptr) :: conv2d_describe = c_null_funptr
    type(c_funptr) :: conv2d_select = c_null_funptr
    type(c_funptr) :: conv2d = c_null_funptr
    type(c_funptr) :: plan_create = c_null_funptr
    type(c_funptr) :: plan_destroy = c_null_funptr
    type(c_funptr) :: plan_describe = c_null_funptr
    type(c_funptr) :: plan_run = c_null_funptr
    type(c_funptr) :: buffer_desc_init = c_null_funptr
    type(c_funptr) :: buffer_create = c_null_funptr
    type(c_funptr) :: buffer_destroy = c_null_funptr
    type(c_funptr) :: buffer_describe = c_null_funptr
    type(c_funptr) :: buffer_data = c_null_funptr
    type(c_funptr) :: buffer_flush = c_null_funptr
    type(c_funptr) :: buffer_invalidate = c_null_funptr
    type(c_funptr) :: plan_submit = c_null_funptr
    type(c_funptr) :: fence_insert = c_null_funptr
    type(c_funptr) :: fence_poll = c_null_funptr
    type(c_funptr) :: fence_wait = c_null_funptr
    type(c_funptr) :: fence_wait_any = c_null_funptr
    type(c_funptr) :: fence_wait_all = c_null_funptr
    type(c_funptr) :: fence_destroy = c_null_funptr
    type(c_funptr) :: executor_desc_init = c_null_funptr
    type(c_funptr) :: executor_create = c_null_funptr
    type(c_funptr) :: executor_destroy = c_null_funptr
    type(c_funptr) :: executor_acquire = c_null_funptr
    type(c_funptr) :: executor_submit = c_null_funptr
    type(c_funptr) :: executor_release = c_null_funptr
    type(c_funptr) :: context_stats = c_null_funptr
    type(c_funptr) :: null_control = c_null_funptr
    type(c_funptr) :: gl_attach = c_null_funptr
    type(c_funptr) :: gl_detach = c_null_funptr
    type(c_funptr) :: gl_hand_over = c_null_funptr
    type(c_funptr) :: gl_take_over = c_null_funptr
    type(c_funptr) :: gl_buffer_name = c_null_funptr
    type(c_funptr) :: gl_buffer_create = c_null_funptr
    type(c_funptr) :: gl_buffer_delete = c_null_funptr
    type(c_funptr) :: gl_buffer_write = c_null_funptr
    type(c_funptr) :: gl_buffer_read = c_null_funptr
    type(c_funptr) :: gl_buffer_bind = c_null_funptr
    type(c_funptr) :: gl_program_create = c_null_funptr
    type(c_funptr) :: gl_program_delete = c_null_funptr
    type(c_funptr) :: gl_program_save = c_null_funptr
    type(c_funptr) :: gl_program_load = c_null_funptr
    type(c_funptr) :: gl_dispatch = c_null_funptr
    type(c_funptr) :: fence_export_fd = c_null_funptr
    type(c_funptr) :: pm4_encode = c_null_funptr
    type(c_funptr) :: pm4_decode = c_null_funptr
    type(c_funptr) :: pm4_validate = c_null_funptr
    type(c_funptr) :: pm4_list_code = c_null_funptr
    type(c_funptr) :: plan_sequence = c_null_funptr
    type(c_funptr) :: plan_prepare = c_null_funptr
    type(c_funptr) :: executor_submit_many = c_null_funptr
    type(c_funptr) :: executor_describe = c_null_funptr
  end type sporkle_api
end module sporkle_c_table
