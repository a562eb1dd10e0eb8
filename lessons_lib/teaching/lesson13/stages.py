"""The paper's figure of four second stages, drawn from regions, below, to the loss."""

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch

from lessons_lib.look import panels, styled
from lessons_lib.teaching.alt import describe
from lessons_lib.teaching.plots.parts import FROZEN, LEARNED

HEIGHT, STOREY = 0.62, 1.1  # of a box, and from one to the next above
_STAGES = {  # title -> boxes: (left, storey, width, what it says, learned)
    "(a) Mask R-CNN": (
        (0.0, 0, 2.0, "N regions", False),
        (0.0, 1, 2.0, "head", True),
        (0.0, 2, 2.0, "classifier", True),
        (0.0, 3, 2.0, "cross-entropy", False),
    ),
    "(b) ViLD-text": (
        (0.0, 0, 2.0, "N regions", False),
        (0.0, 1, 2.0, "head, projection", True),
        (2.3, 1, 1.2, "texts", False),
        (3.7, 1, 0.5, "b", True),
        (0.0, 2, 4.2, "cosines / τ", False),
        (0.0, 3, 4.2, "cross-entropy", False),
    ),
    "(c) ViLD-image": (
        (0.0, 0, 2.0, "M regions, fixed", False),
        (0.0, 1, 2.0, "head, projection", True),
        (2.3, 0, 1.9, "their crops", False),
        (2.3, 1, 1.9, "CLIP's image tower", False),
        (0.0, 2, 4.2, "L1 between the two", False),
    ),
    "(d) ViLD": (
        (1.3, 0, 1.6, "N + M regions", False),
        (0.0, 1, 0.65, "texts", False),
        (0.75, 1, 0.4, "b", True),
        (1.3, 1, 1.6, "head, projection", True),
        (3.05, 1, 1.15, "CLIP's crops", False),
        (0.0, 2, 2.0, "N: cosines / τ", False),
        (2.2, 2, 2.0, "M: L1", False),
        (0.0, 3, 4.2, "cross-entropy + w · L1", False),
    ),
}


@styled()
def second_stages() -> Figure:
    """The four second stages of the paper's third figure, from the regions, below, to the loss. Returns the Figure."""
    figure, axes = panels(2, 2, size=(3.5, 2.7))
    for ax, (title, boxes) in zip(axes, _STAGES.items()):
        for left, storey, width, says, learned in boxes:
            bottom = STOREY * storey
            ax.add_patch(FancyBboxPatch(
                (left, bottom), width, HEIGHT, boxstyle="round,pad=0,rounding_size=0.06",
                facecolor=LEARNED if learned else FROZEN, edgecolor="black", hatch="//" if learned else "",
            ))  # fmt: skip
            back = {"facecolor": LEARNED, "edgecolor": "none", "pad": 1} if learned else None
            ax.text(left + width / 2, bottom + HEIGHT / 2, says, ha="center", va="center", fontsize=8.5, bbox=back)
            for start, above, wide, *_ in boxes:
                ends = max(left, start), min(left + width, start + wide)
                if above == storey + 1 and ends[0] < ends[1]:
                    x = sum(ends) / 2
                    ax.annotate("", xy=(x, STOREY * above), xytext=(x, bottom + HEIGHT),
                                arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 0,
                                            "shrinkB": 0})  # fmt: skip
        ax.set(xlim=(-0.1, 4.3), ylim=(-0.1, 4.0), title=title)
        ax.axis("off")
    kinds = [Patch(facecolor=FROZEN, edgecolor="black", label="given, or computed")]
    kinds += [Patch(facecolor=LEARNED, edgecolor="black", hatch="//", label="learned")]
    figure.legend(handles=kinds, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    words = "; ".join(f"{title}: {', '.join(box[3] for box in boxes)}" for title, boxes in _STAGES.items())
    return describe(figure, f"Four second stages of a detector, from regions to loss. {words}")
