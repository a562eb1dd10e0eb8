"""Where a method learns: the way from words and pictures to logits, what is computed once, and what at every step."""

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle

from lessons_lib.teaching.plots.style import PALETTE, REFERENCE, heading, panels, styled

LOOK = {  # kind of box -> (fill, hatch, what the legend says)
    "given": ("white", "", "given"),
    "once": ("#bfe3f5", "", "computed once, and kept"),
    "step": ("#e6e6e6", "", "computed at every step"),
    "learned": (PALETTE[1], "///", "learned"),
    "maybe": ("#bfe3f5", "///", "kept; learned in Tip-Adapter-F"),
}


class Box(NamedTuple):
    """A box of the drawing: its middle, its words, and a key of `LOOK`."""

    x: float
    y: float
    words: str
    kind: str
    width: float = 1.5


TEXTS = {
    "text": Box(1, 0, "template and\nclass names", "given"),
    "text tower": Box(1, 1, "text tower", "once"),
    "w": Box(1, 2, "$w_1 … w_C$", "once"),
}
IMAGES = {
    "image": Box(3, 0, "picture", "given"),
    "image tower": Box(3, 1, "image tower", "once"),
    "f": Box(3, 2, "$f$", "once"),
}
UP = [("text", "text tower"), ("text tower", "w"), ("image", "image tower"), ("image tower", "f")]
PATHS: dict[str, tuple[dict[str, Box], list[tuple[str, str]]]] = {
    "CoOp: in front of the tower": (
        {
            "text": Box(0.55, 0, "$v_1 … v_M$", "learned", 0.95),
            "name": Box(1.55, 0, "names", "given", 0.8),
            "text tower": Box(1, 1, "text tower", "step"),
            "w": Box(1, 2, "$w_1 … w_C$", "step"),
            **IMAGES,
            "logits": Box(2, 5, "logits: $s\\,f\\,w_c^T$", "step", 2.4),
        },
        [*UP, ("name", "text tower"), ("w", "logits"), ("f", "logits")],
    ),
    "CLIP-Adapter: behind the tower": (
        {
            **TEXTS,
            **IMAGES,
            "A": Box(3.68, 3, "adapter $A$", "learned", 1.0),
            "f'": Box(3, 4, "$α\\,A(f) + (1 − α)\\,f$", "step", 2.0),
            "logits": Box(2, 5, "logits: $s\\,f'\\,w_c^T$", "step", 2.4),
        },
        [*UP, ("f", "A"), ("A", "f'"), ("f", "f'"), ("f'", "logits"), ("w", "logits")],
    ),
    "Tip-Adapter: beside the tower": (
        {
            **TEXTS,
            **IMAGES,
            "cache": Box(4.9, 2, "keys $F$, labels $L$\nof few pictures", "maybe", 1.9),
            "phi": Box(4.1, 3.5, "$α\\,φ(f F^T)\\,L$", "step", 1.6),
            "logits": Box(2.5, 5, "logits: $s\\,f\\,w_c^T$ + cache", "step", 3.2),
        },
        [*UP, ("f", "phi"), ("cache", "phi"), ("phi", "logits"), ("f", "logits"), ("w", "logits")],
    ),
}


@styled()
def adapter_paths(*, title: str | None = None) -> Figure:
    """CoOp, CLIP-Adapter and Tip-Adapter from words and pictures at the bottom to logits at the top. Returns the
    Figure, a panel a method."""
    widths = [4.0, 4.2, 6.0]
    figure, axes = panels(1, len(PATHS), size=(3.6, 3.4), width_ratios=widths)
    for ax, width, (name, (boxes, arrows)) in zip(axes, widths, PATHS.items()):
        _draw(ax, boxes, arrows)
        ax.set(xlim=(0, width), ylim=(-0.45, 5.4), title=name)
        ax.axis("off")
    kinds = [Patch(facecolor=fill, hatch=hatch, edgecolor=REFERENCE, label=said) for fill, hatch, said in LOOK.values()]
    figure.legend(handles=kinds, loc="outside lower center", ncols=len(kinds), fontsize=8, frameon=False)
    heading(figure, title)
    return figure


def _draw(ax: Axes, boxes: dict[str, Box], arrows: list[tuple[str, str]]) -> None:
    for start, end in arrows:
        a, b = boxes[start], boxes[end]
        land = min(max(a.x, b.x - 0.4 * b.width), b.x + 0.4 * b.width)  # as straight up as the upper box allows
        ax.add_patch(FancyArrowPatch((a.x, a.y + 0.3), (land, b.y - 0.3), arrowstyle="-|>", mutation_scale=9,
                                     shrinkA=0, shrinkB=0, color=REFERENCE, lw=1, zorder=1))  # fmt: skip
    for box in boxes.values():
        fill, hatch, _ = LOOK[box.kind]
        corner = (box.x - box.width / 2, box.y - 0.3)
        ax.add_patch(Rectangle(corner, box.width, 0.6, facecolor=fill, hatch=hatch, edgecolor=REFERENCE, zorder=2))
        words = ax.text(box.x, box.y, box.words, ha="center", va="center", fontsize=8, linespacing=1.0, zorder=3)
        if hatch:
            words.set_bbox({"facecolor": "white", "alpha": 0.8, "pad": 1, "lw": 0})
