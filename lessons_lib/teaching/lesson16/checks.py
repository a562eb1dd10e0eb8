"""Checks of lesson 16's exercises: decibels, the three-way loss, what learns first, a sound's name, the nearest."""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.pretrain.audio import three_way_loss
from lessons_lib.teaching.checks import answer_of, drawn, explain, require, right, same, same_gradients

QUIET = 80.0


def in_decibels(frames: Tensor, window: Tensor) -> Tensor:
    power = torch.view_as_real(torch.fft.rfft(frames * window)).square().sum(dim=-1)[:, 1:].T
    level = 10 * power.clamp(min=1e-20).log10()
    return (level - level.max()).clamp(min=-QUIET)


def decibels(student: Callable) -> None:
    """`decibels(frames, window)` -> (192, T): 10 log₁₀ |FFT|², below the loudest cell, -80 … 0, without row 0."""
    name = "decibels"
    for count, seed in ((5, 0), (9, 1), (3, 2)):
        t, pitch = torch.arange(384) / 384, 10 + 20 * torch.arange(count)[:, None]
        loud = torch.logspace(0, -5, count)[:, None]
        frames = loud * (torch.sin(2 * math.pi * pitch * t) + 0.02 * drawn(count, 384, seed=seed) + 0.8)
        window = torch.hann_window(384)
        got, expected = answer_of(student, frames, window, name=name), in_decibels(frames, window)
        spectrum = torch.fft.rfft(frames * window).abs().clamp(min=1e-10)
        level = 20 * spectrum.log10()[:, 1:].T
        mistakes = {
            "the constant, row 0, is still there: 193 rows. Take rows 1 to 192.":
                (20 * spectrum.log10().T - 20 * spectrum.log10().max()).clamp(min=-QUIET),
            "the constant is left out, but the loudest cell was sought with it. Leave it out first.":
                (20 * spectrum.log10()[:, 1:].T - 20 * spectrum.log10().max()).clamp(min=-QUIET),
            "frames are in the rows. Pitches go in the rows, time in the columns: transpose.": expected.T,
            "the window is missing: each frame is multiplied by it first.":
                in_decibels(frames, torch.ones_like(window)),
            "that is 10 log₁₀ |FFT|: the power is its square.": (level / 2 - level.max() / 2).clamp(min=-QUIET),
            "that is the natural logarithm: decibels have log₁₀.":
                (level - level.max()).mul(math.log(10)).clamp(min=-QUIET),
            "nothing is subtracted: decibels count from the sound's loudest cell.": level,
            "what lies more than 80 decibels below the loudest counts as 80: clamp it.": level - level.max(),
            "it is cut off at -80 before the loudest is subtracted.":
                level.clamp(min=-QUIET) - level.clamp(min=-QUIET).max(),
            "each frame counts from its own loudest cell. There is one loudest cell in a sound: so a soft moment "
            "stays soft.": (level - level.amax(dim=0)).clamp(min=-QUIET),
            "that is the power, not its decibels.": spectrum.square()[:, 1:].T,
        }  # fmt: skip
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name, atol=1e-2)
    right("decibels: pitch upwards, time to the right, and how far below the loudest.")


CASES = (  # of each pair whether it is there
    (5, (True, True, True)),
    (4, (True, True, False)),
    (6, (False, True, False)),
    (3, (True, False, True)),
)


def three_way(student: Callable) -> None:
    """`three_way(*logits)` -> a scalar; each (N, N), or None where a modality is missing."""
    name = "three_way"
    for n, there in CASES:
        logits = [3 * drawn(n, n, seed=10 * n + k) if one else None for k, one in enumerate(there)]
        given = [one for one in logits if one is not None]
        said = f"three_way of {len(given)} pair{'s' * (len(given) > 1)}"
        got, expected = answer_of(student, *logits, name=name), three_way_loss(*logits)
        own = torch.arange(n)
        rows, columns = (sum(F.cross_entropy(one, own) for one in way) for way in (given, [one.T for one in given]))
        parts = math.factorial(len(given))
        added = sum(given)
        one_loss = F.cross_entropy(added, own) + F.cross_entropy(added.T, own)
        mistakes = {
            "only rows look for their columns. Columns look for their rows, too (the transpose).": rows / parts,
            "only columns look for their rows. Rows look for their columns, too.": columns / parts,
            "that is the sum: divide by (the number of pairs)!.": rows + columns,
            "that is the mean of all cross-entropies. The release divides by (the number of pairs)!, which is that "
            "for three pairs only.": (rows + columns) / (2 * len(given)),
            "it is divided by 6 whatever is there. With one pair or two the factorial is smaller.":
                (rows + columns) / 6,
            "it is divided by the number of pairs. The release has its factorial.": (rows + columns) / len(given),
        }  # fmt: skip
        explain(got, expected, mistakes, name=said)
        for over in (1, 2, parts):
            wrong = {"the matrices are added, and one loss taken. The losses are added: each pair has one of its own.":
                     one_loss / over}  # fmt: skip
            explain(got, expected, wrong, name=said)
        same(got, expected, name=said)
        learned = [k for k, one in enumerate(logits) if one is not None]
        same_gradients(student, three_way_loss, *logits, name=name, learned=learned)
    right("three_way: each two of the three are contrasted, and what is missing takes its pairs with it.")


ANSWERS = {  # a parameter's name -> whether it learns in stage 1
    "logit_scale_ai": True,
    "logit_scale_at": True,
    "audio.stem.0.weight": True,
    "audio.stages.2.1.norm2.bias": True,
    "audio.projection.weight": True,
    "logit_scale": False,
    "text_projection": False,
    "positional_embedding": False,
    "token_embedding.weight": False,
    "visual.proj": False,
    "visual.conv1.weight": False,
    "visual.transformer.resblocks.0.ln_1.weight": False,
    "transformer.resblocks.1.mlp.c_fc.weight": False,
    "ln_final.bias": False,
}


def learns(student: Callable) -> None:
    """`learns(name)` -> bool: whether a parameter of that name learns in stage 1."""
    for name, expected in ANSWERS.items():
        got = answer_of(student, name, name="learns")
        require(isinstance(got, bool), f"`learns` should return True or False; for {name!r} it is {got!r}.")
        if got and name == "logit_scale":
            require(False, "`learns`: 'logit_scale' is the scale of pictures with texts, which is CLIP's own: frozen.")
        if not got and name.startswith("logit_scale_a"):
            require(
                False, f"`learns`: {name!r} is a scale of a pair with sounds in it: it learns with the audio tower."
            )
        require(not got or expected, f"`learns`: {name!r} is CLIP's: in stage 1 it stands still.")
        require(got or not expected, f"`learns`: {name!r} belongs to the audio tower: it learns.")
    right("learns: the audio tower and its two scales; nothing of CLIP.")


def _heard(waves: Tensor, weight: Tensor) -> Tensor:
    return waves @ weight


def _read(names: list[str], table: dict[str, list[float]]) -> Tensor:
    return torch.tensor([table[name] for name in names])


def say(student: Callable) -> None:
    """`say(waves, names, hear, read)` -> the name of each sound."""
    words = ("owl", "train", "snake", "clock", "bee")
    for n, count, seed in ((7, 3, 0), (9, 5, 1), (4, 4, 2)):
        names, lengths = list(words[:count]), torch.linspace(0.2, 5, count)[:, None]
        table = F.normalize(drawn(count, 6, seed=seed), dim=1) * lengths
        weight = drawn(10, 6, seed=seed + 10)
        own = torch.arange(n) % count
        aim = F.normalize(table, dim=1)[own] + 0.2 * drawn(n, 6, seed=seed + 20)
        waves = aim @ torch.linalg.pinv(weight) * torch.linspace(0.5, 4, n)[:, None]
        hear, read = partial(_heard, weight=weight), partial(_read, table=dict(zip(words, table.tolist())))
        got = answer_of(student, waves, names, hear, read, name="say")
        a, w = hear(waves), read(names)
        cosines = F.normalize(a, dim=1) @ F.normalize(w, dim=1).T
        expected = [names[k] for k in cosines.argmax(dim=1)]
        require(not isinstance(got, Tensor), "`say` returns numbers. Give the names that they stand for, in a list.")
        loud = [names[k] for k in (a @ w.T).argmax(dim=1)]
        require(got == expected or got != loud, "`say`: the long texts win. Bring both to the length 1 first: what "
                "counts is the angle.")  # fmt: skip
        worst = [names[k] for k in cosines.argmin(dim=1)]
        require(got != worst, "`say`: that is the name that fits worst. Take the largest cosine.")
        best = [names[int(k)] for k in (cosines.argmax(dim=0) % count)]
        wrong_way = isinstance(got, list) and len(got) == count != n
        require(not wrong_way and (got == expected or got != best or n == count), "`say`: a name for each sound, not a "
                "sound for each name: the largest of each row.")  # fmt: skip
        same(got, expected, name=f"say, {n} sounds among {count} names")
    right("say: the nearest name, by the angle alone.")


def nearest_of(queries: Tensor, gallery: Tensor, same_items: bool) -> Tensor:
    cosines = F.normalize(queries, dim=1) @ F.normalize(gallery, dim=1).T
    if same_items:
        cosines = cosines.masked_fill(torch.eye(len(cosines), dtype=torch.bool), -2)
    return cosines.argmax(dim=1)


def nearest(student: Callable) -> None:
    """`nearest(queries, gallery, same)` -> (Q,): of each query which item of the gallery is nearest; not itself where
    both are the same items."""
    name = "nearest"
    apart = F.pad(torch.eye(4) - 0.25, (0, 3)) + 0.05 * drawn(4, 7, seed=3)  # each cosine of two is below 0
    for count, size, seed in ((6, 9, 0), (5, 5, 1), (8, 8, 2), (4, 4, 3)):
        queries = apart if count == 4 else drawn(count, 7, seed=seed)
        queries = queries * torch.linspace(0.3, 4, count)[:, None]
        lengths = torch.linspace(0.2, 5, size)[:, None]
        gallery = queries if count == size else drawn(size, 7, seed=seed + 10) * lengths
        for is_same in {count == size, False}:
            said = f"nearest of {count} queries among {'themselves' if is_same else size}"
            got, expected = answer_of(student, queries, gallery, is_same, name=name), nearest_of(
                queries, gallery, is_same
            )  # fmt: skip
            cosines = F.normalize(queries, dim=1) @ F.normalize(gallery, dim=1).T
            without = cosines.masked_fill(torch.eye(*cosines.shape, dtype=torch.bool), -2)
            raw = (queries @ gallery.T).masked_fill(torch.eye(*cosines.shape, dtype=torch.bool) & is_same, -99)
            mistakes = {
                "each finds itself. Where queries and gallery are the same items, leave the diagonal out: a 0 there "
                "may still be the largest.":
                    cosines.argmax(dim=1),
                "the diagonal is left out though these are other items: only where `same` is True.":
                    without.argmax(dim=1),
                "the longest vectors win. Bring both to the length 1 first.": raw.argmax(dim=1),
                "that is the one that is farthest. Take the largest cosine.": cosines.argmin(dim=1),
                "that is a query for each item of the gallery: the largest of each row, not of each column.":
                    (without if is_same else cosines).argmax(dim=0),
                "these are the cosines. Say which item is nearest.": (without if is_same else cosines).amax(dim=1),
                "the largest cosine is taken by its size, with a minus too.": cosines.abs().argmax(dim=1),
            }  # fmt: skip
            explain(got, expected, mistakes, name=said)
            same(got, expected, name=said)
    right("nearest: give one thing, get the nearest of another kind.")
