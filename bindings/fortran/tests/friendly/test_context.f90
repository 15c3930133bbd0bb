! Contexts: devices, settings, selection, log, texts, failures of creation.
! SPDX-License-Identifier: MIT
module log_sink
  use sporkle, only: SPORKLE_LOG_ERROR, SPORKLE_LOG_DEBUG
  implicit none
  private
  public :: sink, messages, sane

  integer :: messages = 0
  logical :: sane = .true.

contains

  subroutine sink(level, message)
    integer, intent(in) :: level
    character(len=*), intent(in) :: message

    messages = messages + 1
    if (level < SPORKLE_LOG_ERROR .or. level > SPORKLE_LOG_DEBUG) sane = .false.
    if (len(message) == 0) sane = .false.
  end subroutine sink
end module log_sink

program test_context
  use, intrinsic :: iso_c_binding, only: c_associated
  use, intrinsic :: iso_fortran_env, only: int64
  use log_sink
  use sporkle
  use oracle
  implicit none
  type(sporkle_context_t) :: context
  integer :: stat
  character(len=300) :: errmsg

  call need_default_device()
  errmsg = ""
  call settings()
  call devices()
  call problems()
  call log()
  call texts()
  call references()
  call check(sporkle_shutdown() == SPORKLE_OK, "shutdown")
  call check(.not. c_associated(context%handle()), "destroyed")
  call finish("devices, settings, selection, log and texts of a context")

contains

  subroutine settings()
    type(sporkle_option_t), allocatable :: options(:)
    integer :: i
    logical :: found

    call context%create(device="cpu", threads=2, cpu_isa="scalar", cache_dir="off", &
                        fence_capacity=16, plan_cache_bytes=1048576_int64, enable_null=.true., &
                        log_level=int(SPORKLE_LOG_ERROR), stat=stat, errmsg=errmsg)
    call check(stat == SPORKLE_OK, "create: " // trim(errmsg))
    call context%options(options, stat)
    call check(stat == SPORKLE_OK .and. size(options) > 0, "options")
    found = .false.
    do i = 1, size(options)
      call check(len_trim(options(i)%description) > 0, "description")
      if (options(i)%name /= "SPORKLE_THREADS") cycle
      found = options(i)%value == "2" .and. options(i)%origin == "argument"
    end do
    call check(found, "threads")
    call context%create(device="no such device", stat=stat, errmsg=errmsg)
    call check(stat < 0 .and. .not. context%exists() .and. len_trim(errmsg) > 0, "bad device")
    call context%create(cpu_isa="no such isa")
    call check(context%status() < 0 .and. len(context%message()) > 0, "bad isa")
    call context%create(enable_null=.true., debug=.false., require_gpu=.false.)
    call check(context%status() == SPORKLE_OK, "create again")
  end subroutine settings

  subroutine devices()
    type(sporkle_device_t), allocatable :: list(:)
    type(sporkle_property_t), allocatable :: properties(:)
    type(sporkle_unavailable_t), allocatable :: missing(:)
    integer :: i, device

    call context%devices(list, stat)
    call check(stat == SPORKLE_OK .and. size(list) >= 2, "devices")
    call check(list(1)%kind == SPORKLE_DEVICE_KIND_CPU .and. list(1)%spec == "cpu", "device 0")
    call check(count(list%is_default) <= 1, "one default")
    do i = 1, size(list)
      call check(list(i)%index == i - 1 .and. len_trim(list(i)%name) > 0 &
                 .and. len_trim(list(i)%driver) > 0, "device")
      call context%find_device(trim(list(i)%spec), device, stat)
      call check(stat == SPORKLE_OK .and. device == i - 1, "find")
      call context%properties(i - 1, properties, stat)
      call check(stat == SPORKLE_OK, "properties")
      call check(all(len_trim(properties%key) > 0), "keys")
      if (list(i)%kind == SPORKLE_DEVICE_KIND_NULL) call check(list(i)%simulated, "simulated")
      if (list(i)%kind == SPORKLE_DEVICE_KIND_CPU) call check(.not. list(i)%software, "software")
    end do
    call context%find_device("gl:77", device, stat, errmsg)
    call check(stat < 0 .and. len_trim(errmsg) > 0, "not there")
    call context%find_device("auto", device, stat)
    call check(stat == SPORKLE_OK .and. device == SPORKLE_DEVICE_AUTO, "auto")
    call context%properties(99, properties, stat)
    call check(stat < 0 .and. size(properties) == 0, "no properties")
    call context%unavailable(missing, stat)
    call check(stat == SPORKLE_OK, "unavailable")
    do i = 1, size(missing)
      call check(len_trim(missing(i)%backend) > 0 .and. len_trim(missing(i)%reason) > 0, "reason")
    end do
  end subroutine devices

  subroutine problems()
    type(sporkle_problem_t) :: problem
    type(sporkle_problem_info_t) :: info
    integer :: device

    problem = sporkle_problem(n=1_int64, c=3_int64, h=224_int64, w=224_int64, k=64_int64, &
                              kernel=7_int64, stride=2_int64, padding=3_int64)
    call problem%describe(info, stat)
    call check(stat == SPORKLE_OK .and. info%out_h == 112 .and. info%out_w == 112, "describe")
    call check(info%flops == 236027904 .and. info%input_size == 602112, "sizes")
    call context%select(problem, device, stat=stat)
    call check(stat == SPORKLE_OK .and. device >= 0, "select")
    call context%select(problem, device, device=0, stat=stat)
    call check(stat == SPORKLE_OK .and. device == 0, "select cpu")
    problem%groups = 2
    call problem%describe(info, stat, errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT .and. index(errmsg, "groups") > 0, "groups")
    problem = sporkle_problem(huge(1_int64), 3_int64, 3_int64, 3_int64, 3_int64, 3_int64)
    call context%select(problem, device, stat=stat)
    call check(stat == SPORKLE_ERROR_OVERFLOW, "overflow")
  end subroutine problems

  ! Debug mode reports what was not destroyed.
  subroutine log()
    type(sporkle_context_t) :: noisy
    type(sporkle_buffer_t) :: leak
    procedure(sporkle_log_handler), pointer :: handler

    handler => sink
    call noisy%create(debug=.true., log=handler, log_level=int(SPORKLE_LOG_DEBUG), stat=stat)
    call check(stat == SPORKLE_OK, "create with log")
    call leak%create(noisy, 64_int64)
    call noisy%destroy()
    call check(messages > 0 .and. sane, "messages")
  end subroutine log

  subroutine texts()
    type(sporkle_context_t) :: nothing
    type(sporkle_stats_t) :: stats

    call check(sporkle_status_text(int(SPORKLE_ERROR_BUSY)) == "SPORKLE_ERROR_BUSY", "status text")
    call check(sporkle_version() == SPORKLE_HEADER_VERSION, "version")
    call check(len(sporkle_version_text()) >= 5, "version text")
    call nothing%stats(stats, stat)
    call check(stat == SPORKLE_ERROR_INVALID_HANDLE .and. len(sporkle_error_text()) > 0, "text")
    call context%null_control(0, SPORKLE_NULL_ADVANCE, 1_int64, 0_int64, stat, errmsg)
    call check(stat == SPORKLE_ERROR_INVALID_ARGUMENT, "not a null device")
    call context%stats(stats, stat)
    call check(stat == SPORKLE_OK .and. stats%conv2d_calls == 0, "stats")
  end subroutine texts

  subroutine references()
    type(sporkle_context_t) :: reference
    type(sporkle_stats_t) :: stats

    reference = context
    call reference%stats(stats)
    call check(reference%status() == SPORKLE_OK, "a copy refers")
    call context%destroy()
    call reference%stats(stats)
    call check(reference%status() == SPORKLE_ERROR_INVALID_HANDLE, "a stale copy is refused")
  end subroutine references
end program test_context
