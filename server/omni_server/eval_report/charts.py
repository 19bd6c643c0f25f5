"""Charts as inline SVG; their colours are those of the page, light or dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

LABEL_W, PLOT_W, ROW_H, AXIS_H = 170, 300, 24, 22
VALUE_W = 130
COLOURS = ("c1", "c2", "c3", "c4", "c5")
"""Classes of the parts of a bar, in order."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of an interval chart."""

    label: str
    value: float
    low: float
    high: float
    note: str = ""
    """Shown at the right; the figure and its interval when empty."""


def intervals(title: str, rows: Sequence[Figure], *, low: float = 0.0, high: float = 1.0) -> str:
    """A dot with its interval for each row, on an axis from `low` to `high`; "" without rows."""
    if not rows:
        return ""

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return LABEL_W + share * PLOT_W

    height = len(rows) * ROW_H + AXIS_H
    parts = [_grid(x(tick), height - AXIS_H, f"{tick:g}", tick == 0) for tick in _ticks(low, high)]
    for number, row in enumerate(rows):
        y = number * ROW_H + ROW_H / 2
        note = row.note or f"{row.value:.2f} [{row.low:.2f}, {row.high:.2f}]"
        parts.append(
            f'<text class="name" x="{LABEL_W - 10}" y="{y + 4}">{escape(row.label)}</text>'
            f'<line class="whisker" x1="{x(row.low):.1f}" x2="{x(row.high):.1f}" '
            f'y1="{y}" y2="{y}"/>'
            f'<circle class="dot" cx="{x(row.value):.1f}" cy="{y}" r="4.5"/>'
            f'<text class="note" x="{LABEL_W + PLOT_W + 12}" y="{y + 4}">{escape(note)}</text>'
        )
    return _svg(title, "".join(parts), height)


def shares(title: str, rows: Mapping[str, Mapping[str, float]]) -> str:
    """A bar of length 1 for each row, divided into its named shares, with a legend."""
    names = sorted({name for found in rows.values() for name in found})
    if not names:
        return ""
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    height = len(rows) * ROW_H + 4
    parts = []
    for number, (label, found) in enumerate(rows.items()):
        y, at = number * ROW_H + 4, float(LABEL_W)
        parts.append(f'<text class="name" x="{LABEL_W - 10}" y="{y + 12}">{escape(label)}</text>')
        for name in names:
            width = found.get(name, 0.0) * (PLOT_W + VALUE_W)
            if width:
                parts.append(
                    f'<rect class="{colours[name]}" x="{at:.1f}" y="{y}" width="{width:.1f}" '
                    f'height="{ROW_H - 8}"><title>{escape(name)} {found[name]:.0%}</title></rect>'
                )
            at += width
    legend = "".join(
        f'<span><i class="{colours[n]}"></i>{escape(n.replace("_", " "))}</span>' for n in names
    )
    return f'{_svg(title, "".join(parts), height)}<p class="legend">{legend}</p>'


def _grid(x: float, height: float, label: str, strong: bool) -> str:
    kind = "zero" if strong else "grid"
    return (
        f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}"/>'
        f'<text class="tick" x="{x:.1f}" y="{height + 16}">{label}</text>'
    )


def _ticks(low: float, high: float) -> list[float]:
    """Five places, so that 0 is one where it is the middle or an end."""
    return [round(low + (high - low) * i / 4, 4) for i in range(5)]


def _svg(title: str, inside: str, height: float) -> str:
    width = LABEL_W + PLOT_W + VALUE_W
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg role="img" '
        f'aria-label="{escape(title, quote=True)}" viewBox="0 0 {width} {height:g}" '
        f'width="{width}">{inside}</svg></figure>'
    )
