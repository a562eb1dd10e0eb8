"""A patch's own embedding: open_clip's own maps, the papers' ways through the last block, and other sizes."""

import pytest
import torch
import torch.nn.functional as F
from open_clip.model import resize_pos_embed
from reference.comparing import relative_error
from tiny_clip import tiny_clip, tiny_config

NEAR = {"fp32": 1e-6, "bf16": 3e-2}  # of unit vectors
VIT = tiny_config()["vision_cfg"]


@pytest.fixture(scope="module")
def images():
    return torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.05 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def last_rows(clip, images):
    """What enters the last block, (N, 1 + h · w, d), by open_clip's own way through the others; and that block."""
    visual = clip.model.visual
    x = visual._embeds(images)
    for block in visual.transformer.resblocks[:-1]:
        x = block(x)
    return x, visual.transformer.resblocks[-1]


def in_joint_space(clip, x, grid=(4, 4)):
    x = clip.model.visual.ln_post(x) @ clip.model.visual.proj
    return F.normalize(x.float(), dim=-1)[:, 1:].unflatten(1, grid)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("settings", [{}, {"quick_gelu": True}])
def test_tokens_are_open_clips_maps(settings, precision, device, images):
    clip = tiny_clip(device=device, precision=precision, **settings)
    found = clip.encode_dense(images)
    assert found.tokens.shape == (5, 4, 4, 32) and found.tokens.dtype == torch.float32
    assert found.tokens.device.type == device
    with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
        theirs = clip.model.visual.forward_intermediates(images.to(device), indices=1, normalize_intermediates=True)
        wanted = theirs["image_intermediates"][0].permute(0, 2, 3, 1) @ clip.model.visual.proj  # NCHW -> (N, h, w, D)
    torch.testing.assert_close(found.tokens, F.normalize(wanted.float(), dim=-1), rtol=0, atol=NEAR[precision])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("last", ["attention", "value", "correlative"])
def test_the_pooled_vector_is_encode_images_to_the_bit(last, precision, device, images):
    clip = tiny_clip(device=device, precision=precision)
    assert torch.equal(clip.encode_dense(images, last=last).pooled, clip.encode_images(images))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_pooled_vectors_go_through_the_cut_block_as_ever(precision, device, images):
    """The arithmetic that cached features were made with, step by step: another one changes them by rounding."""
    clip = tiny_clip(device=device, precision=precision)
    visual, d = clip.model.visual, 64
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
        patches = visual.conv1(images.to(device)).flatten(2).transpose(1, 2)
        first = visual.class_embedding.to(patches.dtype).expand(5, 1, -1)
        x = visual.ln_pre(torch.cat([first, patches], dim=1) + visual.positional_embedding.to(patches.dtype))
        for i, block in enumerate(visual.transformer.resblocks):
            rows, weight, bias = block.ln_1(x), block.attn.in_proj_weight, block.attn.in_proj_bias
            if i < 1:
                q, k, v = F.linear(rows, weight, bias).chunk(3, dim=-1)
            else:
                q = F.linear(rows[:, :1], weight[:d], bias[:d])
                k, v = F.linear(rows, weight[d:], bias[d:]).chunk(2, dim=-1)
                x = x[:, :1]
            q, k, v = (each.unflatten(-1, (2, 32)).transpose(1, 2) for each in (q, k, v))
            if device == "cpu":
                attended = ((q * 32**-0.5) @ k.transpose(-1, -2)).softmax(dim=-1).to(v.dtype) @ v
            else:
                attended = F.scaled_dot_product_attention(q, k, v)
            x = x + block.attn.out_proj(attended.transpose(1, 2).flatten(2))
            x = x + block.mlp(block.ln_2(x))
        wanted = F.normalize((visual.ln_post(x[:, 0]) @ visual.proj).float(), dim=-1)
    assert torch.equal(clip.encode_images(images), wanted)


@pytest.mark.parametrize("residual", [None, False, True])
def test_the_value_path_is_out_of_v(clip, images, residual):
    x, block = last_rows(clip, images)
    v = F.linear(block.ln_1(x), block.attn.in_proj_weight[128:], block.attn.in_proj_bias[128:])
    wanted = block.attn.out_proj(v)
    if residual:
        wanted = x + wanted
        wanted = wanted + block.mlp(block.ln_2(wanted))
    found = clip.encode_dense(images, last="value", residual=residual)
    torch.testing.assert_close(found.tokens, in_joint_space(clip, wanted), rtol=0, atol=1e-6)


@pytest.mark.parametrize("residual", [None, False])
def test_correlative_attention_is_of_queries_to_queries_and_keys_to_keys(clip, images, residual):
    """Written out, head by head."""
    x, block = last_rows(clip, images)
    q, k, v = F.linear(block.ln_1(x), block.attn.in_proj_weight, block.attn.in_proj_bias).chunk(3, dim=-1)
    heads = []
    for h in (slice(0, 32), slice(32, 64)):
        scores = [each[..., h] @ each[..., h].transpose(1, 2) / 32**0.5 for each in (q, k)]
        heads.append((scores[0].softmax(dim=-1) + scores[1].softmax(dim=-1)) @ v[..., h])
    wanted = block.attn.out_proj(torch.cat(heads, dim=-1))
    if residual is None:
        wanted = x + wanted
        wanted = wanted + block.mlp(block.ln_2(wanted))
    found = clip.encode_dense(images, last="correlative", residual=residual)
    torch.testing.assert_close(found.tokens, in_joint_space(clip, wanted), rtol=0, atol=1e-6)


def test_hooks_are_the_rows_behind_their_blocks(clip, images):
    found = clip.encode_dense(images, last="value", hooks=(2, 1))
    x, block = last_rows(clip, images)
    assert [each.shape for each in found.hooks] == [(5, 17, 64)] * 2
    torch.testing.assert_close(found.hooks[1], x, rtol=0, atol=2e-6)
    torch.testing.assert_close(found.hooks[0], block(x), rtol=0, atol=5e-6)
    assert clip.encode_dense(images).hooks == ()


@pytest.mark.parametrize("number", [0, 3, 1.0, True])
def test_a_hook_behind_no_block_is_refused(clip, images, number):
    with pytest.raises(ValueError, match=f"depth={number}: the image tower of tiny has 2 blocks, so give 1 to 2"):
        clip.encode_dense(images, hooks=(number,))


@pytest.mark.parametrize("size", [(48, 48), (16, 16), (24, 56)])
def test_other_sizes_are_a_model_of_that_size_with_open_clips_resized_positions(clip, size):
    images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    other = tiny_clip(vision_cfg={**VIT, "image_size": size})
    weights = clip.model.state_dict()
    resize_pos_embed(weights, other.model)
    other.model.load_state_dict(weights)
    found = clip.encode_dense(images, hooks=(1,))
    assert found.tokens.shape == (2, size[0] // 8, size[1] // 8, 32)
    torch.testing.assert_close(found.pooled, other.model.encode_image(images, normalize=True), rtol=0, atol=2e-6)
    x, block = last_rows(other, images)
    torch.testing.assert_close(found.hooks[0], x, rtol=0, atol=2e-6)
    wanted = in_joint_space(other, block(x), (size[0] // 8, size[1] // 8))
    torch.testing.assert_close(found.tokens, wanted, rtol=0, atol=2e-6)


@pytest.mark.parametrize("size", [(33, 32), (32, 12), (0, 32)])
def test_sides_that_cut_a_patch_are_refused(clip, size):
    with pytest.raises(ValueError, match=r"must be multiples of the patch, \(8, 8\); got a \(2, 3, "):
        clip.encode_dense(torch.zeros(2, 3, *size))


def test_what_encode_images_refuses_is_refused_here_but_for_the_size(clip):
    for images, words in (
        (torch.zeros(2, 3, 32, 32, dtype=torch.uint8), "pass them through clip.preprocess_tensor first"),
        (torch.zeros(3, 32, 32), "got one image"),
        (torch.zeros(2, 4, 32, 32), "pass pictures through clip.preprocess first"),
    ):
        with pytest.raises(ValueError, match=words):
            clip.encode_dense(images)
    with pytest.raises(ValueError, match="pass pictures through clip.preprocess first"):
        clip.encode_images(torch.zeros(2, 3, 48, 48))


def test_batches_change_nothing_and_no_images_have_no_tokens(clip, images):
    whole, parts = clip.encode_dense(images, hooks=(1,)), clip.encode_dense(images, hooks=(1,), batch_size=2)
    for one, other in zip((*whole[:2], *whole.hooks), (*parts[:2], *parts.hooks)):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-6)
        assert not one.is_inference()
    nothing = clip.encode_dense(images[:0], hooks=(1,))
    assert nothing.pooled.shape == (0, 32) and nothing.tokens.shape == (0, 4, 4, 32)
    assert nothing.hooks[0].shape == (0, 17, 64)


@pytest.mark.parametrize("last", ["attention", "value", "correlative"])
@pytest.mark.parametrize("deep", [0, 1])
def test_prompted_images_have_tokens_too(clip, images, last, deep):
    """Pooled as ever, patches alone among the tokens, gradients into the prompts; without prompts, encode_dense."""
    prompts, deeper = draw(3, 64).requires_grad_(), draw(deep, 3, 64, seed=1)
    found = clip.encode_prompted_dense(images, prompts, deeper, last=last, hooks=(1,))
    assert torch.equal(found.pooled, clip.encode_prompted_images(images, prompts, deeper))
    assert found.tokens.shape == (5, 4, 4, 32) and found.hooks[0].shape == (5, 17, 64)
    (gradient,) = torch.autograd.grad(found.tokens.sum() + found.hooks[0].sum(), prompts)
    assert gradient.abs().max() > 0
    without = clip.encode_prompted_dense(images, last=last)
    torch.testing.assert_close(without.tokens, clip.encode_dense(images, last=last).tokens, rtol=0, atol=1e-6)
    assert relative_error(found.tokens, without.tokens) > 1e-3


def test_prompted_tokens_are_those_of_the_whole_last_block(clip, images):
    prompts = draw(3, 64)
    x, block = last_rows(clip, images)
    visual = clip.model.visual
    x = torch.cat([visual._embeds(images), prompts.expand(5, -1, -1)], dim=1)
    for block in visual.transformer.resblocks:
        x = block(x)
    found = clip.encode_prompted_dense(images, prompts)
    torch.testing.assert_close(found.tokens, in_joint_space(clip, x[:, :17]), rtol=0, atol=2e-6)


@pytest.mark.parametrize("last", ["atention", None])
def test_another_way_through_the_last_block_is_refused(clip, images, last):
    with pytest.raises(ValueError, match=f"last={last!r}: the last block is run in one of"):
        clip.encode_dense(images, last=last)


# Towers that do not open


def test_a_resnet_has_the_value_path_of_its_attention_pool(images):
    clip = tiny_clip(vision="resnet")
    visual, found = clip.model.visual, clip.encode_dense(images, last="value")
    x = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(images)))))  # (N, channels, 1, 1)
    pool = visual.attnpool
    wanted = F.conv2d(x, pool.v_proj.weight[..., None, None], pool.v_proj.bias)
    wanted = F.conv2d(wanted, pool.c_proj.weight[..., None, None], pool.c_proj.bias).permute(0, 2, 3, 1)
    torch.testing.assert_close(found.tokens, F.normalize(wanted, dim=-1), rtol=0, atol=1e-5)
    torch.testing.assert_close(found.pooled, clip.encode_images(images), rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="tiny is a ModifiedResNet, which has last='value' alone .asked: last='attent"):
        clip.encode_dense(images)
    with pytest.raises(ValueError, match="hooks and changes of the attention need a standard Vision Transformer"):
        clip.encode_dense(images, last="value", hooks=(1,))
    with pytest.raises(ValueError, match="pass pictures through clip.preprocess first"):
        clip.encode_dense(torch.zeros(1, 3, 64, 64), last="value")


def test_a_vision_transformer_that_pools_by_a_mean_has_open_clips_maps(images):
    clip = tiny_clip(vision_cfg={**VIT, "pool_type": "avg"})
    found = clip.encode_dense(images)
    torch.testing.assert_close(found.pooled, clip.encode_images(images), rtol=0, atol=1e-6)
    x, block = last_rows(clip, images)
    torch.testing.assert_close(found.tokens, in_joint_space(clip, block(x)), rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="has no such map in the joint space .asked: last='value'"):
        clip.encode_dense(images, last="value")


def test_a_tower_without_maps_says_so(images):
    pooled = tiny_clip(vision_cfg={**VIT, "attentional_pool": True})
    for last in ("attention", "value"):
        with pytest.raises(ValueError, match="image tower of tiny is a VisionTransformer, which has no such map"):
            pooled.encode_dense(images, last=last)
