#!/usr/bin/env python3
"""Times cuDNN's fp32 convolution through PyTorch: eager and as the replay of a CUDA graph.

TF32 off, benchmark mode on, fresh random inputs, device time by events, median over
repetitions after a warm-up. The outputs of the eager call and of the graph's replay (which
writes over NaN) are compared with float64 on the device before either is timed: relative L2
at most 1e-5 over the first and the last image. Writes the JSON of `bench_conv2d --device gl`
so that both can be joined by problem.

usage: cudnn_conv.py --file PROBLEMS [--json FILE] [--seed N]
"""
import argparse
import json
import re
import statistics
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = None

REPLAYS = 10  # convolutions per graph
ERROR_LIMIT = 1e-5
FIELDS = "g mb ic oc ih iw oh ow kh kw sh sw ph pw dh dw".split()
MAY_BE_ZERO = {"ph", "pw", "dh", "dw"}


def parse_fields(text):
    """What the text says, and the name; as src/tools/problem.c reads it."""
    values, name, at = {}, "", 0
    while at < len(text):
        if text[at] == "_":
            at += 1
            continue
        if text[at] == "n":
            found = re.fullmatch(r'n(?:"([^\s"\\]+)"|([^\s"\\]+))', text[at:])
            if not found:
                raise ValueError(f"{text}: the name is none")
            name = found[1] or found[2]
            break
        found = re.compile(r"([a-z]+)([0-9]+)").match(text, at)
        if not found or found[1] not in FIELDS:
            raise ValueError(f"{text}: column {at + 1}: no field of {' '.join(FIELDS)}")
        if found[1] in values:
            raise ValueError(f"{text}: {found[1]} is given twice")
        values[found[1]] = int(found[2])
        if values[found[1]] == 0 and found[1] not in MAY_BE_ZERO:
            raise ValueError(f"{text}: {found[1]} must be at least 1")
        at = found.end()
    return values, name


def resolve(v, axis, default):
    """Sizes of one direction; an output size decides the padding that is not given."""
    def value(key):
        return v.get(key + axis, default[key])

    e = {key: value(key) for key in "iksd"}
    if e["i"] is None or e["k"] is None:
        raise ValueError(f"i{axis} or k{axis} is missing")
    span = (e["k"] - 1) * (e["d"] + 1) + 1

    def out(before, after):
        padded = e["i"] + before + after
        return (padded - span) // e["s"] + 1 if padded >= span else 0

    asked, padding = v.get("o" + axis), v.get("p" + axis)
    before = after = padding
    if asked is None and padding is None:
        before, after = default["p"]
    if asked is not None:
        total = (asked - 1) * e["s"] + span - e["i"]
        if padding is None:
            before = max(total, 0) // 2
            after = max(total, 0) - before
        elif out(before, after) != asked:
            after = max(total - before, 0)
        if out(before, after) != asked:
            raise ValueError(f"o{axis}{asked} does not follow from the other sizes")
    e["p"], e["o"] = (before, after), out(before, after)
    if e["o"] < 1:
        raise ValueError(f"the kernel does not fit in direction {axis}")
    return e


def parse(text):
    """A problem of benchdnn's grammar: numbers, h and w as resolve() gives them."""
    values, name = parse_fields(text)
    try:
        if "ic" not in values or "oc" not in values:
            raise ValueError("ic or oc is missing")
        high = {"i": None, "k": None, "s": 1, "d": 0, "p": (0, 0)}
        wide_only = not any(key[-1] == "h" for key in values)
        if wide_only and any(key[-1] == "w" for key in values):
            high.update(i=1, k=1)
            if "iw" not in values or "kw" not in values:
                raise ValueError("iw or kw is missing")
        h = resolve(values, "h", high)
        w = resolve(values, "w", h)
        g = values.get("g", 1)
        if values["ic"] % g or values["oc"] % g:
            raise ValueError(f"{g} groups do not divide the channels")
    except ValueError as error:
        raise ValueError(f"{text}: {error}") from None
    return {"g": g, "mb": values.get("mb", 2), "ic": values["ic"], "oc": values["oc"],
            "h": h, "w": w, "name": name}


def strip_comment(line):
    """The line up to a # outside of quotes."""
    return re.match(r'(?:[^"#]|"[^"]*"?)*', line)[0].strip()


def problems(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            text = strip_comment(line)
            if text:
                yield text, parse(text)


def read_problems(path):
    """All of them, or the end with a reason, before anything is timed."""
    try:
        listed = list(problems(path))
        for text, v in listed:
            if any(v[axis]["p"][0] != v[axis]["p"][1] for axis in "hw"):
                raise ValueError(f"{text}: the padding differs between two sides, which PyTorch "
                                 "does in a second operation")
        return listed
    except (OSError, ValueError) as error:
        sys.exit(f"cudnn_conv: {error}")


def canonical(v):
    """The problem as bench_conv2d prints it."""
    def axis(name):
        e, wide = v[name], name == "w"
        text = "".join(f"{key}{name}{e[key]}" for key, usual in
                       (("i", None), ("k", None), ("s", 1), ("d", 0)) if wide or e[key] != usual)
        text += f"p{name}{e['p'][0]}" if wide or e["p"] != (0, 0) else ""
        return text + (f"o{name}{e['o']}" if e["p"][0] != e["p"][1] else "")

    def same(e):
        return {key: e[key] for key in "iksdp"}

    text = (f"g{v['g']}" if v["g"] != 1 else "") + f"mb{v['mb']}ic{v['ic']}oc{v['oc']}" + axis("h")
    text += axis("w") if same(v["h"]) != same(v["w"]) else ""
    return text + (f'n"{v["name"]}"' if v["name"] else "")


def flops(v):
    return (2 * v["mb"] * v["oc"] * v["h"]["o"] * v["w"]["o"] * (v["ic"] // v["g"])
            * v["h"]["k"] * v["w"]["k"])


def median_us(run, per_run):
    """Device time of one convolution: batches of about 2 ms, after 60 ms of warm-up."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def batch(count):
        begin.record()
        for _ in range(count):
            run()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) * 1e3 / (count * per_run)

    once = batch(1)
    count = max(1, min(64, int(2000 / max(once * per_run, 1))))
    start = time.monotonic()
    while time.monotonic() - start < 0.06:
        batch(count)
    times = [batch(count) for _ in range(21)]
    return statistics.median(times), min(times), max(times)


def bench(v, seed):
    generator = torch.Generator(device="cuda").manual_seed(seed)

    def uniform(*shape):
        return torch.rand(*shape, generator=generator, device="cuda") * 2 - 1

    high, wide = v["h"], v["w"]
    x = uniform(v["mb"], v["ic"], high["i"], wide["i"])
    w = uniform(v["oc"], v["ic"] // v["g"], high["k"], wide["k"])
    options = dict(stride=(high["s"], wide["s"]), padding=(high["p"][0], wide["p"][0]),
                   dilation=(high["d"] + 1, wide["d"] + 1), groups=v["g"])

    def run():
        return F.conv2d(x, w, **options)

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            y = run()
    stream.synchronize()
    images = sorted({0, v["mb"] - 1})
    reference = F.conv2d(x[images].double(), w.double(), **options)

    def errors():
        """Relative L2 and largest error of y."""
        difference = y[images].double() - reference
        return (difference.norm() / reference.norm()).item(), difference.abs().max().item()

    def rejected(how, found):
        return {"rejected": f"{how} computes wrongly", "rel_l2": found[0], "max_error": found[1]}

    eager_error = errors()
    if not eager_error[0] <= ERROR_LIMIT:
        return rejected("eager", eager_error)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(REPLAYS):
            y = run()
    # The graph's last output, which nothing but its replay writes.
    y.fill_(float("nan"))
    graph.replay()
    torch.cuda.synchronize()
    error = errors()
    if not error[0] <= ERROR_LIMIT:
        return rejected("replay", error)
    eager = median_us(run, 1)
    replay = median_us(graph.replay, REPLAYS)
    return {"us_eager": eager[0], "us": replay[0], "us_fastest": replay[1],
            "us_slowest": replay[2], "rel_l2": error[0], "max_error": error[1],
            "rel_l2_eager": eager_error[0]}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--file", required=True)
    arguments.add_argument("--json")
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    listed = read_problems(options.file)
    if torch is None or not torch.cuda.is_available():
        sys.exit("cudnn_conv: it takes PyTorch and a CUDA device")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    results = []
    with torch.no_grad():
        for text, values in listed:
            row = {"problem": canonical(values), "flops": flops(values)}
            row.update(bench(values, options.seed))
            if "us" in row:
                row["gflops"] = row["flops"] * 1e-3 / row["us"]
            results.append(row)
            print(f"{text:44} {row.get('us', float('nan')):9.1f} us replayed "
                  f"{row.get('us_eager', float('nan')):9.1f} us eager", flush=True)
            torch.cuda.empty_cache()
    report = {
        "benchmark": "cudnn_conv",
        "device": torch.cuda.get_device_name(),
        "software": f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}",
        "tf32": torch.backends.cudnn.allow_tf32,
        "seed": options.seed,
        "results": results,
    }
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(report, out, indent=2)
            out.write("\n")
    return 1 if any("rejected" in row for row in results) else 0


if __name__ == "__main__":
    sys.exit(main())
