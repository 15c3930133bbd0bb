"""Checks the documentation in the public header: every function has a comment
that says what it returns; every section with functions states thread-safety
and ownership.

    header_docs.py HEADER
"""
import re
import sys

# Sections whose functions return nothing that is owned still say so.
REQUIRED = ("Thread-safety:", "Ownership:")


def sections(text):
    """(title, comment, body) of each banner section, in order."""
    banner = re.compile(r"/\* -{40,}\n(.*?)-{40,} \*/", re.S)
    found = list(banner.finditer(text))
    for i, match in enumerate(found):
        end = found[i + 1].start() if i + 1 < len(found) else len(text)
        yield match.group(1).strip(" *\n").splitlines()[0], match.group(1), text[match.end():end]


def main():
    with open(sys.argv[1]) as header:
        text = header.read()
    failures, functions, described = [], 0, 0
    for title, comment, body in sections(text):
        declared = list(re.finditer(r"^SPORKLE_EXPORT\b.*?\b(sporkle_\w+)\(", body, re.M | re.S))
        described += bool(declared)
        for word in REQUIRED:
            if declared and word not in comment:
                failures.append(f"section '{title}' does not say '{word}'")
        for match in declared:
            functions += 1
            before = body[: match.start()].rstrip()
            doc = before[before.rfind("/*"):] if before.endswith("*/") else ""
            if "Returns:" not in doc:
                failures.append(f"{match.group(1)}: no comment with 'Returns:' directly above")
    exported = len(re.findall(r"^SPORKLE_EXPORT\b", text, re.M))
    if functions != exported:
        failures.append(f"{exported - functions} functions stand outside of a section")
    print("\n".join(failures))
    print(f"documentation checked: {functions} functions in {described} sections")
    return 1 if failures or functions == 0 else 0


sys.exit(main())
