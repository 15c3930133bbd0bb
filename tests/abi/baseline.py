"""Compares the library with the recorded ABI, sporkle.abi.

    baseline.py LIBRARY INCLUDE_DIR BASELINE [--update]

Before v1.0.0 a change is allowed when the baseline (--update) and CHANGELOG.md
change with it; afterwards additions only.
"""
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

# Bits of abidiff's exit status.
USAGE_ERROR, CHANGED, INCOMPATIBLE = 3, 4, 8


def record(library, include, out):
    subprocess.run(["abidw", "--drop-private-types", "--headers-dir", include,
                    "--exported-interfaces-only", "--no-show-locs", "--no-comp-dir-path",
                    "--no-corpus-path", "--type-id-style", "hash", "--out-file", out, library],
                   check=True)
    # The folder of the build says nothing about the ABI.
    with open(out) as lines:
        text = re.sub(r" path='[^']*/(src/[^']*)'", r" path='\1'", lines.read())
    with open(out, "w") as lines:
        lines.write(text)


def main():
    library, include, baseline = (os.path.abspath(path) for path in sys.argv[1:4])
    if not shutil.which("abidiff"):
        print("skipped: no abidiff (apt-get install abigail-tools)")
        return 77
    if platform.machine() != "x86_64":
        print(f"skipped: the recorded ABI is that of x86_64, this is {platform.machine()}")
        return 77
    if "--update" in sys.argv:
        record(library, include, baseline)
        return 0
    with tempfile.TemporaryDirectory() as place:
        now = os.path.join(place, "now.abi")
        record(library, include, now)
        run = subprocess.run(["abidiff", baseline, now], capture_output=True, text=True)
    print(run.stdout, run.stderr)
    if run.returncode & INCOMPATIBLE:
        print("the ABI changed incompatibly: programs built before would break")
    elif run.returncode & CHANGED:
        print("the ABI changed: run scripts/update-abi and add a line to CHANGELOG.md")
    elif run.returncode & USAGE_ERROR:
        print("abidiff failed")
    print(f"ABI compared with {os.path.basename(baseline)}: exit status {run.returncode}")
    return 1 if run.returncode else 0


sys.exit(main())
