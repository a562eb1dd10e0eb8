"""The second stages that train_vild.py trains have ViLD's own losses, and stand on a first stage that stays."""

import pytest
import torch
import vild_work as work
from noise_task import NAMES, box_task
from tiny_clip import tiny_clip

from lessons_lib.methods.detect.vild import ViLD

SMALL = {"image_size": 32, "width": 16, "hidden": 24, "proposals": 6}


@pytest.fixture
def first():
    return ViLD(tiny_clip(), "text", **SMALL).fit(box_task(), epochs=1, proposal_epochs=1, batch_size=8, progress=False)


def test_its_losses_are_those_of_vild(first):
    kept, task = work.kept_regions(first, box_task().train), box_task()
    for variant in ("text", "image", "both", "ensemble"):
        method = ViLD(first.clip, variant, weight=0.7, temperature=0.05, **SMALL).for_classes(NAMES)
        some = work.Kept(*(each[kept.picture < 3] for each in kept))
        found = work.second_loss(method, some)
        cells = {"all": some.cells, "seen": some.cells[some.there]}
        method.embed = lambda which, _: work.embed(method, cells[which])  # noqa: B023
        wanted = method.region_loss("all", torch.zeros(len(some.labels), 5), some.labels, some.deltas)
        if variant != "text":
            off = (work.embed(method, cells["seen"]).image - some.seen[some.there]).abs().sum(dim=1).mean()
            wanted = wanted + 0.7 * off
        torch.testing.assert_close(found, wanted)
    assert kept.labels[~kept.there].min() > 0, "true boxes are never background"
    assert int((~kept.there).sum()) == sum(map(len, task.train.targets.boxes))


def test_the_first_stage_stays_and_the_second_learns(first):
    kept = work.kept_regions(first, box_task().train)
    method, losses = work.second_stage(first, kept, "ensemble", 0.5, epochs=4, lr=3e-3, batch=8, seed=2)
    assert losses[-1] < losses[0] and method.classnames == first.classnames and method.is_base.all()
    for one, other in zip(method.proposer.parameters(), first.proposer.parameters(), strict=True):
        assert torch.equal(one, other)
    again, _ = work.second_stage(first, kept, "ensemble", 0.5, epochs=4, lr=3e-3, batch=8, seed=2)
    assert all(torch.equal(one, other) for one, other in zip(method.parameters(), again.parameters()))


def test_a_backbone_names_things_and_stays_while_proposals_are_learned():
    images, labels = work.things(["owl", "key"], 2)
    assert images.shape == (4, 3, 64, 64) and sorted(labels.tolist()) == [0, 0, 1, 1]
    start, task = work.named_backbone(16, ["owl", "key"], per_class=2, epochs=1, batch=4), box_task()
    method, losses = work.first_stage(tiny_clip(), start, task, epochs=4, lr=3e-3, **SMALL)
    assert all(torch.equal(method.proposer.backbone.state_dict()[name], start[name]) for name in start)
    assert losses[-1] < losses[0] and method.classnames == task.classnames and method.is_base.all()
