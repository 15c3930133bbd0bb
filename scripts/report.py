#!/usr/bin/python3
"""Turns the JSON files of all benchmarks into one page, tables and comparisons.

    scripts/report.py [--out build/report.html] [FILE|FOLDER ...]
        one self-contained HTML page; without arguments of docs/measurements/
    scripts/report.py --tables [--check]
        tables and figures of docs/performance.md; --check only says whether they are current
    scripts/report.py --compare OLD NEW
        exit code 1 when a median is more than 10 % worse beyond the spread of both, or
        missing or no longer verified in NEW; 2 when the two files cannot be compared
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True
from report_parts import compare, figures, page, samples, tables  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MEASUREMENTS = os.path.join(ROOT, "docs", "measurements")
FIGURES = os.path.join(ROOT, "docs", "figures")
PERFORMANCE = os.path.join(ROOT, "docs", "performance.md")


def fail(text):
    print(f"report.py: {text}", file=sys.stderr)
    sys.exit(2)


def read_one(path):
    try:
        return samples.read(path)
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}")
    except samples.NotABenchmark:
        fail(f"{path}: holds no results of a benchmark")


def run_compare(old_path, new_path):
    old, new = read_one(old_path), read_one(new_path)
    if (old.benchmark, old.device) != (new.benchmark, new.device):
        fail(f"{old.benchmark} on {old.device} and {new.benchmark} on {new.device} cannot be "
             "compared")
    worse, shared, gone = compare.compare(old, new, sys.stdout)
    if shared == 0 and not gone:
        fail("the two files have no figure in common")
    return 1 if worse or gone else 0


def run_tables(check):
    runs, _ = samples.find([MEASUREMENTS])
    with open(PERFORMANCE) as file:
        text = file.read()
    filled = tables.fill(text, runs)
    drawn = figures.render(runs)
    if check:
        old = ["docs/figures/" + name for name in figures.stale(FIGURES, drawn)]
        old += ["docs/performance.md"] if filled != text else []
        if old:
            print(f"not current: {', '.join(old)}; run scripts/report.py --tables")
            return 1
        print(f"docs/performance.md and {len(drawn)} figures are those of docs/measurements/")
        return 0
    with open(PERFORMANCE, "w") as file:
        file.write(filled)
    figures.write(FIGURES, drawn)
    return 0


def run_page(paths, out):
    try:
        runs, others = samples.find(paths or [MEASUREMENTS])
    except (OSError, ValueError) as error:
        fail(str(error))
    os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
    with open(out, "w") as file:
        file.write(page.render(runs, [os.path.relpath(path, ROOT) for path in others]))
    print(f"{out}: {len(runs)} runs, {sum(len(run.samples) for run in runs)} figures")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--out", default=os.path.join(ROOT, "build", "report.html"))
    parser.add_argument("--compare", nargs=2, metavar=("OLD", "NEW"))
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    if asked.compare:
        return run_compare(*asked.compare)
    if asked.tables:
        return run_tables(asked.check)
    return run_page(asked.paths, asked.out)


sys.exit(main())
