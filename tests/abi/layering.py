"""Greps the rules of src/README.md: who may include whom, and which calls the
library keeps out of its code.

    layering.py SOURCE_DIR
"""
import os
import re
import sys

# Folder -> first components that it may include with quotes. A backend also
# sees its own folder, and nobody sees another backend's.
LAYERS = {
    "base": {"base"},
    "core": {"base", "core"},
    "backends": {"base", "core"},
    "api": {"base", "core", "api"},
    "tools": {"tools"},
}
REGISTRY = ("src/backends/registry.h", "src/backends/registry.cpp")

# Rule name, pattern, files (by prefix) where it is allowed.
CALLS = [
    ("printing", r"\b(?:printf|puts|putchar|fputs|fprintf|vprintf|vfprintf|perror)\s*\(|"
     r"\bstd::(?:cout|cerr|clog)\b|\bSTD(?:OUT|ERR)_FILENO\b", ("src/base/log.cpp",)),
    ("ending the process", r"(?<![\w.>])(?:exit|_exit|_Exit|quick_exit|abort|assert)\s*\(|"
     r"\bstd::terminate\b", ()),
    ("exit handlers", r"\b(?:atexit|at_quick_exit|on_exit)\s*\(",
     ("src/backends/gl/driver_thread.cpp",)),
    ("reading the environment", r"\b(?:secure_)?getenv\s*\(|\benviron\b",
     ("src/base/options.cpp",)),
    ("changing the environment", r"\b(?:setenv|unsetenv|putenv)\s*\(", ()),
    ("glFinish", r"\bglFinish\b|\bgl(?:_|\(\))?\.Finish\s*\(|->Finish\s*\(", ()),
    ("Highway's static dispatch", r"\bHWY_(?:EXPORT|ASSERT|DASSERT|ABORT)\b", ()),
]
SYSTEM_HEADERS = [
    ("GL, EGL and glad", r"^(?:glad|EGL|GL|KHR)/", ("src/backends/gl/",)),
    ("ioctl and libdrm", r"^(?:sys/ioctl\.h|drm|libdrm|xf86drm|amdgpu)",
     ("src/backends/amdgpu/transport/", "src/backends/amdgpu/sim/")),
    ("Highway", r"^hwy/", ("src/backends/cpu/",)),
    ("OpenMP and TBB", r"^(?:omp\.h|tbb/)", ()),
    ("streams", r"^(?:iostream|fstream)$", ()),
]
MAX_FILE_LINES = 600


def files_under(root, folder, endings):
    for place, folders, names in os.walk(os.path.join(root, folder)):
        folders[:] = [f for f in folders if not f.startswith((".", "build"))]
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(place, name), root)


def code_of(text):
    """The text without comments and string literals; lines keep their numbers."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text,
                  flags=re.S)


def include_fault(path, quoted, name):
    """Why `path` may not include `name`, or None."""
    folders = path.split(os.sep)[1:]
    layer = folders[0]
    if not quoted:
        return next((f"{what} belong to {', '.join(where) or 'nobody'}"
                     for what, pattern, where in SYSTEM_HEADERS
                     if re.search(pattern, name) and not path.startswith(where)), None)
    if name == "sporkle.h" or path in REGISTRY:
        return None
    target = name.split("/")
    if layer == "api" and name == "backends/registry.h":
        return None
    if layer == "backends" and target[:2] == folders[:2]:
        return None
    if target[0] in LAYERS.get(layer, ()):
        return None
    return f"{layer} may not include {name}"


def check_file(root, path):
    with open(os.path.join(root, path)) as source:
        text = source.read()
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]', text, re.M):
        fault = include_fault(path, match.group(1) == '"', match.group(2))
        if fault:
            yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {fault}"
    if path.startswith("src/tools/"):
        return
    code = code_of(text)
    for what, pattern, where in CALLS:
        if path.startswith(where):
            continue
        for match in re.finditer(pattern, code):
            line = code.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: {what}: {match.group(0).strip()}"


def check_length(root, path):
    with open(os.path.join(root, path), errors="replace") as source:
        lines = sum(1 for _ in source)
    if lines > MAX_FILE_LINES:
        yield f"{path}: {lines} lines, more than {MAX_FILE_LINES}"


def main():
    root = sys.argv[1]
    sources = list(files_under(root, "src", (".h", ".c", ".cpp", ".inc", ".def")))
    failures = [fault for path in sources for fault in check_file(root, path)]
    texts = sources + [path for folder in ("tests", "scripts", "bindings", "examples", "cmake")
                       for path in files_under(root, folder, (".h", ".c", ".cpp", ".py", ".cmake"))]
    failures += [fault for path in texts for fault in check_length(root, path)]
    print("\n".join(failures))
    print(f"layering checked: includes and calls of {len(sources)} files, length of {len(texts)}")
    return 1 if failures or not sources else 0


sys.exit(main())
