"""Where a method learns: CLIP's two towers as a row of boxes each, with what is added, and what of it is learned.

One picture language for all lessons: grey is frozen, orange with stripes is learned, a dotted edge is computed once and
kept. What a method does not add is not drawn.
"""

from collections.abc import Collection, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch

from lessons_lib.look import PALETTE, REFERENCE, heading, panels, styled
from lessons_lib.suggest import nearest

FROZEN, LEARNED = "#e6e6e6", PALETTE[1]
IMAGE, TEXT, BETWEEN, BESIDE = 1.0, 0.0, 0.5, 1.42  # heights: the lanes, what compares them, a cache
BOXES = {  # part -> left end, lane, width, what it says where nothing else is given
    "frame": (0.0, IMAGE, 1.25, ""),
    "picture": (0.12, IMAGE, 1.0, "picture"),
    "image prompts": (1.5, IMAGE, 1.25, "image prompts"),
    "image tower": (3.0, IMAGE, 1.5, "image tower"),
    "image projection": (4.75, IMAGE, 1.1, "projection"),
    "image adapter": (6.1, IMAGE, 1.25, "adapter"),
    "cache": (7.62, BESIDE, 1.25, "cache of\nfew shots"),
    "context": (0.0, TEXT, 1.25, "a photo of a"),
    "class name": (1.6, TEXT, 1.05, "class name"),
    "text tower": (3.0, TEXT, 1.5, "text tower"),
    "text projection": (4.75, TEXT, 1.1, "projection"),
    "text adapter": (6.1, TEXT, 1.25, "adapter"),
    "comparison": (7.75, BETWEEN, 1.0, "$s \\cdot f\\, w^\\top$"),
    "classifier": (6.1, TEXT, 1.25, "classifier"),
}
ALWAYS = ("picture", "image tower", "image projection", "comparison")
WORDS = ("context", "class name", "text tower", "text projection")  # what a classifier without words has not
HEIGHT = 0.62


@styled()
def where_it_learns(
    learned: Mapping[str, str],
    *,
    once: Collection[str] = (),
    says: Mapping[str, str] | None = None,
    words: bool = True,
    title: str | None = None,
) -> Figure:
    """The way from a picture and a class name to an answer. Returns the Figure.

    learned: part -> what its box says; keys of `BOXES`.   once: parts whose result is computed once, and kept.
    says: the same of parts that are not learned; one that is seldom there is then drawn.   words: False where no text
    takes part.
    Raises ValueError for a part that there is not.
    """
    says = says or {}
    for part in (*learned, *once, *says):
        if part not in BOXES:
            raise ValueError(f"no part {part!r}. {nearest(part, BOXES) or 'There are ' + ', '.join(BOXES)}")
    shown = [part for part in BOXES if part in {**learned, **says} or part in ALWAYS or (words and part in WORDS)]
    figure, [ax] = panels(size=(8.2, 2.6 if "cache" in shown else 2.3))
    for part in shown:
        _box(ax, part, {**says, **learned}.get(part, BOXES[part][3]), part in learned, part in once)
    for lane in (IMAGE, TEXT):
        own = [part for part in shown if BOXES[part][1] == lane and part not in ("frame", "cache")]
        for first, second in zip(own, own[1:]):
            _arrow(ax, (_right(first), lane), (BOXES[second][0], lane))
        if own:
            _arrow(ax, (_right(own[-1]), lane), (BOXES["comparison"][0], BETWEEN + (0.12 if lane == IMAGE else -0.12)))
    if "cache" in shown:
        _arrow(ax, (8.25, BESIDE - HEIGHT / 2), (8.25, BETWEEN + HEIGHT / 2))
    _arrow(ax, (_right("comparison"), BETWEEN), (9.3, BETWEEN))
    ax.text(9.35, BETWEEN, "logits", va="center", fontsize=9)
    ax.set(xlim=(-0.1, 10.0), ylim=(-0.45, 1.8 if "cache" in shown else 1.45))
    ax.axis("off")
    kinds = [Patch(facecolor=FROZEN, edgecolor=REFERENCE, label="frozen")]
    kinds += [Patch(facecolor=LEARNED, edgecolor="black", hatch="//", label="learned")] if learned else []
    kinds += [Patch(facecolor="white", edgecolor="black", ls=":", label="computed once, and kept")] if once else []
    figure.legend(handles=kinds, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    heading(figure, title)
    return figure


def _right(part: str) -> float:
    return BOXES[part][0] + BOXES[part][2]


def _box(ax: Axes, part: str, said: str, is_learned: bool, once: bool) -> None:
    left, lane, width, _ = BOXES[part]
    height = HEIGHT + (0.22 if part == "frame" else 0)
    ax.add_patch(FancyBboxPatch(
        (left, lane - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.06",
        facecolor=LEARNED if is_learned else FROZEN, edgecolor="black" if is_learned or once else REFERENCE,
        hatch="//" if is_learned else "", ls=":" if once else "-", lw=1.6 if once else 0.9,
    ))  # fmt: skip
    if part != "frame":
        back = {"facecolor": LEARNED, "edgecolor": "none", "pad": 1.2} if is_learned else None
        ax.text(left + width / 2, lane, said, ha="center", va="center", fontsize=8.5, bbox=back)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 1, "shrinkA": 1,
                                                      "shrinkB": 1})  # fmt: skip
