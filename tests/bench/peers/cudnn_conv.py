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
FIELDS = "mb ic ih iw oc oh ow kh kw sh sw ph pw dh dw g".split()


def parse(text):
    """benchdnn's grammar, as far as the files under tests/shapes use it."""
    text = re.sub(r'n".*?"$', "", text)
    values = {name: int(value) for name, value in re.findall(r"([a-z]+)(\d+)", text)}
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise ValueError(f"{text}: unknown {sorted(unknown)}")
    for name, other, default in (("iw", "ih", None), ("kw", "kh", None), ("sw", "sh", 1),
                                 ("pw", "ph", 0), ("dw", "dh", 0)):
        if other not in values:
            values[other] = default
        values.setdefault(name, values[other])
    values.setdefault("mb", 1)
    values.setdefault("g", 1)
    missing = {"ic", "ih", "oc", "kh"} - {name for name, value in values.items() if value}
    if missing:
        raise ValueError(f"{text}: without {sorted(missing)}")
    return values


def problems(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            text = line.split("#")[0].strip()
            if text:
                yield text, parse(text)


def read_problems(path):
    """All of them, or the end with a reason, before anything is timed."""
    try:
        return list(problems(path))
    except (OSError, ValueError) as error:
        sys.exit(f"cudnn_conv: {error}")


def canonical(v):
    """The problem as bench_conv2d prints it."""
    text = f"g{v['g']}" if v["g"] != 1 else ""
    text += f"mb{v['mb']}ic{v['ic']}oc{v['oc']}ih{v['ih']}"
    text += f"iw{v['iw']}" if v["iw"] != v["ih"] else ""
    text += f"kh{v['kh']}" + (f"kw{v['kw']}" if v["kw"] != v["kh"] else "")
    text += (f"sh{v['sh']}" if v["sh"] != 1 else "") + (f"sw{v['sw']}" if v["sw"] != v["sh"] else "")
    text += (f"dh{v['dh']}" if v["dh"] != 0 else "") + (f"dw{v['dw']}" if v["dw"] != v["dh"] else "")
    return text + (f"ph{v['ph']}" if v["ph"] != 0 else "") + (f"pw{v['pw']}" if v["pw"] != v["ph"] else "")


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

    x = uniform(v["mb"], v["ic"], v["ih"], v["iw"])
    w = uniform(v["oc"], v["ic"] // v["g"], v["kh"], v["kw"])
    options = dict(stride=(v["sh"], v["sw"]), padding=(v["ph"], v["pw"]),
                   dilation=(v["dh"] + 1, v["dw"] + 1), groups=v["g"])

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
            row = {"problem": canonical(values)}
            row.update(bench(values, options.seed))
            results.append(row)
            print(f"{text:44} {row.get('us', float('nan')):9.1f} us replayed "
                  f"{row.get('us_eager', float('nan')):9.1f} us eager", flush=True)
            torch.cuda.empty_cache()
    report = {
        "benchmark": "cudnn_conv",
        "device": torch.cuda.get_device_name(),
        "software": f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}",
        "results": results,
    }
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(report, out, indent=2)
            out.write("\n")
    return 1 if any("rejected" in row for row in results) else 0


if __name__ == "__main__":
    sys.exit(main())
