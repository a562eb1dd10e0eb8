"""Checks of lesson 06: prompts in both towers, what couples them, MaPLe's logits, and what holds PromptSRC back.

Right values are not enough: whatever is learned has to be sent the gradients that training would take.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.teaching.checks import answer_of, explain, require, right, same, same_gradients
from lessons_lib.teaching.lesson06 import references
from lessons_lib.teaching.small_clip import small_clip, some_tokens

WIDTH, WIDE = 32, 48  # of the small CLIP's text and image tower
P = 2  # prompts a block


def image_features(student: Callable) -> None:
    """`image_features(visual, images, prompts, deep, before_ln_pre)` -> (N, D), unit: the prompts (P, d_v) behind the
    patches, a deep set in their place before blocks 2, 3, …"""
    visual, name = _clip().visual, "image_features"
    images, sets = _draw(3, 3, 16, 16, seed=1), _draw(3, P, WIDE, seed=2)
    for deep, before in (((), False), ((), True), (sets[1:], False), (sets[1:2], True)):
        call = f"{name} with {len(deep)} deep sets, before_ln_pre={before}"
        got = answer_of(student, visual, images, sets[0], deep, before, name=name)
        expected = references.image_features(visual, images, sets[0], deep, before)
        mistakes = {
            "the prompts enter on the wrong side of `ln_pre`.": {"before": not before},
            "no prompt has come in.": {"prompted": False},
            "prompts have no position: positions are already in the rows that `rows_of` gives.": {"positions": True},
            "the class token is read without its blocks. Is the loop over all of them?": {"blocks": 0},
        }
        if len(deep):
            mistakes |= {
                "deep sets come *in the place* of the old prompts; yours stand beside them.": {"how": "append"},
                "a deep set was added to what stood there. It replaces it: the old rows are thrown away.": {
                    "how": "add"
                },
                "the deep sets enter one block too early: `deep[0]` stands before block 2.": {"late": -1},
                "the deep sets enter one block too late: `deep[0]` stands before block 2.": {"late": 1},
                "the deep sets are not used.": {"deep": ()},
                "a deep set replaced the first rows: those are the class token and a patch. Prompts stand last.": {
                    "how": "first"
                },
            }
        given = {"deep": deep, "before": before}
        wrong = {
            hint: references.image_features(visual, images, sets[0], **(given | other))
            for hint, other in mistakes.items()
        }
        explain(got, expected, wrong, name=call)
        same(got, expected, name=call)

    def flat(function: Callable) -> Callable:
        return lambda sets: function(visual, images, sets[0], sets[1:], False)

    hint = "Each set of prompts learns: from block 1 on, and from the block that it enters."
    same_gradients(flat(student), flat(references.image_features), sets, name=name, hint=hint)
    right("image_features: rows that no patch has, in a tower that takes any rows. The gradient reaches every set.")


def text_features(student: Callable) -> None:
    """`text_features(model, tokens, ctx, deep)` -> (C, D), unit: rows 1 to b are ctx (b, d), positions after; a deep
    set in their place before blocks 2, 3, …"""
    model, tokens, name = _clip(), some_tokens(7, 9, 12), "text_features"
    sets = _draw(2, P, WIDTH, seed=3)
    for deep in ((), sets[1:]):
        call = f"{name} with {len(deep)} deep set{'' if len(deep) == 1 else 's'}"
        got = answer_of(student, model, tokens, sets[0], deep, name=name)
        mistakes = {
            "the positions are missing. They are added once, after `ctx` is in its place.": {"positions": "none"},
            "the learned rows of the first block have no position: add positions after `ctx` is in its place.": {
                "positions": "before"
            },
            "row 0 is the start token, which stays. Prompts stand in rows 1 to b.": {"first": 0},
            "the causal mask is missing: a row must not look at later ones.": {"mask": False},
            "nothing of ctx has come into the prompts.": {"learned": False},
        }
        if len(deep):
            mistakes |= {
                "the deep sets are not used.": {"deep": ()},
                "the deep set got positions. Only what enters block 1 has them.": {"positions": "deep"},
                "the deep set enters one block too early: `deep[0]` stands before block 2.": {"late": -1},
            }
        expected = references.text_features(model, tokens, sets[0], deep)
        wrong = {
            hint: references.text_features(model, tokens, sets[0], **({"deep": deep} | other))
            for hint, other in mistakes.items()
        }
        explain(got, expected, wrong, name=call)
        same(got, expected, name=call)

    def flat(function: Callable) -> Callable:
        return lambda sets: function(model, tokens, sets[0], sets[1:])

    hint = "All classes share a set, so all of them send gradients to it."
    same_gradients(flat(student), flat(references.text_features), sets, name=name, hint=hint)
    right("text_features: CoOp's rows in block 1, and rows of their own in the blocks behind it.")


def couple(student: Callable) -> None:
    """`couple(texts, weights, biases)` -> (J, b, d_v): texts (J, b, d), weights (J, d_v, d) or (1, d_v, d) for MaPLe†,
    biases (J, d_v) or (1, d_v)."""
    name, hint = "couple", "The texts' rows learn through the projections, and the projections learn, too."
    for depth, count, width, wide, layers in ((3, 2, 4, 6, 3), (4, 1, 5, 3, 1), (2, 3, 4, 4, 2)):
        shapes = ((depth, count, width), (layers, wide, width), (layers, wide))
        texts, weights, biases = (_draw(*shape, seed=7 + i) for i, shape in enumerate(shapes))
        call = f"couple of {depth} text prompts with {layers} projection{'s' if layers > 1 else ''}"
        got = _stacked(answer_of(student, texts, weights, biases, name=name))
        expected = references.couple(texts, weights, biases)
        mistakes = {
            "the bias is missing. F is a linear layer: weight and bias.": references.couple(texts, weights, 0 * biases),
            "every depth is projected by the first layer; each has its own.": references.couple(
                texts, weights[:1], biases[:1]
            ),
            "depths and projections are in opposite order.": references.couple(texts, weights.flip(0), biases.flip(0)),
        }
        if width == wide:
            mistakes[
                "the weight is transposed: a linear layer's is (out, in), and the rows are times its transpose."
            ] = references.couple(texts, weights.mT, biases)
        require(not isinstance(got, Tensor) or len(got) == depth,
                f"`{call}` should give {depth} sets of image prompts, one a depth; it gives {_length(got)}."
                + (" With one projection (MaPLe†), every depth uses it." if layers == 1 else ""))  # fmt: skip
        explain(got, expected, mistakes, name=call)
        same(got, expected, name=call)

        def stacked(*parts: Tensor) -> object:
            return _stacked(student(*parts))

        same_gradients(stacked, references.couple, texts, weights, biases, name=name, learned=(0, 1, 2), hint=hint)
    right("couple: the text side is learned, the image side follows, and what the image side wants flows back.")


def _stacked(got: object) -> object:
    """A list of tensors of one shape as one."""
    if isinstance(got, (list, tuple)) and got and all(isinstance(each, Tensor) for each in got):
        require(len({each.shape for each in got}) == 1, "`couple`: every depth gives (b, d_v); the shapes differ.")
        return torch.stack(list(got))
    return got


def _length(got: Tensor) -> int:
    return len(got) if got.ndim else 0


def maple_logits(student: Callable) -> None:
    """`maple_logits(model, images, tokens, texts, weights, biases)` -> (N, C): the whole of MaPLe."""
    model, tokens, name = _clip(), some_tokens(7, 9, 12, 6), "maple_logits"
    images, texts = _draw(3, 3, 16, 16, seed=1), _draw(2, P, WIDTH, seed=4)
    weights, biases = _draw(2, WIDE, WIDTH, seed=5) / WIDTH**0.5, _draw(2, WIDE, seed=6)
    given = (model, images, tokens, texts, weights, biases)
    got, expected = answer_of(student, *given, name=name), references.maple_logits(*given)
    mistakes = {
        "the scale is missing: logits are `model.logit_scale.exp()` times the cosines.": {"scale": 1.0},
        "`model.logit_scale` is the logarithm of the scale: take its exp().": {"scale": float(model.logit_scale)},
        "the image's prompts enter on the wrong side of `ln_pre`: MaPLe's enter before it.": {"before": False},
        "the deep text prompts are left out.": {"deep_texts": False},
        "the deep image prompts are left out.": {"deep_images": False},
        "the answer is one column an image. Rows are images, columns are classes.": {"turned": True},
    }
    explain(
        got, expected, {hint: references.maple_logits(*given, **wrong) for hint, wrong in mistakes.items()}, name=name
    )
    hint = "Both sides pull at the text prompts: their own, and the image's, through the projections."
    same_gradients(student, references.maple_logits, *given, name=name, learned=(3, 4, 5), hint=hint)
    right("maple_logits: two towers, one set of rows; the gradients of both sides meet in it.")


def held_near(student: Callable) -> None:
    """`held_near(w, w_frozen, f, f_frozen, scale)` -> 25 · mean |w − w_frozen| + 10 · mean |f − f_frozen| + KL."""
    name = "held_near"
    for n, classes, scale in ((5, 3, 10.0), (2, 7, 20.0), (4, 4, 5.0)):
        w, w_frozen = (F.normalize(_draw(classes, 16, seed=seed), dim=-1) for seed in (1, 2))
        f, f_frozen = (F.normalize(_draw(n, 16, seed=seed), dim=-1) for seed in (3, 4))
        given, call = (w, w_frozen, f, f_frozen, scale), f"{name} of {n} images and {classes} classes"
        got, expected = answer_of(student, *given, name=name), references.held_near(*given)
        mistakes = {
            "the weight of the texts is 25, that of the images 10: they are exchanged.": {"texts": 10, "images": 25},
            "the differences are squared. The paper takes their absolute value.": {"power": 2},
            "the absolute differences are summed. They are averaged over all numbers.": {"mean": False},
            "the KL is divided by the images alone. As released, by the number of logits, N · C.": {"kl_by": n},
            "the KL is a sum. As released, it is divided by the number of logits, N · C.": {"kl_by": 1},
            "the KL goes the other way: it is of the frozen answers, seen from the prompted ones.": {"turned": True},
            "the KL is of cosines: take the softmax of scale · f · wᵀ.": {"scaled": False},
            "the KL is missing.": {"kl": 0.0},
        }
        explain(
            got, expected, {hint: references.held_near(*given, **wrong) for hint, wrong in mistakes.items()}, name=call
        )
        hint = "The frozen side is only a target; the prompted texts and images are pulled."
        same_gradients(student, references.held_near, *given, name=name, learned=(0, 2), hint=hint)
    right("held_near: three rubber bands, from the texts, the images and the answers to the frozen model's.")


def ensemble_weights(student: Callable) -> None:
    """`ensemble_weights(epochs, mean, std)` -> (epochs,), weights of a Gaussian over the epochs 1 … E, of sum 1."""
    name = "ensemble_weights"
    for epochs, mean, std in ((20, 15.0, 1.0), (8, 3.0, 3.0), (1, 15.0, 1.0)):
        call = f"{name}({epochs}, {mean:g}, {std:g})"
        got, counted = answer_of(student, epochs, mean, std, name=name), torch.arange(1, epochs + 1)
        expected = (-0.5 * ((counted - mean) / std) ** 2).softmax(dim=0)
        mistakes = {
            "epochs are counted from 1.": (-0.5 * ((counted - 1 - mean) / std) ** 2).softmax(dim=0),
            "a Gaussian has a half in its exponent.": (-(((counted - mean) / std) ** 2)).softmax(dim=0),
            "the weights must have the sum 1.": (-0.5 * ((counted - mean) / std) ** 2).exp(),
            "all epochs weigh alike; they should follow a Gaussian.": torch.full((epochs,), 1 / epochs),
            "std is the Gaussian's width, not its square.": (-0.5 * (counted - mean) ** 2 / std).softmax(dim=0),
        }
        explain(got, expected, mistakes, name=call)
        same(got, expected, name=call)
    right("ensemble_weights: most of the answer comes from the epochs around the middle of the bell.")


def _clip() -> nn.Module:
    """Three blocks and four patches, and text prompts' width is not the image prompts'."""
    model = small_clip(image_size=16, width=WIDE, layers=3).requires_grad_(False)
    draws = torch.Generator().manual_seed(5)
    for layer in (model.visual.ln_pre, model.visual.ln_post):
        for p in layer.parameters():
            p += 0.3 * torch.randn(p.shape, generator=draws)
    return model


def _draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
