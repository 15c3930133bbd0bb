#!/usr/bin/env bash
# A second compiler builds the raw and the friendly module and runs an example
# and the conv2d test.
#   flang.sh LIBSPORKLE BINDING_FOLDER SOURCE...
# SPDX-License-Identifier: MIT
set -euo pipefail

library=$1
binding=$2
shift 2
flang=
for name in flang-new-19 flang-19 flang-new flang; do
  if command -v "$name" >/dev/null; then
    flang=$name
    break
  fi
done
if [ -z "$flang" ]; then
  echo "skipped: no flang (apt-get install flang-19)"
  exit 77
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
objects=()
for source in "$@"; do
  object=$(basename "$source" .f90).o
  "$flang" -c "$source" -o "$object"
  objects+=("$object")
done
build() {
  local name=$1
  shift
  "$flang" "$@" "${objects[@]}" "$library" -Wl,-rpath,"$(dirname "$library")" -o "$name"
}
build one_call "$binding/examples/one_call.f90"
./one_call
"$flang" -c "$binding/tests/friendly/oracle.f90" -o oracle.o
build test_conv2d "$binding/tests/friendly/test_conv2d.f90" oracle.o
./test_conv2d
build test_sequence "$binding/tests/friendly/test_sequence.f90" oracle.o
./test_sequence
echo "$("$flang" --version | head -n 1): raw and friendly modules, one example, the conv2d and the sequence test"
