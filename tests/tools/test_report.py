"""scripts/report.py: comparisons, the page, tables and figures.

    test_report.py SOURCE_DIR
"""
import copy
import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = sys.argv[1]
REPORT = os.path.join(ROOT, "scripts", "report.py")
failures = 0
checks = 0

FENCES = {"benchmark": "bench_fences", "device": "a <card>", "software": False, "results": [
    {"name": "poll", "unit": "ns", "median": 5.0, "p10": 4.9, "p90": 5.1, "bar": "at_most",
     "bar_value": 10, "met": True},
    {"name": "rate", "unit": "1/s", "median": 100.0, "p10": 98.0, "p90": 102.0, "bar": "at_least",
     "bar_value": 90, "met": True},
    {"name": "tiny_depth_1", "unit": "us", "median": 20.0}, {"name": "tiny_depth_8", "unit": "us",
                                                             "median": 4.0},
    {"name": "unseen", "unit": "us", "median": 1.0, "verified": False},
    {"name": "wait_4ms_cpu", "unit": "%", "median": 4.0},
    {"name": "pipeline", "timeline": [
        {"lane": "slot 0", "stage": "fill", "begin_us": 0, "end_us": 4},
        {"lane": "slot 1", "stage": "compute", "begin_us": 2, "end_us": 9}]}]}
CONTESTANT = {"algorithm": "x", "work": 1e9, "ms_median": 10.0,
              "rounds_ns": [9.9e6, 10e6, 10.1e6, 10e6]}
CONV = {"benchmark": "bench_conv2d", "device": "a CPU", "software": False, "results": [
    {"name": 'mb1ic64oc64ih56kh3ph1n"a <layer>"', "threads": 1, "batch": 1, "flops": 1e9,
     "ratio_direct": 1.25, "ratio_winograd": 0.8, "sporkle": CONTESTANT,
     "peak": dict(CONTESTANT, ms_median=8.0), "memory_read": dict(CONTESTANT, work=1e8)}]}


def check(condition, message):
    global failures, checks
    checks += 1
    if not condition:
        failures += 1
        print(f"FAILED: {message}")


def run(*arguments):
    return subprocess.run(["/usr/bin/env", "-S", sys.executable, "-B", REPORT, *arguments],
                          capture_output=True, text=True)


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        json.dump(data, file)
    return path


def changed(data, **values):
    """A copy of FENCES with the first two results changed."""
    out = copy.deepcopy(data)
    for index, key in ((0, "poll"), (1, "rate")):
        out["results"][index].update(values.get(key, {}))
    return out


def test_compare(folder):
    old = write(folder, "old.json", FENCES)
    cases = [
        ("the same", {}, 0),
        ("a lower time", {"poll": {"median": 3.0, "p10": 2.9, "p90": 3.1}}, 0),
        ("9 % more time", {"poll": {"median": 5.45, "p10": 5.4, "p90": 5.5}}, 0),
        ("20 % more time", {"poll": {"median": 6.0, "p10": 5.9, "p90": 6.1}}, 1),
        ("20 % more time within the spread", {"poll": {"median": 6.0, "p10": 5.0, "p90": 9.0}}, 0),
        ("20 % less rate", {"rate": {"median": 80.0, "p10": 79.0, "p90": 81.0}}, 1),
        ("20 % more rate", {"rate": {"median": 120.0, "p10": 119.0, "p90": 121.0}}, 0),
    ]
    for what, change, code in cases:
        new = write(folder, "new.json", changed(FENCES, **change))
        result = run("--compare", old, new)
        check(result.returncode == code, f"{what}: exit code {result.returncode}, not {code}")
        check(("worse: " in result.stdout) == (code == 1), f"{what}: {result.stdout}")
    slower = copy.deepcopy(CONV)
    slower["results"][0]["sporkle"]["rounds_ns"] = [15e6, 15.1e6, 14.9e6, 15e6]
    result = run("--compare", write(folder, "c1.json", CONV), write(folder, "c2.json", slower))
    check(result.returncode == 1 and "sporkle" in result.stdout, "slower rounds are seen")
    refused = copy.deepcopy(CONV)
    refused["results"][0]["sporkle"].update(verified=False, refused="error 1e-3")
    unseen = changed(FENCES, poll={"verified": False})
    fewer = dict(FENCES, results=FENCES["results"][1:])
    none = dict(FENCES, results=[])
    for before, after, name in ((CONV, refused, "sporkle"), (FENCES, unseen, "poll"),
                                (FENCES, fewer, "poll"), (FENCES, none, "rate")):
        result = run("--compare", write(folder, "g1.json", before), write(folder, "g2.json", after))
        check(result.returncode == 1 and "gone: " in result.stdout and name in result.stdout,
              f"a figure that is gone, {name}: {result.returncode} {result.stdout}")
    other = dict(FENCES, device="another card")
    result = run("--compare", old, write(folder, "other.json", other))
    check(result.returncode == 2 and "cannot be" in result.stderr, "other devices are refused")
    broken = os.path.join(folder, "broken.txt")
    with open(broken, "w") as file:
        file.write("{")
    for path in (broken, os.path.join(folder, "none.json"), write(folder, "no.json", {"a": 1})):
        result = run("--compare", old, path)
        check(result.returncode == 2 and "Traceback" not in result.stderr, f"{path} is refused")


class Links(html.parser.HTMLParser):
    """Collects what would be loaded from elsewhere, and open tags."""

    def __init__(self):
        super().__init__()
        self.external, self.scripts = [], 0

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        self.external += [value for key, value in attributes if key in ("src", "href")]


def test_page(folder):
    write(folder, "fences.json", FENCES)
    write(folder, "conv.json", CONV)
    write(folder, "driver.json", dict(FENCES, software=True))
    out = os.path.join(folder, "page.html")
    result = run("--out", out, *(os.path.join(folder, name) for name in
                                 ("fences.json", "conv.json", "driver.json")))
    check(result.returncode == 0, result.stderr)
    with open(out) as file:
        text = file.read()
    links = Links()
    links.feed(text)
    check(not links.external and not links.scripts, "the page loads nothing")
    charts = re.findall(r"<svg.*?</svg>", text, re.S)
    for chart in charts:
        xml.etree.ElementTree.fromstring(chart)
    for title in ("Cost of one call", "Operations per second", "CPU time of all threads", "Roofline",
                  "Times as fast as the peer", "pipeline"):
        check(any(f"<title>{title}" in chart for chart in charts), f"a chart {title}")
    check("unseen" not in text, "what was not verified is on no page")
    check("a &lt;card&gt;" in text and "a <card>" not in text, "names are escaped")
    check(text.count("not a hardware figure") == 1, "software drivers are named")
    return len(charts)


def test_tables():
    result = run("--tables", "--check")
    check(result.returncode == 0, result.stdout + result.stderr)
    sys.path.insert(0, os.path.join(ROOT, "scripts"))
    sys.dont_write_bytecode = True
    from report_parts import samples, tables
    with tempfile.TemporaryDirectory(suffix="-card") as folder:
        for name, data in (("f.json", FENCES), ("s.json", dict(FENCES, device="llvmpipe",
                                                               software=True)), ("c.json", CONV)):
            write(folder, name, data)
        runs, _ = samples.find([folder])
    page = "a\n<!-- fences: begin -->\nold\n<!-- fences: end -->\n<!-- cpu: begin -->\n<!-- cpu: end -->\n"
    filled = tables.fill(page, runs)
    check("old" not in filled and "| poll | 5 |" in filled and "at most 10" in filled, filled)
    disturbed = copy.deepcopy(CONV)
    disturbed["results"] = [copy.deepcopy(CONV["results"][0]) for _ in range(3)]
    disturbed["results"][1]["peak"]["rounds_ns"] = [20e6] * 4  # half the peak of the others
    share = tables.peak_shares(disturbed["results"])
    check("99 % of the peak (geometric mean), lowest 99 %" in share and "101 GFLOP/s" in share, share)
    check("llvmpipe" not in filled, "software drivers are in no table")
    check("| 1.25 | 100 |" in filled, "the ratio and the rate of a problem")
    check("unseen" not in filled, "what was not verified is in no table")
    check(tables.fill(filled, runs) == filled, "filling twice changes nothing")


def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_goals():
    sys.path.insert(0, os.path.join(ROOT, "scripts"))
    from report_parts import samples, tables
    def row(name, median, unit="us"):
        return {"name": name, "unit": unit, "median": median, "p10": median, "p90": median, "n": 3}
    busy = "pipeline depth 8, two threads, busy by compute"
    results = [row("update4k/memcpy to ordinary memory", 30, "ns"), row("update4k/in place", 40, "ns"),
               row("update4k/map+write+unmap", 100, "ns"), row("headline/resident rate", 4000),
               row("headline/stage read, 8 slots", 900)]
    for workload, alone, read in (("a", 25, 10), ("b", 25, 30), ("c", 1000, 10), ("d", 300, 10)):
        results += [row(f"{workload}/resident, dependent stream", alone), row(f"{workload}/{busy}", 95),
                    row(f"{workload}/stage read, 8 slots", read)]
    with tempfile.TemporaryDirectory(prefix="2026-01-02-", suffix="-card") as folder:
        write(folder, "b.json", {"benchmark": "buffers", "device": "a card", "driver": "d",
                                 "software": False, "results": results})
        runs, _ = samples.find([folder])
    text = tables.fill("<!-- buffers: begin -->\n<!-- buffers: end -->\n", runs)
    for expected in ("| update4k/in place | 40 | 40..40 | ns | at most 25 | no |",
                     "| headline/resident rate | 4,000 | 4,000..4,000 | us | at least 3,630 | yes |",
                     f"| a/{busy} | 95 | 95..95 | us | at least 90 | yes |",
                     f"| c/{busy} | 95 | 95..95 | us | at least 99 | no |"):
        check(expected in text, f"{expected} in {text}")
    for without_goal in ("b", "d"):
        check(f"| {without_goal}/{busy}" not in text, f"{without_goal}/{busy} in {text}")


def test_figures():
    sys.path.insert(0, os.path.join(ROOT, "scripts"))
    from report_parts import figures, samples, svg, tables
    for colour in svg.COLOURS:
        for back in ("#ffffff", "#0d1117"):
            check(contrast(colour, back) >= 3, f"{colour} on {back}: {contrast(colour, back):.2f}")
    with tempfile.TemporaryDirectory(prefix="2026-01-02-", suffix="-card") as folder:
        write(folder, "f.json", FENCES)
        write(folder, "c.json", CONV)
        write(folder, "s.json", dict(FENCES, device="llvmpipe", software=True))
        runs, _ = samples.find([folder])
    drawn = figures.render(runs)
    kinds = sorted(name.split("-")[0] for name in drawn)
    check(kinds == ["cpu_ratio_1t_batch_1", "cpu_roofline_1t_batch_1", "fence_rate", "wait_cpu"],
          f"figures {kinds}")
    for name, text in drawn.items():
        xml.etree.ElementTree.fromstring(text)
        check(len(text) < 40960 and "href" not in text, f"{name} is small and loads nothing")
        check("2026-01-02" in text and ("a CPU" in text or "a &lt;card&gt;" in text),
              f"{name} names its machine and day")
        check("unseen" not in text, f"{name} shows only what was verified")
    page = "".join(f"<!-- {m}: begin -->\n<!-- {m}: end -->\n" for m in figures.SECTIONS)
    links = re.findall(r"\(figures/(.*?)\)", tables.fill(page, runs))
    check(sorted(links) == sorted(drawn), f"links {links}")
    with tempfile.TemporaryDirectory() as folder:
        check(figures.stale(folder, drawn) == sorted(drawn), "files that are missing are found")
        figures.write(folder, drawn)
        check(figures.stale(folder, drawn) == [], "files that were written are current")
        for name, text in (("fence_rate" + next(iter(drawn))[-4:], "old"), (links[0], "changed")):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
            check(figures.stale(folder, drawn) == [name], f"{name} is found")
            figures.write(folder, drawn)
        check(sorted(os.listdir(folder)) == sorted(drawn), "what is no figure any more goes")


def main():
    with tempfile.TemporaryDirectory() as folder:
        test_compare(folder)
    with tempfile.TemporaryDirectory() as folder:
        charts = test_page(folder)
    test_tables()
    test_goals()
    test_figures()
    print(f"report.py: {checks} checks, {failures} failed; a page with {charts} charts is well formed")
    return 1 if failures else 0


sys.exit(main())
