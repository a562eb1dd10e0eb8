"""Lesson 17's table of the family and its figures: drawings, what is asked, and the transport of prompts to patches."""

from collections.abc import Mapping, Sequence

import ipywidgets
import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.look import HATCHES, PALETTE, heading, panels, styled
from lessons_lib.metrics import wilson
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.lesson17.family import BRANCHES, FAMILY, Member
from lessons_lib.teaching.plots import *  # noqa: F403
from lessons_lib.teaching.plots.images import _picture


def family_map(members: Sequence[Member] = FAMILY) -> pd.DataFrame:
    """A line a system, by branch: its year, what is frozen, what is trained, on what, and what is asked."""
    members = [member for branch in BRANCHES for member in members if member.branch == branch]
    rows = [(m.branch, m.name, m.year, m.frozen, m.trained, m.supervision, m.asked) for m in members]
    head = ["branch", "system", "year", "frozen", "trained", "learns from", "is asked"]
    return pd.DataFrame(rows, columns=head).set_index(head[:2])


def said_of(member: Member) -> str:
    """All that the map has of one system, a line each."""
    return "\n".join(
        (f"{member.name} ({member.year}): {member.idea}", f"  frozen {member.frozen}; trained {member.trained}",
         f"  learns from {member.supervision}; is asked: {member.asked}", f"  its number: {member.number}",
         f"  its limit: {member.limit}", f"  read on: {member.read}")
    )  # fmt: skip


def family_reader() -> ipywidgets.VBox:
    """Choose a system and read its entry."""
    chosen = ipywidgets.Dropdown(options=[member.name for member in FAMILY], description="system")

    def show(name: str) -> None:
        print(said_of(next(member for member in FAMILY if member.name == name)))

    return ipywidgets.VBox([chosen, ipywidgets.interactive_output(show, {"name": chosen})])


@styled()
def drawings(pictures: Mapping[str, Tensor], *, title: str | None = None) -> Figure:
    """Drawings beside each other. pictures: what is said above each -> (3, H, W), 0 to 1."""
    figure, axes = panels(1, len(pictures), size=(3.0, 3.2))
    for ax, (said, picture) in zip(axes, pictures.items()):
        ax.imshow(_picture(picture))
        ax.set_title(said, fontsize=9)
        ax.axis("off")
    heading(figure, title)
    return figure


@styled()
def transport(picture: Tensor, plan: Tensor, prompts: Sequence[str]) -> Figure:
    """Where each prompt's share of a transport goes. plan: (h · w, P)."""
    figure, axes = panels(1, 1 + len(prompts), size=(1.5, 1.75))
    axes[0].imshow(_picture(picture))
    axes[0].set_title("picture")
    side = round(len(plan) ** 0.5)
    for ax, share, name in zip(axes[1:], plan.T, prompts):
        ax.imshow(share.view(side, side), vmin=0, vmax=float(plan.max()))
        ax.set_title(name, fontsize=8)
    for ax in axes:
        ax.axis("off")
    most = [divmod(int(share.argmax()), side) for share in plan.T]
    words = "; ".join(f"{name} row {y + 1}, column {x + 1}" for name, (y, x) in zip(prompts, most))
    return describe(
        figure, f"A picture, and which of its {side} × {side} patches go to which prompt, most of all: {words}"
    )


@styled()
def limits(found: Mapping[str, tuple[float, float, int]]) -> Figure:
    """Bars of accuracy with 95 % intervals (Wilson) and the guess. found: question -> (percent, percent by guessing, of
    how many pictures)."""
    figure, [ax] = panels(size=(7.0, 0.5 * len(found) + 1.0))
    for row, (percent, guess, pictures) in enumerate(found.values()):
        low, high = wilson(round(percent * pictures / 100), pictures)
        ax.barh(row, percent, height=0.6, color=PALETTE[0], hatch=HATCHES[0], label="" if row else "ToyCLIP",
                xerr=[[max(percent - low, 0)], [max(high - percent, 0)]], ecolor="black")  # fmt: skip
        ax.plot([guess] * 2, [row - 0.4, row + 0.4], color="black", lw=2, label="" if row else "guessing")
        ax.text(high + 1, row, f"{percent:.0f}", va="center")
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    ax.set(xlim=(0, 108), xlabel="right (%)", title="What ToyCLIP is asked")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure
