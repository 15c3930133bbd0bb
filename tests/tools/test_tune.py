"""sporkle tune: what would not be a search, or be lost, is refused before anything is timed."""
import os
import tempfile

from cli_support import expect_failure, expect_success, run


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
    else:
        print("tune: no OpenGL device; what needs one is left out")
    print("tune: files, devices and settings refused; nothing timed")
