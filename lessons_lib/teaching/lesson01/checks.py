"""Checks of lesson 01: CLIP's loss, the training step whole, and the loss of predicting words."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.pretrain.losses import bag_of_words_loss, clip_loss
from lessons_lib.teaching.checks import (
    ExerciseError,
    answer_of,
    explain,
    of_unit,
    require,
    right,
    same,
    same_gradients,
    watching,
    written,
)
from lessons_lib.teaching.small_clip import small_clip, some_tokens


def _pairs(n: int, width: int = 8, seed: int = 0, noise: float = 0.8) -> tuple[Tensor, Tensor]:
    """n pairs of unit vectors that resemble one another the less, the larger the noise."""
    generator = torch.Generator().manual_seed(seed)
    f = torch.randn(n, width, generator=generator)
    w = f + noise * torch.randn(n, width, generator=generator)
    return F.normalize(f, dim=-1), F.normalize(w, dim=-1)


def _not_by(student: Callable, *names: str) -> None:
    """Refuses an answer that calls what the exercise is to build."""
    used = set(getattr(getattr(student, "__code__", None), "co_names", ()))
    called = sorted(used & set(names))
    require(not called, f"`{'`, `'.join(called)}` is the finished thing. Here it is to be built from its parts.")


def contrastive_loss(student: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    """student: (N, D), (N, D), scale -> scalar, CLIP's symmetric loss."""
    name = "contrastive_loss"
    _not_by(student, "clip_loss", "ClipLoss")
    for n, scale in ((6, 14.3), (1, 10.0), (12, 100.0), (12, 5_000.0)):
        f, w = _pairs(n, seed=n, noise=1.5 if scale > 1_000 else 0.4)
        s, call = torch.tensor(scale), f"{name} of {n} pairs at scale {scale:g}"
        got = answer_of(student, f, w, s, name=name)
        require(
            isinstance(got, Tensor) and got.ndim == 0,
            f"`{name}` should return one number, a tensor without dimensions: the mean over all pairs.",
        )
        overflow = f"`{name}` is {got.item()} at scale {scale:g}: exp overflows. Use log_softmax or cross_entropy."
        require(bool(torch.isfinite(got)), overflow)
        explain(got, clip_loss(f, w, s), _wrong_losses(f, w, s), name=call)
        hint = "Pictures, captions and the scale all learn from this loss."
        loss, reference = of_unit(student, 0, 1), of_unit(clip_loss, 0, 1)
        same_gradients(loss, reference, f, w, s, name=call, learned=(0, 1, 2), hint=hint)
    right("contrastive_loss: rows ask for the caption, columns for the picture; both count alike, and all can learn.")


def _wrong_losses(f: Tensor, w: Tensor, s: Tensor) -> dict[str, Tensor]:
    """What is wrong -> what it comes to."""
    expected, logits = clip_loss(f, w, s), s * f @ w.T
    rows, columns = (-logits.log_softmax(dim).diag().mean() for dim in (1, 0))
    everywhere = -(logits.log_softmax(1).mean() + logits.log_softmax(0).mean()) / 2
    return {
        "only the rows ask (picture → caption). The columns ask as well.": rows,
        "only the columns ask (caption → picture). The rows ask as well.": columns,
        "the two directions are added: take their mean.": 2 * expected,
        "the sign is turned: a loss is −log of the probability.": -expected,
        "the pairs are summed: take the mean over the N pairs.": len(f) * expected,
        "it averages the whole matrix: only the diagonal holds the pairs that belong together.": everywhere,
        "the scale is not used: the similarities are multiplied by it.": clip_loss(f, w, 1.0),
        "the similarities are divided by the scale: multiply by it.": clip_loss(f, w, 1 / s),
        "the softmax is taken twice: cross_entropy takes logits, not probabilities.": (
            F.cross_entropy(logits.softmax(1), torch.arange(len(f)))
            + F.cross_entropy(logits.T.softmax(1), torch.arange(len(f)))
        )
        / 2,
    }


def small_batch(seed: int) -> tuple[Tensor, Tensor]:
    """For `small_clip`, seed 0 … 5: five normalised pictures (5, 3, 8, 8), and captions (5, 12) of unlike lengths."""
    images = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return images, some_tokens(*range(3 + seed, 8 + seed))


def reference_step(model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, tokens: Tensor,
                   wrong: str = "") -> float:  # fmt: skip
    """One training step; `wrong` does one thing otherwise (the keys of `WRONG_STEPS`)."""
    f, w = model.encode_image(images), model.encode_text(tokens)
    if wrong != "lengths":
        dim = 0 if wrong == "columns" else -1
        f, w = F.normalize(f, dim=dim), F.normalize(w, dim=dim)
    scale = model.logit_scale if wrong == "log scale" else model.logit_scale.exp()
    w = w.detach() if wrong == "frozen text" else w
    f = f.detach() if wrong == "frozen pictures" else f
    loss = clip_loss(f, w, scale.detach() if wrong == "frozen scale" else scale)
    loss = F.cross_entropy(scale * f @ w.T, torch.arange(len(f))) if wrong == "rows" else loss
    if wrong != "pile up":
        optimizer.zero_grad()
    if wrong == "step first":
        optimizer.step()
    if wrong != "no backward":
        (-loss if wrong == "uphill" else loss).backward()
    if wrong == "emptied":
        optimizer.zero_grad()
    if wrong not in ("no step", "step first"):
        optimizer.step()
    with torch.no_grad():
        if wrong not in ("no clamp", "clamp of exp"):
            model.logit_scale.clamp_(max=math.log(100))
        if wrong == "clamp of exp":
            model.logit_scale.clamp_(max=100)
    return loss.item()


NOTHING = (
    "nothing has learned. Gradients have to be computed, and still be there when the optimiser moves the weights: is "
    "something missing, or out of order?"
)
PASSED = "the scale has passed 100. `logit_scale` is its logarithm; hold that, after the step."
WRONG_STEPS = {
    "lengths": "the loss is that of vectors as the towers give them. Cosines need vectors of length 1.",
    "columns": "the vectors are normalised along the batch. Each vector has its own length: dim=-1.",
    "log scale": "`model.logit_scale` is the logarithm of the scale: the similarities want the scale itself.",
    "rows": "only one direction asks. `contrastive_loss` has both.",
    "pile up": "the first step is right and the second is not: the gradients of the first are still there. Who empties "
    "them?",
    **dict.fromkeys(("no backward", "no step", "emptied", "step first"), NOTHING),
    "uphill": "the weights move the wrong way: the loss rises. Is a sign turned?",
    "frozen text": "the text tower does not learn. Is there a no_grad or a detach around it?",
    "frozen pictures": "the image tower does not learn. Is there a no_grad or a detach around it?",
    "frozen scale": "the scale does not learn. An item() or a detach() cuts it off from the gradient.",
    **dict.fromkeys(("no clamp", "clamp of exp"), PASSED),
}  # What is done otherwise -> what to say. Those whose loss differs at once come first.


def _taken(step: Callable, logit_scale: float, lr: float, name: str) -> tuple[Tensor, nn.Module]:
    """Two steps: (the losses and all weights after each, in one vector; the model)."""
    model = small_clip()
    nn.init.constant_(model.logit_scale, logit_scale)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)  # moves each weight by lr × its gradient
    found = []
    for seed in (1, 2):
        loss = answer_of(step, model, optimizer, *small_batch(seed), name=name)
        require(
            not (isinstance(loss, Tensor) and loss.requires_grad),
            f"`{name}` returns a tensor that holds on to all that it was computed from. Return its number: item().",
        )
        require(torch.as_tensor(loss).numel() == 1, f"`{name}` should return one number, the loss.")
        found += [torch.as_tensor(loss).float().flatten(), *(p.detach().flatten().clone() for p in model.parameters())]
    return torch.cat(found), model


@watching
def training_step(student: Callable) -> None:
    """student: (model, optimizer, images, tokens) -> the loss, a number; the model has learned from the batch."""
    name = "training_step"
    written(student, name=name)
    for logit_scale, lr in ((math.log(1 / 0.07), 0.05), (math.log(150), 0.002)):
        got, model = _taken(student, logit_scale, lr, name)
        expected, _ = _taken(reference_step, logit_scale, lr, name)
        require(
            len(got) == len(expected) and isinstance(model.logit_scale, nn.Parameter),
            f"`{name}`: `logit_scale` is no longer the parameter that the optimiser holds. Change it in place: clamp_.",
        )
        for wrong, said in WRONG_STEPS.items():
            if _close(got, expected):
                break
            mistaken, _ = _taken(lambda *batch, wrong=wrong: reference_step(*batch, wrong=wrong), logit_scale, lr, name)
            require(not _close(got, mistaken), f"`{name}`: {said}")
        same(got[0], expected[0], name=f"the loss that {name} returns")
        if not _close(got, expected):
            raise ExerciseError(
                f"`{name}`: the loss is right, but the weights after one or two steps are not. Each batch is one step: "
                "empty the gradients, backward, step, hold the scale."
            )
    right("training_step: both towers and the scale learn, and the scale stays at 100 at most.")


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-6)


def word_loss(student: Callable[[Tensor, Tensor], Tensor]) -> None:
    """student: logits (N, V), words (N, V) of 0 and 1 -> scalar, the loss of predicting a caption's words."""
    name = "word_loss"
    _not_by(student, "bag_of_words_loss")
    for n, vocabulary, spread in ((4, 7, 1.0), (3, 12, 300.0)):
        generator = torch.Generator().manual_seed(n)
        z = spread * torch.randn(n, vocabulary, generator=generator)
        words = (torch.rand(n, vocabulary, generator=generator) < 0.4).float()
        words[:, 0] = 1  # no caption is empty
        call = f"{name} of {n} captions, {vocabulary} words"
        got = answer_of(student, z, words, name=name)
        one_number = isinstance(got, Tensor) and got.ndim == 0
        require(one_number, f"`{name}` should return one number, the mean over captions.")
        shares, logs = words / words.sum(dim=1, keepdim=True), z.log_softmax(dim=1)
        one_of_them = -((z.softmax(dim=1) * words).sum(dim=1)).log().mean()
        require(
            bool(torch.isfinite(got)) or spread == 1,
            f"`{name}` is {got.item()} where logits are large: take log_softmax, not the log of a softmax.",
        )
        mistakes = {
            "captions of many words count more. Each caption's words share a mass of 1.": -(words * logs).sum(1).mean(),
            "the sum over a caption's words is meant, and the mean over captions; here all cells are averaged.": (
                -(shares * logs).mean()
            ),
            "the sign is turned: a loss is −log of the probability.": (shares * logs).sum(1).mean(),
            "the softmax runs over the pictures. Each picture has its own, over the words.": (
                -(shares * z.log_softmax(dim=0)).sum(1).mean()
            ),
            "it asks for any one of the words: the log is taken of their summed probability.": one_of_them,
            "each word is a question of its own (yes or no). Here all words share one softmax.": (
                F.binary_cross_entropy_with_logits(z, words)
            ),
            "the pictures are summed: take their mean.": -(shares * logs).sum(),
        }
        explain(got, bag_of_words_loss(z, words), mistakes, name=call)
        same_gradients(student, bag_of_words_loss, z, words, name=call)
    right("word_loss: a picture has to predict every word of its caption, whichever the writer happened to choose.")
