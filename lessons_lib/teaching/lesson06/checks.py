"""Checks of lesson 06's exercises: prompt rows, projected prompts, MaPLe's parameters, runs in pairs."""

from collections.abc import Callable

import torch
from torch import Tensor

from lessons_lib.teaching import verdicts
from lessons_lib.teaching.checks import answer_of, require, right, same


def with_prompts(append: Callable, replace: Callable) -> None:
    """`append_prompts(x, prompts)`: (N, L, d), (P, d) -> (N, L + P, d); `replace_prompts`: the last P rows anew."""
    draw = torch.Generator().manual_seed(6)
    for n, rows, width, count in ((3, 5, 4, 2), (1, 7, 3, 1), (4, 3, 6, 3)):
        x, prompts = (torch.randn(*shape, generator=draw) for shape in ((n, rows, width), (count, width)))
        each = prompts.expand(n, count, width)
        call = f"append_prompts of {count} prompts to {n} images of {rows} rows"
        got = answer_of(append, x, prompts, name="append_prompts")
        _not(got, torch.cat([each, x], dim=1), f"`{call}`: they stand in front of the class token. Append them.")
        _not(
            got, torch.cat([x[:, :-count], each], dim=1), f"`{call}`: rows were lost. Append the prompts, replace none."
        )
        same(got, torch.cat([x, each], dim=1), name=call)

        call = f"replace_prompts by {count} prompts in {n} images of {rows + count} rows"
        x = torch.cat([x, torch.randn(n, count, width, generator=draw)], dim=1)
        got = answer_of(replace, x, prompts, name="replace_prompts")
        _not(
            got,
            torch.cat([x, each], dim=1),
            f"`{call}`: there are {count} rows too many: the old prompts are still there.",
        )
        _not(got, torch.cat([each, x[:, count:]], dim=1), f"`{call}`: the first rows are the class token and patches; "
             "the prompts are the last ones.")  # fmt: skip
        _not(got, torch.cat([x[:, :-count], x[:, -count:] + each], dim=1), f"`{call}`: the old rows are added to. "
             "Deep prompts replace what the block before made of the prompts.")  # fmt: skip
        same(got, torch.cat([x[:, :-count], each], dim=1), name=call)
    right("append_prompts, replace_prompts: with these two lines a frozen tower takes prompts in every block.")


def couple(student: Callable) -> None:
    """`couple(texts, weights, biases)` -> J image prompts (b, d_v): texts (J, b, d), weights (J, d_v, d) or (1, d_v, d)
    for MaPLe†, biases (J, d_v) or (1, d_v)."""
    draw = torch.Generator().manual_seed(7)
    for depth, count, width, wide, shared in ((3, 2, 4, 6, False), (4, 1, 5, 3, True), (1, 3, 4, 4, False)):
        layers = 1 if shared else depth
        shapes = ((depth, count, width), (layers, wide, width), (layers, wide))
        texts, weights, biases = (torch.randn(*shape, generator=draw) for shape in shapes)
        expected = torch.stack([
            texts[j] @ weights[0 if shared else j].T + biases[0 if shared else j] for j in range(depth)
        ])  # fmt: skip
        call = f"couple of {depth} text prompts with {layers} projection{'s' if layers > 1 else ''}"
        got = answer_of(student, texts, weights, biases, name="couple")
        if isinstance(got, (list, tuple)) and got and all(isinstance(each, Tensor) for each in got):
            require(len(got) == depth, f"`{call}` should give {depth} image prompts, one a depth; it gives {len(got)}."
                    + (" With one projection (MaPLe†), every depth uses it." if shared else ""))  # fmt: skip
            require(len({each.shape for each in got}) == 1, f"`{call}`: every depth gives (b, d_v); the shapes differ.")
            got = torch.stack(list(got))
        _not(got, expected - (biases if layers == depth else biases.expand(depth, -1))[:, None],
             f"`{call}`: the bias is missing. F is a linear layer: weight and bias.")  # fmt: skip
        same(got, expected, name=call)
    right("couple: the text side is learned, the image side follows.")


def maple_parameters(student: Callable) -> None:
    """`maple_parameters(d, d_v, b, depth, shared)` -> how many numbers MaPLe learns."""
    for d, wide, count, depth, shared in (
        (512, 768, 2, 9, False), (512, 768, 2, 9, True), (128, 192, 2, 3, False), (8, 5, 1, 1, True),
    ):  # fmt: skip
        call = f"maple_parameters({d}, {wide}, {count}, {depth}, shared={shared})"
        layers, texts = (1 if shared else depth), depth * count * d
        expected = texts + layers * (d + 1) * wide
        got = answer_of(student, d, wide, count, depth, shared, name="maple_parameters")
        hints = {
            "the projections have a bias as well: d_v more numbers each.": texts + layers * d * wide,
            "those are the projections alone; the text prompts are learned too.": layers * (d + 1) * wide,
            "image prompts are computed from text prompts, so they are not learned.": expected + depth * count * wide,
            "every depth has b text prompts of its own.": count * d + layers * (d + 1) * wide,
            "with shared=True there is one projection, with shared=False one a depth.": texts
            + (depth if shared else 1) * (d + 1) * wide,
        }
        for hint, wrong in hints.items():
            require(wrong == expected or got != wrong, f"`{call}`: {hint}")
        same(got, expected, name=call)
    right("maple_parameters: nearly all of them are in the projections, which is what MaPLe† saves.")


def better(student: Callable) -> None:
    """`better(first, second)` -> "first", "second" or "cannot tell"; both are {seed: accuracy}, in any order."""
    verdicts.check(student, ("first", "second", "cannot tell"), name="better", by_seed=True)


def _not(got: object, wrong: Tensor, hint: str) -> None:
    """An `ExerciseError` with the hint where the learner's is that wrong result."""
    alike = isinstance(got, Tensor) and got.shape == wrong.shape and torch.allclose(got, wrong, atol=1e-5)
    require(not alike, hint)
