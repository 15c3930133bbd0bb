"""Compiles and runs the first C block of README.md and compares what it prints
with the block behind it; examples/conv2d.c is the same program.

    readme.py SOURCE_DIR LIBRARY_DIR CC
"""
import os
import re
import subprocess
import sys
import tempfile


def main():
    root, library, compiler = sys.argv[1:4]
    with open(os.path.join(root, "README.md")) as page:
        text = page.read()
    code, printed = re.search(r"```c\n(.*?)```.*?```text\n(.*?)```", text, re.S).groups()
    with open(os.path.join(root, "examples", "conv2d.c")) as example:
        same = example.read() == code
    with tempfile.TemporaryDirectory() as place:
        source, binary = os.path.join(place, "readme.c"), os.path.join(place, "readme")
        with open(source, "w") as out:
            out.write(code)
        subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", source,
                        "-I", os.path.join(root, "include"), "-L", library, "-lsporkle",
                        f"-Wl,-rpath,{library}", "-o", binary], check=True)
        run = subprocess.run([binary], capture_output=True, text=True)
    if not same:
        print("examples/conv2d.c differs from the README's program")
    if run.stdout != printed or run.stderr or run.returncode != 0:
        print(f"printed '{run.stdout}' '{run.stderr}' (exit {run.returncode}), the README says "
              f"'{printed}'")
        same = False
    print(f"README: {len(code.splitlines())} lines of C compile without a warning and print "
          f"{run.stdout.strip()}")
    return 0 if same else 1


sys.exit(main())
