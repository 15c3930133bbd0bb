"""Compiles and runs the programs of documents.

    run_blocks.py --compiler FC --modules DIR --libraries L... --files F.md...

A block that starts with ```fortran and contains a program statement is a
program; a ```text block after it (a line "prints" may stand between) is its
exact standard output. A program may not write to standard error.
SPDX-License-Identifier: MIT
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n(?:\s*(?:prints\s*)?^```text\n(.*?)^```\n)?", re.M | re.S)


def programs(path):
    for found in BLOCK.finditer(path.read_text()):
        language, code, output = found.groups()
        if language == "fortran" and re.search(r"^\s*end program", code, re.M):
            yield code, output


def run(code, output, folder, arguments):
    source = folder / "block.f90"
    source.write_text(code)
    binary = folder / "block"
    where = sorted({str(pathlib.Path(item).parent) for item in arguments.libraries
                    if ".so" in item})
    build = [arguments.compiler, "-Wall", "-Werror", f"-I{arguments.modules}", str(source),
             *arguments.libraries, *[f"-Wl,-rpath,{item}" for item in where], "-o", str(binary)]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        return "does not compile:\n" + done.stderr
    done = subprocess.run([str(binary)], cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode != 0 or done.stderr:
        return f"exit code {done.returncode}:\n{done.stderr}"
    if output is not None and done.stdout != output:
        return f"printed\n{done.stdout}instead of\n{output}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--modules", required=True)
    parser.add_argument("--libraries", nargs="+", required=True)
    parser.add_argument("--files", nargs="+", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    count = failed = 0
    for path in arguments.files:
        for number, (code, output) in enumerate(programs(path), 1):
            with tempfile.TemporaryDirectory() as folder:
                problem = run(code, output, pathlib.Path(folder), arguments)
            count += 1
            if problem:
                failed += 1
                print(f"{path.name}, program {number}: {problem}")
    print(f"{count} programs of {len(arguments.files)} documents compile, run and print what they say")
    return 1 if failed or count == 0 else 0


sys.exit(main())
