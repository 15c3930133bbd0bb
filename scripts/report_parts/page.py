"""One self-contained HTML page over all runs."""
from html import escape

from . import charts, goals, svg

STYLE = """body{font:15px/1.5 sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;font-size:13px}td,th{border:1px solid #ccc;padding:2px 8px;text-align:left}
td.n{text-align:right}h2{margin-top:2em;border-bottom:1px solid #ccc}svg{width:100%;height:auto}
.note{color:#8a4b00}details{margin:.5em 0}.grid{stroke:#e4e4e4}.mark{stroke:#333}"""


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
    rows = [(r, *bar) for r in run.results if isinstance(r, dict) and (bar := goals.held(run, r))]
    if not rows:
        return ""
    sign = {"at_most": "&le;", "at_least": "&ge;"}
    lines = "".join(
        f"<tr><td>{escape(str(r['name']))}</td><td class=n>{svg.number(r['median'])} "
        f"{escape(r.get('unit', ''))}</td><td>{sign[kind]} {svg.number(value)}</td>"
        f"<td>{'yes' if met else 'no'}</td></tr>" for r, kind, value, met in rows)
    return f"<table><tr><th>figure</th><th>median</th><th>goal</th><th>met</th></tr>{lines}</table>"


def render(runs, others):
    body = ["<h1>libsporkle: measurements</h1>",
            "<p>Medians; ratios above 1 mean that libsporkle is the faster one. Every figure comes "
            "from output that was verified in the same run.</p>"]
    for run in runs:
        figures = charts.of_run(run, runs)
        body.append(heading(run) + bars_table(run)
                    + "".join(f"<figure>{chart}</figure>" for _, chart in figures) + figure_table(run))
    if others:
        body.append("<h2>Not benchmarks</h2><p>" + escape(", ".join(others)) + "</p>")
    return ("<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>libsporkle: measurements"
            f"</title><style>{STYLE}</style></head><body>" + "\n".join(body) + "</body></html>\n")
