"""Lesson 04's checks: they pass what is right, and name the usual mistakes."""

import math

import pytest
import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

import lessons_lib as ll
from lessons_lib.teaching.lesson04 import checks as check
from lessons_lib.teaching.lesson04.towers import finish, with_shared_rows


def features(model, tokens, ctx, *, first=1, before=False, positions=True):
    rows = model.token_embedding(tokens)
    rows = rows + model.positional_embedding if before else rows
    rows = torch.cat([rows[:, :first], ctx.expand(len(rows), -1, -1), rows[:, first + len(ctx) :]], dim=1)
    return finish(model, rows + model.positional_embedding if positions and not before else rows, tokens)


def written_into(model, tokens, ctx):
    rows = model.token_embedding(tokens).clone()
    rows[:, 1 : 1 + len(ctx)] = ctx
    return finish(model, rows + model.positional_embedding, tokens)


def loop(ctx, loss_of, order_of, epochs, lr, *, zero=True, momentum=0.9, decay=5e-4, warm=True, start=2, batch=32,
         returned=lambda losses: losses):  # fmt: skip
    optimizer = torch.optim.SGD([ctx], lr=lr, momentum=momentum, weight_decay=decay)
    means = []
    for epoch in range(1, epochs + 1):
        rate = lr * (1 + math.cos(math.pi * (epoch - start) / epochs)) / 2
        optimizer.param_groups[0]["lr"] = 1e-5 if epoch == 1 and warm else rate
        losses = []
        for rows in order_of(epoch).split(batch):
            if zero:
                optimizer.zero_grad()
            loss = loss_of(ctx, rows)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(sum(losses) / len(losses))
    return returned(means)


def loop_with(**wrong):
    return lambda *given: loop(*given, **wrong)


def attention(q, k, v, k_shared, v_shared, *, ahead=False, scaled=True, diagonal=1):
    k = torch.cat([k_shared.expand(len(k), -1, -1, -1), k], dim=2)
    v = torch.cat([v_shared.expand(len(v), -1, -1, -1), v], dim=2)
    rows, before = q.shape[2], k_shared.shape[1]
    mask = torch.zeros(rows, before + rows)
    if not ahead:
        mask[:, before:] = torch.full((rows, rows), -math.inf).triu(diagonal)
    logits = q @ k.transpose(-1, -2) / (math.sqrt(q.shape[-1]) if scaled else 1)
    return (logits + mask).softmax(dim=-1) @ v


def by_torch(q, k, v, k_shared, v_shared):
    n, before = len(q), k_shared.shape[1]
    k, v = (torch.cat([s.expand(n, -1, -1, -1), x], dim=2) for s, x in ((k_shared, k), (v_shared, v)))
    mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(before)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def near(vectors, words):
    return F.cosine_similarity(vectors[:, None], words[None], dim=-1).argmax(dim=1)


RIGHT = [
    (check.text_features, features),
    (check.text_features, written_into),
    (check.train, loop),
    (check.own_attention, attention),
    (check.own_attention, by_torch),
    (check.nearest_word, near),
]
MISTAKES = [
    (check.text_features, lambda model, tokens, ctx: ..., "not written yet"),
    (check.text_features, lambda *given: features(*given, positions=False), "positions are missing"),
    (check.text_features, lambda *given: features(*given, before=True), "learned rows got no position"),
    (check.text_features, lambda *given: features(*given, first=0), "row 0 is the start token"),
    (check.text_features, lambda *given: features(*given, first=2), "one row too late"),
    (check.text_features, lambda model, tokens, ctx: features(model, tokens, ctx[:0]), "nothing of ctx"),
    (check.text_features, lambda model, tokens, ctx: features(model, tokens, ctx.detach()), "no gradient flows back"),
    (check.text_features, lambda model, tokens, ctx: features(model, tokens, ctx).detach(), "no gradient flows back"),
    (check.train, lambda *given: ..., "not written yet"),
    (check.train, lambda *given: [0.0], "has not moved"),
    (check.train, loop_with(zero=False), "gradients of earlier steps"),
    (check.train, loop_with(momentum=0.0), "momentum of 0.9 is missing"),
    (check.train, loop_with(decay=0.0), "weight decay of 5e-4 is missing"),
    (check.train, loop_with(warm=False), "constant rate of 1e-5|Compare the rate"),
    (check.train, loop_with(start=1), "one epoch too late or too early"),
    (check.train, loop_with(batch=16), "losses were computed"),
    (check.train, loop_with(returned=lambda losses: losses[-1]), "should have the shape|epoch by epoch"),
    (check.train, lambda ctx, loss_of, order_of, epochs, lr: loop(ctx, loss_of, lambda e: order_of(e - 1), epochs, lr),
     "counted from 1"),
    (check.own_attention, lambda *given: attention(*given, ahead=True), "looks ahead"),
    (check.own_attention, lambda *given: attention(*given, scaled=False), "root of e"),
    (check.own_attention, lambda *given: attention(*given, diagonal=0), "no row looks at itself"),
    (check.own_attention, lambda q, k, v, s, t: attention(q, k, v, s[:, :0], t[:, :0]), "shared rows are not looked"),
    (check.own_attention, lambda *given: attention(*(x.detach() for x in given)), "no gradient flows back"),
    (check.nearest_word, lambda v, w: (v @ w.T).argmax(1), "long words win"),
    (check.nearest_word, lambda v, w: torch.cdist(v, w).argmin(1), "short words win"),
    (check.nearest_word, lambda v, w: (v @ F.normalize(w, dim=1).T).argmin(1), "points away"),
    (check.nearest_word, lambda v, w: v @ w.T, "argmax over the words"),
]  # fmt: skip


def test_rows_that_are_shared_change_neither_a_value_nor_a_gradient(toyclip):
    names, generator = ["river", "pine forest", "bridge"], torch.Generator().manual_seed(0)
    tokens = toyclip.tokenize(["X " * 5 + f"{name}." for name in names])
    found = []
    for run in (features, lambda *given: with_shared_rows(*given, attention)):
        ctx = torch.randn(5, toyclip.text_tower.width, generator=generator.manual_seed(0)).requires_grad_()
        w = run(toyclip.model, tokens, ctx)
        (w * torch.linspace(-1, 1, w.numel()).view_as(w)).sum().backward()
        found.append((w.detach(), ctx.grad))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


def test_the_loop_of_the_lesson_is_the_librarys_fit_number_for_number(toyclip):
    task = ll.load_task("toy_satellite", shots=2, seed=1)
    start = ll.CoOp(toyclip, n_ctx=4)
    start.reset(seed=3)
    ctx = start.ctx.detach().clone().requires_grad_()
    tokens = toyclip.tokenize(["X " * 4 + f"{name}." for name in task.classnames])
    f = ll.image_features(toyclip, task.train, progress=False)

    def loss_of(ctx, rows):
        logits = toyclip.logit_scale * f[rows] @ features(toyclip.model, tokens, ctx).T
        return F.cross_entropy(logits, task.train.labels[rows])

    def order_of(epoch):
        return torch.randperm(len(f), generator=torch.Generator().manual_seed(3 * 1_000_003 + epoch))

    losses = loop(ctx, loss_of, order_of, 4, start.LR)
    fitted = ll.CoOp(toyclip, n_ctx=4).fit(task, epochs=4, seed=3, progress=False)
    torch.testing.assert_close(fitted.ctx.detach(), ctx.detach(), rtol=1e-3, atol=1e-5)
    assert losses == pytest.approx([row["loss"] for row in fitted.history], rel=1e-3)
