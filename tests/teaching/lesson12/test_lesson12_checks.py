"""Lesson 12's checks take the right answer, and tell each wrong one what is wrong with it."""

import pytest
import torch
import torch.nn.functional as F

from lessons_lib.teaching.checks import ExerciseError
from lessons_lib.teaching.lesson12 import checks as check


def assign(logits):
    soft = logits.softmax(dim=1)
    hard = torch.zeros_like(soft).scatter_(1, soft.argmax(dim=1, keepdim=True), 1.0)
    return hard + (soft - soft.detach())


def merge(choice, values):
    return choice / (choice.sum(dim=2, keepdim=True) + 1) @ values


def membership(first, second):
    return second @ first


def halves(f, u, scale):
    n, k, _ = u.shape
    logits, owner = scale * f @ u.flatten(0, 1).T, torch.arange(n).repeat_interleave(k)
    return F.cross_entropy(logits, F.one_hot(owner, n).T / k), F.cross_entropy(logits.T, owner)


def noun_loss(f, u, scale):
    return sum(halves(f, u, scale)) / 2


def kept(p, least):
    return torch.where(p.amax(-1) >= least, p.argmax(-1) + 1, 0)


def named(p, t):
    return kept(p, p.amax((1, 2))[:, None].clamp(max=t))


def hard(logits, dim=1):
    return F.one_hot(logits.argmax(dim=dim), logits.shape[dim]).movedim(-1, dim).float()


RIGHT = [assign, merge, membership, noun_loss, named]
WRONG = [
    ("assign", None, "not written yet"),
    ("assign", lambda x: None, "returns None"),
    ("assign", lambda x: x.softmax(dim=1), "shares of every group"),
    ("assign", lambda x: hard(x, 2), "every group chose a token"),
    ("assign", hard, "nothing can be learned"),
    ("assign", lambda x: hard(x) + x.softmax(dim=1), "Subtract the shares again"),
    ("assign", lambda x: x.softmax(dim=2), "over the groups, sum to 1"),
    ("assign", lambda x: hard(x) + 2 * (x.softmax(1) - x.softmax(1).detach()), "gradient"),
    ("assign", lambda x: x.argmax(dim=1, keepdim=True).float().expand_as(x), "not one-hot rows"),
    ("merge", lambda c, v: c @ v, "These are sums|these are sums"),
    ("merge", lambda c, v: c / c.sum(2, keepdim=True) @ v, "divides 0 by 0|not finite|NaN"),
    ("merge", lambda c, v: c @ v / c.shape[2], "mean over all tokens"),
    ("merge", lambda c, v: c / (c.sum(1, keepdim=True) + 1) @ v, "sum over the last dimension"),
    ("merge", lambda c, v: c / c.sum(2, keepdim=True).clamp(min=1) @ v, "no 1 is added"),
    ("merge", lambda c, v: merge(c, v).detach(), "gradient"),
    ("merge", lambda c, v: merge(c, v)[..., :1], "shape"),
    ("membership", lambda a, b: hard(b) @ hard(a), "made hard"),
    ("membership", lambda a, b: b @ hard(a), "likeliest group alone"),
    ("membership", lambda a, b: (b @ a).mT, "Groups are rows"),
    ("membership", lambda a, b: (b @ a).softmax(1), "no softmax behind"),
    ("membership", lambda a, b: b.softmax(1) @ a.softmax(1), "softmax twice"),
    ("membership", lambda a, b: (b @ a) / (b @ a).sum(2, keepdim=True), "divided by its sum"),
    ("noun_loss", lambda f, u, s: 2 * noun_loss(f, u, s), "not their sum"),
    ("noun_loss", lambda f, u, s: noun_loss(f, u, 1.0), "scale is missing"),
    ("noun_loss", lambda f, u, s: halves(f, u, s)[1], "sentences' half"),
    ("noun_loss", lambda f, u, s: halves(f, u, s)[0], "pictures' half"),
    ("noun_loss", lambda f, u, s: noun_loss(f, F.normalize(u.mean(1, keepdim=True), dim=-1), s), "averaged first"),
    ("noun_loss", lambda f, u, s: noun_loss(f.detach(), u, s), "gradient"),
    ("named", lambda p, t: p.argmax(-1) + 1, "nothing is background"),
    ("named", kept, "loses even its surest"),
    ("named", lambda p, t: named(p, t) - 1, "0 is background"),
    ("named", lambda p, t: (named(p, t) - 1).clamp(min=0), "Add 1"),
    ("named", lambda p, t: kept(p, p.amax().clamp(max=t)), "Each picture has its own"),
    ("named", lambda p, t: kept(p, p.amax((1, 2))[:, None].clamp(min=t)), "It is the smaller|surest"),
    ("named", lambda p, t: torch.where(named(p, t) > 0, 0, p.argmax(-1) + 1), "exchanged"),
]  # fmt: skip


@pytest.mark.parametrize("answer", RIGHT)
def test_the_right_answer_is_taken(answer, capsys):
    getattr(check, answer.__name__)(answer)
    assert capsys.readouterr().out.startswith("✓")


def test_unit_vectors_may_be_brought_to_length_1_once_more(capsys):
    check.noun_loss(lambda f, u, scale: noun_loss(F.normalize(f, dim=-1), F.normalize(u, dim=-1), scale))
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(("name", "answer", "said"), WRONG)
def test_a_wrong_answer_is_told_what_is_wrong(name, answer, said):
    with pytest.raises(ExerciseError, match=said):
        getattr(check, name)(answer)
