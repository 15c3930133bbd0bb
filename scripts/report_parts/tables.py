"""What stands between markers in docs/performance.md: tables, and links to figures."""
import re

from . import cudnn, figures, samples
from .charts import conv_groups
from .svg import number

MARKERS = re.compile(r"<!-- (\w+): begin -->\n(.*?)<!-- \1: end -->", re.S)


def source(run):
    return f"{run.device}; raw data: `measurements/{run.folder}/{run.path.rsplit('/', 1)[-1]}`"


def row(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(head, rows):
    return "\n".join([row(head), row(["---"] * len(head))] + [row(r) for r in rows])


def rate(result, contestant):
    value = result.get(contestant, {}).get("ms_median")
    return f"{result[contestant]['work'] / value * 1e-6:.0f}" if value else "-"


def ratio(value):
    return f"{value:.2f}" if value else "-"


def cpu(runs):
    parts = []
    for run in samples.newest(runs, "bench_conv2d"):
        for (threads, batch), results in sorted(conv_groups(run).items()):
            direct = [r["ratio_direct"] for r in results if r.get("ratio_direct")]
            if not direct:
                continue
            parts.append(f"{threads} thread{'s' if threads > 1 else ''}, batch {batch}: geometric "
                         f"mean {cudnn.geometric_mean(direct):.2f}, lowest {min(direct):.2f}. "
                         f"{source(run)}.\n")
            head = ["problem", "ratio", "ours", "one call", "AVX2", "nchw", "blocked", "Winograd",
                    "peak", "algorithm"]
            parts.append(table(head, [
                [r["name"], ratio(r.get("ratio_direct"))] + [rate(r, key) for key in (
                    "sporkle", "sporkle_call", "sporkle_avx2", "onednn_nchw", "onednn_any",
                    "onednn_winograd", "peak")] + [r["sporkle"]["algorithm"]] for r in results])
                         + "\n")
    return "\n".join(parts)


def all_figures(benchmark):
    """Every figure of a benchmark's newest hardware runs, with its goal."""
    def make(runs):
        parts = []
        for run in samples.newest(runs, benchmark):
            sign = {"at_most": "at most ", "at_least": "at least "}
            rows = []
            for r in run.results:
                if not isinstance(r, dict) or "median" not in r or r.get("verified") is False:
                    continue
                goal = sign[r["bar"]] + number(r["bar_value"]) if r.get("bar") else ""
                rows.append([r["name"], number(r["median"]), f"{number(r.get('p10', r['median']))}.."
                             f"{number(r.get('p90', r['median']))}", r.get("unit", ""), goal,
                             {True: "yes", False: "no"}.get(r.get("met"), "")])
            parts.append(source(run) + ".\n\n"
                         + table(["figure", "median", "p10..p90", "unit", "goal", "met"], rows) + "\n")
        return "\n".join(parts)
    return make


def gl(runs):
    parts = []
    for run in samples.newest(runs, "gl_kernels"):
        rows = cudnn.ratios(run, runs)
        if not rows:
            continue
        values = [theirs / ours for _, ours, theirs, _ in rows]
        parts.append(f"Geometric mean {cudnn.geometric_mean(values):.2f}, lowest {min(values):.2f}. "
                     f"{source(run)}.\n")
        parts.append(table(["problem", "algorithm", "us", "GFLOP/s", "cuDNN us", "ratio"], [
            [name, result.get("chosen", ""), f"{ours:.1f}",
             f"{result['flops'] / ours * 1e-3:,.0f}" if result.get("flops") else "",
             f"{theirs:.1f}", f"{theirs / ours:.2f}"] for name, ours, theirs, result in rows])
            + "\n")
    return "\n".join(parts)


PARTS = {"cpu": cpu, "gl": gl, "fences": all_figures("bench_fences"),
          "buffers": all_figures("buffers"),
          "sequence": all_figures("bench_sequence"), "pm4": all_figures("bench_pm4"),
          **figures.LINKS}


def fill(text, runs):
    """The page with everything between markers made anew."""
    def replace(found):
        name = found[1]
        if name not in PARTS:
            raise SystemExit(f"report.py: unknown marker {name}; known: {', '.join(PARTS)}")
        body = PARTS[name](runs).strip("\n") or "Not measured yet."
        return f"<!-- {name}: begin -->\n{body}\n<!-- {name}: end -->"
    return MARKERS.sub(replace, text)
