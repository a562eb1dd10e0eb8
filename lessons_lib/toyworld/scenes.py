"""Scenes: drawn pictures together with what drew them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lessons_lib.toyworld import render as _render
from lessons_lib.toyworld.coverage import COL, SIZE
from lessons_lib.toyworld.looks import NO_LOOK
from lessons_lib.toyworld.render import FINISH, STYLE
from lessons_lib.toyworld.sketch import Conditions, Facts, Sketch


@dataclass(frozen=True)
class ToyClass:
    """One class of a toy task.

    name: the task's class name; draw: the recipe; also: other words that captions use for it instead; spoken: how
    often captions use the class's name at all, relative to its task; scene: the recipe fills the whole picture (no
    backdrop, no frame).
    """

    name: str
    draw: Callable[[Sketch], None]
    also: tuple[str, ...] = ()
    spoken: float = 1.0
    scene: bool = False


@dataclass
class Scenes:
    """N pictures as tables of shapes; pixels are made on request.

    tables: (N, P, columns) float32; how: (N, finish) float32; facts: what can be said of each picture; parts, objects:
    for each picture the names that the table's part and object numbers stand for.
    """

    tables: Tensor
    how: Tensor
    facts: list[Facts]
    parts: list[tuple[str, ...]]
    objects: list[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.facts)

    def __getitem__(self, which: int | slice | Sequence[int] | Tensor) -> "Scenes":
        if isinstance(which, int):
            which = [which]
        index = torch.arange(len(self))[which] if isinstance(which, slice) else torch.as_tensor(which, dtype=torch.long)
        picks = index.tolist()
        return Scenes(
            self.tables[index], self.how[index], [self.facts[i] for i in picks],
            [self.parts[i] for i in picks], [self.objects[i] for i in picks],
        )  # fmt: skip

    @staticmethod
    def cat(many: Sequence["Scenes"]) -> "Scenes":
        """All the pictures of several Scenes, in order."""
        layers = max(s.tables.shape[1] for s in many)
        pad = torch.nn.functional.pad
        tables = torch.cat([pad(s.tables, (0, 0, 0, layers - s.tables.shape[1])) for s in many])
        listed = [[x for s in many for x in getattr(s, name)] for name in ("facts", "parts", "objects")]
        return Scenes(tables, torch.cat([s.how for s in many]), *listed)

    def render(self, *, size: int = SIZE, device: str | torch.device = "cpu", chunk: int | None = None) -> Tensor:
        """The pictures: (N, 3, size, size) uint8 on `device`."""
        return _render.render(self.tables, self.how, size=size, device=device, chunk=chunk)

    def masks(self, i: int, *, size: int = SIZE) -> Tensor:
        """(objects, size, size) bool: where each object of picture i can be seen."""
        masks = _render.object_masks(self.tables[i], size=size)
        missing = len(self.objects[i]) - len(masks)
        return torch.nn.functional.pad(masks, (0, 0, 0, 0, 0, missing)) if missing else masks

    def owners(self, *, size: int = SIZE) -> Tensor:
        """(N, size, size) long: which of a picture's objects each pixel shows most, -1 where it shows none."""
        return _render.owners(self.tables, size=size)

    def boxes(self, i: int, *, size: int = SIZE) -> Tensor:
        """(objects, 4) float: left, top, right, bottom in pixels, around each mask; NaN where nothing of the object
        can be seen.
        """
        out = torch.full((len(self.objects[i]), 4), float("nan"))
        for k, mask in enumerate(self.masks(i, size=size)):
            ys, xs = torch.nonzero(mask, as_tuple=True)
            if len(xs):
                out[k] = torch.tensor([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        return out

    def describe(self, i: int) -> dict:
        """What drew picture i: its facts, its objects, and each shape's part, object, middle and colour, from back
        to front.
        """
        rows = self.tables[i][self.tables[i][:, COL["kind"]] > 0]
        owner = [int(k) for k in rows[:, COL["object"]]]
        shapes = [
            {
                "part": self.parts[i][int(row[COL["part"]])],
                "object": self.objects[i][k] if k >= 0 else None,
                "x": float(row[COL["x"]]), "y": float(row[COL["y"]]),
                "rgb": tuple(row[COL["red"] : COL["blue"] + 1].tolist()),
            }
            for row, k in zip(rows, owner, strict=True)
        ]  # fmt: skip
        return {"facts": self.facts[i], "objects": list(self.objects[i]), "parts": shapes}

    @property
    def fingerprint(self) -> str:
        """Changes whenever a pixel could: a hash of the tables and the world's edition."""
        h = hashlib.sha256(f"toyworld {_render.EDITION} {tuple(self.tables.shape)}".encode())
        h.update(self.tables.contiguous().numpy())
        h.update(self.how.contiguous().numpy())
        return h.hexdigest()


def finished(s: Sketch) -> Scenes:
    """A Sketch's pictures, with the camera and the style that its conditions ask for."""
    c, n = s.conditions, s.n
    how = np.zeros((n, len(FINISH)), dtype=np.float32)
    names, shares = zip(*c.styles, strict=True)
    picks = s.rng.choice(len(names), size=n, p=np.asarray(shares) / sum(shares))
    how[:, 0] = [STYLE[names[i]] for i in picks]
    how[:, 1] = s.uniform(-c.brightness, c.brightness)
    how[:, 2] = s.uniform(*c.contrast)
    how[:, 3] = s.uniform(*c.noise)
    how[:, 4] = s.rng.random(n)
    if c.look != NO_LOOK:
        look = c.look.drawn(n, s.rng)
        how[:, FINISH.index("brightness")] += look["cast"]
        how[:, FINISH.index("contrast")] *= look["contrast"]
        how[:, FINISH.index("noise")] += look["noise"]
        for name in ("warmth", "vignette", "softness"):
            how[:, FINISH.index(name)] = look[name]
    for facts, i in zip(s.facts, picks, strict=True):
        facts.style = names[i]
    tables = torch.from_numpy(np.stack(s.rows, axis=1))
    used = (tables[:, :, 0] > 0).sum(1)
    order = (tables[:, :, 0] == 0).to(torch.int8).argsort(dim=1, stable=True)  # the shapes in use first, in their order
    tables = tables.gather(1, order[:, :, None].expand_as(tables))[:, : max(int(used.max()), 1)]
    return Scenes(tables, torch.from_numpy(how), s.facts, [tuple(s.parts)] * n, [tuple(s.objects)] * n)


def draw_class(cls: ToyClass, n: int, rng: np.random.Generator, *, category: str, conditions: Conditions) -> Scenes:
    """n pictures of one class."""
    s = Sketch(n, rng, name=cls.name, category=category, conditions=conditions)
    if not cls.scene:
        s.backdrop()
        s.place(cls.name)
        s.describe_place()
    cls.draw(s)
    s.clutter()
    return finished(s)
