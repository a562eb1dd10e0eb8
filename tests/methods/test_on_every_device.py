"""What a GPU changes of features and batches: nothing but rounding, against the CPU in full precision."""

import pytest
import torch
from tiny_clip import tiny_clip

from lessons_lib.features import image_features
from lessons_lib.methods import CoOp

NEAR = 5e-3  # of cosines: a GPU may round the products of a convolution to ten bits


@pytest.fixture(scope="module")
def reference(clip):
    """The CPU's, in full precision."""
    return clip


def test_features_are_those_of_the_cpu_and_come_back_from_the_cache(device, task, reference):
    clip = tiny_clip(device=device)
    for settings in ({}, {"view": 2, "seed": 3}):
        computed, cached = (image_features(clip, task.train, **settings) for _ in range(2))
        assert computed.device.type == cached.device.type == device and torch.equal(computed, cached)
        assert (computed.cpu() - image_features(reference, task.train, **settings)).abs().max() < NEAR


@pytest.mark.parametrize("views", ["plain", 2, "fresh"])
def test_batches_are_the_same_rows_on_the_device(views, device, task):
    """What training is fed, in the order that it asks for, and the labels that go with it."""
    seen = []

    class Watching(CoOp):
        def loss(self, inputs, labels):
            seen.append((inputs, labels))
            return super().loss(inputs, labels)

    clip = tiny_clip(device=device)
    Watching(clip, n_ctx=2).fit(task, epochs=1, batch_size=6, views=views, progress=False)
    features = image_features(clip, task.train) if views == "plain" else None
    draws = torch.Generator().manual_seed(1 * 1_000_003 + 1)
    order = torch.randperm(len(task.train), generator=draws).split(6)[:3]
    for rows, (inputs, labels) in zip(order, seen, strict=True):
        assert inputs.device.type == labels.device.type == device and inputs.shape == (6, clip.embed_dim)
        assert torch.equal(labels.cpu(), task.train.labels[rows])
        assert features is None or torch.equal(inputs, features[rows.to(device)])
