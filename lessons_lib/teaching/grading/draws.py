"""Hidden tests: a check once more, on cases that are drawn anew.

Who wrote down what the visible check wants to see, instead of computing it, passes that check and not this one.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
import torch

AWAY = 7919  # what is added to every seed


class _Generator(torch.Generator):
    def manual_seed(self, seed: int) -> torch.Generator:
        return super().manual_seed(seed + AWAY)


@contextmanager
def other_draws() -> Iterator[None]:
    """Inside it, whatever is drawn from a seed is drawn from another one."""
    default_rng, manual_seed = np.random.default_rng, torch.manual_seed
    with ExitStack() as stack:
        stack.enter_context(patch.object(torch, "Generator", _Generator))
        stack.enter_context(patch.object(torch, "manual_seed", lambda seed: manual_seed(seed + AWAY)))
        stack.enter_context(
            patch.object(np.random, "default_rng", lambda seed: default_rng(seed + AWAY if type(seed) is int else seed))
        )
        yield
