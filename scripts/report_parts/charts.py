"""The charts of a run, each with a name: [(name, SVG text)]."""
import os
import re

from . import cudnn, svg


def conv_groups(run):
    groups = {}
    for result in run.results:
        if isinstance(result.get("sporkle"), dict):
            groups.setdefault((result.get("threads", 1), result.get("batch", 1)), []).append(result)
    return groups


def threads_text(threads):
    return f"{threads} thread{'s' if threads > 1 else ''}"


def tensor_bytes(name):
    """Least bytes of a problem in benchdnn's grammar: every tensor once."""
    value = {key: int(number) for key, number in re.findall(r"([a-z]+)(\d+)", name.split('n"')[0])}
    n, c, h, k = value.get("mb", 1), value["ic"], value["ih"], value["oc"]
    w, kh = value.get("iw", h), value["kh"]
    kw, sh, ph = value.get("kw", kh), value.get("sh", 1), value.get("ph", 0)
    sw, pw = value.get("sw", sh), value.get("pw", ph)
    out = ((h + 2 * ph - kh) // sh + 1) * ((w + 2 * pw - kw) // sw + 1)
    return 4 * (n * c * h * w + k * c // value.get("g", 1) * kh * kw + n * k * out)


def conv_ratios(run):
    """Ours to oneDNN's two direct paths, and to its Winograd."""
    charts = []
    for (threads, batch), results in sorted(conv_groups(run).items()):
        rows = [(r["name"], [(label, r[key]) for label, key in
                             (("oneDNN direct, better of two", "ratio_direct"),
                              ("oneDNN Winograd", "ratio_winograd")) if r.get(key)])
                for r in results if r.get("name") and r.get("ratio_direct")]
        if rows:
            where = f"{threads_text(threads)}, batch {batch}"
            charts.append((f"cpu_ratio_{threads}t_batch_{batch}",
                           svg.bars(f"Times as fast as the peer, {where}", rows,
                                    "time of the peer / time of this library", mark=1)))
    return charts


def middle_rate(results, key):
    rates = sorted(r[key]["work"] / r[key]["ms_median"] * 1e-6 for r in results
                   if r.get(key, {}).get("ms_median"))
    return rates[len(rates) // 2] if rates else None


def rooflines(run):
    charts = []
    for (threads, batch), results in sorted(conv_groups(run).items()):
        peak = middle_rate(results, "peak")
        if not peak:
            continue
        points = [(r["name"], r["flops"] / tensor_bytes(r["name"]),
                   r["flops"] / r["sporkle"]["ms_median"] * 1e-6,
                   "winograd" in r["sporkle"].get("algorithm", "")) for r in results
                  if r["sporkle"].get("ms_median")]
        if points:
            charts.append((f"cpu_roofline_{threads}t_batch_{batch}",
                           svg.roofline(f"Roofline, {threads_text(threads)}, batch {batch}", points,
                                        peak, middle_rate(results, "memory_read"))))
    return charts


def cudnn_ratios(run, runs):
    rows = cudnn.ratios(run, runs) if cudnn.is_kernels(run) else []
    if not rows:
        return []
    mean = cudnn.geometric_mean([theirs / ours for _, ours, theirs, _ in rows])
    shapes = os.path.splitext(os.path.basename(run.path))[0].removeprefix("gl_kernels_")
    return [(f"gl_ratio_{shapes}_problems",
             svg.bars(f"Times as fast as cuDNN fp32 (graph replay); geometric mean {mean:.2f}",
                      [(name, [("", theirs / ours)]) for name, ours, theirs, _ in rows],
                      "time of cuDNN / time of this library, on the device", mark=1))]


def costs(run):
    rows = [(s.name, [("", s.median)]) for s in run.samples
            if s.unit == "ns" and s.median > 0 and not s.metric]
    return [("costs", svg.bars("Cost of one call", rows, "ns"))] if rows else []


def depths(run):
    """Lines of figures whose names end in _depth_N."""
    series = {}
    for s in run.samples:
        found = re.fullmatch(r"(.+)_depth_(\d+)", s.name)
        if found and s.unit in ("us", "ns") and s.median > 0:
            scale = 1 if s.unit == "us" else 1000
            series.setdefault(found[1], []).append((int(found[2]), scale * 1e6 / s.median))
    lines = [(name, points) for name, points in series.items() if len(points) > 1]
    return [("fence_rate", svg.lines("Operations per second against operations in flight", lines,
                                     "operations in flight", "operations per second"))
            ] if lines else []


def waits(run):
    """CPU time of waits: wait_LENGTH_cpu, with raw_sync_ or raw_finish_ before it."""
    who = {"": "this library", "raw_sync_": "raw glClientWaitSync", "raw_finish_": "raw glFinish"}
    rows = {}
    for s in run.samples:
        found = re.fullmatch(r"(raw_sync_|raw_finish_|)wait_(\d+)ms_cpu", s.name)
        if found and s.unit == "%" and s.median > 0:
            rows.setdefault(f"{found[2]} ms of GPU work", []).append((who[found[1]], s.median))
    return [("wait_cpu", svg.bars("CPU time of all threads during a wait", list(rows.items()),
                                  "% of one core"))] if rows else []


def timelines(run):
    return [("timeline", svg.timeline(f"{r.get('name', 'timeline')}", r["timeline"]))
            for r in run.results if isinstance(r, dict) and r.get("timeline")]


def of_run(run, runs):
    return (conv_ratios(run) + rooflines(run) + cudnn_ratios(run, runs) + costs(run) + depths(run)
            + waits(run) + timelines(run))
