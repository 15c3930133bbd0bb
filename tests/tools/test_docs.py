"""docs/cli.md against the program: every command, option and field of JSON.

    test_docs.py PROGRAM SOURCE_DIR
"""
import json
import os
import re
import sys

from cli_support import check, expect_success

SMALL = "mb1ic4ih8oc4kh3"
# Fields that are only there in one case, or that another section lists.
BY_COMMAND = {
    "conv2d": (SMALL, "--device", "cpu", "--verify", "--repeat", "1"),
    "pipeline": (SMALL, "--device", "cpu", "--verify", "--batches", "2", "--repeat", "1"),
    "soak": ("--device", "null", "--seconds", "1"),
    "info": ("--device", "null"),
}


def sections(text):
    """Everything from one `## ` to the next, by the command in the heading."""
    parts = re.split(r"^## ", text, flags=re.M)
    named = [(re.match(r"`sporkle (\w+)", part), part) for part in parts]
    return {found[1]: part for found, part in named if found}


def options_of(command):
    lines = expect_success("help", command).stdout.splitlines()
    return [found[1] for found in (re.match(r"  (-[\w-]+)", line) for line in lines) if found]


def keys(value):
    """Names of fields, also of objects within, but not those that are data."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if isinstance(value, dict):
        return set(value) | set().union(*(keys(v) for k, v in value.items() if k != "properties"))
    return set()


def main():
    with open(os.path.join(sys.argv[2], "docs", "cli.md")) as file:
        text = file.read()
    parts = sections(text)
    overview = expect_success("help").stdout
    commands = re.findall(r"^  (\w+) ", overview, re.M)
    check(len(commands) > 5, f"commands {commands}")
    count = 0
    for command in commands:
        check(f"| `sporkle {command}" in text, f"docs/cli.md: no line for {command} in the table")
        if command == "help":
            continue
        check(command in parts, f"docs/cli.md: no section for {command}")
        known = set(re.findall(r"`(-[\w-]+)", parts[command]))
        known |= set(re.findall(r"[\s|\[](--?[a-z][\w-]*)", parts[command]))
        offered = set(options_of(command))
        count += len(offered)
        check(not offered - known, f"docs/cli.md, {command}: no word about {offered - known}")
        table = set(re.findall(r"^\| `(--[\w-]+)", parts[command], re.M))
        check(not table - offered, f"docs/cli.md, {command}: there is no {table - offered}")
    chain = os.path.join(sys.argv[2], "tests", "tools", "chain.txt")
    by_command = {**BY_COMMAND, "sequence": ("-", "--file", chain, "--device", "cpu")}
    for command, arguments in by_command.items():
        fields = keys(json.loads(expect_success(command, "--json", *arguments).stdout))
        words = set(re.findall(r"`(\w+)(?:\[\])?`", text))
        check(not fields - words, f"docs/cli.md, {command}: no word about {fields - words}")
        count += len(fields)
    print(f"docs/cli.md describes {len(commands)} commands, {count} options and fields")


main()
