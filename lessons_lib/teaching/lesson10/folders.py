"""What lesson 10 does with files: a folder's contents, what the loader says of it, the script that is run at its end.

Each prints what the learner is to read. What only the drawn album's maker can know is told of the drawn album alone.
"""

import itertools
import json
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from lessons_lib.data import Split, Task, load_task
from lessons_lib.data.kinds import is_hidden, is_picture
from lessons_lib.teaching.lesson10.album import Album, draw_album
from lessons_lib.toyworld import draw_scenes

TEMPLATE = "a satellite photo of {}."  # of the drawn album, whose photos are taken from above
WIDTH = 88  # characters


def take_album(own: str | None, folder: Path) -> Album:
    """The learner's photos in the folder `own`, and what is known of them: nothing. Without one, an album drawn into
    `folder`."""
    if not own:
        return draw_album(folder)
    return Album(Path(own).expanduser().absolute(), {}, [], {}, ("", ""), "")


def overview(folder: Path) -> None:
    """Prints how many photos lie in each folder below this one, and the first and last of their names."""
    found = (path for path in folder.rglob("*") if path.is_file() and not is_hidden(path))
    photos = sorted(path for path in found if is_picture(path))
    print(f"{folder.name}: {len(photos)} photos")
    for parent, inside in itertools.groupby(photos, key=lambda path: path.parent):
        names = [path.name for path in inside]
        print(f"  {parent.relative_to(folder).as_posix():20} {len(names):4}   {names[0]} … {names[-1]}")


def say(kind: str, text: object, folder: Path) -> None:
    """Prints what the loader said, without the path of the folder, in lines that fit a page."""
    said = f"{kind}: {text}".replace(str(folder), folder.name)
    print(textwrap.fill(said, width=WIDTH, subsequent_indent="    "))


def load(folder: Path, *, quiet: bool = False, **settings) -> Task:
    """`ll.load_task` of a folder, its warnings printed, or with `quiet` left out. Raises what it raises."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        task = load_task(folder, progress=False, **settings)
    for warning in told if not quiet else []:
        say("warned", warning.message, folder)
    return task


def wordings(task: Task, album: Album) -> dict[str, Task]:
    """The same photos under several words. Of a learner's own: as they were loaded.

    Into the drawn album's folder a classnames.json is written, which is printed. The loader deals a class by its name,
    so anew; all three wordings are of this deal: the folders' names, the names of classnames.json, and these with a
    template.
    """
    file = album.folder / "classnames.json"
    if not album.drawn:
        return {"classnames.json" if file.exists() else "the folders' names": task}
    file.write_text(json.dumps(album.classnames, indent=1))
    print(f"{file.name}\n{file.read_text()}")
    named = load(album.folder, quiet=True, skip_unreadable=True)
    return {
        "the folders' names": worded(named, task.classnames, task.templates),
        "classnames.json": named,
        "with a template": worded(named, named.classnames, [TEMPLATE]),
    }


def worded(task: Task, classnames: Sequence[str], templates: Sequence[str]) -> Task:
    """The same photos in the same parts, with other names for the classes in their order, and other templates."""
    pools = {"train": task.pool, "val": task.val_pool, "test": task.test}
    parts = {part: Split(pool.images, pool.targets, classnames) for part, pool in pools.items()}
    return Task.from_pools(task.name, **parts, templates=templates)


def bursts_apart(album: Album, task: Task) -> list[set[Path]]:
    """The pairs of one moment of which one half is trained on, and the other is a test photo."""
    pairs = [{album.folder / file for file in pair} for pair in album.bursts]
    return [pair for pair in pairs if pair & set(task.pool.paths) and pair & set(task.test.paths)]


def copies_dropped(album: Album, dealt: Task, task: Task) -> tuple[int, int]:
    """Of the test photos of `dealt` that `task` has no more: how many have their twin in train or val, and how many
    only looked like having one."""
    learned = {*dealt.pool.paths, *dealt.val_pool.paths}
    pairs = [{album.folder / file for file in pair} for pair in [*album.bursts, album.copy]]
    dropped = set(dealt.test.paths) - set(task.test.paths)
    copies = [path for path in dropped if any(path in pair and pair & learned for pair in pairs)]
    return len(copies), len(dropped) - len(copies)


def tell_copies(album: Album, dealt: Task, task: Task) -> None:
    """Prints how well the search for near copies did, where that is known."""
    if album.drawn:
        copies, alike = copies_dropped(album, dealt, task)
        print(f"test photos with their twin in train: {len(bursts_apart(album, dealt))}", end=", ")
        print(f"now {len(bursts_apart(album, task))}")
        print(f"left out of test: {copies} with a twin in train or val, {alike} only looked like it")


def tell_misfiled(album: Album, test: Split, shown: Iterable[int]) -> None:
    """Prints how many of the photos `shown` lie in a wrong folder, where that is known."""
    if album.drawn:
        misfiled = {album.folder / file for file in album.misfiled}
        there = {i for i, path in enumerate(test.paths) if path in misfiled}
        print(f"{len(misfiled)} photos of this album lie in a wrong folder, {len(there)} of them test photos;")
        print(f"in the figure above: {len(there & set(shown))}")


def draw_stranger(path: Path) -> Path:
    """A drawing of a pet, of which no album knows, as a file."""
    drawing, _ = draw_scenes("toy_pets", per_class=1)
    pixels = drawing[0].render()[0]  # (3, S, S) uint8
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)
    return path


def run_script(program: Path, files: Sequence[Path]) -> list[str]:
    """`python program file …` in the program's folder: the lines that it prints, one a file.

    Raises RuntimeError with its own words where it fails.
    """
    command = [sys.executable, program.name, *map(str, files)]
    done = subprocess.run(command, cwd=program.parent, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{program.name} failed:\n{done.stderr}")
    return done.stdout.splitlines()
