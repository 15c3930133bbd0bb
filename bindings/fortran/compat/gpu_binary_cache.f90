! Program binaries on disk.
! SPDX-License-Identifier: MIT
module gpu_binary_cache
  use sporkle_compat_disk, only: disk_directory, disk_identifier, disk_load, disk_save
  use sporkle_compat_session, only: holder_cleanup, holder_init, session_holder
  implicit none
  private
  public :: save_program_binary, load_program_binary, get_gpu_identifier, create_cache_directory
  public :: binary_cache_init, binary_cache_cleanup

  type(session_holder), save :: holder

contains

  subroutine binary_cache_init()
    logical :: ignored
    ignored = holder_init(holder)
  end subroutine binary_cache_init

  subroutine binary_cache_cleanup()
    call holder_cleanup(holder)
  end subroutine binary_cache_cleanup

  ! Writes nothing when the driver gives no binary.
  subroutine save_program_binary(program_id, cache_key, cache_dir)
    integer, intent(in) :: program_id
    character(len=*), intent(in) :: cache_key, cache_dir
    integer :: ignored
    ignored = disk_save(program_id, cache_key, cache_dir)
  end subroutine save_program_binary

  ! 0 when there is none for this GPU and driver.
  function load_program_binary(cache_key, cache_dir) result(program_id)
    character(len=*), intent(in) :: cache_key, cache_dir
    integer :: program_id
    program_id = disk_load(cache_key, cache_dir)
  end function load_program_binary

  function get_gpu_identifier() result(identifier)
    character(len=256) :: identifier
    identifier = disk_identifier()
  end function get_gpu_identifier

  subroutine create_cache_directory(dir_path)
    character(len=*), intent(in) :: dir_path
    call disk_directory(dir_path)
  end subroutine create_cache_directory
end module gpu_binary_cache
