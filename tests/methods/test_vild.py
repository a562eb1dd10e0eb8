"""ViLD: its losses and scores are the published computation, and what its formulas promise."""

import pytest
import torch
import torch.nn.functional as F
from noise_task import NAMES, box_split, box_task
from reference import vild as published
from reference.comparing import assert_same, values_and_gradients
from tiny_clip import tiny_clip

from lessons_lib.data import Boxes, Split
from lessons_lib.methods import METHODS
from lessons_lib.methods.detect.vild import VARIANTS, ViLD
from lessons_lib.methods.parts import regions

SMALL = {"image_size": 32, "width": 16, "hidden": 24, "proposals": 6}
BRIEF = {"epochs": 2, "proposal_epochs": 1, "batch_size": 8, "progress": False}


def made(variant="both", **settings):
    method = ViLD(tiny_clip(), variant, **{**SMALL, **settings}).for_classes(NAMES)
    with torch.no_grad():
        method.mover.weight.mul_(100)  # so that boxes move
    return method


def given(seed=0, dim=32):
    """Maps of two pictures, regions with labels and deltas, proposals of which the last of each only fills up."""
    draws = torch.Generator().manual_seed(seed)
    maps = torch.randn(2, 16, 8, 8, generator=draws)
    corner, side = torch.rand(10, 2, generator=draws) * 16, 4 + torch.rand(10, 2, generator=draws) * 12
    boxes = torch.cat([corner, corner + side], dim=1)
    rois = torch.cat([torch.tensor([0.0, 0, 1, 1])[:, None], boxes[:4]], dim=1)
    proposals = torch.cat([boxes[4:].view(2, 3, 4), torch.zeros(2, 1, 4)], dim=1)
    teacher = F.normalize(torch.randn(2, 4, dim, generator=draws), dim=-1)
    return maps, rois, torch.tensor([2, 0, 5, 0]), torch.randn(4, 4, generator=draws), proposals, teacher


def whole(method, maps, rois, labels, wanted, proposals, teacher):
    found = method.region_loss(maps, rois, labels, wanted)
    return found + method.weight * method.distillation(maps, proposals, teacher)


OTHERS = {"masked": 3, "weight": 2.0, "temperature": 0.05}


@pytest.mark.parametrize(("variant", "settings"), [("both", {}), *((variant, OTHERS) for variant in VARIANTS)], ids=str)
def test_the_loss_and_its_gradients_are_the_literal_ones(variant, settings):
    method, numbers = made(variant, **settings), given()
    learned = [p for name, p in method.named_parameters() if not name.startswith("proposer")]
    names = ["loss", *(name for name, _ in method.named_parameters() if not name.startswith("proposer"))]
    found = values_and_gradients(lambda: whole(method, *numbers)[None], learned)
    wanted = values_and_gradients(lambda: published.losses(method, *numbers)[None], learned)
    assert all(gradient.abs().max() > 0 for gradient in wanted)
    assert_same(found, wanted, names, 2e-4)


def test_distillation_is_128_times_the_mean_of_l1_loss():
    """The sum over dimensions: `F.l1_loss` alone is D times as weak."""
    method, (maps, _, _, _, proposals, teacher) = made(), given()
    sound = proposals[:, :3]
    rois = torch.cat([torch.tensor([0.0, 0, 0, 1, 1, 1])[:, None], sound.flatten(0, 1)], dim=1)
    mean = F.l1_loss(method.embed(maps, rois).image, teacher[:, :3].flatten(0, 1))
    dim = method.clip.embed_dim
    torch.testing.assert_close(method.distillation(maps, proposals, teacher), dim * mean)


def test_padded_proposals_add_nothing():
    method, (maps, _, _, _, proposals, teacher) = made(), given()
    alone = method.distillation(maps, proposals[:, :3], teacher[:, :3])
    torch.testing.assert_close(method.distillation(maps, proposals, teacher), alone)
    assert method.distillation(maps, torch.zeros(2, 4, 4), teacher) == 0, "pictures without proposals"


def test_a_novel_logit_of_0_is_not_one_that_is_left_out():
    """The released code multiplies novel logits by 0: e^0 stays in the sum, where −∞ would leave nothing."""
    absent, zero = made(temperature=0.5), made(temperature=0.5, masked=4)
    zero.load_state_dict(absent.state_dict())
    numbers = given()
    logits = absent.logits_of(absent.embed(*numbers[:2]).text)
    left_out = F.cross_entropy(F.pad(logits, (0, 4), value=-torch.inf), numbers[2])
    at_zero = F.cross_entropy(F.pad(logits, (0, 4)), numbers[2])
    off = absent.region_loss(*numbers[:4]) - F.cross_entropy(logits, numbers[2])
    torch.testing.assert_close(absent.region_loss(*numbers[:4]) - off, left_out)
    torch.testing.assert_close(zero.region_loss(*numbers[:4]) - off, at_zero)
    assert at_zero > left_out


@pytest.mark.parametrize("variant", VARIANTS)
def test_scores_are_the_published_ones_for_base_and_novel_classes(variant):
    method = made(variant, temperature=0.05)
    method.fitted_on = torch.tensor(list(b'["cat", "owl"]'), dtype=torch.uint8)
    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = torch.cat([one.scores for one in method.regions(pictures)])
    with torch.no_grad():
        wanted = published.of_method(method, pictures)
    assert found.shape == (len(wanted), 5) and len(wanted) > 2
    assert_same([found], [wanted], ["scores"], 1e-3)


def test_the_ensembles_exponents_turn_round_for_novel_classes():
    method = made("ensemble", temperature=0.1)
    method.fitted_on = torch.tensor(list(b'["dog"]'), dtype=torch.uint8)
    assert method.is_base.tolist() == [name == "dog" for name in NAMES]
    found = method.embed(*given()[:2])
    p_text = method.logits_of(found.text).softmax(dim=-1)[:, 1:]
    p_image = (found.image @ method.texts.T / 0.1).softmax(dim=-1)
    scores, dog = method.scores_of(found, torch.ones(4)), NAMES.index("dog")
    torch.testing.assert_close(scores[:, dog] ** 3, p_text[:, dog] ** 2 * p_image[:, dog])
    torch.testing.assert_close(scores[:, 0] ** 3, p_text[:, 0] * p_image[:, 0] ** 2)


def test_without_weight_it_learns_what_text_alone_learns():
    task = box_task()
    text, none = (ViLD(tiny_clip(), v, weight=w, **SMALL).fit(task, **BRIEF) for v, w in (("text", 0.5), ("both", 0)))
    assert all(torch.equal(one, other) for one, other in zip(text.parameters(), none.parameters()))
    some = ViLD(tiny_clip(), "both", weight=0.5, **SMALL).fit(task, **BRIEF)
    assert not all(torch.equal(one, other) for one, other in zip(text.parameters(), some.parameters()))


def test_deltas_take_a_box_where_they_came_from():
    boxes = torch.tensor([[2.0, 3, 10, 20], [5, 5, 9, 9]])
    truth = torch.tensor([[4.0, 1, 11, 30], [4, 6, 8, 12]])
    torch.testing.assert_close(regions.moved(boxes, regions.deltas_of(boxes, truth), 32), truth)
    assert regions.moved(boxes, torch.full((2, 4), 1e4), 32).max() <= 32


def test_regions_are_matched_and_sampled():
    truth, labels = torch.tensor([[0.0, 0, 10, 10], [10, 10, 30, 30]]), torch.tensor([3, 0])
    boxes = torch.tensor([[0.0, 0, 10, 9], [11, 11, 30, 30], [0, 0, 10, 4]])
    told, which = regions.matched(boxes, truth, labels)
    assert told.tolist() == [4, 1, 0] and which.tolist()[:2] == [0, 1]
    assert regions.matched(boxes, truth[:0], labels[:0])[0].tolist() == [0, 0, 0], "a picture without boxes"
    many = torch.cat([torch.ones(50), torch.zeros(50)]).long()
    picked = regions.sampled(many, 20, 0.25)
    assert len(set(picked.tolist())) == 20 and many[picked].sum() == 5


def test_clip_sees_a_region_and_a_wider_one():
    clip = tiny_clip()
    pictures = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    boxes = torch.tensor([[[0.0, 0, 32, 32], [8, 8, 24, 24], [0, 0, 0, 0]]])
    one = regions.crop_embeddings(clip, pictures, boxes, (1.0,))[0]
    both = regions.crop_embeddings(clip, pictures, boxes, (1.0, 2.0))[0]
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (clip.image_mean, clip.image_std))
    picture = clip.encode_images((pictures - mean) / std)[0]
    assert one[0] @ picture > 0.98, "the whole picture's region is the picture, up to how it was resized"
    torch.testing.assert_close(both[1], F.normalize(one[1] + one[0], dim=0)), "twice as wide is all of it"
    assert one[2].abs().max() == both[2].abs().max() == 0


def test_what_clip_sees_is_kept(monkeypatch):
    clip, split = tiny_clip(), box_split(4, 1)
    boxes = torch.tensor([[[2.0, 2, 20, 20]]] * 4)
    see = lambda rows: split.tensor()[rows] / 255  # noqa: E731
    first = regions.kept_crop_embeddings(clip, split, see, boxes, (1.0, 1.5))
    monkeypatch.setattr(regions, "crop_embeddings", lambda *_: pytest.fail("seen again"))
    assert torch.equal(regions.kept_crop_embeddings(clip, split, see, boxes, (1.0, 1.5)), first)
    with pytest.raises(pytest.fail.Exception, match="seen again"):
        regions.kept_crop_embeddings(clip, split, see, boxes + 1, (1.0, 1.5))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"variant": "texts"}, "use one of text, image, both, ensemble"),
        ({"weight": -1}, "weight=-1"),
        ({"temperature": 0}, "temperature=0"),
        ({"crops": ()}, r"crops=\(\)"),
        ({"proposals": 0}, "proposals=0"),
        ({"image_size": 30}, "image_size=30"),
    ],
)
def test_impossible_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        ViLD(tiny_clip(), **settings)


def test_a_task_without_a_box_has_nothing_to_learn_and_a_split_nothing_to_find():
    task = box_task()
    bare = Split(task.train.images, Boxes([[]] * 20, [[]] * 20, [(32, 32)] * 20), NAMES)
    none = type(task)(**{**vars(task), "train": bare})
    with pytest.raises(ValueError, match="no training picture has a box"):
        ViLD(tiny_clip(), **SMALL).fit(none, **BRIEF)
    with pytest.raises(ValueError, match="no picture of the split has a box"):
        made().measure(bare)


def test_it_is_a_method_of_the_library():
    assert METHODS["ViLD"] is ViLD and ViLD.kind == "detect"
