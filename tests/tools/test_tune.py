"""sporkle tune: what would not be a search, or be lost, is refused before anything is timed; what
is found is stored, and read by the next process."""
import os
import re
import subprocess
import sys
import tempfile

from cli_support import check, expect_failure, expect_success, run


KERNEL = r"[a-z0-9]+_[a-z0-9_]+"


def entries(directory):
    """Names and contents of the stored choices."""
    found = {}
    for name in sorted(os.listdir(directory)):
        if name.startswith("gltune-"):
            with open(os.path.join(directory, name), "rb") as entry:
                found[name] = entry.read()
    return found


def search(path):
    """A search that succeeds: what is printed, stored and read by the next process."""
    with tempfile.TemporaryDirectory() as directory:
        stored = {"SPORKLE_CACHE_DIR": directory}
        # The virtual GPU links few kernels, and says of the others that they are not used.
        result = run("tune", "--file", path, "--relu", env=stored)
        check(result.returncode == 0, "exit code 0 expected", result)
        lines = result.stdout.splitlines()
        check(len(lines) == 2, "a line per problem expected", result)
        chosen = []
        for line, problem in zip(lines, ("g4mb1ic8oc8ih5kh3ph1", "mb1ic4oc6ih4kh1")):
            match = re.fullmatch(rf"(\S+) +({KERNEL}) +\d+\.\d ms", line)
            check(match and match[1] == problem, f"'{problem} KERNEL N ms' expected", result)
            chosen.append(match[2])
        # One entry for the problem, one for problems like it.
        before = entries(directory)
        check(len(before) == 4, f"four entries expected, not {len(before)}", result)
        for kernel in chosen:
            check(any(kernel.encode() in content for content in before.values()),
                  f"{kernel} is not stored", result)
        listed = expect_success("cache", "list", env=stored)
        check(listed.stdout.count("gltune") >= 4, "four choices listed expected", listed)
        # Another process, which times all kernels that it does not know of, times none.
        second = run("conv2d", "g4mb1ic8oc8ih5kh3ph1", "--device", "gl", "--relu", "--verify",
                     env=stored | {"SPORKLE_TUNE": "on", "SPORKLE_LOG": "debug"})
        check(second.returncode == 0, "exit code 0 expected", second)
        check("tuner:" not in second.stderr, "something was timed", second)
        check(f"plan: {chosen[0]} on gl" in second.stderr, f"{chosen[0]} expected", second)
        check(entries(directory) == before, "the stored choices changed", second)
        # What was not searched for is: the log would have told.
        other = run("conv2d", "g4mb1ic8oc8ih5kh3ph1", "--device", "gl",
                    env=stored | {"SPORKLE_TUNE": "on", "SPORKLE_LOG": "debug"})
        check("tuner:" in other.stderr, "a problem without its activation is another", other)


def full_disk(path, folder):
    """A disk with room for one entry of two: the search that is lost ends it, and not quietly."""
    os.mkdir(folder)
    with_disk = ["unshare", "-rm", "sh", "-c",
                 'mount -t tmpfs -o size=4k tmpfs "$0" && exec "$@"', folder]
    if subprocess.run([*with_disk, "true"], capture_output=True).returncode != 0:
        print("tune: no file system can be mounted here; a full disk is left out")
        return
    result = subprocess.run([*with_disk, sys.argv[1], "tune", "--file", path], text=True,
                            capture_output=True, timeout=100,
                            env={**os.environ, "SPORKLE_CACHE_DIR": folder})
    check(result.returncode == 2, "exit code 2 expected", result)
    check("cannot be written: No space left" in result.stderr, "the reason", result)
    check("the choice is lost" in result.stderr, "what it means", result)
    check(len(result.stdout.splitlines()) == 1, "no search after the first", result)


def refused(words, *arguments, **keywords):
    expect_failure(2, ["tune: ", *words], "tune", *arguments, **keywords)


with tempfile.TemporaryDirectory() as top:
    def file_of(name, text):
        path = os.path.join(top, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    one = file_of("one.txt", "mb1ic2ih3oc2kh1\n")
    cache = {"SPORKLE_CACHE_DIR": os.path.join(top, "cache")}
    expect_success("tune", "--help")
    refused(["--file is missing"])
    refused(["cannot be read", "No such file"], "--file", os.path.join(top, "none.txt"))
    refused(["no problem in it"], "--file", file_of("empty.txt", "# nothing\n\n"), env=cache)
    # The mistake in the last line is found before the first is searched.
    refused(["bad.txt:2:", "rubbish"], "--file", file_of("bad.txt", "mb1ic2ih3oc2kh1\nrubbish\n"),
            env=cache)
    for device in ("cpu", "null"):
        refused(["only OpenGL"], "--file", one, "--device", device, env=cache)
    expect_failure(2, ["MIN,MAX"], "tune", "--file", one, "--clamp", "0", env=cache)
    expect_failure(2, ["another activation"], "tune", "--file", one, "--relu", "--clamp", "0,1")
    result = run("info", env={"SPORKLE_TUNE": "always"})
    if result.returncode != 2 or "none of auto, on, thorough, off" not in result.stderr:
        raise SystemExit(f"SPORKLE_TUNE=always: {result.returncode} {result.stderr}")

    if run("info", "--device", "gl").returncode == 0:
        refused(["SPORKLE_REPRODUCIBLE=on"], "--file", one,
                env=cache | {"SPORKLE_REPRODUCIBLE": "on"})
        refused(["SPORKLE_GL_KERNEL=direct_1x1"], "--file", one,
                env=cache | {"SPORKLE_GL_KERNEL": "direct_1x1"})
        refused(["would be lost"], "--file", one, env={"SPORKLE_CACHE_DIR": "off"})
        refused(["cannot be written"], "--file", one,
                env={"SPORKLE_CACHE_DIR": os.path.join(one, "below")})
        full_disk(file_of("three.txt", "mb1ic2ih3oc2kh1\n" * 3), os.path.join(top, "disk"))
        if "search" in sys.argv:
            search(file_of("two.txt", "mb1g4ic8oc8ih5kh3ph1\n# a comment\nmb1ic4oc6ih4kh1\n"))
    else:
        print("tune: no OpenGL device; what needs one is left out")
    print("tune: files, devices and settings refused")
