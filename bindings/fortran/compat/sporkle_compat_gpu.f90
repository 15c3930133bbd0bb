! Init and cleanup of the historic GPU modules: counted, one by one per module.
! SPDX-License-Identifier: MIT
module sporkle_compat_gpu
  use, intrinsic :: iso_c_binding, only: c_ptr
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_gl, only: gl_attach, gl_detach
  use sporkle_compat_session, only: holder_cleanup, holder_enter, holder_init, session_devices, &
    session_drop, session_holder
  use sporkle_compat_text, only: say
  implicit none
  private
  public :: gpu_user, gpu_start, gpu_stop, gpu_started, gpu_present

  type :: gpu_user
    type(session_holder) :: holder
    integer :: starts = 0
  end type gpu_user

contains

  ! .false. without a GPU in use. Also makes a GL context of the library's share
  ! group current on the calling thread when none is.
  logical function gpu_start(user)
    type(gpu_user), intent(inout) :: user
    gpu_start = gpu_present(user)
    if (.not. gpu_start) then
      call say("Sporkle: no GPU in use")
      return
    end if
    gpu_start = holder_init(user%holder)
    if (.not. gpu_start) return
    user%starts = user%starts + 1
    call gl_attach()
  end function gpu_start

  subroutine gpu_stop(user)
    type(gpu_user), intent(inout) :: user
    if (user%starts > 0) then
      user%starts = user%starts - 1
      call gl_detach()
    end if
    call holder_cleanup(user%holder)
  end subroutine gpu_stop

  logical function gpu_started(user)
    type(gpu_user), intent(in) :: user
    gpu_started = user%starts > 0
  end function gpu_started

  logical function gpu_present(user)
    type(gpu_user), intent(inout) :: user
    type(device_set) :: set
    type(c_ptr) :: context
    gpu_present = holder_enter(user%holder, context)
    if (.not. gpu_present) return
    set = session_devices()
    gpu_present = set%has_gpu
    call session_drop()
  end function gpu_present
end module sporkle_compat_gpu
