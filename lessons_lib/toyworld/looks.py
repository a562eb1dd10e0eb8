"""Looks: what one camera, archive or scanner does to all the pictures of a task.

Real data sets differ in more than what they show: satellite tiles are hazy, catalogue photos glare, old films are warm
and dark at the corners. Pre-training saw each such look seldom, and that is one of the reasons why adapting a model
pays. A look acts after the picture is drawn, so that it changes no mask, box or fact.
"""

from dataclasses import dataclass

import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class Look:
    """Ranges, from which each picture takes its own numbers; the default changes nothing.

    cast: brightness added, of a range of 1; contrast: a factor; warmth: added to red and taken from blue; noise: the
    grain's standard deviation added; vignette: how far the corners are darkened, 0 … 1; softness: how much of the
    picture is out of focus, 0 … 1.
    """

    cast: Range = (0.0, 0.0)
    contrast: Range = (1.0, 1.0)
    warmth: Range = (0.0, 0.0)
    noise: Range = (0.0, 0.0)
    vignette: Range = (0.0, 0.0)
    softness: Range = (0.0, 0.0)

    def at(self, strength: float) -> "Look":
        """The same look, weaker or stronger: 0 changes nothing, 1 is this one."""
        ranges = {name: getattr(self, name) for name in self.__dataclass_fields__}
        scaled = {
            name: tuple((value - neutral) * strength + neutral for value in ends)
            for name, ends in ranges.items()
            for neutral in [1.0 if name == "contrast" else 0.0]
        }
        return Look(**scaled)

    def drawn(self, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Each of the six numbers for n pictures: (n,)."""
        return {name: rng.uniform(*getattr(self, name), n) for name in self.__dataclass_fields__}


NO_LOOK = Look()


def any_look(rng: np.random.Generator) -> Look:
    """A look that belongs to no task: what the web has, now and then."""
    changes = {
        "cast": rng.uniform(-0.2, 0.2),
        "contrast": np.exp(rng.uniform(np.log(0.5), np.log(1.6))),
        "warmth": rng.uniform(-0.15, 0.15),
        "noise": rng.uniform(0, 0.1),
        "vignette": rng.uniform(0, 0.7),
        "softness": rng.uniform(0, 0.8),
    }
    some = rng.choice(list(changes), size=rng.integers(1, 4), replace=False)
    return Look(**{str(name): (float(changes[name]),) * 2 for name in some})
