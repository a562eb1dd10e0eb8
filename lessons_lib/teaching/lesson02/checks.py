"""Checks of lesson 02's exercises: the text tower, zero-shot from raw vectors, and a threshold from validation
images."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from lessons_lib.teaching.checks import answer_of, explain, require, right, same, same_gradients, watching
from lessons_lib.teaching.small_clip import small_clip, some_tokens


@watching
@torch.no_grad()
def text_tower(student: Callable) -> None:
    """`text_tower(model, tokens)` -> (N, D): open_clip's own, on a small model and texts of unlike lengths."""
    model, tokens = small_clip(), some_tokens(3, 7, 10, 12)
    name = "text_tower"
    got = answer_of(student, model, tokens, name=name)
    require(isinstance(got, Tensor), f"`{name}` should return a tensor.")
    expected = normalize(model.encode_text(tokens), dim=1)
    explain(got, expected, {hint: _text_tower(model, tokens, **wrong) for hint, wrong in _WRONG_TOWERS.items()},
            name=name)  # fmt: skip
    same(got, expected, name=name, hint="Go through the table of steps, row by row.")
    with torch.enable_grad():
        value = student(model, tokens)
    require(value.requires_grad, f"`{name}`: no gradient flows back. In lesson 04 something will learn through it.")
    right("text_tower: from numbers to one vector. The first row that has seen everything speaks for all.")


_WRONG_TOWERS = {
    "no position is added: the tower cannot tell the first word from the last.": {"positions": False},
    "there is no mask, so a position also looks ahead. Give the blocks `attn_mask`.": {"diagonal": None},
    "that reads the last row of the context, where shorter texts have only zeros. Find each text's own end.": {
        "read": lambda x, tokens: x[:, -1]
    },
    "that reads the first row, which under the mask has seen nothing but the start.": {
        "read": lambda x, tokens: x[:, 0]
    },
    "that takes the mean of all rows, the empty ones too. One row is read: the end's.": {
        "read": lambda x, tokens: x.mean(dim=1)
    },
    "that reads one row too early: the last word's, not the end's.": {
        "read": lambda x, tokens: x[torch.arange(len(x)), tokens.argmax(dim=1) - 1]
    },
    "`ln_final` is missing.": {"norm": False},
    "the vectors are not of length 1.": {"unit": False},
}


def _text_tower(
    model: nn.Module, tokens: Tensor, *, positions: bool = True, diagonal: int | None = 1,
    read: Callable = lambda x, tokens: x[torch.arange(len(x)), tokens.argmax(dim=1)], norm: bool = True,
    unit: bool = True,
) -> Tensor:  # fmt: skip
    """(N, D), as the exercise asks for it, or with one thing wrong."""
    length = tokens.shape[1]
    mask = None if diagonal is None else torch.full((length, length), -math.inf).triu(diagonal)
    x = model.token_embedding(tokens) + (model.positional_embedding if positions else 0)
    for block in model.transformer.resblocks:
        x = block(x, attn_mask=mask)
    x = read(x, tokens)
    x = (model.ln_final(x) if norm else x) @ model.text_projection
    return normalize(x, dim=1) if unit else x


def _vectors(n: int, width: int, *, seed: int) -> Tensor:
    """(n, width), of unlike lengths."""
    generator = torch.Generator().manual_seed(seed)
    lengths = 0.5 + 3 * torch.rand(n, 1, generator=generator)
    return lengths * normalize(torch.randn(n, width, generator=generator), dim=1)


def _probabilities(images: Tensor, texts: Tensor, scale: float) -> Tensor:
    return (scale * normalize(images, dim=1) @ normalize(texts, dim=1).T).softmax(dim=1)


def classify(student: Callable) -> None:
    """`classify(image_vectors, text_vectors, scale)` -> (N, C) probabilities; the vectors are of any length."""
    for n, c, width, scale in (
        (5, 3, 16, 10.0),
        (4, 4, 8, 3.0),
        (1, 6, 16, 20.0),
        (3, 1, 8, 100.0),
        (7, 5, 512, 100.0),
    ):
        images, texts = _vectors(n, width, seed=n), _vectors(c, width, seed=100 + c)
        call = f"classify of {n} images and {c} texts at scale {scale:g}"
        got = answer_of(student, images, texts, scale, name="classify")
        f, w = normalize(images, dim=1), normalize(texts, dim=1)
        hints = {
            "those are the logits. A softmax turns them into probabilities.": scale * f @ w.T,
            "the vectors are compared as they come. Divide each by its length.": (scale * images @ texts.T).softmax(1),
            "the images' vectors are not of length 1 yet.": (scale * images @ w.T).softmax(1),
            "the texts' vectors are not of length 1 yet.": (scale * f @ texts.T).softmax(1),
            "`scale` is not used, so all answers look nearly alike.": (f @ w.T).softmax(1),
            "divide by the temperature, or multiply by the scale: here it is the scale.": (f @ w.T / scale).softmax(1),
            "the softmax runs over the images. One image's answers must sum to 1: dim=1.": (scale * f @ w.T).softmax(0),
            "that normalises each dimension over the rows. Every row has a length of its own: dim=1.": (
                scale * normalize(images, dim=0) @ normalize(texts, dim=0).T
            ).softmax(1),
        }  # fmt: skip
        expected = _probabilities(images, texts, scale)
        _no_known_mistake(got, expected, hints, name=call)
        same(got, expected, name=call)
        same_gradients(student, _probabilities, images, texts, scale, name=call, learned=(0, 1))
    right("classify: that is zero-shot CLIP, whatever the exam.")


def choose_threshold(student: Callable) -> None:
    """`choose_threshold(confidences, keep)` -> the largest threshold that accepts `keep` percent of "val known"."""
    for n, keep, spread in ((100, 90.0, 1.0), (40, 95.0, 0.05), (30, 95.0, 20.0), (7, 50.0, 1.0), (10, 100.0, 1.0)):
        generator = torch.Generator().manual_seed(n)
        parts = {name: spread * torch.randn(n, generator=generator) + spread * shift for name, shift in _SHIFTS.items()}
        call = f"choose_threshold for {n} known validation images, keep={keep:g}"
        threshold = answer_of(student, _Guarded(parts), keep, name="choose_threshold")
        try:
            threshold = float(threshold)
        except (TypeError, ValueError):
            require(False, f"`{call}` should give one number; it gives {type(threshold).__name__}.")
        known = parts["val known"]
        accepted = 100 * (known >= threshold).double().mean().item()
        require(
            accepted >= keep - 1e-6,
            f"`{call}` accepts {accepted:.1f} % of them, fewer than asked for. Count how many may be refused, rounded "
            "down, and take the next confidence itself. (A quantile between two of them can refuse one too many.)",
        )
        larger = known[known > threshold]
        if len(larger):  # the threshold could lie anywhere up to the next confidence that it accepts
            highest = known[known >= threshold].min()
            still = 100 * (known > highest).double().mean().item()
            require(
                still < keep - 1e-6,
                f"`{call}` accepts {accepted:.1f} %, and a larger threshold would still accept {still:.1f} %. The "
                "larger it is, the more unknown pictures are refused.",
            )
            require(
                abs(float(highest) - threshold) <= 1e-3 * spread,
                f"`{call}`: the right ones are accepted, but {float(highest):.4g} is larger and accepts the same.",
            )
    right("choose_threshold: chosen on validation pictures, so what the test pictures say of it is honest.")


_SHIFTS = {"val known": 2.0, "val unknown": 0.0, "test known": 2.0, "test unknown": 0.0}


class _Guarded(dict):
    """Confidences of which the test images' may not be looked at."""

    def __getitem__(self, name: str) -> Tensor:
        require(
            not str(name).startswith("test"),
            f'`choose_threshold` looks at "{name}". A threshold that has seen the test pictures is tuned to them, and '
            "what they say of it is worth nothing. Use validation pictures.",
        )
        require(name in self, f'there are no confidences called "{name}"; there are {", ".join(self)}.')
        return super().__getitem__(name)

    def get(self, name: str, default: object = None) -> object:
        return self[name] if name in self else default

    def values(self):
        return [self[name] for name in self]

    def __reduce__(self) -> tuple:  # a copy for another process is guarded, too
        return _Guarded, (dict(self),)

    def items(self):
        return [(name, self[name]) for name in self]


def _no_known_mistake(got: object, expected: Tensor, hints: dict[str, Tensor], *, name: str) -> None:
    """An `ExerciseError` with the hint whose wrong result the learner's equals, unless it is right."""
    try:
        got = torch.as_tensor(got, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        return  # `same` says what it should be
    expected = expected.double()
    if got.shape != expected.shape or torch.allclose(got, expected, rtol=1e-3, atol=1e-5):
        return
    for hint, wrong in hints.items():
        require(not torch.allclose(got, wrong.double(), rtol=1e-3, atol=1e-5), f"`{name}`: {hint}")
