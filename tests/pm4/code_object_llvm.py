"""LLVM's tools and our listing of code objects agree; the objects in the
repository are what their sources compile to.

    code_object_llvm.py LIST_PROGRAM SOURCE_DIR COMPILED_DIR
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOOLS = ("clang-19", "ld.lld-19", "llvm-readelf-19", "llvm-objdump-19")
# LLVM's name of the bit in .amdhsa_ -> values our listing does not repeat: what
# the assembler needs and the descriptor does not hold.
NOT_STORED = re.compile(r"reserve_|exception_|private_segment_buffer|flat_scratch_init|"
                        r"private_segment_wavefront_offset|enable_private_segment|"
                        r"kernarg_preload|shared_vgpr_count|inst_pref_size")
CHIPS = ("gfx900 gfx902 gfx904 gfx906 gfx908 gfx909 gfx90c gfx90a gfx942 gfx1030 gfx1031 gfx1032 "
         "gfx1033 gfx1034 gfx1035 gfx1036 gfx1100 gfx1101 gfx1102 gfx1103 gfx1150 gfx1151 gfx1152 "
         "gfx1200 gfx1201 gfx9-generic gfx10-3-generic gfx11-generic gfx12-generic").split()


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def expect(what, ours, theirs):
    if ours != theirs:
        sys.exit(f"{what}: found {ours!r}, expected {theirs!r}")


def check_header(path, listing):
    text = run("llvm-readelf-19", "-h", path)
    flags, name = re.search(r"Flags: +0x([0-9A-Fa-f]+), (gfx[\w-]+)", text).groups()
    expect(f"{path}: e_flags", listing["flags"], int(flags, 16))
    expect(f"{path}: target", listing["target"], name)
    abi = int(re.search(r"ABI Version: +(\d+)", text).group(1))
    expect(f"{path}: code object version", listing["version"], abi + 2)


def check_segments(path, listing):
    theirs = []
    for line in run("llvm-readelf-19", "-lW", path).splitlines():
        match = re.match(r"\s+LOAD\s+" + r"(0x\w+)\s+" * 5 + r"([RWE ]{3})", line)
        if match:
            offset, address, _, file_bytes, memory = (int(x, 16) for x in match.groups()[:5])
            theirs.append({"offset": offset, "file_bytes": file_bytes, "address": address,
                           "memory_bytes": memory, "flags": match.group(6).replace(" ", "")})
    expect(f"{path}: segments", listing["segments"], theirs)


def check_symbols(path, listing):
    symbols = {}
    for line in run("llvm-readelf-19", "--dyn-syms", "-W", path).splitlines():
        match = re.match(r"\s+\d+: (\w+)\s+(\d+) (FUNC|OBJECT)\s.*\s(\S+)$", line)
        if match:
            symbols[match.group(4)] = (int(match.group(1), 16), int(match.group(2)))
    ours = {}
    for kernel in listing["kernels"]:
        ours[kernel["name"]] = (kernel["entry"], kernel["code_bytes"])
        ours[kernel["name"] + ".kd"] = (kernel["descriptor"], 64)
    expect(f"{path}: symbols", ours, symbols)


def check_descriptors(path, listing):
    text = run("llvm-objdump-19", "-D", "-j", ".rodata", path)
    blocks = dict(re.findall(r"\.amdhsa_kernel (\S+)\n(.*?)\.end_amdhsa_kernel", text, re.S))
    expect(f"{path}: kernels", sorted(k["name"] for k in listing["kernels"]), sorted(blocks))
    compared = 0
    for kernel in listing["kernels"]:
        theirs = {name: int(value) for name, value in
                  re.findall(r"\.amdhsa_(\w+) (\d+)", blocks[kernel["name"]])
                  if not NOT_STORED.search(name)}
        if listing["target"].startswith(("gfx10", "gfx11", "gfx12")):
            # Nothing of it is stored there; LLVM prints a placeholder.
            theirs.pop("next_free_sgpr", None)
        expect(f"{path}: {kernel['name']}", kernel["directives"], theirs)
        compared += len(theirs)
    return compared


def check_metadata(path, listing):
    text = run("llvm-readelf-19", "--notes", path)
    theirs = {}
    for block in re.split(r"\n  - \.a", text)[1:]:
        block = "\n    .a" + block
        name = re.search(r"\n    \.name: +(\S+)", block).group(1)
        found = {key: int(value) for key, value in re.findall(r"\n    \.(\w+): +(\d+)(?=\n|$)", block)}
        found["reqd_workgroup_size"] = [int(x) for x in re.findall(
            r"- (\d+)", re.search(r"\.reqd_workgroup_size:\n((?: +- \d+\n)+)", block).group(1))]
        found["args"] = len(re.findall(r"\.value_kind:", block))
        theirs[name] = found
    compared = 0
    for kernel in listing["kernels"]:
        found = theirs.pop(kernel["name"])
        found.pop("workgroup_processor_mode", None)
        found.pop("uniform_work_group_size", None)
        found.setdefault("agpr_count", 0)
        expect(f"{path}: metadata of {kernel['name']}", kernel["metadata"], found)
        compared += len(found)
    expect(f"{path}: kernels in the metadata", [], list(theirs))
    return compared


def check_object(program, path):
    listing = json.loads(run(program, path))
    check_header(path, listing)
    check_segments(path, listing)
    check_symbols(path, listing)
    return check_descriptors(path, listing) + check_metadata(path, listing)


def check_machines(program, place):
    """Every processor number: LLVM's assembler writes it, our listing names it."""
    for chip in CHIPS:
        version = 6 if chip.endswith("generic") else 5
        source = os.path.join(place, chip + ".s")
        accumulator = ".amdhsa_accum_offset 4" if chip in ("gfx90a", "gfx942") else ""
        wave = "64" if chip.startswith("gfx9") else "32"
        with open(source, "w") as file:
            file.write(SMALL.replace("CHIP", chip).replace("VERSION", str(version))
                       .replace("ACCUMULATOR", accumulator).replace("WAVE", wave))
        common = ["-target", "amdgcn-amd-amdhsa", f"-mcpu={chip}",
                  f"-mcode-object-version={version}"]
        run("clang-19", *common, "-c", source, "-o", source + ".o")
        run("ld.lld-19", "-shared", source + ".o", "-o", source + ".co")
        listing = json.loads(run(program, source + ".co"))
        expect("target", listing["target"], chip)
        check_header(source + ".co", listing)
        relocations = run("llvm-readelf-19", "-rW", source + ".co")
        expect(f"{chip}: relocations", listing["relocations"],
               len(re.findall(r"R_AMDGPU_(?:RELATIVE64|ABS64)", relocations)))
        expect(f"{chip}: relocations", listing["relocations"], 2)


# A kernel that ends at once, with data that lld relocates in both ways.
SMALL = """
  .amdhsa_code_object_version VERSION
  .text
  .globl k
  .protected k
  .p2align 8
  .type k,@function
k:
  s_endpgm
.Lend:
  .size k, .Lend-k
  .rodata
  .p2align 6
  .amdhsa_kernel k
    .amdhsa_next_free_vgpr 1
    .amdhsa_next_free_sgpr 1
    ACCUMULATOR
  .end_amdhsa_kernel
  .section .data,"aw",@progbits
  .globl shared
  .type shared,@object
shared:
  .quad shared
  .quad k
  .size shared, 16
  .amdgpu_metadata
---
amdhsa.kernels:
  - .name: k
    .symbol: k.kd
    .kernarg_segment_size: 0
    .kernarg_segment_align: 4
    .group_segment_fixed_size: 0
    .private_segment_fixed_size: 0
    .wavefront_size: WAVE
    .sgpr_count: 1
    .vgpr_count: 1
    .max_flat_workgroup_size: 64
amdhsa.target: amdgcn-amd-amdhsa--CHIP
amdhsa.version: [1, 2]
...
  .end_amdgpu_metadata
"""


def check_rebuild(script, kernels, place):
    """The objects in the repository against their sources."""
    manifest = open(os.path.join(kernels, "objects", "MANIFEST")).read()
    recorded = dict(re.findall(r"^(\w+): (.*)$", manifest, re.M))
    hashes = {name: sha for sha, name in re.findall(r"^(\w{64})  (\S+)$", manifest, re.M)}
    expect("hash of the sources", run(script, "--sources-hash").strip(), recorded["sources"])
    same = run(script, "--compiler").strip() == recorded["compiler"]
    for name, sha in hashes.items():
        stored = os.path.join(kernels, "objects", name)
        built = os.path.join(place, name)
        bytes_stored = open(stored, "rb").read()
        expect(f"{name}: SHA-256", hashlib.sha256(bytes_stored).hexdigest(), sha)
        run(script, place, name.removesuffix(".co"))
        if same:
            expect(f"{name}: rebuilt bytes", open(built, "rb").read() == bytes_stored, True)
        code = [run("llvm-objdump-19", "-d", "--no-show-raw-insn", path).split("\n", 2)[2]
                for path in (stored, built)]
        expect(f"{name}: disassembly", code[0] == code[1], True)
        if "<unknown>" in code[0] or code[0].count("s_endpgm") < 4:
            sys.exit(f"{name}: LLVM cannot disassemble all of it")
    return len(hashes), same


def main():
    program, source, compiled = sys.argv[1:]
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        print(f"skipped: {', '.join(missing)} missing; apt-get install clang-19 lld-19 llvm-19")
        return 77
    kernels = os.path.join(source, "src/backends/amdgpu/kernels")
    objects = []
    for folder in (os.path.join(kernels, "objects"), compiled):
        if os.path.isdir(folder):
            objects += [os.path.join(folder, name) for name in sorted(os.listdir(folder))
                        if name.endswith(".co") and name.count(".") == 1]
    fields = sum(check_object(program, path) for path in objects)
    print(f"checked: {len(objects)} code objects, {fields} descriptor and metadata fields "
          "as LLVM prints them")
    with tempfile.TemporaryDirectory() as place:
        check_machines(program, place)
        print(f"checked: {len(CHIPS)} processor numbers, and relocations, as LLVM writes them")
        count, same = check_rebuild(os.path.join(source, "scripts/build-code-objects"), kernels,
                                    place)
    print(f"checked: {count} stored objects rebuilt, disassembly"
          f"{' and bytes' if same else ''} the same")
    return 0


sys.exit(main())
