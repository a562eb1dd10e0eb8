"""Lesson 06's checks: they pass what is right, and name the usual mistakes."""

import pytest
import torch
import torch.nn.functional as F
from exercises import test_a_usual_mistake_is_named, test_what_is_right_passes  # noqa: F401

from lessons_lib.teaching.lesson06 import checks as check
from lessons_lib.teaching.lesson06.towers import attention, causal_mask, read_class, read_end, rows_of


def image_features(visual, images, prompts, deep=(), before_ln_pre=False, *, shift=1, put="replace", position=False):
    def given(rows):
        return rows.expand(len(images), -1, -1)

    x = rows_of(visual, images)
    first = prompts + visual.positional_embedding[1 : 1 + len(prompts)] if position else prompts
    if before_ln_pre:
        x = visual.ln_pre(torch.cat([x, given(first)], dim=1))
    else:
        x = torch.cat([visual.ln_pre(x), given(first)], dim=1)
    for i, block in enumerate(visual.transformer.resblocks):
        if 0 <= i - shift < len(deep):
            rows, p = given(deep[i - shift]), len(prompts)
            x = {
                "replace": lambda: torch.cat([x[:, :-p], rows], dim=1),  # noqa: B023
                "append": lambda: torch.cat([x, rows], dim=1),  # noqa: B023
                "add": lambda: torch.cat([x[:, :-p], x[:, -p:] + rows], dim=1),  # noqa: B023
                "first": lambda: torch.cat([rows, x[:, p:]], dim=1),  # noqa: B023
            }[put]()
        x = block(x)
    return read_class(visual, x)


def images_with(**wrong):
    return lambda *given: image_features(*given, **wrong)


def text_features(model, tokens, ctx, deep=(), *, first=1, positions=True, masked=True, shift=1, placed=False):
    x, b = model.token_embedding(tokens), len(ctx)
    where = model.positional_embedding if positions else 0
    x = torch.cat([x[:, :first], ctx.expand(len(x), -1, -1), x[:, first + b :]], dim=1) + where
    for i, block in enumerate(model.transformer.resblocks):
        if 0 <= i - shift < len(deep):
            rows = deep[i - shift] + (model.positional_embedding[1 : 1 + b] if placed else 0)
            x = torch.cat([x[:, :first], rows.expand(len(x), -1, -1), x[:, first + b :]], dim=1)
        x = block(x, attn_mask=causal_mask(x.shape[1], x) if masked else None)
    return read_end(model, x, tokens)


def texts_with(**wrong):
    return lambda *given: text_features(*given, **wrong)


def couple(texts, weights, biases):
    return torch.stack([F.linear(text, weights[min(j, len(weights) - 1)], biases[min(j, len(biases) - 1)])
                        for j, text in enumerate(texts)])  # fmt: skip


def logits(model, images, tokens, texts, weights, biases, *, scale=torch.exp, before=True, text=slice(1, None),
           image=slice(1, None), coupled=couple):  # fmt: skip
    z = coupled(texts, weights, biases)
    f = image_features(model.visual, images, z[0], z[image], before)
    return scale(model.logit_scale) * f @ text_features(model, tokens, texts[0], texts[text]).T


def logits_with(**wrong):
    return lambda *given: logits(*given, **wrong)


def near(w, w_frozen, f, f_frozen, scale, *, a=25, b=10, c=1, distance=F.l1_loss, target="frozen", by=None, s=None):
    own, frozen = (
        F.log_softmax((scale if s is None else s) * x @ y.T, dim=1) for x, y in ((f, w), (f_frozen, w_frozen))
    )
    own, frozen = (own, frozen) if target == "frozen" else (frozen, own)
    kl = F.kl_div(own, frozen, reduction="sum", log_target=True) / {None: own.numel(), "n": len(f), 1: 1}[by]
    return a * distance(w, w_frozen) + b * distance(f, f_frozen) + c * kl


def near_with(**wrong):
    return lambda *given: near(*given, **wrong)


def bell(epochs, mean, std, *, first=1, half=0.5, whole=True):
    weights = torch.exp(-half * ((torch.arange(first, first + epochs) - mean) / std) ** 2)
    return weights / weights.sum() if whole else weights


def detached(function, *which):
    """The function given copies, which nothing learns from."""
    return lambda *given: function(*(x.detach() if i in which else x for i, x in enumerate(given)))


RIGHT = [
    (check.image_features, image_features),
    (check.text_features, text_features),
    (check.couple, couple),
    (check.couple, lambda *parts: list(couple(*parts))),
    (check.couple, lambda t, w, b: torch.einsum("jbd,jvd->jbv", t, w.expand(len(t), -1, -1)) + b[:, None]),
    (check.maple_logits, logits),
    (check.held_near, near),
    (check.ensemble_weights, bell),
]

MISTAKES = [
    (check.image_features, ..., "not written yet"),
    (check.image_features, lambda *given: None, "missing return"),
    (check.image_features, lambda v, x, p, d=(), b=False: image_features(v, x, p, d, not b), "wrong side of `ln_pre`"),
    (check.image_features, lambda v, x, p, d=(), b=False: image_features(v, x, p, d, True), "wrong side of `ln_pre`"),
    (check.image_features, lambda v, x, p, d=(), b=False: image_features(v, x, p[:0]), "no prompt has come in"),
    (check.image_features, images_with(position=True), "prompts have no position"),
    (check.image_features, lambda v, x, p, d=(), b=False: image_features(v, x, p, (), b), "deep sets are not used"),
    (check.image_features, images_with(put="append"), "stand beside them"),
    (check.image_features, images_with(put="add"), "thrown away"),
    (check.image_features, images_with(put="first"), "Prompts stand last"),
    (check.image_features, images_with(shift=0), "too early"),
    (check.image_features, images_with(shift=2), "too late"),
    (
        check.image_features,
        lambda v, x, *_: read_class(v, v.ln_pre(rows_of(v, x))),
        "should|differs|without its blocks",
    ),
    (check.image_features, lambda v, x, p, d=(), b=False: image_features(v, x, p, d, b)[0], "should have the shape"),
    (
        check.image_features,
        lambda v, x, p, d=(), b=False: image_features(v, x, p.detach(), [e.detach() for e in d], b),
        "nothing could learn",
    ),
    (
        check.image_features,
        lambda v, x, p, d=(), b=False: image_features(v, x, p, [e.detach() for e in d], b),
        "the gradient of argument 1",
    ),
    (check.text_features, lambda m, t, c, d=(): text_features(m, t, c), "deep sets are not used"),
    (check.text_features, texts_with(positions=False), "positions are missing"),
    (check.text_features, texts_with(first=0), "row 0 is the start"),
    (check.text_features, texts_with(masked=False), "causal mask is missing"),
    (check.text_features, texts_with(shift=0), "too early"),
    (check.text_features, texts_with(placed=True), "deep set got positions"),
    (check.text_features, lambda m, t, c, d=(): text_features(m, t, c.detach(), d), "the gradient of argument 1"),
    (check.couple, lambda t, w, b: t @ w.mT, "bias is missing"),
    (check.couple, lambda t, w, b: [F.linear(*each) for each in zip(t, w, b)], "every depth uses it"),
    (check.couple, lambda t, w, b: t @ w[:1].mT + b[:1, None], "each has its own"),
    (check.couple, lambda t, w, b: couple(t, w.flip(0), b.flip(0)), "opposite order"),
    (check.couple, detached(couple, 0), "the gradient of argument 1"),
    (check.couple, detached(couple, 1, 2), "the gradient of argument 2"),
    (check.couple, detached(couple, 0, 1, 2), "nothing could learn"),
    (check.couple, lambda t, w, b: ..., "not written yet"),
    (check.maple_logits, logits_with(scale=torch.ones_like), "scale is missing"),
    (check.maple_logits, logits_with(scale=lambda log: log), "logarithm of the scale"),
    (check.maple_logits, logits_with(before=False), "enter before it"),
    (check.maple_logits, logits_with(text=slice(0, 0)), "deep text prompts are left out"),
    (check.maple_logits, logits_with(image=slice(0, 0)), "deep image prompts are left out"),
    (check.maple_logits, lambda *given: logits(*given).T, "one column an image|exchanged"),
    (check.maple_logits, logits_with(coupled=detached(couple, 0)), "the gradient of argument 4"),
    (check.maple_logits, logits_with(coupled=detached(couple, 1)), "the gradient of argument 5"),
    (check.held_near, near_with(a=10, b=25), "exchanged"),
    (check.held_near, near_with(distance=F.mse_loss), "squared"),
    (check.held_near, near_with(distance=lambda x, y: (x - y).abs().sum()), "averaged"),
    (check.held_near, near_with(by="n"), "divided by the images alone"),
    (check.held_near, near_with(by=1), "is a sum"),
    (check.held_near, near_with(target="own"), "the other way"),
    (check.held_near, near_with(s=1.0), "softmax of scale"),
    (check.held_near, near_with(c=0), "KL is missing"),
    (check.held_near, detached(near, 0), "the gradient of argument 1"),
    (check.held_near, detached(near, 0, 2), "nothing could learn"),
    (check.ensemble_weights, lambda *given: bell(*given, first=0), "counted from 1"),
    (check.ensemble_weights, lambda *given: bell(*given, half=1), "a half"),
    (check.ensemble_weights, lambda *given: bell(*given, whole=False), "sum 1"),
    (check.ensemble_weights, lambda epochs, *_: torch.ones(epochs) / epochs, "weigh alike"),
    (check.ensemble_weights, lambda epochs, mean, std: bell(epochs, mean, std**0.5), "not its square"),
]


@pytest.fixture
def images(clip):
    size = clip.image_size
    return torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(3))


def test_no_hint_gives_the_line_that_is_asked_for():
    for *_, hint in MISTAKES:
        assert "torch.cat" not in hint and "expand(" not in hint


@pytest.mark.parametrize(("depth", "before"), [(1, False), (2, False), (2, True)])
def test_the_answer_is_what_the_library_computes(clip, images, depth, before):
    width = clip.image_tower.width
    sets = torch.randn(depth, 3, width, generator=torch.Generator().manual_seed(1))
    own = image_features(clip.model.visual, images, sets[0], sets[1:], before)
    theirs = clip.encode_prompted_images(images, sets[0], sets[1:], before_ln_pre=before)
    torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-5)


def test_attention_is_shared_out_whole_and_prompts_stand_last(clip, images):
    sets = torch.randn(2, 3, clip.image_tower.width, generator=torch.Generator().manual_seed(1))
    looked = attention(clip.model.visual, images, sets[0], sets[1:])
    rows = rows_of(clip.model.visual, images).shape[1] + 3
    assert looked.shape == (clip.image_tower.layers, 3, rows, rows)
    torch.testing.assert_close(looked.sum(dim=-1), torch.ones(looked.shape[:-1]))
    other = attention(clip.model.visual, images, sets[0], sets[1:].flip(-1))
    torch.testing.assert_close(other[0], looked[0])  # a deep set enters before block 2
    assert not torch.allclose(other[1], looked[1], atol=1e-4)


def test_the_rows_of_a_picture_without_prompts_are_clips_own(clip, images):
    visual = clip.model.visual
    x = visual.ln_pre(rows_of(visual, images))
    for block in visual.transformer.resblocks:
        x = block(x)
    torch.testing.assert_close(read_class(visual, x), F.normalize(visual(images), dim=-1), rtol=1e-4, atol=1e-5)
