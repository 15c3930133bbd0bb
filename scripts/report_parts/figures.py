"""The figures of docs/performance.md: one SVG file per chart in docs/figures/."""
import os
import re

from . import charts, samples

# Marker in docs/performance.md: benchmark, charts, what the picture shows.
SECTIONS = {
    "cpu_figures": ("bench_conv2d", lambda run, runs: charts.conv_ratios(run)
                    + charts.rooflines(run)),
    "gl_figures": ("gl_kernels", charts.cudnn_ratios),
    "fence_figures": ("bench_fences", lambda run, runs: charts.depths(run) + charts.waits(run)),
}


def title(chart):
    return re.search("<title>(.*?)</title>", chart)[1]


def section(marker, runs):
    """[(file name, run, chart)]; of several runs in a folder the first by name, which has the
    benchmark's own."""
    benchmark, make = SECTIONS[marker]
    found = {}
    for run in samples.newest(runs, benchmark):
        for name, chart in make(run, runs):
            file = f"{name}-{run.folder[11:]}.svg"
            found.setdefault(file, (file, run, chart))
    return list(found.values())


def links(marker):
    def make(runs):
        return "\n\n".join(f"![{title(chart)}, {run.device}](figures/{name})"
                           for name, run, chart in section(marker, runs))
    return make


LINKS = {marker: links(marker) for marker in SECTIONS}


def render(runs):
    """{file name: text}"""
    files = {}
    for marker in SECTIONS:
        for name, run, chart in section(marker, runs):
            if name in files:
                raise SystemExit(f"report.py: two figures are called {name}")
            caption = (f"{run.device}, {run.folder[:10]}; "
                       f"measurements/{run.folder}/{os.path.basename(run.path)}")
            files[name] = charts.svg.standalone(chart, caption)
    return files


def stale(folder, files):
    """Names of files that are missing, old or too many."""
    there = {}
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name)) as file:
            there[name] = file.read()
    return sorted(name for name in there.keys() | files.keys()
                  if there.get(name) != files.get(name))


def write(folder, files):
    os.makedirs(folder, exist_ok=True)
    for name in stale(folder, files):
        path = os.path.join(folder, name)
        if name not in files:
            os.remove(path)
            continue
        with open(path, "w") as file:
            file.write(files[name])
