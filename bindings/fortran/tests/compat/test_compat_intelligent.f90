! intelligent_device_juggling: every public name.
! SPDX-License-Identifier: MIT
program test_compat_intelligent
  use kinds
  use compat_check
  use intelligent_device_juggling
  use sporkle_conv2d_juggling, only: cleanup_juggling_system, device_capabilities, &
    get_device_info, init_juggling_system
  use universal_memory_optimization, only: detect_memory_params, memory_params
  implicit none
  integer, parameter :: N = 1, C = 8, H = 16, W = 16, K = 8, ks = 3
  real(sp) :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W), time_ms
  type(juggling_strategy) :: strategy
  type(device_profile) :: profile
  type(workload_partition) :: partition
  type(memory_params) :: memory
  external :: skip_without_device

  call check(profile%optimal_tile_size == 64 .and. profile%optimal_batch_size == 1 .and. &
    .not. profile%available .and. profile%cores == 0, "device_profile defaults")
  call check(strategy%learning_mode .and. strategy%exploration_runs == 10 .and. &
    strategy%total_runs == 0 .and. partition%cpu_batch_size == 1 .and. &
    partition%gpu_batch_size == 1, "strategy defaults")
  call skip_without_device()
  call discover_and_profile_devices(strategy)
  call check(strategy%cpu_profile%available .and. strategy%cpu_profile%device_type == "CPU" .and. &
    len_trim(strategy%cpu_profile%device_name) > 0 .and. strategy%cpu_profile%cores >= 1, &
    "the CPU's profile")
  call measured(strategy%cpu_profile, "the CPU")
  memory = detect_memory_params()
  call check(abs(strategy%cpu_profile%cache_size_mb - real(memory%l3_cache_kb, sp) / 1024.0_sp) &
    < 1.0e-3_sp .or. abs(strategy%cpu_profile%cache_size_mb) < 1.0e-3_sp, &
    "cache_size_mb is that of level 3")
  call check(strategy%cpu_profile%memory_bandwidth_gb > 0.99_sp * &
    real(memory%peak_bandwidth_gb, sp), "all threads move no less than one")
  call gpu()
  partition = optimize_workload_distribution(strategy, 1000_i64, "conv2d")
  call check(partition%use_cpu .and. .not. partition%use_gpu .and. &
    partition%cpu_work_percent == 100 .and. partition%device_count == 1, "small work: the CPU")
  call rules()
  call fill(x, 30)
  call fill(weights, 31)
  y = mark
  time_ms = execute_intelligent_conv2d(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
  call check(time_ms > 0.0_sp .and. close_to(y, oracle(x, weights, N, C, H, W, K, ks, 1, 1)), &
    "execute_intelligent_conv2d")
  call learned()
  y = mark
  time_ms = execute_intelligent_conv2d(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W - 1)
  call check(time_ms < 0.0_sp .and. untouched(y), "a wrong W_out is refused")
  call finish("intelligent_device_juggling")

contains

  ! Rates of one device, and how they hang together.
  subroutine measured(p, what)
    type(device_profile), intent(in) :: p
    character(len=*), intent(in) :: what
    call check(p%conv2d_gflops > 0.0_sp .and. p%gemm_gflops > 0.0_sp, what // ": rates")
    call check(p%peak_gflops >= p%conv2d_gflops .and. p%peak_gflops >= p%gemm_gflops, &
      what // ": no rate is above the peak")
    call check(abs(p%efficiency_ratio * p%peak_gflops - p%conv2d_gflops) <= &
      1.0e-4_sp * p%peak_gflops .and. p%efficiency_ratio <= 1.0_sp, what // ": efficiency_ratio")
    call check(p%memory_copy_gb > 0.0_sp .and. &
      p%memory_bandwidth_gb >= 1.999_sp * p%memory_copy_gb, &
      what // ": a copy reads and writes every byte")
  end subroutine measured

  ! Nothing is known of a simulated device's speed, or of one that is not there.
  subroutine gpu()
    type(device_capabilities) :: info
    character(len=8) :: device
    call init_juggling_system()
    info = get_device_info()
    call check(strategy%gpu_profile%available .eqv. info%gpu_available, "the GPU's profile")
    call get_environment_variable("SPORKLE_DEVICE", device)
    if (info%gpu_available .and. device /= "null") then
      call check(strategy%gpu_profile%device_type == "GPU" .and. &
        strategy%gpu_profile%device_name == info%gpu_name(1:64), "its name")
      call measured(strategy%gpu_profile, "the GPU")
    else
      call check(.not. (strategy%gpu_profile%conv2d_gflops > 0.0_sp .or. &
        strategy%gpu_profile%gemm_gflops > 0.0_sp .or. strategy%gpu_profile%peak_gflops > 0.0_sp &
        .or. strategy%gpu_profile%memory_bandwidth_gb > 0.0_sp .or. &
        strategy%gpu_profile%memory_copy_gb > 0.0_sp .or. &
        strategy%gpu_profile%efficiency_ratio > 0.0_sp), "no rate without a device")
    end if
    call check(strategy%gpu_profile%cores == 0 .and. &
      abs(strategy%gpu_profile%cache_size_mb) < 1.0e-9_sp, "what is not known of a GPU is 0")
    call cleanup_juggling_system()
  end subroutine gpu

  ! The averages move by a tenth; the other device's stays as it was.
  subroutine learned()
    real(sp) :: first(2), second(2), rate
    integer :: used
    call check(juggling_system%total_runs == 1 .and. juggling_system%learning_mode, "one run")
    first = [juggling_system%average_cpu_gflops, juggling_system%average_gpu_gflops]
    used = merge(1, 2, first(1) > 0.0_sp)
    rate = 2.0e-6_sp * real(N * K * H * W * C * ks * ks, sp) / time_ms
    call check(abs(first(used) - rate) <= 1.0e-4_sp * rate .and. abs(first(3 - used)) < 1.0e-9_sp, &
      "the first run is the average")
    call check(abs(juggling_system%best_combined_gflops - rate) <= 1.0e-4_sp * rate, "and the best")
    time_ms = execute_intelligent_conv2d(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
    second = [juggling_system%average_cpu_gflops, juggling_system%average_gpu_gflops]
    rate = 0.9_sp * first(used) + 2.0e-7_sp * real(N * K * H * W * C * ks * ks, sp) / time_ms
    call check(abs(second(used) - rate) <= 1.0e-4_sp * rate .and. abs(second(3 - used)) < 1.0e-9_sp, &
      "later runs count a tenth")
    call check(juggling_system%best_combined_gflops >= second(used), "the best is no average")
    do while (juggling_system%total_runs < juggling_system%exploration_runs)
      time_ms = execute_intelligent_conv2d(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W)
    end do
    call check(.not. juggling_system%learning_mode, "learning ends after exploration_runs")
  end subroutine learned

  subroutine rules()
    strategy%gpu_profile%available = .true.
    strategy%cpu_profile%conv2d_gflops = 100.0_sp
    strategy%gpu_profile%conv2d_gflops = 300.0_sp
    strategy%gpu_profile%optimal_batch_size = 6
    partition = optimize_workload_distribution(strategy, 20000000000_i64, "conv2d")
    call check(partition%cpu_work_percent == 25 .and. partition%gpu_work_percent == 75 .and. &
      partition%device_count == 2, "large work is split by the rates")
    call check(abs(partition%predicted_time_ms - 50.0_sp) < 0.1_sp .and. &
      abs(partition%predicted_gflops - 400.0_sp) < 0.1_sp, "its predicted time and rate")
    call check(partition%cpu_batch_size == 1 .and. partition%gpu_batch_size == 6, &
      "the batch sizes are those of the profiles")
    partition = optimize_workload_distribution(strategy, 2000000000_i64, "conv2d")
    call check(partition%gpu_work_percent == 100 .and. &
      abs(partition%predicted_gflops - 300.0_sp) < 0.1_sp, "middling work goes to the faster device")
    strategy%cpu_profile%gemm_gflops = 500.0_sp
    strategy%gpu_profile%gemm_gflops = 50.0_sp
    partition = optimize_workload_distribution(strategy, 2000000000_i64, "gemm")
    call check(partition%cpu_work_percent == 100 .and. &
      abs(partition%predicted_gflops - 500.0_sp) < 0.1_sp, "a matrix product by its own rates")
    strategy%cpu_profile%conv2d_gflops = 3.0_sp
    partition = optimize_workload_distribution(strategy, 20000000000_i64, "conv2d")
    call check(partition%cpu_work_percent == 0 .and. partition%gpu_work_percent == 100, &
      "a share below 5 percent goes to the other device")
    call check(strategy%current_partition%gpu_work_percent == 100, "it is remembered")
  end subroutine rules
end program test_compat_intelligent
