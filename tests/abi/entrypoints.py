"""The names in entrypoints.def and the symbols of a binary, for the other checks."""
import re
import subprocess


def entry_points(definition):
    """Every exported function, in the order of the function table."""
    with open(definition) as lines:
        return ["sporkle_" + name for name in
                re.findall(r"^SPORKLE_ENTRY\((\w+)\)", lines.read(), re.M)]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def dynamic_symbols(binary):
    """(name, type letter, version) of each dynamic symbol; undefined ones are U or w."""
    symbols = []
    for line in run("nm", "-D", binary).splitlines():
        *_, letter, name = line.split()
        name, _, version = name.partition("@")
        symbols.append((name, letter, version.lstrip("@")))
    return symbols


def dynamic_section(binary, tag):
    """Values of a tag (NEEDED, SONAME, FLAGS_1) of the dynamic section."""
    values = []
    for line in run("readelf", "--dynamic", "--wide", binary).splitlines():
        if f"({tag})" in line:
            bracketed = re.search(r"\[(.*)\]", line)
            values.append(bracketed.group(1) if bracketed else line.split(")", 1)[1].strip())
    return values
