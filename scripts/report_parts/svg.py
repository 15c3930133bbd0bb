"""Charts as SVG text. No scripts, no external references."""
import math
import re
from html import escape

WIDTH = 860
# Each at least 3:1 against both backgrounds of STYLE.
COLOURS = ("#3a7bd5", "#c8641b", "#2f8f4e", "#a859b8", "#808080", "#d8434e", "#0f8b8d", "#99800f")
# Where a chart stands alone its own background makes it readable on any page.
STYLE = (".back{fill:#fff}text{fill:#222}.grid{stroke:#e4e4e4}.mark{stroke:#333}"
         "@media(prefers-color-scheme:dark){.back{fill:#0d1117}text{fill:#ddd}"
         ".grid{stroke:#2c333b}.mark{stroke:#ccc}}")


def _text(x, y, text, anchor="start", size=11):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">'
            f'{escape(str(text))}</text>')


def _line(x1, y1, x2, y2, paint='class="grid"', width=1):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {paint} '
            f'stroke-width="{width}"/>')


MARK = 'class="mark"'


def _stroke(colour):
    return f'stroke="{colour}"'


def _document(height, parts, title):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
            f'role="img" font-family="sans-serif"><title>{escape(title)}</title>\n'
            + "\n".join(parts) + "\n</svg>")


def standalone(chart, caption):
    """A chart of this module as a file of its own, with a line below it."""
    width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', chart).groups())
    head, body = chart.split("</title>\n", 1)
    head = head.replace(f'viewBox="0 0 {width:.0f} {height:.0f}"',
                        f'viewBox="-12 -8 {width + 24:.0f} {height + 34:.0f}" '
                        f'width="{width + 24:.0f}"')
    return (f'{head}</title>\n<style>{STYLE}</style>\n<rect class="back" x="-12" y="-8" '
            f'width="{width + 24:.0f}" height="{height + 34:.0f}"/>\n{body.removesuffix("</svg>")}'
            f'{_text(0, height + 14, caption)}\n</svg>\n')


def number(value):
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


class Log:
    """A logarithmic axis from `low` to `high` onto pixels."""

    def __init__(self, values, begin, end):
        positive = [v for v in values if v > 0 and math.isfinite(v)] or [1]
        self.low = min(positive) / 1.3
        self.high = max(positive) * 1.3
        self.begin, self.end = begin, end

    def __call__(self, value):
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self):
        out = []
        for exponent in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1):
            for step in (1, 2, 5):
                value = step * 10.0 ** exponent
                if self.low <= value <= self.high:
                    out.append(value)
        return out


def bars(title, rows, unit, mark=None):
    """Horizontal bars on a logarithmic axis; rows are (label, [(series, value)]).
    `mark` draws a line at that value."""
    series = list(dict.fromkeys(name for _, values in rows for name, _ in values))
    values = [value for _, group in rows for _, value in group] + ([mark] if mark else [])
    left, step = 300, 12
    axis = Log(values, left, WIDTH - 70)
    parts, y = [_text(0, 14, title, size=13)], 24
    for index, name in enumerate(series):
        if len(series) > 1:
            parts.append(f'<rect x="{10 + 230 * index}" y="{y}" width="10" height="10" '
                         f'fill="{COLOURS[index % len(COLOURS)]}"/>')
            parts.append(_text(24 + 230 * index, y + 9, name))
    y += 18
    top = y
    for label, group in rows:
        parts.append(_text(left - 6, y + step * len(group) / 2 + 4, label, "end"))
        for name, value in group:
            colour = COLOURS[series.index(name) % len(COLOURS)]
            start = axis(mark) if mark else left
            x1, x2 = sorted((start, axis(value)))
            parts.append(f'<rect x="{x1:.1f}" y="{y:.1f}" width="{max(x2 - x1, 1):.1f}" '
                         f'height="{step - 3}" fill="{colour}"/>')
            parts.append(_text(max(x2, start) + 4, y + step - 4, number(value), size=9))
            y += step
        y += 5
    for tick in axis.ticks():
        parts.insert(1, _line(axis(tick), top, axis(tick), y))
        parts.append(_text(axis(tick), y + 12, number(tick), "middle", 9))
    if mark:
        parts.append(_line(axis(mark), top, axis(mark), y, MARK))
    parts.append(_text(WIDTH - 4, y + 26, unit, "end"))
    return _document(y + 32, parts, title)


def lines(title, series, x_label, y_label):
    """Lines over logarithmic axes; series are (name, [(x, y)])."""
    height, left, bottom = 320, 60, 270
    xs = Log([x for _, points in series for x, _ in points], left, WIDTH - 190)
    ys = Log([y for _, points in series for _, y in points], bottom, 40)
    parts = [_text(0, 14, title, size=13)]
    for tick in xs.ticks():
        parts += [_line(xs(tick), 40, xs(tick), bottom),
                  _text(xs(tick), bottom + 14, number(tick), "middle", 9)]
    for tick in ys.ticks():
        parts += [_line(left, ys(tick), WIDTH - 190, ys(tick)),
                  _text(left - 4, ys(tick) + 3, number(tick), "end", 9)]
    for index, (name, points) in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{xs(x):.1f},{ys(y):.1f}" for x, y in sorted(points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{xs(x):.1f}" cy="{ys(y):.1f}" r="3" fill="{colour}"/>'
                  for x, y in points]
        parts.append(_line(WIDTH - 180, 50 + 16 * index, WIDTH - 165, 50 + 16 * index, _stroke(colour), 2))
        parts.append(_text(WIDTH - 160, 54 + 16 * index, name))
    parts += [_text(left, 32, y_label), _text(WIDTH - 190, bottom + 30, x_label, "end")]
    return _document(height, parts, title)


def roofline(title, points, peak, bandwidth):
    """Points (label, FLOP per byte, GFLOP/s, whether Winograd) and the roof of `peak` GFLOP/s
    and `bandwidth` GB/s (None: not measured)."""
    height, left, right, bottom = 360, 60, WIDTH - 20, 310
    xs = Log([x for _, x, _, _ in points], left, right)
    ys = Log([y for _, _, y, _ in points] + [peak], bottom, 40)
    parts = [_text(0, 14, title, size=13)]
    for tick in xs.ticks():
        parts += [_line(xs(tick), 40, xs(tick), bottom),
                  _text(xs(tick), bottom + 14, number(tick), "middle", 9)]
    for tick in ys.ticks():
        parts += [_line(left, ys(tick), right, ys(tick)),
                  _text(left - 4, ys(tick) + 3, number(tick), "end", 9)]
    knee = max(peak / bandwidth, xs.low) if bandwidth else xs.low
    parts.append(_line(xs(min(knee, xs.high)), ys(peak), right, ys(peak), MARK, 2))
    if bandwidth and knee > xs.low:
        parts.append(_line(left, ys(max(bandwidth * xs.low, ys.low)), xs(knee), ys(peak), MARK, 2))
    parts.append(_text(right, ys(peak) - 5, f"{number(peak)} GFLOP/s", "end"))
    for index, name in enumerate(("direct", "Winograd, counted as direct FLOP")):
        parts += [f'<circle cx="{210 + 100 * index}" cy="28" r="4" fill="{COLOURS[index]}"/>',
                  _text(218 + 100 * index, 32, name)]
    for label, x, y, winograd in points:
        parts.append(f'<circle cx="{xs(x):.1f}" cy="{ys(y):.1f}" r="4" fill="{COLOURS[winograd]}" '
                     f'fill-opacity="0.7"><title>{escape(label)}: {number(y)} GFLOP/s</title>'
                     '</circle>')
    parts += [_text(left, 32, "GFLOP/s"), _text(right, bottom + 30, "FLOP per byte", "end")]
    return _document(height, parts, title)


def timeline(title, events):
    """Boxes over time; events have lane, stage, begin_us, end_us."""
    lanes = list(dict.fromkeys(event["lane"] for event in events))
    stages = list(dict.fromkeys(event["stage"] for event in events))
    first = min(event["begin_us"] for event in events)
    last = max(event["end_us"] for event in events)
    left, step, top = 110, 22, 44
    scale = (WIDTH - left - 20) / max(last - first, 1e-9)
    parts = [_text(0, 14, title, size=13)]
    for index, stage in enumerate(stages):
        parts.append(f'<rect x="{10 + 150 * index}" y="22" width="10" height="10" '
                     f'fill="{COLOURS[index % len(COLOURS)]}"/>')
        parts.append(_text(24 + 150 * index, 31, stage))
    for index, lane in enumerate(lanes):
        parts.append(_text(left - 6, top + step * index + 14, lane, "end"))
    for event in events:
        x = left + (event["begin_us"] - first) * scale
        width = max((event["end_us"] - event["begin_us"]) * scale, 0.5)
        parts.append(f'<rect x="{x:.1f}" y="{top + step * lanes.index(event["lane"])}" '
                     f'width="{width:.1f}" height="{step - 4}" '
                     f'fill="{COLOURS[stages.index(event["stage"]) % len(COLOURS)]}" '
                     'fill-opacity="0.8"/>')
    bottom = top + step * len(lanes)
    parts.append(_text(WIDTH - 20, bottom + 14, f"{number(last - first)} us", "end"))
    return _document(bottom + 20, parts, title)
