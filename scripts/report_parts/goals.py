"""What figures are held against whose programs write no bar."""
import re


def _median(run, name):
    for result in run.results:
        if isinstance(result, dict) and result.get("name") == name:
            return result.get("median")
    return None


def _update_goal(run):
    """Within 20 ns of a memcpy and a quarter of map, write, unmap."""
    memcpy, mapped = (_median(run, f"update4k/{name}")
                      for name in ("memcpy to ordinary memory", "map+write+unmap"))
    if memcpy is None or mapped is None:
        return None
    return "at_most", min(memcpy + 20, mapped / 4)


def _busy_goal(run, workload, figure):
    """Where the kernel alone takes about 25 us, or about 1 ms and more, and is the slowest
    stage."""
    alone = _median(run, f"{workload}/resident, dependent stream")
    depth = re.search(r"depth (\d+)", figure)
    if alone is None or not depth:
        return None
    host = [_median(run, f"{workload}/stage {stage}, {depth[1]} slots") for stage in ("fill", "read")]
    if alone < max(time or 0 for time in host):
        return None
    if alone >= 850:
        return "at_least", 99
    return ("at_least", 90) if 20 <= alone <= 30 else None


FIXED = {
    "update4k/update and submit": ("at_most", 2),
    "headline/resident rate": ("at_least", 3630),
    "headline/sync - sum of stages": ("at_most", 20),
    "small/naive/sync": ("at_least", 3),
    "small/naive/fastest pipeline": ("at_least", 6.5),
    # The same kernel on both sides: what fences and mapped memory gain by themselves.
    "small/naive with the library's kernel/fastest pipeline": ("at_least", 3),
}
EVERY_WORKLOAD = {
    "copied by the CPU per operation": ("at_most", 0),
    "map calls per operation": ("at_most", 0),
    "moved by CPU and link, fewer than staging": ("at_least", 50),
}


def _buffers(run, result):
    """The kind of bar and its value, or None."""
    name = result["name"]
    workload, _, figure = name.partition("/")
    if name in FIXED:
        return FIXED[name]
    if name in ("update4k/in place", "update4k/in place and flush"):
        return _update_goal(run)
    if workload == "headline" and figure.endswith("two threads/slowest stage"):
        return "at_most", 1.15
    if figure.endswith("two threads, busy by compute"):
        return _busy_goal(run, workload, figure)
    return EVERY_WORKLOAD.get(figure)


RULES = {"buffers": _buffers}


def held(run, result):
    """The bar of a figure, its value, and whether it is met; None where there is none."""
    if result.get("bar"):
        return result["bar"], result["bar_value"], result.get("met")
    rule = RULES.get(run.benchmark)
    bar = rule(run, result) if rule and "median" in result else None
    if bar is None:
        return None
    kind, value = bar
    median = result["median"]
    return kind, value, median <= value if kind == "at_most" else median >= value
