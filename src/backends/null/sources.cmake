set(SPORKLE_NULL_SOURCES
  src/backends/null/null_device.cpp
  src/backends/null/null_plan.cpp
  src/backends/null/null_queue.cpp
  src/backends/null/null_queue_control.cpp
  src/backends/null/reference.cpp)
