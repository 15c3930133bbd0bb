"""sporkle sequence: a chain file, devices, verification before timing, misuse.

    test_sequence.py PROGRAM CHAIN [SPOIL_LIBRARY]
"""
import json
import os
import sys
import tempfile

import cli_support as cli
from cli_support import check, expect_failure, expect_json, expect_success

CHAIN = sys.argv[2]
STEP = "mb2ic3ih9oc4kh3ph1"


def sequence(*arguments, file=CHAIN):
    return expect_json("sequence", "--json", "-", "--file", file, "--repeat", "3", *arguments)


def flops(batch):
    return 2 * batch * 81 * (8 * 27 + 2 * 8 * 72 + 2 * 5 * 8)


def check_record(record, batch):
    check(record["verified"] and record["error"] is None, f"verified: {record}")
    check(record["rel_l2_error"] < 1e-5 and record["step_rel_l2_error"] < 1e-5, "errors")
    check((record["steps"], record["batch"], record["repeat"]) == (5, batch, 3), "what was asked")
    check(record["flops"] == flops(batch), f"flops {record['flops']}")
    check(record["workspace_bytes"] > 0, "tensors between steps")


def test_devices():
    record = sequence("--device", "cpu", "--threads", "1")
    check_record(record, 2)
    rate = record["flops"] / record["ms_median"] * 1e-6
    check(abs(record["gflops"] - rate) < 1e-6 * rate, "rate")
    check_record(sequence("--device", "cpu", "--batch", "3"), 3)
    record = sequence("--device", "null")
    check_record(record, 2)
    check(record["simulated"] and record["gflops"] is None, "no rate for a simulated device")
    devices = expect_json("info", "--json")["devices"]
    if not any(d["device"] == "gl" and d["software"] for d in devices):
        return "no software OpenGL here"
    check_record(sequence("--device", "gl"), 2)
    return "software OpenGL"


def test_output(folder):
    path = os.path.join(folder, "out.json")
    text = expect_success("sequence", "--file", CHAIN, "--device", "cpu", "--json", path).stdout
    check("GFLOP/s" in text and ": verified" in text, f"text: {text}")
    with open(path) as file:
        check(json.load(file)["verified"], "the same in the file")
    # A run that fails leaves the file as it was, and nothing beside it.
    before = open(path).read()
    expect_failure(3, ["nosuch"], "sequence", "--file", CHAIN, "--device", "nosuch", "--json", path)
    check(open(path).read() == before, "the file of a failed run")
    link = os.path.join(folder, "link.json")
    os.symlink(path, link)
    expect_success("sequence", "--file", CHAIN, "--device", "null", "--json", link)
    check(os.path.islink(link), "a link stays one")
    with open(path) as file:
        check(json.load(file)["simulated"], "what it points to is replaced")
    check(sorted(os.listdir(folder)) == ["link.json", "out.json"], "nothing else is left")
    expect_success("sequence", "--file", CHAIN, "--device", "null", "--json", "/dev/null")
    os.unlink(link)
    text = expect_success("sequence", "--file", CHAIN, "--device", "null").stdout
    check("simulated" in text and "GFLOP/s" not in text, "no rate in text")


def test_wrong(library):
    options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    # Operation 0 is the chain, 1 to 5 its steps alone, 6 and on are timed.
    for spoil, word in (("wrong:0", "the first call"), ("nan:0", "the first call"),
                        ("keep:0", "the first call"), ("wrong:3", "a step alone"),
                        ("wrong:8", "a repeated call")):
        result = cli.run("sequence", "--file", CHAIN, "--device", "cpu", "--repeat", "3", "--json",
                         "-", env={"LD_PRELOAD": library, "SPOIL": spoil, "ASAN_OPTIONS": options})
        check(result.returncode == 1 and word in result.stderr, f"{spoil}: exit code 1", result)
        record = json.loads(result.stdout)
        check(not record["verified"] and record["gflops"] is None, f"{spoil}: no rate", result)
        if word != "a repeated call":
            check(record["ms_median"] is None, "nothing is timed before it is verified", result)


def test_misuse(folder):
    expect_failure(2, ["--file CHAIN or --resnet50"], "sequence")
    expect_failure(2, ["not both"], "sequence", "--file", CHAIN, "--resnet50")
    expect_failure(2, ["unexpected argument"], "sequence", "--resnet50", "x")
    expect_failure(2, ["--batch", "1 to 65536"], "sequence", "--resnet50", "--batch", "0")
    expect_failure(2, ["nosuch", "cannot be read: No such file"], "sequence", "--file", "nosuch")
    expect_failure(2, ["cannot be written"], "sequence", "--file", CHAIN, "--device", "cpu",
                   "--json", os.path.join(folder, "no", "such"))
    expect_failure(3, ["nosuch"], "sequence", "--file", CHAIN, "--device", "nosuch")
    for text, words in (
            ("# nothing\n", ["no step"]),
            ("xx1\n", [":1:", "column 1"]),
            (f"\n{STEP} pool\n", [":2:", '"pool"', "none of bias"]),
            (f"{STEP} relu clamp=0,1\n", ["another activation"]),
            (f"{STEP} clamp=2,1\n", ["clamp"]),
            (f"{STEP} input=1\n", ["not the number of an earlier tensor"]),
            (f"{STEP}\n{STEP} residual=-1\n", [":2:", "not the number of an earlier tensor"]),
            (f"{STEP}\n{STEP}\n", ["steps[1]", "2x4x9x9"]),
            (f"{STEP} residual=0\n", ["residual"]),
            (f"{STEP}\n{STEP} input=0\n", ["output"]),
            ("mb1ic1ih1oc1kh1\n" * 1025, [":1025:", "1024 steps"])):
        path = os.path.join(folder, "chain")
        with open(path, "w") as file:
            file.write(text)
        expect_failure(2, words, "sequence", "--file", path, "--device", "cpu")


def main():
    if len(sys.argv) > 3:
        test_wrong(sys.argv[3])
        print(f"checked: wrong chains and steps end in exit code 1 ({cli.checks} checks)")
        return
    gl = test_devices()
    with tempfile.TemporaryDirectory() as folder:
        test_output(folder)
        test_misuse(folder)
    print(f"checked: sequence on cpu and null, {gl}; text, JSON, misuse "
          f"({cli.checks} checks)")


if __name__ == "__main__":
    main()
