! gpu_unified_buffers and gpu_zero_copy_buffers: every public name.
! SPDX-License-Identifier: MIT
program test_compat_buffers
  use, intrinsic :: iso_c_binding, only: c_associated, c_f_pointer, c_null_ptr, c_ptr
  use kinds
  use compat_check
  use gpu_unified_buffers
  use sporkle_c, only: SPORKLE_OK, SPORKLE_PLACEMENT_STAGING, sporkle_buffer_describe, &
    sporkle_buffer_info
  use gpu_zero_copy_buffers, only: zero_copy_buffer => unified_buffer, &
    zero_copy_create => create_unified_buffer, create_persistent_buffer, try_create_buffer, &
    create_staging_buffer, zero_copy_destroy => destroy_unified_buffer, GL_MAP_WRITE_BIT, &
    GL_MAP_PERSISTENT_BIT, GL_MAP_COHERENT_BIT
  implicit none
  external :: skip_without_device
  call check(BUFFER_READ_ONLY == 1 .and. BUFFER_WRITE_ONLY == 2 .and. BUFFER_READ_WRITE == 3, &
    "access modes")
  call check(MEMORY_CPU_PREFERRED == 1 .and. MEMORY_GPU_PREFERRED == 2 .and. &
    MEMORY_COHERENT == 3 .and. MEMORY_STREAMING == 4, "memory hints")
  call check(GL_MAP_WRITE_BIT == 2 .and. GL_MAP_PERSISTENT_BIT == 64 .and. &
    GL_MAP_COHERENT_BIT == 128, "map bits")
  call skip_without_device()
  call unified()
  call modes_and_hints()
  call zero_copy()
  call finish("gpu_unified_buffers and gpu_zero_copy_buffers")

contains

  subroutine unified()
    type(unified_buffer) :: buffer
    real(sp), pointer :: mapped(:)
    real(sp) :: singles(8), back(8)
    real(dp) :: doubles(3), doubles_back(3)
    integer(i32) :: words(4), words_back(4)
    type(c_ptr) :: address
    call check(.not. buffer_is_valid(buffer) .and. &
      .not. c_associated(get_buffer_pointer(buffer)), "a new variable is not a buffer")
    back = mark
    call read_buffer(buffer, back)
    call write_buffer(buffer, back)
    call sync_buffer_to_gpu(buffer)
    call sync_buffer_from_gpu(buffer)
    call bind_buffer_to_shader(buffer, 0)
    call check(untouched(back), "reading from it changes nothing")
    buffer = create_unified_buffer(4096_i64, BUFFER_READ_WRITE)
    call check(buffer_is_valid(buffer), "create_unified_buffer")
    address = get_buffer_pointer(buffer)
    call c_f_pointer(address, mapped, [1024])
    call fill(singles, 5)
    call write_buffer(buffer, singles)
    call write_buffer(buffer, singles(1:8:2), offset=64_i64)
    call sync_buffer_to_gpu(buffer)
    call sync_buffer_to_gpu(buffer, 0_i64, 32_i64)
    call sync_buffer_from_gpu(buffer)
    call check(all(abs(mapped(1:8) - singles) < 1.0e-9_sp), "the pointer sees what was written")
    call check(all(abs(mapped(17:20) - singles(1:8:2)) < 1.0e-9_sp), "a strided source")
    call read_buffer(buffer, back)
    call check(all(abs(back - singles) < 1.0e-9_sp), "read_buffer, single")
    back = mark
    call read_buffer(buffer, back(2:8:2))
    call check(all(abs(back(2:8:2) - singles(1:4)) < 1.0e-9_sp) .and. untouched(back(1:7:2)), &
      "a strided destination")
    doubles = [1.0_dp, -2.5_dp, 1.0e200_dp]
    call write_buffer(buffer, doubles, 1001_i64)
    call read_buffer(buffer, doubles_back, 1001_i64)
    call check(all(abs(doubles_back - doubles) <= 0.0_dp), "double, at an odd offset")
    words = [1, -2, huge(0_i32), 0]
    call write_buffer(buffer, words, 4080_i64)
    call read_buffer(buffer, words_back, 4080_i64)
    call check(all(words_back == words), "integer, up to the last byte")
    words_back = 7
    call read_buffer(buffer, words_back, 4081_i64)
    call write_buffer(buffer, words_back, -4_i64)
    call check(all(words_back == 7), "a range outside the buffer is refused")
    call bind_buffer_to_shader(buffer, 0)
    call destroy_unified_buffer(buffer)
    call check(.not. buffer_is_valid(buffer), "destroy_unified_buffer")
    call destroy_unified_buffer(buffer)
    buffer = create_unified_buffer(0_i64, BUFFER_READ_WRITE)
    call check(.not. buffer_is_valid(buffer), "a buffer of 0 bytes is refused")
    buffer = create_unified_buffer(-5_i64, BUFFER_READ_WRITE)
    call check(.not. buffer_is_valid(buffer), "a negative size is refused")
  end subroutine unified

  subroutine modes_and_hints()
    type(unified_buffer) :: buffers(4)
    integer, parameter :: modes(3) = [BUFFER_READ_ONLY, BUFFER_WRITE_ONLY, BUFFER_READ_WRITE]
    integer, parameter :: wrong(5) = [0, -1, 99, huge(0), -huge(0) - 1]
    real(sp) :: value(1)
    integer :: mode, hint
    do mode = 1, 5
      buffers(1) = create_unified_buffer(64_i64, wrong(mode))
      call check(.not. buffer_is_valid(buffers(1)), "a mode that does not exist is refused")
      buffers(1) = create_unified_buffer(64_i64, BUFFER_READ_WRITE, wrong(mode))
      call check(.not. buffer_is_valid(buffers(1)), "a hint that does not exist is refused")
    end do
    buffers(1) = create_unified_buffer(64_i64, 4)
    buffers(2) = create_unified_buffer(64_i64, BUFFER_READ_WRITE, 5)
    call check(.not. buffer_is_valid(buffers(1)) .and. .not. buffer_is_valid(buffers(2)), &
      "the first number behind the constants")
    do mode = 1, 3
      do hint = 1, 4
        buffers(hint) = create_unified_buffer(1000_i64 * hint, modes(mode), hint)
        call check(buffer_is_valid(buffers(hint)), "every mode with every hint")
        if (modes(mode) /= BUFFER_READ_ONLY) call sync_buffer_to_gpu(buffers(hint))
        call sync_buffer_from_gpu(buffers(hint))
        value = mark
        if (modes(mode) == BUFFER_WRITE_ONLY) then
          call read_buffer(buffers(hint), value)
          call check(untouched(value), "a write-only buffer is not read")
        end if
      end do
      do hint = 1, 4
        call destroy_unified_buffer(buffers(hint))
      end do
    end do
  end subroutine modes_and_hints

  subroutine zero_copy()
    type(zero_copy_buffer) :: buffer
    integer, parameter :: all_bits = GL_MAP_WRITE_BIT + GL_MAP_PERSISTENT_BIT + &
      GL_MAP_COHERENT_BIT
    integer :: kind
    do kind = 1, 4
      select case (kind)
      case (1)
        buffer = zero_copy_create(8192_i64, ior(GL_MAP_WRITE_BIT, GL_MAP_PERSISTENT_BIT))
      case (2)
        buffer = create_persistent_buffer(8192_i64)
      case (3)
        buffer = try_create_buffer(8192_i64, all_bits)
        if (maps()) call check(buffer%is_mapped, "try_create_buffer")
        if (buffer%gpu_handle == 0) then
          call check(.not. buffer%is_mapped .and. buffer%size == 0 .and. &
            .not. c_associated(buffer%cpu_ptr), "not mapped, hence no buffer")
          cycle
        end if
      case (4)
        buffer = create_staging_buffer(8192_i64)
      end select
      call check(buffer%size == 8192 .and. buffer%gpu_handle /= 0, &
        "a zero-copy buffer of each kind")
      call truth(buffer, merge(all_bits, GL_MAP_WRITE_BIT, kind == 2 .or. kind == 3))
      call use_memory(buffer%cpu_ptr)
      call zero_copy_destroy(buffer)
      call check(.not. buffer%is_mapped .and. buffer%gpu_handle == 0 .and. buffer%size == 0 .and. &
        .not. c_associated(buffer%cpu_ptr) .and. .not. buffer%is_coherent, "destroyed")
      call zero_copy_destroy(buffer)
    end do
    buffer = create_persistent_buffer(2_i64**60)
    call check(.not. buffer%is_mapped .and. buffer%size == 0, "2^60 bytes are refused")
  end subroutine zero_copy

  ! What the buffer says about itself is what the library says about its memory.
  subroutine truth(buffer, wanted)
    type(zero_copy_buffer), intent(in) :: buffer
    integer, intent(in) :: wanted
    type(sporkle_buffer_info) :: info
    logical :: mapped
    call check(sporkle_buffer_describe(transfer(buffer%gpu_handle, c_null_ptr), info) == &
      SPORKLE_OK, "gpu_handle is a buffer of the library")
    mapped = info%placement /= SPORKLE_PLACEMENT_STAGING
    call check(mapped .eqv. maps(), "mapped where the driver can")
    call check(buffer%is_mapped .eqv. mapped, "is_mapped")
    call check(buffer%is_coherent .eqv. info%coherent == 1, "is_coherent")
    call check(iand(buffer%usage_flags, GL_MAP_WRITE_BIT) /= 0, "its flags")
    if (iand(wanted, GL_MAP_PERSISTENT_BIT) == 0) return
    call check((iand(buffer%usage_flags, GL_MAP_PERSISTENT_BIT) /= 0) .eqv. mapped, "persistent")
    call check((iand(buffer%usage_flags, GL_MAP_COHERENT_BIT) /= 0) .eqv. &
      (mapped .and. info%coherent == 1), "coherent")
  end subroutine truth

  ! .false. where the test took buffer storage away from the driver.
  logical function maps()
    integer :: status
    call get_environment_variable("MESA_EXTENSION_OVERRIDE", status=status)
    maps = status /= 0
  end function maps

  subroutine use_memory(address)
    type(c_ptr), intent(in) :: address
    real(sp), pointer :: values(:)
    call c_f_pointer(address, values, [2048])
    values = 3.0_sp
    call check(abs(sum(values) - 6144.0_sp) < 1.0e-3_sp, "the memory can be used")
  end subroutine use_memory
end program test_compat_buffers
