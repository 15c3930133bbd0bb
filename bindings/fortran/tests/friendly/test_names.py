"""Every constant of sporkle.h is in module sporkle_c; every public name of module
sporkle, and every public type-bound procedure, occurs in a test program.

    test_names.py HEADER SOURCE_FOLDER TEST_FOLDER
SPDX-License-Identifier: MIT
"""
import pathlib
import re
import sys


def statements(path):
    """Statements in lower case, comments and continuations gone."""
    text = re.sub(r"!.*", "", path.read_text().lower())
    return re.sub(r"&\s*\n\s*&?", " ", text).splitlines()


def module_names(source):
    names = set()
    for line in statements(source / "sporkle.f90"):
        found = re.match(r"\s*use\s+(?:,\s*intrinsic\s*::\s*)?(\w+)\s*,\s*only\s*:(.*)", line)
        if found and found.group(1) != "iso_fortran_env":
            names.update(part.split("=>")[0].strip() for part in found.group(2).split(","))
    for line in statements(source / "sporkle_c_constants.f90"):
        found = re.match(r"\s*integer\(\w+\), parameter :: (\w+)", line)
        if found:
            names.add(found.group(1))
    return names


def bound_names(source):
    names = set()
    for path in sorted(source.glob("sporkle_*.f90")):
        inside = False
        for line in statements(path):
            inside = (inside or re.match(r"\s*type\b.*::\s*\w+", line) is not None) and not \
                re.match(r"\s*end type", line)
            found = re.match(r"\s*procedure(?:, non_overridable)?\s*::\s*(\w+)\s*=>", line) or \
                re.match(r"\s*generic\s*::\s*(\w+)\s*=>", line)
            if inside and found:
                names.add(found.group(1))
    return names - {"clear", "fill", "raw"}  # called by the binding itself


def header_names(header):
    """Enumerators and constant macros; SPORKLE_VERSION has another name here."""
    text = header.read_text()
    names = re.findall(r"^\s+(SPORKLE_[A-Z0-9_]+) =", text, re.M)
    names += re.findall(r"^#define (SPORKLE_[A-Z0-9_]+) +[\w\d]+$", text, re.M)
    return {name.lower() for name in names} - {"sporkle_export"}


def main():
    header, source, tests = (pathlib.Path(argument) for argument in sys.argv[1:4])
    text = "\n".join("\n".join(statements(path)) for path in sorted(tests.rglob("*.f90")))
    names = module_names(source)
    bound = bound_names(source)
    missing = sorted(name for name in names if not re.search(rf"\b{name}\b", text))
    missing += sorted(f"%{name}" for name in bound if not re.search(rf"%\s*{name}\b", text))
    for name in missing:
        print("in no test:", name)
    unbound = sorted(header_names(header) - names)
    for name in unbound:
        print("not in sporkle_c_constants:", name)
    print(f"{len(names)} names and {len(bound)} bound procedures are used by the tests")
    return 1 if missing or unbound or not names or not bound else 0


sys.exit(main())
