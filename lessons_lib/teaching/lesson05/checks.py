"""Checks of lesson 05: the halves of base-to-new, the meta-net, prompts of a picture's own, and the loop."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.recipe import Recipe
from lessons_lib.teaching.checks import answer_of, difference, explain, require, right, same, same_gradients, watching
from lessons_lib.teaching.lesson05.towers import finish
from lessons_lib.teaching.small_clip import small_clip, some_tokens

NAMES = ("yew", "ash", "oak", "fir", "elm", "bay", "box")  # in no order, so that sorting them is noticed


def half(student: Callable) -> None:
    """`half(labels, classnames, new)` -> rows of the pictures, their labels from 0, and the names of the half."""
    name = "half"
    for labels, count in (([5, 0, 3, 1, 4, 2, 0, 3], 6), ([2, 4, 3, 0, 4, 1, 6, 5, 2], 7), ([0, 4, 2, 4, 0], 5)):
        labels, names = torch.tensor(labels), list(NAMES[:count])
        for new in (False, True):
            call = f"{name} of {count} classes, new={new}"
            got = answer_of(student, labels, names, new, name=name)
            require(
                isinstance(got, Sequence) and len(got) == 3,
                f"`{call}` should return three things: rows, labels, names.",
            )
            expected, other = _half(labels, names, new), _half(labels, names, not new)
            for hint, wrong in {
                "that is the other half. The first half is base, the rest is new.": other,
                "with an odd number of classes the base half has one more: round up.": _half(
                    labels, names, new, floor=True
                ),
                "the names are in another order. The classes stay as they are listed.": (
                    *expected[:2], sorted(expected[2])
                ),
            }.items():  # fmt: skip
                require(list(got[2]) != wrong[2] or wrong[2] == expected[2], f"`{call}`: {hint}")
            same(list(got[2]), expected[2], name=f"the names of {call}", hint="Cut the list of names in two.")
            explain(
                got[0],
                expected[0],
                {
                    "rows should be numbers of pictures, not True and False: `nonzero` turns them into such.": (
                        labels[:, None] == torch.tensor([names.index(n) for n in expected[2]])
                    ).any(dim=1)
                },
                name=f"the rows of {call}",
            )
            hint = "The pictures whose label is in this half, in their order."
            same(got[0], expected[0], name=f"the rows of {call}", hint=hint)
            own = labels[expected[0]]
            explain(
                got[1],
                expected[1],
                {
                    "the labels are still those of all classes. In a half they begin at 0.": own,
                    "a class without a picture keeps its number: subtract, don't count those that are there.": (
                        own.unique(return_inverse=True)[1]
                    ),
                },
                name=f"the labels of {call}",
            )
            same(got[1], expected[1], name=f"the labels of {call}", hint="Label 0 is the half's first name.")
    right("half: two tasks out of one. Nothing of the second is seen while the first is learned.")


def _half(labels: Tensor, names: list[str], new: bool, *, floor: bool = False) -> tuple[Tensor, Tensor, list[str]]:
    middle = len(names) // 2 if floor else math.ceil(len(names) / 2)
    rows = ((labels >= middle) == new).nonzero()[:, 0]
    return rows, labels[rows] - middle * new, names[middle:] if new else names[:middle]


def meta_net(student: Callable) -> None:
    """`meta_net(f, w1, b1, w2, b2)` -> π (B, d): Linear, ReLU, Linear, with torch's (out, in) weights."""
    name = "meta_net"
    draw = torch.Generator().manual_seed(5)
    for images, joint, hidden, width in [(6, 16, 4, 10), (1, 8, 3, 8), (3, 12, 12, 12)]:
        f = F.normalize(torch.randn(images, joint, generator=draw), dim=-1)
        w1, w2 = torch.randn(hidden, joint, generator=draw), torch.randn(width, hidden, generator=draw)
        b1, b2 = torch.randn(hidden, generator=draw), torch.randn(width, generator=draw)
        given = (f, w1, b1, w2, b2)
        inner, expected = f @ w1.T + b1, _meta_net(*given)
        got = answer_of(student, *given, name=name)
        mistakes = {
            "the ReLU between the two layers is missing, so both together are one linear map.": inner @ w2.T + b2,
            "there is a ReLU behind the second layer too: π must be able to go down as well as up.": expected.relu(),
            "the first bias is missing.": (f @ w1.T).relu() @ w2.T + b2,
            "the second bias is missing.": inner.relu() @ w2.T,
            "all pictures get the same π. Each has its own.": expected.mean(dim=0).expand_as(expected),
        }
        mistakes = {hint: value for hint, value in mistakes.items() if difference(value, expected)}
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name)
        same_gradients(student, _meta_net, *given, name=name, learned=range(5))
    right("meta_net: two small layers turn a picture's embedding into one shift of the context.")


def _meta_net(f: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    return (f @ w1.T + b1).relu() @ w2.T + b2


def cocoop_logits(student: Callable) -> None:
    """`cocoop_logits(model, tokens, ctx, pi, f, scale)` -> (B, C): each picture against prompts of its own."""
    name, model = "cocoop_logits", small_clip().requires_grad_(False)
    draw = torch.Generator().manual_seed(3)
    for images, tokens, rows in ((3, some_tokens(7, 9, 11, 8)[:, :11], 3), (2, some_tokens(6, 9), 2)):
        ctx, pi = torch.randn(rows, 32, generator=draw), torch.randn(images, 32, generator=draw)
        f = F.normalize(torch.randn(images, 16, generator=draw), dim=-1)
        given = (model, tokens, ctx, pi, f, 10.0)
        expected = _logits(*given)
        got = answer_of(student, *given, name=name)
        mistakes = {
            "π is not added to the context: that is CoOp.": _logits(*given[:3], 0 * pi, *given[4:]),
            "π is added to the first row of the context alone. It goes to all M.": _logits(*given, to=1),
            "π stands in the place of the context. It is added to it.": _logits(*given[:2], 0 * ctx, *given[3:]),
            "all pictures share the mean π. Each has its own prompts.": _logits(
                *given[:3], pi.mean(dim=0).expand_as(pi), *given[4:]
            ),
            "every picture is compared with the prompts of the first one.": _logits(
                *given[:3], pi[:1].expand_as(pi), *given[4:]
            ),
            "the scale is missing.": expected / given[-1],
            "the positions are missing. They are added once the context is in its place.": _logits(
                *given, places=False
            ),
            "row 0 is the start token, which stays. The context stands in rows 1 to M.": _logits(*given, first=0),
        }
        explain(got, expected, mistakes, name=name)
        hint = "Every picture's own π sends gradients to the one context that all share."
        same_gradients(student, _logits, *given, name=name, learned=(2, 3), hint=hint)
    right("cocoop_logits: B pictures and C classes are B × C texts, each picture with a classifier of its own.")


def _logits(
    model: nn.Module, tokens: Tensor, ctx: Tensor, pi: Tensor, f: Tensor, scale: float, *, to: int | None = None,
    places: bool = True, first: int = 1,
) -> Tensor:  # fmt: skip
    words, logits = model.token_embedding(tokens), []
    for own, picture in zip(pi, f):
        shift = torch.zeros_like(ctx).index_fill(0, torch.arange(len(ctx))[:to], 1.0) * own
        v = (ctx + shift).expand(len(tokens), -1, -1)
        rows = torch.cat([words[:, :first], v, words[:, first + len(ctx) :]], dim=1)
        where = model.positional_embedding[: rows.shape[1]]
        logits.append(scale * finish(model, rows + where if places else rows, tokens) @ picture)
    return torch.stack(logits)


@watching
def train(student: Callable) -> None:
    """`train(learned, loss_of, order_of, epochs, lr)` -> the mean loss of each epoch; a step a picture."""
    name = "train"
    for n, epochs, lr in ((5, 5, 0.02), (3, 2, 0.1), (2, 1, 0.1)):
        call = f"{name} with {n} pictures and {epochs} epoch{'s' * (epochs > 1)}"
        learned, seen = _start(), _Pictures(n, epochs)
        losses = answer_of(partial(student, learned, seen.loss_of, seen.order_of, epochs, lr), name=name)
        expected, reference = _start(), _Pictures(n, epochs)
        wanted = _train(expected, reference, epochs, lr)
        require(
            all(size == 1 for size in seen.sizes),
            f"`{call}`: a batch had {max(seen.sizes, default=0)} pictures. As published each step takes one.",
        )
        require(
            len(seen.sizes) == n * epochs,
            f"`{call}`: {len(seen.sizes)} losses were computed; {epochs} × {n} pictures take {n * epochs} steps.",
        )
        require(
            seen.epochs == list(range(1, epochs + 1)),
            f"`{call}`: `order_of` was asked for the epochs {seen.epochs}; they are counted from 1 to {epochs}.",
        )
        for part, start in zip(learned, _start()):
            require(
                not torch.equal(part, start),
                f"`{call}`: one of the tensors in `learned` has not moved. Does the optimiser have them all, and is "
                "there a backward before each step?",
            )
        mistakes = {}
        for hint, wrong in _WRONG_LOOPS.items():
            other = _start()
            _train(other, _Pictures(n, epochs), epochs, lr, **wrong)
            mistakes[hint] = _joined(other)
        mistakes = {hint: value for hint, value in mistakes.items() if difference(value, _joined(expected))}
        explain(_joined(learned), _joined(expected), mistakes, name=call)
        same(_joined(learned), _joined(expected), name=call, hint="Compare each epoch's rate, momentum and decay.")
        same(losses, wanted, name=f"what {call} returns", hint="The mean of the steps' losses, epoch by epoch.")
    right("train: CoOp's loop with more to learn and one picture a step.")


class _Pictures:
    """Losses that tell what was asked for: a bowl for each picture, of two tensors."""

    def __init__(self, n: int, epochs: int):
        self.n, self.sizes, self.epochs = n, [], []
        self.middles = torch.randn(n, 4, generator=torch.Generator().manual_seed(n + epochs))

    def loss_of(self, learned: Sequence[Tensor], rows: Tensor) -> Tensor:
        self.sizes.append(len(rows))
        a, b = learned
        return ((a - self.middles[rows]) ** 2).sum(dim=1).mean() + (b * a - 1).square().sum()

    def order_of(self, epoch: int) -> Tensor:
        self.epochs.append(epoch)
        return torch.randperm(self.n, generator=torch.Generator().manual_seed(epoch))


def _start() -> list[Tensor]:
    return [torch.full((4,), 1.5).requires_grad_(), torch.full((1,), 0.5).requires_grad_()]


def _joined(learned: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.detach() for part in learned])


_WRONG_LOOPS = {
    "the gradients of earlier steps are still there: set them to zero before each backward.": {"zero": False},
    "the momentum of 0.9 is missing.": {"momentum": 0.0},
    "the weight decay of 5e-4 is missing.": {"decay": 0.0},
    "the first epoch runs at the constant rate of 1e-5.": {"warm": False},
    "the rate stays what it was: after the first epoch it follows half a cosine.": {"cosine": False},
}


def _train(
    learned: Sequence[Tensor], pictures: _Pictures, epochs: int, lr: float, *, zero: bool = True, momentum: float = 0.9,
    decay: float = 5e-4, warm: bool = True, cosine: bool = True,
) -> list[float]:  # fmt: skip
    """The published loop, or with one thing wrong."""
    optimizer = torch.optim.SGD(learned, lr=lr, momentum=momentum, weight_decay=decay)
    recipe, losses = Recipe(epochs=epochs, lr=lr, batch_size=1), []
    for epoch in range(1, epochs + 1):
        follows = warm if epoch == 1 else cosine
        optimizer.param_groups[0]["lr"] = recipe.learning_rate(epoch) if follows else lr
        total = []
        for row in pictures.order_of(epoch).split(1):
            if zero:
                optimizer.zero_grad()
            loss = pictures.loss_of(learned, row)
            loss.backward()
            optimizer.step()
            total.append(loss.item())
        losses.append(sum(total) / len(total))
    return losses
