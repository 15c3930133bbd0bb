! Device profiles and the expected split of work between CPU and GPU.
! SPDX-License-Identifier: MIT
module intelligent_device_juggling
  use, intrinsic :: iso_c_binding, only: c_ptr
  use kinds, only: dp, i64, sp
  use sporkle_compat_conv2d, only: conv2d_options, conv2d_run, conv2d_shape, on_cpu, run_cpu, &
    run_gpu
  use sporkle_compat_devices, only: device_set
  use sporkle_compat_lock, only: lock, mutex, unlock
  use sporkle_compat_machine, only: cache_kib, conv2d_gflops, copy_gb_per_s, gemm_gflops, &
    stream_gb_per_s
  use sporkle_compat_session, only: holder_enter, session_devices, session_drop, session_holder
  use sporkle_compat_split, only: shares
  implicit none
  private
  public :: device_profile, workload_partition, juggling_strategy, juggling_system
  public :: discover_and_profile_devices, optimize_workload_distribution
  public :: execute_intelligent_conv2d

  ! Rates are measured; 0 is "not known", as a GPU's cores and cache are.
  type :: device_profile
    character(len=64) :: device_name = ""
    character(len=32) :: device_type = ""
    real(sp) :: peak_gflops = 0.0_sp, memory_bandwidth_gb = 0.0_sp, cache_size_mb = 0.0_sp
    integer :: cores = 0
    logical :: available = .false.
    real(sp) :: conv2d_gflops = 0.0_sp, gemm_gflops = 0.0_sp, memory_copy_gb = 0.0_sp
    integer :: optimal_tile_size = 64, optimal_batch_size = 1
    real(sp) :: efficiency_ratio = 0.0_sp
  end type device_profile

  type :: workload_partition
    integer :: device_count = 0, cpu_work_percent = 0, gpu_work_percent = 0
    integer :: cpu_batch_size = 1, gpu_batch_size = 1
    logical :: use_cpu = .false., use_gpu = .false.
    real(sp) :: predicted_time_ms = 0.0_sp, predicted_gflops = 0.0_sp
  end type workload_partition

  type :: juggling_strategy
    type(device_profile) :: cpu_profile, gpu_profile
    type(workload_partition) :: current_partition
    integer :: total_runs = 0
    real(sp) :: average_cpu_gflops = 0.0_sp, average_gpu_gflops = 0.0_sp
    real(sp) :: best_combined_gflops = 0.0_sp
    logical :: learning_mode = .true.
    integer :: exploration_runs = 10
  end type juggling_strategy

  type(juggling_strategy), save :: juggling_system
  type(session_holder), save :: holder
  type(mutex), save :: learn_lock

contains

  ! Runs short verified convolutions on each device. A simulated one has no rates.
  subroutine discover_and_profile_devices(strategy)
    type(juggling_strategy), intent(inout) :: strategy
    type(device_set) :: set
    type(c_ptr) :: context
    real(dp) :: best, usual
    if (.not. holder_enter(holder, context)) return
    set = session_devices()
    strategy%cpu_profile = device_profile(device_name=set%cpu%name(1:64), device_type="CPU", &
      available=.true., cores=set%threads, cache_size_mb=real(cache_kib(3), sp) / 1024.0_sp)
    call measure(strategy%cpu_profile, run_cpu)
    call copy_gb_per_s(best, usual)
    strategy%cpu_profile%memory_bandwidth_gb = max(strategy%cpu_profile%memory_bandwidth_gb, &
      real(best, sp))
    strategy%gpu_profile = device_profile()
    if (set%has_gpu) then
      strategy%gpu_profile%device_name = set%gpu%name(1:64)
      strategy%gpu_profile%device_type = "GPU"
      strategy%gpu_profile%available = .true.
      if (.not. set%gpu%simulated) call measure(strategy%gpu_profile, run_gpu)
    end if
    call session_drop()
  end subroutine discover_and_profile_devices

  ! The peak is the highest rate that the device was seen at.
  subroutine measure(profile, where)
    type(device_profile), intent(inout) :: profile
    integer, intent(in) :: where
    profile%conv2d_gflops = conv2d_gflops(holder, where)
    profile%gemm_gflops = gemm_gflops(holder, where)
    profile%peak_gflops = max(profile%conv2d_gflops, profile%gemm_gflops)
    if (profile%peak_gflops > 0.0_sp) profile%efficiency_ratio = profile%conv2d_gflops / &
      profile%peak_gflops
    call stream_gb_per_s(holder, where, profile%memory_bandwidth_gb, profile%memory_copy_gb)
  end subroutine measure

  ! What the profiles predict; execute_intelligent_conv2d leaves the choice to
  ! the library.
  function optimize_workload_distribution(strategy, total_flops, workload_type) result(partition)
    type(juggling_strategy), intent(inout) :: strategy
    integer(i64), intent(in) :: total_flops
    character(len=*), intent(in) :: workload_type
    type(workload_partition) :: partition
    real(sp) :: rates(2)
    rates = [strategy%cpu_profile%conv2d_gflops, strategy%gpu_profile%conv2d_gflops]
    if (workload_type == "gemm") &
      rates = [strategy%cpu_profile%gemm_gflops, strategy%gpu_profile%gemm_gflops]
    if (.not. strategy%gpu_profile%available) rates(2) = 0.0_sp
    call shares(total_flops, rates, partition%cpu_work_percent, partition%gpu_work_percent, &
      partition%predicted_gflops)
    partition%cpu_batch_size = strategy%cpu_profile%optimal_batch_size
    partition%gpu_batch_size = strategy%gpu_profile%optimal_batch_size
    partition%use_cpu = partition%cpu_work_percent > 0
    partition%use_gpu = partition%gpu_work_percent > 0
    partition%device_count = count([partition%use_cpu, partition%use_gpu])
    if (partition%predicted_gflops > 0.0_sp) partition%predicted_time_ms = &
      real(total_flops, sp) * 1.0e-6_sp / partition%predicted_gflops
    strategy%current_partition = partition
  end function optimize_workload_distribution

  real(sp) function execute_intelligent_conv2d(input, weights, output, N, C, H, W, K, &
      kernel_size, stride, pad, H_out, W_out) result(time_ms)
    real(sp), intent(in) :: input(:), weights(:)
    real(sp), intent(out) :: output(:)
    integer, intent(in) :: N, C, H, W, K, kernel_size, stride, pad, H_out, W_out
    real(dp) :: flops
    integer :: kind
    time_ms = conv2d_run(holder, conv2d_options(async=.true.), conv2d_shape(N, C, H, W, K, &
      kernel_size, stride, pad, H_out, W_out), input, weights, output, kind)
    if (time_ms < 0.0_sp) return
    flops = 2.0_dp * real(N, dp) * K * H_out * W_out * C * kernel_size**2
    call lock(learn_lock)
    call learn(juggling_system, kind, real(flops * 1.0e-6_dp / real(time_ms, dp), sp))
    call unlock(learn_lock)
  end function execute_intelligent_conv2d

  ! Averages over the last runs, a tenth each.
  subroutine learn(strategy, kind, gflops)
    type(juggling_strategy), intent(inout) :: strategy
    integer, intent(in) :: kind
    real(sp), intent(in) :: gflops
    strategy%total_runs = strategy%total_runs + 1
    if (kind == on_cpu) then
      call blend(strategy%average_cpu_gflops)
    else
      call blend(strategy%average_gpu_gflops)
    end if
    strategy%best_combined_gflops = max(strategy%best_combined_gflops, gflops)
    strategy%learning_mode = strategy%total_runs < strategy%exploration_runs

  contains

    subroutine blend(average)
      real(sp), intent(inout) :: average
      if (average > 0.0_sp) then
        average = 0.9_sp * average + 0.1_sp * gflops
      else
        average = gflops
      end if
    end subroutine blend
  end subroutine learn
end module intelligent_device_juggling
