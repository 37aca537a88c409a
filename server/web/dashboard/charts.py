"""Charts as SVG, drawn here: bars by day, one colour a series, with the figures readable by those who do not
see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from server.web.languages.formats import number as number_text
from server.web.languages.formats import percent
from server.web.languages.viewer import _

WIDTH, HEIGHT, BOTTOM, LEFT = 720, 200, 22, 44


def bars(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], unit: str = "") -> Markup:
    """Stacked bars, one for each label; a table for whoever cannot see them follows in `title` and each bar's
    own title."""
    totals = [sum(values) for values in zip(*series.values(), strict=True)] if labels else []
    top = _round_up(max(totals, default=0))
    step = (WIDTH - LEFT) / max(1, len(labels))
    wide = max(1.0, min(step * 0.7, 48))
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT + BOTTOM}" role="img" '
        f'aria-label="{escape(_told(title, labels, series, unit))}">'
    ]
    for share in (0, 0.5, 1):
        y = HEIGHT - share * (HEIGHT - 10)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(top * share)}</text>')
    every = max(1, round(len(labels) / 8))
    for number, label in enumerate(labels):
        x, y = LEFT + number * step + (step - wide) / 2, float(HEIGHT)
        said = ", ".join(f"{_short(values[number])} {name}" for name, values in series.items())
        parts.append(f"<g><title>{escape(label)}: {escape(said)}{escape(unit)}</title>")
        for index, values in enumerate(series.values()):
            tall = values[number] / top * (HEIGHT - 10) if top else 0
            y -= tall
            parts.append(
                f'<rect class="s{index}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}"/>'
            )
        parts.append(
            f'<rect class="over" x="{LEFT + number * step:.1f}" y="0" width="{step:.1f}" '
            f'height="{HEIGHT}"/></g>'
        )
        if number % every == 0:
            middle = LEFT + number * step + step / 2
            parts.append(
                f'<text x="{middle:.1f}" y="{HEIGHT + 16}" text-anchor="middle">{escape(label[5:])}</text>'
            )
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - every text in it is escaped


def shares(title: str, rows: Sequence[tuple[str, float, float]]) -> Markup:
    """Horizontal bars: (name, part, whole)."""
    tall = 30
    told = "; ".join(
        _("%(name)s: %(part)s of %(whole)s", name=name, part=_short(part), whole=_short(whole))
        for name, part, whole in rows
    )
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {tall * len(rows)}" role="img" '
        f'aria-label="{escape(f"{title}: {told}")}">'
    ]
    for number, (name, part, whole) in enumerate(rows):
        y, share = number * tall, min(1.0, part / whole) if whole else 0
        parts.append(f'<text x="0" y="{y + 19}">{escape(name)}</text>')
        parts.append(f'<rect class="rail" x="220" y="{y + 6}" width="400" height="16" rx="4"/>')
        parts.append(f'<rect class="s0" x="220" y="{y + 6}" width="{400 * share:.1f}" height="16" rx="4"/>')
        parts.append(
            f'<text x="{WIDTH}" y="{y + 19}" text-anchor="end">{_short(part)} · {percent(share)}</text>'
        )
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - every text in it is escaped


def _told(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], unit: str) -> str:
    sums = ", ".join(f"{name} {_short(sum(values))}{unit}" for name, values in series.items())
    said = {"title": title, "sums": sums}
    return (
        _("%(title)s, %(first)s to %(last)s: %(sums)s", first=labels[0], last=labels[-1], **said)
        if labels
        else title
    )


def _round_up(value: float) -> float:
    """A round number at or above."""
    if value <= 0:
        return 1
    size = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.01
    return next(n * size for n in (1, 2, 4, 5, 8, 10, 20, 40, 50, 80, 100, 1000) if n * size >= value)


def _short(value: float) -> str:
    if value >= 1_000_000:
        return _("%(count)sM", count=number_text(value / 1_000_000, 1))
    if value >= 10_000:
        return _("%(count)sk", count=number_text(value / 1000, 0))
    return number_text(value, 0 if float(value).is_integer() else 2)
