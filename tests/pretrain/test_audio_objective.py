"""AudioCLIP's loss is its loop; what is missing teaches nothing; stage 1 leaves CLIP as it was, to the bit."""

import math

import pytest
import torch
import torch.nn.functional as F
from reference import audioclip as published
from reference.comparing import assert_same, values_and_gradients
from tiny_clip import tiny_clip

from lessons_lib.clip.audio import START, is_of_audio
from lessons_lib.clip.audio_files import with_audio
from lessons_lib.pretrain.audio import PAIRS, AudioRun, AudioTowers, three_way_loss
from lessons_lib.pretrain.loop import Settings
from lessons_lib.pretrain.losses import clip_loss

SMALL = {"width": 4, "layers": [1, 1]}


def features(n: int = 5, d: int = 6) -> list[torch.Tensor]:
    """Of sounds, pictures and texts, unit vectors, and three scales, to differentiate in."""
    draws = torch.Generator().manual_seed(0)
    unit = [F.normalize(torch.randn(n, d, generator=draws, dtype=torch.float64), dim=-1) for _ in range(3)]
    return [one.requires_grad_() for one in unit] + [
        torch.tensor(scale, dtype=torch.float64, requires_grad=True) for scale in (3.0, 5.0, 7.0)
    ]


def sides(a, f, w, ai, at, it) -> dict:
    return {"audio_image": (a, f, ai), "audio_text": (a, w, at), "image_text": (f, w, it)}


@pytest.mark.parametrize("pairs", [PAIRS, PAIRS[:2], PAIRS[1:], PAIRS[:1], PAIRS[1:2]], ids=" ".join)
def test_the_loss_and_its_gradients_are_those_of_the_loop(pairs):
    tensors = features()
    given = [sides(*tensors)[pair] for pair in pairs]
    touched = [one for one in tensors if any(one is part for pair in given for part in pair)]
    found = values_and_gradients(
        lambda: three_way_loss(*(scale * first @ second.T for first, second, scale in given)), touched
    )
    wanted = values_and_gradients(lambda: published.loss(given), touched)
    assert all(gradient.abs().max() > 0 for gradient in wanted[1:])
    assert_same(found, wanted, ["loss", *map(str, range(len(touched)))], 1e-10)


def test_one_pair_is_twice_clips_loss_and_two_are_twice_the_mean():
    a, f, w, ai, at, _ = features()
    of_pictures, of_texts = ai * a @ f.T, at * a @ w.T
    torch.testing.assert_close(three_way_loss(of_pictures), 2 * clip_loss(a, f, ai))
    twice_the_mean = clip_loss(a, f, ai) + clip_loss(a, w, at)
    torch.testing.assert_close(three_way_loss(of_pictures, of_texts, None), twice_the_mean)


def test_three_pairs_are_the_mean_of_six_cross_entropies():
    given = [scale * first @ second.T for first, second, scale in sides(*features()).values()]
    own = torch.arange(5)
    six = [F.cross_entropy(one, own) for logits in given for one in (logits, logits.T)]
    torch.testing.assert_close(three_way_loss(*given), sum(six) / 6)


def test_the_order_of_a_batch_does_not_matter():
    a, f, w, *scales = features()
    order = torch.randperm(5, generator=torch.Generator().manual_seed(1))
    whole, other = (sides(*parts, *scales).values() for parts in ((a, f, w), (a[order], f[order], w[order])))
    torch.testing.assert_close(*(three_way_loss(*(s * x @ y.T for x, y, s in side)) for side in (whole, other)))


def test_no_pair_at_all_and_matrices_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="one pair at least"):
        three_way_loss(None, None, None)
    with pytest.raises(ValueError, match=r"\(N, N\); got \(2, 2\), \(3, 3\)"):
        three_way_loss(torch.zeros(2, 2), torch.zeros(3, 3))
    with pytest.raises(ValueError, match="audio_smell"):
        AudioTowers(model(), ["audio_smell"])


def model(vision: str = "vit"):
    return with_audio(tiny_clip(vision=vision), SMALL).requires_grad_(True)


def batch(n: int = 6, seed: int = 0) -> dict:
    draws = torch.Generator().manual_seed(seed)
    tokens = tiny_clip().tokenize([f"a thing of kind {i}" for i in range(n)])
    return {
        "audio": torch.randn(n, 8000, generator=draws),
        "images": torch.randn(n, 3, 32, 32, generator=draws),
        "texts": tokens,
    }


@pytest.mark.parametrize("missing, left", [("audio", "image_text"), ("images", "audio_text"), ("texts", "audio_image")])
def test_what_is_missing_takes_its_pairs_with_it_and_gets_no_gradient(missing, left):
    whole, three = model(), batch()
    logits = AudioTowers(whole)(**{**three, missing: None})
    assert [pair for pair in PAIRS if getattr(logits, pair) is not None] == [left]
    three_way_loss(*logits).backward()
    part = {"audio": whole.audio, "images": whole.visual, "texts": whole.transformer}
    for name, tower in part.items():
        touched = [parameter.grad is not None for parameter in tower.parameters()]
        assert not any(touched) if name == missing else all(touched), name
    scales = {"audio_image": whole.logit_scale_ai, "audio_text": whole.logit_scale_at, "image_text": whole.logit_scale}
    assert [pair for pair in PAIRS if scales[pair].grad is not None] == [left]


def test_one_modality_alone_has_no_logits():
    assert AudioTowers(model())(audio=batch()["audio"]) == (None, None, None)


def test_pairs_that_are_not_asked_for_are_none():
    logits = AudioTowers(model(), ["audio_text"])(**batch())
    assert logits.audio_image is None and logits.image_text is None and logits.audio_text.shape == (6, 6)


def run(whole, steps: int = 6, **settings) -> AudioRun:
    chosen = {"lr": 0.01, "warmup": 1, "batch_size": 6, **settings}
    return AudioRun(
        whole, Settings(steps=steps, **chosen), lambda x: x.float() / 255, make_towers=AudioTowers, loss=three_way_loss,
        autocast_dtype=None,
    )  # fmt: skip


def as_drawn(n: int = 6, seed: int = 0) -> list[torch.Tensor]:
    three = batch(n, seed)
    sounds = (3000 * three["audio"]).clamp(-32768, 32767).to(torch.int16)
    return [sounds, (127 + 40 * three["images"]).clamp(0, 255).to(torch.uint8), three["texts"]]


@pytest.mark.parametrize("vision", ["vit", "resnet"])
def test_stage_1_leaves_clips_weights_and_statistics_as_they_were_to_the_bit(vision):
    whole = model(vision).learn("audio")
    before = {name: tensor.clone() for name, tensor in whole.state_dict().items()}
    training = run(whole)
    for step in range(3):
        training.train_step(*as_drawn(seed=step))
    changed = {name for name, tensor in whole.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed and all(map(is_of_audio, changed))
    assert {name for name, _ in whole.named_parameters() if is_of_audio(name)} <= changed


def test_stage_2_changes_all_three_towers():
    whole = model("resnet").learn("all")
    before = {name: tensor.clone() for name, tensor in whole.state_dict().items()}
    run(whole).train_step(*as_drawn())
    changed = {name for name, tensor in whole.state_dict().items() if not torch.equal(tensor, before[name])}
    for part in ("audio.", "visual.", "transformer.", "logit_scale_ai", "visual.bn1.running_mean"):
        assert any(name.startswith(part) for name in changed), part


def test_what_a_frozen_tower_once_made_is_as_good_as_the_tower():
    whole, three = model().learn("audio"), batch()
    texts = F.normalize(whole.encode_text(three["texts"]), dim=-1).detach()
    pictures = F.normalize(whole.encode_image(three["images"]), dim=-1).detach()
    towers = AudioTowers(whole)
    for found, wanted in zip(towers(three["audio"], pictures, texts), towers(**three)):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_scales_start_at_100_learn_at_once_and_stay_between_1_and_100():
    whole = model().learn("all")
    assert whole.logit_scale_ai.exp().item() == pytest.approx(100) and START == pytest.approx(math.log(100))
    three_way_loss(*AudioTowers(whole)(**batch())).backward()
    assert whole.logit_scale_ai.grad.abs() > 0 and whole.logit_scale_at.grad.abs() > 0
    training = run(whole, lr=50.0)
    training.train_step(*as_drawn())
    for scale in (whole.logit_scale, whole.logit_scale_ai, whole.logit_scale_at):
        assert 1 <= scale.exp().item() <= 100.001
    with torch.no_grad():
        whole.logit_scale_ai.fill_(9.0), whole.logit_scale_at.fill_(-9.0)
    whole.clamp_scales()
    assert whole.logit_scale_ai.exp().item() == pytest.approx(100) and whole.logit_scale_at.exp().item() == 1


def test_the_published_clamp_in_use_would_stop_a_scale_at_its_start():
    """Why the scale itself is clamped: exp(log 100) is a little more than 100 in 32 bits, and is cut there."""
    scale = torch.tensor(math.log(100.0), requires_grad=True)
    scale.exp().clamp(1, 100).backward()
    assert scale.grad == 0


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tmp_path):
    straight, first, second = (run(model().learn("all")) for _ in range(3))
    for step in range(4):
        straight.train_step(*as_drawn(seed=step))
    for step in range(2):
        first.train_step(*as_drawn(seed=step))
    first.save(tmp_path / "c.pt")
    second.load(tmp_path / "c.pt")
    for step in range(2, 4):
        second.train_step(*as_drawn(seed=step))
    for (name, a), b in zip(straight.model.state_dict().items(), second.model.state_dict().values()):
        assert torch.equal(a, b), name


def tones(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, 8000) int16 of four pitches under noise, and which."""
    draws = torch.Generator().manual_seed(seed)
    label = torch.arange(n) % 4
    pitch = torch.tensor([200.0, 500.0, 1200.0, 2800.0])[label, None] * (0.9 + 0.2 * torch.rand(n, 1, generator=draws))
    wave = torch.sin(2 * math.pi * pitch * torch.arange(8000) / 8000) + 0.1 * torch.randn(n, 8000, generator=draws)
    return (8000 * wave).clamp(-32768, 32767).to(torch.int16), label


@pytest.mark.parametrize("permuted", [False, True], ids=["as they belong", "permuted"])
def test_sounds_find_their_names_and_permuted_pairs_stay_at_chance(permuted):
    clip = tiny_clip()
    whole = with_audio(clip, SMALL).learn("audio")
    names = F.normalize(torch.randn(4, clip.embed_dim, generator=torch.Generator().manual_seed(3)), dim=-1)
    training = run(whole, steps=40, lr=0.02)
    for step in range(40):
        sounds, label = tones(16, step)
        if permuted:
            label = label[torch.randperm(16, generator=torch.Generator().manual_seed(step))]
        training.train_step(sounds, None, names[label])
    sounds, label = tones(80, 1000)
    with torch.inference_mode():
        answers = (whole.eval().encode_audio(sounds.float()) @ names.T).argmax(dim=1)
    right = (answers == label).float().mean().item()
    assert right < 0.5 if permuted else right > 0.9
