"""Exit code 1: a device that computes wrongly is caught, wherever it goes wrong."""
import json
import os
import select
import signal
import subprocess
import sys
import tempfile

import cli_support as cli
from cli_support import check

SMALL = "mb2ic5ih9oc7kh3ph1"
OUTPUTS = 2 * 7 * 9 * 9
SPOIL_LIBRARY = sys.argv[2]


def environment(spoil):
    # The address sanitizer wants to come first unless told otherwise.
    options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return {"LD_PRELOAD": SPOIL_LIBRARY, "SPOIL": spoil, "ASAN_OPTIONS": options}


def run(spoil, *arguments, **keywords):
    return cli.run(*arguments, "--device", "cpu", env=environment(spoil), **keywords)


def expect_wrong(spoil, words, *arguments):
    result = run(spoil, *arguments, "--verify", "--json")
    check(result.returncode == 1, "exit code 1 expected", result)
    for word in ["verification failed", *words]:
        check(word in result.stderr, f"'{word}' expected in the message", result)
    record = json.loads(result.stdout)
    check(not record["verified"] and record["verified_outputs"] == 0, "not verified", result)
    check(record["gflops"] is None, "no rate", result)
    check(words[0] in record["error"], "the reason is in the JSON too", result)
    return record


def test_unspoiled():
    for command in ("conv2d", "pipeline"):
        result = run("wrong:1000000", command, SMALL, "--verify", "--repeat", "1")
        check(result.returncode == 0 and "verified" in result.stdout, "passes", result)


def test_first_call():
    record = expect_wrong("wrong:0", ["the first call", f"at output {OUTPUTS - 1}"], "conv2d",
                          SMALL)
    check(record["ms_median"] is None, "nothing is timed before it is verified")
    check(record["max_error"] > 0.9, "the largest error")
    record = expect_wrong("nan:0", ["the first call"], "conv2d", SMALL)
    check(record["rel_l2_error"] is None, "an infinite error has no number")
    expect_wrong("keep:0", ["the first call", f"{OUTPUTS} of {OUTPUTS} outputs unwritten"],
                 "conv2d", SMALL)
    result = run("wrong:0", "conv2d", SMALL, "--verify")
    check(result.returncode == 1 and "WRONG" in result.stdout, "in the text too", result)
    check("GFLOP/s" not in result.stdout, "no rate in the text", result)


def test_later_call():
    for kind in ("wrong", "nan", "keep"):
        words = ["a repeated call"] + (["unwritten"] if kind == "keep" else [])
        expect_wrong(f"{kind}:1", words, "conv2d", SMALL, "--repeat", "1")


def test_unchecked():
    result = run("wrong:0", "conv2d", SMALL, "--json")
    check(result.returncode == 0, "without --verify nothing is checked", result)
    record = json.loads(result.stdout)
    check(not record["verified"] and record["gflops"] is None, "and no rate is given")


def test_output_is_not_written(folder):
    path = os.path.join(folder, "y.npy")
    result = run("wrong:0", "conv2d", SMALL, "--verify", "--output", path)
    check(result.returncode == 1 and not os.listdir(folder), "a wrong output is not kept", result)


def write_problems(folder):
    path = os.path.join(folder, "problems.txt")
    with open(path, "w") as file:
        file.write(f'{SMALL}n"first"\n{SMALL}n"second"\n')
    return path


def test_file(folder):
    path = write_problems(folder)
    result = run("wrong:0", "conv2d", "--file", path, "--verify", "--json")
    check(result.returncode == 1, "one wrong problem is enough", result)
    records = json.loads(result.stdout)
    check([r["verified"] for r in records] == [False, True], "the others still run", result)
    result = run("wrong:0", "conv2d", "--file", path, "--verify")
    check(result.returncode == 1 and "verification failed" in result.stdout, "in the table",
          result)


def read_while_stopped(arguments):
    process = subprocess.Popen([cli.PROGRAM, *arguments], stdout=subprocess.PIPE,
                               env=dict(os.environ, SPORKLE_CACHE_DIR="off",
                                        **environment("stop:2")))
    os.waitpid(process.pid, os.WUNTRACED)
    ready = select.select([process.stdout], [], [], 0)[0]
    seen = os.read(process.stdout.fileno(), 65536).decode() if ready else ""
    os.kill(process.pid, signal.SIGCONT)
    rest = process.stdout.read().decode()
    check(process.wait() == 0, "the rest runs")
    return seen, rest


def test_lines_come_as_they_are_ready(folder):
    arguments = ["conv2d", "--file", write_problems(folder), "--device", "cpu", "--verify",
                 "--repeat", "1"]
    seen, rest = read_while_stopped(arguments)
    check(seen.count("first") == 1 and seen.endswith("\n"), f"a row before the next runs: {seen}")
    seen, rest = read_while_stopped([*arguments, "--json"])
    first = json.loads(seen.lstrip("["))
    check(first["name"] == "first" and first["verified"], f"an object before the next runs: {seen}")
    check([r["name"] for r in json.loads(seen + rest)] == ["first", "second"], "the whole array")


def test_pipeline():
    options = ["--batches", "8", "--slots", "3", "--repeat", "1"]
    for mode in ("sync", "async"):
        arguments = ["pipeline", SMALL, "--mode", mode, *options]
        record = expect_wrong("wrong:5", ["batch 5 of the first pass"], *arguments)
        check(record["wall_ms"] is None, "nothing is timed before it is verified")
        expect_wrong("nan:0", ["batch 0 of the first pass"], *arguments)
        # The slot still holds an older batch: right values, of the wrong input.
        expect_wrong("keep:4", ["batch 4 of the first pass"], *arguments)
        expect_wrong("wrong:15", ["batch 7 of the last pass"], *arguments)
        result = run("wrong:0", *arguments)
        check(result.returncode == 0 and "GFLOP/s" not in result.stdout, "unchecked", result)


def main():
    test_unspoiled()
    test_first_call()
    test_later_call()
    test_unchecked()
    with tempfile.TemporaryDirectory() as folder:
        test_output_is_not_written(folder)
        test_file(folder)
        test_lines_come_as_they_are_ready(folder)
    test_pipeline()
    print(f"checked: wrong outputs end in exit code 1; results come as they are ready "
          f"({cli.checks} checks)")


if __name__ == "__main__":
    main()
