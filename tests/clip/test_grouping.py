"""The tower that makes groups is the published computation, in values and gradients; a choice is hard forward and soft
backward; a pre-trained one is saved, loaded and used as any CLIP is."""

import json

import pytest
import torch
import torch.nn.functional as F
from reference import groupvit as published
from reference.comparing import assert_same, values_and_gradients
from tiny_clip import tiny_config, tiny_groupvit, tiny_model

import lessons_lib as ll
from lessons_lib.clip.building import build
from lessons_lib.clip.grouping import assign, gumbel_noise
from lessons_lib.sealed import to_bytes


def pictures(n: int = 2) -> torch.Tensor:
    return torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(3))


def logits(seed: int = 0) -> torch.Tensor:
    return 2 * torch.randn(2, 4, 7, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def model():
    """Away from its start, where the later groups' tokens are zero."""
    model = tiny_model(vision="groups")
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(5)
        for p in model.visual.parameters():
            p += 0.1 * torch.randn_like(p)
    return model.requires_grad_(True)


def parts(tower):
    """Names and tensors of all that the groups depend on."""
    return zip(*((name, p) for name, p in tower.named_parameters() if not name.startswith("projection")))


def test_groups_and_gradients_are_those_of_the_loop_over_tokens(model):
    tower, images = model.visual, pictures()
    names, tensors = parts(tower)
    found = values_and_gradients(lambda: tower.groups(images).tokens, tensors)
    wanted = values_and_gradients(lambda: published.tower(tower, images)[0], tensors)
    assert all(gradient.abs().max() > 0 for gradient in wanted), "nothing was compared"
    assert_same(found, wanted, ["tokens", *names], 1e-4)
    groups = tower.groups(images)
    _, shares, choices = published.tower(tower, images)
    assert_same(groups.soft + groups.hard, shares + choices, ["first", "second"] * 2, 1e-4)


def test_under_noise_too(model):
    tower, images = model.visual.train(), pictures()
    names, tensors = parts(tower)

    def found():
        torch.manual_seed(2)
        return tower.groups(images).tokens

    def wanted():
        torch.manual_seed(2)
        noises = [gumbel_noise(torch.empty(2, *shape)) for shape in ((5, 16), (3, 5))]
        return published.tower(tower, images, noises)[0]

    with torch.random.fork_rng():
        assert_same(
            values_and_gradients(found, tensors), values_and_gradients(wanted, tensors), ["tokens", *names], 1e-4
        )


def test_every_token_is_in_one_group_and_shares_are_over_groups(model):
    groups = model.visual.groups(pictures(4))
    for soft, hard, shape in zip(groups.soft, groups.hard, [(4, 5, 16), (4, 3, 5)]):
        assert soft.shape == hard.shape == shape
        assert ((hard == 0) | (hard == 1)).all() and (hard.sum(dim=1) == 1).all()
        torch.testing.assert_close(soft.sum(dim=1), torch.ones(4, shape[2]))
        assert torch.equal(hard.argmax(dim=1), soft.argmax(dim=1))
    assert len(groups.hard[0].argmax(dim=1).unique()) > 1, "of one group alone nothing was shown"


def test_the_choices_gradient_is_the_softmaxes():
    weights = torch.randn(2, 4, 7, generator=torch.Generator().manual_seed(1))
    hard, soft = (
        torch.autograd.grad((weights * choice(x)).sum(), x)[0]
        for choice in (assign, lambda x: x.softmax(dim=1))
        for x in [logits().requires_grad_()]
    )
    assert torch.equal(hard, soft) and hard.abs().max() > 0


def test_a_soft_assignment_gives_every_group_its_share(model):
    config = tiny_config(vision="groups")
    config["vision_cfg"]["assignment"] = "soft"
    soft = build(config)
    soft.load_state_dict(model.state_dict())
    groups, hard = soft.visual.eval().groups(pictures()), model.visual.eval().groups(pictures())
    assert torch.equal(groups.hard[0], groups.soft[0]) and torch.equal(groups.soft[0], hard.soft[0])
    assert (groups.tokens - hard.tokens).abs().max() > 1e-3
    block, x, g = soft.visual.grouping[0], torch.randn(2, 16, 32), torch.randn(2, 5, 32)
    out, shares, _ = block(x, g)
    before, values = block.looking(block.mixing(g), block.ln_x(x)), block.v(block.ln_x(x))
    mean = torch.einsum("ngl,nld->ngd", shares, values) / (shares.sum(dim=2, keepdim=True) + 1)
    expected = before + block.out(mean)
    torch.testing.assert_close(out, expected + block.mlp(block.ln_mlp(expected)), atol=1e-5, rtol=1e-4)
    config["vision_cfg"]["assignment"] = "softer"
    with pytest.raises(ValueError, match="assignment='softer': use 'hard' or 'soft'"):
        build(config)


def test_a_group_of_n_tokens_is_n_over_n_plus_one_of_their_mean(model):
    block, x = model.visual.grouping[0], torch.randn(2, 16, 32)
    g = torch.randn(2, 5, 32)
    with torch.no_grad():
        block.mlp[2].weight.zero_(), block.mlp[2].bias.zero_(), block.out.bias.zero_()
        out, _, choice = block(x, g)
        before, values = block.looking(block.mixing(g), block.ln_x(x)), block.v(block.ln_x(x))
        for picture in range(2):
            for group in range(5):
                own = values[picture][choice[picture, group] == 1]
                mean = own.mean(dim=0) * len(own) / (len(own) + 1) if len(own) else torch.zeros(32)
                expected = before[picture, group] + mean @ block.out.weight.T
                torch.testing.assert_close(out[picture, group], expected, atol=1e-5, rtol=1e-4)


def test_noise_is_for_training_alone_and_is_gumbels(model):
    images, tower = pictures(), model.visual.eval()
    assert torch.equal(tower(images), tower(images))
    tower.train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = (tower.groups(images).hard[0] for _ in range(2))
        assert not torch.equal(first, second)
        draws = torch.stack([assign(logits() + gumbel_noise(logits())) for _ in range(4000)]).mean(dim=0)
    torch.testing.assert_close(draws, logits().softmax(dim=1), atol=0.04, rtol=0)


def test_later_groups_depend_on_the_picture_and_start_at_zero():
    tower = tiny_model(vision="groups").visual
    assert tower.group_tokens[0].abs().max() > 0 and tower.group_tokens[1].abs().max() == 0
    with torch.no_grad():
        one, other = tower.groups(pictures(2)).tokens
    assert (one - other).abs().max() > 1e-3


def test_it_is_a_clip_that_encodes_and_compares():
    clip = tiny_groupvit()
    images, texts = clip.encode_images(pictures()), clip.encode_texts(["a cat", "a much longer text about dogs"])
    assert images.shape == texts.shape == (2, 32)
    torch.testing.assert_close(texts.norm(dim=1), torch.ones(2))
    plain = clip.model.encode_text(clip.tokenize(["a cat", "a much longer text about dogs"]), normalize=True)
    torch.testing.assert_close(texts, plain, atol=1e-5, rtol=1e-4)
    mean = clip.model.visual.groups(pictures()).tokens.mean(dim=1)
    torch.testing.assert_close(images, F.normalize(clip.model.visual.projection(mean), dim=-1))
    words = clip.encode_words(["a cat"])
    torch.testing.assert_close(words.rows[0, -1], texts[0], atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="is a GroupingTower"):
        clip.encode_dense(pictures())


def test_from_its_folder_it_is_loaded_as_any_model_is(tmp_path):
    clip = tiny_groupvit()
    config = {"model_cfg": tiny_config(vision="groups"), "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    (tmp_path / "open_clip_model.safetensors").write_bytes(to_bytes(clip.model.state_dict()))
    again = ll.load_clip(f"local-dir:{tmp_path}", device="cpu", verbose=False)
    assert again.fingerprint == clip.fingerprint and tuple(again.image_mean) == (0.5,) * 3
    assert torch.equal(again.encode_images(pictures()), clip.encode_images(pictures()))


@pytest.mark.parametrize("changes", [{"layers": [1, 1]}, {"groups": [5, 0]}, {"patch_size": 5}])
def test_stages_that_do_not_fit_are_refused(changes):
    config = tiny_config(vision="groups")
    config["vision_cfg"] |= changes
    with pytest.raises(ValueError, match="one more number of layers than of groups"):
        build(config)
