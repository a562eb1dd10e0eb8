"""ToyWorld: what it promises to the lessons that draw from it."""

import random

import numpy as np
import pytest
import torch

from lessons_lib import toyworld
from lessons_lib.toyworld import basics, render, shapes
from lessons_lib.toyworld.captions import Dials, Wording, caption
from lessons_lib.toyworld.scenes import ToyClass, draw_class
from lessons_lib.toyworld.sketch import PALETTE, Conditions, Facts, Sketch

STILL = Conditions(
    scale=(0.8, 0.8),
    shift=0.0,
    turn=0.0,
    colour_jitter=0.0,
    backgrounds=("plain",),
    brightness=0.0,
    contrast=(1, 1),
    noise=(0, 0),
)


def plain_shape(kind: str, **changes) -> tuple[torch.Tensor, "toyworld.Scenes"]:
    cls = ToyClass(kind, lambda s: basics.plain(s, kind))
    scenes = draw_class(cls, 4, np.random.default_rng(0), category="shape", conditions=STILL)
    return scenes.render(), scenes


def test_there_are_eleven_tasks_four_shifts_and_one_of_written_words():
    assert len(toyworld.ELEVEN) == 11
    assert toyworld.SHIFTS == ["toy_things_v2", "toy_things_sketch", "toy_things_a", "toy_things_r"]
    assert set(toyworld.TASKS) == {*toyworld.ELEVEN, *toyworld.SHIFTS, "toy_words"}


@pytest.mark.parametrize("name", list(toyworld.TASKS))
def test_every_task_has_enough_classes_with_names_of_their_own(name):
    spec = toyworld.TASKS[name]
    assert len(spec.classes) >= (60 if name.startswith("toy_things") else 10)
    assert len(set(spec.classnames)) == len(spec.classes)
    assert all(template.count("{}") == 1 for template in spec.templates)


def test_splits_hold_at_least_32_16_and_50_pictures_a_class():
    assert (
        toyworld.SPLIT_SIZES["train"] >= 32 and toyworld.SPLIT_SIZES["val"] >= 16 and toyworld.SPLIT_SIZES["test"] >= 50
    )
    scenes, labels = toyworld.draw_scenes("toy_satellite", "test")
    assert len(scenes) == len(labels) and torch.bincount(labels).tolist() == [50] * 10


@pytest.mark.parametrize("name", list(toyworld.TASKS))
def test_every_class_draws_pictures_that_differ_and_have_contrast(name):
    scenes, labels = toyworld.draw_scenes(name, "val", per_class=4)
    images = scenes.render().float()
    assert images.shape == (4 * len(toyworld.TASKS[name].classes), 3, 64, 64)
    assert (images.flatten(1).std(1) > 4).all(), "a picture is all of one colour"
    by_class = images.view(-1, 4, 3 * 64 * 64)
    assert ((by_class[:, 0] - by_class[:, 1]).abs().mean(1) > 1).all(), "two pictures of a class are the same"


def test_a_seed_draws_the_same_pictures_and_another_seed_others():
    first, second, third = (toyworld.draw_scenes("toy_pets", "val", seed=s, per_class=2)[0] for s in (1, 1, 2))
    assert torch.equal(first.render(), second.render()) and first.fingerprint == second.fingerprint
    assert not torch.equal(first.render(), third.render()) and first.fingerprint != third.fingerprint


def test_splits_do_not_share_pictures():
    train, test = (toyworld.draw_scenes("toy_cars", split, per_class=2)[0].render() for split in ("train", "test"))
    assert not torch.equal(train, test)


def test_some_of_the_scenes_render_as_they_do_among_all():
    scenes, _ = toyworld.draw_scenes("toy_food", "val", per_class=3)
    assert torch.equal(scenes[[5, 1, 30]].render(), scenes.render()[[5, 1, 30]])


def test_the_chunk_does_not_change_a_pixel():
    scenes, _ = toyworld.draw_scenes("toy_aircraft", "val", per_class=2)
    assert torch.equal(scenes.render(chunk=1), scenes.render(chunk=64))


def test_every_device_draws_the_same_pictures(device):
    scenes, _ = toyworld.draw_scenes("toy_textures", "val", per_class=2)
    here, there = scenes.render().int(), scenes.render(device=device).cpu().int()
    assert ((here - there).abs() <= 2).float().mean() > 0.999


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [
        ("ellipse", (0.0, 0.0), (0.0, 0.6)),
        ("box", (0.7, 0.4), (0.9, 0.0)),
        ("trapezoid", (0.0, 0.3), (0.75, -0.45)),
        ("star", (0.0, -0.6), (0.5, 0.5)),
        ("arc", (0.0, -0.8), (0.0, 0.0)),
        ("moon", (-0.6, 0.0), (0.4, 0.0)),
        ("leaf", (0.7, 0.0), (0.0, 0.6)),
        ("dome", (0.0, -0.2), (0.0, 0.2)),
        ("wave", (0.0, 0.0), (0.0, 0.9)),
        ("petals", (0.0, -0.5), (0.7, 0.7)),
    ],
)
def test_a_distance_is_negative_inside_and_positive_outside(kind, inside, outside):
    numbers = {
        "star": (0.8, 0.5, 5, 0.4),
        "arc": (0.8, 0.1, 90, 0),
        "moon": (0.9, 0.7, 0.5, 0),
        "petals": (0.8, 1.0, 4, 0.2),
        "wave": (0.8, 0.1, 0.2, 1),
        "trapezoid": (0.8, 0.5, 0.3, 0),
        "dome": (0.8, 0.5, 0, 0),
    }.get(kind, (0.8, 0.5, 0, 0))
    a, b, p, q = (torch.tensor(float(v)).view(1, 1, 1) for v in numbers)
    for (x, y), sign in ((inside, -1), (outside, 1)):
        d = shapes.SHAPES[kind](torch.tensor(x).view(1, 1, 1), torch.tensor(y).view(1, 1, 1), a, b, p, q)
        assert d.item() * sign > 0


@pytest.mark.parametrize("name", list(shapes.PATTERNS))
def test_a_pattern_covers_a_part_and_stays_between_0_and_1(name):
    x, y = render.pixel_grid(64, torch.device("cpu"))
    one = torch.ones(1, 1, 1)
    cover = shapes.PATTERNS[name]((x * 3)[None], (y * 3)[None], one * 0.1, one * 0.4, one * 0.3)
    assert cover.min() >= 0 and cover.max() <= 1 and 0.05 < cover.mean() < 0.95


def test_a_mask_covers_exactly_the_object_and_its_box_touches_it():
    images, scenes = plain_shape("square")
    mask, (left, top, right, bottom) = scenes.masks(0)[0], scenes.boxes(0)[0].tolist()
    side = 0.78 * 0.8 * 64  # half-side × scale × pixels
    assert mask.sum().item() == pytest.approx(side**2, rel=0.08)
    assert right - left == pytest.approx(side, abs=2) and bottom - top == pytest.approx(side, abs=2)
    inside = images[0][:, mask].float()
    assert inside.std(1).max() < 12, "the mask holds more than the square"


def test_an_object_in_front_hides_the_one_behind():
    def two(s: Sketch) -> None:
        for i, name in enumerate(("behind", "front")):
            s.place(name, x=0.0, y=0.0, scale=0.8 - 0.5 * i)
            s.shape("box", 0, 0, 1, color=s.rgb("red"), part=name)

    scenes = draw_class(ToyClass("two", two, scene=True), 1, np.random.default_rng(0), category="", conditions=STILL)
    behind, front = scenes.masks(0)
    assert not (behind & front).any() and behind.sum() > front.sum() > 0
    assert scenes.describe(0)["objects"] == ["behind", "front"]


def test_pairs_hold_two_objects_and_the_caption_says_where():
    scenes = draw_class(basics.PAIRS[0], 20, np.random.default_rng(0), category="shape", conditions=STILL)
    for i in range(20):
        (l1, t1, *_), (l2, t2, *_) = scenes.boxes(i).tolist()
        (said,) = scenes.facts[i].traits
        assert ("left of" in said and l1 < l2) or ("above" in said and t1 < t2)


def test_a_picture_tells_what_drew_it():
    _, scenes = plain_shape("circle")
    told = scenes.describe(2)
    assert told["facts"].name == "circle" and told["facts"].colours[0] in PALETTE
    (part,) = [p for p in told["parts"] if p["object"] == "circle"]
    assert part["part"] == "circle" and part["rgb"] == pytest.approx(PALETTE[told["facts"].colours[0]], abs=1e-6)


@pytest.mark.parametrize("style", render.STYLES[1:])
def test_every_style_changes_the_picture(style):
    cls = ToyClass("star", lambda s: basics.plain(s, "star"))
    plain, styled = (
        draw_class(
            cls, 3, np.random.default_rng(0), category="", conditions=Conditions(styles=((name, 1.0),), noise=(0, 0))
        )
        .render()
        .float()
        for name in ("plain", style)
    )
    assert (plain - styled).abs().mean() > 1


def test_pretraining_pairs_come_back_the_same_and_have_one_caption_each():
    images, captions = toyworld.draw_pairs(64, seed=(3, 0, 1))
    again, same = toyworld.draw_pairs(64, seed=(3, 0, 1))
    assert torch.equal(images, again) and captions == same and len(captions) == 64
    assert toyworld.draw_pairs(64, seed=(3, 0, 2))[1] != captions


def test_captions_are_noisy_as_the_dials_say():
    facts = Facts("rose", "flower", ["red"], ["six petals", "a thorny stem"], background="blue")
    rng = random.Random(0)
    said = [caption(facts, rng, wording=Wording(name_share=0.3), name="rose") for _ in range(2000)]
    named = np.mean(["rose" in c for c in said])
    assert 0.25 < named < 0.35, "the class name is said as often as name_share"
    assert 0.35 < np.mean(["red" in c for c in said]) < 0.6
    assert 0.3 < np.mean(["petals" in c for c in said]) < 0.7
    assert 0.05 < np.mean(["blue background" in c for c in said]) < 0.2
    assert np.std([len(c.split()) for c in said]) > 4, "captions vary in length"
    assert all(c == c.lower() for c in said) and not any(" a a" in f" {c}" or " a orange" in c for c in said)


def test_wrong_captions_belong_to_another_picture():
    _, right = toyworld.draw_pairs(200, seed=1, tasks=["toy_shapes"], dials=Dials(wrong=0.0))
    _, noisy = toyworld.draw_pairs(200, seed=1, tasks=["toy_shapes"], dials=Dials(wrong=0.5))
    changed = np.mean([a != b for a, b in zip(right, noisy, strict=True)])
    assert 0.35 < changed < 0.6


def test_the_ambiguous_words_name_two_things_each():
    other_senses = {c.name for spec in toyworld.EXTRAS if spec.name == "toy_homonyms" for c in spec.classes}
    assert {"crane", "bat", "mouse"} <= other_senses & set(toyworld.TASKS["toy_things"].classnames)
    assert "boxer" in toyworld.TASKS["toy_pets"].classnames and "boxing" in toyworld.TASKS["toy_actions"].classnames


def test_an_unknown_task_is_an_error():
    with pytest.raises(KeyError, match="toy_cats"):
        toyworld.draw_scenes("toy_cats")
