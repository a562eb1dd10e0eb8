"""Lesson 02's checks: what is right passes, and usual mistakes are named."""

import math

import torch
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401
from torch.nn.functional import normalize

from lessons_lib.teaching.lesson02 import checks as check


def tower(model, tokens, *, mask=True, positions=True, read=None, norm=True, unit=True, projected=True):
    length = tokens.shape[1]
    causal = torch.full((length, length), -math.inf).triu(1) if mask else None
    x = model.token_embedding(tokens) + (model.positional_embedding if positions else 0)
    for block in model.transformer.resblocks:
        x = block(x, attn_mask=causal)
    x = x[torch.arange(len(x)), tokens.argmax(dim=1)] if read is None else read(x, tokens)
    x = model.ln_final(x) if norm else x
    x = x @ model.text_projection if projected else x
    return normalize(x, dim=1) if unit else x


def tower_with(**wrong):
    return lambda model, tokens: tower(model, tokens, **wrong)


def classify(images, texts, scale):
    return (scale * normalize(images, dim=1) @ normalize(texts, dim=1).T).softmax(dim=1)


def threshold(confidences, keep=90.0):
    known = confidences["val known"].sort().values
    return known[int((1 - keep / 100) * len(known) + 1e-9)].item()


RIGHT = [
    (check.text_tower, tower),
    (check.text_tower, lambda model, tokens: normalize(model.encode_text(tokens), dim=1)),
    (check.classify, classify),
    (check.choose_threshold, threshold),
]
MISTAKES = [
    (check.text_tower, None, "not written yet"),
    (check.text_tower, tower_with(mask=False), "also looks ahead"),
    (check.text_tower, tower_with(positions=False), "no position is added"),
    (check.text_tower, tower_with(read=lambda x, tokens: x[:, -1]), "last row of the context"),
    (check.text_tower, tower_with(read=lambda x, tokens: x[:, 0]), "the first row"),
    (check.text_tower, tower_with(read=lambda x, tokens: x.mean(dim=1)), "mean of all rows"),
    (check.text_tower, tower_with(norm=False), "`ln_final` is missing"),
    (check.text_tower, tower_with(unit=False), "not of length 1"),
    (check.text_tower, tower_with(projected=False), "should have the shape"),
    (check.text_tower, lambda model, tokens: tower(model, tokens).detach(), "no gradient flows back"),
    (check.classify, lambda f, w, s: s * normalize(f, dim=1) @ normalize(w, dim=1).T, "those are the logits"),
    (check.classify, lambda f, w, s: (s * f @ w.T).softmax(1), "Divide each by its length"),
    (check.classify, lambda f, w, s: (s * f @ normalize(w, dim=1).T).softmax(1), "images' vectors are not of length 1"),
    (check.classify, lambda f, w, s: classify(f, w, 1.0), "`scale` is not used"),
    (check.classify, lambda f, w, s: classify(f, w, 1 / s), "divide by the temperature"),
    (check.classify, lambda f, w, s: (s * normalize(f, dim=1) @ normalize(w, dim=1).T).softmax(0), "over the images"),
    (check.classify, lambda f, w, s: classify(f, w, s).detach(), "no gradient flows back"),
    (check.choose_threshold, lambda c, keep: c["val known"].min().item(), "a larger threshold would still accept"),
    (check.choose_threshold, lambda c, keep: c["test known"].quantile(1 - keep / 100).item(), "tuned to them"),
    (check.choose_threshold, lambda c, keep: c["val known"].quantile(keep / 100).item(), "fewer than asked for"),
    (check.choose_threshold, lambda c, keep: float(c["val known"].mean()), "fewer than asked for|larger threshold"),
]
