"""Checks of lesson 04: where the learned rows stand, how many rows are run, which word is near, who is better."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.teaching import verdicts
from lessons_lib.teaching.checks import ExerciseError, answer_of, difference, explain, require, right, same


def arranged(name: list[str], n_ctx: int, position: str) -> list[str]:
    """The prompt as tokens, [SOS] to [EOS], with v1 … vM where the context goes."""
    context = [f"v{m}" for m in range(1, n_ctx + 1)]
    before = {"end": n_ctx, "middle": n_ctx // 2, "front": 0}[position]
    return ["[SOS]", *context[:before], *name, *context[before:], ".", "[EOS]"]


def arrange(student: Callable) -> None:
    """`arrange(name, n_ctx, position)` -> the tokens of the prompt; name: a list of tokens."""
    for n_ctx in (4, 16, 5, 1):
        for position in ("end", "middle", "front"):
            for name in (["oak"], ["pine", "tree"]):
                call = f"arrange({name}, {n_ctx}, {position!r})"
                got = answer_of(student, list(name), n_ctx, position, name="arrange")
                expected = arranged(name, n_ctx, position)
                if got == arranged(name, n_ctx, "end"):
                    require(
                        got == expected, f"`{call}` is still the prompt of position 'end': the name stands elsewhere."
                    )
                if isinstance(got, list) and len(got) > len(expected) and position == "middle":
                    raise ExerciseError(
                        f"`{call}` has {len(got)} tokens, and should have {len(expected)}: the context is cut in two "
                        "halves, it is not repeated."
                    )
                hint = "Of an odd number, the smaller half stands before the name." if n_ctx % 2 else ""
                hint = hint or "The full stop stays behind everything, before [EOS]."
                same(got, expected, name=call, hint=hint)
    right("arrange: the same vectors and the same name in three orders. What stands first is read by all that follows.")


def rows_to_run(student: Callable) -> None:
    """`rows_to_run(name_tokens, n_ctx)` -> rows of the fast path; name_tokens: how many tokens each name has."""
    name = "rows_to_run"
    for lengths, n_ctx in (([1, 1, 2], 4), ([1] * 10, 16), ([3], 4), ([2, 5, 1, 1], 1)):
        call = f"{name}({lengths}, {n_ctx})"
        got = answer_of(student, list(lengths), n_ctx, name=name)
        classes, own = len(lengths), sum(lengths)
        expected = 1 + n_ctx + own + 2 * classes
        mistakes = {
            classes * (1 + n_ctx) + own + 2 * classes: "every class has the start and the context again. "
            "They are the same for all classes: count them once.",
            n_ctx + own + 2 * classes: "the start row is missing.",
            1 + n_ctx + own: "the full stop and [EOS] of each class are missing.",
            1 + n_ctx + own + classes: "each class has two rows behind its name: the full stop and [EOS].",
            1 + n_ctx + own + 2: "the full stop and [EOS] stand behind the name, and see it: each class has its own.",
        }
        if difference(got, expected):
            for wrong, hint in mistakes.items():
                if difference(got, wrong) == "":
                    raise ExerciseError(f"`{call}`: {hint}")
        same(got, expected, name=call)
    right("rows_to_run: start and context once, and for each class its name, a full stop and an end.")


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


def verdict(student: Callable) -> None:
    """`verdict(coop, probe)` -> "CoOp", "probe" or "cannot tell", from accuracies of the same seeds."""
    verdicts.check(student, ("CoOp", "probe", "cannot tell"), name="verdict")
