"""The paper's figure of four second stages, drawn from regions, below, to the loss."""

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch

from lessons_lib.look import panels, styled
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots.parts import FROZEN, LEARNED

_STAGES = {  # title -> boxes: (left, bottom, width, height, what it says, learned)
    "(a) Mask R-CNN": (
        (0.0, 0.0, 2.0, 0.62, "N regions", False),
        (0.0, 1.1, 2.0, 0.62, "head", True),
        (0.0, 2.2, 2.0, 0.62, "classifier", True),
        (0.0, 3.3, 2.0, 0.62, "cross-entropy", False),
    ),
    "(b) ViLD-text": (
        (0.0, 0.0, 2.0, 0.62, "N regions", False),
        (0.0, 1.1, 2.0, 0.62, "head, projection", True),
        (2.3, 1.1, 1.9, 0.62, "texts (frozen)", False),
        (2.3, 0.0, 1.9, 0.62, "background b", True),
        (0.0, 2.2, 4.2, 0.62, "cosines / τ", False),
        (0.0, 3.3, 4.2, 0.62, "cross-entropy", False),
    ),
    "(c) ViLD-image": (
        (0.0, 0.0, 2.0, 0.62, "M regions, fixed", False),
        (0.0, 1.1, 2.0, 0.62, "head, projection", True),
        (2.3, 0.0, 1.9, 0.62, "their crops", False),
        (2.3, 1.1, 1.9, 0.62, "CLIP's image tower", False),
        (0.0, 2.2, 4.2, 0.62, "L1 between the two", False),
    ),
    "(d) ViLD": (
        (1.3, 0.0, 1.6, 0.62, "N + M regions", False),
        (0.0, 1.1, 1.15, 0.62, "texts, b", False),
        (1.3, 1.1, 1.6, 0.62, "head, projection", True),
        (3.05, 1.1, 1.15, 0.62, "CLIP's crops", False),
        (0.0, 2.2, 2.0, 0.62, "N: cosines / τ", False),
        (2.2, 2.2, 2.0, 0.62, "M: L1", False),
        (0.0, 3.3, 4.2, 0.62, "cross-entropy + w · L1", False),
    ),
}


@styled()
def second_stages() -> Figure:
    """The four second stages of the paper's third figure, from the regions, below, to the loss. Returns the Figure."""
    figure, axes = panels(2, 2, size=(3.5, 2.7))
    for ax, (title, boxes) in zip(axes, _STAGES.items()):
        for left, bottom, width, height, says, learned in boxes:
            ax.add_patch(FancyBboxPatch(
                (left, bottom), width, height, boxstyle="round,pad=0,rounding_size=0.06",
                facecolor=LEARNED if learned else FROZEN, edgecolor="black", hatch="//" if learned else "",
            ))  # fmt: skip
            back = {"facecolor": LEARNED, "edgecolor": "none", "pad": 1} if learned else None
            ax.text(left + width / 2, bottom + height / 2, says, ha="center", va="center", fontsize=8.5, bbox=back)
        for left, bottom, width, height, *_ in boxes:
            above = min((other[1] for other in boxes if other[1] > bottom), default=None)
            for start, end, wide, *_ in (other for other in boxes if other[1] == above):
                x = (max(left, start) + min(left + width, start + wide)) / 2
                if max(left, start) < min(left + width, start + wide):
                    ax.annotate("", xy=(x, end), xytext=(x, bottom + height),
                                arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 0,
                                            "shrinkB": 0})  # fmt: skip
        ax.set(xlim=(-0.1, 4.3), ylim=(-0.1, 4.0), title=title)
        ax.axis("off")
    kinds = [Patch(facecolor=FROZEN, edgecolor="black", label="given, or computed")]
    kinds += [Patch(facecolor=LEARNED, edgecolor="black", hatch="//", label="learned")]
    figure.legend(handles=kinds, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    words = "; ".join(f"{title}: {', '.join(box[4] for box in boxes)}" for title, boxes in _STAGES.items())
    return describe(figure, f"Four second stages of a detector, from regions to loss. {words}")
