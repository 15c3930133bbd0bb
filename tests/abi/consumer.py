"""Installs a build and builds a C and a C++ program against the result, through
find_package and through pkg-config. The installed tree is moved first.

    consumer.py SOURCE_DIR BUILD_DIR

With --static SOURCE_DIR, configures and installs a build with
BUILD_SHARED_LIBS=OFF first and links that.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

EXPECTED = "SPORKLE_OK 11 14 20 23"


def run(*command, **environment):
    done = subprocess.run(command, capture_output=True, text=True,
                          env={**os.environ, **environment})
    if done.returncode != 0:
        print(" ".join(command), done.stdout, done.stderr, sep="\n")
        sys.exit(1)
    return done.stdout.strip()


def build_static(source, build):
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", "-DBUILD_SHARED_LIBS=OFF",
        "-DCMAKE_BUILD_TYPE=Release", "-DSPORKLE_BUILD_TESTS=OFF", "-DSPORKLE_BUILD_BENCH=OFF",
        "-DSPORKLE_BUILD_TOOLS=OFF")
    run("cmake", "--build", build)


def check(what, answer):
    if answer != EXPECTED:
        print(f"{what}: '{answer}' instead of '{EXPECTED}'")
        sys.exit(1)


def with_cmake(programs, prefix, place):
    build = os.path.join(place, "cmake")
    run("cmake", "-S", programs, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    for name in ("consumer_c", "consumer_cxx"):
        check(f"find_package, {name}", run(os.path.join(build, name), SPORKLE_CACHE_DIR="off"))


def with_pkg_config(programs, prefix, place, static):
    config = glob.glob(os.path.join(prefix, "lib*", "**", "pkgconfig"), recursive=True)[0]
    flags = run("pkg-config", "--cflags", "--libs", *(["--static"] if static else []), "sporkle",
                PKG_CONFIG_PATH=config).split()
    for compiler, source in (("cc", "consumer.c"), ("c++", "consumer.cpp")):
        binary = os.path.join(place, source + ".out")
        run(compiler, os.path.join(programs, source), "-o", binary, *flags)
        check(f"pkg-config, {source}", run(binary, LD_LIBRARY_PATH=os.path.dirname(config),
                                           SPORKLE_CACHE_DIR="off"))


def main():
    static = sys.argv[1] == "--static"
    source = os.path.abspath(sys.argv[2 if static else 1])
    programs = os.path.join(source, "tests", "abi", "consumer")
    with tempfile.TemporaryDirectory() as place:
        build = os.path.join(place, "static") if static else os.path.abspath(sys.argv[2])
        if static:
            build_static(source, build)
        run("cmake", "--install", build, "--prefix", "/usr", DESTDIR=os.path.join(place, "stage"))
        prefix = os.path.join(place, "moved")
        shutil.move(os.path.join(place, "stage", "usr"), prefix)
        with_cmake(programs, prefix, place)
        with_pkg_config(programs, prefix, place, static)
    print(f"installed {'archive' if static else 'library'}, moved: C and C++ programs built with "
          "find_package and pkg-config compute the expected values")
    return 0


sys.exit(main())
