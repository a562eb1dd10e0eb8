"""A tour of ToyWorld: all tasks on a page, one picture shape by shape, and what stands where in a scene.

Pages are PIL images of 256 colours, so that they stay small; figures are matplotlib's.
"""

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from matplotlib import font_manager
from matplotlib.patches import Rectangle
from PIL import Image, ImageDraw, ImageFont

from lessons_lib import toyworld
from lessons_lib.look import RIGHT, WRONG, heading, literal
from lessons_lib.teaching.plots import PALETTE, describe, panels, show_images
from lessons_lib.toyworld.render import COL, FINISH, SIZE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lessons_lib.data import Split

PAPER, INK, FAINT = "#ffffff", "#1b1f24", "#656d76"
GAP = 6  # pixels
SHOWN = {  # the overview's classes where they are not the first of the task
    "toy_things": "elephant giraffe owl crane shark bicycle pineapple cactus rocket volcano",
    "toy_objects": "guitar umbrella camera watch laptop anchor ferry scissors lamp starfish",
    "toy_food": "pizza hamburger taco sushi soup pancakes donut cupcake waffles cheesecake",
    "toy_scenes": "beach mountain desert harbor bedroom bridge castle farm lighthouse playground",
    "toy_satellite": "annual_crop_land forest highway_or_road industrial_buildings residential_buildings river",
    "toy_actions": "archery juggling handstand weightlifting biking rowing yoga boxing bowling",
}
TWINS = {"_v2": "ImageNetV2", "_sketch": "ImageNet-Sketch", "_a": "ImageNet-A", "_r": "ImageNet-R"}


def twin(task: str) -> str:
    """The data set of the literature that a toy task, or a shift of one, mirrors."""
    return TWINS.get(task.removeprefix("toy_things"), toyworld.TASKS[task].twin)


def overview(
    tasks: list[str] | None = None, *, size: int = 96, columns: int = 10, seed: int = 0, grain: bool = False
) -> Image.Image:
    """A row a task (default: the eleven): its name, its twin in the literature, and a picture of `columns` classes.

    Pictures of the training pool. size: pixels a picture, drawn that large. grain: the camera's (makes large files).
    """
    tasks = toyworld.ELEVEN if tasks is None else tasks
    left, row_h = 142, size + 30
    page = Image.new("RGB", (left + columns * (size + GAP), len(tasks) * row_h + GAP), PAPER)
    draw = ImageDraw.Draw(page)
    for r, task in enumerate(tasks):
        y = GAP + r * row_h
        _write(draw, (GAP, y + size / 2 - 8), task, size=14, bold=True, anchor="lm", width=left - 2 * GAP)
        _write(
            draw,
            (GAP, y + size / 2 + 9),
            f"like {twin(task)}",
            size=11.5,
            fill=FAINT,
            anchor="lm",
            width=left - 2 * GAP,
        )
        drawn = _drawn(task, per_class=1, size=size, seed=seed, grain=grain)
        shown = SHOWN.get("toy_things" if task in toyworld.SHIFTS else task, "")
        first = [name.replace("_", " ") for name in shown.split()]
        names = sorted(drawn, key=lambda name: first.index(name) if name in first else len(first))
        for c, name in enumerate(names[:columns]):
            x = left + c * (size + GAP)
            page.paste(drawn[name][0], (x, y))
            for k, line in enumerate(_two_lines(name, most=13)):
                at = (x + size / 2, y + size + 7 + 11 * k)
                _write(draw, at, line, size=9.5, fill=FAINT, anchor="mm", width=size + GAP)
    rows = ", ".join(f"{task} (like {twin(task)})" for task in tasks)
    return describe(few_colours(page), f"A page of drawn pictures, up to {columns} classes in each row. Rows: {rows}.")


def sheet(task: str, *, width: int = 880, seed: int = 0) -> Image.Image:
    """Every class of one task, a few pictures each in ToyWorld's own 64 × 64 pixels, without grain."""
    spec = toyworld.TASKS[task]
    per_class = 6 if len(spec.classnames) < 30 else 3
    cell_w, cell_h, head = per_class * (SIZE + 1) + 2 * GAP, SIZE + 22, 44
    columns = width // cell_w
    rows = -(-len(spec.classnames) // columns)
    page = Image.new("RGB", (columns * cell_w + GAP, head + rows * cell_h + GAP), PAPER)
    draw = ImageDraw.Draw(page)
    _write(draw, (GAP, 10), task, size=18, bold=True)
    about = f"twin of {twin(task)}, {len(spec.classnames)} classes"
    _write(draw, (columns * cell_w, 16), about, size=12, fill=FAINT, anchor="ra")
    for i, (name, drawn) in enumerate(_drawn(task, per_class=per_class, size=SIZE, seed=seed).items()):
        x, y = GAP + i % columns * cell_w, head + i // columns * cell_h
        for k, picture in enumerate(drawn):
            page.paste(picture, (x + k * (SIZE + 1), y))
        _write(draw, (x, y + SIZE + 3), name, size=11)
    listed = ", ".join(spec.classnames)
    return describe(few_colours(page), f"A page of {task}: {per_class} drawn pictures of each class: {listed}.")


def few_colours(page: Image.Image, colours: int = 256) -> Image.Image:
    """The page with a palette of its own: a third of the bytes."""
    return page.quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)


def show_steps(scenes: toyworld.Scenes, i: int = 0, *, columns: int = 8, size: float = 1.2) -> "Figure":
    """Picture i, shape by shape, from back to front, each named by the part that was just painted; and last what the
    camera makes of it."""
    parts = [shape["part"] for shape in scenes.describe(i)["parts"]]
    steps = scenes[[i] * (len(parts) + 1)]
    used = (scenes.tables[i, :, COL["kind"]] > 0).nonzero().flatten()
    for k, table in enumerate(steps.tables[:-1]):
        table[used[k + 1 :]] = 0
    steps.how[:-1] = torch.tensor([float(name == "contrast") for name in FINISH])  # no camera yet
    titles = [f"{k}. {part}" for k, part in enumerate([*parts, "camera"], start=1)]
    figure = show_images(steps.render(), titles, columns=columns, size=size)
    return describe(
        figure,
        "One picture as it is painted, shape by shape, from back to front; each step keeps the last. The camera "
        "adds its grain at the end.",
    )


def show_distance(distance: torch.Tensor, painted: torch.Tensor) -> "Figure":
    """A signed distance (H, W) as colours, with its edge in black, and what was painted with it (H, W, 3)."""
    figure, axes = panels(1, 2, size=(3.1, 2.8))
    limit, place = distance.abs().max(), {"extent": (-1, 1, 1, -1)}
    heat = axes[0].imshow(distance, cmap="RdBu", vmin=-limit, vmax=limit, **place)
    at = (torch.arange(len(distance)) + 0.5) / len(distance) * 2 - 1
    axes[0].contour(at, at, distance, levels=[0], colors="black")
    axes[0].set(title="signed distance", xlabel="x", ylabel="y (down)")
    figure.colorbar(heat, ax=axes[0], shrink=0.8)
    axes[1].imshow(painted, **place)
    axes[1].set(title="painted", xlabel="x")
    for ax in axes:
        ax.grid(False)
    return describe(figure, "The distance to a disc: below 0 inside, above 0 outside; and the disc, painted yellow.")


def show_pairs(pictures: torch.Tensor, captions: Sequence[str], *, columns: int = 4) -> "Figure":
    """Pictures, each above its caption, whose lines are broken to fit."""
    figure, axes = panels(-(-len(captions) // columns), columns, size=(1.75, 2.9))
    for ax, picture, caption in zip(axes, pictures, captions):
        ax.imshow(picture.permute(1, 2, 0))
        ax.set_anchor("N")
        ax.text(0, -0.05, literal(textwrap.fill(caption, width=25)), transform=ax.transAxes, va="top", fontsize=7.5)
    for ax in axes:
        ax.axis("off")
    return describe(figure, "Pictures with their captions: " + " / ".join(captions))


def show_answers(split: "Split", answers: Sequence[int]) -> "Figure":
    """Pictures under the class that each was taken for: ✓ where that is right, ✗ and the right one where it is not."""
    names = split.classnames
    pairs = [(names[answer], names[truth]) for answer, truth in zip(answers, split.labels.tolist())]
    titles = [f"✓ {said}\n" if said == real else f"✗ {said}\n(is: {real})" for said, real in pairs]
    colours = [RIGHT if said == real else WRONG for said, real in pairs]
    figure = show_images(split, titles, columns=6, size=1.15, title_colours=colours)
    return describe(figure, f"{sum(said == real for said, real in pairs)} of {len(pairs)} are named rightly.")


def share_that_names(task: str, pairs: int = 200) -> float:
    """Percent of a task's captions that contain one of its class names, be it the right one or not."""
    names = "|".join(map(re.escape, toyworld.TASKS[task].classnames))
    _, texts = toyworld.draw_pairs(pairs, seed=0, tasks=[task])
    return 100 * sum(bool(re.search(rf"\b({names})\b", text)) for text in texts) / pairs


def show_objects(scenes: toyworld.Scenes, i: int = 0, *, title: str | None = None) -> "Figure":
    """Picture i, what each object's mask covers, and the box around each mask."""
    picture = scenes[[i]].render()[0].permute(1, 2, 0).numpy()  # (H, W, 3)
    masks, boxes, names = scenes.masks(i), scenes.boxes(i), scenes.objects[i]
    figure, axes = panels(1, 3, size=(2.3, 2.5))
    colours = torch.tensor([[int(PALETTE[k % 10][j : j + 2], 16) for j in (1, 3, 5)] for k in range(len(names))])
    painted = torch.full((*masks.shape[1:], 3), 235, dtype=torch.uint8)
    for mask, colour in zip(masks, colours):
        painted[mask] = colour.to(torch.uint8)
    for ax, image, what in zip(axes, (picture, painted.numpy(), picture), ("the picture", "masks", "boxes")):
        ax.imshow(image)
        ax.set_title(what, fontsize=9)
        ax.axis("off")
    for k, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        if x0 == x0:  # not NaN: something of it can be seen
            box = Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, lw=2, edgecolor=PALETTE[k % 10])
            axes[2].add_patch(box)
            label = {"facecolor": PALETTE[k % 10], "edgecolor": "none", "pad": 1, "alpha": 0.85}
            axes[2].text(x0, y0, names[k], fontsize=8, color="white", va="top", bbox=label, clip_on=True)
    heading(figure, title)
    return describe(figure, f"A picture, what each thing in it covers, and a box around each: {', '.join(names)}.")


def _drawn(task: str, *, per_class: int, size: int, seed: int, grain: bool = False) -> dict[str, list[Image.Image]]:
    """Each class's pictures, with or without the camera's grain."""
    scenes, labels = toyworld.draw_scenes(task, "train", seed=seed)
    names = toyworld.TASKS[task].classnames
    shown = scenes[torch.cat([(labels == c).nonzero().flatten()[:per_class] for c in range(len(names))])]
    if not grain:
        shown.how[:, FINISH.index("noise")] = 0
    drawn = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in shown.render(size=size)]
    return {name: drawn[c * per_class : (c + 1) * per_class] for c, name in enumerate(names)}


def _two_lines(name: str, most: int) -> list[str]:
    """A name of more letters than that, broken at the space that makes its lines most alike."""
    spaces = [i for i, letter in enumerate(name) if letter == " "]
    if len(name) <= most or not spaces:
        return [name]
    at = min(spaces, key=lambda i: (max(i, len(name) - i - 1), -i))
    return [name[:at], name[at + 1 :]]


def _write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, *, size: float, bold: bool = False,
           fill: str = INK, anchor: str = "la", width: float | None = None) -> None:  # fmt: skip
    """A line of text, made smaller where it is wider than `width`."""
    weight = "bold" if bold else "normal"
    path = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight))
    font = ImageFont.truetype(path, size)
    if width and font.getlength(text) > width:
        font = ImageFont.truetype(path, size * width / font.getlength(text))
    draw.text(at, text, font=font, fill=fill, anchor=anchor)
