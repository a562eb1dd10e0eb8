"""Lesson 04's checks: they pass what is right, and name the usual mistakes."""

import pytest
import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

import lessons_lib as ll
from lessons_lib.clip.prompts import PromptLayout
from lessons_lib.clip.tokens import token_ids
from lessons_lib.metrics import paired_difference
from lessons_lib.teaching.lesson04 import checks as check


def placed(name, n_ctx, position):
    v = [f"v{m + 1}" for m in range(n_ctx)]
    before = {"end": n_ctx, "middle": n_ctx // 2, "front": 0}[position]
    return ["[SOS]", *v[:before], *name, *v[before:], ".", "[EOS]"]


def counted(lengths, n_ctx):
    return 1 + n_ctx + sum(n + 2 for n in lengths)


def near(vectors, words):
    return F.cosine_similarity(vectors[:, None], words[None], dim=-1).argmax(dim=1)


def winner(coop, probe):
    d = paired_difference(coop, probe)
    return "CoOp" if d.low > 0 else "probe" if d.high < 0 else "cannot tell"


def by_means(coop, probe):
    return "CoOp" if sum(coop) > sum(probe) else "probe"


RIGHT = [(check.arrange, placed), (check.rows_to_run, counted), (check.nearest_word, near), (check.verdict, winner)]


MISTAKES = [
        (check.arrange, lambda name, m, position: ..., "not written yet"),
        (check.arrange, lambda name, m, position: placed(name, m, "end"), "still the prompt of position 'end'"),
        (
            check.arrange,
            lambda name, m, position: [
                "[SOS]", *(f"v{i + 1}" for i in range(m)), *name, *(f"v{i + 1}" for i in range(m)), ".", "[EOS]",
            ] if position == "middle" else placed(name, m, position),
            "not repeated",
        ),
        (
            check.arrange,
            lambda name, m, position: [t for t in placed(name, m, position) if t != "."],
            "full stop",
        ),
        (check.rows_to_run, lambda lengths, m: sum(1 + m + n + 2 for n in lengths), "count them once"),
        (check.rows_to_run, lambda lengths, m: counted(lengths, m) - 1, "start row"),
        (check.rows_to_run, lambda lengths, m: 1 + m + sum(lengths), r"full stop and \[EOS\] of each class"),
        (check.rows_to_run, lambda lengths, m: 1 + m + sum(lengths) + 2, "each class has its own"),
        (check.rows_to_run, lambda lengths, m: 48 * len(lengths), "should be"),
        (check.nearest_word, lambda v, w: (v @ w.T).argmax(1), "long words win"),
        (check.nearest_word, lambda v, w: torch.cdist(v, w).argmin(1), "short words win"),
        (check.nearest_word, lambda v, w: (v @ F.normalize(w, dim=1).T).argmin(1), "points away"),
        (check.nearest_word, lambda v, w: v @ w.T, "argmax over the words"),
        (check.verdict, by_means, "holds 0"),
        (check.verdict, lambda a, b: True, "'CoOp', 'probe', 'cannot tell'"),
    ]  # fmt: skip


def test_the_counts_are_those_of_the_librarys_fast_path(toyclip):
    names = ["river", "pine forest", "bridge"]
    layout = PromptLayout(toyclip, names, 16)
    lengths = [len(token_ids(toyclip.tokenizer, name)) for name in names]
    assert layout.shared + len(layout.own_class) == counted(lengths, 16)


@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_the_arrangement_is_the_librarys(position, toyclip):
    layout = PromptLayout(toyclip, ["oak"], 5, position=position)
    learned = [f"v{slot + 1}" if slot >= 0 else "other" for slot in layout.slots[0].tolist()]
    assert learned == [token if token.startswith("v") else "other" for token in check.arranged(["oak"], 5, position)]


@pytest.fixture(scope="module")
def toyclip():
    return ll.load_clip("toyclip", device="cpu", verbose=False)
