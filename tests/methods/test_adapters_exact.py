"""CLIP-Adapter and Tip-Adapter equal their published computation (`tests/reference`), in logits, in the gradient of
everything that they learn, and in the choice that the search makes, on every device that is here."""

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from reference.clip_adapter import of_method
from reference.comparing import assert_as_published, assert_same, fast_logits, relative_error, values_and_gradients
from reference.tip_adapter import search, tip_logits
from tiny_clip import tiny_clip as build_tiny_clip

import lessons_lib as ll
from lessons_lib.methods.parts.cache_search import places_by_class, search_alpha_beta, spread

NAMES = ["cat", "yellow_crane", "jack-o'-lantern", "2CV", "great grey owl"]

tiny_clip = cache(build_tiny_clip)


def pictures(clip, count: int = 6):
    draws = torch.Generator().manual_seed(3)
    return torch.randn(count, 3, clip.image_size, clip.image_size, generator=draws).to(clip.device)


def ready(kind, clip, **settings):
    method = kind(clip, **settings)
    method.set_classes(NAMES)
    return method


# --- CLIP-Adapter

ADAPTERS = {
    "as released": {},
    "more of it": dict(alpha=0.7),
    "nothing left": dict(alpha=1.0),
    "narrow": dict(reduction=8),
    "texts as well": dict(text_adapter=True, beta=0.6),
    "alpha learned": dict(alpha="learnable"),
    "alpha learned, texts": dict(alpha="learnable", text_adapter=True),
}


@pytest.mark.parametrize("vision", ["vit", "resnet"])
@pytest.mark.parametrize("settings", ADAPTERS.values(), ids=ADAPTERS)
def test_clip_adapter_is_as_published(settings, vision, device):
    clip = tiny_clip(device=device, vision=vision)
    method, images = ready(ll.CLIPAdapter, clip, **settings), pictures(clip)
    assert_as_published(method, of_method, images)


def test_an_adapter_without_biases_does_not_care_how_long_a_feature_is():
    method = ready(ll.CLIPAdapter, tiny_clip(), alpha=0.6)
    features = torch.randn(4, 32, generator=torch.Generator().manual_seed(0))
    assert relative_error(method.compare(7 * features), method.compare(features)) < 1e-5


def test_a_vanishing_alpha_is_zero_shot():
    clip = tiny_clip()
    zero_shot = ll.ZeroShot(clip).for_classes(NAMES)
    adapter = ready(ll.CLIPAdapter, clip, alpha=1e-9)
    assert relative_error(adapter.logits(pictures(clip)), zero_shot.logits(pictures(clip))) < 1e-5


# --- Tip-Adapter


def random_keys(clip, labels, seed: int = 1):
    keys = torch.randn(len(labels), clip.embed_dim, generator=torch.Generator().manual_seed(seed))
    return F.normalize(keys, dim=-1), torch.tensor(labels)


LABELS = {
    "equal": [0, 0, 1, 1, 2, 2, 3, 3, 4, 4],
    "mixed": [3, 0, 1, 4, 2, 2, 1, 0, 4, 3],
    "unequal": [4, 0, 1, 1, 2, 1, 3, 1],
    "a class without": [0, 1, 1, 3, 4],
}


@pytest.mark.parametrize("finetune", [False, True])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_tip_adapter_is_as_published(labels, finetune, device):
    clip = tiny_clip(device=device)
    method = ready(ll.TipAdapter, clip, finetune=finetune, init_alpha=3.0, init_beta=2.5)
    method.hold(*random_keys(clip, labels))
    values = F.one_hot(method.key_labels, len(NAMES)).float()
    images = pictures(clip)
    features = clip.encode_images(images).clone()

    def published():
        return tip_logits(features, method.keys, values, method.texts, clip.logit_scale, 3.0, 2.5)

    parameters = list(method.parameters())
    assert len(parameters) == finetune
    if not finetune:
        assert relative_error(fast_logits(method, images), published()) < 1e-5
        return
    found = values_and_gradients(lambda: fast_logits(method, images), parameters)
    assert_same(found, values_and_gradients(published, parameters), ["logits", "keys"], 1e-4)


def test_an_empty_cache_is_zero_shot():
    clip = tiny_clip()
    zero_shot = ll.ZeroShot(clip).for_classes(NAMES)
    assert torch.equal(ll.TipAdapter(clip).for_classes(NAMES).logits(pictures(clip)), zero_shot.logits(pictures(clip)))


# --- the search


def problem(labels, *, count: int = 150, device: str = "cpu", width: int = 16, noise: float = 1.0, seed: int = 0):
    """Features, labels, keys, one-hot values and texts, of which neither cache nor texts are always right."""
    draws = torch.Generator().manual_seed(seed)
    centres = torch.randn(len(NAMES), width, generator=draws)
    key_labels = torch.tensor(labels)
    y = torch.randint(len(NAMES), (count,), generator=draws)

    def near(which, spread):
        return F.normalize(centres[which] + spread * torch.randn(len(which), width, generator=draws), dim=-1)

    features, keys = near(y, noise), near(key_labels, noise)
    texts = near(torch.arange(len(NAMES)), 1.5)
    return [each.to(device) for each in (features, y, keys, F.one_hot(key_labels, len(NAMES)).float(), texts)]


@pytest.mark.parametrize("scale", [17.0, 100.0])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_the_search_is_the_published_loop(labels, scale, device):
    features, y, keys, values, texts = problem(labels, device=device)
    alphas, betas = torch.linspace(0.1, 30, 20), torch.linspace(0.1, 12, 15)
    alpha, beta, table = search(features, y, keys, values, texts, scale, alphas.tolist(), betas.tolist())
    found = search_alpha_beta(features @ keys.T, values, scale * features @ texts.T, y, alphas, betas)
    assert found[:2] == pytest.approx((alpha, beta))
    torch.testing.assert_close(found[2], torch.tensor(table, dtype=torch.float64), rtol=0, atol=1e-9)
    assert found[2].max() > found[2].min()  # or every pair would be the best


def test_the_search_in_parts_is_the_search(monkeypatch):
    features, y, keys, values, texts = problem(LABELS["unequal"])
    arguments = (features @ keys.T, values, 20 * features @ texts.T, y, torch.linspace(0.1, 9, 7), torch.ones(1))
    whole = search_alpha_beta(*arguments)
    monkeypatch.setattr("lessons_lib.methods.parts.cache_search.AT_ONCE", 40)
    parts = search_alpha_beta(*arguments)
    assert parts[:2] == whole[:2] and torch.equal(parts[2], whole[2])


def test_of_equally_accurate_pairs_the_first_is_taken():
    features, y, keys, values, texts = problem(LABELS["equal"], noise=0.01)
    alpha, beta, accuracies = search_alpha_beta(
        features @ keys.T, values, 0 * features @ texts.T, y, torch.tensor([2.0, 1.0]), torch.tensor([5.0, 4.0])
    )
    assert (accuracies == 100).all() and (alpha, beta) == (2.0, 5.0)


def test_a_key_that_is_far_away_at_a_large_beta_says_nothing():
    """exp(−β (1 − A)) underflows to 0 for all classes but one; of equal sums the zero-shot term decides."""
    affinities = torch.tensor([[-1.0, -1.0, -1.0]])
    for zero_shot, expected in (([1.0, 2.0, 0.0], 0.0), ([3.0, 2.0, 0.0], 100.0)):
        result = search_alpha_beta(
            affinities, torch.eye(3), torch.tensor([zero_shot]), torch.tensor([0]), torch.ones(1), torch.tensor([500.0])
        )
        assert result[2].item() == expected


def test_places_lead_to_each_classs_keys(device):
    for labels in LABELS.values():
        labels = torch.tensor(labels, device=device)
        values = torch.rand(3, len(labels), device=device)
        sums = spread(values, places_by_class(labels, 5), 0.0).sum(dim=0)
        torch.testing.assert_close(sums, values @ F.one_hot(labels, 5).float())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict(values=torch.ones(10, 5)), "values must be one-hot"),
        (dict(values=torch.eye(5)), r"with affinities \(150, 10\), values must be \(10, 5\); got \(5, 5\)"),
        (dict(labels=torch.zeros(3)), r"labels must be \(150,\); got \(3,\)"),
        (dict(zero_shot_logits=torch.zeros(150, 4)), r"zero_shot_logits must be \(150, 5\)"),
        (
            dict(affinities=torch.zeros(0, 10), zero_shot_logits=torch.zeros(0, 5), labels=torch.zeros(0)),
            "no images to choose",
        ),
    ],
)
def test_a_search_without_sense_is_refused(changes, words):
    features, y, keys, values, texts = problem(LABELS["equal"])
    given = dict(affinities=features @ keys.T, values=values, zero_shot_logits=features @ texts.T, labels=y)
    with pytest.raises(ValueError, match=words):
        search_alpha_beta(**{**given, **changes}, alphas=torch.ones(1), betas=torch.ones(1))
