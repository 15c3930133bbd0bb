"""`sporkle pm4`: the files of tests/fuzz/corpus/pm4, which were not written by the
library, are decoded and judged; damaged ones are refused with the exit code.

    test_cli.py SPORKLE CORPUS
"""
import os
import subprocess
import sys
import tempfile

failures = []


def run(*arguments):
    return subprocess.run([sys.argv[1], "pm4", *arguments], capture_output=True, text=True)


def expect(what, condition):
    if not condition:
        failures.append(what)


def check_corpus(corpus):
    count = 0
    for name in sorted(os.listdir(corpus)):
        path = os.path.join(corpus, name)
        count += 1
        if name.endswith(".dwords"):
            result = run("decode", path, "--gfx", name.split("_")[0])
        else:
            result = run("decode", path)
            judged = run("validate", path)
            # The hot form alone has no program registers.
            wanted = 1 if name == "gfx1100_hot.pm4" else 0
            expect(f"validate {name}: {judged}", judged.returncode == wanted)
        expect(f"decode {name}: {result.stderr}", result.returncode == 0)
        expect(f"decode {name} names it all", "?" not in result.stdout and "!" not in result.stdout)
    return count


def check_damage(corpus):
    with open(os.path.join(corpus, "gfx1100_full.pm4"), "rb") as file:
        image = bytearray(file.read())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "damaged.pm4")

        def judge(content):
            with open(path, "wb") as file:
                file.write(content)
            return run("validate", path)

        # COMPUTE_SHADER_EN is in the ninth dword from the end.
        broken = image.copy()
        broken[-36] &= 0xFE
        result = judge(broken)
        expect(f"no shader: {result}", result.returncode == 1 and
               "DISPATCH_DIRECT: COMPUTE_SHADER_EN is not set" in result.stderr)
        expect("cut", judge(image[:-4]).returncode == 1)
        expect("empty", judge(b"").returncode == 1)
        expect("decode of a cut file", run("decode", path).returncode == 2)
        expect("whole", judge(image).returncode == 0)


def check_usage():
    problem = "mb1ic64ih56oc64kh3ph1"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "out.pm4")
        for arguments, code, text in (
                ((), 2, "encode, decode, validate or objects is missing"),
                (("encode",), 2, "encode needs a PROBLEM"),
                (("encode", problem), 2, "--gfx"),
                (("encode", problem, "--gfx", "gfx1100"), 2, "-o"),
                (("encode", "mb1", "--gfx", "gfx1100", "-o", path), 2, "ic (input channels)"),
                (("encode", problem, "--gfx", "gfx1010", "-o", path), 3, "gfx1010"),
                (("decode",), 2, "decode needs a FILE"), (("objects",), 2, "FILE, --gfx or both"),
                (("decode", path), 2, path), (("validate", path), 2, path),
                (("explain",), 2, '"explain" is none of'), (("decode", path, "more"), 2, '"more"')):
            result = run(*arguments)
            expect(f"{arguments}: {result}", result.returncode == code and text in result.stderr)


def main():
    files = check_corpus(sys.argv[2])
    check_damage(sys.argv[2])
    check_usage()
    print("\n".join(failures))
    print(f"checked: {files} files and the exit codes of sporkle pm4")
    return 1 if failures or files == 0 else 0


sys.exit(main())
