"""Lesson 16's figures: sounds as the tower sees them, three matrices of logits, nine retrievals, arms of the study."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from lessons_lib.look import PALETTE, REFERENCE, RIGHT, WRONG, literal, look, numbers, panels, styled
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import describe
from lessons_lib.teaching.plots.images import _picture

TOP = 4000  # Hz, half of the samples a second
BANDS = ("low", "middle", "high")


def _spectrogram(ax: Axes, seen: Tensor, *, ticks: bool = False) -> None:
    """seen: (192, 64), -1 … 1, low pitches first."""
    ax.imshow(numbers(seen), origin="lower", aspect="auto", vmin=-1, vmax=1, extent=(0, 1, 0, TOP / 1000))
    ax.grid(False)
    if not ticks:
        ax.axis("off")


@styled()
def triples(pictures: Sequence, seen: Tensor, names: Sequence[str]) -> Figure:
    """Pictures above the spectrograms of sounds, their names between them. Returns the Figure."""
    figure, axes = panels(2, len(names), size=(1.35, 1.35))
    for i, name in enumerate(names):
        above, below = axes[i], axes[len(names) + i]
        above.imshow(_picture(pictures[i]))
        above.axis("off")
        _spectrogram(below, seen[i])
        below.set_title(literal(name), fontsize=9, loc="center", fontweight="normal")
    return describe(figure, f"A picture, a name and a spectrogram of each: {', '.join(names)}")


@styled()
def bands(seen: Tensor, name: str) -> Figure:
    """A spectrogram, where it is cut, and its three bands as the three colours of a picture. Returns the Figure.

    seen: (192, 64), -1 … 1, low pitches first.
    """
    figure, axes = panels(1, 5, size=(1.36, 2.3), width_ratios=(1.5, 1, 1, 1, 1))
    _spectrogram(axes[0], seen, ticks=True)
    for edge in (TOP / 3000, TOP / 1500):
        axes[0].axhline(edge, color="white", lw=2)
    axes[0].set(xlabel="seconds", ylabel="kHz")
    axes[0].set_title(literal(name), fontsize=9)
    parts = numbers(seen).reshape(3, 64, 64)
    for ax, part, band, colour in zip(axes[1:], parts, BANDS, ("red", "green", "blue")):
        ax.imshow(part, origin="lower", cmap="gray", vmin=-1, vmax=1)
        ax.set_title(f"{band}:\nits {colour}", fontsize=9)
        ax.axis("off")
    axes[4].imshow((1 + parts.transpose(1, 2, 0)) / 2, origin="lower")
    axes[4].set_title("what the\ntower sees", fontsize=9)
    axes[4].axis("off")
    loud = [f"{band} {100 * float((part > 0).mean()):.0f} %" for band, part in zip(BANDS, parts)]
    said = (
        f"The spectrogram of {name}, cut into three bands of pitch, which are laid over each other as red, green and "
    )
    return describe(figure, said + f"blue. Cells within 40 decibels of the loudest: {', '.join(loud)}")


@styled()
def matrices(logits: Mapping[str, Tensor | None], names: Sequence[str], *, title: str | None = None) -> Figure:
    """The logits of each pair of modalities, as cosines, side by side. Returns the Figure.

    logits: what the pair is -> (N, N), or None where there is none.   names: of the N.
    """
    figure, axes = panels(1, len(logits), size=(2.3, 2.75), sharey=True)
    top = max(float(one.max()) for one in logits.values() if one is not None)
    low = min(float(one.min()) for one in logits.values() if one is not None)
    said = []
    for ax, (pair, one) in zip(axes, logits.items()):
        ax.set_title(literal(pair), fontsize=9)
        ax.set_xticks(range(len(names)), map(literal, names), rotation=60, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(names)), map(literal, names))
        ax.grid(False)
        if one is None:
            ax.text(0.5, 0.5, "None", transform=ax.transAxes, ha="center", va="center")
            ax.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5))
            said.append(f"{pair}: none")
            continue
        heat = ax.imshow(numbers(one), vmin=low, vmax=top)
        first = int((one.argmax(dim=1).cpu() == one.new_tensor(range(len(one))).long().cpu()).sum())
        said.append(f"{pair}: the diagonal is the largest of its row in {first} of {len(one)} rows")
    bar = figure.colorbar(heat, ax=axes, shrink=0.7, label="cosine")
    bar.ax.tick_params(labelsize=8)
    if title:
        figure.suptitle(literal(title), fontsize=10, fontweight="bold", x=0.01, ha="left")
    return describe(figure, f"Matrices, items of one modality in rows, of another in columns. {'; '.join(said)}")


@styled()
def learning(losses: Sequence[float], right: Mapping[int, float], *, chance: float, floor: float) -> Figure:
    """The loss of each step, and the accuracy after some of them. Returns the Figure.

    right: steps done -> percent.   floor: below which the loss cannot come.
    """
    figure, axes = panels(1, 2, size=(3.1, 2.5))
    axes[0].plot(range(1, len(losses) + 1), losses, color=PALETTE[0])
    axes[0].axhline(floor, color=REFERENCE, ls="--", lw=1.2, label="cannot be less")
    axes[0].set(xlabel="step", title="loss", ylim=(0, None))
    axes[0].legend(frameon=False, fontsize=9)
    axes[1].plot(list(right), list(right.values()), color=PALETTE[1], marker="s")
    axes[1].axhline(chance, color=REFERENCE, ls="--", lw=1.2, label="chance")
    axes[1].set(xlabel="step", title="sounds named right (%)", ylim=(0, 104))
    axes[1].legend(frameon=False, fontsize=9, loc="center right")
    return figure


@styled()
def in_noise(found: Mapping[str, Mapping[int, float]], *, chance: float, title: str | None = None) -> Axes:
    """Sounds named right against how loud white noise is beside them, a line each. Returns the Axes.

    found: whose -> decibels -> percent.
    """
    _, [ax] = panels(size=(5.6, 3.0))
    for i, (who, line) in enumerate(found.items()):
        ax.plot(list(line), list(line.values()), label=literal(who), **look(i).line)
    ax.axhline(chance, color=REFERENCE, ls="--", lw=1.2, label="chance")
    ax.set(xlabel="noise, decibels louder than the sound", ylabel="right (%)", ylim=(0, 104), title=literal(title))
    ax.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(1.01, 1))
    return ax


def _item(ax: Axes, shown: "Tensor | str", title: str, colour: str = "black", edge: str = "#bdbdbd") -> None:
    """A spectrogram, a picture or a word, framed."""
    if isinstance(shown, str):
        ax.text(0.5, 0.5, literal(f"“{shown}”"), ha="center", va="center", fontsize=10)
    elif shown.ndim == 2:
        _spectrogram(ax, shown)
    else:
        ax.imshow(_picture(shown), aspect="auto")
    ax.axis("off")
    frame = {"fill": False, "edgecolor": edge, "lw": 1 if edge == "#bdbdbd" else 4, "clip_on": False}
    ax.add_patch(Rectangle((0, 0), 1, 1, transform=ax.transAxes, **frame))
    ax.set_title(literal(title), fontsize=9, loc="center", fontweight="normal", color=colour)


def _marked(name: str, own: str) -> tuple[str, str]:
    return (f"✓ {name}", RIGHT) if name == own else (f"✗ {name}", WRONG)


@styled()
def grid(queries: Mapping[str, "Tensor | str"], cells: Mapping[tuple[str, str], tuple], name: str) -> Figure:
    """Nine retrievals: the query of each kind at the left, and in its row what comes first of each kind. Returns the
    Figure.

    queries: kind -> what is shown of it.   cells: (given, wanted) -> (what is shown, of which class).
    """
    figure, axes = panels(3, 4, size=(1.4, 1.4), width_ratios=(1, 1, 1, 1))
    said = []
    for row, (give, shown) in enumerate(queries.items()):
        _item(axes[4 * row], shown, f"given: {give}", edge=PALETTE[0])
        for column, want in enumerate(queries, start=1):
            what, found = cells[give, want]
            title, colour = _marked(found, name)
            if give == want == "name":  # there is no other of its class
                title, colour = found, "black"
            _item(axes[4 * row + column], what, title, colour)
            said.append(f"{give} to {want}: {title}")
    return describe(figure, f"Three things given, of the class {name}, and the nearest of each kind. {'; '.join(said)}")


@styled()
def found(given: "Tensor | str", own: str, first: "Tensor | str", name: str) -> Figure:
    """What was given and what comes first. Returns the Figure."""
    figure, axes = panels(1, 2, size=(1.9, 1.9))
    _item(axes[0], given, f"given: {own}", edge=PALETTE[0])
    title, colour = _marked(name, own)
    _item(axes[1], first, title, colour)
    return describe(figure, f"Given: {own}; found first: {title}")


@styled()
def published(rows: Mapping[str, tuple[float, float]], *, title: str | None = None) -> Axes:
    """Accuracy on two data sets, a line a system; NaN where nothing is told. Returns the Axes."""
    _, [ax] = panels(size=(6.0, 0.42 * len(rows) + 1.3))
    said = []
    for k, name in enumerate(("ESC-50", "UrbanSound8K")):
        values = np.array([row[k] for row in rows.values()])
        ax.scatter(values, range(len(rows)), s=50, color=look(k).colour, marker=look(k).marker, edgecolor="black",
                   lw=0.5, label=name, zorder=3)  # fmt: skip
        for y, value in enumerate(values):
            if np.isfinite(value):
                ax.text(value, y - 0.16 if k == 0 else y + 0.42, f"{value:g}", fontsize=8.5, ha="center")
        told = [f"{system} {value}" for system, value in zip(rows, values) if np.isfinite(value)]
        said.append(f"{name}: {', '.join(told)}")
    ax.set_yticks(range(len(rows)), map(literal, rows))
    ax.set(xlabel="accuracy (%)", title=literal(title), xlim=(55, 102), ylim=(len(rows) - 0.4, -0.7))
    ax.legend(loc="upper left", bbox_to_anchor=(-0.3, -0.22), ncols=2, frameon=False, fontsize=9)
    return describe(ax, "; ".join(said))
