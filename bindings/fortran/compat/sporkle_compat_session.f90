! The library context that all compat modules share, and who keeps it alive.
!
! Somebody refers to it: a module between its init (or first use) and its
! cleanup, a live object, a call in progress. The last cleanup ends it, or what
! was still alive then; a use afterwards creates a new one.
! SPDX-License-Identifier: MIT
module sporkle_compat_session
  use, intrinsic :: iso_c_binding, only: c_associated, c_int32_t, c_int64_t, c_null_ptr, c_ptr
  use kinds, only: i64
  use sporkle_c
  use sporkle_compat_devices, only: device_set, find_devices
  use sporkle_compat_lock, only: mutex, lock, unlock
  use sporkle_compat_text, only: last_error_text, number, say, verbose, warn_once
  implicit none
  private
  public :: session_holder, session_retain, session_drop, session_devices, session_number
  public :: holder_init, holder_enter, holder_cleanup

  ! What one historic module holds. Inits are counted; a first use without init
  ! holds the session too, until the module's cleanup.
  type :: session_holder
    private
    integer :: inits = 0
    logical :: held = .false.
  end type session_holder

  ! Fences of both historic pools, of executors and of the caller's own.
  integer(c_int32_t), parameter :: fence_capacity = 4096

  type(mutex), save :: session_lock
  type(c_ptr), save :: session_context = c_null_ptr
  type(device_set), save :: devices
  integer(i64), save :: references = 0, generation = 0
  logical, save :: ending = .false. ! a cleanup came and nobody began anew

contains

  ! .true. with one more reference to the session; .false. when it cannot be
  ! created, with the reason on standard error.
  logical function session_retain(context)
    type(c_ptr), intent(out) :: context
    call lock(session_lock)
    session_retain = add_reference()
    context = session_context
    call unlock(session_lock)
  end function session_retain

  subroutine session_drop()
    call lock(session_lock)
    call remove_reference()
    call unlock(session_lock)
  end subroutine session_drop

  ! An init: counted, one cleanup each.
  logical function holder_init(holder)
    type(session_holder), intent(inout) :: holder
    call lock(session_lock)
    holder_init = hold(holder)
    if (holder_init) holder%inits = holder%inits + 1
    call unlock(session_lock)
  end function holder_init

  ! The start of a call; the session stays until the session_drop at its end.
  logical function holder_enter(holder, context)
    type(session_holder), intent(inout) :: holder
    type(c_ptr), intent(out) :: context
    call lock(session_lock)
    holder_enter = hold(holder)
    if (holder_enter) holder_enter = add_reference()
    context = session_context
    call unlock(session_lock)
  end function holder_enter

  subroutine holder_cleanup(holder)
    type(session_holder), intent(inout) :: holder
    call lock(session_lock)
    holder%inits = max(0, holder%inits - 1)
    if (holder%inits == 0 .and. holder%held) then
      holder%held = .false.
      ending = .true.
      call remove_reference()
    end if
    call unlock(session_lock)
  end subroutine holder_cleanup

  ! The devices of the running session, or of the last one.
  function session_devices() result(set)
    type(device_set) :: set
    call lock(session_lock)
    set = devices
    call unlock(session_lock)
  end function session_devices

  ! Changes whenever the context does: what is kept across calls remembers it.
  integer(i64) function session_number()
    call lock(session_lock)
    session_number = generation
    call unlock(session_lock)
  end function session_number

  logical function hold(holder)
    type(session_holder), intent(inout) :: holder
    if (.not. holder%held) then
      holder%held = add_reference()
      ending = .false.
    end if
    hold = holder%held
  end function hold

  logical function add_reference()
    add_reference = .true.
    if (.not. c_associated(session_context)) add_reference = open_context()
    if (add_reference) references = references + 1
  end function add_reference

  subroutine remove_reference()
    integer(c_int32_t) :: ignored
    references = max(0_i64, references - 1)
    if (references > 0 .or. .not. ending) return
    if (.not. c_associated(session_context)) return
    if (verbose()) call print_statistics()
    ignored = sporkle_context_destroy(session_context)
    session_context = c_null_ptr
  end subroutine remove_reference

  logical function open_context()
    type(sporkle_context_desc) :: desc
    integer(c_int32_t) :: status
    desc%fence_capacity = fence_capacity
    status = sporkle_context_create(desc, session_context)
    open_context = status == SPORKLE_OK
    if (.not. open_context) then
      session_context = c_null_ptr
      call warn_once(last_error_text())
      return
    end if
    ending = .false.
    generation = generation + 1
    devices = find_devices(session_context)
    call say("Sporkle: CPU " // trim(devices%cpu%name) // ", " // &
      number(int(devices%threads, i64)) // " threads")
    if (devices%has_gpu) then
      call say("Sporkle: GPU " // trim(devices%gpu%name) // ", through " // &
        trim(devices%gpu%api))
    else
      call say("Sporkle: no GPU in use")
    end if
  end function open_context

  subroutine print_statistics()
    type(sporkle_stats) :: stats
    if (sporkle_context_stats(session_context, stats) /= SPORKLE_OK) return
    call say("Sporkle statistics")
    call say("  synchronous convolutions   " // number(stats%conv2d_calls) // " done, " // &
      number(stats%conv2d_errors) // " failed")
    call say("  asynchronous submissions   " // number(stats%submits) // " done, " // &
      number(stats%submit_failures) // " failed")
    call say("  fences                     " // number(stats%fences_created) // " created, " // &
      number(stats%wait_timeouts) // " waits timed out")
    call say("  plans                      " // number(stats%plans_created) // " created, " // &
      number(stats%plan_cache_hits) // " cache hits")
    call say("  copied                     " // number(stats%cpu_copied_bytes) // &
      " bytes by the CPU, " // number(stats%gpu_copied_bytes) // " by the GPU")
    call say("  fallbacks to the CPU       " // number(stats%fallbacks))
    call say("  slots set aside            " // number(stats%slots_set_aside))
  end subroutine print_statistics
end module sporkle_compat_session
