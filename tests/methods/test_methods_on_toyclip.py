"""The methods on the embedded model and the toy tasks: what any sensible pre-training of it must give."""

import pytest

import lessons_lib as ll
from lessons_lib.methods.classify.open_set import OpenSet
from lessons_lib.metrics.retrieval import text_to_image


@pytest.fixture(scope="module")
def flowers():
    return ll.load_task("toy_flowers", shots=16, seed=1)


@pytest.fixture(scope="module")
def satellite():
    return ll.load_task("toy_satellite", shots=16, seed=1)


def test_zero_shot_is_far_above_chance(toyclip, flowers):
    assert ll.ZeroShot(toyclip).fit(flowers).score(flowers.test) > 4 * 100 / len(flowers.classnames)


def test_the_image_features_know_more_than_zero_shot_uses(toyclip, satellite):
    probe = ll.LinearProbe(toyclip).fit(satellite)
    assert probe.converged
    assert probe.score(satellite.test) > ll.ZeroShot(toyclip).fit(satellite).score(satellite.test) + 5


def test_a_text_finds_pictures_of_what_it_says(toyclip, flowers):
    found = text_to_image(toyclip, "a photo of a sunflower, a type of flower.", flowers.test, k=10).indices[0]
    sunflower = flowers.classnames.index("sunflower")
    assert (flowers.test.labels[found.cpu()] == sunflower).float().mean() >= 0.3  # chance: 1 in 18


def test_pictures_of_other_things_make_it_less_sure(toyclip, flowers, satellite):
    detector = OpenSet(ll.ZeroShot(toyclip).fit(satellite), by="logit").fit(satellite.val)
    assert detector.score(satellite.test, flowers.test)["auroc"] > 60


def test_a_learned_context_beats_the_hand_made_prompt_where_that_is_weak(toyclip, satellite):
    coop = ll.CoOp(toyclip).fit(satellite, epochs=20, progress=False)
    assert coop.score(satellite.test) > ll.ZeroShot(toyclip).fit(satellite).score(satellite.test) + 10


def test_prompts_on_both_sides_train_on_a_few_images(toyclip, satellite):
    few = satellite.sample(4).of_classes(satellite.classnames[:3])
    maple = ll.MaPLe(toyclip).fit(few, epochs=3, progress=False)
    assert maple.history[-1]["loss"] < 0.9 * maple.history[0]["loss"]
    assert maple.score(few.train) > 100 / 3
