! gpu_fence_primitives and gpu_fence_primitives_prod: every public name.
! SPDX-License-Identifier: MIT
program test_compat_fences
  use kinds
  use compat_check
  use gpu_fence_primitives
  use gpu_fence_primitives_prod, only: prod_fence => gpu_fence, prod_create => gpu_fence_create, &
    prod_wait => gpu_fence_wait, prod_signaled => gpu_fence_is_signaled, &
    prod_valid => gpu_fence_is_valid, prod_destroy => gpu_fence_destroy, &
    prod_init => gpu_fence_pool_init, prod_cleanup => gpu_fence_pool_cleanup, &
    set_fence_pool_size, get_fence_stats, PROD_READY => FENCE_READY, &
    PROD_TIMEOUT => FENCE_TIMEOUT, PROD_ERROR => FENCE_ERROR, &
    PROD_INFINITE => FENCE_INFINITE_TIMEOUT
  implicit none
  external :: skip_without_device
  integer(i64), parameter :: second = 1000000000_i64

  call check(FENCE_READY == 0 .and. FENCE_TIMEOUT == 1 .and. FENCE_ERROR == 2, "constants")
  call check(PROD_READY == 0 .and. PROD_TIMEOUT == 1 .and. PROD_ERROR == 2, "prod constants")
  call check(FENCE_INFINITE_TIMEOUT == huge(0_i64) .and. FENCE_NO_WAIT == 0_i64 .and. &
    PROD_INFINITE == huge(0_i64), "timeouts")
  call skip_without_device()
  call one_fence()
  call whole_pool()
  call prod_pool_test()
  call finish("gpu_fence_primitives and _prod")

contains

  subroutine one_fence()
    type(gpu_fence) :: fence, copy
    call check(.not. gpu_fence_is_valid(fence) .and. .not. gpu_fence_is_signaled(fence), &
      "a new variable is an invalid fence")
    call check(fence%handle == 0 .and. .not. fence%is_signaled, "its components")
    call check(gpu_fence_wait(fence, FENCE_NO_WAIT) == FENCE_ERROR, "waiting for it is an error")
    call gpu_fence_destroy(fence)
    call gpu_fence_pool_init()
    call gpu_fence_pool_init()
    fence = gpu_fence_create()
    call check(gpu_fence_is_valid(fence) .and. fence%handle /= 0, "gpu_fence_create")
    call check(gpu_fence_wait(fence, FENCE_INFINITE_TIMEOUT) == FENCE_READY, "gpu_fence_wait")
    call check(fence%is_signaled .and. gpu_fence_is_signaled(fence), "it is signalled")
    call check(gpu_fence_wait(fence, FENCE_NO_WAIT) == FENCE_READY, "a poll by waiting")
    copy = fence
    call check(gpu_fence_is_valid(copy), "a copy is the same fence")
    call gpu_fence_destroy(fence)
    call check(.not. gpu_fence_is_valid(fence) .and. .not. gpu_fence_is_valid(copy), &
      "after destroy neither is valid")
    call check(gpu_fence_wait(copy, second) == FENCE_ERROR, "the dangling copy is an error")
    call gpu_fence_destroy(copy)
    call gpu_fence_destroy(fence)
    fence = create_fence()
    call check(wait_fence(fence, second) .and. fence%is_signaled, "create_fence, wait_fence")
    call gpu_fence_destroy(fence)
    call check(.not. wait_fence(fence, second), "wait_fence of an invalid fence")
  end subroutine one_fence

  subroutine whole_pool()
    type(gpu_fence) :: fences(65), one
    integer :: i
    do i = 1, 65
      fences(i) = gpu_fence_create()
    end do
    call check(gpu_fence_is_valid(fences(64)), "64 fences at once")
    call check(.not. gpu_fence_is_valid(fences(65)), "the 65th is invalid")
    call gpu_fence_destroy(fences(10))
    fences(65) = gpu_fence_create()
    call check(gpu_fence_is_valid(fences(65)), "a destroyed one makes room")
    do i = 1, 64
      if (i /= 10) call check(gpu_fence_wait(fences(i), second) == FENCE_READY, "each ends")
      call gpu_fence_destroy(fences(i))
    end do
    call gpu_fence_pool_cleanup()
    call check(.not. gpu_fence_is_valid(fences(65)), "the pool's cleanup ends what is left")
    do i = 1, 1000
      one = gpu_fence_create()
      call gpu_fence_destroy(one)
    end do
    one = gpu_fence_create()
    call check(gpu_fence_is_valid(one), "1000 fences one after the other do not fill the pool")
    call gpu_fence_destroy(one)
    call gpu_fence_pool_cleanup()
  end subroutine whole_pool

  subroutine prod_pool_test()
    type(prod_fence) :: fences(4)
    integer(i64) :: created, destroyed, exhaustions
    integer :: used, i
    call set_fence_pool_size(3)
    call prod_init()
    do i = 1, 4
      fences(i) = prod_create()
    end do
    call check(prod_valid(fences(3)) .and. .not. prod_valid(fences(4)), "prod: a pool of three")
    call check(prod_wait(fences(1), PROD_INFINITE) == PROD_READY, "prod: wait")
    call check(prod_signaled(fences(1)), "prod: signalled")
    call get_fence_stats(created, destroyed, exhaustions, used)
    call check(created == 3 .and. destroyed == 0 .and. exhaustions == 1 .and. used == 3, &
      "prod: counters")
    call prod_destroy(fences(2))
    call get_fence_stats(created, destroyed, exhaustions, used)
    call check(destroyed == 1 .and. used == 2, "prod: counters after destroy")
    call set_fence_pool_size(100)
    fences(2) = prod_create()
    fences(4) = prod_create()
    call check(.not. prod_valid(fences(4)), "prod: an open pool keeps its size")
    call prod_cleanup()
    call prod_init()
    call get_fence_stats(created, destroyed, exhaustions, used)
    call check(created == 0 .and. used == 0, "prod: init resets the counters")
    call prod_cleanup()
  end subroutine prod_pool_test
end program test_compat_fences
