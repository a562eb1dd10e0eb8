"""A stand-in for a learner's photos: a drone pilot's folder, drawn by ToyWorld and written to disk as a camera would.

Real files with what real folders have: landscape and portrait, stored sideways with a note in EXIF, bursts, a copy, a
file that was cut short, photos in the wrong folder, and folder names that no caption used.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lessons_lib.toyworld import TASKS, Conditions
from lessons_lib.toyworld.scenes import draw_class

LAND = {  # folder, as the pilot called it -> CLIP's authors' words for EuroSAT, two of them shortened
    "arable": "annual crop land",
    "factory": "industrial buildings",
    "motorway": "highway or road",
    "orchard": "permanent crop land",
    "pasture": "pasture land",
    "reservoir": "lake or sea",
    "scrub": "brushland or shrubland",
    "settlement": "residential buildings",
    "stream": "river",
    "woodland": "forest",
}
BY_HAND = Conditions(  # in all weathers, now and then blurred, something in front
    brightness=0.14, contrast=(0.75, 1.15), noise=(0.01, 0.045), colour_jitter=0.1, clutter=0.2,
    styles=(("plain", 0.92), ("blurred", 0.08)),
)  # fmt: skip
LONG, SHORT = 160, 120  # pixels
SIDEWAYS = 6  # EXIF's orientation: turn by 90 degrees clockwise to see it upright
ORIENTATION = 0x0112


@dataclass(frozen=True)
class Album:
    """What was written. All files are paths relative to `folder`, with forward slashes.

    classnames: folder -> a name that says more.   bursts: pairs of files of one moment.
    misfiled: file -> the folder that it belongs to.   copy: a file and its copy.   damaged: one that cannot be read.
    """

    folder: Path
    classnames: dict[str, str]
    bursts: list[tuple[str, str]]
    misfiled: dict[str, str]
    copy: tuple[str, str]
    damaged: str

    @property
    def drawn(self) -> bool:
        """Whether it was drawn, so that all is known of it; of a learner's own photos nothing is."""
        return bool(self.classnames)


def draw_album(folder: Path, *, per_class: int = 48, bursts: int = 5, misfiled: int = 8, seed: int = 0) -> Album:
    """Writes a folder of JPEGs, one folder a class, and says what is where. The same seed writes the same pixels.

    per_class: moments a class.   bursts: how many of them were taken twice.   misfiled: photos in a wrong folder.
    """
    rng = np.random.default_rng([seed, 10])
    spec = TASKS["toy_satellite"]
    kinds = {cls.name: cls for cls in spec.classes}
    photos: list[tuple[str, Image.Image, int]] = []  # class folder, picture, moment
    for name, word in LAND.items():
        scenes = draw_class(kinds[word], per_class, rng, category=spec.category, conditions=BY_HAND)
        twice = np.sort(np.append(np.arange(per_class), rng.choice(per_class, bursts, replace=False)))
        taken = scenes[twice.tolist()]
        again = np.append(False, twice[1:] == twice[:-1])
        taken.how[again, 1] += 0.02  # a little brighter,
        taken.how[again, 4] = 1 - taken.how[again, 4]  # with other grain,
        squares = taken.render(size=LONG).permute(0, 2, 3, 1).numpy()  # (n, H, W, 3)
        portrait = rng.random(per_class)[twice] < 0.4
        edge = rng.integers(4, LONG - SHORT - 4, per_class)[twice] + 2 * again  # from a slightly other place
        for square, upright, at, moment in zip(squares, portrait, edge, twice, strict=True):
            cut = square[:, at : at + SHORT] if upright else square[at : at + SHORT]
            photos.append((name, Image.fromarray(cut), moment))

    files, belongs = _files([name for name, *_ in photos], misfiled, rng)
    for file, (_, picture, _) in zip(files, photos, strict=True):
        _write(folder / file, picture, sideways=rng.random() < 0.5 and picture.height > picture.width)
    pairs = [i for i in range(1, len(photos)) if photos[i][::2] == photos[i - 1][::2]]
    original, damaged = (files[i] for i in rng.choice(len(files), 2, replace=False))
    copied = original.replace(".jpg", " (1).jpg")
    (folder / copied).write_bytes((folder / original).read_bytes())
    cut_short = (folder / damaged).read_bytes()
    (folder / damaged).write_bytes(cut_short[: len(cut_short) // 2])
    return Album(folder, dict(LAND), [(files[i - 1], files[i]) for i in pairs], belongs, (original, copied), damaged)


def _files(owners: list[str], misfiled: int, rng: np.random.Generator) -> tuple[list[str], dict[str, str]]:
    """A path for each photo, numbered as a camera does, a few under a wrong class; and where those belong."""
    wrong = set(rng.choice(len(owners), misfiled, replace=False).tolist())
    files, belongs = [], {}
    for number, owner in enumerate(owners):
        others = [name for name in LAND if name != owner]
        chosen = others[rng.integers(len(others))] if number in wrong else owner
        files.append(f"{chosen}/IMG_{1001 + number}.jpg")
        if number in wrong:
            belongs[files[-1]] = owner
    return files, belongs


def _write(path: Path, picture: Image.Image, *, sideways: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    notes = Image.Exif()
    if sideways:
        notes[ORIENTATION] = SIDEWAYS
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    picture.save(path, quality=88, exif=notes)
