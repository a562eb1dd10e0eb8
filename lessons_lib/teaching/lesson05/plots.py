"""Lesson 05's figures: the shared ones, bars of base, new and H, and bars of what something costs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from lessons_lib.look import look, panels, styled
from lessons_lib.metrics import summary
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots.charts import bar_comparison
from lessons_lib.teaching.plots.labels import spoken


@styled()
def harmonic_bars(results: pd.DataFrame, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Bars of base, new and H (the values of `on`, as they come), a colour a method, 95 % intervals over seeds as
    whiskers where there are several. Returns the Axes.

    results: method, on, seed, accuracy; tasks, if there are several, are averaged within each seed.
    """
    summed = summary(results, ("on", "method"))
    bars = summed.rename(columns={"mean": "accuracy"}).fillna({"half_width": 0.0})
    ax = bar_comparison(bars, y="on", hue="method", error="half_width", title=title, ax=ax)
    ax.set_xlim(0, 100)
    return ax


@styled()
def cost_bars(
    costs: Mapping[str, float], *, unit: str, title: str = "", compared_to: str | None = None, ax: Axes | None = None
) -> Axes:
    """Bars on a logarithmic scale, each with its number, and what multiple of `compared_to` it is. Returns the Axes.

    costs: name -> a number above 0.   unit: the axis's label.   compared_to: a name; the cheapest unless given.
    """
    names, values = list(costs), [float(value) for value in costs.values()]
    if min(values) <= 0:
        raise ValueError(
            f"a logarithmic scale needs costs above 0; {names[int(np.argmin(values))]!r} has {min(values)}"
        )
    reference = min(costs, key=costs.get) if compared_to is None else compared_to
    if ax is None:
        _, [ax] = panels(size=(6.0, 0.8 + 0.36 * len(names)))
    ax.barh(names, values, 0.65, color=[look(i).colour for i in range(len(names))])
    for i, (name, value) in enumerate(zip(names, values)):
        ratio = value / costs[reference]
        times = f"  = {spoken(ratio)} ×" if ratio >= 1 else f"  = 1/{spoken(1 / ratio)}"
        times = "" if name == reference else times
        ax.annotate(
            f"{spoken(value)}{times}", (value, i), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
        )
    ax.set_xscale("log")
    ax.set_xlim(min(values) / 2, max(values) * 8)  # room for the numbers
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: spoken(value)))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=unit, title=title)
    return ax
