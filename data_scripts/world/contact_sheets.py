"""Draw what ToyWorld looks like: `python data_scripts/world/contact_sheets.py`

docs/contact_sheets/TASK.png shows every class of a task, a few pictures each; docs/toyworld.png shows ten classes of
each of the eleven tasks. Each file stays below 300 kB.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image

from lessons_lib import toyworld
from lessons_lib.files import atomic_write
from lessons_lib.teaching.lesson00 import tour

DOCS = Path(__file__).resolve().parents[2] / "docs"
LIMIT = 300_000  # bytes a file


def save(page: Image.Image, path: Path) -> None:
    """Write a page as PNG and say how large it is. Raises ValueError for one above the limit."""
    buffer = io.BytesIO()
    page.save(buffer, "png", optimize=True)
    if buffer.tell() > LIMIT:
        raise ValueError(f"{path.name} would be {buffer.tell()} bytes; the limit is {LIMIT}: show fewer pictures")
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, buffer.getvalue())
    print(f"{path.stem:20} {buffer.tell() / 1000:4.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the contact sheets of the toy tasks, and the overview.")
    parser.add_argument("tasks", nargs="*", help="default: every task, its shifts, and the overview")
    parser.add_argument("--out", type=Path, default=DOCS)
    args = parser.parse_args()
    unknown = set(args.tasks) - set(toyworld.TASKS)
    if unknown:
        parser.error(f"no such task: {', '.join(sorted(unknown))}; there are {', '.join(toyworld.TASKS)}")
    for task in args.tasks or toyworld.TASKS:
        save(tour.sheet(task), args.out / "contact_sheets" / f"{task}.png")
    if not args.tasks:
        save(tour.overview(), args.out / "toyworld.png")


if __name__ == "__main__":
    main()
