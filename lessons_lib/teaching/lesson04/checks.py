"""Checks of lesson 04: rows that are learned, the loop that learns them, rows that are shared, which word is near."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.recipe import Recipe
from lessons_lib.teaching.checks import answer_of, difference, explain, require, right, same, same_gradients, watching
from lessons_lib.teaching.lesson04.towers import finish
from lessons_lib.teaching.small_clip import small_clip, some_tokens

M = 4


def text_features(student: Callable) -> None:
    """`text_features(model, tokens, ctx)` -> (C, D), of length 1: prompts whose rows 1 to M are ctx (M, d)."""
    model, tokens = small_clip().requires_grad_(False), some_tokens(7, 9, 12)
    ctx = torch.randn(M, 32, generator=torch.Generator().manual_seed(1))
    name, mistakes = "text_features", {}
    expected = _text_features(model, tokens, ctx)
    got = answer_of(student, model, tokens, ctx, name=name)
    for hint, wrong in {
        "the positions are missing. They are added after the learned rows are in their places.": {"positions": ""},
        "the learned rows got no position: add the positions after they are in their places.": {"positions": "before"},
        "row 0 is the start token, which stays. The context stands in rows 1 to M.": {"first": 0},
        "the context is one row too late: it stands in rows 1 to M.": {"first": 2},
        "nothing of ctx has come into the prompts.": {"learned": False},
    }.items():
        mistakes[hint] = _text_features(model, tokens, ctx, **wrong)
    explain(got, expected, mistakes, name=name)
    hint = "Every learned row stands in all prompts at once, so all of them send gradients to it."
    same_gradients(student, _text_features, model, tokens, ctx, name=name, learned=(2,), hint=hint)
    right("text_features: the tower cannot tell a learned row from a word's. The gradient reaches the rows alone.")


def _text_features(
    model: nn.Module, tokens: Tensor, ctx: Tensor, *, positions: str = "after", first: int = 1, learned: bool = True
) -> Tensor:
    rows = model.token_embedding(tokens)
    where = model.positional_embedding if positions == "after" else torch.zeros(())
    if positions == "before":
        rows = rows + model.positional_embedding
    if learned:
        rows = torch.cat([rows[:, :first], ctx.expand(len(rows), -1, -1), rows[:, first + len(ctx) :]], dim=1)
    return finish(model, rows + where, tokens)


@watching
def train(student: Callable) -> None:
    """`train(ctx, loss_of, order_of, epochs, lr)` -> the mean loss of each epoch; ctx is changed in place."""
    name = "train"
    for n, epochs, lr in ((64, 6, 0.05), (32, 3, 0.2), (10, 1, 0.1)):
        call = f"{name} with {n} pictures and {epochs} epoch{'s' * (epochs > 1)}"
        ctx, seen = _start(), _Pictures(n)
        before = ctx.detach().clone()
        losses = answer_of(partial(student, ctx, seen.loss_of, seen.order_of, epochs, lr), name=name)
        expected, reference = _start(), _Pictures(n)
        wanted = _train(expected, reference.loss_of, reference.order_of, epochs, lr)
        steps = epochs * math.ceil(n / 32)
        require(
            not torch.equal(ctx, before), f"`{call}`: ctx has not moved. Is there a step, and a backward before it?"
        )
        require(
            seen.steps == reference.steps,
            f"`{call}`: {seen.steps} losses were computed; it takes {steps}: in each epoch {math.ceil(n / 32)} batches "
            "of 32 at most, all pictures once.",
        )
        require(
            seen.epochs == list(range(1, epochs + 1)),
            f"`{call}`: `order_of` was asked for the epochs {seen.epochs}; they are counted from 1 to {epochs}.",
        )
        mistakes = {}
        for hint, wrong in _WRONG_LOOPS.items():
            other, pictures = _start(), _Pictures(n)
            _train(other, pictures.loss_of, pictures.order_of, epochs, lr, **wrong)
            mistakes[hint] = other
        explain(
            ctx, expected, {hint: value for hint, value in mistakes.items() if difference(expected, value)}, name=call
        )
        same(ctx, expected, name=call, hint="Compare the rate of each epoch, the momentum and the decay.")
        same(losses, wanted, name=f"what {call} returns", hint="The mean of the batches' losses, epoch by epoch.")
    right("train: one careful epoch, then the published rate, down along half a cosine.")


class _Pictures:
    """Losses that tell what was asked for: a bowl for each picture."""

    def __init__(self, n: int):
        self.n, self.steps, self.epochs = n, 0, []
        self.middles = torch.randn(n, 3, 4, generator=torch.Generator().manual_seed(n))

    def loss_of(self, ctx: Tensor, rows: Tensor) -> Tensor:
        self.steps += 1
        return ((ctx - self.middles[rows]) ** 2).sum(dim=(1, 2)).mean()

    def order_of(self, epoch: int) -> Tensor:
        self.epochs.append(epoch)
        return torch.randperm(self.n, generator=torch.Generator().manual_seed(epoch))


def _start() -> Tensor:
    return torch.full((3, 4), 2.0).requires_grad_()


_WRONG_LOOPS = {
    "the gradients of earlier steps are still there: set them to zero before each backward.": {"zero": False},
    "the momentum of 0.9 is missing.": {"momentum": 0.0},
    "the weight decay of 5e-4 is missing.": {"decay": 0.0},
    "the first epoch runs at the constant rate of 1e-5.": {"warm": False},
    "the rate stays what it was: after the first epoch it follows half a cosine.": {"cosine": False},
    "the cosine is one epoch too late or too early: in epoch 2 it stands at its top.": {"shift": 1},
}


def _train(
    ctx: Tensor, loss_of: Callable, order_of: Callable, epochs: int, lr: float, *, zero: bool = True,
    momentum: float = 0.9, decay: float = 5e-4, warm: bool = True, cosine: bool = True, shift: int = 0,
) -> list[float]:  # fmt: skip
    """The published loop, or with one thing wrong."""
    optimizer = torch.optim.SGD([ctx], lr=lr, momentum=momentum, weight_decay=decay)
    recipe, losses = Recipe(epochs=epochs, lr=lr, batch_size=32), []
    for epoch in range(1, epochs + 1):
        rate = recipe.learning_rate(epoch) if epoch == 1 or not shift else recipe.learning_rate(epoch + shift)
        rate = lr if epoch == 1 and not warm else lr if epoch > 1 and not cosine else rate
        optimizer.param_groups[0]["lr"] = rate
        total = []
        for rows in order_of(epoch).split(32):
            if zero:
                optimizer.zero_grad()
            loss = loss_of(ctx, rows)
            loss.backward()
            optimizer.step()
            total.append(loss.item())
        losses.append(sum(total) / len(total))
    return losses


def own_attention(student: Callable) -> None:
    """`own_attention(q, k, v, k_shared, v_shared)` -> (C, heads, R, e): own rows look at the shared ones, and back."""
    name = "own_attention"
    for classes, heads, own, shared, width in ((3, 2, 4, 5, 8), (1, 1, 1, 17, 4), (4, 2, 6, 2, 8)):
        given = [*_random(3, (classes, heads, own, width)), *_random(2, (heads, shared, width), seed=9)]
        expected, mistakes = _own_attention(*given), {}
        for hint, wrong in {
            "an own row also looks ahead, at own rows that come after it.": {"ahead": True},
            "the shared rows are not looked at: put their keys and values before the own ones.": {"shared": False},
            "the logits are not divided by the root of e, the width of a head.": {"root": False},
            "no row looks at itself: −∞ begins above the diagonal.": {"diagonal": 0},
        }.items():
            mistakes[hint] = _own_attention(*given, **wrong)
        got = answer_of(student, *given, name=name)
        mistakes = {hint: value for hint, value in mistakes.items() if difference(value, expected)}
        explain(got, expected, mistakes, name=name)
        same_gradients(student, _own_attention, *given, name=name, learned=range(5))
    right("own_attention: the shared rows are run once, and every class reads them.")


def _random(n: int, shape: Sequence[int], seed: int = 0) -> Iterator[Tensor]:
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(seed + i)) for i in range(n))


def _own_attention(
    q: Tensor, k: Tensor, v: Tensor, k_shared: Tensor, v_shared: Tensor, *, ahead: bool = False, shared: bool = True,
    root: bool = True, diagonal: int = 1,
) -> Tensor:  # fmt: skip
    rows, before = q.shape[2], k_shared.shape[1] if shared else 0
    if shared:
        k, v = (torch.cat([s.expand(len(q), -1, -1, -1), x], dim=2) for s, x in ((k_shared, k), (v_shared, v)))
    mask = torch.zeros(rows, before + rows)
    if not ahead:
        mask[:, before:] = torch.full((rows, rows), -math.inf).triu(diagonal)
    logits = q @ k.transpose(-1, -2) / (math.sqrt(q.shape[-1]) if root else 1)
    return (logits + mask).softmax(dim=-1) @ v


def nearest_word(student: Callable) -> None:
    """`nearest_word(vectors, words)` -> (M,) the row of `words` with the highest cosine; (M, d), (V, d)."""
    name = "nearest_word"
    for m, count, width in ((5, 40, 8), (16, 300, 12), (1, 3, 4)):
        draw = torch.Generator().manual_seed(count)
        words = torch.randn(count, width, generator=draw) * torch.linspace(0.1, 3, count)[:, None]  # (V, d)
        vectors = torch.randn(m, width, generator=draw)  # (M, d)
        expected = (F.normalize(vectors, dim=-1) @ F.normalize(words, dim=-1).T).argmax(dim=1)
        got = answer_of(student, vectors, words, name=name)
        mistakes = {
            "that is the largest product, which long words win. A cosine compares directions: normalise the words.": (
                vectors @ words.T
            ).argmax(dim=1),
            "that is the smallest distance, which short words win. Compare directions: normalise both.": torch.cdist(
                vectors, words
            ).argmin(dim=1),
            "that is the word that points away most: take the argmax.": (
                F.normalize(vectors, dim=-1) @ F.normalize(words, dim=-1).T
            ).argmin(dim=1),
        }
        explain(got, expected, mistakes, name=name)
        hint = "One row of `words` for each vector: argmax over the words." if isinstance(got, Tensor) else ""
        same(got, expected, name=f"{name} of {m} vectors among {count} words", hint=hint)
    right("nearest_word: every vector has a nearest word, whether it means anything or not.")
