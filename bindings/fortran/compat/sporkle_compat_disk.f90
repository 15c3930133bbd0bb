! Program binaries on disk, one file per GPU and key: dir/gpu/key.bin.
! SPDX-License-Identifier: MIT
module sporkle_compat_disk
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_int8_t, c_null_char, c_ptr
  use kinds, only: i64
  use sporkle_compat_clock, only: now_ns
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_gl, only: gl_program_bytes, gl_program_from_bytes
  use sporkle_compat_session, only: session_devices, session_drop, session_retain
  use sporkle_compat_text, only: number, warn_once
  implicit none
  private
  public :: disk_identifier, disk_save, disk_load, disk_directory, content_hash

  character(len=8), parameter :: magic = "SPKLPB01"

  interface
    function c_mkdir(path, mode) bind(C, name="mkdir") result(error)
      import :: c_char, c_int
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int), value :: mode
      integer(c_int) :: error
    end function c_mkdir
    function c_rename(from, to) bind(C, name="rename") result(error)
      import :: c_char, c_int
      character(kind=c_char), intent(in) :: from(*), to(*)
      integer(c_int) :: error
    end function c_rename
  end interface

contains

  ! The GPU in use as part of a file name; "None" without one.
  function disk_identifier() result(identifier)
    character(len=256) :: identifier
    type(device_set) :: set
    type(c_ptr) :: context
    identifier = "None"
    if (.not. session_retain(context)) return
    set = session_devices()
    if (set%has_gpu) identifier = file_name(trim(set%gpu%name) // "_" // trim(set%gpu%driver))
    call session_drop()
  end function disk_identifier

  ! Bytes written; 0 when the driver gives no binary or the file cannot be written.
  integer function disk_save(program, key, directory) result(written)
    integer, intent(in) :: program
    character(len=*), intent(in) :: key, directory
    integer(c_int8_t), allocatable, target :: bytes(:)
    character(len=256) :: identifier
    character(len=:), allocatable :: place, path, draft
    integer :: unit, error, format
    written = 0
    call gl_program_bytes(program, format, bytes)
    if (size(bytes) == 0) return
    identifier = disk_identifier()
    place = without_slash(directory) // "/" // trim(identifier)
    call disk_directory(place)
    path = place // "/" // file_name(key) // ".bin"
    draft = path // "." // number(now_ns())
    open (newunit=unit, file=draft, access="stream", form="unformatted", status="replace", &
      action="write", iostat=error)
    if (error == 0) then
      write (unit, iostat=error) magic, identifier, format, size(bytes), &
        content_hash(bytes), bytes
      close (unit)
    end if
    if (error == 0) error = c_rename(draft // c_null_char, path // c_null_char)
    if (error == 0) then
      written = size(bytes)
    else
      call warn_once("program cache: cannot write " // path)
    end if
  end function disk_save

  ! 0 when there is no file, or it is damaged, or of another GPU or driver.
  integer function disk_load(key, directory) result(program)
    character(len=*), intent(in) :: key, directory
    integer(c_int8_t), allocatable, target :: bytes(:)
    character(len=256) :: identifier, stored
    character(len=8) :: head
    integer :: unit, error, format, length, file_size
    integer(i64) :: hash
    program = 0
    identifier = disk_identifier()
    open (newunit=unit, file=without_slash(directory) // "/" // trim(identifier) // "/" // &
      file_name(key) // ".bin", access="stream", form="unformatted", status="old", &
      action="read", iostat=error)
    if (error /= 0) return
    read (unit, iostat=error) head, stored, format, length, hash
    inquire (unit, size=file_size)
    if (error == 0 .and. head == magic .and. stored == identifier .and. length > 0 .and. &
      length <= file_size) then
      allocate (bytes(length))
      read (unit, iostat=error) bytes
      if (error == 0) then
        if (content_hash(bytes) == hash) program = gl_program_from_bytes(format, bytes)
      end if
    end if
    close (unit)
  end function disk_load

  ! Creates a directory and its parents.
  subroutine disk_directory(path)
    character(len=*), intent(in) :: path
    character(len=:), allocatable :: place
    integer :: i
    integer(c_int) :: ignored
    logical :: exists
    place = without_slash(path)
    do i = 2, len(place)
      if (place(i:i) == "/") ignored = c_mkdir(place(1:i - 1) // c_null_char, int(o"755", c_int))
    end do
    ignored = c_mkdir(place // c_null_char, int(o"755", c_int))
    inquire (file=place // "/.", exist=exists)
    if (.not. exists) call warn_once("program cache: cannot create " // place)
  end subroutine disk_directory

  ! A check value for bytes; two moduli make an accidental match very unlikely.
  pure integer(i64) function content_hash(bytes)
    integer(c_int8_t), intent(in) :: bytes(:)
    integer(i64) :: a, b
    integer :: i
    a = 1
    b = 2
    do i = 1, size(bytes)
      a = mod(a * 257 + bytes(i) + 128, 2147483647_i64)
      b = mod(b * 263 + bytes(i) + 128, 2147483629_i64)
    end do
    content_hash = a * 2147483648_i64 + b
  end function content_hash

  pure function file_name(text) result(name)
    character(len=*), intent(in) :: text
    character(len=:), allocatable :: name
    integer :: i
    name = trim(text)
    do i = 1, len(name)
      if (verify(name(i:i), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") &
        > 0) name(i:i) = "_"
    end do
  end function file_name

  pure function without_slash(path) result(place)
    character(len=*), intent(in) :: path
    character(len=:), allocatable :: place
    integer :: last
    last = len_trim(path)
    do while (last > 1)
      if (path(last:last) /= "/") exit
      last = last - 1
    end do
    place = path(1:last)
  end function without_slash
end module sporkle_compat_disk
