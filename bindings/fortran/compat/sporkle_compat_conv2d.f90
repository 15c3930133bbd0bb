! One convolution of the historic modules: checks, choice of device, the
! synchronous and the asynchronous path, measured rates.
! SPDX-License-Identifier: MIT
module sporkle_compat_conv2d
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_loc, c_null_ptr, c_ptr
  use kinds, only: dp, i64, sp
  use sporkle_c
  use sporkle_compat_clock, only: now_ns, remaining_ns, to_ms
  use sporkle_compat_devices, only: device_facts, device_set
  use sporkle_compat_lock, only: mutex, lock, unlock
  use sporkle_compat_pipe, only: layer, pipe_algorithm, pipe_busy, pipe_close, pipe_collect, &
    pipe_open, pipe_start, pipe_ticket
  use sporkle_compat_session, only: holder_enter, session_devices, session_drop, &
    session_holder, session_number
  use sporkle_compat_text, only: last_error_text, number, say, to_text, verbose, warn_once
  implicit none
  private
  public :: conv2d_shape, conv2d_options, conv2d_run, conv2d_check, conv2d_device, conv2d_rate
  public :: conv2d_timeout, conv2d_report, address_of
  public :: run_auto, run_cpu, run_gpu, on_cpu, on_gpu

  integer, parameter :: run_auto = 0, run_cpu = 1, run_gpu = 2
  integer, parameter :: on_cpu = 1, on_gpu = 2

  ! The integer arguments of every historic call, in their order.
  type :: conv2d_shape
    integer(i64) :: n, c, h, w, k, kernel_size, stride, pad, h_out, w_out
  end type conv2d_shape

  type :: conv2d_options
    integer :: where = run_auto
    logical :: async = .false.
    logical :: device_time = .false.       ! the result is the device's own time where known
    logical :: warn = .false.              ! the caller has no result that could say "failed"
    integer(i64) :: timeout_ns = 0         ! 0: conv2d_timeout
    integer(i64) :: min_gpu_flops = -1     ! below it the CPU; -1: the library's threshold
  end type conv2d_options

  type :: outcome
    integer(c_int32_t) :: status = SPORKLE_ERROR_INTERNAL
    integer(c_int32_t) :: device = 0
    integer(i64) :: elapsed_ns = 0, device_ns = 0
    character(len=64) :: algorithm = ""
  end type outcome

  type(mutex), save :: rate_lock
  real(dp), save :: rates(2) = 0.0_dp

contains

  ! Milliseconds, or -1 with the output untouched.
  real(sp) function conv2d_run(holder, options, shape, input, weights, output, kind) &
      result(time_ms)
    type(session_holder), intent(inout) :: holder
    type(conv2d_options), intent(in) :: options
    type(conv2d_shape), intent(in) :: shape
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(inout), target :: output(:)
    integer, intent(out), optional :: kind ! on_cpu or on_gpu
    type(sporkle_conv2d_desc) :: desc
    type(sporkle_conv2d_info) :: info
    type(outcome) :: done
    type(c_ptr) :: context
    character(len=:), allocatable :: refusal
    time_ms = -1.0_sp
    if (present(kind)) kind = on_cpu
    if (.not. holder_enter(holder, context)) return
    refusal = conv2d_check(shape, size(input, kind=i64), size(weights, kind=i64), &
      size(output, kind=i64), desc, info)
    if (len(refusal) == 0) then
      done = run_packed(context, options, desc, info, input, weights, output)
      if (done%status < 0) refusal = last_error_text()
      if (done%status == SPORKLE_TIMEOUT) refusal = "conv2d: timed out"
      if (done%status == SPORKLE_ERROR_OUT_OF_MEMORY) refusal = "conv2d: out of memory"
    end if
    if (len(refusal) == 0) then
      time_ms = to_ms(done%elapsed_ns)
      if (options%device_time .and. done%device_ns > 0) time_ms = to_ms(done%device_ns)
      call conv2d_report(done%device, done%elapsed_ns, info%flops, done%algorithm)
    else if (options%warn) then
      call warn_once(refusal)
    else
      call say("Sporkle: " // refusal)
    end if
    if (present(kind)) kind = merge(on_cpu, on_gpu, done%device == 0)
    call session_drop()
  end function conv2d_run

  ! Empty when the problem is right and the arrays are large enough, else why not.
  function conv2d_check(shape, input_count, weights_count, output_count, desc, info) result(why)
    type(conv2d_shape), intent(in) :: shape
    integer(i64), intent(in) :: input_count, weights_count, output_count
    type(sporkle_conv2d_desc), intent(out) :: desc
    type(sporkle_conv2d_info), intent(out) :: info
    character(len=:), allocatable :: why
    call sporkle_conv2d_desc_set(desc, shape%n, shape%c, shape%h, shape%w, shape%k, &
      shape%kernel_size, shape%stride, shape%pad)
    if (sporkle_conv2d_describe(desc, info) /= SPORKLE_OK) then
      why = last_error_text()
    else if (info%out_h /= shape%h_out .or. info%out_w /= shape%w_out) then
      why = "conv2d: H_out, W_out: the other arguments give " // number(info%out_h) // " x " // &
        number(info%out_w)
    else if (input_count < info%input_size / 4) then
      why = "conv2d: input: shorter than " // number(info%input_size / 4)
    else if (weights_count < info%weights_size / 4) then
      why = "conv2d: weights: shorter than " // number(info%weights_size / 4)
    else if (output_count < info%output_size / 4) then
      why = "conv2d: output: shorter than " // number(info%output_size / 4)
    else
      why = ""
    end if
  end function conv2d_check

  ! Strided arguments go through packed copies; the output is written back only
  ! when the call succeeded.
  function run_packed(context, options, desc, info, input, weights, output) result(done)
    type(c_ptr), intent(in) :: context
    type(conv2d_options), intent(in) :: options
    type(sporkle_conv2d_desc), intent(in) :: desc
    type(sporkle_conv2d_info), intent(in) :: info
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(inout), target :: output(:)
    type(outcome) :: done
    real(sp), allocatable, target :: input_copy(:), weights_copy(:), output_copy(:)
    type(c_ptr) :: at(3)
    integer :: error
    error = 0
    done%status = SPORKLE_ERROR_OUT_OF_MEMORY
    if (.not. is_contiguous(input)) allocate (input_copy(info%input_size / 4), stat=error)
    if (error /= 0) return
    if (.not. is_contiguous(weights)) allocate (weights_copy(info%weights_size / 4), stat=error)
    if (error /= 0) return
    if (.not. is_contiguous(output)) allocate (output_copy(info%output_size / 4), stat=error)
    if (error /= 0) return
    at(1) = packed_address(input, input_copy)
    at(2) = packed_address(weights, weights_copy)
    if (allocated(output_copy)) then
      at(3) = address_of(output_copy)
    else
      at(3) = address_of(output)
    end if
    done = run_at(context, options, desc, info, at)
    if (done%status == SPORKLE_OK .and. allocated(output_copy)) &
      output(1:info%output_size / 4) = output_copy(:)
  end function run_packed

  function packed_address(values, copy) result(pointer)
    real(sp), intent(in), target :: values(:)
    real(sp), intent(inout), allocatable, target :: copy(:)
    type(c_ptr) :: pointer
    if (allocated(copy)) then
      copy(:) = values(1:size(copy, kind=i64))
      pointer = address_of(copy)
    else
      pointer = address_of(values)
    end if
  end function packed_address

  function run_at(context, options, desc, info, at) result(done)
    type(c_ptr), intent(in) :: context, at(3)
    type(conv2d_options), intent(in) :: options
    type(sporkle_conv2d_desc), intent(in) :: desc
    type(sporkle_conv2d_info), intent(in) :: info
    type(outcome) :: done
    type(sporkle_conv2d_result) :: report
    type(device_set) :: set
    integer(c_int32_t) :: device, chosen
    done%status = conv2d_device(context, options, desc, info, device, chosen)
    if (done%status /= SPORKLE_OK) return
    set = session_devices()
    if (options%async .and. set%async .and. chosen > 0) then
      done%device = chosen
      done%status = run_async(context, options, desc, info, at, chosen, done)
      if (done%status == SPORKLE_OK .or. done%status == SPORKLE_TIMEOUT) return
    end if
    done%status = sporkle_conv2d(context, device, desc, at(1), at(2), c_null_ptr, c_null_ptr, &
      at(3), report)
    ! The caller's threshold chose a device that cannot: the library's fallback.
    if (done%status < 0 .and. options%where == run_auto .and. device > 0) &
      done%status = sporkle_conv2d(context, SPORKLE_DEVICE_AUTO, desc, at(1), at(2), c_null_ptr, &
      c_null_ptr, at(3), report)
    if (done%status /= SPORKLE_OK) return
    done%device = report%device
    done%elapsed_ns = report%elapsed_ns
    done%device_ns = report%device_ns
    done%algorithm = to_text(report%algorithm)
  end function run_at

  ! `device` is what the library is asked for (it may be SPORKLE_DEVICE_AUTO, so
  ! that the library may fall back), `chosen` the device that will compute.
  integer(c_int32_t) function conv2d_device(context, options, desc, info, device, chosen) &
      result(status)
    type(c_ptr), intent(in) :: context
    type(conv2d_options), intent(in) :: options
    type(sporkle_conv2d_desc), intent(in) :: desc
    type(sporkle_conv2d_info), intent(in) :: info
    integer(c_int32_t), intent(out) :: device, chosen
    type(device_set) :: set
    device = SPORKLE_DEVICE_AUTO
    if (options%where == run_cpu) device = 0
    if (options%where == run_gpu .or. options%min_gpu_flops >= 0) then
      set = session_devices()
      if (options%where == run_gpu .and. .not. set%has_gpu) then
        ! Sets the library's text, with the reason when a GPU was required.
        status = sporkle_device_find(context, "gpu" // achar(0), device)
        chosen = 0
        return
      end if
      if (options%where == run_gpu) device = set%gpu%index
      if (options%where == run_auto .and. info%flops < options%min_gpu_flops) device = 0
      if (options%where == run_auto .and. info%flops >= options%min_gpu_flops .and. set%has_gpu) &
        device = set%gpu%index
    end if
    chosen = 0
    status = sporkle_conv2d_select(context, device, desc, chosen)
    if (status == SPORKLE_ERROR_UNSUPPORTED .and. options%where == run_auto) then
      device = SPORKLE_DEVICE_AUTO
      status = sporkle_conv2d_select(context, device, desc, chosen)
    end if
  end function conv2d_device

  integer(c_int32_t) function run_async(context, options, desc, info, at, device, done) &
      result(status)
    type(c_ptr), intent(in) :: context, at(3)
    type(conv2d_options), intent(in) :: options
    type(sporkle_conv2d_desc), intent(in) :: desc
    type(sporkle_conv2d_info), intent(in) :: info
    integer(c_int32_t), intent(in) :: device
    type(outcome), intent(inout) :: done
    type(pipe_ticket) :: ticket
    integer(i64) :: busy, start, timeout
    integer :: pipe
    status = SPORKLE_ERROR_POOL_EXHAUSTED
    pipe = pipe_open(context, layer(session_number(), device, desc, info, at(2)))
    if (pipe == 0) return
    timeout = options%timeout_ns
    if (timeout == 0) timeout = conv2d_timeout(info%flops)
    busy = 0
    if (options%device_time) busy = pipe_busy(pipe)
    start = now_ns()
    status = pipe_start(pipe, at(1), timeout, ticket)
    if (status == SPORKLE_OK) &
      status = pipe_collect(ticket, remaining_ns(start, timeout), at(3))
    done%elapsed_ns = now_ns() - start
    ! Other threads may use the pipe meanwhile.
    if (options%device_time) done%device_ns = min(pipe_busy(pipe) - busy, done%elapsed_ns)
    if (verbose()) done%algorithm = pipe_algorithm(pipe)
    call pipe_close(pipe)
  end function run_async

  ! A hang is told from slow work at 0.1 GFLOP/s, with two seconds to begin with.
  pure integer(i64) function conv2d_timeout(flops)
    integer(i64), intent(in) :: flops
    conv2d_timeout = 2000000000_i64 + 10 * min(flops, 10_i64**17)
  end function conv2d_timeout

  ! Keeps the measured rate and prints the line of a call.
  subroutine conv2d_report(device, elapsed_ns, flops, algorithm)
    integer(c_int32_t), intent(in) :: device
    integer(i64), intent(in) :: elapsed_ns, flops
    character(len=*), intent(in) :: algorithm
    type(device_set) :: set
    type(device_facts) :: used
    real(dp) :: rate
    rate = real(flops, dp) / real(max(elapsed_ns, 1_i64), dp)
    set = session_devices()
    if (device == 0 .or. .not. set%gpu%simulated) then
      call lock(rate_lock)
      rates(merge(on_cpu, on_gpu, device == 0)) = rate
      call unlock(rate_lock)
    end if
    if (.not. verbose()) return
    used = set%cpu
    if (device > 0) used = set%gpu
    call say("Sporkle: conv2d on " // trim(used%name) // " (" // trim(used%api) // ") " // &
      trim(algorithm) // ": " // number(real(elapsed_ns, dp) * 1.0e-6_dp) // " ms, " // &
      number(rate) // " GFLOP/s")
  end subroutine conv2d_report

  ! GFLOP/s of the last successful call on that kind of device; 0 before it.
  real(sp) function conv2d_rate(kind)
    integer, intent(in) :: kind
    call lock(rate_lock)
    conv2d_rate = real(rates(kind), sp)
    call unlock(rate_lock)
  end function conv2d_rate

  function address_of(values) result(pointer)
    real(sp), intent(in), target :: values(:)
    type(c_ptr) :: pointer
    pointer = c_loc(values(1))
  end function address_of
end module sporkle_compat_conv2d
