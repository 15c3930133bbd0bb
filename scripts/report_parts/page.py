"""One self-contained HTML page over all runs."""
import re
from html import escape

from . import cudnn, svg

STYLE = """body{font:15px/1.5 sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;font-size:13px}td,th{border:1px solid #ccc;padding:2px 8px;text-align:left}
td.n{text-align:right}h2{margin-top:2em;border-bottom:1px solid #ccc}svg{width:100%;height:auto}
.note{color:#8a4b00}details{margin:.5em 0}"""


def software_note(run):
    return "software driver: not a hardware figure" if run.software else ""


def heading(run):
    note = software_note(run)
    return (f"<h3>{escape(run.benchmark)}, {escape(run.device)} <small>({escape(run.folder)})"
            f"</small></h3>" + (f'<p class="note">{note}</p>' if note else ""))


def figure_table(run):
    """All figures of a run, folded away."""
    rows = "".join(
        f"<tr><td>{escape(s.name)}</td><td>{escape(s.metric)}</td><td class=n>{s.threads or ''}</td>"
        f"<td class=n>{s.batch or ''}</td><td class=n>{svg.number(s.median)}</td>"
        f"<td class=n>{svg.number(s.low)}..{svg.number(s.high)}</td><td>{escape(s.unit)}</td></tr>"
        for s in run.samples)
    return ("<details><summary>all figures</summary><table><tr><th>name</th><th></th>"
            "<th>threads</th><th>batch</th><th>median</th><th>spread</th><th>unit</th></tr>"
            f"{rows}</table></details>")


def bars_table(run):
    """The figures that have a bar, met or not."""
    rows = [r for r in run.results if isinstance(r, dict) and r.get("bar")]
    if not rows:
        return ""
    sign = {"at_most": "&le;", "at_least": "&ge;"}
    lines = "".join(
        f"<tr><td>{escape(str(r['name']))}</td><td class=n>{svg.number(r['median'])} "
        f"{escape(r.get('unit', ''))}</td><td>{sign[r['bar']]} {svg.number(r['bar_value'])}</td>"
        f"<td>{'yes' if r.get('met') else 'no'}</td></tr>" for r in rows)
    return f"<table><tr><th>figure</th><th>median</th><th>goal</th><th>met</th></tr>{lines}</table>"


def conv_groups(run):
    groups = {}
    for result in run.results:
        if isinstance(result.get("sporkle"), dict):
            groups.setdefault((result.get("threads", 1), result.get("batch", 1)), []).append(result)
    return groups


def tensor_bytes(name):
    """Least bytes of a problem in benchdnn's grammar: every tensor once."""
    value = {key: int(number) for key, number in re.findall(r"([a-z]+)(\d+)", name.split('n"')[0])}
    n, c, h, k = value.get("mb", 1), value["ic"], value["ih"], value["oc"]
    w, kh = value.get("iw", h), value["kh"]
    kw, sh, ph = value.get("kw", kh), value.get("sh", 1), value.get("ph", 0)
    sw, pw = value.get("sw", sh), value.get("pw", ph)
    out = ((h + 2 * ph - kh) // sh + 1) * ((w + 2 * pw - kw) // sw + 1)
    return 4 * (n * c * h * w + k * c // value.get("g", 1) * kh * kw + n * k * out)


def convolution(run):
    parts = []
    for (threads, batch), results in sorted(conv_groups(run).items()):
        where = f"{threads} thread{'s' if threads > 1 else ''}, batch {batch}"
        ratios = [(r["name"], [(label, r[key]) for label, key in
                               (("oneDNN direct, better of two", "ratio_direct"),
                                ("oneDNN Winograd", "ratio_winograd")) if r.get(key)])
                  for r in results if r.get("name") and r.get("ratio_direct")]
        if ratios:
            parts.append(svg.bars(f"Times as fast as the peer, {where}", ratios, "x", mark=1))
        peaks = sorted(r["peak"]["work"] / r["peak"]["ms_median"] * 1e-6 for r in results
                       if r.get("peak", {}).get("ms_median"))
        reads = sorted(r["memory_read"]["work"] / r["memory_read"]["ms_median"] * 1e-6
                       for r in results if r.get("memory_read", {}).get("ms_median"))
        if peaks:
            points = [(r["name"], r["flops"] / tensor_bytes(r["name"]),
                       r["flops"] / r["sporkle"]["ms_median"] * 1e-6) for r in results
                      if r["sporkle"].get("ms_median")]
            parts.append(svg.roofline(f"Roofline, {where}", points, peaks[len(peaks) // 2],
                                      reads[len(reads) // 2] if reads else None))
    return parts


def costs(run):
    rows = [(s.name, [("", s.median)]) for s in run.samples
            if s.unit == "ns" and s.median > 0 and not s.metric]
    return [svg.bars("Cost of one call", rows, "ns")] if rows else []


def depths(run):
    """Lines of figures whose names end in _depth_N."""
    series = {}
    for s in run.samples:
        found = re.fullmatch(r"(.+)_depth_(\d+)", s.name)
        if found and s.unit in ("us", "ns") and s.median > 0:
            scale = 1 if s.unit == "us" else 1000
            series.setdefault(found[1], []).append((int(found[2]), scale * 1e6 / s.median))
    lines = [(name, points) for name, points in series.items() if len(points) > 1]
    return [svg.lines("Operations per second against operations in flight", lines,
                      "in flight", "operations per second")] if lines else []


def waits(run):
    rows = [(s.name, [("", s.median)]) for s in run.samples
            if s.unit == "%" and s.name.endswith("_cpu") and s.median > 0]
    return [svg.bars("CPU time of a wait, one core is 100 %", rows, "%")] if rows else []


def timelines(run):
    return [svg.timeline(f"{r.get('name', 'timeline')}", r["timeline"]) for r in run.results
            if isinstance(r, dict) and r.get("timeline")]


def render(runs, others):
    body = ["<h1>libsporkle: measurements</h1>",
            "<p>Medians; ratios above 1 mean that libsporkle is the faster one. Every figure comes "
            "from output that was verified in the same run.</p>"]
    for run in runs:
        charts = (convolution(run) + cudnn.charts(run, runs) + costs(run) + depths(run)
                  + waits(run) + timelines(run))
        body.append(heading(run) + bars_table(run)
                    + "".join(f"<figure>{chart}</figure>" for chart in charts) + figure_table(run))
    if others:
        body.append("<h2>Not benchmarks</h2><p>" + escape(", ".join(others)) + "</p>")
    return ("<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>libsporkle: measurements"
            f"</title><style>{STYLE}</style></head><body>" + "\n".join(body) + "</body></html>\n")
