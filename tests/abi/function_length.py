"""Checks with ctags that no function of the project is longer than 80 lines.

    function_length.py SOURCE_DIR
"""
import json
import os
import shutil
import subprocess
import sys

MAX_LINES = 80


def functions(ctags, root, folders):
    command = [ctags, "-R", "--languages=C,C++", "--langmap=C++:+.inc", "--kinds-C=f",
               "--kinds-C++=f", "--fields=+ne", "--output-format=json", "-f", "-", *folders]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout
    return [json.loads(line) for line in out.splitlines()]


def main():
    root, ctags = sys.argv[1], shutil.which("ctags")
    if not ctags or "json" not in subprocess.run([ctags, "--list-features"], capture_output=True,
                                                 text=True).stdout:
        print("skipped: no universal-ctags with JSON output (apt-get install universal-ctags)")
        return 77
    folders = [f for f in ("src", "tests", "examples") if os.path.isdir(os.path.join(root, f))]
    found = functions(ctags, root, folders)
    failures = [f"{f['path']}:{f['line']}: {f['name']}: {f['end'] - f['line'] + 1} lines, more "
                f"than {MAX_LINES}" for f in found if f.get("end", 0) - f["line"] >= MAX_LINES]
    print("\n".join(failures))
    print(f"function length checked: {len(found)} functions, at most {MAX_LINES} lines each")
    return 1 if failures or not found else 0


sys.exit(main())
