"""Checks of lesson 08's exercises: prototypes, the pictures' loss, the texts' loss, their sum, and the loop."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.methods.classify.dapt import inter_dispersion, intra_dispersion
from lessons_lib.teaching.checks import answer_of, difference, explain, require, right, same, same_gradients, watching

SHAPES = ((4, 6, 2, 2.0), (7, 20, 5, 0.5), (3, 9, 16, 1.5))  # classes, images, width, t


def prototypes(student: Callable) -> None:
    """`prototypes(features, labels, n_classes)` -> (C, D): the mean of each class's features, not normalised."""
    name = "prototypes"
    for count, images, width, _ in SHAPES:
        features, labels = _unit(images, width), torch.arange(images).flip(0) % count
        means = torch.stack([features[labels == c].mean(dim=0) for c in range(count)])  # (C, D)
        sums = torch.stack([features[labels == c].sum(dim=0) for c in range(count)])
        first = torch.stack([features[labels == c][0] for c in range(count)])
        call = f"{name} of {images} images and {count} classes"
        got = answer_of(student, features, labels, count, name=name)
        mistakes = {
            "those have length 1. DAPT's prototype is the mean itself, which is shorter.": F.normalize(means, dim=1),
            "those are sums; divide each by the number of its own images.": sums,
            "each is divided by the number of all images, not of its own.": sums / images,
            "that is the mean of all images, for every class.": features.mean(dim=0).expand(count, -1),
            "that is one image of each class; take all of them.": first,
            "there is a row for each image. Ask for a row for each class.": means[labels],
        }
        explain(got, means, {hint: wrong for hint, wrong in mistakes.items() if difference(means, wrong)}, name=call)
        same(got, means, name=call)
    right("prototypes: a mean of points on the sphere lies inside it.")


def intra(student: Callable) -> None:
    """`intra(images, prototypes, labels)` -> the mean over images and dimensions of (z − s of its class)²."""
    name = "intra"
    for count, images, width, _ in SHAPES:
        z, labels = _unit(images, width), torch.arange(images) ** 2 % count
        s = 0.8 * _unit(count, width, seed=1)
        square = (z - s[labels]).square()  # (N, D)
        call = f"{name} of {images} images, D = {width}"
        expected = intra_dispersion(z, s[labels])
        mistakes = {
            "the length of a prototype counts: do not normalise it.": (z - F.normalize(s, dim=1)[labels])
            .square()
            .mean(),
            "that is a sum over dimensions (the paper's form). The released one takes their mean, too.": square.sum(
                dim=1
            ).mean(),
            "that is a sum over all; take the mean.": square.sum(),
            "that is the distance; take its square.": square.sum(dim=1).sqrt().mean(),
            "each image has one prototype: its own class's. You took all of them.": (z[:, None] - s).square().mean(),
            "the sign: the loss is low where images are near.": -square.mean(),
            "that is a cosine loss; this one is a squared distance.": (1 - (z * s[labels]).sum(dim=1)).mean(),
        }
        explain(answer_of(student, z, s, labels, name=name), expected, mistakes, name=call)
        same_gradients(student, _intra, z, s, labels, name=name)
    right("intra: values and gradients. Every image is pulled to its own class's prototype.")


def potential(student: Callable) -> None:
    """`potential(texts, t)` -> the mean over pairs m ≠ n of exp(−t ‖w_m − w_n‖²), a scalar; texts: (C, D)."""
    name = "potential"
    for count, _, width, t in SHAPES:
        texts = _unit(count, width)
        others = ~torch.eye(count, dtype=torch.bool)
        square = 2 - 2 * texts @ texts.T  # (C, C)
        near = (-t * square.clamp(min=0)).exp()
        expected = inter_dispersion(texts, t=t)
        mistakes = {
            "each text is counted with itself as well, at distance 0. Leave m = n out.": near.mean(),
            "the sum leaves the texts themselves out; then divide by the number of pairs, C (C − 1).": near[
                others
            ].sum()
            / count**2,
            "that is the sum over pairs; take the mean.": near[others].sum(),
            "that is the sum over pairs, each once; take the mean.": near[others].sum() / 2,
            "take the square of the distance.": (-t * square[others].clamp(min=0).sqrt()).exp().mean(),
            "the exponent is negative: near pairs have a high potential, far ones a low one.": (t * square[others])
            .exp()
            .mean(),
            "`t` is not used.": (-square[others]).exp().mean(),
            "that is the exponential of a mean; take the mean of exponentials.": (-t * square[others].mean()).exp(),
            "that is uniformity, the logarithm of what is asked for.": expected.log(),
            "those are cosines; the potential is of squared distances, 2 − 2 cosine.": (-t * (texts @ texts.T))[others]
            .exp()
            .mean(),
        }
        call = f"{name} of {count} texts, t = {t:g}"
        explain(answer_of(student, texts, t, name=name), expected, mistakes, name=call)
        on_sphere = (partial(_on_sphere, each, t) for each in (student, _potential))
        same_gradients(*on_sphere, texts, name=name)
    right("potential: 1 where all texts agree, and next to nothing once they are far apart. Gradients agree, too.")


@watching
def train(student: Callable) -> None:
    """`train(prompts, loss_of, order_of, epochs, lr, batch)` -> the mean loss of each epoch; prompts are changed."""
    name = "train"
    for n, epochs, lr in ((12, 5, 0.05), (8, 1, 0.1), (10, 3, 0.2)):
        call = f"{name} with {n} images and {epochs} epoch{'s' * (epochs > 1)}"
        prompts, wanted = _start(), _start()
        before = [each.detach().clone() for each in prompts]
        got = answer_of(partial(student, prompts, _bowl(n), partial(_order, n), epochs, lr, 4), name=name)
        expected = _train(wanted, _bowl(n), partial(_order, n), epochs, lr, 4)
        for said, mine, old in zip(("text", "visual"), prompts, before):
            require(not torch.equal(mine, old), f"`{call}`: the {said} prompts have not moved. Both kinds learn.")
        for hint, wrong in _WRONG_LOOPS.items():
            other = _start()
            _train(other, _bowl(n), partial(_order, n), epochs, lr, 4, **wrong)
            told = difference(wanted[0], other[0]) and not difference(prompts[0], other[0])
            require(not told, f"`{call}`: {hint}")
        for mine, theirs in zip(prompts, wanted):
            same(mine, theirs, name=call, hint="Compare the rate of each epoch, the momentum and the decay.")
        same(got, expected, name=f"what {call} returns", hint="The mean of the batches' losses, epoch by epoch.")
    right("train: one careful epoch, then along half a cosine, and both kinds of prompts have moved.")


_WRONG_LOOPS = {
    "the first epoch is the careful one, at 1e-5.": {"careful": False},
    "the rate has to fall along the cosine.": {"cosine": False},
    "momentum is 0.9.": {"momentum": 0.0},
    "weight decay is 5e-4.": {"decay": 0.0},
    "gradients of earlier steps are still there: zero_grad before each backward.": {"forgets": False},
}


def _train(prompts, loss_of, order_of, epochs, lr, batch, *, careful=True, cosine=True, momentum=0.9, decay=5e-4,
           forgets=True) -> list[float]:  # fmt: skip
    optimizer = torch.optim.SGD(prompts, lr=lr, momentum=momentum, weight_decay=decay)
    history = []
    for epoch in range(1, epochs + 1):
        angle = torch.tensor(torch.pi * (epoch - 2) / epochs)
        rate = lr * (1 + angle.cos().item()) / 2 if cosine else lr
        optimizer.param_groups[0]["lr"] = 1e-5 if epoch == 1 and careful else rate
        losses = []
        for rows in order_of(epoch).split(batch):
            if forgets:
                optimizer.zero_grad()
            loss = loss_of(prompts, rows)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        history.append(sum(losses) / len(losses))
    return history


def _start() -> list[Tensor]:
    draws = torch.Generator().manual_seed(3)
    return [torch.randn(2, width, generator=draws).requires_grad_() for width in (4, 3)]


def _bowl(n: int) -> Callable:
    middles = torch.randn(n, generator=torch.Generator().manual_seed(n))
    return lambda prompts, rows: (sum(each.sum() for each in prompts) - middles[rows]).square().mean()


def _order(n: int, epoch: int) -> Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(epoch))


def _intra(images: Tensor, prototypes: Tensor, labels: Tensor) -> Tensor:
    return intra_dispersion(images, prototypes[labels])


def _on_sphere(function: Callable, t: float, texts: Tensor) -> Tensor:
    return function(F.normalize(texts, dim=1), t)


def _potential(texts: Tensor, t: float) -> Tensor:
    return inter_dispersion(texts, t=t)


def _unit(count: int, width: int, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(100 * count + seed)), dim=1)
