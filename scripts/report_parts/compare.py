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


def label(sample):
    where = f"{sample.threads} threads, batch {sample.batch}" if sample.threads else ""
    return " ".join(part for part in (sample.name, sample.metric, where) if part)


def compare(old_run, new_run, out):
    """Prints what changed. Returns how many medians are worse, compared and gone."""
    old = {sample.key(): sample for sample in old_run.samples}
    worse = shared = 0
    gone = dict(old)
    for sample in new_run.samples:
        before = old.get(sample.key())
        if before is None or before.unit != sample.unit:
            continue
        gone.pop(sample.key(), None)
        shared += 1
        if is_worse(before, sample):
            worse += 1
            print(f"worse: {label(sample)}: {before.median:.4g} "
                  f"({before.low:.4g}..{before.high:.4g}) -> {sample.median:.4g} "
                  f"({sample.low:.4g}..{sample.high:.4g}) {sample.unit}, "
                  f"{change(before, sample):+.0f} %", file=out)
    for sample in gone.values():
        print(f"gone: {label(sample)}: not in the new run, or not verified there", file=out)
    print(f"{shared} figures compared, {worse} worse by more than 10 % beyond the spread, "
          f"{len(gone)} of the old ones gone", file=out)
    return worse, shared, len(gone)
