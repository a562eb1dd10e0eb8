"""Lesson 14's figures: whose each token is, S folded back over the picture, fusion, choices between twins, prices."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from torch import Tensor

from lessons_lib.look import MARKERS, PALETTE, REFERENCE, heading, literal, look, numbers, panels, styled
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import describe
from lessons_lib.teaching.plots.images import _picture

COLUMNS = 4
TWO = ListedColormap(["#f0f0f0", PALETTE[0]])


@styled()
def whose(parts: Mapping[str, tuple[Tensor, Sequence[str], Sequence[str]]]) -> Figure:
    """Matrices of 0 and 1: which token belongs to which box; one below the other. Returns the Figure.

    parts: title -> (targets (m, L), what each row is, the tokens).
    """
    figure, axes = panels(len(parts), 1, size=(6.4, 1.85))
    said = []
    for ax, (title, (targets, rows, words)) in zip(axes, parts.items()):
        values = numbers(targets)
        ax.imshow(values, cmap=TWO, vmin=0, vmax=1, aspect="auto")
        ax.set_xticks(range(len(words)), map(literal, words), rotation=60, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(rows)), map(literal, rows))
        ax.set_xticks(np.arange(len(words) + 1) - 0.5, minor=True)
        ax.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
        ax.grid(False)
        ax.grid(which="minor", color="white", lw=2)
        ax.tick_params(which="minor", length=0)
        ax.set_title(literal(title))
        for row, name in zip(values, rows):
            said.append(f"{name}: {' '.join(word for word, one in zip(words, row) if one) or 'nothing'}")
    return describe(figure, f"Which tokens are told to belong to which box. {'; '.join(said)}")


@styled()
def words_over(
    picture: Tensor, planes: Tensor, words: Sequence[str], boxes: Tensor, phrases: Sequence[str],
    scores: Tensor | None = None, *, title: str | None = None,
) -> Figure:  # fmt: skip
    """A picture with each phrase's surest box, and S as heat maps over it, one a token. Returns the Figure.

    picture: (3, S, S); planes: (L, h, w), 0 … 1; boxes: (phrases, 4).   scores: (phrases,), written at the boxes.
    """
    count = 1 + len(words)
    columns = 3 if count in (5, 6) else min(count, COLUMNS)
    figure, axes = panels(-(-count // columns), columns, size=(1.6, 1.8))
    values, size = numbers(planes), picture.shape[-1]
    top = max(0.05, float(values.max()))
    for ax in axes:
        ax.axis("off")
    axes[0].imshow(_picture(picture))
    for i, (left, upper, right, lower) in enumerate(boxes.tolist()):
        line = {"edgecolor": look(i).colour, "ls": look(i).dash, "lw": 2, "fill": False}
        axes[0].add_patch(Rectangle((left, upper), right - left, lower - upper, fill=False, edgecolor="white", lw=4))
        axes[0].add_patch(Rectangle((left, upper), right - left, lower - upper, **line))
        axes[0].plot([], [], color=look(i).colour, ls=look(i).dash, lw=2,
                     label=literal(phrases[i]) + ("" if scores is None else f": {float(scores[i]):.2f}"))  # fmt: skip
    axes[0].set_title("picture", fontsize=9)
    for ax, plane, word in zip(axes[1:], values, words):
        ax.imshow(_picture(picture).mean(axis=2), cmap="gray")
        heat = ax.imshow(plane, vmin=0, vmax=top, alpha=0.6, extent=(-0.5, size - 0.5, size - 0.5, -0.5))
        ax.set_title(literal(word), fontsize=9)
    bar = figure.colorbar(heat, ax=axes, shrink=0.6, label="σ(S)")
    bar.ax.tick_params(labelsize=8)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    heading(figure, title)
    peaks = [f"{word} {plane.max():.2f}" for word, plane in zip(words, values)]
    return describe(figure, f"A picture, and where each token fits it. The highest σ(S): {', '.join(peaks)}")


_PARTS = (  # left, bottom, width, words, whether it is learned
    (0.0, 0.0, 2.6, "picture", False),
    (4.4, 0.0, 2.6, "“key. red key.”", False),
    (0.0, 1.0, 2.6, "convolutions", True),
    (4.4, 1.0, 2.6, "text blocks", True),
    (0.0, 2.0, 2.6, "LN(v) + γ · read", True),
    (4.4, 2.0, 2.6, "LN(e) + γ · read", True),
    (0.0, 3.0, 2.6, "convolutions", True),
    (4.4, 3.0, 2.6, "text block", True),
    (1.6, 4.0, 3.8, "S: locations × tokens", True),
)
_ARROWS = (
    ((1.3, 0.6), (1.3, 1.0)), ((5.7, 0.6), (5.7, 1.0)), ((1.3, 1.6), (1.3, 2.0)), ((5.7, 1.6), (5.7, 2.0)),
    ((1.3, 2.6), (1.3, 3.0)), ((5.7, 2.6), (5.7, 3.0)), ((1.3, 3.6), (2.3, 4.0)), ((5.7, 3.6), (4.7, 4.0)),
    ((2.6, 2.42), (4.4, 2.42)), ((4.4, 2.18), (2.6, 2.18)),
)  # fmt: skip


@styled()
def fusion() -> Figure:
    """GLIP from the input, below, to S: two towers that read each other. Returns the Figure."""
    figure, [ax] = panels(size=(6.0, 4.3))
    for left, bottom, width, says, learned in _PARTS:
        colour = "#fdd9b5" if learned else "#e8e8e8"
        ax.add_patch(FancyBboxPatch((left, bottom), width, 0.6, boxstyle="round,pad=0,rounding_size=0.06",
                                    facecolor=colour, edgecolor="black"))  # fmt: skip
        ax.text(left + width / 2, bottom + 0.3, says, ha="center", va="center", fontsize=9.5)
    for start, end in _ARROWS:
        across = start[1] == end[1]
        ax.annotate("", xy=end, xytext=start,
                    arrowprops={"arrowstyle": "-|>", "color": PALETTE[0] if across else "black",
                                "lw": 2.2 if across else 1, "shrinkA": 0, "shrinkB": 0})  # fmt: skip
    ax.text(3.5, 2.52, "fusion", ha="center", fontsize=9.5, color=PALETTE[0], fontweight="bold")
    ax.add_patch(Rectangle((-0.2, 1.85), 7.4, 1.9, fill=False, ls="--", edgecolor=REFERENCE))
    ax.text(3.5, 3.3, "three times", ha="center", va="center", fontsize=9)
    ax.set(xlim=(-0.3, 7.3), ylim=(-0.1, 4.7))
    ax.axis("off")
    words = ", ".join(part[3] for part in _PARTS)
    return describe(figure, f"GLIP's two towers, side by side, with arrows both ways between them. {words}")


@styled()
def twin_choices(found: Mapping[str, Sequence[str]], *, title: str | None = None) -> Axes:
    """Stacked bars: of phrases about one of two things of a class, how many found it, its twin, or neither.

    found: whose -> as `asking.choices` gives them. Returns the Axes.
    """
    _, [ax] = panels(size=(6.0, 0.55 * len(found) + 1.4))
    looks = {"right": (PALETTE[0], "", "the thing that is meant"), "twin": (PALETTE[1], "///", "its twin"),
             "other": ("#bdbdbd", "", "neither")}  # fmt: skip
    said = []
    for y, (who, each) in enumerate(found.items()):
        left = 0.0
        for kind, (colour, hatch, says) in looks.items():
            share = 100 * list(each).count(kind) / max(1, len(each))
            ax.barh(y, share, left=left, color=colour, hatch=hatch, edgecolor="white", height=0.62,
                    label=None if y else says)  # fmt: skip
            if share >= 6:
                ax.text(left + share / 2, y, f"{share:.0f}", ha="center", va="center", fontsize=9,
                        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
            said.append(f"{who}, {says}: {share:.0f} %")
            left += share
    ax.set_yticks(range(len(found)), map(literal, found))
    ax.invert_yaxis()
    ax.set(xlim=(0, 100), xlabel="phrases (%)", title=literal(title))
    ax.legend(loc="upper left", bbox_to_anchor=(-0.1, -0.32), ncols=3, frameon=False, fontsize=9)
    return describe(ax, "; ".join(said))


@styled()
def pairs(fits: Tensor, regions: Sequence[int], words: Sequence[int]) -> Axes:
    """Which regions and words of a batch belong together; squares of lines are the pictures. Returns the Axes.

    fits: (R, W) bool; regions, words: of each picture how many.
    """
    _, [ax] = panels(size=(6.2, 3.6))
    ax.imshow(numbers(fits.float()), cmap=TWO, aspect="auto", interpolation="nearest")
    ax.grid(False)
    down, across = np.cumsum([0, *regions]) - 0.5, np.cumsum([0, *words]) - 0.5
    for i, (width, height) in enumerate(zip(words, regions)):
        frame = Rectangle((across[i], down[i]), width, height, fill=False, edgecolor=PALETTE[1], lw=2, clip_on=False)
        ax.add_patch(frame)
    frame.set_label("a picture and its own prompt")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, borderpad=0.2)
    ax.set(xlabel="words of all prompts", ylabel="regions of all pictures")
    inside = sum(
        int(fits[int(a + 0.5) : int(b + 0.5), int(c + 0.5) : int(d + 0.5)].sum())
        for a, b, c, d in zip(down, down[1:], across, across[1:])
    )
    told = f"{len(regions)} pictures' regions and words: {inside} pairs fit within a picture, "
    return describe(ax, told + f"{int(fits.sum()) - inside} across pictures")


@styled()
def published(rows: Mapping[str, tuple[float, float]], *, title: str | None = None) -> Axes:
    """COCO AP of each GLIP: never trained there, and fine-tuned. Returns the Axes."""
    _, [ax] = panels(size=(6.2, 0.42 * len(rows) + 1.4))
    said = []
    for k, kind in enumerate(("zero-shot", "fine-tuned on COCO")):
        values = [row[k] for row in rows.values()]
        ax.scatter(values, range(len(rows)), s=55, color=PALETTE[k], marker=MARKERS[k], edgecolor="black", lw=0.5,
                   label=kind, zorder=3)  # fmt: skip
        for y, value in enumerate(values):
            ax.text(value + 0.5, y - 0.08, f"{value:.1f}", fontsize=8.5, va="bottom")
        said.append(f"{kind}: {', '.join(f'{name} {value}' for name, value in zip(rows, values))}")
    ax.set_yticks(range(len(rows)), map(literal, rows))
    ax.invert_yaxis()
    ax.set(xlabel="COCO AP", title=literal(title), xlim=(40, 66), ylim=(len(rows) - 0.5, -0.7))
    ax.legend(loc="upper left", bbox_to_anchor=(-0.3, -0.25), ncols=2, frameon=False, fontsize=9)
    return describe(ax, "; ".join(said))


@styled()
def prices(seconds: Mapping[str, Mapping[int, float]], *, title: str | None = None) -> Axes:
    """Milliseconds a picture against the number of names that are asked for, a line a system. Returns the Axes."""
    _, [ax] = panels(size=(5.4, 3.2))
    for i, (who, line) in enumerate(seconds.items()):
        values = [1000 * value for value in line.values()]
        ax.plot(list(line), values, label=literal(who), **look(i).line)
    ax.set_xscale("log", base=2)
    ticks = list(next(iter(seconds.values())))
    ax.set_xticks(ticks, [str(each) for each in ticks])
    ax.minorticks_off()
    ax.set(xlabel="names asked for", ylabel="milliseconds a picture", ylim=(0, None), title=literal(title))
    ax.legend(fontsize=9)
    return ax
