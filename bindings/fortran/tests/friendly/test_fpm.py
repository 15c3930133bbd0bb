"""fpm.toml describes the sources that CMake builds, and what it describes builds;
README.md lists them in CMake's order.

    test_fpm.py COMPILER BINDING_DIR LIBSPORKLE VERSION SOURCE...

The Fortran package manager is in few distributions, so this does what it does: every
source below `source-dir`, in the order in which modules use each other, then each
example linked with the libraries of `link`.
SPDX-License-Identifier: MIT
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

INTRINSIC = {"iso_c_binding", "iso_fortran_env", "ieee_arithmetic", "ieee_exceptions",
             "ieee_features", "omp_lib"}


def names(path, pattern):
    text = re.sub(r"!.*", "", path.read_text().lower())
    return set(re.findall(pattern, text, re.M)) - INTRINSIC


def used(path):
    return names(path, r"^\s*use\b(?:\s*,\s*intrinsic)?\s*(?:::)?\s*(\w+)") | \
        names(path, r"^\s*submodule\s*\(\s*(\w+)")


def in_order(sources):
    """Sources with every module after those it uses."""
    waiting, ready, done = dict(sources), [], set()
    while waiting:
        free = [name for name, path in waiting.items() if used(path) <= done]
        if not free:
            sys.exit(f"modules that nothing provides are used by: {sorted(waiting)}")
        for name in free:
            ready.append(waiting.pop(name))
            done.add(name)
    return ready


def compile_all(compiler, ordered, folder):
    for source in ordered:
        subprocess.run([compiler, "-c", str(source), "-o", f"{source.stem}.o"], cwd=folder,
                       check=True)
    return [f"{source.stem}.o" for source in ordered]


def run_example(compiler, source, objects, manifest, library, folder):
    where = str(library.parent)
    subprocess.run([compiler, str(source), *objects, "-L" + where, "-Wl,-rpath," + where,
                    *("-l" + name for name in manifest["build"]["link"]), "-o", source.stem],
                   cwd=folder, check=True)
    done = subprocess.run([f"./{source.stem}"], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0 or not done.stdout or "sporkle_" in done.stdout:
        sys.exit(f"{source.stem}: {done.returncode}: {done.stdout}{done.stderr}")


def check(manifest, binding, version, listed):
    """What fpm would find is what CMake builds."""
    found = sorted((binding / manifest["library"]["source-dir"]).rglob("*.[fF]90"))
    if set(found) != set(listed):
        sys.exit(f"fpm.toml and CMakeLists.txt differ: {set(found) ^ set(listed)}")
    readme = re.findall(r"\b(sporkle\w*\.f90)\b", (binding / "README.md").read_text())
    if readme != [path.name for path in listed]:
        sys.exit(f"README.md and CMakeLists.txt differ: {readme}")
    if manifest["version"] != version:
        sys.exit(f"fpm.toml: version {manifest['version']}, the project's is {version}")
    for path in found:
        if names(path, r"^\s*(?:module|submodule\s*\([^)]*\))\s+(\w+)\s*$") != {path.stem}:
            sys.exit(f"{path.name}: not one module of that name")
    examples = [binding / item["source-dir"] / item["main"] for item in manifest["example"]]
    provided = {path.stem for path in found}
    expected = [path for path in (binding / "examples").glob("*.f90") if used(path) <= provided]
    if set(examples) != set(expected):
        sys.exit(f"fpm.toml lists {examples}, buildable are {expected}")
    return found, examples


def main():
    compiler, binding, library, version = sys.argv[1:5]
    binding, library = pathlib.Path(binding), pathlib.Path(library)
    manifest = tomllib.loads((binding / "fpm.toml").read_text())
    listed = [pathlib.Path(argument) for argument in sys.argv[5:]]
    found, examples = check(manifest, binding, version, listed)
    with tempfile.TemporaryDirectory() as folder:
        objects = compile_all(compiler, in_order({path.stem: path for path in found}), folder)
        for example in examples:
            run_example(compiler, example, objects, manifest, library, folder)
    print(f"fpm.toml: {len(found)} modules and {len(examples)} examples built and run")
    return 0


sys.exit(main())
