! The selector of the library, with the history of the rates it led to.
! SPDX-License-Identifier: MIT
module sporkle_conv2d_auto_selector
  use kinds, only: dp, i64, sp
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_rate, conv2d_run, conv2d_shape, on_cpu, &
    on_gpu
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_lock, only: lock, mutex, unlock
  use sporkle_compat_session, only: holder_cleanup, holder_init, session_devices, session_holder
  use sporkle_compat_text, only: number, print_text
  implicit none
  private
  public :: conv2d_auto_select, init_auto_selector, cleanup_auto_selector
  public :: get_selector_stats, set_profiling_mode

  type(session_holder), save :: holder
  type(mutex), save :: stats_lock
  integer(i64), save :: calls = 0, failures = 0
  real(dp), save :: total_ms = 0.0_dp
  logical, save :: profiling = .true.

contains

  subroutine init_auto_selector()
    logical :: ignored
    ignored = holder_init(holder)
  end subroutine init_auto_selector

  subroutine cleanup_auto_selector()
    call holder_cleanup(holder)
  end subroutine cleanup_auto_selector

  ! Whether get_selector_stats counts the calls from now on.
  subroutine set_profiling_mode(enabled)
    logical, intent(in) :: enabled
    profiling = enabled
  end subroutine set_profiling_mode

  function conv2d_auto_select(input, weights, output, N, C, H, W, K, kernel_size, stride, pad, &
      H_out, W_out) result(time_ms)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    real(sp) :: time_ms
    time_ms = conv2d_run(holder, conv2d_options(async=.true.), conv2d_shape(N, C, H, W, K, &
      kernel_size, stride, pad, H_out, W_out), input, weights, output)
    if (.not. profiling) return
    call lock(stats_lock)
    calls = calls + 1
    if (time_ms < 0.0_sp) failures = failures + 1
    if (time_ms > 0.0_sp) total_ms = total_ms + real(time_ms, dp)
    call unlock(stats_lock)
  end function conv2d_auto_select

  subroutine get_selector_stats()
    type(device_set) :: set
    set = session_devices()
    call print_text("Selector: " // number(calls) // " convolutions, " // number(failures) // &
      " failed, " // number(total_ms) // " ms in all")
    call print_text("  CPU " // trim(set%cpu%name) // ": " // &
      number(real(conv2d_rate(on_cpu), dp)) // " GFLOP/s")
    call print_text("  GPU " // trim(set%gpu%name) // ": " // &
      number(real(conv2d_rate(on_gpu), dp)) // " GFLOP/s")
  end subroutine get_selector_stats
end module sporkle_conv2d_auto_selector
