"""Compiles the public header alone in every supported language version.

    header_alone.py INCLUDE_DIR CC CXX [CC CXX ...]
"""
import os
import re
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
MODES = [("c", "c11"), ("c", "c17"), ("c++", "c++11"), ("c++", "c++20")]


def uninitialised_macros(include):
    """*_INIT macros of the header that header_alone.c does not use."""
    with open(os.path.join(include, "sporkle.h")) as header:
        defined = set(re.findall(r"#define (SPORKLE_\w+_INIT)\b", header.read()))
    with open(os.path.join(here, "header_alone.c")) as source:
        return sorted(defined - set(re.findall(r"SPORKLE_\w+_INIT", source.read())))


def main():
    include, compilers = sys.argv[1], sys.argv[2:]
    failures = [f"header_alone.c does not use {name}" for name in uninitialised_macros(include)]
    checked = []
    for c, cxx in zip(compilers[::2], compilers[1::2]):
        for language, standard in MODES:
            compiler = c if language == "c" else cxx
            command = [compiler, "-x", language, f"-std={standard}", *WARNINGS, "-I", include,
                       os.path.join(here, "header_alone.c")]
            run = subprocess.run(command, capture_output=True, text=True)
            checked.append(f"{os.path.basename(compiler)} {standard}")
            if run.returncode != 0:
                failures.append(f"{' '.join(command)}\n{run.stderr}")
    print("\n".join(failures))
    print(f"header compiles alone, no warning: {', '.join(checked)}")
    return 1 if failures else 0


sys.exit(main())
