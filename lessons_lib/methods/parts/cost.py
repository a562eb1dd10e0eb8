"""How long a fit and its tests take with ToyCLIP on one quiet core, roughly, once the frozen features are cached."""

from dataclasses import dataclass, field
from typing import Any

FORWARD, BOTH_WAYS = 170, 90  # images a second through ToyCLIP's image tower: embedded, and trained on
AT_LEAST = 0.1  # seconds of any run


@dataclass(frozen=True)
class Sizes:
    """What decides how long a run takes; None where it is not known.

    classes: C, that it is fitted on.   trained_on, tested: images, of all tests together.   shots: images a class.
    fit: arguments of `fit`.   encode: seconds a picture takes through the image tower.
    """

    classes: int | None
    trained_on: int | None
    tested: int | None
    shots: int | None = None
    fit: dict[str, Any] = field(default_factory=dict)
    encode: float = 1 / FORWARD

    @property
    def known(self) -> bool:
        return None not in (self.classes, self.trained_on, self.tested)
