"""Running the sporkle program from a test: expectations with readable failures."""
import json
import os
import subprocess
import sys

PROGRAM = sys.argv[1]
checks = 0


def run(*arguments, env=None, cwd=None, stdin=subprocess.DEVNULL):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SPORKLE_")}
    environment["SPORKLE_CACHE_DIR"] = "off"
    environment.update(env or {})
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          env=environment, cwd=cwd, stdin=stdin, timeout=300)


def check(condition, message, result=None):
    global checks
    checks += 1
    if condition:
        return
    print("failed:", message)
    if result is not None:
        print("command:", " ".join(result.args))
        print("exit code:", result.returncode)
        print("stdout:", result.stdout)
        print("stderr:", result.stderr)
    sys.exit(1)


def expect_success(*arguments, **keywords):
    result = run(*arguments, **keywords)
    check(result.returncode == 0, "exit code 0 expected", result)
    check(result.stderr == "", "nothing on standard error expected", result)
    return result


def expect_json(*arguments, **keywords):
    return json.loads(expect_success(*arguments, **keywords).stdout, parse_constant=bad_constant)


def bad_constant(name):
    raise ValueError(f"{name} is not JSON")


def expect_failure(code, words, *arguments, **keywords):
    """The exit code, nothing on standard output, and every word in the message."""
    result = run(*arguments, **keywords)
    check(result.returncode == code, f"exit code {code} expected", result)
    check(result.stdout == "", "nothing on standard output expected", result)
    for word in words:
        check(word in result.stderr, f"'{word}' expected in the message", result)
    return result
