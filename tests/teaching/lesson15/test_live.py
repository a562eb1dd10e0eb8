"""What lesson 15 trains live: each objective learns, the same seed the same, and neighbours are counted by hand."""

import pytest
import torch

from lessons_lib.metrics.retrieval import neighbours
from lessons_lib.pretrain.slip import CLIP, SIMCLR, SLIP
from lessons_lib.pretrain.trunk import trunk_of
from lessons_lib.teaching.lesson15.live import alike, draw, train

SHORT = {"steps": 6, "batch_size": 16, "progress": False}


@pytest.fixture(scope="module")
def pairs():
    return draw(48)


@pytest.mark.parametrize("objective", [CLIP, SIMCLR, SLIP], ids=lambda one: one.name)
def test_each_objective_learns(pairs, objective):
    live = train(objective, pairs, **SHORT | {"steps": 14})
    assert len(live.losses) == 14 and sum(live.losses[-3:]) < sum(live.losses[:3])


def test_the_same_seed_trains_the_same_and_torchs_generator_is_left_alone(pairs):
    first = train(SLIP, pairs, **SHORT)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    assert train(SLIP, pairs, **SHORT).losses == first.losses
    assert torch.equal(torch.random.get_rng_state(), before)
    assert train(SLIP, pairs, **SHORT, seed=1).losses != first.losses


def test_alike_counts_neighbours_that_share_shape_and_colour(pairs):
    clip = train(CLIP, pairs, **SHORT).clip
    near = neighbours(trunk_of(clip), clip.preprocess_tensor(pairs.images), [2, 5], 3).indices.tolist()
    found = alike(clip, pairs, k=3, of=[2, 5])
    for part, name in enumerate(("colour", "shape")):
        hits = [pairs.shown[i][part] == pairs.shown[j][part] for i, row in zip((2, 5), near) for j in row]
        assert found[name] == pytest.approx(100 * sum(hits) / 6)
