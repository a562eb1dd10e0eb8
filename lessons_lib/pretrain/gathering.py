"""One batch over several processes: losses and batch norms that see all of it, and give the gradients of one process
that has the whole (`DistributedDataParallel` takes the mean over processes of what each of them computes).

The releases differ. SLIP's CLIP loss gathers features without their gradients: a feature learns from its own row of the
logits, and nothing from being in the rows of others, on its own process or elsewhere. Its SimCLR loss gathers them with
gradients, and its batch norms are over all processes (`SyncBatchNorm`, which needs a GPU). Here all carry gradients.
"""

from collections.abc import Callable

import torch
import torch.distributed as dist
import torch.distributed.nn.functional
from torch import Tensor, nn


def processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gathered(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The loss over the rows of all processes: each of its tensors (n, …) is gathered, with its gradients, in the order
    of the processes, which have equally many rows. Numbers without rows, such as the scale, are all processes' own."""

    def over_all(*outputs: Tensor) -> Tensor:
        return loss(*(x if x.ndim == 0 else torch.cat(dist.nn.functional.all_gather(x)) for x in outputs))

    return over_all


class GatheredBatchNorm(nn.BatchNorm1d):
    """Batch norm whose means and variances, while it learns, are those of the rows of all processes."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, d) -> (n, d). Processes have equally many rows; with one process it is torch's."""
        if not self.training or processes() == 1:
            return super().forward(x)
        mean_over = lambda each: dist.nn.functional.all_reduce(each.mean(dim=0)) / processes()  # noqa: E731
        mean = mean_over(x.float())  # (d,)
        variance = mean_over((x.float() - mean).square())  # (d,)
        rows = len(x) * processes()
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * rows / (rows - 1), self.momentum)
        return (x - mean) * torch.rsqrt(variance + self.eps) * self.weight + self.bias
