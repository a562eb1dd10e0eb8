"""How many answers are right."""

import torch
from torch import Tensor


def percent_right(answers: Tensor, labels: Tensor) -> float:
    """answers, labels: (N,) -> percent, 0 to 100."""
    return 100 * (answers == torch.as_tensor(labels, device=answers.device)).double().mean().item()
