"""PromptSRC: its loss is the published one, and its answer the Gaussian average of the prompts of all epochs."""

import pytest
import torch
from noise_task import NAMES, noise_task
from reference import promptsrc as reference
from reference.comparing import assert_same, values_and_gradients
from tiny_clip import tiny_clip

from lessons_lib.methods import IVLP, PromptSRC
from lessons_lib.methods.classify.promptsrc import TEMPLATES

BRIEF = {"lr": 0.05, "batch_size": 8, "progress": False}
FREE = {"text_weight": 0, "image_weight": 0, "logit_weight": 0}


@pytest.mark.parametrize("settings", [{}, {"n_ctx_text": 2, "n_ctx_vision": 3, "depth_text": 3}])
def test_loss_and_gradients_are_as_published(settings, device):
    clip = tiny_clip(device=device)
    method = PromptSRC(clip, **settings)
    method.set_classes(NAMES)
    method.prepare(None, seed=1, progress=False)
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(3)).to(device)
    labels = torch.tensor([0, 4, 1], device=device)
    names, parameters = zip(*method.named_parameters())
    found = values_and_gradients(lambda: method.loss(images, labels)[None], parameters)
    wanted = values_and_gradients(lambda: reference.loss(method, images, labels, TEMPLATES)[None], parameters)
    assert all(gradient.abs().max() > 0 for gradient in wanted)
    assert_same(found, wanted, ["loss", *names], 1e-4)


def test_the_templates_are_the_sixty_of_the_release():
    assert len(TEMPLATES) == 60 and "a photo of a {}." in TEMPLATES
    assert TEMPLATES[0] == "a bad photo of a {}." and TEMPLATES[-1] == "itap of the {}."


@pytest.mark.parametrize(("mean", "std"), [(3.0, 1.0), (2, 30.0), (45.0, 5.0)])
def test_the_answer_is_the_gaussian_average_of_all_epochs(clip, monkeypatch, mean, std):
    seen, behind = [], PromptSRC.after_epoch

    def watched(method, epoch, epochs):
        seen.append(method.visual_ctx.detach().clone())
        behind(method, epoch, epochs)

    monkeypatch.setattr(PromptSRC, "after_epoch", watched)
    method = PromptSRC(clip, gpa_mean=mean, gpa_std=std).fit(noise_task(), epochs=4, **BRIEF)
    assert len(seen) == 4 and not torch.equal(seen[1], seen[3])
    torch.testing.assert_close(method.visual_ctx.detach(), reference.gaussian_average(seen, mean, std))


def test_without_its_constraints_and_with_the_last_epoch_alone_it_is_ivlp(clip):
    task = noise_task()
    depths = {"depth_text": 2, "depth_vision": 2}
    free = PromptSRC(clip, **FREE, **depths, gpa_mean=3, gpa_std=0.01).fit(task, epochs=3, **BRIEF)
    ivlp = IVLP(clip, 4, 4, **depths).fit(task, epochs=3, **BRIEF)
    torch.testing.assert_close(free.logits(task.test), ivlp.logits(task.test), atol=1e-4, rtol=1e-4)
    held = PromptSRC(clip, **depths, gpa_mean=3, gpa_std=0.01).fit(task, epochs=3, **BRIEF)
    frozen = PromptSRC(clip, **depths).for_classes(NAMES).clip.encode_images(torch.zeros(1, 3, 32, 32))
    away = [(m.image_features(torch.zeros(1, 3, 32, 32)) - frozen).abs().mean().item() for m in (held, free)]
    assert away[0] < away[1], "the constraint holds the embeddings nearer to the frozen ones"


def test_shallower_towers_get_prompts_in_as_large_a_share_of_their_blocks(clip):
    assert (PromptSRC(clip).depth_text, PromptSRC(clip).depth_vision) == (2, 2)  # of 3, and of 2


@pytest.mark.parametrize(
    "wrong", [{"gpa_std": 0}, {"text_weight": -1}, {"n_ctx_vision": 0}, {"logit_weight": float("nan")}]
)
def test_numbers_out_of_range_are_refused(clip, wrong):
    [name] = wrong
    with pytest.raises(ValueError, match=name):
        PromptSRC(clip, **wrong)
