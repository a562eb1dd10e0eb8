"""Arms of a study side by side: the mean over seeds as a bar, each seed as a ring."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from lessons_lib.look import REFERENCE, literal, look, panels, styled
from lessons_lib.teaching.alt import describe


@styled()
def arms(
    rows: pd.DataFrame, order: Mapping[str, str], on: Mapping[str, str], *, chance: float | None = None,
    digits: int = 0, title: str | None = None,
) -> Axes:  # fmt: skip
    """Bars of accuracy, an arm a row and a bar for each thing it was measured on; a ring a seed. What an arm
    was not measured on is left out. Returns the Axes.

    rows: arm, seed, on, accuracy.   order: arm -> what is said of it.   on: as in `rows` -> what is said of it.
    chance: drawn as a line.   digits: of the numbers, behind the point.
    """
    figure, [ax] = panels(size=(6.2, 1.2 + len(order) * max(0.34, 0.24 * len(on))))
    height, said = 0.8 / len(on), []
    for j, (name, says) in enumerate(on.items()):
        kind, named = look(j), False
        for i, (arm, told) in enumerate(order.items()):
            values = rows[(rows.arm == arm) & (rows.on == name)].accuracy
            if values.empty:
                continue
            y = i - 0.4 + height * (j + 0.5)
            ax.barh(y, values.mean(), height * 0.92, color=kind.colour, hatch=("", "///", "...")[j % 3],
                    edgecolor="white", label=None if named else literal(says))  # fmt: skip
            named = True
            ax.plot(values, [y] * len(values), "o", ms=3.5, color="black", mfc="white")
            ax.text(max(values) + 1.5, y, f"{values.mean():.{digits}f}", va="center", fontsize=8.5)
            said.append(f"{told}, {says}: {values.mean():.{digits}f} %")
    if chance is not None:
        ax.axvline(chance, color=REFERENCE, ls="--", lw=1.2, label=f"chance: {chance:.0f}")
    ax.set_yticks(range(len(order)), map(literal, order.values()))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlim=(0, 108), xlabel="right (%)", title=literal(title))
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return describe(ax, "; ".join(said))
