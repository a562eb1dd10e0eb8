"""Draw what ToyWorld looks like: `python data_scripts/contact_sheets.py`

docs/contact_sheets/TASK.png shows every class of a task, a few pictures each, in ToyWorld's own 64 × 64 pixels;
docs/toyworld.png shows ten classes of each of the eleven tasks, drawn a little finer. Pictures come from the training
pools, without the camera's grain, which PNG cannot compress: each file stays below 300 kB.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from lessons_lib.data import toyworld
from lessons_lib.data.toyworld.render import FINISH, SIZE
from lessons_lib.files import atomic_write

DOCS = Path(__file__).resolve().parents[1] / "docs"
LIMIT = 300_000  # bytes a file
PAPER, INK, FAINT = "#ffffff", "#1b1f24", "#656d76"
GAP = 6
SHOWN = {  # the overview's classes where they are not the first ten
    "toy_things": "elephant giraffe owl crane shark bicycle pineapple cactus rocket volcano",
    "toy_objects": "guitar umbrella camera watch laptop anchor ferry scissors lamp starfish",
    "toy_food": "pizza hamburger taco sushi soup pancakes donut cupcake waffles cheesecake",
    "toy_scenes": "beach mountain desert harbor bedroom bridge castle farm lighthouse playground",
    "toy_actions": "archery juggling handstand weightlifting biking rowing yoga boxing bowling",
}


def pictures(task: str, *, per_class: int, size: int, seed: int = 0) -> dict[str, list[Image.Image]]:
    """Each class's pictures, without grain."""
    scenes, _ = toyworld.draw_scenes(task, "train", seed=seed, per_class=per_class)
    scenes.how[:, FINISH.index("noise")] = 0
    drawn = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in scenes.render(size=size)]
    names = toyworld.TASKS[task].classnames
    return {name: drawn[c * per_class : (c + 1) * per_class] for c, name in enumerate(names)}


def write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, *, size: float, bold: bool = False,
          fill: str = INK, anchor: str = "la", width: float | None = None) -> None:  # fmt: skip
    """A line of text, made smaller where it is wider than `width`."""
    weight = "bold" if bold else "normal"
    path = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight))
    font = ImageFont.truetype(path, size)
    if width and font.getlength(text) > width:
        font = ImageFont.truetype(path, size * width / font.getlength(text))
    draw.text(at, text, font=font, fill=fill, anchor=anchor)


def sheet(task: str, *, width: int = 880) -> Image.Image:
    """Every class of one task: its pictures in a row, its name below."""
    classes = toyworld.TASKS[task].classnames
    per_class = 6 if len(classes) < 30 else 3
    cell_w, cell_h = per_class * (SIZE + 1) + 2 * GAP, SIZE + 22
    columns = width // cell_w
    rows = -(-len(classes) // columns)
    head = 44
    page = Image.new("RGB", (columns * cell_w + GAP, head + rows * cell_h + GAP), PAPER)
    draw = ImageDraw.Draw(page)
    spec = toyworld.TASKS[task]
    twin = f"twin of {spec.twin}, " if spec.twin else ""
    write(draw, (GAP, 10), task, size=18, bold=True)
    write(draw, (columns * cell_w, 16), f"{twin}{len(classes)} classes", size=12, fill=FAINT, anchor="ra")
    for i, (name, drawn) in enumerate(pictures(task, per_class=per_class, size=SIZE).items()):
        x, y = GAP + i % columns * cell_w, head + i // columns * cell_h
        for k, picture in enumerate(drawn):
            page.paste(picture, (x + k * (SIZE + 1), y))
        write(draw, (x, y + SIZE + 3), name, size=11, fill=INK)
    return page


def overview(*, size: int = 96, columns: int = 10) -> Image.Image:
    """Eleven tasks, a row each: its name, its twin, and ten of its classes."""
    left, row_h = 142, size + 20
    page = Image.new("RGB", (left + columns * (size + GAP), len(toyworld.ELEVEN) * row_h + GAP), PAPER)
    draw = ImageDraw.Draw(page)
    for r, task in enumerate(toyworld.ELEVEN):
        y, spec = GAP + r * row_h, toyworld.TASKS[task]
        write(draw, (GAP, y + size / 2 - 8), task, size=14, bold=True, anchor="lm")
        write(draw, (GAP, y + size / 2 + 9), f"like {spec.twin}", size=11.5, fill=FAINT, anchor="lm")
        drawn = pictures(task, per_class=1, size=size)
        wanted = [name for name in drawn if name.replace(" ", "_") in SHOWN.get(task, "").split()]
        for c, name in enumerate((wanted + [name for name in drawn if name not in wanted])[:columns]):
            x = left + c * (size + GAP)
            page.paste(drawn[name][0], (x, y))
            write(draw, (x + size / 2, y + size + 8), name, size=9.5, fill=FAINT, anchor="mm", width=size)
    return page


def save(page: Image.Image, path: Path) -> int:
    """Write a page as PNG with 256 colours of its own, or fewer where that is too large. Returns its bytes."""
    for colours in (256, 128, 64):
        buffer = io.BytesIO()
        few = page.quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
        few.save(buffer, "png", optimize=True)
        if buffer.tell() <= LIMIT:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, buffer.getvalue())
            return buffer.tell()
    raise ValueError(f"{path.name} would be {buffer.tell()} bytes even with 64 colours; show fewer pictures")


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the contact sheets of the toy tasks, and the overview.")
    parser.add_argument("tasks", nargs="*", help="default: every task, its shifts, and the overview")
    parser.add_argument("--out", type=Path, default=DOCS)
    args = parser.parse_args()
    unknown = set(args.tasks) - set(toyworld.TASKS)
    if unknown:
        parser.error(f"no such task: {', '.join(sorted(unknown))}; there are {', '.join(toyworld.TASKS)}")
    for task in args.tasks or toyworld.TASKS:
        size = save(sheet(task), args.out / "contact_sheets" / f"{task}.png")
        print(f"{task:20} {size / 1000:4.0f} kB")
    if not args.tasks:
        print(f"{'overview':20} {save(overview(), args.out / 'toyworld.png') / 1000:4.0f} kB")


if __name__ == "__main__":
    main()
