"""A histogram of probabilities as inline SVG, without a plotting library."""

from collections.abc import Sequence

from markupsafe import Markup

from leukoscope.core.wording import agree
from leukoscope.core.wording import count as counted

BINS = 20
WIDTH, HEIGHT = 640, 196
LEFT, RIGHT, TOP, BOTTOM = 40, 20, 22, 40


def histogram(
    values: Sequence[float], threshold: float, uncertain: tuple[float, float] | None = None
) -> Markup:
    """Draw the distribution of the probability of ALL, with the threshold.

    Args:
        values: Probabilities from 0 to 1.
        threshold: Probability from which a cell is predicted to be a blast.
        uncertain: Range of probabilities in which the model abstains.
    """
    counts = count(values)
    most = max(counts) or 1
    drawn = [_bar(place, number, most) for place, number in enumerate(counts) if number]
    above = sum(value >= threshold for value in values)
    alt = (
        f"Histogram of the probability of ALL: {above} of {counted(len(values), 'cell')} "
        f"{agree(above, 'is')} at or above "
        f"the threshold {threshold:.4f}."
    )
    return Markup(
        '<figure><svg class="histogram" viewBox="0 0 {w} {h}" role="img" aria-label="{alt}" '
        'font-size="12" fill="currentColor">{zone}{bars}{axis}{mark}</svg>'
        "<figcaption>Number of cells by calibrated probability of ALL. Dashed line: threshold, "
        "{threshold:.4f}{shaded}.</figcaption></figure>"
    ).format(
        w=WIDTH,
        h=HEIGHT,
        alt=alt,
        zone=_zone(*uncertain) if uncertain else "",
        shaded="; shaded: cells in this range are uncertain" if uncertain else "",
        bars=Markup("").join(drawn),
        axis=_axis(most),
        mark=_mark(threshold),
        threshold=threshold,
    )


def count(values: Sequence[float]) -> list[int]:
    """Count the values in each of `BINS` equal bins of [0, 1]; 1 belongs to the last."""
    counts = [0] * BINS
    for value in values:
        counts[min(int(value * BINS), BINS - 1)] += 1
    return counts


def _x(value: float) -> float:
    return LEFT + value * (WIDTH - LEFT - RIGHT)


def _y(fraction: float) -> float:
    return HEIGHT - BOTTOM - fraction * (HEIGHT - TOP - BOTTOM)


def _bar(place: int, number: int, most: int) -> Markup:
    left, right = _x(place / BINS) + 1, _x((place + 1) / BINS) - 1
    top = _y(number / most)
    return Markup(
        '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="#0072b2">'
        "<title>{}</title></rect>"
    ).format(left, top, right - left, _y(0) - top, number)


def _zone(low: float, high: float) -> Markup:
    return Markup(
        '<rect class="zone" x="{:.1f}" y="{}" width="{:.1f}" height="{:.1f}" fill="#e69f00" '
        'fill-opacity="0.18"/>'
    ).format(_x(low), TOP, _x(high) - _x(low), _y(0) - TOP)


def _axis(most: int) -> Markup:
    ticks = [(value / 4, f"{value / 4:.2f}") for value in range(5)]
    labels = Markup("").join(
        Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            _x(value), HEIGHT - BOTTOM + 16, text
        )
        for value, text in ticks
    )
    return Markup(
        '<line x1="{l:.1f}" y1="{b}" x2="{r:.1f}" y2="{b}" stroke="currentColor"/>{labels}'
        '<text x="{c}" y="{b}" text-anchor="end">0</text>'
        '<text x="{c}" y="{t}" text-anchor="end">{most}</text>'
        '<text x="{m:.1f}" y="{h}" text-anchor="middle">probability of ALL</text>'
    ).format(
        l=_x(0),
        r=_x(1),
        b=_y(0),
        labels=labels,
        c=LEFT - 6,
        t=_y(1) + 4,
        most=most,
        m=_x(0.5),
        h=HEIGHT - 6,
    )


def _mark(threshold: float) -> Markup:
    anchor = "start" if threshold < 0.7 else "end"
    return Markup(
        '<line class="threshold" x1="{x:.1f}" y1="{t}" x2="{x:.1f}" y2="{b}" stroke="#d55e00" '
        'stroke-width="2" stroke-dasharray="5 4"/><text x="{x:.1f}" y="12" '
        'text-anchor="{a}">threshold {v:.4f}</text>'
    ).format(x=_x(threshold), t=16, b=_y(0), a=anchor, v=threshold)
