"""Commands, options, exit codes, messages and JSON of the sporkle program."""
import os
import pty
import re
import subprocess
import tempfile

import cli_support as cli
from cli_support import check, expect_failure, expect_json, expect_success

SMALL = "mb2ic17ih31iw29oc13kh5ph2"
CONV_FIELDS = {"problem", "name", "bias", "residual", "activation", "device", "device_name",
               "driver", "software", "simulated", "algorithm", "ms_plan", "ms_first", "ms_median",
               "ms_min", "ms_device_median", "repeat", "flops", "gflops", "rel_l2_error",
               "max_error", "verified", "verified_outputs", "outputs", "output", "error"}


def test_help_and_version():
    check(expect_success("--version").stdout.startswith("sporkle 0."), "--version")
    overview = expect_success("help").stdout
    for name in ("info", "conv2d", "pipeline", "report", "help"):
        check(name in overview, f"{name} in help")
        text = expect_success("help", name).stdout
        check(text.startswith(f"usage: sporkle {name}"), f"help {name}")
        check(expect_success(name, "--help").stdout == text, f"{name} --help equals help {name}")
    check(expect_success("--help").stdout == overview, "--help equals help")
    result = cli.run()
    check(result.returncode == 2 and result.stdout == overview, "no command: help, exit 2", result)


def test_unknown_names():
    expect_failure(2, ['unknown command "conv"', '"conv2d"'], "conv")
    expect_failure(2, ['unknown command "infoo"', '"info"'], "infoo")
    expect_failure(2, ['unknown option "--versoin"', '"--version"'], "--versoin")
    expect_failure(2, ['unknown option "--verfy"', '"--verify"'], "conv2d", SMALL, "--verfy")
    expect_failure(2, ['unknown option "--jsn"', '"--json"'], "info", "--jsn")
    expect_failure(2, ['unknown command "inf"', '"info"'], "help", "inf")
    expect_failure(2, ['unexpected argument "x"'], "info", "x")
    expect_failure(2, ['unexpected argument "b"'], "report", "a", "b")


def test_option_values():
    expect_failure(2, ["--device needs a value"], "conv2d", SMALL, "--device")
    expect_failure(2, ["--verify takes no value"], "conv2d", SMALL, "--verify=1")
    for value in ("0", "-1", "x", "1x", "", " 1", "100001", "99999999999999999999"):
        expect_failure(2, ["--repeat", "1 to 100000"], "conv2d", SMALL, f"--repeat={value}")
    expect_failure(2, ["--threads"], "conv2d", SMALL, "--threads", "0")
    expect_failure(2, ["--clamp", "MIN,MAX"], "conv2d", SMALL, "--clamp", "1")
    expect_failure(2, ["--clamp", "MIN <= MAX"], "conv2d", SMALL, "--clamp", "2,1")
    expect_failure(2, ["--clamp", "MIN <= MAX"], "conv2d", SMALL, "--clamp", "nan,1")
    expect_failure(2, ["another activation"], "conv2d", SMALL, "--relu", "--clamp", "0,6")
    expect_failure(2, ["part of the PROBLEM"], "conv2d", SMALL, "--stride", "2")


def test_problem_errors():
    expect_failure(2, ["a PROBLEM is missing"], "conv2d")
    expect_failure(2, ["there is a PROBLEM already"], "conv2d", SMALL, SMALL)
    expect_failure(2, ["column 4", "zz9"], "conv2d", "mb1zz9")
    expect_failure(2, ["ic (input channels) is missing"], "conv2d", "mb1")
    expect_failure(2, ["overflow"], "conv2d", "mb1ic4611686018427387904ih1oc4kh1")
    expect_failure(2, ["the kernel covers 9 elements"], "conv2d", "mb1ic1ih4oc1kh9")


def test_devices():
    expect_failure(3, ["nosuch"], "conv2d", SMALL, "--device", "nosuch")
    expect_failure(3, ["gl:99"], "conv2d", SMALL, "--device", "gl:99")
    expect_failure(3, ["nosuch"], "conv2d", SMALL, env={"SPORKLE_DEVICE": "nosuch"})
    result = expect_json("conv2d", SMALL, "--json", "--device", "cpu",
                         env={"SPORKLE_DEVICE": "nosuch"})
    check(result["device"] == "cpu", "an argument wins over the variable")
    result = expect_json("conv2d", SMALL, "--json", "--verify", "--device", "null")
    check(result["simulated"] and result["gflops"] is None and result["verified"],
          "the null device is simulated, verified and has no rate")
    text = expect_success("conv2d", SMALL, "--verify", "--device", "null").stdout
    check("GFLOP/s" not in text and "simulated" in text, "no rate for a simulated device")


def test_conv_json():
    result = expect_json("conv2d", SMALL, "--device", "cpu", "--verify", "--json")
    check(set(result) == CONV_FIELDS, f"fields {set(result) ^ CONV_FIELDS}")
    check(result["problem"] == SMALL and result["device"] == "cpu", "problem and device")
    check(result["verified"] is True and result["rel_l2_error"] < 1e-5, "verified")
    check(result["verified_outputs"] == result["outputs"] == 2 * 13 * 31 * 29, "all outputs")
    check(result["flops"] == 2 * 2 * 13 * 31 * 29 * 17 * 25, "flops")
    check(result["repeat"] >= 5 and result["ms_min"] <= result["ms_median"], "times")
    check(result["gflops"] > 0 and result["ms_first"] > 0, "rate")
    check(not result["simulated"] and not result["software"], "a real device")
    result = expect_json("conv2d", SMALL, "--device", "cpu", "--repeat", "3", "--json")
    check(result["verified"] is False and result["gflops"] is None, "no rate unverified")
    check(result["rel_l2_error"] is None and result["repeat"] == 3, "no error unverified")
    text = expect_success("conv2d", SMALL, "--device", "cpu").stdout
    check("GFLOP/s" not in text, "no rate in text unverified")


def test_epilogues():
    for extra in (["--bias", "random"], ["--residual", "random"], ["--relu"],
                  ["--clamp", "-0.5,0.5"],
                  ["--bias", "random", "--residual=random", "--clamp=-1,2", "--threads", "1"]):
        for problem in (SMALL, "g4mb1ic8ih9oc12kh3ph1dh1", "g6mb2ic6ih8oc6kh3sh2ph1"):
            result = expect_json("conv2d", problem, "--device", "cpu", "--verify", "--json",
                                 "--repeat", "1", *extra)
            check(result["verified"], f"{problem} {extra}")


def test_file_of_problems(folder):
    path = os.path.join(folder, "problems.txt")
    with open(path, "w") as file:
        file.write('# head\nmb1ic4ih8oc4kh3n"first"  # comment\n\n' + SMALL + "\n")
    lines = expect_success("conv2d", "--file", path, "--device", "cpu",
                           "--verify").stdout.splitlines()
    check(len(lines) == 3 and lines[0].split() == ["layer", "device", "ms", "GFLOP/s", "error"],
          "head and two rows")
    check(lines[1].startswith("first ") and lines[2].startswith(SMALL), "layers")
    check(all("cpu: " in line for line in lines[1:]), "device on every line")
    result = expect_json("conv2d", "--file", path, "--device", "cpu", "--verify", "--json")
    check([item["name"] for item in result] == ["first", None], "JSON array")
    check(all(item["verified"] for item in result), "all verified")
    text = expect_success("conv2d", "--file", path, "--device", "cpu").stdout
    check("not checked" in text, "rates need --verify")


def test_file_errors(folder):
    path = os.path.join(folder, "bad.txt")
    with open(path, "w") as file:
        file.write("mb1ic4ih8oc4kh3\nmb1xx\nmb1ic4ih8oc4kh3\nmb1\n")
    expect_failure(2, [f"{path}:2: column 4", f"{path}:4: ic"], "conv2d", "--file", path)
    with open(path, "w") as file:
        file.write("# nothing\n")
    expect_failure(2, ["no problem in this file"], "conv2d", "--file", path)
    expect_failure(2, ["cannot be opened"], "conv2d", "--file", path + ".missing")
    expect_failure(2, ["not both"], "conv2d", SMALL, "--file", path)
    expect_failure(2, ["belong to one problem"], "conv2d", "--file", path, "--output", "y.npy")


def test_info():
    info = expect_json("info", "--json")
    check(info["devices"][0]["device"] == "cpu", "device 0 is the CPU")
    check(isinstance(info["threads"], int) and info["threads"] >= 1, "threads")
    check(bool(info["threads_reason"]), "why that many threads")
    check(bool(info["default_device"]) and bool(info["default_reason"]), "default and why")
    for item in info["unavailable"]:
        check(item["backend"] and item["reason"] and item["cure"], "reason and cure")
        check(re.fullmatch(r"SPORKLE-ENV-\d\d", item["id"] or "SPORKLE-ENV-00"), "id of a cause")
    options = {item["name"]: item for item in info["options"]}
    for name in ("SPORKLE_DEVICE", "SPORKLE_THREADS", "SPORKLE_CPU_ISA", "SPORKLE_LOG",
                 "SPORKLE_CACHE_DIR", "SPORKLE_REQUIRE"):
        check(name in options, f"{name} in options")
    check(options["SPORKLE_CACHE_DIR"]["origin"] == "environment", "origin environment")
    check(options["SPORKLE_LOG"]["origin"] == "default", "origin default")
    info = expect_json("info", "--json", "--threads", "1", env={"SPORKLE_THREADS": "2"})
    options = {item["name"]: item for item in info["options"]}
    check(options["SPORKLE_THREADS"]["origin"] == "argument", "an argument wins")
    check(info["threads"] == 1, "threads from the argument")
    result = cli.run("info", "--json", env={"SPORKLE_DEVICE": "nosuch"})
    check(result.returncode == 3 and "nosuch" in result.stderr, "exit 3, the device named", result)
    check(cli.json.loads(result.stdout)["devices"][0]["device"] == "cpu", "listed all the same")
    devices = expect_json("info", "--json")["devices"]
    if all(d["software"] for d in devices if d["kind"] == "gl"):
        result = cli.run("info", "--json", env={"SPORKLE_REQUIRE": "gpu"})
        check(result.returncode == 3 and "SPORKLE_REQUIRE" in result.stderr, "no GPU", result)
        check("device setting" not in result.stderr, "GPUs are looked for all the same", result)
        check([d["device"] for d in cli.json.loads(result.stdout)["devices"]] ==
              [d["device"] for d in devices], "listed without a required GPU")
    text = expect_success("info").stdout
    for word in ("devices", "cpu", "settings", "SPORKLE_DEVICE", "CPU threads"):
        check(word in text, f"{word} in info")


def check_default(device, reason, **keywords):
    info = expect_json("info", "--json", *keywords.pop("options", []), **keywords)
    check(info["default_device"] == device, f"default {device}: {info}")
    check(reason in info["default_reason"], f"'{reason}' in {info['default_reason']}")
    marked = [item["device"] for item in info["devices"] if item["default"]]
    check(marked == [device], f"{device} is marked: {marked}")


def test_default_device():
    check_default("cpu", "asked for by --device", options=["--device", "cpu"])
    check_default("cpu", "asked for by SPORKLE_DEVICE", env={"SPORKLE_DEVICE": "cpu"})
    info = expect_json("info", "--json")
    found = [item for item in info["devices"] if item["kind"] == "gl"]
    text = expect_success("info").stdout
    for item in found:
        for name in ("index", "pci", "uuid", "kind", "default_reason"):
            check(item["properties"][name] != "", f"{name} of {item['device']}")
            check(name.replace("_", " ") in text, f"{name} in the text")
    for item in info["unavailable"]:
        if item["id"]:
            check(f"{item['id']}: {item['reason']}" in text, "cause with its id in the text")
        check(f"cure: {item['cure']}" in text, "cure in the text")
    if found and all(item["software"] for item in found):
        check_default("cpu", "gl is software, used only when named")
        check_default("gl", "SPORKLE_GL_DEVICE=software; problems below",
                      env={"SPORKLE_GL_DEVICE": "software"})
        check_default("gl", "asked for by --device", options=["--device", "gl"])


def test_report(folder):
    expect_success("report", cwd=folder)
    with open(os.path.join(folder, "sporkle-report.txt")) as file:
        text = file.read()
    for word in ("libsporkle", "compiler", "kernel", "MemTotal", "SPORKLE_DEVICE", "libEGL.so.1",
                 "verified", "conv2d_calls"):
        check(word in text, f"{word} in the report")
    check(os.uname().nodename not in text.split(), "no host name in the report")
    check("== devices" in expect_success("report", "-").stdout, "report to standard output")
    expect_failure(2, ["/nonexistent/r.txt", "cannot be written"], "report", "/nonexistent/r.txt")


def test_full_disk():
    with open("/dev/full", "w") as full:
        result = subprocess.run([cli.PROGRAM, "help"], stdout=full, stderr=subprocess.PIPE)
    check(result.returncode == 2 and b"standard output" in result.stderr, "full disk is noticed")


def stderr_on_terminal(*arguments):
    leader, follower = pty.openpty()
    environment = dict(os.environ, SPORKLE_CACHE_DIR="off")
    process = subprocess.Popen([cli.PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=follower,
                               env=environment)
    os.close(follower)
    seen = b""
    while True:
        try:
            chunk = os.read(leader, 4096)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(leader)
    process.stdout.read()
    check(process.wait() == 0, "exit code 0 on a terminal")
    return seen


def test_progress():
    check(stderr_on_terminal("conv2d", SMALL, "--verify", "--device", "cpu") == b"",
          "no progress for a short run")
    # About 3 s of timed calls, whatever the speed of the machine.
    once = expect_json("conv2d", "mb4ic64ih56oc64kh3ph1", "--device", "cpu", "--json",
                       "--repeat", "5")["ms_min"]
    repeat = str(max(2, min(100000, int(3000 / once))))
    seen = stderr_on_terminal("conv2d", "mb4ic64ih56oc64kh3ph1", "--device", "cpu", "--repeat",
                              repeat)
    check(b"timing: 2.0 s" in seen, f"a progress line after two seconds: {seen}")
    check(seen.endswith(b"\r\x1b[K"), f"the progress line vanishes: {seen}")


def main():
    test_help_and_version()
    test_unknown_names()
    test_option_values()
    test_problem_errors()
    test_devices()
    test_conv_json()
    test_epilogues()
    with tempfile.TemporaryDirectory() as folder:
        test_file_of_problems(folder)
        test_file_errors(folder)
        test_report(folder)
    test_info()
    test_default_device()
    test_full_disk()
    test_progress()
    print(f"checked: commands, options, exit codes, messages, JSON, report, progress "
          f"({cli.checks} checks)")


if __name__ == "__main__":
    main()
