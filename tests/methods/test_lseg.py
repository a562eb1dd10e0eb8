"""LSeg's own properties: labels are rows of text, no weights; blocks treat all alike; only the image tower learns."""

import pytest
import torch
from noise_task import NAMES, mask_task
from reference import lseg as published
from reference.comparing import assert_same
from tiny_clip import tiny_clip, tiny_config

from lessons_lib.methods import METHODS
from lessons_lib.recipe import Recipe
from lessons_lib.training import _groups

LSeg = METHODS["LSeg"]
BLOCKS = [{}, {"block": "depthwise", "block_depth": 3}, {"block": "bottleneck", "block_depth": 2}]
MANY = [f"thing number {i}" for i in range(64)]


def pictures(n: int = 2, size: int = 32) -> torch.Tensor:
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(3))


def started(clip, names=NAMES, **settings):
    """Before it learns, with planes that do something."""
    method = LSeg(clip, channels=4, **settings)
    method.set_classes(names)
    return method.eval()


@pytest.mark.parametrize("settings", BLOCKS, ids=["plain", "depthwise", "bottleneck"])
def test_labels_in_another_order_give_their_planes_in_that_order(clip, settings):
    method, order = started(clip, **settings), [3, 0, 4, 1, 2]
    permuted = method.for_classes([NAMES[i] for i in order])
    torch.testing.assert_close(permuted.logits(pictures()), method.logits(pictures())[:, order], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("settings", BLOCKS, ids=["plain", "depthwise", "bottleneck"])
@pytest.mark.parametrize("count", [1, 2, 64])
def test_any_number_of_labels_needs_no_new_weights(clip, settings, count):
    method = started(clip, **settings)
    other = method.for_classes(MANY[:count])
    assert other.logits(pictures()).shape == (2, count, 32, 32)
    assert {name: w.shape for name, w in other.state_dict().items()} == {
        name: w.shape for name, w in method.state_dict().items()
    }
    assert all(torch.equal(w, method.state_dict()[name]) for name, w in other.state_dict().items())


def test_a_label_has_the_same_plane_whatever_the_others_are_unless_a_block_takes_their_maximum(clip):
    for settings in BLOCKS:
        method = started(clip, **settings)
        alone = method.for_classes(["dog"]).logits(pictures())[:, 0]
        among = method.logits(pictures())[:, NAMES.index("dog")]
        assert torch.allclose(alone, among, atol=1e-4) == (settings.get("block") != "bottleneck")


def test_logits_are_the_loop_over_pixels_at_a_fixed_temperature(clip):
    method = started(clip)
    features = method.pixel_features(pictures()).detach()
    assert features.shape == (2, 32, 8, 8)  # half of a picture of 32 pixels would be 16; this tower has 2 blocks, not 3
    torch.testing.assert_close(features.norm(dim=1), torch.ones(2, 8, 8))
    with torch.no_grad():
        assert_same([method.patch_logits(pictures())], [published.by_pixels(features, method.texts)], ["logits"], 1e-5)
    assert method.TAU == 0.07 and method.patch_logits(pictures()).abs().max() <= 1 / 0.07 + 1e-4


def test_the_loss_is_the_mean_over_the_pixels_that_have_a_class(clip):
    method = started(clip)
    masks = torch.randint(5, (2, 32, 32), generator=torch.Generator().manual_seed(1))
    masks[:, 5:9], masks[1, :, 3] = 255, 255
    found = method.loss(pictures(), masks)
    torch.testing.assert_close(found, published.pixel_loss(method.at_pixels(pictures()), masks))
    assert method.loss(pictures(), torch.full_like(masks, 255)) == 0


def test_pictures_are_mirrored_with_their_masks_and_only_while_learning(clip):
    masks = torch.randint(5, (2, 32, 32), generator=torch.Generator().manual_seed(1))
    method = started(clip)
    both = {method.loss(x, m).item() for x in (pictures(), pictures().flip(-1)) for m in (masks, masks.flip(-1))}
    assert len(both) == 4
    right = []
    for a in (False, True):
        for b in (False, True):
            turned = [torch.stack([t[i].flip(-1) if flip else t[i] for i, flip in enumerate((a, b))])
                      for t in (pictures(), masks)]  # fmt: skip
            right.append(method.loss(*turned).item())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        seen = [method.train().loss(pictures(), masks).item() for _ in range(12)]
    assert all(min(abs(loss - one) for one in right) < 1e-5 for loss in seen) and len(set(seen)) > 2
    method.flip = False
    assert method.loss(pictures(), masks).item() == pytest.approx(right[0], abs=1e-6)


def test_a_block_is_ten_numbers_at_every_depth(clip):
    for block in ("depthwise", "bottleneck"):
        for depth in (1, 4):
            method = started(clip, block=block, block_depth=depth)
            assert sum(p.numel() for p in method.plane.parameters()) == 10
            assert method.n_parameters - started(clip).n_parameters == 10


def test_the_last_pass_of_a_block_has_no_activation(clip):
    logits = torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for block in ("depthwise", "bottleneck"):
            method = started(clip, block=block)
            method.plane.weight.zero_()[0, 0, 1, 1] = 1.0  # the plane itself
            method.plane.bias.zero_()
            top = logits.amax(dim=1, keepdim=True) if block == "bottleneck" else 0
            torch.testing.assert_close(method.smoothed(logits), logits + top)
            method.block_depth = 2
            once = torch.nn.functional.leaky_relu(logits + top)
            again = once.amax(dim=1, keepdim=True) if block == "bottleneck" else 0
            torch.testing.assert_close(method.smoothed(logits), once + again)


def test_only_its_own_tower_learns_and_texts_stay_what_the_frozen_tower_says():
    clip = tiny_clip()
    before = {name: value.clone() for name, value in clip.model.state_dict().items()}
    method = LSeg(clip, channels=4).fit(mask_task(shots=1), epochs=2, lr=0.01, batch_size=4, progress=False)
    assert all(torch.equal(value, before[name]) for name, value in clip.model.state_dict().items())
    assert torch.equal(method.texts, clip.encode_texts(["background", *[n.replace("_", " ") for n in NAMES]]))
    moved = [not torch.equal(p, before[f"visual.{name}"]) for name, p in method.visual.named_parameters()]
    assert all(moved), "every number of the image tower is learned"


def test_it_starts_from_the_clips_tower_or_from_none(clip):
    from_clip, random = started(clip), started(clip, start="random")
    visual = clip.model.visual.state_dict()
    assert all(torch.equal(w, visual[name]) for name, w in from_clip.visual.state_dict().items())
    assert not torch.equal(random.visual.conv1.weight, visual["conv1.weight"])
    random.reset(seed=2)
    other = random.visual.conv1.weight.clone()
    random.reset(seed=2)
    assert torch.equal(random.visual.conv1.weight, other)


def test_hooks_are_spread_so_that_the_map_has_half_the_pictures_size():
    cfg = tiny_config()
    cfg["vision_cfg"] |= {"image_size": 64, "patch_size": 16, "layers": 8}
    clip = tiny_clip(vision_cfg=cfg["vision_cfg"])
    method = LSeg(clip, channels=4)
    method.set_classes(NAMES)
    assert method.read_at == [2, 4, 6, 8] and method.patch == 2
    assert method.pixel_features(pictures(size=64)).shape == (2, 32, 32, 32)
    rows = published.rows_behind(clip, method.visual, pictures(size=64), method.read_at)
    for found, wanted in zip(method.tower.encode_hooks(pictures(size=64), method.read_at), rows, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    shallow = LSeg(clip, channels=4, hooks=[1, 3])
    assert len(shallow.visual.transformer.resblocks) == 3 and shallow.patch == 8, "what nothing reads is not learned"


def test_what_is_behind_the_tower_learns_ten_times_as_fast_by_the_published_schedule(clip):
    method = LSeg(clip, "depthwise", channels=4)
    groups = {group["times"]: group["params"] for group in _groups(method)}
    assert set(groups) == {1.0, 10.0} and len(groups[1.0]) == len(list(method.visual.parameters()))
    assert sum(p.numel() for ps in groups.values() for p in ps) == method.n_parameters
    recipe = method.recipe(None, None, None, None)
    assert recipe == Recipe(240, 0.004, 16, weight_decay=1e-4, warmup_epochs=0, schedule="poly")
    assert method.recipe(None, 1, None, 64).lr == pytest.approx(0.016) and method.recipe(None, 1, 0.1, 64).lr == 0.1
    seen = []
    make = Recipe.make_optimizer
    with pytest.MonkeyPatch.context() as patch:

        def watched(recipe, parameters):
            optimizer = make(recipe, parameters)
            optimizer.register_step_pre_hook(lambda o, *_: seen.append([g["lr"] for g in o.param_groups]))
            return optimizer

        patch.setattr(Recipe, "make_optimizer", watched)
        method.fit(mask_task(shots=1), epochs=1, lr=0.01, batch_size=2, progress=False)
    assert len(seen) > 1
    for step, rates in enumerate(seen):
        height = (1 - step / len(seen)) ** 0.9
        assert sorted(rates) == pytest.approx([0.01 * height, 0.1 * height])


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"block": "deepwise"}, "block='deepwise': use one of .* Did you mean 'depthwise'"),
        ({"block": "depthwise", "block_depth": 0}, "block_depth=0: give how often"),
        ({"hooks": [2]}, r"hooks=\[2\]: give at least 2 numbers of blocks, ascending"),
        ({"hooks": [2, 1]}, r"hooks=\[2, 1\]: give at least 2 numbers of blocks, ascending"),
        ({"hooks": [1, 3]}, "the image tower of tiny has 2 blocks"),
        ({"channels": 0}, "channels=0: give channels"),
        ({"start": "imagenet"}, "start='imagenet': use one of"),
        ({"template": "a photo"}, "template"),
    ],
)
def test_impossible_settings_are_refused(clip, settings, words):
    with pytest.raises(ValueError, match=words):
        LSeg(clip, **settings)


def test_a_tower_without_hooks_is_refused_by_name():
    with pytest.raises(ValueError, match="the image tower of tiny is a ModifiedResNet .* hooks"):
        LSeg(tiny_clip(vision="resnet"))


def test_masks_of_unknown_classes_are_refused_where_they_are_made():
    from noise_task import mask_split

    from lessons_lib.data import Masks, Split

    split = mask_split(2, 1)
    with pytest.raises(ValueError, match="masks have the value 5; with 5 class names they must lie in 0 … 4"):
        Split(split.images, Masks(torch.full((2, 32, 32), 5, dtype=torch.uint8)), split.classnames[:5])


def test_pictures_and_masks_of_another_size_are_learned_from_as_they_are_preprocessed(clip):
    task = mask_task(shots=1)
    small = LSeg(clip, channels=4).fit(task, epochs=1, lr=0.01, batch_size=4, progress=False)

    class Larger(type(task.train.images)):
        def __init__(self, pixels):
            super().__init__(pixels.repeat_interleave(2, 2).repeat_interleave(2, 3))

    import copy

    larger, split = copy.copy(task), task.train
    masks = split.targets.masks.repeat_interleave(2, 1).repeat_interleave(2, 2)
    grown = type(split)(Larger(split.images.pixels), type(split.targets)(masks), split.classnames)
    object.__setattr__(larger, "train", grown)
    found = LSeg(clip, channels=4).fit(larger, epochs=1, lr=0.01, batch_size=4, progress=False)
    assert found.history[0]["loss"] == pytest.approx(small.history[0]["loss"], rel=0.05)


def test_it_learns_what_is_where_far_above_the_floor(clip):
    task = mask_task(signal=0.9, names=["cat", "owl"])
    method = LSeg(clip, channels=8)
    method.fit(task, epochs=6, lr=0.001, batch_size=4, optimizer="adamw", progress=False)
    measured = method.measure(task.test)
    assert method.history[-1]["loss"] < 0.3 < 1 < method.history[0]["loss"]
    assert measured["mIoU"] > 3 * measured["mIoU_floor"] and measured["mIoU"] > 60
