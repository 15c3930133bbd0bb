! The GL program that the historic modules name, and convolution by a program of
! the caller with the same bindings.
! SPDX-License-Identifier: MIT
module sporkle_compat_program
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_loc, c_null_ptr, c_ptr
  use kinds, only: i64, sp
  use sporkle_c, only: sporkle_conv2d_desc, sporkle_conv2d_info
  use sporkle_compat_clock, only: now_ns, to_ms
  use sporkle_compat_conv2d, only: address_of, conv2d_check, conv2d_report, conv2d_shape
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_gl, only: gl_compile, gl_dispatch, gl_drop_buffer, gl_make_buffer, &
    gl_read_buffer
  use sporkle_compat_lock, only: lock, mutex, unlock
  use sporkle_compat_session, only: holder_enter, session_devices, session_drop, session_holder, &
    session_number
  use sporkle_compat_text, only: say
  implicit none
  private
  public :: reference_source, reference_program, program_conv2d

  integer, parameter :: outputs_per_group = 64
  integer(i64), parameter :: most_groups = 65535
  character, parameter :: nl = achar(10)

  type(mutex), save :: program_lock
  integer, save :: program = 0
  integer(i64), save :: program_session = -1

contains

  function reference_source() result(text)
    character(len=:), allocatable :: text
    text = "#version 430 core" // nl // &
      "layout(local_size_x = 64) in;" // nl // &
      "layout(std430, binding = 0) readonly buffer Input { float x[]; };" // nl // &
      "layout(std430, binding = 1) readonly buffer Weights { float weight[]; };" // nl // &
      "layout(std430, binding = 2) writeonly buffer Output { float y[]; };" // nl // &
      "layout(std430, binding = 3) readonly buffer Params {" // nl // &
      "  int N, H, W, C, K, size, stride, pad, H_out, W_out; };" // nl // &
      "void main() {" // nl // &
      "  uint row = gl_NumWorkGroups.x * 64u;" // nl // &
      "  uint id = gl_GlobalInvocationID.y * row + gl_GlobalInvocationID.x;" // nl // &
      "  uint plane = uint(H_out * W_out);" // nl // &
      "  if (id >= uint(N * K) * plane) return;" // nl // &
      "  int q = int(id % plane), k = int(id / plane) % K, n = int(id / plane) / K;" // nl // &
      "  int top = (q / W_out) * stride - pad, left = (q % W_out) * stride - pad;" // nl // &
      "  float sum = 0.0;" // nl // &
      "  for (int c = 0; c < C; ++c)" // nl // &
      "    for (int i = 0; i < size; ++i)" // nl // &
      "      for (int j = 0; j < size; ++j) {" // nl // &
      "        int h = top + i, w = left + j;" // nl // &
      "        if (h < 0 || h >= H || w < 0 || w >= W) continue;" // nl // &
      "        sum += x[((n * C + c) * H + h) * W + w] *" // nl // &
      "               weight[((k * C + c) * size + i) * size + j];" // nl // &
      "      }" // nl // &
      "  y[id] = sum;" // nl // &
      "}" // nl
  end function reference_source

  ! Compiled once per session; 0 when the GPU in use shares no GL context.
  integer function reference_program()
    integer(i64) :: session
    session = session_number()
    call lock(program_lock)
    if (program_session /= session) then
      program = gl_compile(reference_source())
      program_session = session
    end if
    reference_program = program
    call unlock(program_lock)
  end function reference_program

  real(sp) function program_conv2d(holder, id, shape, input, weights, output) result(time_ms)
    type(session_holder), intent(inout) :: holder
    integer, intent(in) :: id
    type(conv2d_shape), intent(in) :: shape
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(inout), target :: output(:)
    type(sporkle_conv2d_desc) :: desc
    type(sporkle_conv2d_info) :: info
    type(device_set) :: set
    type(c_ptr) :: context
    character(len=:), allocatable :: refusal
    integer(i64) :: elapsed
    time_ms = -1.0_sp
    if (.not. holder_enter(holder, context)) return
    refusal = conv2d_check(shape, size(input, kind=i64), size(weights, kind=i64), &
      size(output, kind=i64), desc, info)
    if (len(refusal) == 0 .and. id <= 0) refusal = "conv2d: program_id: not a program"
    if (len(refusal) == 0) then
      elapsed = run(id, shape, info, input, weights, output)
      if (elapsed < 0) then
        refusal = "conv2d: the program could not be run"
      else
        time_ms = to_ms(elapsed)
        set = session_devices()
        call conv2d_report(set%gpu%index, elapsed, info%flops, "custom program")
      end if
    end if
    if (len(refusal) > 0) call say("Sporkle: " // refusal)
    call session_drop()
  end function program_conv2d

  ! Nanoseconds from dispatch to the output's arrival, -1 on failure.
  integer(i64) function run(id, shape, info, input, weights, output) result(elapsed)
    integer, intent(in) :: id
    type(conv2d_shape), intent(in) :: shape
    type(sporkle_conv2d_info), intent(in) :: info
    real(sp), intent(in), target :: input(:), weights(:)
    real(sp), intent(inout), target :: output(:)
    real(sp), allocatable, target :: packed_input(:), packed_weights(:), result(:)
    integer(c_int32_t), target :: params(10)
    integer :: buffers(4), i
    integer(i64) :: groups
    logical :: ok
    elapsed = -1
    groups = (info%output_size / 4 + outputs_per_group - 1) / outputs_per_group
    if (groups > most_groups * most_groups .or. info%output_size / 4 > huge(0)) return
    params = int([shape%n, shape%h, shape%w, shape%c, shape%k, shape%kernel_size, shape%stride, &
      shape%pad, shape%h_out, shape%w_out], c_int32_t)
    packed_input = input(1:info%input_size / 4)
    packed_weights = weights(1:info%weights_size / 4)
    allocate (result(info%output_size / 4))
    buffers = [gl_make_buffer(info%input_size, address_of(packed_input)), &
      gl_make_buffer(info%weights_size, address_of(packed_weights)), &
      gl_make_buffer(info%output_size, c_null_ptr), gl_make_buffer(40_i64, c_loc(params))]
    elapsed = -now_ns()
    ok = all(buffers > 0)
    if (ok) ok = gl_dispatch(id, buffers, int([min(groups, most_groups), &
      (groups + most_groups - 1) / most_groups, 1_i64]))
    if (ok) ok = gl_read_buffer(buffers(3), info%output_size, address_of(result))
    elapsed = elapsed + now_ns()
    if (ok) then
      output(1:size(result, kind=i64)) = result
    else
      elapsed = -1
    end if
    do i = 1, size(buffers)
      call gl_drop_buffer(buffers(i))
    end do
  end function run
end module sporkle_compat_program
