"""What passes through an image tower: the shapes behind each of its parts."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def shapes(tower: nn.Module, parts: Sequence[str], images: Tensor) -> dict[str, str]:
    """The shape of what each part of a tower hands on, such as "2 × 96 × 4 × 4"; "" is the tower itself.

    parts: names as `get_submodule` takes them. images: what the tower takes.
    """
    found, hooks = {}, []
    for part in parts:
        hook = lambda module, args, output, part=part: found.update({part: " × ".join(map(str, output.shape))})  # noqa: E731
        hooks.append(tower.get_submodule(part).register_forward_hook(hook))
    with torch.no_grad():
        tower.eval()(images)
    for hook in hooks:
        hook.remove()
    return {part: found[part] for part in parts}
