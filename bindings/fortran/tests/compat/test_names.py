"""Every public name of a historic module, and every public component of its public
types, occurs in a test program that uses that module.

    test_names.py MODULE_FOLDER TEST_FOLDER

Reads the sources line by line: one declaration a line, as they are written here.
SPDX-License-Identifier: MIT
"""
import pathlib
import re
import sys

USE = re.compile(r"\s*use\b(?:\s*,\s*\w+)?\s*(?:::)?\s*(\w+)\s*(?:,\s*only\s*:\s*(.*))?$")
PROCEDURE = re.compile(r"\s*(?!end\b)(?:[\w()]+\s+)*(?:subroutine|function)\s+(\w+)\s*\(")


def statements(path):
    """Statements in lower case; comments, text in quotes and continuations gone."""
    text = re.sub(r"\"[^\"\n]*\"|!.*", '""', path.read_text().lower())
    return re.sub(r"&\s*\n\s*&?", " ", text).splitlines()


def listed(text):
    """The names of a declaration list: initial values and shapes gone."""
    while re.search(r"\([^()]*\)|\[[^\[\]]*\]", text):
        text = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", text)
    return [part.split("=")[0].strip() for part in text.split(",")]


def renames(only):
    """{original: local} of an only-list."""
    pairs = [part.partition("=>") for part in only.split(",")]
    return {(original or local).strip(): local.strip() for local, _, original in pairs}


class Module:
    """What a module declares and makes public. types: {type: {component: its type}}."""

    def __init__(self, path):
        self.name = path.stem
        self.hidden, self.public, self.declared = False, set(), set()
        self.types, self.uses = {}, {}
        self.read(statements(path))

    def read(self, lines):
        state = "head"
        kind, visible = "", True
        for line in lines:
            start = re.match(r"\s*type\s*(?:,[^:]*)?(?:::)?\s*(\w+)\s*$", line)
            if re.match(r"\s*end (type|interface)", line):
                state = "head"
            elif re.match(r"\s*contains\b", line):
                state = "body"
            elif state == "head" and start:
                state, kind, visible = "type", start.group(1), True
                self.types[kind] = {}
                self.declared.add(kind)
            elif state == "head" and re.match(r"\s*interface\b", line):
                state = "interface"
                self.declared.update(line.split()[1:])
            elif state == "type" and line.strip() == "private":
                visible = False
            elif state == "type" and visible and "::" in line and ", private" not in line:
                left, right = line.split("::", 1)
                inner = re.match(r"\s*type\((\w+)\)", left)
                self.types[kind].update({part: inner and inner.group(1) for part in listed(right)})
            elif state in ("interface", "body") and PROCEDURE.match(line):
                self.declared.add(PROCEDURE.match(line).group(1))
            elif state == "head":
                self.declaration(line)

    def declaration(self, line):
        use = USE.match(line)
        if use:
            self.uses[use.group(1)] = renames(use.group(2)) if use.group(2) else None
        elif line.strip() == "private":
            self.hidden = True
        elif "::" in line:
            left, right = line.split("::", 1)
            attributes = re.split(r"[\s,]+", left.strip())
            (self.public if "public" in attributes else self.declared).update(listed(right))

    def names(self, modules):
        """Own names, and without `private` those of the modules that it uses whole."""
        if self.hidden:
            return self.public
        found = self.public | self.declared
        for name, only in self.uses.items():
            if only:
                found |= set(only.values())
            elif name in modules:
                found |= modules[name].names(modules)
        return found

    def type_named(self, name, modules):
        """(components, the module that declares them) of a type in scope here."""
        if name in self.types:
            return self.types[name], self
        for module, only in self.uses.items():
            known = {name: name} if only is None else only
            for original, local in known.items():
                if local == name and module in modules:
                    parts, owner = modules[module].type_named(original, modules)
                    if parts:
                        return parts, owner
        return {}, self

    def components(self, modules):
        found, ahead, done = set(), [(name, self) for name in self.names(modules)], set()
        while ahead:
            name, scope = ahead.pop()
            parts, owner = scope.type_named(name, modules)
            if not parts or (name, owner.name) in done:
                continue
            done.add((name, owner.name))
            found.update((name, part) for part in parts)
            ahead += [(inner, owner) for inner in parts.values() if inner]
        return found


class Program:
    def __init__(self, path):
        self.uses, body = {}, []
        for line in statements(path):
            use = USE.match(line)
            if not use:
                body.append(line)
            elif not use.group(2):
                self.uses[use.group(1)] = None
            elif self.uses.setdefault(use.group(1), {}) is not None:
                self.uses[use.group(1)].update(renames(use.group(2)))
        self.text = "\n".join(body)

    def has(self, module, name):
        if module not in self.uses:
            return False
        known = self.uses[module]
        local = name if known is None else known.get(name)
        return local is not None and re.search(rf"\b{local}\b", self.text) is not None

    def has_component(self, module, part):
        return module in self.uses and re.search(rf"%\s*{part}\b", self.text) is not None


def main():
    modules = {path.stem: Module(path) for path in pathlib.Path(sys.argv[1]).glob("*.f90")}
    programs = [Program(path) for path in pathlib.Path(sys.argv[2]).rglob("*.f90")]
    historic = sorted(name for name in modules if not name.startswith("sporkle_compat_"))
    count, missing = 0, []
    for module in historic:
        for name in sorted(modules[module].names(modules)):
            count += 1
            if not any(program.has(module, name) for program in programs):
                missing.append(f"{module}: {name}")
        for kind, part in sorted(modules[module].components(modules)):
            count += 1
            if not any(program.has_component(module, part) for program in programs):
                missing.append(f"{module}: {kind}%{part}")
    for line in missing:
        print("in no test:", line)
    print(f"{count} names and components of {len(historic)} modules looked up in the tests")
    return 1 if missing or len(historic) < 25 or count < 450 else 0


if __name__ == "__main__":
    sys.exit(main())
