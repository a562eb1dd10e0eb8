"""GroupViT names the groups that its tower makes: by their soft shares, among the picture's likeliest classes, and with
a background that is what the threshold leaves."""

import pytest
import torch
import torch.nn.functional as F
from noise_task import NAMES, mask_task
from reference import groupvit as published
from tiny_clip import tiny_clip, tiny_groupvit

from lessons_lib.methods import METHODS

GroupViT = METHODS["GroupViT"]
ALL = ["background", *NAMES]


@pytest.fixture(scope="module")
def clip():
    """Random, but its groups differ: away from the start, where groups are much alike."""
    clip = tiny_groupvit()
    draws = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for p in clip.model.visual.parameters():
            p += 0.15 * torch.randn(p.shape, generator=draws)
    return clip


def pictures(n: int = 6) -> torch.Tensor:
    return 2 * torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(3))


def of(clip, names=ALL, **settings):
    method = GroupViT(clip, **settings)
    method.set_classes(names)
    return method.eval()


def test_answers_are_the_same_every_time_without_noise(clip):
    method = of(clip)
    assert torch.equal(method.logits(pictures()), method.logits(pictures()))


def test_a_pixel_shows_what_its_group_is_named(clip):
    method = of(clip, NAMES)
    maps, scores = method.named_groups(pictures())
    assert maps.shape == (6, 3, 4, 4) and scores.shape == (6, 3, 5)
    torch.testing.assert_close(maps.sum(dim=1), torch.ones(6, 4, 4))  # each patch is shared out among the groups
    assert len({tuple(row) for row in maps.argmax(dim=1).flatten(1).tolist()}) > 1
    groups = F.interpolate(maps, size=32, mode="bilinear").argmax(dim=1)  # (6, 32, 32)
    for picture in range(6):
        for group in range(3):
            answers = method.predict(pictures())[picture][groups[picture] == group]
            assert (answers == scores[picture, group].argmax()).all()


@pytest.mark.parametrize("threshold", [0.0, 0.15, 0.3, 0.95, 1])
def test_background_is_where_the_best_score_is_below_the_threshold_and_below_the_pictures_best(clip, threshold):
    method = of(clip, threshold=threshold)
    taken, things = method.predict(pictures()), method.logits(pictures())[:, 1:]
    _, scores = method.named_groups(pictures())
    for picture in range(6):
        least = min(torch.tensor(threshold).item(), scores[picture].max().item())
        best = things[picture].amax(dim=0)
        assert torch.equal(taken[picture] == 0, best < least)
        assert torch.equal(taken[picture][best >= least], 1 + things[picture].argmax(dim=0)[best >= least])
    assert (taken == 0).any() == (threshold > 0)


def test_the_place_of_background_among_the_names_does_not_matter(clip):
    first, last = of(clip, threshold=0.3), of(clip, [*NAMES, "background"], threshold=0.3)
    moved = (last.predict(pictures()) + 1) % 6
    assert torch.equal(first.predict(pictures()), moved) and (moved == 0).any() and (moved > 0).any()


def test_classes_that_are_not_among_the_pictures_likeliest_score_nothing(clip):
    _, some = of(clip, NAMES, top=2).named_groups(pictures())
    _, every = of(clip, NAMES, top=5).named_groups(pictures())
    _, more = of(clip, NAMES, top=99).named_groups(pictures())
    assert ((some > 0).any(dim=1).sum(dim=1) == 2).all() and torch.equal(every, more)
    of_picture, texts = clip.encode_images(pictures()), of(clip, NAMES).texts
    for picture, likeliest in enumerate((of_picture @ texts.T).topk(2).indices.tolist()):
        assert set((some[picture] > 0).any(dim=0).nonzero().flatten().tolist()) == set(likeliest)
    torch.testing.assert_close(every.sqrt().sum(dim=-1), torch.ones(6, 3))  # among all five: a softmax's square


def test_labels_in_another_order_give_their_scores_in_that_order(clip):
    order = [3, 0, 4, 1, 2]
    one, other = of(clip, NAMES), of(clip, [NAMES[i] for i in order])
    torch.testing.assert_close(other.logits(pictures()), one.logits(pictures())[:, order])


def test_hard_maps_are_the_product_of_the_choices(clip):
    maps, _ = of(clip, maps="hard").named_groups(pictures())
    first, second = clip.model.visual.groups(pictures()).hard
    for picture in range(6):
        for patch in range(16):
            group = second[picture, :, first[picture, :, patch].argmax()].argmax()
            assert maps[picture, group].flatten()[patch] == 1 and maps[picture, :, patch // 4, patch % 4].sum() == 1


def test_scores_and_background_are_the_literal_ones(clip):
    method = of(clip, threshold=0.3, top=3)
    with torch.no_grad():
        scores, _, background = published.pixel_scores(clip, pictures(), method.texts, threshold=0.3, top=3)
    torch.testing.assert_close(method.logits(pictures())[:, 1:], scores, atol=1e-4, rtol=1e-3)
    assert torch.equal(method.predict(pictures()) == 0, background)


def test_a_task_gives_names_and_nothing_is_learned(clip):
    fingerprint = clip.fingerprint
    method = GroupViT(clip).fit(mask_task(shots=1))
    assert method.n_parameters == 0 and method.classnames == ALL and method.texts.shape == (5, 32)
    assert method.paper_name == "GroupViT" and GroupViT(clip, maps="hard").paper_name == ""
    assert clip.fingerprint == fingerprint and method.patch == 8


def test_what_makes_no_sense_is_refused(clip):
    with pytest.raises(
        ValueError, match="image tower of tiny is a VisionTransformer, which makes no groups.*local-dir"
    ):
        GroupViT(tiny_clip()).fit(mask_task(shots=1))
    with pytest.raises(ValueError, match="makes no groups"):
        of(tiny_clip())
    for threshold in (-0.1, 1.1, "high", True, float("nan")):
        with pytest.raises(ValueError, match="threshold=.*: give a number from 0 to 1"):
            GroupViT(clip, threshold)
    with pytest.raises(ValueError, match="maps='softer': use one of .*Did you mean 'soft'"):
        GroupViT(clip, maps="softer")
    with pytest.raises(ValueError, match="top=0: give how many classes"):
        GroupViT(clip, top=0)
    with pytest.raises(ValueError, match="'background' is what shows none of the classes: name at least one more"):
        of(clip, ["background"])
    with pytest.raises(ValueError, match="needs .* tokens; the context holds 77"):
        of(clip, ["very " * 80 + "long dog"])
