"""The prompts that the authors of CoOp, CoCoOp and MaPLe release: they give the published computation's logits.

The files are written here as the authors' training writes them: a state dict beside an optimizer's and a schedule's.
"""

import pytest
import torch
from reference import cocoop, coop, maple
from reference.comparing import relative_error
from tiny_clip import tiny_clip

import lessons_lib as ll

NAMES = ["cat", "yellow_crane", "St. Bernard (a dog)", "jack-o'-lantern"]
DRAWS = torch.Generator().manual_seed(5)


def random(*shape: int) -> torch.Tensor:
    return 0.05 * torch.randn(*shape, generator=DRAWS)


def save(path, tensors: dict, *, half: bool = False) -> None:
    """As Dassl's trainers do."""
    optimizer = torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.002)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
    state = {name: tensor.half() if half else tensor for name, tensor in tensors.items()}
    rest = {"optimizer": optimizer.state_dict(), "scheduler": {"successor": schedule, "last_epoch": 50}}
    torch.save({"state_dict": state, "epoch": 50, **rest, "val_result": None}, path)


def around(clip, n_ctx: int, words: str = "") -> dict[str, torch.Tensor]:
    """token_prefix and token_suffix: the embeddings of "X … X <words> name." with `n_ctx` placeholders cut out."""
    said = [" ".join(["X"] * n_ctx + words.split() + [name.replace("_", " ")]) + "." for name in NAMES]
    with torch.no_grad():
        embeddings = clip.model.token_embedding(clip.tokenizer(said))
    return {"token_prefix": embeddings[:, :1], "token_suffix": embeddings[:, 1 + n_ctx :]}


@pytest.fixture(scope="module")
def clip():
    return tiny_clip()


@pytest.fixture(scope="module")
def images(clip):
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("shape", [(16,), (4, 8)], ids=["unified", "class-specific"])
@pytest.mark.parametrize("position", ["end", "middle"])
def test_coops_released_context_gives_the_published_logits(clip, images, tmp_path, shape, position):
    ctx = random(*shape, 64)
    save(tmp_path / "model.pth.tar-50", {"ctx": ctx, **around(clip, shape[-1])})
    method = ll.load_method(tmp_path / "model.pth.tar-50", clip, NAMES, class_token_position=position)
    assert type(method) is ll.CoOp and method.class_specific == (len(shape) == 2)
    wanted = coop.coop_logits(clip, NAMES, ctx, images, position)
    assert relative_error(method.logits(images), wanted) < 1e-5


def test_cocoops_released_context_and_net_give_the_published_logits(clip, images, tmp_path):
    ctx, first, second = random(4, 64), torch.nn.Linear(32, 2), torch.nn.Linear(2, 64)
    first.bias.data += 1  # of two hidden units, some that every image opens
    net = {f"meta_net.linear1.{n}": p for n, p in first.state_dict().items()}
    net |= {f"meta_net.linear2.{n}": p for n, p in second.state_dict().items()}
    save(tmp_path / "model.pth.tar-10", {"ctx": ctx, **around(clip, 4), **net})
    method = ll.load_method(tmp_path / "model.pth.tar-10", clip, NAMES)
    with torch.no_grad():
        wanted = cocoop.cocoop_logits(clip, NAMES, ctx, lambda f: second(torch.relu(first(f))), images)
    assert type(method) is ll.CoCoOp and relative_error(method.logits(images), wanted) < 1e-5


@pytest.mark.parametrize(("rows", "words"), [(2, "of a"), (3, "a"), (2, ""), (6, "")])
def test_maples_released_model_gives_the_published_logits(clip, images, tmp_path, rows, words):
    ctx, deep = random(rows, 64), [random(rows, 64)]
    layers = [torch.nn.Linear(64, 64), torch.nn.Linear(64, 64)]
    learner = {"ctx": ctx, "compound_prompts_text.0": deep[0], **around(clip, rows, words)}
    learner |= {f"proj.{n}": p for n, p in layers[0].state_dict().items()}
    learner |= {f"compound_prompt_projections.0.{n}": p for n, p in layers[1].state_dict().items()}
    tensors = {f"prompt_learner.{name}": tensor for name, tensor in learner.items()}
    tensors |= {"image_encoder.conv1.weight": clip.model.visual.conv1.weight.data, "logit_scale": torch.zeros(())}
    save(tmp_path / "model.pth.tar-5", tensors)
    method = ll.load_method(tmp_path / "model.pth.tar-5", clip, NAMES)
    with torch.no_grad():
        wanted = maple.maple_logits(clip, NAMES, ctx, deep, layers, images, words=words)
    assert type(method) is ll.MaPLe and method.prompt_depth == 2
    assert relative_error(method.logits(images), wanted) < 1e-5


def test_the_classes_are_read_back_from_half_precision_where_none_are_given(clip, images, tmp_path):
    save(tmp_path / "m.pth", {"prompt_learner.ctx": random(16, 64), **{
        f"prompt_learner.{name}": tensor for name, tensor in around(clip, 16).items()}}, half=True)  # fmt: skip
    method = ll.load_method(tmp_path / "m.pth", clip)
    assert method.classnames == ["cat", "yellow crane", "st . bernard ( a dog )", "jack - o '- lantern"]
    assert torch.equal(method.logits(images), ll.load_method(tmp_path / "m.pth", clip, NAMES).logits(images))


def test_what_was_converted_is_saved_and_loaded_as_ours(clip, images, tmp_path):
    save(tmp_path / "m.pth", {"ctx": random(16, 64), **around(clip, 16)})
    method = ll.load_method(tmp_path / "m.pth", clip, NAMES)
    again = ll.load_method(method.save(tmp_path / "coop.safetensors"), clip)
    assert torch.equal(again.logits(images), method.logits(images))
    with pytest.raises(ValueError, match=r"coop.safetensors' says its own classes and settings: leave them out"):
        ll.load_method(tmp_path / "coop.safetensors", clip, NAMES)


def test_other_classes_another_clip_and_missing_names_are_refused(clip, tmp_path):
    path = tmp_path / "m.pth"
    save(path, {"ctx": random(16, 64), **around(clip, 16)})
    with pytest.raises(
        ValueError, match="learned for 4 classes, of which number 1 is 'yellow crane'; 4 were given, of "
    ):
        ll.load_method(path, clip, ["cat", "dog", *NAMES[2:]])
    with pytest.raises(ValueError, match='number 3 is "jack - o \'- lantern"; 3 were given, of which it is nothing'):
        ll.load_method(path, clip, NAMES[:3])
    with pytest.raises(ValueError, match="learned on another CLIP than tiny"):
        ll.load_method(path, tiny_clip(seed=1), NAMES)
    with pytest.raises(ValueError, match="does not fit tiny and these settings"):
        ll.load_method(path, clip, NAMES, n_ctx=8)
    save(path, {"prompt_learner.ctx": random(16, 64)})
    with pytest.raises(ValueError, match="does not say its classes: give classnames="):
        ll.load_method(path, clip)
    assert ll.load_method(path, clip, NAMES).n_ctx == 16


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"prompt_learner.ctx": torch.zeros(4, 64), "image_encoder.VPT": torch.zeros(4, 64)}, "'image_encoder.VPT'"),
        ({"ctx": torch.zeros(4, 64), "token_prefix": torch.zeros(1), "net.weight": torch.zeros(1)}, "net.weight', w"),
        ({"visual.proj": torch.zeros(2, 2)}, "no saved method and no released prompts: it holds 1 tensors such as 'vi"),
        ({"ctx": torch.zeros(64), "token_prefix": torch.zeros(1)}, "does not fit tiny"),
        ({"ctx": torch.zeros(2, 64), "proj.weight": torch.zeros(64, 64)}, "does not fit tiny"),
        ({"ctx": torch.zeros(2, 32), "token_prefix": torch.zeros(1)}, "does not fit tiny"),
    ],
)  # fmt: skip
def test_other_files_of_tensors_are_told_what_they_are(clip, tmp_path, tensors, words):
    save(tmp_path / "m.pth", tensors)
    with pytest.raises(ValueError, match=words) as caught:
        ll.load_method(tmp_path / "m.pth", clip, NAMES)
    assert "damaged" not in str(caught.value)


def test_a_cut_release_is_called_damaged(clip, tmp_path):
    save(tmp_path / "m.pth", {"ctx": random(16, 64), **around(clip, 16)})
    (tmp_path / "m.pth").write_bytes((tmp_path / "m.pth").read_bytes()[:-900])
    with pytest.raises(ValueError, match="m.pth' .* is damaged"):
        ll.load_method(tmp_path / "m.pth", clip, NAMES)


def test_the_command_line_says_how_a_release_is_read(clip, tmp_path):
    from lessons_lib.methods.saving import read_header

    save(tmp_path / "m.pth", {"ctx": random(16, 64)})
    with pytest.raises(ValueError, match=r"m.pth' was not written by method.save, but by torch.*load_method") as caught:
        read_header(tmp_path / "m.pth")
    assert "damaged" not in str(caught.value)
