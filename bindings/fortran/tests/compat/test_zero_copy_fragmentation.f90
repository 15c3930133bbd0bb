! Buffers of many sizes that come and go in an unfriendly order: contents stay
! apart, and in the end nothing is held.
! SPDX-License-Identifier: MIT
module test_zero_copy_fragmentation_module
  use, intrinsic :: iso_c_binding, only: c_f_pointer, c_ptr
  use kinds
  use compat_check
  use gpu_zero_copy_buffers
  use sporkle_c, only: SPORKLE_OK, sporkle_context_stats, sporkle_stats
  use sporkle_compat_session, only: session_drop, session_retain
  implicit none
  private
  public :: test_zero_copy_fragmentation

  integer, parameter :: slots = 48, rounds = 40

contains

  subroutine test_zero_copy_fragmentation()
    type(unified_buffer), allocatable :: buffers(:)
    type(sporkle_stats) :: stats
    type(c_ptr) :: context
    integer :: round, i
    call check(session_retain(context), "the session")
    allocate (buffers(slots))
    do round = 1, rounds
      do i = 1, slots
        if (mod(i * 7 + round * 5, 3) == 0) call renew(buffers(i), i, round)
      end do
      call look(buffers)
    end do
    do i = 1, slots
      call destroy_unified_buffer(buffers(i))
    end do
    call check(sporkle_context_stats(context, stats) == SPORKLE_OK, "statistics")
    call check(stats%buffer_bytes == 0, "no buffer is left")
    call session_drop()
    call finish("zero copy and fragmentation")
  end subroutine test_zero_copy_fragmentation

  ! Sizes from 256 bytes to 2 MiB that are no powers of two.
  subroutine renew(buffer, index, round)
    type(unified_buffer), intent(inout) :: buffer
    integer, intent(in) :: index, round
    real(sp), pointer :: values(:)
    integer(i64) :: count
    call destroy_unified_buffer(buffer)
    count = 64_i64 * (1 + mod(index * 131_i64 + round * 977_i64, 8191_i64))
    buffer = create_persistent_buffer(4 * count)
    call check(buffer%is_mapped .and. buffer%size == 4 * count, "a buffer of the size asked for")
    if (.not. buffer%is_mapped) return
    call c_f_pointer(buffer%cpu_ptr, values, [count])
    values = real(index, sp)
  end subroutine renew

  subroutine look(buffers)
    type(unified_buffer), intent(in) :: buffers(:)
    real(sp), pointer :: values(:)
    integer :: i
    do i = 1, size(buffers)
      if (.not. buffers(i)%is_mapped) cycle
      call c_f_pointer(buffers(i)%cpu_ptr, values, [buffers(i)%size / 4])
      call check(.not. any(abs(values - real(i, sp)) > 0.0_sp), "each keeps its content")
    end do
  end subroutine look
end module test_zero_copy_fragmentation_module
