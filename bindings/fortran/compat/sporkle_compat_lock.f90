! A mutex that works for OpenMP and for any other threads of the caller, without
! linking an OpenMP runtime.
! SPDX-License-Identifier: MIT
module sporkle_compat_lock
  use, intrinsic :: iso_c_binding, only: c_int, c_int64_t
  implicit none
  private
  public :: mutex, lock, unlock

  ! 64 bytes hold a pthread_mutex_t on every 64-bit Linux; all zero is the
  ! initial state there.
  type, bind(C) :: mutex
    integer(c_int64_t) :: words(8) = 0
  end type mutex

  interface
    function pthread_mutex_lock(m) bind(C, name="pthread_mutex_lock") result(error)
      import :: c_int, mutex
      type(mutex), intent(inout) :: m
      integer(c_int) :: error
    end function pthread_mutex_lock
    function pthread_mutex_unlock(m) bind(C, name="pthread_mutex_unlock") result(error)
      import :: c_int, mutex
      type(mutex), intent(inout) :: m
      integer(c_int) :: error
    end function pthread_mutex_unlock
  end interface

contains

  subroutine lock(m)
    type(mutex), intent(inout) :: m
    integer(c_int) :: ignored
    ignored = pthread_mutex_lock(m)
  end subroutine lock

  subroutine unlock(m)
    type(mutex), intent(inout) :: m
    integer(c_int) :: ignored
    ignored = pthread_mutex_unlock(m)
  end subroutine unlock
end module sporkle_compat_lock
