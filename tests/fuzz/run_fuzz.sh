#!/bin/sh
# Runs one libFuzzer program for a time: run_fuzz.sh PROGRAM SEEDS SECONDS.
# What it finds stays beside the program: inputs in PROGRAM.corpus, a failing
# one in PROGRAM.crash-*.
set -eu
program=$1 seeds=$2 seconds=$3
mkdir -p "$program.corpus"
if ! "$program" -max_total_time="$seconds" -max_len=4096 -timeout=10 -verbosity=0 \
    -print_final_stats=1 -artifact_prefix="$program." "$program.corpus" "$seeds" \
    >"$program.log" 2>&1; then
  cat "$program.log"
  exit 1
fi
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$program.log")
echo "checked: $(basename "$program"), $runs inputs in $seconds s, no fault"
