"""Checks of lesson 07: how keys learn, and three small classifiers that stand beside adapters."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.teaching.checks import answer_of, difference, explain, require, right, same, same_gradients, watching


@watching
def learn_keys(student: Callable) -> None:
    """`learn_keys(keys, loss_of, epochs, lr)` -> the loss of each epoch; keys is changed in place."""
    for epochs, lr in ((20, 0.05), (3, 0.1), (8, 0.02)):
        call = f"learn_keys(keys, loss_of, {epochs}, {lr})"
        keys, before, seen = _keys(), _keys(), []
        losses = answer_of(partial(student, keys, partial(_bowl, seen), epochs, lr), name="learn_keys")
        require(not torch.equal(keys, before), f"`{call}`: the keys have not moved. Is there a backward and a step?")
        require(len(seen) == epochs, f"`{call}`: {len(seen)} losses were computed; one an epoch makes {epochs}.")
        expected = _keys()
        wanted = _learn_keys(expected, epochs, lr)
        mistakes = {}
        for hint, wrong in _WRONG_KEYS.items():
            _learn_keys(other := _keys(), epochs, lr, **wrong)
            if difference(other, expected):
                mistakes[hint] = other
        explain(keys, expected, mistakes, name=call)
        same(keys, expected, name=call, hint="Compare optimiser, eps, decay, and the rate of each step.")
        same(losses, wanted, name=f"what {call} returns", hint="One loss an epoch, as numbers.")
    right("learn_keys: the cache is a small network that starts well, and now it learns.")


def _keys() -> Tensor:
    return torch.linspace(-2, 2, 12).reshape(4, 3).requires_grad_()


def _bowl(seen: list, keys: Tensor) -> Tensor:
    seen.append(1)
    return ((keys - torch.arange(12.0).reshape(4, 3) / 6) ** 2).mean() / 100  # gradients so small that eps counts


_WRONG_KEYS = {
    "the gradients of earlier steps are still there: set them to zero before each backward.": {"zero": False},
    "the rate stays what it was: CosineAnnealingLR brings it down, a step of it after each of yours.": {
        "cosine": False
    },
    "eps is AdamW's own 1e-8; released is 1e-4.": {"eps": 1e-8},
    "the weight decay of 0.01 is missing: AdamW has it, Adam has not.": {"decay": 0.0},
    "that is SGD; the keys learn by AdamW.": {"kind": torch.optim.SGD},
}


def _learn_keys(
    keys: Tensor, epochs: int, lr: float, *, zero: bool = True, cosine: bool = True, eps: float = 1e-4,
    decay: float = 0.01, kind: type = torch.optim.AdamW,
) -> list[float]:  # fmt: skip
    """As released, in steps of all pictures, or with one thing wrong."""
    settings = {"eps": eps, "weight_decay": decay} if kind is torch.optim.AdamW else {}
    optimizer, losses = kind([keys], lr=lr, **settings), []
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        if zero:
            optimizer.zero_grad()
        loss = _bowl([], keys)
        loss.backward()
        optimizer.step()
        if cosine:
            schedule.step()
        losses.append(loss.item())
    return losses


def probe_logits(student: Callable) -> None:
    """`probe_logits(f, rows, s)` -> (N, C): TextProbe, whose rows are learned, by cosine."""
    f, rows = F.normalize(_draw(5, 8), dim=-1), 3 * _draw(4, 8, seed=1)
    mistakes = {
        "the rows have grown or shrunk while learning: normalise them, dim=-1, so that it is a cosine.": 9 * f @ rows.T,
        "the scale s is missing.": f @ F.normalize(rows, dim=-1).T,
        "the columns are normalised. Every class is a row: dim=-1.": 9 * f @ F.normalize(rows, dim=0).T,
    }
    _with_gradients(student, _probe_logits, f, rows, 9.0, name="probe_logits", mistakes=mistakes, learned=(1,))
    right("probe_logits: with the texts for rows it is zero-shot CLIP, and from there it learns.")


def _probe_logits(f: Tensor, rows: Tensor, s: float) -> Tensor:
    return s * f @ F.normalize(rows, dim=-1).T


def blended_logits(student: Callable) -> None:
    """`blended_logits(f, v, b, alpha, texts)` -> (N, C): LP++; v, texts: (C, D), b, alpha: (C,)."""
    f, v, texts = F.normalize(_draw(5, 8), dim=-1), _draw(4, 8, seed=1), F.normalize(_draw(4, 8, seed=2), dim=-1)
    b, alpha = _draw(4, seed=3), 2 + _draw(4, seed=4)
    mistakes = {
        "the texts are missing: every class has α_c times its text beside v_c.": f @ v.T + b,
        "α is missing: it multiplies the texts, class by class.": f @ (v + texts).T + b,
        "b, one number a class, is missing.": f @ (v + alpha[:, None] * texts).T,
        "α multiplies v, too. It belongs to the texts alone.": alpha * (f @ (v + texts).T) + b,
        "v is normalised. LP++ is no cosine: v stays as long as it is.": f
        @ (F.normalize(v, dim=-1) + alpha[:, None] * texts).T
        + b,
    }
    given = (f, v, b, alpha, texts)
    _with_gradients(student, _blended, *given, name="blended_logits", mistakes=mistakes, learned=(1, 2, 3))
    right("blended_logits: what pictures say and what words say, weighed for each class.")


def _blended(f: Tensor, v: Tensor, b: Tensor, alpha: Tensor, texts: Tensor) -> Tensor:
    return f @ (v + alpha[:, None] * texts).T + b


def adapter_loss(student: Callable) -> None:
    """`adapter_loss(A, f, labels, texts, s, penalty)` -> a scalar: of the linear adapter, A (D, D)."""
    f, texts = (F.normalize(_draw(n, 8, seed=n), dim=-1) for n in (6, 4))
    A, labels = torch.eye(8) + 0.3 * _draw(8, 8, seed=9), torch.tensor([0, 1, 2, 3, 0, 1])

    def wrong(**changes) -> Tensor:
        return _adapter_loss(A, f, labels, texts, 9.0, 0.25, **changes)

    mistakes = {
        "f A is not of length 1: normalise it, dim=-1.": wrong(normalised=False),
        "A is held near 0. It is held near the identity: torch.eye.": wrong(near=torch.zeros(8, 8)),
        "the departure is a mean over entries: it is their sum.": wrong(total=torch.mean),
        "nothing holds A: the penalty is missing.": wrong(total=torch.zeros_like).mean(),
    }
    given = (A, f, labels, texts, 9.0, 0.25)
    _with_gradients(student, _adapter_loss, *given, name="adapter_loss", mistakes=mistakes)
    right("adapter_loss: at the identity it is zero-shot CLIP, and no class stands in A.")


def _adapter_loss(
    A: Tensor, f: Tensor, labels: Tensor, texts: Tensor, s: float, penalty: float, *, normalised: bool = True,
    near: Tensor | None = None, total: Callable = torch.sum,
) -> Tensor:  # fmt: skip
    g = F.normalize(f @ A, dim=-1) if normalised else f @ A
    departure = (A - (torch.eye(len(A)) if near is None else near)).square()
    return F.cross_entropy(s * g @ texts.T, labels) + penalty * total(departure)


def _draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _with_gradients(
    student: Callable, reference: Callable, *given: object, name: str, mistakes: dict, learned: tuple[int, ...] = (0,)
) -> None:
    explain(answer_of(student, *given, name=name), reference(*given), mistakes, name=name)
    same_gradients(student, reference, *given, name=name, learned=learned)
