"""Installs a build, moves the installed tree, and builds Fortran programs against it
through find_package.

    test_installed.py BUILD_DIR CONSUMER_DIR
SPDX-License-Identifier: MIT
"""
import os
import shutil
import subprocess
import sys
import tempfile

EXPECTED = {
    "one_call": None,  # a computed value, then the same from a sum
    "historic": "11 14 20 23",
    "openmp_caller": "all calls succeeded: T\nimage by image equals the whole batch: T",
}


def run(*command, **environment):
    done = subprocess.run(command, capture_output=True, text=True,
                          env={**os.environ, **environment})
    if done.returncode != 0:
        print(" ".join(command), done.stdout, done.stderr, sep="\n")
        sys.exit(1)
    return done.stdout.strip()


def main():
    build, consumer = (os.path.abspath(argument) for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as place:
        stage, prefix = os.path.join(place, "stage"), os.path.join(place, "moved")
        run("cmake", "--install", build, "--prefix", "/usr", DESTDIR=stage)
        shutil.move(os.path.join(stage, "usr"), prefix)
        programs = os.path.join(place, "build")
        run("cmake", "-S", consumer, "-B", programs, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", programs)
        built = [name for name in EXPECTED if os.path.exists(os.path.join(programs, name))]
        for name in built:
            answer = run(os.path.join(programs, name), SPORKLE_DEVICE="cpu")
            if EXPECTED[name] is None:
                computed, expected = (float(part) for part in answer.split())
                right = abs(computed - expected) < 1e-3
            else:
                right = answer == EXPECTED[name]
            if not right:
                print(f"{name}: '{answer}' instead of '{EXPECTED[name]}'")
                return 1
    missing = {"one_call", "historic"} - set(built)
    if missing:
        print("not built:", *sorted(missing))
        return 1
    print("installed, moved, built with find_package and run:", ", ".join(built))
    return 0


sys.exit(main())
