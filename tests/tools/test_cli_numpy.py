"""Arrays saved by numpy, convolved by the sporkle program, compared with scipy."""
import os
import sys
import tempfile

try:
    import numpy as np
    from scipy.signal import correlate2d
except ImportError as error:
    print(f"skipped: {error}; apt-get install python3-numpy python3-scipy")
    sys.exit(77)

import cli_support as cli
from cli_support import check, expect_failure, expect_json, expect_success

RANDOM = np.random.default_rng(1)


def array(*shape):
    return RANDOM.uniform(-1, 1, shape).astype("<f4")


def dilate(kernel, dilation):
    out = np.zeros([(k - 1) * d + 1 for k, d in zip(kernel.shape, dilation)])
    out[::dilation[0], ::dilation[1]] = kernel
    return out


def reference(x, w, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1, bias=None,
              residual=None, activation=lambda v: v):
    top, left, bottom, right = padding
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)))
    group_c, group_k = x.shape[1] // groups, w.shape[0] // groups
    planes = []
    for image in x:
        for k in range(w.shape[0]):
            first = k // group_k * group_c
            planes.append(sum(correlate2d(image[first + c], dilate(w[k, c].astype(np.float64),
                                                                   dilation), mode="valid")
                              for c in range(group_c))[::stride[0], ::stride[1]])
    y = np.array(planes).reshape(x.shape[0], w.shape[0], *planes[0].shape)
    if bias is not None:
        y += bias.reshape(1, -1, 1, 1)
    if residual is not None:
        y += residual
    return activation(y)


def rel_l2(y, expected):
    return np.linalg.norm(y - expected) / np.linalg.norm(expected)


class Files:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def save(self, name, value):
        np.save(self.path(name), value)
        return self.path(name)


def run_case(files, x, w, options=(), problem=(), **how):
    arguments = ["conv2d", *problem, "--device", "cpu", "--verify", "--json", "--repeat", "1",
                 "--input", files.save("x.npy", x), "--weights", files.save("w.npy", w),
                 "--output", files.path("y.npy"), *options]
    for name in ("bias", "residual"):
        if how.get(name) is not None:
            arguments += [f"--{name}", files.save(f"{name}.npy", how[name])]
    result = expect_json(*arguments)
    y = np.load(files.path("y.npy"))
    expected = reference(x.reshape((1,) * (4 - x.ndim) + x.shape),
                         w.reshape((1,) * (4 - w.ndim) + w.shape), **how)
    check(y.dtype == np.dtype("<f4") and y.flags.c_contiguous, "float32 in C order")
    check(y.shape == expected.shape, f"shape {y.shape}, expected {expected.shape}")
    check(rel_l2(y, expected) < 1e-5, f"relative L2 error {rel_l2(y, expected)}")
    check(result["output"] == files.path("y.npy") and result["verified"], "JSON names the output")
    return result


def test_against_scipy(files):
    run_case(files, array(2, 3, 17, 13), array(5, 3, 3, 3))
    result = run_case(files, array(1, 4, 9, 12), array(6, 4, 3, 2),
                      ["--stride", "2,1", "--padding", "1,0,2,3"], stride=(2, 1),
                      padding=(1, 0, 2, 3))
    check(result["problem"] == "mb1ic4oc6ih9kh3sh2ph1oh5iw12kw2sw1dw0pw0ow14", result["problem"])
    run_case(files, array(2, 8, 11, 10), array(4, 2, 3, 3),
             ["--groups=4", "--padding=2", "--dilation=2"], groups=4, padding=(2, 2, 2, 2),
             dilation=(2, 2))
    run_case(files, array(1, 6, 8, 8), array(6, 1, 3, 3), ["--groups", "6", "--padding", "1,1"],
             groups=6, padding=(1, 1, 1, 1))
    run_case(files, array(7, 5), array(2, 3))
    run_case(files, array(3, 7, 5), array(2, 3, 1, 1))
    bias, residual = array(5), array(1, 5, 6, 6)
    run_case(files, array(1, 3, 8, 8), array(5, 3, 3, 3), bias=bias, residual=residual)
    run_case(files, array(1, 3, 8, 8), array(5, 3, 3, 3), ["--relu"], bias=bias,
             activation=lambda v: np.maximum(v, 0))
    run_case(files, array(1, 3, 8, 8), array(5, 3, 3, 3), ["--clamp", "-0.25,0.5"], bias=bias,
             residual=residual, activation=lambda v: np.clip(v, -0.25, 0.5))
    run_case(files, array(2, 4, 10, 10), array(8, 4, 3, 3), problem=["mb2ic4ih10oc8kh3sh2ph1"],
             stride=(2, 2), padding=(1, 1, 1, 1))


def test_refused_files(files):
    x, w = files.save("x.npy", array(1, 3, 8, 8)), files.save("w.npy", array(5, 3, 3, 3))
    y = files.path("refused.npy")

    def refuse(words, bad_x=x, bad_w=w, *options):
        expect_failure(2, words, "conv2d", "--input", bad_x, "--weights", bad_w, "--output", y,
                       *options)
        check(not os.path.exists(y), "no output file left behind")

    full = array(1, 3, 8, 8)
    refuse(["float64", "astype"], files.save("bad.npy", full.astype("<f8")))
    refuse(["big-endian", "astype"], files.save("bad.npy", full.astype(">f4")))
    refuse(["int32"], files.save("bad.npy", full.astype("<i4")))
    refuse(["Fortran", "ascontiguousarray"], files.save("bad.npy", np.asfortranarray(full)))
    refuse(["no elements"], files.save("bad.npy", full[:0]))
    refuse(["5 dimensions"], files.save("bad.npy", full[None]))
    refuse(["0 dimensions"], files.save("bad.npy", np.float32(1)))
    refuse(["(8,)"], files.save("bad.npy", array(8)))
    refuse(["bad.npy", "cannot be opened"], files.path("missing-bad.npy"))
    with open(x, "rb") as file:
        content = file.read()
    for data, word in ((content[:-1], "truncated"), (content[:50], "truncated"), (b"", "empty"),
                       (content + b"x", "1 bytes follow"),
                       (b"x" + content[1:], "not a .npy file")):
        with open(files.path("bad.npy"), "wb") as file:
            file.write(data)
        refuse([word], files.path("bad.npy"))
    refuse(["4 channels", "3 channels"], x, files.save("bad.npy", array(5, 4, 3, 3)))
    refuse(["kernel covers 9"], x, files.save("bad.npy", array(5, 3, 9, 9)))
    refuse(["bias has shape (4,)", "(5,)"], x, w, "--bias", files.save("bad.npy", array(4)))
    refuse(["residual has shape"], x, w, "--residual", files.save("bad.npy", array(1, 5, 6, 5)))
    refuse(["2 groups do not divide"], x, w, "--groups", "2")
    expect_failure(2, ["input has shape (1, 3, 8, 8)", "(2, 3, 8, 8)"], "conv2d",
                   "mb2ic3ih8oc5kh3", "--input", x)


def test_outputs(files):
    x, w = files.save("x.npy", array(1, 3, 8, 8)), files.save("w.npy", array(5, 3, 3, 3))
    base = ["conv2d", "--device", "cpu", "--input", x, "--weights", w, "--output"]
    expect_failure(2, ["/nonexistent/y.npy", "cannot be written"], *base, "/nonexistent/y.npy")
    expect_failure(2, ["exists and is not a file"], *base, files.folder)
    expect_failure(2, ["also read as an input"], *base, x)
    protected = files.save("protected.npy", array(1))
    os.chmod(protected, 0o444)
    before = open(protected, "rb").read()
    expect_failure(2, ["read-only"], *base, protected)
    check(open(protected, "rb").read() == before, "a protected file is not touched")
    replaced = files.save("replaced.npy", array(1))
    expect_success(*base, replaced)
    check(np.load(replaced).shape == (1, 5, 6, 6), "an existing file is replaced")
    check(not [n for n in os.listdir(files.folder) if n.endswith(".tmp")], "no temporary file")


def test_special_values(files):
    x = array(1, 1, 6, 6)
    x[0, 0, 2, 2], x[0, 0, 5, 5] = np.nan, np.inf
    w = np.ones((1, 1, 3, 3), "<f4")
    expect_success("conv2d", "--device", "cpu", "--verify", "--input", files.save("x.npy", x),
                   "--weights", files.save("w.npy", w), "--output", files.path("y.npy"))
    y = np.load(files.path("y.npy"))[0, 0]
    check(np.isnan(y[:3, :3]).all() and np.isinf(y[3, 3]) and np.isfinite(y[3, :3]).all(),
          "NaN and infinity reach exactly the outputs that see them")


def main():
    with tempfile.TemporaryDirectory() as folder:
        files = Files(folder)
        test_against_scipy(files)
        test_refused_files(files)
        test_outputs(files)
        test_special_values(files)
    print(f"checked: .npy files from numpy through the program against scipy, refused files, "
          f"outputs ({cli.checks} checks)")


if __name__ == "__main__":
    main()
