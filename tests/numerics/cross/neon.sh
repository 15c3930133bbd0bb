#!/usr/bin/env bash
# Builds the library for arm64 and runs the test of its algorithms under QEMU.
#
#   neon.sh SOURCE_DIR BUILD_DIR HIGHWAY_INCLUDE
set -euo pipefail
source=$1 build=$2 highway=$3
prefix=aarch64-linux-gnu
for tool in $prefix-gcc $prefix-g++ qemu-aarch64; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: no $tool (apt-get install g++-$prefix qemu-user)"
    exit 77
  fi
done

# The directory of Highway alone: beside it are headers of this machine.
mkdir -p "$build/highway"
ln -sfn "$highway/hwy" "$build/highway/hwy"
cmake -S "$source" -B "$build" -G Ninja --log-level=WARNING \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_C_COMPILER=$prefix-gcc -DCMAKE_CXX_COMPILER=$prefix-g++ \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DSPORKLE_HIGHWAY_INCLUDE="$build/highway" \
  -DSPORKLE_BACKEND_GL=OFF -DSPORKLE_BUILD_TESTS=OFF -DSPORKLE_BUILD_BENCH=OFF \
  -DSPORKLE_BUILD_TOOLS=OFF
cmake --build "$build" --target sporkle

mkdir -p "$build/test"
tests=$source/tests tools=$source/src/tools
includes=(-I"$tests/numerics/cross" -I"$source/include" -I"$source/src" -I"$tests")
for file in "$tests"/numerics/{algorithms,problems}.c \
            "$tests"/support/{allocator,expect,logs,tensors,world}.c \
            "$tools"/{oracle,oracle_compare}.c; do
  $prefix-gcc -std=c11 -O2 -D_GNU_SOURCE "${includes[@]}" -c "$file" \
    -o "$build/test/$(basename "$file").o"
done
$prefix-g++ -std=c++20 -O2 "${includes[@]}" -c "$tests/numerics/cpu_shim.cpp" \
  -o "$build/test/cpu_shim.o"
mapfile -t library < <(find "$build/src/CMakeFiles/sporkle_objects.dir" -name '*.o')
$prefix-g++ -static -pthread -o "$build/algorithms" "$build"/test/*.o "${library[@]}" -ldl
qemu-aarch64 "$build/algorithms" neon 6
