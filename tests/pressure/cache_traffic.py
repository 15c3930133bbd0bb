#!/usr/bin/env python3
"""Last-level misses of a pipeline on the null device, by cachegrind.

cache_traffic.py PROGRAM [--json FILE]

Counts data misses of the last level in everything but the null device's own
arithmetic, which stands for a GPU. What mapped slots and staging copies miss
beyond the caller's own filling and reading is compared; fails below 80 % fewer.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

LEAST_PERCENT = 80
LAST_LEVEL = "1048576,16,64"
MODES = ("own", "mapped", "staging")
DEVICE = ("reference_conv2d", "sporkle::null::")


def misses(valgrind, program, mode):
    """Misses of the last level by function: {name: count}."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "cachegrind.out")
        run = subprocess.run(
            [valgrind, "--tool=cachegrind", "--cache-sim=yes", f"--LL={LAST_LEVEL}",
             f"--cachegrind-out-file={out}", program, mode],
            capture_output=True, text=True, check=False,
            env=dict(os.environ, SPORKLE_CACHE_DIR="off", SPORKLE_DEVICE="null"))
        if run.returncode != 0:
            sys.exit(f"{mode}: exit {run.returncode}\n{run.stdout}{run.stderr}")
        return by_function(out)


def by_function(path):
    counts, events, function = {}, [], "?"
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("events:"):
                events = line.split()[1:]
            elif line.startswith("fn="):
                function = line[3:].strip()
            elif line[:1].isdigit():
                values = dict(zip(events, map(int, line.split()[1:])))
                counts[function] = (counts.get(function, 0) + values.get("DLmr", 0) +
                                    values.get("DLmw", 0))
    return counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        print("valgrind is not installed")
        sys.exit(77)
    record = {"benchmark": "cache_traffic", "device": "null", "last_level": LAST_LEVEL,
              "tool": subprocess.run([valgrind, "--version"], capture_output=True, text=True,
                                     check=True).stdout.strip(), "modes": {}}
    total = {}
    for mode in MODES:
        counts = misses(valgrind, arguments.program, mode)
        total[mode] = sum(n for name, n in counts.items()
                          if not any(word in name for word in DEVICE))
        largest = sorted(counts.items(), key=lambda item: -item[1])[:12]
        record["modes"][mode] = {"misses_outside_device": total[mode], "largest": dict(largest)}
        print(f"{mode:8} {total[mode]:9} misses of the last level outside the device")
    mapped, staging = (total[mode] - total["own"] for mode in ("mapped", "staging"))
    fewer = 100 * (1 - mapped / staging)
    record.update(mapped_beyond_own=mapped, staging_beyond_own=staging, fewer_percent=fewer)
    print(f"beyond the caller's own: mapped {mapped}, staging {staging}: {fewer:.1f} % fewer")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=2)
            file.write("\n")
    if fewer < LEAST_PERCENT:
        sys.exit(f"less than {LEAST_PERCENT} % fewer")


main()
