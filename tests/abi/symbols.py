"""Checks what the shared library and the program export and import.

    symbols.py LIBRARY ENTRYPOINTS_DEF MAJOR ARCHIVE [PROGRAM ...]

ARCHIVE holds the same objects before linking.
"""
import sys

from entrypoints import dynamic_section, dynamic_symbols, entry_points, run

NEEDED = ("libstdc++.so.", "libgcc_s.so.", "libm.so.", "libc.so.", "ld-linux")
NETWORK = {"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "send",
           "sendto", "sendmsg", "recv", "recvfrom", "recvmsg", "getaddrinfo", "gethostbyname",
           "gethostbyname_r", "getnameinfo", "inet_aton", "inet_pton", "res_query"}
# Calls that a library must not make: they print, end the process, or touch the
# environment or the signals of the program.
FORBIDDEN = {"printf", "puts", "putchar", "fprintf", "vprintf", "vfprintf", "perror",
             "__printf_chk", "__fprintf_chk", "__vfprintf_chk", "exit", "_exit", "_Exit",
             "quick_exit", "abort", "getenv", "setenv", "putenv", "unsetenv", "system", "signal",
             "sigaction"}
# What a static or thread-local object with a destructor imports. Linking turns
# an explicit atexit() into the same name, hence the look at the objects.
DESTRUCTORS = {"__cxa_atexit", "__cxa_thread_atexit", "__cxa_thread_atexit_impl"}
# Registered by hand, once the module is pinned: a caller's thread that ends
# with a context of ours current.
REGISTERED = {("interop_thread.cpp.o", "__cxa_thread_atexit")}


def check_exports(library, definition, major):
    symbols = [s for s in dynamic_symbols(library) if s[1] not in "Uwv"]
    node = f"SPORKLE_{major}"
    expected = {*entry_points(definition), "sporkle_get_api"}
    functions = {name for name, letter, _ in symbols if letter != "A"}
    yield from (f"exported, not in entrypoints.def: {n}" for n in sorted(functions - expected))
    yield from (f"in entrypoints.def, not exported: {n}" for n in sorted(expected - functions))
    yield from (f"{n}: version '{v}', not {node}" for n, letter, v in symbols
                if letter != "A" and v != node)
    yield from (f"STB_GNU_UNIQUE symbol: {n}" for n, letter, _ in symbols if letter == "u")


def check_imports(binary, forbidden):
    undefined = {name for name, letter, _ in dynamic_symbols(binary) if letter in "Uwv"}
    yield from (f"{binary} imports {n}" for n in sorted(undefined & forbidden))
    yield from (f"{binary} imports a symbol of Highway: {n}" for n in sorted(undefined)
                if "hwy" in n)


def check_destructors(archive):
    member = ""
    for line in run("nm", "--undefined-only", archive).splitlines():
        name = line.split()[-1] if line.split() else ""
        if line.endswith(":"):
            member = line[:-1]
        elif name in DESTRUCTORS and (member, name) not in REGISTERED:
            yield f"{member}: a static object has a destructor ({name})"


def check_needed(binary, allowed):
    yield from (f"{binary} needs {n}" for n in dynamic_section(binary, "NEEDED")
                if not n.startswith(allowed))


def main():
    library, definition, major, archive = sys.argv[1:5]
    programs = sys.argv[5:]
    soname = f"libsporkle.so.{major}"
    failures = list(check_exports(library, definition, major))
    failures += check_imports(library, NETWORK | FORBIDDEN)
    failures += check_destructors(archive)
    failures += check_needed(library, NEEDED)
    if dynamic_section(library, "SONAME") != [soname]:
        failures.append(f"SONAME is {dynamic_section(library, 'SONAME')}, not {soname}")
    if any("NODELETE" in flags for flags in dynamic_section(library, "FLAGS_1")):
        failures.append("linked with -z nodelete: dlclose before the first thread must unmap")
    for program in programs:
        failures += check_imports(program, NETWORK)
        failures += check_needed(program, NEEDED + (soname,))
    print("\n".join(failures))
    print(f"checked: {len(entry_points(definition)) + 1} exports, imports, NEEDED, SONAME of "
          f"{soname}; imports of {len(programs)} program(s)")
    return 1 if failures else 0


sys.exit(main())
