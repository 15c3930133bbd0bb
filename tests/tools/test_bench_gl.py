"""bench_conv2d --device gl on a software driver: what its JSON holds, and what it refuses.

    test_bench_gl.py BENCH_CONV2D
"""
import json
import os
import resource
import subprocess
import sys
import tempfile

PROBLEMS = "mb1ic4oc8ih6kh1\nmb2ic8ih8iw16oc8kh3ph1pw1\n"
NAMES = ["mb1ic4oc8ih6kh1", "mb2ic8oc8ih8kh3ph1iw16kw3sw1dw0pw1"]
checks = failed = 0


def check(condition, text):
    global checks, failed
    checks += 1
    if not condition:
        failed += 1
        print(f"FAILED: {text}")


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def run(*arguments, before=None):
    return subprocess.run([sys.argv[1], "--device", "gl", *arguments], text=True,
                          capture_output=True, timeout=120, preexec_fn=before,
                          env={**os.environ, "SPORKLE_CACHE_DIR": "off"})


def test_json(problems):
    done = run("--software", "--file", problems, "--seed", "7", "--only", "direct_1x4", "--json", "-")
    check(done.returncode == 0, f"exit code {done.returncode}: {done.stderr}")
    check("not a hardware figure" in done.stderr, done.stderr)
    data = json.loads(done.stdout)
    for key in ("sporkle", "revision", "date", "command", "cpu", "device"):
        check(data.get(key), f"{key} in {sorted(data)}")
    check(data["software_driver"] is True, "a software driver is called one")
    check([r["problem"] for r in data["results"]] == NAMES, str(data["results"]))
    check(len({r["seed"] for r in data["results"]}) == 2, "inputs differ from problem to problem")
    for result in data["results"]:
        check("chosen" not in result, "nobody asked the library for its choice")
        check(result["first"] == "direct_1x4", result["first"])
        variant = result["variants"][0]
        check(variant["rank"] > 0, f"the rule's order has others before {variant['variant']}")
        check(variant["rel_l2"] < 1e-5 and variant["us"] > 0, str(variant))


def test_too_large(folder):
    """What does not fit is named, the others are measured, and the JSON is whole."""
    path = write(folder, "large.txt", "mb4096ic512oc512ih224kh3ph1\nmb1ic4oc8ih6kh1\n")
    # 421 GB: also where the kernel promises more memory than there is.
    done = run("--software", "--file", path, "--only", "direct_1x4", "--json", "-",
               before=lambda: resource.setrlimit(resource.RLIMIT_AS, (64 << 30, 64 << 30)))
    check(done.returncode == 1, f"exit code {done.returncode}: {done.stderr}")
    check("mb4096ic512oc512ih224kh3ph1: no memory" in done.stderr, done.stderr)
    large, small = json.loads(done.stdout)["results"]
    check("no memory" in large["error"] and large["variants"] == [], str(large))
    check(small["problem"] == NAMES[0] and small["first"] == "direct_1x4", str(small))


def test_files(folder):
    for text, reason in (("", "no problem in it"), ("# nothing\n", "no problem in it"),
                         ("mb1ic4oc8ih6kh1\nrubbish\n", "problems:2:")):
        path = write(folder, "problems", text)
        for device in (("--device", "gl", "--software"), ()):
            done = subprocess.run([sys.argv[1], *device, "--file", path], text=True,
                                  capture_output=True, timeout=120)
            check(done.returncode == 2 and reason in done.stderr and done.stdout == "",
                  f"{text} {device}: {done.returncode} {done.stderr} {done.stdout}")


def test_refusals(problems):
    for option, value in (("--seed", "abc"), ("--seed", "7x"), ("--seed", "-1"),
                          ("--variants", "many"), ("--beyond", "x"), ("--beyond", "-1")):
        done = run("--file", problems, "--software", option, value)
        check(done.returncode == 2 and f'{option}: "{value}"' in done.stderr, done.stderr)
    for arguments, code, text in ((("--json", "x"), 2, "usage"),
                                  (("--file", "/no/such/file", "--software"), 2, "cannot read"),
                                  (("--file", problems, "--software", "--json", "/no/such/x"), 1,
                                   "cannot write"),
                                  (("--file", problems, "--bogus"), 2, "usage")):
        done = run(*arguments)
        check(done.returncode == code and text in done.stderr,
              f"{arguments}: {done.returncode} {done.stderr}")


with tempfile.TemporaryDirectory() as folder:
    path = write(folder, "problems.txt", PROBLEMS)
    test_json(path)
    test_too_large(folder)
    test_files(folder)
    test_refusals(path)
print(f"bench_conv2d --device gl: {checks} checks, {failed} failed")
sys.exit(1 if failed else 0)
