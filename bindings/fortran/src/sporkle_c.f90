! The raw module: every constant, struct and function of sporkle.h, in its
! order, with the C arguments. The comments of sporkle.h hold; module sporkle is
! the friendly form.
!
! A handle is a type(c_ptr) by value. Tensors and pointers that may be NULL are
! type(c_ptr) by value (c_loc or c_null_ptr); a struct or a string that may be
! NULL is an optional argument. Strings end with c_null_char.
! SPDX-License-Identifier: MIT
module sporkle_c
  use sporkle_c_constants
  use sporkle_c_types
  use sporkle_c_context
  use sporkle_c_conv2d
  use sporkle_c_async
  use sporkle_c_gl
  use sporkle_c_pm4
  use sporkle_c_table
  implicit none
  public
end module sporkle_c
