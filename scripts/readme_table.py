#!/usr/bin/python3
"""Measures a few problems with build/bin/sporkle and writes the table between
the markers of README.md. A row is written only for verified output.

    scripts/readme_table.py [--device D] [--program build/bin/sporkle]
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PROBLEMS = [
    "mb1ic3ih224oc64kh7sh2ph3",
    "mb1ic64ih56oc64kh3ph1",
    "mb8ic64ih56oc128kh3ph1",
    "mb1ic256ih56oc64kh1",
    "mb1ic256ih14oc256kh3ph1",
    "mb1ic512ih7oc512kh3ph1",
]


def run(*command):
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(program, device):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(PROBLEMS) + "\n")
        file.flush()
        return run(program, "conv2d", "--file", file.name, "--device", device, "--verify",
                   "--repeat", "50", "--json")


def table(rows, threads):
    first = rows[0]
    where = f"{first['device_name']}, {first['driver']}"
    if first["device"] == "cpu":
        where += f", {threads} threads"
    lines = [f"Measured on {where}; median of {first['repeat']} calls with prepared weights, every "
             "output verified against double precision:", "",
             "| problem | ms | GFLOP/s | relative L2 error |", "|---|---|---|---|"]
    for row in rows:
        if not row["verified"] or row["simulated"]:
            sys.exit(f"{row['problem']}: not verified or simulated: no figure")
        lines.append(f"| `{row['problem']}` | {row['ms_median']:.3g} | {row['gflops']:.0f} | "
                     f"{row['rel_l2_error']:.1e} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--program", default=os.path.join(ROOT, "build/bin/sporkle"))
    asked = parser.parse_args()
    rows = measure(asked.program, asked.device)
    threads = run(asked.program, "info", "--json")["threads"]
    path = os.path.join(ROOT, "README.md")
    with open(path) as page:
        before, rest = page.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w") as page:
        page.write(f"{before}{BEGIN}\n{table(rows, threads)}\n{END}{after}")


main()
