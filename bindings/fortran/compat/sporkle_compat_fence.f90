! Fences of the historic modules: two pools (gpu_fence_primitives and _prod) of
! 64 fences of the library each.
! SPDX-License-Identifier: MIT
module sporkle_compat_fence
  use, intrinsic :: iso_c_binding, only: c_associated, c_int32_t, c_intptr_t, c_null_ptr, c_ptr
  use kinds, only: i64
  use sporkle_c
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_gl, only: gl_publish
  use sporkle_compat_lock, only: mutex, lock, unlock
  use sporkle_compat_session, only: session_devices, session_drop, session_retain
  use sporkle_compat_text, only: last_error_text, number, say, warn_once
  implicit none
  private
  public :: gpu_fence, fence_create, fence_wait, fence_poll, fence_is_valid, fence_destroy
  public :: pool_init, pool_cleanup, pool_resize, pool_stats, pointer_of
  public :: plain_pool, prod_pool, ready, timed_out, failed

  integer, parameter :: plain_pool = 1, prod_pool = 2
  integer, parameter :: ready = 0, timed_out = 1, failed = 2

  ! Copies stand for the same fence; after one is destroyed the others answer as
  ! invalid fences do.
  type :: gpu_fence
    integer(c_intptr_t) :: handle = 0
    logical :: is_signaled = .false.
    integer, private :: pool = 0, slot = 0
  end type gpu_fence

  type :: fence_pool
    integer :: capacity = 64, used = 0, next = 1
    logical :: open = .false.
    integer(c_intptr_t), allocatable :: handles(:) ! 0 free, -1 being created
    integer(i64) :: created = 0, destroyed = 0, exhaustions = 0
  end type fence_pool

  type(fence_pool), save :: pools(2)
  type(mutex), save :: pool_lock

contains

  ! A fence behind everything that the device, and the caller's own GL context,
  ! have been told so far. Invalid when the pool is exhausted.
  function fence_create(pool, device) result(fence)
    integer, intent(in) :: pool
    integer(c_int32_t), intent(in), optional :: device
    type(gpu_fence) :: fence
    type(device_set) :: set
    type(c_ptr) :: context, handle
    integer(c_int32_t) :: target_device, status
    integer :: slot
    slot = reserve(pool)
    if (slot == 0) then
      call warn_once("fence pool: all " // number(int(pools(pool)%capacity, i64)) // " in use")
      return
    end if
    status = SPORKLE_ERROR_DEVICE_UNAVAILABLE
    if (session_retain(context)) then
      set = session_devices()
      target_device = merge(set%gpu%index, 0_c_int32_t, set%has_gpu)
      if (present(device)) target_device = device
      call gl_publish(context, target_device)
      status = sporkle_fence_insert(context, target_device, out_fence=handle)
      if (status /= SPORKLE_OK) then
        call warn_once(last_error_text())
        call session_drop()
      end if
    end if
    call lock(pool_lock)
    if (status == SPORKLE_OK) then
      fence%handle = transfer(handle, fence%handle)
      fence%pool = pool
      fence%slot = slot
      pools(pool)%handles(slot) = fence%handle
      pools(pool)%created = pools(pool)%created + 1
    else
      call free_slot(pools(pool), slot)
    end if
    call unlock(pool_lock)
  end function fence_create

  integer function fence_wait(fence, timeout_ns) result(status)
    type(gpu_fence), intent(inout) :: fence
    integer(i64), intent(in) :: timeout_ns
    status = failed
    if (fence%handle == 0) return
    select case (sporkle_fence_wait(pointer_of(fence), timeout_ns))
    case (SPORKLE_OK)
      status = ready
      fence%is_signaled = .true.
    case (SPORKLE_TIMEOUT)
      status = timed_out
    end select
  end function fence_wait

  logical function fence_poll(fence) result(signaled)
    type(gpu_fence), intent(in) :: fence
    signaled = .false.
    if (fence%handle /= 0) signaled = sporkle_fence_poll(pointer_of(fence)) == SPORKLE_OK
  end function fence_poll

  logical function fence_is_valid(fence) result(valid)
    type(gpu_fence), intent(in) :: fence
    valid = .false.
    if (fence%handle /= 0) &
      valid = sporkle_fence_poll(pointer_of(fence)) /= SPORKLE_ERROR_INVALID_HANDLE
  end function fence_is_valid

  subroutine fence_destroy(fence)
    type(gpu_fence), intent(inout) :: fence
    if (fence%handle /= 0) call destroy_handle(fence%pool, fence%slot, fence%handle)
    fence = gpu_fence()
  end subroutine fence_destroy

  subroutine pool_init(pool)
    integer, intent(in) :: pool
    call lock(pool_lock)
    if (.not. pools(pool)%open) call open_pool(pools(pool))
    call unlock(pool_lock)
  end subroutine pool_init

  ! Destroys what is left in the pool.
  subroutine pool_cleanup(pool)
    integer, intent(in) :: pool
    integer :: slot
    integer(c_intptr_t) :: handle
    if (.not. pools(pool)%open) return
    do slot = 1, pools(pool)%capacity
      handle = pools(pool)%handles(slot)
      if (handle /= 0 .and. handle /= -1) call destroy_handle(pool, slot, handle)
    end do
    call lock(pool_lock)
    pools(pool)%open = .false.
    call unlock(pool_lock)
    call say("Sporkle: fence pool: " // number(pools(pool)%created) // " created, " // &
      number(pools(pool)%destroyed) // " destroyed, " // number(pools(pool)%exhaustions) // &
      " times exhausted")
  end subroutine pool_cleanup

  ! Before the pool is opened, or after its cleanup.
  subroutine pool_resize(pool, capacity)
    integer, intent(in) :: pool, capacity
    call lock(pool_lock)
    if (.not. pools(pool)%open) pools(pool)%capacity = max(1, capacity)
    call unlock(pool_lock)
  end subroutine pool_resize

  subroutine pool_stats(pool, created, destroyed, exhaustions, used)
    integer, intent(in) :: pool
    integer(i64), intent(out) :: created, destroyed, exhaustions
    integer, intent(out) :: used
    call lock(pool_lock)
    created = pools(pool)%created
    destroyed = pools(pool)%destroyed
    exhaustions = pools(pool)%exhaustions
    used = pools(pool)%used
    call unlock(pool_lock)
  end subroutine pool_stats

  function pointer_of(fence) result(pointer)
    type(gpu_fence), intent(in) :: fence
    type(c_ptr) :: pointer
    pointer = transfer(fence%handle, c_null_ptr)
  end function pointer_of

  integer function reserve(pool) result(slot)
    integer, intent(in) :: pool
    integer :: i
    slot = 0
    call lock(pool_lock)
    associate (p => pools(pool))
      if (.not. p%open) call open_pool(p)
      do i = 0, p%capacity - 1
        slot = mod(p%next - 1 + i, p%capacity) + 1
        if (p%handles(slot) == 0) exit
        slot = 0
      end do
      if (slot > 0) then
        p%handles(slot) = -1
        p%used = p%used + 1
        p%next = mod(slot, p%capacity) + 1
      else
        p%exhaustions = p%exhaustions + 1
      end if
    end associate
    call unlock(pool_lock)
  end function reserve

  subroutine open_pool(pool)
    type(fence_pool), intent(inout) :: pool
    if (allocated(pool%handles)) deallocate (pool%handles)
    allocate (pool%handles(pool%capacity), source=0_c_intptr_t)
    pool%used = 0
    pool%next = 1
    pool%created = 0
    pool%destroyed = 0
    pool%exhaustions = 0
    pool%open = .true.
  end subroutine open_pool

  subroutine free_slot(pool, slot)
    type(fence_pool), intent(inout) :: pool
    integer, intent(in) :: slot
    pool%handles(slot) = 0
    pool%used = pool%used - 1
  end subroutine free_slot

  ! Only the destroy that the library accepts gives the slot back: a second one
  ! through a copy of the fence is refused there.
  subroutine destroy_handle(pool, slot, handle)
    integer, intent(in) :: pool, slot
    integer(c_intptr_t), intent(in) :: handle
    if (sporkle_fence_destroy(transfer(handle, c_null_ptr)) /= SPORKLE_OK) return
    call lock(pool_lock)
    if (pool > 0) then
      pools(pool)%destroyed = pools(pool)%destroyed + 1
      if (slot <= size(pools(pool)%handles)) then
        if (pools(pool)%handles(slot) == handle) call free_slot(pools(pool), slot)
      end if
    end if
    call unlock(pool_lock)
    call session_drop()
  end subroutine destroy_handle
end module sporkle_compat_fence
