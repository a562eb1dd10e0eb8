"""Lesson 05's checks: they pass what is right, and name the usual mistakes."""

import math

import torch
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.teaching.lesson05 import checks as check
from lessons_lib.teaching.lesson05.towers import finish


def half(labels, names, new, *, up=math.ceil):
    middle = up(len(names) / 2)
    rows = ((labels >= middle) == new).nonzero()[:, 0]
    return rows, labels[rows] - middle * new, names[middle:] if new else names[:middle]


def net(f, w1, b1, w2, b2):
    return (f @ w1.T + b1).relu() @ w2.T + b2


def logits(model, tokens, ctx, pi, f, scale, *, places=True, first=1):
    v = ctx + pi[:, None]
    (images, context), classes = v.shape[:2], len(tokens)
    words = model.token_embedding(tokens).expand(images, -1, -1, -1)
    v = v[:, None].expand(-1, classes, -1, -1)
    rows = torch.cat([words[:, :, :first], v, words[:, :, first + context :]], dim=2).flatten(0, 1)
    rows = rows + model.positional_embedding[: tokens.shape[1]] * places
    w = finish(model, rows, tokens.repeat(images, 1)).unflatten(0, (images, classes))
    return scale * (w @ f[:, :, None])[:, :, 0]


def loop(learned, loss_of, order_of, epochs, lr, *, momentum=0.9, decay=5e-4, size=1, zero=True, first=1e-5, start=1,
         flat=False, only=None, steps=True):  # fmt: skip
    optimizer = torch.optim.SGD(learned[:only], lr=lr, momentum=momentum, weight_decay=decay)
    history = []
    for epoch in range(start, start + epochs):
        rate = lr if flat else lr * (1 + math.cos(math.pi * (epoch - 2) / epochs)) / 2
        optimizer.param_groups[0]["lr"] = first if epoch == 1 else rate
        losses = []
        for rows in order_of(epoch).split(size):
            if zero:
                optimizer.zero_grad()
            loss = loss_of(learned, rows)
            loss.backward()
            if steps:
                optimizer.step()
            losses.append(loss.item())
        history.append(sum(losses) / len(losses))
    return history


def with_(function, **wrong):
    return lambda *args: function(*args, **wrong)


RIGHT = [
    (check.half, half),
    (check.half, lambda labels, names, new: tuple(half(labels, names, new))),
    (check.meta_net, net),
    (check.cocoop_logits, logits),
    (check.train, loop),
]


def labels_kept(labels, names, new):
    rows, _, own = half(labels, names, new)
    return rows, labels[rows], own


def counted(labels, names, new):
    rows, own, names = half(labels, names, new)
    return rows, own.unique(return_inverse=True)[1], names


def as_mask(labels, names, new):
    return (labels >= math.ceil(len(names) / 2)) == new, *half(labels, names, new)[1:]


def by_pictures(labels, names, new):
    middle = math.ceil(len(labels) / 2)
    rows = torch.arange(len(labels))[middle:] if new else torch.arange(middle)
    return rows, *half(labels, names, new)[1:]


def turned(labels, names, new):
    return half(labels, names, not new)


def alphabetical(labels, names, new):
    rows, own, names = half(labels, names, new)
    return rows, own, sorted(names)


def of_mean(model, tokens, ctx, pi, f, scale):
    return logits(model, tokens, ctx, pi.mean(dim=0).expand_as(pi), f, scale)


def of_first(model, tokens, ctx, pi, f, scale):
    return logits(model, tokens, ctx, pi[:1].expand_as(pi), f, scale)


def to_first_row(model, tokens, ctx, pi, f, scale):
    shifts = torch.cat([pi[:, None], torch.zeros(len(pi), len(ctx) - 1, ctx.shape[1])], dim=1)
    return torch.cat([logits(model, tokens, ctx + s, 0 * p[None], x[None], scale) for s, p, x in zip(shifts, pi, f)])


MISTAKES = [
    (check.half, turned, "the other half"),
    (check.half, with_(half, up=math.floor), "round up"),
    (check.half, alphabetical, "another order"),
    (check.half, labels_kept, "begin at 0"),
    (check.half, counted, "keeps its number"),
    (check.half, as_mask, "not True and False"),
    (check.half, by_pictures, "whose label is in this half"),
    (check.half, lambda labels, names, new: half(labels, names, new)[:2], "three things"),
    (check.half, lambda labels, names, new: ..., "not written yet"),
    (check.meta_net, lambda f, w1, b1, w2, b2: (f @ w1.T + b1) @ w2.T + b2, "between the two layers is missing"),
    (check.meta_net, lambda *args: net(*args).relu(), "behind the second layer"),
    (check.meta_net, lambda f, w1, b1, w2, b2: net(f, w1, 0 * b1, w2, b2), "first bias"),
    (check.meta_net, lambda f, w1, b1, w2, b2: net(f, w1, b1, w2, 0 * b2), "second bias"),
    (check.meta_net, lambda *args: net(*args).mean(dim=0).expand(len(args[0]), -1), "Each has its own"),
    (check.meta_net, lambda *args: net(*args).T, "exchanged"),
    (check.meta_net, lambda f, w1, b1, w2, b2: net(f, w1.T, b1, w2, b2), "stopped with RuntimeError"),
    (check.meta_net, lambda *args: net(*args).detach(), "no gradient flows back"),
    (check.meta_net, lambda f, w1, b1, w2, b2: net(f, w1.detach(), b1, w2, b2), "gradient of argument 2"),
    (check.meta_net, lambda *args: ..., "not written yet"),
    (check.cocoop_logits, lambda m, t, ctx, pi, f, s: logits(m, t, ctx, 0 * pi, f, s), "that is CoOp"),
    (check.cocoop_logits, to_first_row, "first row of the context alone"),
    (check.cocoop_logits, lambda m, t, ctx, pi, f, s: logits(m, t, 0 * ctx, pi, f, s), "in the place of the context"),
    (check.cocoop_logits, of_mean, "share the mean π"),
    (check.cocoop_logits, of_first, "prompts of the first one"),
    (check.cocoop_logits, lambda m, t, ctx, pi, f, s: logits(m, t, ctx, pi, f, 1.0), "scale is missing"),
    (check.cocoop_logits, with_(logits, places=False), "positions are missing"),
    (check.cocoop_logits, with_(logits, first=0), "row 0 is the start"),
    (check.cocoop_logits, lambda *args: logits(*args).T, "exchanged|shape"),
    (check.cocoop_logits, lambda *args: logits(*args).detach(), "no gradient flows back"),
    (check.cocoop_logits, lambda m, t, ctx, pi, f, s: logits(m, t, ctx, pi.detach(), f, s), "gradient of argument 4"),
    (check.cocoop_logits, lambda m, t, ctx, pi, f, s: logits(m, t, ctx.detach(), pi, f, s), "gradient of argument 3"),
    (check.train, with_(loop, size=32), "each step takes one"),
    (check.train, with_(loop, only=1), "has not moved"),
    (check.train, with_(loop, steps=False), "has not moved"),
    (check.train, with_(loop, zero=False), "set them to zero"),
    (check.train, with_(loop, momentum=0.0), "momentum of 0.9"),
    (check.train, with_(loop, decay=0.0), "weight decay"),
    (check.train, with_(loop, first=0.02), "constant rate of 1e-5"),
    (check.train, with_(loop, flat=True), "half a cosine"),
    (check.train, with_(loop, start=0), "counted from 1"),
    (check.train, lambda *args: [0.0 * x for x in loop(*args)], "what train with"),
    (check.train, lambda *args: ..., "not written yet"),
]
