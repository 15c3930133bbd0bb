"""Compares constants, sizes and offsets of the public header, as a compiler
sees them, with the frozen table layout.txt.

    layout.py HEADER CC TABLE [--update]

Every enumerator and every field is found in the header itself, so that a new
one cannot be forgotten.
"""
import difflib
import os
import re
import subprocess
import sys
import tempfile


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def field_names(body):
    """Names that the declarations of a struct body introduce."""
    for declaration in body.split(";"):
        pointer = re.search(r"\(\*(\w+)\)", declaration)
        if pointer:
            yield pointer.group(1)
        elif declaration.strip():
            for part in declaration.split(","):
                yield re.search(r"(\w+)\s*(\[[^\]]*\])?\s*$", part).group(1)


def program(header):
    with open(header) as lines:
        text = without_comments(lines.read())
    rows = []
    for body in re.findall(r"enum \{(.*?)\}", text, re.S):
        for name in re.findall(r"(\w+)\s*=", body):
            rows.append(f'printf("{name} = %lld\\n", (long long){name});')
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\n\} \1;", text, re.S):
        rows.append(f'printf("{name}: size %zu\\n", sizeof({name}));')
        for field in field_names(body):
            rows.append(f'printf("  {field}: offset %zu, size %zu\\n", offsetof({name}, {field}),'
                        f" sizeof((({name} *)0)->{field}));")
    includes = "#include <sporkle.h>\n#include <stddef.h>\n#include <stdio.h>\n"
    return includes + "int main(void) {\n" + "\n".join(rows) + "\nreturn 0;\n}\n"


def measure(header, compiler):
    with tempfile.TemporaryDirectory() as place:
        source, binary = os.path.join(place, "layout.c"), os.path.join(place, "layout")
        with open(source, "w") as out:
            out.write(program(header))
        subprocess.run([compiler, "-std=c11", "-I", os.path.dirname(header), source, "-o", binary],
                       check=True)
        return subprocess.run([binary], capture_output=True, text=True, check=True).stdout


def main():
    header, compiler, table = sys.argv[1:4]
    now = measure(header, compiler)
    if "--update" in sys.argv:
        with open(table, "w") as out:
            out.write(now)
        return 0
    with open(table) as lines:
        frozen = lines.read()
    print("".join(difflib.unified_diff(frozen.splitlines(True), now.splitlines(True),
                                       "frozen", "now")))
    if now != frozen:
        print("the layout moved: if that is intended, update layout.txt with --update, the ABI "
              "baseline and CHANGELOG.md")
    print(f"layout compared: {len(frozen.splitlines())} constants, sizes and offsets")
    return 0 if now == frozen else 1


sys.exit(main())
