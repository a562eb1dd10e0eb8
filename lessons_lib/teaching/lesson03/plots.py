"""Lesson 03's figures: the shared ones, where a word with two senses lies, what single sentences are worth, and gains
task by task."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from lessons_lib.look import PALETTE, REFERENCE, literal, numbers, panels, styled
from lessons_lib.metrics import difference
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots import bar_comparison, describe, differences, lines

MARKS = (("s", PALETTE[1]), ("D", "black"), ("^", PALETTE[2]), ("v", PALETTE[3]))


@styled()
def leans(places: Mapping[str, tuple[float, float, float]], kinds: Mapping[str, tuple[str, str]]) -> Axes:
    """Where each word lies between its two kinds of pictures, alone and with either kind named. Returns the Axes.

    places: word -> leans of the word alone, of the first kind's name and of the second's.   kinds: word -> both names.
    """
    _, [ax] = panels(size=(6.2, 0.55 * len(places) + 1.4))
    for (role, marker, colour), column in zip(
        (("the word alone", "D", "black"), ("first kind named", "<", PALETTE[0]),
         ("second kind named", ">", PALETTE[1])),
        zip(*places.values()),
    ):  # fmt: skip
        ax.scatter(column, range(len(places)), marker=marker, s=55, color=colour, label=role, zorder=3)
    for y, word in enumerate(places):
        ax.hlines(y, min(places[word]), max(places[word]), color=REFERENCE, lw=1)
    ax.axvline(0, color=REFERENCE, lw=1, ls="--")
    ax.set_yticks(range(len(places)), [f"{word}: {kinds[word][0]} | {kinds[word][1]}" for word in places])
    ax.set_ylim(len(places) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="← first kind          second kind →", title="Naming the kind moves a text to its pictures")
    ax.figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    each = (
        f"{word} alone {alone:+.2f}, as {kinds[word][0]} {one:+.2f}, as {kinds[word][1]} {two:+.2f}"
        for word, (alone, one, two) in places.items()
    )
    return describe(ax, f"Leans of texts, below 0 to the first kind, above to the second. {'; '.join(each)}")


@styled()
def spread(singles: Mapping[str, Sequence[float]], marked: Mapping[str, Mapping[str, float]]) -> Axes:
    """Each sentence's accuracy as a dot, a row a task, and some wordings marked. Returns the Axes.

    singles: task -> percent, one a sentence.   marked: wording -> task -> percent.
    """
    _, [ax] = panels(size=(6.2, 0.5 * len(singles) + 1.3))
    for row, values in enumerate(singles.values()):
        up = [row + 0.3 * ((7 * i) % 11 / 5 - 1) for i in range(len(values))]  # so that dots do not hide one another
        ax.scatter(numbers(values), up, s=9, color=PALETTE[0], alpha=0.5, lw=0, label="" if row else "a sentence")
    for (wording, found), (marker, colour) in zip(marked.items(), MARKS):
        rows = [list(singles).index(task) for task in found]
        ax.scatter(list(found.values()), rows, marker=marker, s=50, color=colour, edgecolor="white", lw=0.7,
                   label=literal(wording), zorder=3)  # fmt: skip
    ax.set_yticks(range(len(singles)), list(map(literal, singles)))
    ax.set_ylim(len(singles) - 0.5, -0.5)
    ax.set(xlabel="accuracy (%)", title="Same pictures, same classes: only the sentence differs")
    ax.figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    each = (
        ", ".join(
            [f"{task} {min(numbers(values)):.0f} to {max(numbers(values)):.0f}"]
            + [f"{wording} {found[task]:.0f}" for wording, found in marked.items() if task in found]
        )
        for task, values in singles.items()
    )
    return describe(ax, f"Percent right, from the worst sentence to the best: {'; '.join(each)}")


@styled()
def gains_by_task(rows: pd.DataFrame, pairs: Mapping[str, tuple[str, str]], *, title: str = "") -> Axes:
    """What one wording has above another on each task, with its interval over draws. Returns the Axes.

    rows: as `recorded.wordings` gives them.   pairs: what to call a difference -> the two wordings.
    """
    found = [
        {"what": task, "kind": kind, **difference(rows[rows.task == task], first, second)}
        for kind, (first, second) in pairs.items()
        for task in dict.fromkeys(rows.task)
    ]
    ax = differences(pd.DataFrame(found), kind="kind", title=title)
    ax.get_legend().remove()
    ax.figure.legend(loc="outside lower center", frameon=False, fontsize=8)
    each = (f"{one['what']}, {one['kind']}: {one['mean']:+.1f} ± {one['half_width']:.1f}" for one in found)
    return describe(ax, f"Points with their intervals. {'; '.join(each)}")


@styled()
def three_wordings(rows: Sequence[Mapping], chance: Mapping[str, float]) -> Axes:
    """Accuracy of a few wordings on each task. rows: task, wording and accuracy.   chance: of each task."""
    ax = bar_comparison(pd.DataFrame(rows), hue="wording", chance=chance, title="The same pictures, said in three ways")
    ax.get_legend().remove()
    ax.figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return ax


@styled()
def winners_curse(rows: Sequence[tuple]) -> Axes:
    """What the best of k templates scored where it was chosen, and on the test pictures, with 95 % bands.

    rows: task, repeat, k, where, percent.
    """
    table = pd.DataFrame(rows, columns=["task", "repeat", "k", "where", "accuracy"])
    table = table.groupby(["where", "k", "repeat"], sort=False).accuracy.mean().reset_index()
    ax = lines(table, x="k", y="accuracy", hue="where", seeds="repeat", log_x=True, ylabel="mean accuracy (%)",
               xlabel="templates tried", title="The best of many flatters itself")  # fmt: skip
    return ax
