"""Compares the OpenGL functions that the library calls with those that the fault
provider stands in for: a call that is missing there meets no fault.

    functions.py SOURCE_DIR
"""
import pathlib
import re
import sys

CALL = re.compile(r"\bgl(?:_|\(\))?\.([A-Z]\w*)\(|SPORKLE_FUNCTION\((\w+)\)")
LISTED = re.compile(r"X\([^,]+,\s*([A-Z]\w*),")
# Extension functions go through untouched.
EXTENSION = re.compile(r"(?:EXT|KHR|ARB|NV|MESA)$")

root = pathlib.Path(sys.argv[1])
called = {"GetStringi": "the generated loader"}
for path in sorted((root / "src/backends/gl").rglob("*.[ch]*")):
    for match in CALL.finditer(path.read_text()):
        name = match.group(1) or match.group(2)
        if name != "name" and not EXTENSION.search(name):
            called.setdefault(name, path.name)
listed = set(LISTED.findall((root / "tests/faults/provider/functions.h").read_text()))
for name in sorted(set(called) - listed):
    print(f"gl{name}: called in {called[name]}, not in tests/faults/provider/functions.h")
for name in sorted(listed - set(called)):
    print(f"gl{name}: in tests/faults/provider/functions.h, called nowhere in src/backends/gl")
if len(called) < 30 or set(called) != listed:
    sys.exit(1)
print(f"{len(called)} OpenGL functions are called, and the fault provider has them all")
