"""Pairs OpenGL kernel times with cuDNN's of the same run of the machine."""
import math


def is_kernels(run):
    return run.benchmark == "gl_kernels"


def peers(run, runs):
    """Times of cuDNN by problem, from files of the same folder and card."""
    out = {}
    for other in runs:
        if other.benchmark != "cudnn_conv" or other.folder != run.folder:
            continue
        if not run.device.startswith(other.device):
            continue
        for result in other.results:
            out[result.get("problem") or result.get("name")] = result
    return out


def ratios(run, runs):
    """[(problem, our us, their us, result)] of problems that both have."""
    theirs = peers(run, runs)
    rows = []
    for result in run.results:
        name = result.get("problem") or result.get("name")
        if name in theirs and result.get("us") and theirs[name].get("us"):
            rows.append((name, result["us"], theirs[name]["us"], result))
    return rows


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")
