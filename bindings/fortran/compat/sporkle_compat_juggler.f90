! What the three juggling modules share.
! SPDX-License-Identifier: MIT
module sporkle_compat_juggler
  use kinds, only: dp, i64, sp
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_rate, conv2d_run, conv2d_shape, on_cpu, &
    on_gpu
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_session, only: holder_cleanup, holder_init, session_devices, session_holder, &
    session_number
  use sporkle_compat_text, only: number, print_text
  implicit none
  private
  public :: juggler, juggler_report, juggler_init, juggler_cleanup, juggler_info, juggler_run

  type :: juggler
    type(session_holder) :: holder
    logical :: async = .true.
    integer(i64) :: timeout_ns = 0     ! 0: conv2d_timeout
    integer(i64) :: min_gpu_flops = -1 ! -1: the library's threshold
    logical :: talk = .false.
    logical :: unicode = .true.
  end type juggler

  type :: juggler_report
    logical :: gpu_available = .false., fence_support = .false.
    real(sp) :: cpu_gflops = 0.0_sp, gpu_gflops = 0.0_sp
    integer :: cpu_threads = 1
    character(len=256) :: gpu_name = "None"
  end type juggler_report

contains

  subroutine juggler_init(this)
    type(juggler), intent(inout) :: this
    logical :: ignored
    ignored = holder_init(this%holder)
  end subroutine juggler_init

  subroutine juggler_cleanup(this)
    type(juggler), intent(inout) :: this
    call holder_cleanup(this%holder)
  end subroutine juggler_cleanup

  ! The defaults before the first use; afterwards the last session's devices.
  function juggler_info() result(report)
    type(juggler_report) :: report
    type(device_set) :: set
    if (session_number() == 0) return
    set = session_devices()
    report%gpu_available = set%has_gpu
    report%fence_support = .true.
    report%cpu_gflops = conv2d_rate(on_cpu)
    report%gpu_gflops = conv2d_rate(on_gpu)
    report%cpu_threads = set%threads
    report%gpu_name = set%gpu%name
  end function juggler_info

  function juggler_run(this, shape, input, weights, output) result(time_ms)
    type(juggler), intent(inout) :: this
    type(conv2d_shape), intent(in) :: shape
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(inout) :: output(:)
    real(sp) :: time_ms
    type(conv2d_options) :: options
    options%async = this%async
    options%timeout_ns = this%timeout_ns
    options%min_gpu_flops = this%min_gpu_flops
    time_ms = conv2d_run(this%holder, options, shape, input, weights, output)
    if (this%talk) call print_text("Sporkle: conv2d took " // number(real(time_ms, dp)) // " ms")
  end function juggler_run
end module sporkle_compat_juggler
