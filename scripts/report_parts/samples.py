"""Reads the JSON files of all benchmarks into one form."""
import json
import os
import statistics
from dataclasses import dataclass, field

LOWER_UNITS = {"ns", "us", "ms", "s", "bytes", "B", "dwords"}
# Keys of a result that hold a median time, with the keys of its spread.
TIMES = (("us_median", "us_min", "us_max", "us"), ("us", "us_fastest", "us_slowest", "us"))


@dataclass
class Sample:
    """One figure: a median with its spread."""
    benchmark: str
    name: str      # of the result, for example a problem or an operation
    metric: str    # which figure of the result; empty when there is one
    unit: str
    median: float
    low: float
    high: float
    lower_is_better: bool
    threads: int = 0
    batch: int = 0

    def key(self):
        return (self.benchmark, self.name, self.metric, self.threads, self.batch)


@dataclass
class Run:
    """One JSON file."""
    path: str
    benchmark: str
    device: str
    software: bool  # computed by the CPU on behalf of a GPU interface
    data: dict
    samples: list = field(default_factory=list)

    @property
    def folder(self):
        return os.path.basename(os.path.dirname(os.path.abspath(self.path)))

    @property
    def results(self):
        return self.data["results"]


class NotABenchmark(Exception):
    """The file holds something else."""


def name_of(result):
    return str(result.get("name") or result.get("problem") or "")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def generic(run, result):
    unit = result.get("unit", "")
    lower = {"at_most": True, "at_least": False}.get(result.get("bar"), unit in LOWER_UNITS)
    median = result["median"]
    return Sample(run.benchmark, name_of(result), "", unit, median,
                  result.get("p10", median), result.get("p90", median), lower)


def timed(run, result):
    for median, low, high, unit in TIMES:
        if is_number(result.get(median)):
            return [Sample(run.benchmark, name_of(result), result.get("chosen", "") and "chosen",
                           unit, result[median], result.get(low, result[median]),
                           result.get(high, result[median]), True)]
    return []


def contestants(run, result):
    """Objects within a result that carry rounds, as bench_conv2d writes them."""
    out = []
    for metric, value in result.items():
        if not isinstance(value, dict) or not is_number(value.get("ms_median")):
            continue
        if "refused" in value:
            continue
        rounds = sorted(ns * 1e-6 for ns in value.get("rounds_ns", [])) or [value["ms_median"]]
        quarter = len(rounds) // 4
        out.append(Sample(run.benchmark, name_of(result), metric, "ms", statistics.median(rounds),
                          rounds[quarter], rounds[-1 - quarter], True,
                          result.get("threads", 0), result.get("batch", 0)))
    return out


def read(path):
    with open(path) as file:
        data = json.load(file)
    if not isinstance(data, dict) or not isinstance(data.get("results"), list):
        raise NotABenchmark(path)
    benchmark = data.get("benchmark") or os.path.splitext(os.path.basename(path))[0]
    run = Run(path, benchmark, data.get("device") or data.get("cpu") or "unknown device",
              data.get("software") is True or data.get("software_driver") is True, data)
    for result in data["results"]:
        if not isinstance(result, dict) or result.get("verified") is False:
            continue
        if is_number(result.get("median")):
            run.samples.append(generic(run, result))
        else:
            run.samples += timed(run, result) + contestants(run, result)
    return run


def find(paths):
    """All runs of files and folders, and the paths of what is no benchmark."""
    files = []
    for path in paths:
        if os.path.isdir(path):
            for folder, _, names in sorted(os.walk(path)):
                files += [os.path.join(folder, n) for n in sorted(names) if n.endswith(".json")]
        else:
            files.append(path)
    runs, others = [], []
    for path in files:
        try:
            runs.append(read(path))
        except NotABenchmark:
            others.append(path)
    return runs, others


def newest(runs, benchmark):
    """The runs of a benchmark on hardware from its newest day, one per device."""
    found = [run for run in runs if run.benchmark == benchmark and not run.software]
    days = sorted({run.folder[:10] for run in found})
    return [run for run in found if run.folder[:10] == days[-1]]
