"""The pictures and sounds of an edition stay as they are: what is kept of them is found by the edition's number.

After a change that is meant, raise EDITION (`lessons_lib.toyworld.render`, or `lessons_lib.toysound`) and write what it
looks like now:    LESSONS_WRITE_EDITION=1 python -m pytest tests/toyworld/test_edition.py
"""

import json
import os
from pathlib import Path

import pytest
import torch

from lessons_lib import toysound, toyworld

LOOK = Path(__file__).with_name("edition.json")
COARSE = 2  # a picture is told by 2 × 2 means of each channel, a sound by its loudness in 16 parts
ROUNDING = 0.02  # of 255, in a mean of 1,024 pixels and of a class's pictures: what processors may differ by


def looks() -> dict[str, list[list[float]]]:
    """Task -> of each picture (several a class are one) the coarse means."""
    found = {}
    for name, spec in toyworld.TASKS.items():
        scenes, _ = toyworld.draw_scenes(name, per_class=2)
        found[name] = coarse(scenes.render()).unflatten(0, (len(spec.classes), 2)).mean(dim=1)
    for name in toyworld.SEVERAL:
        scenes, _ = toyworld.draw_several(name, split="test", seed=0)
        found[name] = coarse(scenes[range(8)].render())
    waves = torch.cat([wave[None] for wave in first_sounds()])
    found[toysound.TASK.name] = (waves.float() / 256).square().unflatten(1, (16, -1)).mean(dim=2).sqrt()
    return {name: [[round(value, 2) for value in row] for row in rows.tolist()] for name, rows in found.items()}


def first_sounds() -> list[torch.Tensor]:
    waves, labels = toysound.draw_sounds("test", seed=0)
    return [waves[labels == label][0] for label in range(len(toysound.CLASSES))]


def coarse(pictures: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.adaptive_avg_pool2d(pictures.float(), COARSE).flatten(1)


@pytest.fixture(scope="module")
def now():
    found = looks()
    if os.environ.get("LESSONS_WRITE_EDITION"):
        editions = {"toyworld": toyworld.EDITION, "toysound": toysound.EDITION}
        LOOK.write_text(json.dumps(editions | {"looks": found}, separators=(",", ":")))
    return found


def test_every_task_looks_and_sounds_as_its_edition_does(now):
    kept = json.loads(LOOK.read_text())
    assert (kept["toyworld"], kept["toysound"]) == (toyworld.EDITION, toysound.EDITION)
    assert list(kept["looks"]) == list(now)
    for name, rows in now.items():
        there, here = torch.tensor(kept["looks"][name]), torch.tensor(rows)
        assert there.shape == here.shape and (there - here).abs().max() <= ROUNDING, f"{name}: raise EDITION"


def test_a_change_of_a_recipe_is_seen(now):
    """A shape of one class moved by a pixel is far more than rounding."""
    scenes, _ = toyworld.draw_scenes("toy_pets", per_class=2)
    moved = scenes.render().roll(1, dims=3)
    there = torch.tensor(json.loads(LOOK.read_text())["looks"]["toy_pets"])
    here = coarse(moved).unflatten(0, (len(there), 2)).mean(dim=1)
    assert ((there - here).abs().amax(dim=1) > 10 * ROUNDING).all()
