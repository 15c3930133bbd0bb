! gpu_async_pipeline: every public name.
! SPDX-License-Identifier: MIT
program test_compat_pipeline
  use, intrinsic :: iso_c_binding, only: c_associated, c_f_pointer
  use kinds
  use compat_check
  use gpu_async_pipeline
  implicit none
  integer, parameter :: N = 1, C = 4, H = 12, W = 10, K = 5, ks = 3
  integer, parameter :: batches = 11
  real(sp) :: x(N * C * H * W, batches), weights(K * C * ks * ks)
  type(gpu_async_state) :: state
  type(gl_buffer) :: one
  integer :: b
  external :: skip_without_device

  call check(state%current_buffer == 1 .and. all(state%fence_objects == 0) .and. &
    .not. any(state%fence_signaled), "the defaults of the state")
  call check(one%name == 0 .and. one%size == 0 .and. .not. c_associated(one%cpu_ptr), &
    "the defaults of a buffer")
  call check(is_gpu_work_complete(state, 1), "an idle set is complete")
  call submit_gpu_work_async(state, 1)
  call release_gpu_pipeline(state)
  call skip_without_device()
  call fill(weights, 11)
  call check(.not. prepare_gpu_pipeline(state, weights, N, C, H, W, K, ks, 1, 1, H, W + 1), &
    "a wrong W_out is refused")
  call check(prepare_gpu_pipeline(state, weights, N, C, H, W, K, ks, 1, 1, H, W), "prepare")
  call check(state%input_buffers(1)%size == 4 * N * C * H * W .and. &
    state%output_buffers(3)%size == 4 * N * K * H * W, "the sizes of the buffers")
  call buffers()
  do b = 1, batches
    call fill(x(:, b), 20 + b)
    if (b > 3) call read_batch(b - 3)
    call put(b)
    call submit_gpu_work_async(state, b)
    call check(state%fence_objects(mod(b - 1, 3) + 1) == (b + 2) / 3, "submissions are counted")
  end do
  do b = batches - 2, batches
    call read_batch(b)
  end do
  call release_gpu_pipeline(state)
  call check(state%input_buffers(2)%name == 0 .and. state%weight_buffer%size == 0 .and. &
    .not. c_associated(state%weight_buffer%cpu_ptr), "nothing is left after the release")
  call finish("gpu_async_pipeline")

contains

  ! weight_buffer holds the weights; all buffers have a GL name or none has.
  subroutine buffers()
    real(sp), pointer :: values(:)
    integer :: names(7)
    one = state%weight_buffer
    call check(one%size == 4 * size(weights), "the size of weight_buffer")
    call c_f_pointer(one%cpu_ptr, values, [size(weights)])
    call check(all(abs(values - weights) < 1.0e-9_sp), "weight_buffer holds the weights")
    names = [state%input_buffers%name, state%output_buffers%name, one%name]
    call check(all(names == 0) .or. all(names > 0), "names of GL")
    do b = 1, 6
      call check(names(b) == 0 .or. .not. any(names(b + 1:) == names(b)), "one name, one buffer")
    end do
  end subroutine buffers

  subroutine put(batch)
    integer, intent(in) :: batch
    real(sp), pointer :: values(:)
    call c_f_pointer(state%input_buffers(mod(batch - 1, 3) + 1)%cpu_ptr, values, [size(x, 1)])
    values = x(:, batch)
  end subroutine put

  subroutine read_batch(batch)
    integer, intent(in) :: batch
    real(sp), pointer :: values(:)
    integer :: set
    set = mod(batch - 1, 3) + 1
    if (mod(batch, 2) == 0) call check(wait_gpu_work(state, batch), "wait_gpu_work")
    do while (.not. is_gpu_work_complete(state, batch))
    end do
    call check(state%fence_signaled(set), "the batch is complete")
    call c_f_pointer(state%output_buffers(set)%cpu_ptr, values, [N * K * H * W])
    call check(close_to(values, oracle(x(:, batch), weights, N, C, H, W, K, ks, 1, 1)), &
      "the output of the batch")
  end subroutine read_batch
end program test_compat_pipeline
