#!/usr/bin/env bash
# Builds the library for arm64 and runs under QEMU: every algorithm by name, random
# problems through the interface, sequences between blocked tensors.
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

# program NAME FILE...: links a test with the library's objects.
tests=$source/tests tools=$source/src/tools
includes=(-I"$tests/numerics/cross" -I"$source/include" -I"$source/src" -I"$tests")
mapfile -t library < <(find "$build/src/CMakeFiles/sporkle_objects.dir" -name '*.o')
program() {
  local name=$1 file objects=()
  shift
  mkdir -p "$build/test/$name"
  for file in "$@" "$tests"/support/{allocator,expect,job,logs,tensors,world}.c \
              "$tools"/{oracle,oracle_compare}.c; do
    local object=$build/test/$name/$(basename "$file").o
    case "$file" in
      *.c) $prefix-gcc -std=c11 -O2 -D_GNU_SOURCE "${includes[@]}" -c "$file" -o "$object" ;;
      *) $prefix-g++ -std=c++20 -O2 "${includes[@]}" -c "$file" -o "$object" ;;
    esac
    objects+=("$object")
  done
  $prefix-g++ -static -pthread -o "$build/$name" "${objects[@]}" "${library[@]}" -ldl
}
numerics=$tests/numerics sequence=$tests/sequence
program algorithms "$numerics"/{algorithms,problems}.c "$numerics/cpu_shim.cpp"
program numerics "$numerics"/{main,problems,check,large,exact}.c
program sequence_layout "$sequence"/{layout,chain}.c "$tools"/{network,network_check}.c

export SPORKLE_CACHE_DIR=off
qemu-aarch64 "$build/algorithms" neon 6
qemu-aarch64 "$build/numerics" cpu 8
# Every kind of step between blocked tensors.
qemu-aarch64 "$build/sequence_layout" cpu
