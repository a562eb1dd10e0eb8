"""Lesson 11's figures: pictures with their labels, ways to ask beside floor and ceiling, texts against confusion."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor

from lessons_lib.look import HATCHES, PALETTE, REFERENCE, literal, numbers, panels, styled
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots import *  # noqa: F403

BOUNDS = {"floor": ":", "ceiling": "-"}  # and their lines


@styled()
def asked(
    found: Mapping[str, Mapping[str, dict]],
    *,
    ways: Mapping[str, str],
    title: str | None = None,
) -> Figure:
    """Bars of mIoU by the way of asking, with 95 % intervals, and lines at floor and ceiling.

    found: whose -> way -> {mIoU, low, high}; of "floor" and "ceiling", where they are there, lines are drawn.
    ways: way -> what is said of it.
    """
    whose = [who for who in found if who not in BOUNDS]
    figure, [ax] = panels(size=(6.4, 0.36 * len(ways) * (len(whose) + 0.8) + 0.9))
    place, ticks = 0.0, []
    for way in ways:
        ticks.append(place + (len(whose) - 1) / 2)
        for i, who in enumerate(whose):
            one = found[who][way]
            reach = [[max(one["mIoU"] - one["low"], 0)], [max(one["high"] - one["mIoU"], 0)]]
            ax.barh(place + i, one["mIoU"], 0.8, xerr=reach, color=PALETTE[i], hatch=HATCHES[i % len(HATCHES)],
                    ecolor="black", label=None if place else who)  # fmt: skip
            ax.text(one["high"] + 1, place + i, f"{one['mIoU']:.0f}", va="center", fontsize=8)
        for said, dash in BOUNDS.items():
            if said in found:
                value = found[said][way]["mIoU"]
                ax.plot([value] * 2, [place - 0.6, place + len(whose) - 0.4], color=REFERENCE, ls=dash, lw=2,
                        label=None if place else said)  # fmt: skip
        place += len(whose) + 0.8
    ax.set_yticks(ticks, [literal(said) for said in ways.values()])
    ax.invert_yaxis()
    ax.set(xlim=(0, 105), xlabel="mIoU over things (%)")
    ax.set_title(literal(title))
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    words = [
        f"{said}: " + ", ".join(f"{who} {found[who][way]['mIoU']:.0f}" for who in found) for way, said in ways.items()
    ]
    return describe(figure, "Bars of mIoU by the way of asking. " + "; ".join(words))


@styled()
def near_and_taken(
    cosines: Tensor, shares: Tensor, rows: Sequence[str], columns: Sequence[str], *, named: int = 6
) -> Axes:
    """A dot a pair: how near the texts of a thing and of a label are, and which share of the thing's pixels got that
    label. cosines, shares (percent): (R, C). The largest shares have a letter. Returns the Axes."""
    figure, [ax] = panels(size=(5.6, 4.2))
    x, y = numbers(cosines).flatten(), numbers(shares).flatten()
    ax.scatter(x, y, s=12, color=PALETTE[0], alpha=0.6, lw=0)
    told, keys, places = [], [], np.argsort(-y)[:named]
    wide, high = np.ptp(x) / 20, np.ptp(y) / 12  # nearer than this, two letters would lie on each other
    for letter, place in zip(ascii_uppercase, places):
        name = f"{rows[place // len(columns)]} → {columns[place % len(columns)]}"
        told.append(f"{name} {y[place]:.0f} % at cosine {x[place]:.2f}")
        keys.append(ax.scatter([], [], marker=f"${letter}$", color="black", s=40, label=literal(name)))
        gaps = [x[i] - x[place] for i in places if i != place and abs(y[i] - y[place]) < high]
        gaps = [gap for gap in gaps if abs(gap) < wide]
        side, shift = (("right", -4) if gaps[0] > 0 else ("left", 4)) if gaps else ("center", 0)
        words = ax.annotate(letter, (x[place], y[place]), xytext=(shift, 3), fontsize=9, weight="bold",
                            textcoords="offset points", ha=side)  # fmt: skip
        words.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    figure.legend(handles=keys, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    ax.set(xlabel="cosine of the two texts", ylabel="share of the thing's pixels (%)")
    return describe(ax, f"Every thing that was not seen against every label that was. The largest: {'; '.join(told)}")
