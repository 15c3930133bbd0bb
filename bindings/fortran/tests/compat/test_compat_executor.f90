! gpu_async_executor: every public name.
! SPDX-License-Identifier: MIT
program test_compat_executor
  use, intrinsic :: iso_c_binding, only: c_associated, c_intptr_t, c_null_ptr
  use kinds
  use compat_check
  use gpu_async_executor
  use sporkle_compat_fence, only: gpu_fence
  use sporkle_compat_job, only: job_add_download, job_destroy
  use sporkle_compat_meter, only: meter_begin, meter_busy, meter_close, meter_open
  use gpu_opengl_interface, only: gpu_cleanup, gpu_compile_custom_shader_fortran, &
    gpu_get_program_id, gpu_init
  implicit none
  integer, parameter :: N = 1, C = 6, H = 14, W = 14, K = 10, ks = 3
  real(sp), target :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W)
  real(dp), allocatable :: expected(:)
  type(gpu_async_state) :: state
  integer :: i, set_id
  integer(i64) :: opened
  logical :: ignored
  external :: skip_without_device

  call check(MAX_IN_FLIGHT == 3, "MAX_IN_FLIGHT")
  call check(state%current_set == 1 .and. state%weight_buffer == 0 .and. &
    state%compute_program == 0 .and. state%total_gpu_time == 0 .and. state%total_idle_time == 0 &
    .and. state%completed_operations == 0 .and. .not. state%initialized .and. &
    state%max_workgroup_size == 256, "the defaults of the state")
  call check(state%buffer_sets(3)%input_buffer == 0 .and. state%buffer_sets(3)%output_buffer == 0 &
    .and. .not. state%buffer_sets(3)%in_use .and. .not. c_associated(state%buffer_sets(3)%fence) &
    .and. state%buffer_sets(3)%submit_time == 0 .and. state%buffer_sets(3)%complete_time == 0, &
    "the defaults of a buffer set")
  call gpu_async_executor_cleanup(state)
  call skip_without_device()
  call fill(x, 8)
  call fill(weights, 9)
  expected = oracle(x, weights, N, C, H, W, K, ks, 1, 1)
  y = mark
  call gpu_async_conv2d(state, x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
  call check(untouched(y), "nothing happens before init")
  ignored = gpu_init()
  call system_clock(opened)
  call gpu_async_executor_init(state, gpu_get_program_id(), 0)
  call check(state%initialized, "gpu_async_executor_init")
  do i = 1, 100
    y = mark
    call gpu_async_conv2d(state, x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
    call check(close_to(y, expected), "gpu_async_conv2d")
  end do
  call check(state%completed_operations == 100 .and. state%total_gpu_time > 0, "its statistics")
  y = mark
  call gpu_async_conv2d(state, x, weights, y, N, C, H, W, K, ks, 1, 1, H + 1, W)
  call check(untouched(y) .and. state%completed_operations == 100, "a wrong H_out")
  do i = 1, 7
    set_id = gpu_get_next_buffer_set(state)
    call check(set_id == mod(i - 1, 3) + 1, "the sets come in turn")
    call check(gpu_is_work_complete(state, set_id), "an idle set is complete")
    call gpu_wait_for_completion(state, set_id)
  end do
  call own_program()
  if (state%compute_program > 0) call undelivered()
  if (state%compute_program > 0) call load()
  call again()
  call gpu_async_executor_cleanup(state)
  call check(.not. state%initialized, "gpu_async_executor_cleanup")
  call forked()
  call gpu_cleanup()
  call finish("gpu_async_executor")

contains

  ! A program that doubles its input; only where GL names exist.
  subroutine own_program()
    character, parameter :: nl = achar(10)
    real(sp), target :: doubled(256, 8), from(256)
    integer(i64) :: now
    integer :: program, round
    program = gpu_compile_custom_shader_fortran("#version 430 core" // nl // &
      "layout(local_size_x = 64) in;" // nl // &
      "layout(std430, binding = 0) readonly buffer A { float a[]; };" // nl // &
      "layout(std430, binding = 2) writeonly buffer B { float b[]; };" // nl // &
      "void main() { uint i = gl_GlobalInvocationID.x; b[i] = 2.0 * a[i]; }" // nl)
    doubled = mark
    call fill(from, 10)
    state%compute_program = program
    do round = 1, 8
      set_id = gpu_get_next_buffer_set(state)
      call gpu_submit_work_async(state, set_id, from, doubled(:, round), 1024_i64, 1024_i64, 4, &
        1, 1)
      if (program == 0) call check(gpu_is_work_complete(state, set_id), "nothing was submitted")
    end do
    do set_id = 1, MAX_IN_FLIGHT
      call gpu_wait_for_completion(state, set_id)
    end do
    call system_clock(now)
    call check(state%total_gpu_time + state%total_idle_time <= now - opened, &
      "busy and idle time are part of the time that went by")
    call check(state%completed_operations == 100 + merge(8, 0, program > 0), "all are counted")
    do round = 1, 8
      if (program == 0) then
        call check(untouched(doubled(:, round)), "without GL names the output is untouched")
      else
        call check(all(abs(doubled(:, round) - 2.0_sp * from) < 1.0e-6_sp), "own program")
      end if
    end do
  end subroutine own_program

  ! Three small operations, then nothing: idle time goes on although nobody has
  ! waited for them. Then work as long as there is a device to give it to.
  subroutine load()
    integer(i64), parameter :: ms = 1000000
    real(sp), target :: doubled(256, 3), from(256)
    integer(i64) :: busy, idle, before, now
    integer :: round
    call fill(from, 13)
    call system_clock(before)
    busy = state%total_gpu_time
    idle = state%total_idle_time
    do round = 1, 3
      set_id = gpu_get_next_buffer_set(state)
      call gpu_submit_work_async(state, set_id, from, doubled(:, round), 1024_i64, 1024_i64, 4, &
        1, 1)
    end do
    call pause(1)
    do set_id = 1, MAX_IN_FLIGHT
      call gpu_wait_for_completion(state, set_id)
    end do
    call system_clock(now)
    busy = state%total_gpu_time - busy
    idle = state%total_idle_time - idle
    call check(busy > 0 .and. busy < 500 * ms, "three small operations do not fill a second")
    call check(idle > 500 * ms, "the rest of the second is idle")
    call check(busy + idle <= now - opened .and. abs(busy + idle - (now - before)) < 500 * ms, &
      "busy and idle time are the time that went by")
    call heavy(from, doubled)
  end subroutine load

  subroutine heavy(from, doubled)
    real(sp), intent(inout), target :: from(256), doubled(256, 3)
    character, parameter :: nl = achar(10)
    integer(i64) :: busy, before, now
    integer :: round
    state%compute_program = gpu_compile_custom_shader_fortran("#version 430 core" // nl // &
      "layout(local_size_x = 64) in;" // nl // &
      "layout(std430, binding = 0) readonly buffer A { float a[]; };" // nl // &
      "layout(std430, binding = 2) writeonly buffer B { float b[]; };" // nl // &
      "void main() { uint i = gl_GlobalInvocationID.x; float x = a[i];" // nl // &
      "for (int n = 0; n < 1000000; ++n) x = x * 0.5 + a[(i + uint(n)) & 255u]; b[i] = x; }" // nl)
    call system_clock(before)
    busy = state%total_gpu_time
    do round = 1, 6
      set_id = gpu_get_next_buffer_set(state)
      call gpu_submit_work_async(state, set_id, from, doubled(:, mod(round, 3) + 1), 1024_i64, &
        1024_i64, 4, 1, 1)
    end do
    do set_id = 1, MAX_IN_FLIGHT
      call gpu_wait_for_completion(state, set_id)
    end do
    call system_clock(now)
    busy = state%total_gpu_time - busy
    call check(busy <= now - before, "overlapping sets are busy no longer than the time")
    call check(2 * busy > now - before, "a device with work all the time is busy")
  end subroutine heavy

  subroutine pause(seconds)
    use, intrinsic :: iso_c_binding, only: c_int
    integer, intent(in) :: seconds
    integer(c_int) :: left
    interface
      function c_sleep(seconds) bind(C, name="sleep") result(left)
        import :: c_int
        integer(c_int), value :: seconds
        integer(c_int) :: left
      end function c_sleep
    end interface
    left = c_sleep(int(seconds, c_int))
  end subroutine pause

  ! With no room left in the list of outputs the set fails: nobody would write
  ! its output.
  subroutine undelivered()
    real(sp), target :: doubled(256), from(256)
    type(gpu_fence) :: others(1000)
    integer :: before, i, count
    before = state%completed_operations
    call fill(from, 12)
    doubled = mark
    do count = 1, size(others)
      others(count)%handle = 2_c_intptr_t**60 + count
      if (.not. job_add_download(others(count), 0, c_null_ptr, 0_i64)) exit
    end do
    call check(count < size(others), "the list of outputs is full")
    set_id = gpu_get_next_buffer_set(state)
    call gpu_submit_work_async(state, set_id, from, doubled, 1024_i64, 1024_i64, 4, 1, 1)
    call gpu_wait_for_completion(state, set_id)
    call check(untouched(doubled) .and. .not. state%buffer_sets(set_id)%in_use .and. &
      state%completed_operations == before, "a set whose output nobody delivers fails")
    do i = 1, count
      call job_destroy(others(i))
    end do
    call gpu_submit_work_async(state, set_id, from, doubled, 1024_i64, 1024_i64, 4, 1, 1)
    call gpu_wait_for_completion(state, set_id)
    call check(all(abs(doubled - 2.0_sp * from) < 1.0e-6_sp) .and. &
      state%completed_operations == before + 1, "and works again afterwards")
  end subroutine undelivered

  ! An init without a cleanup before: forked() finds a meter that it left open.
  subroutine again()
    real(sp), target :: given_up(256), from(256)
    integer :: program
    program = state%compute_program
    call fill(from, 14)
    given_up = mark
    set_id = gpu_get_next_buffer_set(state)
    call gpu_submit_work_async(state, set_id, from, given_up, 1024_i64, 1024_i64, 4, 1, 1)
    call gpu_async_executor_init(state, program, 7)
    call check(state%initialized .and. state%compute_program == program .and. &
      state%weight_buffer == 7 .and. state%current_set == 1 .and. state%total_gpu_time == 0 .and. &
      state%total_idle_time == 0 .and. state%completed_operations == 0 .and. &
      .not. any(state%buffer_sets%in_use), "a second init begins anew")
    do set_id = 1, MAX_IN_FLIGHT
      call gpu_wait_for_completion(state, set_id)
    end do
    call check(untouched(given_up), "and gives up what was in flight")
  end subroutine again

  ! A child has the parent's pipe, but not the thread at its end.
  subroutine forked()
    use, intrinsic :: iso_c_binding, only: c_int
    integer :: id
    integer(c_int) :: child, status, answer
    interface
      function fork() bind(C, name="fork") result(child)
        import :: c_int
        integer(c_int) :: child
      end function fork
      function alarm(seconds) bind(C, name="alarm") result(left)
        import :: c_int
        integer(c_int), value :: seconds
        integer(c_int) :: left
      end function alarm
      function waitpid(child, status, options) bind(C, name="waitpid") result(ended)
        import :: c_int
        integer(c_int), value :: child, options
        integer(c_int), intent(out) :: status
        integer(c_int) :: ended
      end function waitpid
      subroutine c_exit_now(status) bind(C, name="_exit")
        import :: c_int
        integer(c_int), value :: status
      end subroutine c_exit_now
    end interface
    id = meter_open()
    call check(id == 1, "no meter is left open")
    call check(seen(id), "an end is seen")
    child = fork()
    if (child == 0) then
      answer = alarm(10_c_int)
      call meter_close(id)
      call c_exit_now(0_c_int)
    end if
    call check(child > 0, "fork")
    answer = waitpid(child, status, 0_c_int)
    call check(answer == child .and. status == 0, "a child closes a meter")
    call check(seen(id), "and the parent's ends are seen still")
    call meter_close(id)
  end subroutine forked

  ! Whether the thread sees the end of a fence that is none, and so has ended.
  ! Then it sleeps, and holds no lock.
  logical function seen(id)
    integer, intent(in) :: id
    integer(i64) :: before, now, rate
    call system_clock(before, rate)
    call meter_begin(id, 2_c_intptr_t**60 + 1, before)
    do
      seen = meter_busy(id, huge(before)) == meter_busy(id, 0_i64)
      call system_clock(now)
      if (seen .or. now - before > 10 * rate) return
    end do
  end function seen
end program test_compat_executor
