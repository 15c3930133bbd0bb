#!/usr/bin/env bash
# The library on x86 processors that this machine is not, under QEMU: one without AVX2
# and one with AVX2 that would trap at an AVX-512 instruction.
#
#   x86.sh PROGRAM_DIR
set -euo pipefail
bin=$1
if ! command -v qemu-x86_64 >/dev/null; then
  echo "skipped: no qemu-x86_64 (apt-get install qemu-user)"
  exit 77
fi
export SPORKLE_CACHE_DIR=off

fail() { echo "FAILED: $*"; exit 1; }

# on CPU PROGRAM ARGUMENT...: `max` is all that QEMU can emulate, AVX2 in 7.2.
on() { qemu-x86_64 -cpu "$@"; }

isa_of() {
  on "$1" "$bin/sporkle" info --json 2>/dev/null | sed -n '0,/.*"isa": "\([a-z0-9]*\)".*/s//\1/p'
}

old=Nehalem
isa=$(isa_of $old)
[ "$isa" = scalar ] || fail "$old: the CPU device uses \"$isa\", not scalar"
for isa in avx2 avx512 neon; do
  code=0
  text=$(SPORKLE_CPU_ISA=$isa on $old "$bin/sporkle" info 2>&1) || code=$?
  [[ $code = 3 && $text = *"SPORKLE_CPU_ISA: this CPU or this build has no $isa"* ]] ||
    fail "$old, SPORKLE_CPU_ISA=$isa: exit code $code: $text"
done
on $old "$bin/algorithms" scalar 10
on $old "$bin/numerics" cpu 8
on $old "$bin/conformance" cpu conv2d

new=max
isa=$(isa_of $new)
if [ "$isa" != avx2 ]; then
  echo "this QEMU emulates no AVX2: the CPU device uses \"$isa\""
  exit 0
fi
on $new "$bin/algorithms" avx2 10
SPORKLE_CPU_ISA=avx2 on $new "$bin/sequence_layout" cpu
echo "scalar kernels without AVX2, AVX2 kernels without AVX-512: computed and verified"
