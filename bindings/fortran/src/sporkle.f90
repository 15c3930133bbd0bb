! The friendly module: everything a program needs, on Fortran arrays.
! Module sporkle_c has the C calls.
! SPDX-License-Identifier: MIT
module sporkle
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use sporkle_c_constants
  use sporkle_c, only: sporkle_context_desc, sporkle_shutdown, sporkle_version
  use sporkle_objects, only: sporkle_error_text, sporkle_status_text, sporkle_version_text
  use sporkle_logging, only: sporkle_log_handler
  use sporkle_problems, only: sporkle_problem, sporkle_problem_info_t, sporkle_problem_t
  use sporkle_contexts, only: sporkle_context_t, sporkle_device_t, sporkle_option_t, &
    sporkle_property_t, sporkle_result_t, sporkle_stats_t, sporkle_unavailable_t
  use sporkle_buffers, only: sporkle_buffer_info_t, sporkle_buffer_t
  use sporkle_fences, only: sporkle_fence_t, sporkle_wait_all, sporkle_wait_any
  use sporkle_sequences, only: sporkle_sequence_t
  use sporkle_plans, only: sporkle_plan_info_t, sporkle_plan_t
  use sporkle_executors, only: sporkle_executor_info_t, sporkle_executor_t, sporkle_slot_t
  use sporkle_conversions, only: sporkle_to_real32, sporkle_to_real64
  implicit none
  public
end module sporkle
