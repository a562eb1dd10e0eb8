"""DAPT equals its published computation (`tests/reference/dapt.py`), in logits, loss and gradients, on every device."""

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from reference import dapt as reference
from reference.comparing import assert_as_published, assert_same, relative_error, values_and_gradients
from tiny_clip import tiny_clip as build_tiny_clip

import lessons_lib as ll
from lessons_lib.methods.classify.dapt import class_means, inter_dispersion, intra_dispersion

NAMES = ["cat", "yellow_crane", "jack-o'-lantern", "2CV", "great grey owl"]
CASES = {
    "as released": {},
    "few prompts": dict(n_ctx=1, n_ctx_vision=1),
    "weights that tell": dict(beta_t=3.0, beta_v=200.0, t=0.5),
    "as in the paper": dict(beta_t=0.3, beta_v=2.0, reduction="sum"),
    "texts alone": dict(beta_v=0.0, beta_t=5.0),
    "images alone": dict(beta_t=0.0, beta_v=300.0),
    "neither": dict(beta_t=0, beta_v=0),
}
tiny_clip = cache(build_tiny_clip)


def pictures(clip, count: int = 6):
    draws = torch.Generator().manual_seed(3)
    images = torch.randn(count, 3, clip.image_size, clip.image_size, generator=draws)
    return images.to(clip.device), torch.tensor([0, 1, 1, 2, 4, 0][:count], device=clip.device)


def ready(clip, **settings):
    method = ll.DAPT(clip, **settings)
    method.set_classes(NAMES)
    draws = torch.Generator().manual_seed(8)
    method.prototypes = F.normalize(torch.randn(len(NAMES), clip.embed_dim, generator=draws), dim=1).to(clip.device)
    return method


def published_loss(method, images, labels, **changes):
    settings = dict(beta_t=method.beta_t, beta_v=method.beta_v, t=method.t, summed=method.reduction == "sum")
    learned = (method.ctx, method.visual_ctx, method.prototypes)
    return reference.dapt_loss(method.clip, NAMES, *learned, images, labels, **{**settings, **changes})


@pytest.mark.parametrize("settings", CASES.values(), ids=CASES)
def test_loss_and_gradients_are_as_published(settings, device):
    clip = tiny_clip(device=device)
    method, (images, labels) = ready(clip, **settings), pictures(clip)
    names, parameters = zip(*method.named_parameters())
    found = values_and_gradients(lambda: method.loss(images, labels)[None], parameters)
    wanted = values_and_gradients(lambda: published_loss(method, images, labels)[None], parameters)
    assert all(gradient.abs().max() > 0 for gradient in wanted)
    assert_same(found, wanted, ["loss", *names], 1e-4)


def test_logits_and_gradients_are_as_published_with_quick_gelu_too(device):
    clip = tiny_clip(device=device, quick_gelu=True)
    assert_as_published(ready(clip), reference.of_method, pictures(clip)[0])


def test_each_loss_counts_and_can_be_left_out():
    clip = tiny_clip()
    images, labels = pictures(clip)
    with torch.no_grad():
        neither, texts, pics, both = (
            ready(clip, beta_t=beta_t, beta_v=beta_v).loss(images, labels).item()
            for beta_t, beta_v in ((0, 0), (10, 0), (0, 100), (10, 100))
        )
    assert texts > neither + 0.1 and pics > neither + 0.1
    assert both == pytest.approx(texts + pics - neither, rel=1e-4)


def test_without_both_losses_it_is_coop_and_vpt():
    clip = tiny_clip()
    method, (images, labels) = ready(clip, beta_t=0, beta_v=0), pictures(clip)
    coop, vpt = ll.CoOp(clip), ll.VPT(clip, n_ctx=16)
    for other in (coop, vpt):
        other.set_classes(NAMES)
    with torch.no_grad():
        coop.ctx.copy_(method.ctx)
        vpt.prompts.copy_(method.visual_ctx[None])
        logits = clip.logit_scale * vpt.image_features(images) @ coop.text_features().T
    assert relative_error(method.loss(images, labels), F.cross_entropy(logits, labels)) < 1e-5


def test_on_toyclip_as_published(toyclip):
    method, (images, labels) = ready(toyclip, beta_t=1.0, beta_v=100.0), pictures(toyclip, 3)
    names, parameters = zip(*method.named_parameters())
    found = values_and_gradients(lambda: method.loss(images, labels)[None], parameters)
    wanted = values_and_gradients(lambda: published_loss(method, images, labels)[None], parameters)
    assert_same(found, wanted, ["loss", *names], 1e-4)


# --- the parts


def unit(count: int, width: int = 8) -> torch.Tensor:
    return F.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(0)), dim=1)


def test_the_mean_is_the_sum_over_ordered_pairs_and_over_dimensions():
    texts, images, own = unit(5), unit(6), unit(6).flip(0)
    assert inter_dispersion(texts, reduction="sum") == pytest.approx(20 * inter_dispersion(texts).item())
    assert intra_dispersion(images, own, reduction="sum") == pytest.approx(8 * intra_dispersion(images, own).item())


def test_texts_that_agree_have_the_highest_potential_and_opposite_ones_the_lowest():
    agree, opposite = unit(1).expand(3, -1), torch.cat([unit(1), -unit(1)])
    assert inter_dispersion(agree) == pytest.approx(1.0)
    assert inter_dispersion(opposite, t=2) == pytest.approx(torch.tensor(-8.0).exp().item(), rel=1e-4)
    assert inter_dispersion(unit(1)) == 0  # of one class there is no pair


def test_prototypes_are_means_that_are_not_normalised_again():
    features, labels = unit(5), torch.tensor([2, 0, 1, 0, 2])
    means = class_means(features, labels, ["a", "b", "c"])
    torch.testing.assert_close(means[0], (features[1] + features[3]) / 2)
    torch.testing.assert_close(means[1], features[2])
    assert means[0].norm() < 0.99
    with pytest.raises(ValueError, match="1 of 4 classes have no training image, the first is 'd'"):
        class_means(features, labels, ["a", "b", "c", "d"])
