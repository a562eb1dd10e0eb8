"""What is asked of a method in more than one place."""

import torch


def learned(method) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in method.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def all_of(method, split) -> tuple:
    """Everything that a refused call must leave as it was."""
    return learned(method), method.classnames, method.task_template, list(method.history), method.logits(split)


def assert_unchanged(before: tuple, after: tuple) -> None:
    assert same(before[0], after[0]) and before[1:4] == after[1:4] and torch.equal(before[4], after[4])


def away_from_start(method, images) -> None:
    """Moves all that is learned, so that nothing agrees only because it stands at its start."""
    draws = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in method.parameters():
            p += 0.05 * torch.randn(p.shape, generator=draws).to(p.device)
        for layer in method.modules():  # of the few hidden units of a tiny model, some that every image opens
            if isinstance(layer, torch.nn.Linear) and layer.bias is not None:
                layer.bias += 0.5
