"""A tour of ToyWorld: all tasks on a page, one picture shape by shape, and what stands where in a scene.

Pages are PIL images of 256 colours, so that they stay small; figures are matplotlib's.
"""

from typing import TYPE_CHECKING

import torch
from matplotlib import font_manager
from matplotlib.patches import Rectangle
from PIL import Image, ImageDraw, ImageFont

from lessons_lib import toyworld
from lessons_lib.look import heading
from lessons_lib.teaching.plots import PALETTE, describe, panels, show_images
from lessons_lib.toyworld.render import COL, FINISH, SIZE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    left, row_h = 142, size + 20
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
            _write(draw, (x + size / 2, y + size + 8), name, size=9.5, fill=FAINT, anchor="mm", width=size)
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
    """Picture i, shape by shape, from back to front; each is named by the part that was just painted."""
    parts = [shape["part"] for shape in scenes.describe(i)["parts"]]
    steps = scenes[[i] * len(parts)]
    used = (scenes.tables[i, :, COL["kind"]] > 0).nonzero().flatten()
    for k, table in enumerate(steps.tables):
        table[used[k + 1 :]] = 0
    titles = [f"{k}. {part}" for k, part in enumerate(parts, start=1)]
    figure = show_images(steps.render(), titles, columns=columns, size=size)
    return describe(
        figure, "One picture as it is painted, shape by shape, from back to front; each step keeps the last."
    )


def show_objects(scenes: toyworld.Scenes, i: int = 0, *, title: str | None = None) -> "Figure":
    """Picture i, what each object's mask covers, and the box around each mask."""
    picture = scenes[[i]].render()[0].permute(1, 2, 0).numpy()  # (H, W, 3)
    masks, boxes, names = scenes.masks(i), scenes.boxes(i), scenes.objects[i]
    figure, axes = panels(1, 3, size=(2.6, 2.8))
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
            axes[2].text(x0, y0, names[k], fontsize=7, color="white", va="top", bbox=label, clip_on=True)
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


def _write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, *, size: float, bold: bool = False,
           fill: str = INK, anchor: str = "la", width: float | None = None) -> None:  # fmt: skip
    """A line of text, made smaller where it is wider than `width`."""
    weight = "bold" if bold else "normal"
    path = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight))
    font = ImageFont.truetype(path, size)
    if width and font.getlength(text) > width:
        font = ImageFont.truetype(path, size * width / font.getlength(text))
    draw.text(at, text, font=font, fill=fill, anchor=anchor)
