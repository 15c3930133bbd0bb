"""The peer's problems are those of the benchmark: same grammar, same names. Without PyTorch.

usage: test_cudnn_conv.py SPORKLE SOURCE_DIRECTORY
"""
import glob
import importlib.util
import json
import subprocess
import sys

TOOL, SOURCE = sys.argv[1:]

# As problem_format() in src/tools/problem.c writes them.
NAMES = {
    "ic3oc4ih5kh3": "mb2ic3oc4ih5kh3",
    "mb1ic3oc4ih5kh3ph1": "mb1ic3oc4ih5kh3ph1",
    "mb1_ic4oc6ih8iw5kh3kw2sh2sw1ph1pw0g2": "g2mb1ic4oc6ih8kh3sh2ph1iw5kw2sw1dw0pw0",
    "mb1ic2oc2ih9oh9kh3": "mb1ic2oc2ih9kh3ph1",
    "mb1ic2oc2ih8oh4kh3sh2": "mb1ic2oc2ih8kh3sh2ph0oh4",
    "mb1ic2oc2ih8oh4kh3sh2ph0": "mb1ic2oc2ih8kh3sh2ph0oh4",
    "mb1ic2oc2ih9dh1kh3ow5pw0": "mb1ic2oc2ih9kh3dh1",
    "mb1ic2oc2iw9kw3pw1": "mb1ic2oc2ih1kh1iw9kw3sw1dw0pw1",
    'mb1ic2oc2ih7iw9kh3ph1dh1n"a#b"': 'mb1ic2oc2ih7kh3dh1ph1iw9kw3sw1dw1pw1n"a#b"',
}
REFUSED = ["", "ic3", "ic3oc4ih5", "ic3oc4ih5kh3zz1", "ic3oc4ih5kh3ph", "ic3ic3oc4ih5kh3", "ic3oc4ih5kh3!",
           "ic0oc4ih5kh3", "ic3oc4ih5kh3 sh1", "ic3oc4ih5kh3g2", "ic3oc4ih2kh3", "ic3oc4ih5oh1kh1",
           "ic3oc4ih5kh3n\"\"", "id3ic3oc4ih5kh3"]


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def load():
    spec = importlib.util.spec_from_file_location("cudnn_conv",
                                                  SOURCE + "/tests/bench/peers/cudnn_conv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(text):
    return subprocess.run([TOOL, "conv2d", text, "--device", "cpu", "--repeat", "1", "--json"],
                          capture_output=True, text=True, timeout=60, check=False)


peer = load()
for text, name in NAMES.items():
    result = program(text)
    check(result.returncode == 0, f"{text}: {result.stderr}")
    found = peer.parse(text)
    check(peer.canonical(found) == name, f"{peer.canonical(found)}, not {name}")
    expected = json.loads(result.stdout)["flops"]
    check(peer.flops(found) == expected, f"{text}: {peer.flops(found)} FLOPs, not {expected}")
for text in REFUSED:
    check(program(text).returncode == 2, f"the program takes {text}")
    try:
        peer.parse(text)
    except ValueError:
        continue
    check(False, f"the peer takes {text}")
lines = 0
for path in sorted(glob.glob(SOURCE + "/tests/shapes/*.txt")):
    for _, values in peer.read_problems(path):
        check(peer.parse(peer.canonical(values)) == values, f"{path}: {peer.canonical(values)}")
        lines += 1
check(lines > 100, f"{lines} problems")
print(f"cudnn_conv: {len(NAMES)} names, {len(REFUSED)} refused, {lines} lines")
