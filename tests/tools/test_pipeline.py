"""sporkle pipeline: modes, devices, figures, misuse."""
import cli_support as cli
from cli_support import check, expect_failure, expect_json, expect_success

SMALL = "mb2ic5ih9oc7kh3ph1"
OUTPUTS = 2 * 7 * 9 * 9
INPUTS = 2 * 5 * 9 * 9
FIELDS = {"problem", "name", "bias", "residual", "activation", "device", "device_name", "driver",
          "software", "simulated", "algorithm", "mode", "batches", "slots", "passes", "wall_ms",
          "ms_per_op", "flops", "gflops", "device_ms", "device_time", "utilisation",
          "cpu_copied_bytes", "gpu_copied_bytes", "map_calls", "rel_l2_error", "max_error",
          "verified", "verified_outputs", "outputs", "error"}


def pipeline(*arguments, problem=SMALL, **keywords):
    return expect_json("pipeline", problem, "--json", *arguments, **keywords)


def check_record(record, mode, batches, slots):
    check(set(record) == FIELDS, f"fields {set(record) ^ FIELDS}")
    check((record["mode"], record["batches"], record["slots"]) == (mode, batches, slots),
          "what was asked for")
    check(record["verified"] and record["rel_l2_error"] < 1e-5, f"verified: {record}")
    check(record["verified_outputs"] == record["outputs"] == batches * OUTPUTS, "all outputs")
    check(abs(record["ms_per_op"] * batches - record["wall_ms"]) < 1e-6 * record["wall_ms"],
          "ms_per_op")
    check(record["flops"] == 2 * OUTPUTS * 5 * 9 and record["error"] is None, "flops")


def check_real_device(record):
    rate = record["flops"] * record["batches"] / record["wall_ms"] * 1e-6
    check(abs(record["gflops"] - rate) < 1e-6 * rate, "rate")
    busy = record["device_ms"] * record["batches"] / record["wall_ms"]
    check(abs(record["utilisation"] - busy) < 1e-6 * busy, "utilisation")
    check(record["device_time"] in ("device clock", "submit and wait"), "device_time")


def test_cpu():
    for mode in ("sync", "async"):
        for batches, slots in ((1, 1), (1, 3), (7, 2), (16, 3), (300, 256)):
            record = pipeline("--mode", mode, "--device", "cpu", "--verify", "--repeat", "1",
                              "--batches", batches, "--slots", slots)
            check_record(record, mode, batches, slots)
            check_real_device(record)
            check(record["device"] == "cpu" and not record["software"], "a real device")
            check(record["cpu_copied_bytes"] == record["gpu_copied_bytes"] == 0, "no copies")
            check(record["map_calls"] == 0 and record["passes"] == 1, "no map calls, one pass")


def test_defaults():
    record = pipeline("--device", "cpu", "--verify")
    check_record(record, "async", 16, 3)
    check(record["passes"] >= 3 and record["passes"] % 2 == 1, "an odd number of passes")
    record = pipeline("--verify")
    check_record(record, "async", 16, 3)


def test_unverified():
    record = pipeline("--device", "cpu")
    check(not record["verified"] and record["gflops"] is None, "no rate unverified")
    check(record["rel_l2_error"] is None and record["wall_ms"] > 0, "times all the same")
    text = expect_success("pipeline", SMALL, "--device", "cpu").stdout
    check("not checked" in text and "GFLOP/s" not in text, "no rate in text unverified")


def test_null():
    for mode in ("sync", "async"):
        record = pipeline("--mode", mode, "--device", "null", "--verify", "--batches", "5")
        check_record(record, mode, 5, 3)
        check(record["simulated"] and record["gflops"] is None, "no rate for a simulated device")
        check(record["utilisation"] is None and record["device_time"] is None, "no utilisation")
    text = expect_success("pipeline", SMALL, "--device", "null", "--verify").stdout
    check("simulated" in text and "GFLOP/s" not in text and "utilisation" not in text, "text")


def software_gl(**keywords):
    devices = expect_json("info", "--json", **keywords)["devices"]
    return any(d["device"] == "gl" and d["software"] for d in devices)


def test_software_gl():
    if not software_gl():
        return "no software OpenGL here"
    for mode in ("sync", "async"):
        record = pipeline("--mode", mode, "--device", "gl", "--verify", "--batches", "9",
                          "--slots", "2")
        check_record(record, mode, 9, 2)
        check_real_device(record)
        check(record["software"] and not record["simulated"], "marked as software")
        check(record["cpu_copied_bytes"] == record["map_calls"] == 0, "mapped once, not copied")
    text = expect_success("pipeline", SMALL, "--device", "gl", "--verify").stdout
    check(text.count("software, not a hardware figure") == 2, "device and rate are marked")
    unmapped = {"MESA_GL_VERSION_OVERRIDE": "4.3",
                "MESA_EXTENSION_OVERRIDE": "-GL_ARB_buffer_storage"}
    if software_gl(env=unmapped):
        record = pipeline("--device", "gl", "--verify", "--batches", "9", env=unmapped)
        check(record["verified"], "verified without mapped buffers")
        check(record["cpu_copied_bytes"] == 9 * 4 * (INPUTS + OUTPUTS), "every copy is counted")
    return "software OpenGL"


def test_epilogues():
    for extra in (["--bias", "random"], ["--residual", "random"], ["--relu"],
                  ["--clamp=-0.5,0.5", "--bias=random", "--residual=random", "--threads=1"]):
        record = pipeline("--device", "cpu", "--verify", "--repeat", "1", *extra)
        check_record(record, "async", 16, 3)
    record = pipeline("--device", "cpu", "--verify", "--isa", "scalar", "--bias", "random")
    check(record["bias"] and not record["residual"], "bias in the JSON")


def test_sampled():
    # 16 batches of 1.85 GFLOP are more than is checked in full.
    record = pipeline("--device", "cpu", "--verify", "--repeat", "1", "--slots", "2",
                      problem="mb8ic64ih56oc64kh3ph1")
    check(record["verified"] and record["outputs"] == 16 * 8 * 64 * 56 * 56, "verified")
    check(16 * 4096 <= record["verified_outputs"] < record["outputs"], "a sample of each batch")


def test_misuse():
    expect_failure(2, ["a PROBLEM is missing"], "pipeline")
    expect_failure(2, ["there is a PROBLEM already"], "pipeline", SMALL, SMALL)
    expect_failure(2, ["column 1", "xx"], "pipeline", "xx1")
    for value in ("0", "-1", "x", "100001"):
        expect_failure(2, ["--batches", "1 to 100000"], "pipeline", SMALL, f"--batches={value}")
    for value in ("0", "257", "-1", ""):
        expect_failure(2, ["--slots", "1 to 256"], "pipeline", SMALL, f"--slots={value}")
    for value in ("", "asyn", "SYNC", "both"):
        expect_failure(2, ["--mode", "neither sync nor async"], "pipeline", SMALL,
                       f"--mode={value}")
    expect_failure(2, ["--mode needs a value"], "pipeline", SMALL, "--mode")
    expect_failure(2, ["--residual", "random"], "pipeline", SMALL, "--residual", "r.npy")
    expect_failure(2, ["nosuch.npy"], "pipeline", SMALL, "--bias", "nosuch.npy")
    expect_failure(2, ["another activation"], "pipeline", SMALL, "--relu", "--clamp", "0,6")
    expect_failure(2, ['unknown option "--batch"', '"--batches"'], "pipeline", SMALL, "--batch")
    expect_failure(3, ["nosuch"], "pipeline", SMALL, "--device", "nosuch")
    # The address sanitizer would end the program here; elsewhere this means nothing.
    expect_failure(3, ["not enough memory"], "pipeline", "mb1ic1ih2147483647iw1048576oc1kh1",
                   "--device", "cpu", env={"ASAN_OPTIONS": "allocator_may_return_null=1"})


def main():
    test_cpu()
    test_defaults()
    test_unverified()
    test_null()
    gl = test_software_gl()
    test_epilogues()
    test_sampled()
    test_misuse()
    print(f"checked: pipeline on cpu and null, {gl}; sync and async, figures, misuse "
          f"({cli.checks} checks)")


if __name__ == "__main__":
    main()
