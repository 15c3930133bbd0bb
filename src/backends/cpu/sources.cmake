set(SPORKLE_CPU_SOURCES
  src/backends/cpu/algorithm_choice.cpp
  src/backends/cpu/blocked_choice.cpp
  src/backends/cpu/blocked_direct.cpp
  src/backends/cpu/blocked_sequence.cpp
  src/backends/cpu/blocked_winograd.cpp
  src/backends/cpu/channel_lanes.cpp
  src/backends/cpu/conv_plan.cpp
  src/backends/cpu/cpu_device.cpp
  src/backends/cpu/cpu_facts.cpp
  src/backends/cpu/cpu_sequence.cpp
  src/backends/cpu/geometry.cpp
  src/backends/cpu/isa.cpp
  src/backends/cpu/kernels.cpp
  src/backends/cpu/pixel_lanes.cpp
  src/backends/cpu/pixel_lanes_run.cpp
  src/backends/cpu/pointwise.cpp
  src/backends/cpu/scratch_pool.cpp
  src/backends/cpu/tapwise.cpp
  src/backends/cpu/thread_count.cpp
  src/backends/cpu/thread_pool.cpp
  src/backends/cpu/winograd.cpp
  src/backends/cpu/winograd_run.cpp)
# Kernels in memory instead of registers would make every unoptimised build crawl.
set_source_files_properties(
  ${PROJECT_SOURCE_DIR}/src/backends/cpu/kernels.cpp
  ${PROJECT_SOURCE_DIR}/src/backends/cpu/tapwise.cpp
  PROPERTIES COMPILE_OPTIONS -O2)
