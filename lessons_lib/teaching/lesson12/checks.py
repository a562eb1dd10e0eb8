"""Checks of lesson 12's exercises: a hard choice with a soft gradient, merging, two groupings, nouns, names."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.clip.grouping import assign as _assign
from lessons_lib.pretrain.grouping import multi_label_loss
from lessons_lib.teaching.checks import answer_of, drawn, explain, of_unit, require, right, same, same_gradients


def _one_hot(scores: Tensor, dim: int) -> Tensor:
    return torch.zeros_like(scores).scatter_(dim, scores.argmax(dim=dim, keepdim=True), 1.0)


def assign(student: Callable) -> None:
    """`assign(logits)`: (N, G, L) -> the same shape, one-hot over groups, with the softmax's gradient."""
    for n, groups, tokens, seed in ((1, 2, 3, 0), (2, 4, 7, 1), (3, 6, 5, 2)):
        logits, name = 2 * drawn(n, groups, tokens, seed=seed), f"assign of {groups} groups and {tokens} tokens"
        got, soft = answer_of(student, logits, name="assign"), logits.softmax(dim=1)
        expected = _one_hot(logits, 1)
        mistakes = {
            "these are shares of every group. Forward, a token goes to one group whole: a 1, and zeros.": soft,
            "every group chose a token. It is the token that chooses a group: argmax over dimension 1.":
                _one_hot(logits, 2),
            "the shares are over tokens. Each token's shares, over the groups, sum to 1.": logits.softmax(dim=2),
            "one-hot and shares are added. Subtract the shares again, detached.": expected + soft,
            "these are the groups' numbers, not one-hot rows of them.":
                logits.argmax(dim=1, keepdim=True).float().expand_as(logits),
            "the shares are subtracted twice: one-hot + soft − soft.detach().": expected - soft,
        }  # fmt: skip
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name)
        given = logits.clone().requires_grad_()
        answer = student(given)
        require(
            answer.requires_grad,
            "the values are right, and nothing can be learned from them: argmax has no gradient. Add the shares and "
            "take them away again, detached: one-hot + soft − soft.detach().",
        )
        same_gradients(student, _assign, logits, name="assign")
    right("assign: forward a hard choice, backward the gradient of the shares.")


def _merged(choice: Tensor, values: Tensor, plus: float = 1.0) -> Tensor:
    return choice / (choice.sum(dim=2, keepdim=True) + plus) @ values


def merge(student: Callable) -> None:
    """`merge(choice, values)`: (N, G, L), (N, L, d) -> (N, G, d), the sum of a group's values over (how many + 1)."""
    for n, groups, tokens, width, seed in ((1, 2, 7, 3, 0), (2, 3, 6, 4, 1), (2, 4, 3, 5, 2)):
        choice, values = _one_hot(drawn(n, groups, tokens, seed=seed), 1), drawn(n, tokens, width, seed=seed + 10)
        choice[:, -1] = 0  # nobody is in the last group
        name = f"merge of {tokens} tokens in {groups} groups"
        got, expected = answer_of(student, choice, values, name="merge"), _merged(choice, values)
        mistakes = {
            "these are sums. Divide by how many tokens a group has, plus 1.": choice @ values,
            "a group without tokens divides 0 by 0. Add 1 to the number of tokens.":
                _merged(choice, values, 0.0),
            "add the 1 to the number, not to every share.": (choice + 1) / choice.sum(dim=2, keepdim=True) @ values,
            "that is the mean over all tokens. A group counts its own alone.": choice @ values / tokens,
            "the number of tokens is a sum over the last dimension of `choice`.":
                choice / (choice.sum(dim=1, keepdim=True) + 1) @ values,
            "the mean is taken of groups that have tokens, and no 1 is added. It is sum / (n + 1).":
                choice / choice.sum(dim=2, keepdim=True).clamp(min=1) @ values,
        }  # fmt: skip
        wrong = {said: value for said, value in mistakes.items() if not torch.allclose(value, expected, equal_nan=True)}
        explain(got, expected, wrong, name=name)
        same(got, expected, name=name)
        shares = drawn(n, groups, tokens, seed=seed + 20).softmax(dim=1)
        same_gradients(student, _merged, shares, values, name="merge")
    right("merge: a group's tokens become one, n / (n + 1) of their mean.")


def membership(student: Callable) -> None:
    """`membership(first, second)`: (N, G1, L), (N, G2, G1) -> (N, G2, L)."""
    for n, few, many, tokens, seed in ((1, 2, 3, 5, 0), (2, 3, 4, 4, 1), (2, 4, 4, 4, 2)):
        first = (3 * drawn(n, many, tokens, seed=seed)).softmax(dim=1)
        second = (3 * drawn(n, few, many, seed=seed + 10)).softmax(dim=1)
        name = f"membership of {tokens} patches, {many} groups, then {few}"
        got, expected = answer_of(student, first, second, name="membership"), second @ first
        mistakes = {
            "that follows each patch's likeliest group alone. Here shares stay shares: multiply the matrices.":
                second @ _one_hot(first, 1),
            "both are made hard. Here shares stay shares: multiply the matrices.":
                _one_hot(second, 1) @ _one_hot(first, 1),
            "patches are rows here. Groups are rows, patches columns.": (second @ first).mT,
            "each patch's shares sum to 1 already: no softmax behind the product.": (second @ first).softmax(dim=1),
            "it is softmax twice. The shares come as they are.": second.softmax(dim=1) @ first.softmax(dim=1),
            "each group's row is divided by its sum. A patch's shares sum to 1, over groups.":
                expected / expected.sum(dim=2, keepdim=True),
        }  # fmt: skip
        if many == tokens:
            mistakes["the first grouping is turned round: its columns are patches."] = second @ first.mT
        if few == many:
            mistakes["the second grouping is turned round: its columns are first groups."] = second.mT @ first
        explain(got, expected, mistakes, name=name)
        same(got, expected, name=name)
    right("membership: how much of a patch is in each last group.")


def noun_loss(student: Callable) -> None:
    """`noun_loss(f, u, scale)`: (N, D), (N, K, D) unit -> a scalar."""
    name = "noun_loss"
    for n, k, width, scale, seed in ((3, 2, 4, 5.0, 0), (4, 3, 6, 10.0, 1), (5, 1, 4, 3.0, 2)):
        f, u = F.normalize(drawn(n, width, seed=seed), dim=-1), F.normalize(drawn(n, k, width, seed=9), dim=-1)
        got, expected = answer_of(student, f, u, scale, name=name), multi_label_loss(f, u, scale)
        logits = scale * f @ u.flatten(0, 1).T  # (N, N·K)
        owner = torch.arange(n).repeat_interleave(k)
        shares = F.one_hot(owner, n).T.float() / k
        ways = F.cross_entropy(logits, shares), F.cross_entropy(logits.T, owner)
        mean = F.normalize(u.mean(dim=1), dim=-1)
        pairs = scale * f @ mean.T
        mistakes = {
            "that is the pictures' half. Add the sentences' half, and divide by 2.": ways[0],
            "that is the sentences' half. Add the pictures' half, and divide by 2.": ways[1],
            "both halves are there: take their mean, not their sum.": ways[0] + ways[1],
            "a picture's targets have to sum to 1: each of its K sentences has 1 / K.":
                (F.cross_entropy(logits, shares * k) + ways[1]) / 2,
            "the sentences of a picture are averaged first. Each is an answer of its own.":
                (F.cross_entropy(pairs, torch.arange(n)) + F.cross_entropy(pairs.T, torch.arange(n))) / 2,
            "the scale is missing.": multi_label_loss(f, u, 1.0),
            "every picture is told its first sentence alone. All K of them are right.":
                (F.cross_entropy(logits, torch.arange(n) * k) + ways[1]) / 2,
        }  # fmt: skip
        wrong = {said: value for said, value in mistakes.items() if not torch.allclose(value, expected, rtol=1e-4)}
        explain(got, expected, wrong, name=name)
        same(got, expected, name=name)
        each = (of_unit(loss, 0, 1) for loss in (student, multi_label_loss))
        same_gradients(*each, f, u, torch.tensor(scale), name=name, learned=(0, 1))
    right("noun_loss: several right answers a picture, values and gradients.")


def _named(p: Tensor, threshold: float) -> Tensor:
    sure, thing = p.max(dim=-1)
    return torch.where(sure >= sure.amax(dim=1, keepdim=True).clamp(max=threshold), thing + 1, 0)


NAMING = ((2, 3, 4, 1.0, 0), (2, 3, 4, 0.5, 0), (3, 6, 5, 0.9, 1), (1, 5, 4, 0, 3))  # n, G, K, t, seed


def named(student: Callable) -> None:
    """`named(p, t)`: (N, G, K) -> (N, G) long: 0 for background, c + 1 for class c."""
    for n, groups, classes, threshold, seed in NAMING:
        p, name = torch.rand(n, groups, classes, generator=torch.Generator().manual_seed(seed)), "named"
        p[0] *= 0.4
        got, expected = answer_of(student, p, threshold, name=name), _named(p, threshold)
        sure, thing = p.max(dim=-1)
        least = sure.amax(dim=1, keepdim=True).clamp(max=threshold)
        mistakes = {
            "nothing is background here. A group stays unnamed where its p is below min(t, the picture's largest).":
                thing + 1,
            "a picture whose groups are all below t loses even its surest one: keep what is ≥ min(t, largest).":
                torch.where(sure >= threshold, thing + 1, 0),
            "class c is c + 1 here: 0 is background.": torch.where(sure >= least, thing, -1),
            "the classes keep their own numbers, so that the first cannot be told from background. Add 1.":
                torch.where(sure >= least, thing, 0),
            "the surest group of all pictures decides. Each picture has its own.":
                torch.where(sure >= sure.amax().clamp(max=threshold), thing + 1, 0),
            "the larger of t and the largest p is taken. It is the smaller.":
                torch.where(sure >= sure.amax(dim=1, keepdim=True).clamp(min=threshold), thing + 1, 0),
            "named and unnamed are exchanged.": torch.where(sure >= least, 0, thing + 1),
        }  # fmt: skip
        wrong = {said: value for said, value in mistakes.items() if not torch.equal(value, expected)}
        explain(got, expected, wrong, name=name)
        same(got, expected, name=name)
    right("named: a name where a group is sure enough, background elsewhere.")
