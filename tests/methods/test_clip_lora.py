"""CLIP-LoRA: beside the weights while it learns, merged with them when it answers, and both are the same."""

import pytest
import torch
from noise_task import NAMES
from reference import clip_lora as reference
from reference.comparing import assert_same, values_and_gradients
from tiny_clip import tiny_clip

from lessons_lib.clip.blocks import Merged
from lessons_lib.methods import CLIPLoRA


def moved(clip, **settings):
    method = CLIPLoRA(clip, **settings)
    method.task_template = "a photo of a {}."
    method.set_classes(NAMES)
    draws = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in method.parameters():
            p += (0.1 * torch.randn(p.shape, generator=draws)).to(p.device)
    return method.eval()


@pytest.mark.parametrize("settings", [{}, {"rank": 5, "alpha": 3.0}])
def test_merged_and_beside_the_weights_are_the_same_in_values_and_gradients(settings, device):
    clip = tiny_clip(device=device)
    method = moved(clip, dropout=0.0, **settings)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(3)).to(device)
    names, parameters = zip(*method.named_parameters())

    def answer(training):
        method.train(training)
        kinds = {isinstance(each, Merged) for tower in ("image", "text") for each in method.changes(tower)}
        assert kinds == {not training}
        return values_and_gradients(lambda: method.compare(method.image_features(images)), parameters)

    merged, beside = answer(training=False), answer(training=True)
    assert_same(beside, merged, ["logits", *names], 1e-4)
    wanted = values_and_gradients(lambda: reference.of_method(method, images), parameters)
    assert_same(beside, wanted, ["logits", *names], 1e-4)
    assert all(gradient.abs().max() > 0 for gradient in wanted)


def test_dropout_is_for_learning_alone(clip):
    method, images = moved(clip, dropout=0.5), torch.randn(4, 3, 32, 32)
    assert torch.equal(method.image_features(images), method.image_features(images))
    method.train()
    assert not torch.allclose(method.image_features(images), method.image_features(images), atol=1e-4)


def test_its_length_is_counted_in_steps_a_shot(clip):
    method = CLIPLoRA(clip)
    assert method.fit_settings(4)["steps"] == 2000 and "epochs" not in method.fit_settings(4)
    assert method.fit_settings(None)["steps"] == 8000
    assert method.fit_settings(4, epochs=3)["epochs"] == 3 and "steps" not in method.fit_settings(4, epochs=3)
    recipe = method.recipe(4, None, None, None).on(320)
    assert recipe.epochs == 200 and recipe.learning_rate(1) == 2e-4 and recipe.optimizer == "adamw"
    assert recipe.learning_rate(200, done=1) == pytest.approx(1e-6)


@pytest.mark.parametrize("wrong", [{"rank": 0}, {"alpha": 0}, {"dropout": 1.0}, {"dropout": -0.1}])
def test_numbers_out_of_range_are_refused(clip, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CLIPLoRA(clip, **wrong)
