! intelligent_device_juggling: every public name.
! SPDX-License-Identifier: MIT
program test_compat_intelligent
  use kinds
  use compat_check
  use intelligent_device_juggling
  implicit none
  integer, parameter :: N = 1, C = 8, H = 16, W = 16, K = 8, ks = 3
  real(sp) :: x(N * C * H * W), weights(K * C * ks * ks), y(N * K * H * W), time_ms
  type(juggling_strategy) :: strategy
  type(device_profile) :: profile
  type(workload_partition) :: partition
  external :: skip_without_device

  call check(profile%optimal_tile_size == 64 .and. profile%optimal_batch_size == 1 .and. &
    .not. profile%available .and. profile%cores == 0, "device_profile defaults")
  call check(strategy%learning_mode .and. strategy%exploration_runs == 10 .and. &
    strategy%total_runs == 0 .and. partition%cpu_batch_size == 1, "strategy defaults")
  call skip_without_device()
  call discover_and_profile_devices(strategy)
  call check(strategy%cpu_profile%available .and. strategy%cpu_profile%device_type == "CPU" .and. &
    len_trim(strategy%cpu_profile%device_name) > 0 .and. strategy%cpu_profile%cores >= 1, &
    "the CPU's profile")
  call check(strategy%cpu_profile%conv2d_gflops > 0.0_sp .and. &
    strategy%cpu_profile%gemm_gflops > 0.0_sp, "its rates are measured and verified")
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
  call check(juggling_system%total_runs == 1 .and. juggling_system%best_combined_gflops > 0.0_sp, &
    "juggling_system learns")
  y = mark
  time_ms = execute_intelligent_conv2d(x, weights, y, N, C, H, W, K, ks, 1, 1, H, W - 1)
  call check(time_ms < 0.0_sp .and. untouched(y), "a wrong W_out is refused")
  call finish("intelligent_device_juggling")

contains

  subroutine rules()
    strategy%gpu_profile%available = .true.
    strategy%cpu_profile%conv2d_gflops = 100.0_sp
    strategy%gpu_profile%conv2d_gflops = 300.0_sp
    partition = optimize_workload_distribution(strategy, 20000000000_i64, "conv2d")
    call check(partition%cpu_work_percent == 25 .and. partition%gpu_work_percent == 75 .and. &
      partition%device_count == 2, "large work is split by the rates")
    call check(abs(partition%predicted_time_ms - 50.0_sp) < 0.1_sp, "its predicted time")
    partition = optimize_workload_distribution(strategy, 2000000000_i64, "conv2d")
    call check(partition%gpu_work_percent == 100, "middling work goes to the faster device")
    strategy%cpu_profile%conv2d_gflops = 3.0_sp
    partition = optimize_workload_distribution(strategy, 20000000000_i64, "conv2d")
    call check(partition%cpu_work_percent == 0 .and. partition%gpu_work_percent == 100, &
      "a share below 5 percent goes to the other device")
    call check(strategy%current_partition%gpu_work_percent == 100, "it is remembered")
  end subroutine rules
end program test_compat_intelligent
