"""Lesson 07's checks: they pass what is right, and name the usual mistakes."""

import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

import lessons_lib as ll
from lessons_lib.methods.classify.clip_adapter import adapted
from lessons_lib.teaching.lesson07 import checks as check
from lessons_lib.teaching.lesson07 import learned


def blended(f, new, alpha):
    mix = alpha * new + (1 - alpha) * f
    return mix / mix.norm(dim=1, keepdim=True)


def summed(f, keys, values, alpha, beta):
    return alpha * torch.exp(beta * (f @ keys.T) - beta) @ values


def keys_learned(
    keys, loss_of, epochs, lr, *, zero=True, cosine=True, decay=0.01, eps=1e-4, kind=None, losses=torch.Tensor.item
):
    optimizer = torch.optim.AdamW([keys], lr=lr, eps=eps, weight_decay=decay) if kind is None else kind([keys], lr=lr)
    schedule, history = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs), []
    for _ in range(epochs):
        if zero:
            optimizer.zero_grad()
        loss = loss_of(keys)
        loss.backward()
        optimizer.step()
        if cosine:
            schedule.step()
        history.append(loss.item())
    return history


def keys_with(**wrong):
    return lambda *given: keys_learned(*given, **wrong)


def probed(f, rows, s):
    return s * f @ (rows / rows.norm(dim=1, keepdim=True)).T


def lp(f, v, b, alpha, texts):
    return f @ v.T + alpha * (f @ texts.T) + b


def of_adapter(A, f, labels, texts, s, penalty):
    logits = s * F.normalize(f @ A, dim=1) @ texts.T
    return F.cross_entropy(logits, labels) + penalty * ((A - torch.eye(len(A))) ** 2).sum()


RIGHT = [
    (check.blend, blended), (check.cache_logits, summed), (check.learn_keys, keys_learned),
    (check.probe_logits, probed), (check.blended_logits, lp), (check.adapter_loss, of_adapter),
]  # fmt: skip


MISTAKES = [
    (check.blend, lambda f, new, a: ..., "not written yet"),
    (check.blend, lambda f, new, a: blended(f, new, 1 - a), "exchanged"),
    (check.blend, lambda f, new, a: a * new + (1 - a) * f, "not of length 1"),
    (check.blend, lambda f, new, a: F.normalize(a * new + (1 - a) * f, dim=0), "columns"),
    (check.blend, lambda f, new, a: F.normalize(f + a * new, dim=1), "come in whole"),
    (check.blend, lambda f, new, a: blended(f, F.normalize(new, dim=1), a), "before it is mixed"),
    (check.blend, lambda f, new, a: f.mul_(1 - a).add_(a * new), "in place"),
    (check.cache_logits, lambda f, k, v, a, b: a * (b * (f @ k.T - 1)).exp(), "@ values"),
    (check.cache_logits, lambda f, k, v, a, b: a * (b * (1 - f @ k.T)).exp() @ v, "grow with the distance"),
    (check.cache_logits, lambda f, k, v, a, b: a * (-b * (f @ k.T)).exp() @ v, "counts most"),
    (check.cache_logits, lambda f, k, v, a, b: a * (b * (f @ k.T)).exp() @ v, "at most 1"),
    (check.cache_logits, lambda f, k, v, a, b: summed(f, k, v, 1, b), "alpha is missing"),
    (check.cache_logits, lambda f, k, v, a, b: a * (b * (f @ k.T)).softmax(1) @ v, "add up to 1"),
    (check.cache_logits, lambda f, k, v, a, b: summed(f, k, v, a, b) / v.sum(0), "mean over the keys"),
    (check.blend, lambda f, new, a: blended(f, new.detach(), a), "nothing could learn"),
    (check.cache_logits, lambda f, k, v, a, b: summed(f, k.detach(), v, a, b), "nothing could learn"),
    (
        check.cache_logits,
        lambda f, k, v, a, b: summed(f, k, torch.eye(v.shape[1]).repeat(len(v) // v.shape[1], 1), a, b),
        "cache_logits",
    ),
    (check.learn_keys, lambda keys, loss_of, epochs, lr: [loss_of(keys).item() for _ in range(epochs)], "not moved"),
    (check.learn_keys, lambda keys, loss_of, epochs, lr: keys_learned(keys, loss_of, 2, lr), "losses were computed"),
    (check.learn_keys, keys_with(zero=False), "set them to zero"),
    (check.learn_keys, keys_with(cosine=False), "CosineAnnealingLR"),
    (check.learn_keys, keys_with(eps=1e-8), "1e-4"),
    (check.learn_keys, keys_with(decay=0.0), "decay"),
    (check.learn_keys, keys_with(kind=torch.optim.SGD), "by AdamW"),
    (check.learn_keys, lambda *given: keys_learned(*given)[-1], "One loss an epoch"),
    (check.probe_logits, lambda f, rows, s: s * f @ rows.T, "grown or shrunk"),
    (check.probe_logits, lambda f, rows, s: probed(f, rows, 1), "scale s is missing"),
    (check.probe_logits, lambda f, rows, s: s * f @ F.normalize(rows, dim=0).T, "columns"),
    (check.probe_logits, lambda f, rows, s: probed(f, rows.detach(), s), "nothing could learn"),
    (check.blended_logits, lambda f, v, b, a, t: f @ v.T + b, "texts are missing"),
    (check.blended_logits, lambda f, v, b, a, t: f @ (v + t).T + b, "α is missing"),
    (check.blended_logits, lambda f, v, b, a, t: lp(f, v, 0, a, t), "b, one number"),
    (check.blended_logits, lambda f, v, b, a, t: a * (f @ (v + t).T) + b, "texts alone"),
    (check.blended_logits, lambda f, v, b, a, t: lp(f, F.normalize(v, dim=1), b, a, t), "no cosine"),
    (check.blended_logits, lambda f, v, b, a, t: lp(f, v, b, a.detach(), t), "gradient"),
    (check.adapter_loss, lambda A, f, y, t, s, p: F.cross_entropy(s * F.normalize(f @ A, dim=1) @ t.T, y), "holds A"),
    (check.adapter_loss, lambda A, f, y, t, s, p: of_adapter(A, f, y, t, s, p / A.numel()), "their sum"),
    (check.adapter_loss, lambda A, f, y, t, s, p: of_adapter(A, f, y, t, s, 0) + p * (A**2).sum(), "near the identity"),
    (
        check.adapter_loss,
        lambda A, f, y, t, s, p: F.cross_entropy(s * f @ A @ t.T, y) + p * ((A - torch.eye(len(A))) ** 2).sum(),
        "length 1",
    ),
]


def test_the_references_are_the_librarys_methods(clip, task):
    f = ll.image_features(clip, task.train, progress=False)
    adapter = ll.CLIPAdapter(clip).for_classes(task.classnames).adapter
    with torch.no_grad():
        torch.testing.assert_close(check.mixed(f, adapter(f), 0.3), adapted(f, adapter, 0.3))

    tip = ll.TipAdapter(clip, n_views=0, search=False, init_alpha=2.0, init_beta=3.0).fit(task, progress=False)
    values = F.one_hot(task.train.labels, len(task.classnames)).float()
    added = check.evidence(f, f, values, 2.0, 3.0)
    torch.testing.assert_close(added + clip.logit_scale * f @ tip.texts.T, tip.logits_from_features(f))


def test_probes_and_linear_adapter_are_the_librarys(clip, task):
    f = ll.image_features(clip, task.train, progress=False)
    s, labels = clip.logit_scale, task.train.labels
    adapter = ll.LinearAdapter(clip, penalty=0.5).fit(task, epochs=2, progress=False)
    loss = learned._adapter_loss(adapter.matrix, f, labels, adapter.texts, s, 0.5)
    torch.testing.assert_close(loss, adapter.loss(f, labels))
    probe = ll.TextProbe(clip).fit(task, epochs=2, progress=False)
    torch.testing.assert_close(learned._probe_logits(f, probe.rows, s), probe.compare(f))
    lp_ = ll.LPPlusPlus(clip).fit(task, epochs=2, progress=False)
    by_hand = learned._blended(f, lp_.weight, lp_.bias, lp_.alpha, lp_.texts)
    torch.testing.assert_close(by_hand, lp_.logits_from_features(f))
