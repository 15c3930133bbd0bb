! Log messages to a Fortran procedure.
! SPDX-License-Identifier: MIT
module sporkle_logging
  use, intrinsic :: iso_c_binding, only: c_f_procpointer, c_funloc, c_funptr, c_int32_t, &
    c_null_funptr, c_null_ptr, c_ptr
  use sporkle_c, only: sporkle_context_desc
  use sporkle_objects, only: from_c_pointer
  implicit none
  private
  public :: sporkle_log_handler, set_log_handler

  abstract interface
    ! Called from any thread, possibly at the same time from several; may not
    ! call the library. A module procedure or an external one, not an internal
    ! one: it outlives the call that registers it.
    subroutine sporkle_log_handler(level, message)
      integer, intent(in) :: level
      character(len=*), intent(in) :: message
    end subroutine sporkle_log_handler
  end interface

contains

  subroutine set_log_handler(desc, handler)
    type(sporkle_context_desc), intent(inout) :: desc
    procedure(sporkle_log_handler) :: handler

    desc%log = c_funloc(forward)
    desc%log_user = transfer(c_funloc(handler), c_null_ptr)
  end subroutine set_log_handler

  subroutine forward(user, level, message) bind(C, name="")
    type(c_ptr), value :: user
    integer(c_int32_t), value :: level
    type(c_ptr), value :: message
    procedure(sporkle_log_handler), pointer :: handler

    call c_f_procpointer(transfer(user, c_null_funptr), handler)
    call handler(int(level), from_c_pointer(message))
  end subroutine forward
end module sporkle_logging
