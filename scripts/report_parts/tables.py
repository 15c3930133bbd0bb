"""What stands between markers in docs/performance.md: tables, and links to figures."""
import os
import re
import statistics

from . import cudnn, figures, goals, samples
from .charts import conv_groups
from .svg import number

LARGE = 100e6  # FLOPs above which a problem is long enough for shares and excesses
MARKERS = re.compile(r"<!-- (\w+): begin -->\n(.*?)<!-- \1: end -->", re.S)


def source(run):
    return f"{run.device}; raw data: `measurements/{run.folder}/{run.path.rsplit('/', 1)[-1]}`"


def row(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(head, rows):
    return "\n".join([row(head), row(["---"] * len(head))] + [row(r) for r in rows])


def rate(result, contestant):
    value = result.get(contestant, {}).get("ms_median")
    if value and contestant == "peak":  # other work can only lower it: the quickest round
        value = min(result[contestant]["rounds_ns"]) * 1e-6
    return f"{result[contestant]['work'] / value * 1e-6:.0f}" if value else "-"


def middle_peak(results):
    """GFLOP/s, the median over the problems: other work lowers the peak of single ones, which
    would make their shares too high."""
    rates = [r["peak"]["work"] / min(r["peak"]["rounds_ns"]) for r in results
             if r.get("peak", {}).get("rounds_ns")]
    return statistics.median(rates) if rates else None


def peak_shares(results):
    """What plans above 100 MFLOP that multiply as often as their FLOPs say make of the peak."""
    peak = middle_peak(results)
    shares = [r["flops"] / r["sporkle"]["ms_median"] * 1e-6 / peak for r in results
              if peak and r.get("flops", 0) > LARGE and r["sporkle"].get("ms_median")
              and "winograd" not in r["sporkle"].get("algorithm", "")]
    if not shares:
        return ""
    return (f" Without Winograd above 100 MFLOP: {cudnn.geometric_mean(shares) * 100:.0f} % of the "
            f"peak (geometric mean), lowest {min(shares) * 100:.0f} %; the peak is the median of the "
            f"column, {peak:.0f} GFLOP/s.")


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
                         f"mean {cudnn.geometric_mean(direct):.2f}, lowest {min(direct):.2f}."
                         f"{peak_shares(results)} {source(run)}.\n")
            contestants = {"ours": "sporkle", "reproducible": "sporkle_reproducible",
                           "one call": "sporkle_call", "AVX2": "sporkle_avx2",
                           "nchw": "onednn_nchw", "blocked": "onednn_any",
                           "Winograd": "onednn_winograd", "peak": "peak"}
            parts.append(table(["problem", "ratio", *contestants, "algorithm"], [
                [r["name"], ratio(r.get("ratio_direct"))]
                + [rate(r, key) for key in contestants.values()]
                + [r["sporkle"]["algorithm"]] for r in results]) + "\n")
    return "\n".join(parts)


def milliseconds(result, contestant):
    value = result.get(contestant, {}).get("ms_median")
    return f"{value:.3f}" if value else "-"


def percent(value):
    return f"{value * 100:+.0f} %" if isinstance(value, (int, float)) else "-"


def forms(runs):
    """The plan beside the reproducible plan and the one-call form."""
    columns = {"plan": "sporkle", "reproducible": "sporkle_reproducible",
               "plan and a read": "sporkle_plan_read", "one call": "sporkle_call",
               "the read alone": "weights_read"}
    parts = []
    for run in samples.newest(runs, "bench_conv2d"):
        for (threads, batch), results in sorted(conv_groups(run).items()):
            results = [r for r in results if "sporkle_plan_read" in r]
            if not results:
                continue
            cost = [r["reproducible_cost"] for r in results if r.get("reproducible_cost") is not None]
            over = [r["call_over_read"] for r in results
                    if r.get("call_over_read") is not None and r["flops"] > LARGE]
            mean = cudnn.geometric_mean([1 + value for value in cost]) - 1
            most = (f"; one call above 100 MFLOP beyond plan and a read in one loop at most "
                    f"{percent(max(over))}" if over else "")
            parts.append(f"{threads} thread{'s' if threads > 1 else ''}, batch {batch}: reproducible "
                         f"{percent(mean)} (geometric mean), most {percent(max(cost))}{most}. "
                         f"{source(run)}.\n")
            head = ["problem", *(f"{name}, ms" for name in columns), "reproducible costs",
                    "one call: beyond plan and a read", "beyond plan and the read alone",
                    "reproducible algorithm"]
            parts.append(table(head, [
                [r["name"], *(milliseconds(r, key) for key in columns.values()),
                 percent(r.get("reproducible_cost")), percent(r.get("call_over_read")),
                 percent(r.get("call_excess")), r["sporkle_reproducible"]["algorithm"]]
                for r in results]) + "\n")
    return "\n".join(parts)


# Figures of bench_buffers without a goal that are worth a line; the others are in the raw JSON and
# in the page of all figures.
WITHOUT_GOAL = re.compile(r"update4k/(?!block)|(headline|small)/(resident|synchronous|naive|raw OpenGL|sync[ /]|over the link)"
                          r"|transfer/.*/warm|[^/]*/(resident, dependent stream|naive/fastest)")


# The run of everything whose other figures are shown; more runs have the same.
WHOLE = ("bench_buffers.json",)


def shown(run, result):
    """Of buffers: what has a goal and, in whole runs, what the expression names; of an earlier
    run of the fences: what has a goal."""
    name = os.path.basename(run.path)
    if goals.held(run, result) or name == "bench_fences.json":
        return True
    if run.benchmark == "bench_fences":
        return False
    return run.benchmark != "buffers" or (name in WHOLE
                                          and WITHOUT_GOAL.match(result["name"]) is not None)


def all_figures(benchmark):
    """The figures of a benchmark's newest hardware runs, with their goals."""
    def make(runs):
        parts = []
        for run in samples.newest(runs, benchmark):
            sign = {"at_most": "at most ", "at_least": "at least "}
            rows = []
            for r in run.results:
                if not isinstance(r, dict) or "median" not in r or r.get("verified") is False:
                    continue
                if not shown(run, r):
                    continue
                bar = goals.held(run, r)
                goal = sign[bar[0]] + number(bar[1]) if bar else ""
                rows.append([r["name"], number(r["median"]), f"{number(r.get('p10', r['median']))}.."
                             f"{number(r.get('p90', r['median']))}", r.get("unit", ""), goal,
                             {True: "yes", False: "no"}.get(bar[2] if bar else None, "")])
            if not rows:
                continue
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


PARTS = {"cpu": cpu, "forms": forms, "threads": all_figures("bench_threads"), "gl": gl, "fences": all_figures("bench_fences"),
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
