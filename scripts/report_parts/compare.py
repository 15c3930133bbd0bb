"""Says which medians of a run are worse than those of an older one."""

THRESHOLD = 0.10


def is_worse(old, new):
    """More than 10 % worse, and beyond what both runs spread by themselves."""
    if old.median == 0:
        return False
    if new.lower_is_better:
        return new.median > old.median * (1 + THRESHOLD) and new.low > old.high
    return new.median < old.median * (1 - THRESHOLD) and new.high < old.low


def change(old, new):
    return (new.median / old.median - 1) * 100 if old.median else float("nan")


def compare(old_run, new_run, out):
    """Prints what changed. Returns the number of medians that are worse."""
    old = {sample.key(): sample for sample in old_run.samples}
    worse = shared = 0
    for sample in new_run.samples:
        before = old.get(sample.key())
        if before is None or before.unit != sample.unit:
            continue
        shared += 1
        if is_worse(before, sample):
            worse += 1
            where = f"{sample.threads} threads, batch {sample.batch}" if sample.threads else ""
            print(f"worse: {sample.name} {sample.metric} {where}: {before.median:.4g} "
                  f"({before.low:.4g}..{before.high:.4g}) -> {sample.median:.4g} "
                  f"({sample.low:.4g}..{sample.high:.4g}) {sample.unit}, "
                  f"{change(before, sample):+.0f} %", file=out)
    missing = len(old) - shared
    print(f"{shared} figures compared, {worse} worse by more than 10 % beyond the spread, "
          f"{missing} of the old ones not in the new run", file=out)
    return worse, shared
