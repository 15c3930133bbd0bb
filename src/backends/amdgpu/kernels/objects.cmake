# Machine code of the conv2d kernels. gfx1030 and gfx1100 are in the repository;
# the others are compiled where clang-19 and lld-19 are installed.
set(amdgpu_kernels ${PROJECT_SOURCE_DIR}/src/backends/amdgpu/kernels)
set(amdgpu_stored gfx1030 gfx1100)
set(amdgpu_compiled gfx900 gfx90a gfx942 gfx1201
    gfx9-generic gfx10-3-generic gfx11-generic gfx12-generic)
set(SPORKLE_AMDGPU_COMPILE AUTO CACHE STRING
    "Compile kernels for AMD chips whose code is not in the repository: AUTO, ON or OFF")

find_program(SPORKLE_AMDGPU_CLANG NAMES clang-19)
find_program(SPORKLE_AMDGPU_LLD NAMES ld.lld-19)
set(amdgpu_files)
foreach(target IN LISTS amdgpu_stored)
  list(APPEND amdgpu_files ${amdgpu_kernels}/objects/${target}.co)
endforeach()

if(NOT SPORKLE_AMDGPU_COMPILE STREQUAL "OFF" AND SPORKLE_AMDGPU_CLANG AND SPORKLE_AMDGPU_LLD)
  file(GLOB amdgpu_sources CONFIGURE_DEPENDS ${amdgpu_kernels}/*.cl ${amdgpu_kernels}/*.h)
  set(amdgpu_script ${PROJECT_SOURCE_DIR}/scripts/build-code-objects)
  foreach(target IN LISTS amdgpu_compiled)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/code_objects/${target}.co)
    add_custom_command(OUTPUT ${file}
      COMMAND ${CMAKE_COMMAND} -E env CLANG=${SPORKLE_AMDGPU_CLANG} LLD=${SPORKLE_AMDGPU_LLD}
              ${amdgpu_script} ${CMAKE_CURRENT_BINARY_DIR}/code_objects ${target}
      DEPENDS ${amdgpu_script} ${amdgpu_sources}
      COMMENT "Compiling the AMD kernels for ${target}" VERBATIM)
    list(APPEND amdgpu_files ${file})
  endforeach()
  set(amdgpu_state "10 targets")
elseif(SPORKLE_AMDGPU_COMPILE STREQUAL "ON")
  message(FATAL_ERROR "AMD kernels: apt-get install clang-19 lld-19")
elseif(SPORKLE_AMDGPU_COMPILE STREQUAL "OFF")
  set(amdgpu_state "gfx1030 and gfx1100 (SPORKLE_AMDGPU_COMPILE is OFF)")
else()
  set(amdgpu_state "gfx1030 and gfx1100 (for eight more targets: apt-get install clang-19 lld-19)")
endif()
message(STATUS "AMD kernels: ${amdgpu_state}")

set(SPORKLE_AMDGPU_OBJECTS ${CMAKE_CURRENT_BINARY_DIR}/code_objects.inc)
add_custom_command(OUTPUT ${SPORKLE_AMDGPU_OBJECTS}
  COMMAND ${CMAKE_COMMAND} -D "OUTPUT=${SPORKLE_AMDGPU_OBJECTS}" -D "FILES=${amdgpu_files}"
          -P ${amdgpu_kernels}/embed.cmake
  DEPENDS ${amdgpu_files} ${amdgpu_kernels}/embed.cmake
  COMMENT "Embedding the AMD kernels" VERBATIM)
