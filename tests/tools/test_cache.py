"""sporkle cache: entries go out and come back; damaged ones do neither."""
import os
import struct
import tempfile

from cli_support import check, expect_success, run


def fnv(data, start=1469598103934665603):
    for byte in data:
        start = (start ^ byte) * 1099511628211 % 2**64
    return start


def entry(key, content):
    """An entry as src/core/cache_store.cpp writes it: file name and bytes."""
    first = fnv(key)
    second = fnv(key, first ^ 0x9E3779B97F4A7C15)
    header = struct.pack("=8sQQQ", b"SPKCACH1", len(key), len(content), fnv(key + content))
    return f"gltune-{first:016x}{second:016x}.spk", header + key + content


def write(path, data):
    with open(path, "wb") as out:
        out.write(data)


with tempfile.TemporaryDirectory() as top:
    source, target, pack = (os.path.join(top, name) for name in ("source", "target", "pack"))
    os.mkdir(source)
    good, good_bytes = entry(b"a problem", b"direct_1x1 5\n")
    bad, bad_bytes = entry(b"another", b"direct_4x4 6\n")
    write(os.path.join(source, good), good_bytes)
    write(os.path.join(source, bad), bad_bytes[:-1] + b"!")
    write(os.path.join(source, "notes.txt"), b"not an entry")
    env = {"SPORKLE_CACHE_DIR": source}

    listed = expect_success("cache", "list", env=env).stdout
    check("a problem" in listed and "direct_1x1 5" in listed, "the entry is listed")
    check("1 entries" in listed and "1 damaged" in listed, "the damaged one is told apart")
    check("1 entries" in expect_success("cache", "export", pack, env=env).stdout, "one is packed")

    there = {"SPORKLE_CACHE_DIR": target}
    check("imported 1" in expect_success("cache", "import", pack, env=there).stdout, "it comes back")
    with open(os.path.join(target, good), "rb") as back:
        check(back.read() == good_bytes, "the same bytes")
    with open(pack, "rb") as packed:
        whole = packed.read()

    def refuses_one(why):
        done = run("cache", "import", pack, env=there)
        check(done.returncode == 2 and "refused 1" in done.stdout, why, done)
        check("1 of its entries are damaged" in done.stderr, why, done)
        return done

    write(pack, whole[:-1])
    result = run("cache", "import", pack, env=there)
    check(result.returncode == 2 and "damaged behind byte" in result.stderr, "truncated", result)
    write(pack, whole[:-1] + b"!")
    refuses_one("spoiled")
    write(pack, whole.replace(good.encode(), b"../../" + good.encode()[6:]))
    refuses_one("a foreign path")
    # Those behind a damaged one come in.
    third, third_bytes = entry(b"one more", b"direct_1x1 5\n")
    more = struct.pack("=QQ", len(third), len(third_bytes)) + third.encode() + third_bytes
    write(pack, whole[:-1] + b"!" + more)
    check("imported 1 entries" in refuses_one("one of two").stdout, "the good one is imported")
    check(os.path.exists(os.path.join(target, third)), "the good one is there")
    write(pack, b"nonsense")
    result = run("cache", "import", pack, env=there)
    check(result.returncode == 2 and "no exported cache" in result.stderr, "nonsense", result)
    result = run("cache", "shrink", env=env)
    check(result.returncode == 2 and "none of list" in result.stderr, "an unknown action", result)
    result = run("cache", "list", env={"SPORKLE_CACHE_DIR": "off"})
    check(result.returncode == 2 and "is off" in result.stderr, "a cache that is off", result)

    # A machine without ~/.cache, and an entry whose text has no end.
    deep = {"SPORKLE_CACHE_DIR": os.path.join(top, "not", "yet", "there")}
    write(pack, whole)
    check("imported 1" in expect_success("cache", "import", pack, env=deep).stdout, "made for it")
    endless, endless_bytes = entry(b"a third", b"direct_1x4")
    write(os.path.join(deep["SPORKLE_CACHE_DIR"], endless), endless_bytes)
    listed = expect_success("cache", "list", env=deep).stdout
    check("  direct_1x4\n" in listed, "the text ends with the entry")
    for where in ("OFF", "No", "0"):
        result = run("cache", "import", pack, env={"SPORKLE_CACHE_DIR": where}, cwd=top)
        check(result.returncode == 2 and "is off" in result.stderr, "off in any case", result)
    result = run("cache", "import", pack, env={"SPORKLE_CACHE_DIR": os.path.join(pack, "below")})
    check(result.returncode == 2 and "cannot be written" in result.stderr, "below a file", result)
    result = run("cache", "list", env={"SPORKLE_CACHE_DIR": "/tmp/" + "x" * 300})
    check(result.returncode == 2 and "longer than" in result.stderr, "half of a path", result)

    for action in (["list"], ["clear"], ["export", os.path.join(top, "unmade")]):
        result = run("cache", *action, env={"SPORKLE_CACHE_DIR": pack})
        check(result.returncode == 2 and "cannot be read: Not a directory" in result.stderr,
              "a file in its place", result)
    check(not os.path.exists(os.path.join(top, "unmade")), "nothing is packed")
    nowhere = {"SPORKLE_CACHE_DIR": os.path.join(top, "nowhere")}
    check("0 entries" in expect_success("cache", "list", env=nowhere).stdout, "none yet is empty")

    write(os.path.join(source, good + ".7.8.tmp"), b"")
    write(os.path.join(source, "x.tmp"), b"somebody else's")
    stuck = os.path.join(source, "gltune-" + "0" * 32 + ".spk")
    os.mkdir(stuck)
    result = run("cache", "clear", env=env)
    check(result.returncode == 2 and os.path.basename(stuck) + ": cannot be removed" in result.stderr,
          "what stays is named", result)
    os.rmdir(stuck)
    check("removed 2 entries and 1 unfinished" in result.stdout, "the others are removed", result)
    check(sorted(os.listdir(source)) == ["notes.txt", "x.tmp"], "what is no entry stays")
    print("cache: list, export, import and clear; damaged and foreign entries refused")
