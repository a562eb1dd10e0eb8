"""Loading a CLIP: every way in gives the same model, and every wrong way says what to do. No test asks the network."""

import json
import math
import shutil
import warnings

import huggingface_hub
import open_clip
import pytest
import torch
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError
from safetensors.torch import save_file
from tiny_clip import tiny_config, tiny_model

from lessons_lib.clip import downloads, load_clip, recipes
from lessons_lib.clip.building import build

# One attention head in 64: the shape that OpenAI's own loader takes for granted.
TOWERS = {
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2},
}
IMAGES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
TEXTS = ["a photo of a cat.", "dog"]
ASK_THE_NETWORK = downloads._remote_size  # before the fixture below replaces it


@pytest.fixture(autouse=True)
def no_network_and_empty_caches(tmp_path, monkeypatch):
    """Every cache empty, in a temporary folder; asking the network fails as it does without one."""

    def unreachable(repo, filename):
        raise OSError("Name or service not known")

    def no_download(*args, **kwargs):
        raise AssertionError("a test started a download")

    monkeypatch.setattr(downloads, "_remote_size", unreachable)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", no_download)
    monkeypatch.setattr(downloads, "hub_cache", lambda: tmp_path / "hub")
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path / "home")
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny(monkeypatch):
    """Registers "Tiny-8" and its QuickGELU twin with open_clip, with one tag each; returns a model of the first."""
    for name, quick in (("Tiny-8", False), ("Tiny-8-quickgelu", True)):
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, tiny_config(quick_gelu=quick, **TOWERS))
    published = {
        "hf_hub": "someone/tiny/",
        "mean": (0.1, 0.2, 0.3),
        "std": (0.5, 0.5, 0.5),
        "interpolation": "bilinear",
    }
    published["resize_mode"] = "squash"
    registry = open_clip.pretrained._PRETRAINED
    monkeypatch.setitem(registry, "Tiny-8", {"plain": published, "quick": {**published, "quick_gelu": True}})
    monkeypatch.setitem(registry, "Tiny-8-quickgelu", {"quick": {**published, "quick_gelu": True}})
    return tiny_model(seed=3, **TOWERS)


def load(*args, **kwargs):
    return load_clip(*args, **{"device": "cpu", "verbose": False, **kwargs})


def assert_same(clip, model) -> None:
    assert torch.allclose(clip.encode_images(IMAGES), model.encode_image(IMAGES, normalize=True), atol=1e-5)
    texts = model.encode_text(clip.tokenizer(TEXTS), normalize=True)
    assert torch.allclose(clip.encode_texts(TEXTS), texts, atol=1e-5)


def in_hub_cache(root, repo: str, files: dict) -> None:
    """Lays files out as Hugging Face's cache does. files: name -> path to copy, or a dictionary to write as JSON."""
    folder = root / "hub" / f"models--{repo.replace('/', '--')}"
    snapshot = folder / "snapshots" / "0" / "x"
    snapshot.parent.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0")
    for name, content in files.items():
        target = snapshot.with_name(name)
        target.write_text(json.dumps(content)) if isinstance(content, dict) else shutil.copy(content, target)


def openai_archive(path, state: dict) -> None:
    """Half-precision weights in a TorchScript archive with OpenAI's three extra integers."""
    extras = {"input_resolution": 32, "context_length": 77, "vocab_size": 49408}
    root = torch.nn.Module()
    for key, value in {**state, **{name: torch.tensor(number) for name, number in extras.items()}}.items():
        *parents, leaf = key.split(".")
        module = root
        for parent in parents:
            if not hasattr(module, parent):
                module.add_module(parent, torch.nn.Module())
            module = getattr(module, parent)
        module.register_buffer(leaf, value.half() if value.is_floating_point() else value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(root).save(path)


# ---- every way in -------------------------------------------------------------------------------------------------


def save_pt(model, path):
    torch.save(model.state_dict(), path)


def save_old_pt(model, path):
    torch.save(model.state_dict(), path, _use_new_zipfile_serialization=False)


def save_safetensors(model, path):
    save_file(model.state_dict(), path)


def save_training_checkpoint(model, path):
    state = {f"module.{key}": value for key, value in model.state_dict().items()}
    torch.save({"epoch": 3, "name": "run", "state_dict": state, "optimizer": {"state": {}}}, path)


@pytest.mark.parametrize(
    ("save", "name"),
    [
        (save_pt, "w.pt"),
        (save_old_pt, "w.pth"),
        (save_safetensors, "w.safetensors"),
        (save_training_checkpoint, "epoch_3.pt"),
    ],
)
def test_a_checkpoint_saved_and_loaded_by_its_path_gives_the_same_features(tiny, tmp_path, save, name):
    save(tiny, tmp_path / name)
    assert_same(load("Tiny-8", pretrained=tmp_path / name), tiny)


def test_openais_own_archive_gives_what_open_clips_own_loader_gives(tiny, tmp_path):
    openai_archive(tmp_path / "openai.pt", tiny.state_dict())
    clip = load("Tiny-8-quickgelu", pretrained=str(tmp_path / "openai.pt"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = open_clip.load_openai_model(str(tmp_path / "openai.pt"), precision="fp32", device="cpu")
    assert_same(clip, reference.eval())
    assert all(parameter.dtype == torch.float32 for parameter in clip.model.parameters())


def test_weights_put_by_hand_are_found_by_their_tag_and_take_its_transform(tiny, tmp_path):
    path = downloads.by_hand_path("Tiny-8", "plain")
    path.parent.mkdir(parents=True)
    save_safetensors(tiny, path)
    clip = load("Tiny-8", pretrained="plain")
    assert_same(clip, tiny)
    assert clip.image_mean == (0.1, 0.2, 0.3) and clip.transforms.config.resize_mode == "squash"


def test_weights_in_hugging_faces_cache_are_found_by_their_tag(tiny, tmp_path):
    save_safetensors(tiny, tmp_path / "w.safetensors")
    in_hub_cache(tmp_path, "someone/tiny", {"open_clip_model.safetensors": tmp_path / "w.safetensors"})
    assert_same(load("Tiny-8", pretrained="plain"), tiny)


def test_an_archive_in_openais_cache_is_found_by_its_tag(tiny, tmp_path, monkeypatch):
    entry = open_clip.pretrained._PRETRAINED["Tiny-8-quickgelu"]["quick"]
    monkeypatch.setitem(entry, "url", "https://example.org/models/Tiny.pt")
    (tmp_path / "home" / ".cache" / "clip").mkdir(parents=True)
    openai_archive(tmp_path / "home" / ".cache" / "clip" / "Tiny.pt", tiny.state_dict())
    assert load("Tiny-8-quickgelu", pretrained="quick").model_cfg["quick_gelu"]


def hub_files(tmp_path, model) -> dict:
    save_safetensors(model, tmp_path / "w.safetensors")
    config = {"model_cfg": tiny_config(**TOWERS), "preprocess_cfg": {"mean": [0.4] * 3, "std": [0.6] * 3}}
    return {"open_clip_config.json": config, "open_clip_model.safetensors": tmp_path / "w.safetensors"}


def test_a_hub_repository_is_loaded_from_the_cache_without_a_network(tiny, tmp_path):
    in_hub_cache(tmp_path, "someone/other", hub_files(tmp_path, tiny))
    clip = load("hf-hub:someone/other")
    assert_same(clip, tiny)
    assert tuple(clip.image_mean) == (0.4, 0.4, 0.4)


def test_a_folder_in_the_hubs_layout_is_loaded(tiny, tmp_path):
    files = hub_files(tmp_path, tiny)
    (tmp_path / "open_clip_config.json").write_text(json.dumps(files["open_clip_config.json"]))
    (tmp_path / "w.safetensors").rename(tmp_path / "open_clip_model.safetensors")
    assert_same(load(f"local-dir:{tmp_path}"), tiny)
    by_path = load("Tiny-8", pretrained=tmp_path / "open_clip_model.safetensors")
    assert tuple(by_path.image_mean) == (0.4, 0.4, 0.4)  # from the configuration beside the weights


def test_a_path_takes_the_transform_that_an_architectures_tags_share(tiny, tmp_path):
    save_pt(tiny, tmp_path / "w.pt")
    assert load("Tiny-8", pretrained=tmp_path / "w.pt").image_mean == (0.1, 0.2, 0.3)
    assert recipes._usual_preprocess("ViT-B-16-SigLIP")["resize_mode"] == "squash"
    assert recipes._usual_preprocess("ViT-L-14") == {}  # its tags differ: OpenAI's


def test_a_slash_in_a_name_is_open_clips_dash(tiny, tmp_path):
    save_pt(tiny, tmp_path / "w.pt")
    assert load("Tiny/8", pretrained=tmp_path / "w.pt").name == "Tiny-8"


@pytest.mark.parametrize("name", ["ViT-B-32", "RN50", "coca_ViT-B-32", "ViT-B-16-SigLIP"])
def test_models_are_built_as_open_clip_builds_them(name):
    with torch.device("meta"):
        ours = build(open_clip.get_model_config(name))
        theirs = open_clip.create_model(name, pretrained=None, pretrained_text=False, device="meta")
    assert type(ours) is type(theirs)
    shapes = [{key: tensor.shape for key, tensor in model.state_dict().items()} for model in (ours, theirs)]
    assert shapes[0] == shapes[1]


# ---- a download, when one is asked for ----------------------------------------------------------------------------


def test_a_download_says_what_from_where_how_large_and_where_to(tiny, tmp_path, monkeypatch, capsys):
    save_safetensors(tiny, tmp_path / "w.safetensors")
    monkeypatch.setattr(downloads, "_remote_size", lambda repo, filename: 605_000_000)
    monkeypatch.setattr(
        huggingface_hub, "hf_hub_download", lambda repo, filename, cache_dir: tmp_path / "w.safetensors"
    )
    assert_same(load("Tiny-8", pretrained="plain"), tiny)
    said = capsys.readouterr().out
    for part in (
        "open_clip_model.safetensors",
        "605.0 MB",
        "https://huggingface.co/someone/tiny",
        str(tmp_path / "hub"),
    ):
        assert part in said


def test_a_repository_without_safetensors_is_asked_for_its_other_file(tiny, tmp_path, monkeypatch):
    save_pt(tiny, tmp_path / "w.bin")
    asked = []

    def only_bin(repo, filename):
        asked.append(filename)
        if filename.endswith(".safetensors"):
            raise EntryNotFoundError("404")
        return 1000

    monkeypatch.setattr(downloads, "_remote_size", only_bin)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda repo, filename, cache_dir: tmp_path / "w.bin")
    assert_same(load("Tiny-8", pretrained="plain"), tiny)
    assert asked == ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"]


def test_a_download_larger_than_the_disk_does_not_start(tiny, monkeypatch):
    monkeypatch.setattr(downloads, "_remote_size", lambda repo, filename: 10**18)
    with pytest.raises(OSError, match="does not fit on the disk"):
        load("Tiny-8", pretrained="plain")


def test_a_download_that_breaks_off_says_so(tiny, monkeypatch):
    def breaks_off(*args, **kwargs):
        raise TimeoutError("read timed out")

    monkeypatch.setattr(downloads, "_remote_size", lambda repo, filename: 1000)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", breaks_off)
    with pytest.raises(ConnectionError, match=r"broke off \(TimeoutError: read timed out\): run this again"):
        load("Tiny-8", pretrained="plain")


def test_without_a_network_a_tag_names_what_where_how_large_and_the_way_by_hand(tmp_path):
    with pytest.raises(ConnectionError) as caught:
        load("ViT-B-16-quickgelu", pretrained="openai")
    words = str(caught.value)
    by_hand = tmp_path / "cache" / "weights" / "ViT-B-16-quickgelu" / "openai.safetensors"
    for part in (
        "load_clip('ViT-B-16-quickgelu', pretrained='openai')",
        "Name or service not known",
        "open_clip_model.safetensors (about 598.5 MB)",
        "https://huggingface.co/timm/vit_base_patch16_clip_224.openai",
        f"'{tmp_path / 'hub'}'",
        str(by_hand),
        "pretrained='path/to/open_clip_model.safetensors'",
        "models--timm--vit_base_patch16_clip_224.openai",
    ):
        assert part in words


def test_without_a_network_a_hub_name_tells_the_way_by_hand():
    with pytest.raises(ConnectionError, match=r"hf-hub:laion/some-model.*not on this machine") as caught:
        load("hf-hub:laion/some-model")
    for part in (
        "open_clip_config.json",
        "https://huggingface.co/laion/some-model",
        "load_clip('local-dir:that/folder')",
    ):
        assert part in str(caught.value)


def test_hugging_faces_offline_switch_is_a_missing_network(monkeypatch):
    monkeypatch.setattr(downloads, "_remote_size", ASK_THE_NETWORK)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConnectionError, match=r"cannot be fetched \(OfflineModeIsEnabled(.|\n)*about 408.2 MB"):
        load("RN50-quickgelu", pretrained="openai")


def test_a_repository_that_does_not_exist_is_not_a_missing_network(monkeypatch):
    def missing(repo, filename):
        raise RepositoryNotFoundError("401", response=_Response())

    monkeypatch.setattr(downloads, "_remote_size", missing)
    with pytest.raises(ValueError, match="no public repository https://huggingface.co/no/such"):
        load("hf-hub:no/such")


class _Response:
    """What huggingface_hub's errors read from an HTTP response."""

    headers: dict = {}
    request = None
    status_code = 401


# ---- names --------------------------------------------------------------------------------------------------------


def test_an_unknown_architecture_names_the_nearest():
    with pytest.raises(ValueError, match=r"unknown model 'VIT-B16'. Did you mean .*'ViT-B-16'"):
        load("VIT-B16", pretrained="openai")
    with pytest.raises(ValueError, match="unknown model 'ToyCLIP'. Did you mean 'toyclip'"):
        load("ToyCLIP")


def test_an_unknown_tag_names_the_nearest_and_lists_all():
    with pytest.raises(
        ValueError, match=r"'ViT-B-32-quickgelu' has no tag 'opnai'.* Did you mean 'openai'.*'laion400m_e31'"
    ):
        load("ViT-B-32-quickgelu", pretrained="opnai")


def test_an_architecture_without_weights_is_never_loaded_at_random():
    with pytest.raises(ValueError, match=r"which weights of 'ViT-B-32'\? .*'laion2b_s34b_b79k'"):
        load("ViT-B-32")


def test_a_path_that_does_not_exist_is_named():
    with pytest.raises(FileNotFoundError, match="no checkpoint at 'no/such.pt'"):
        load("ViT-B-32", pretrained="no/such.pt")


@pytest.mark.parametrize("name", ["hf-hub:only-one-part", "hf-hub:"])
def test_an_incomplete_hub_name_is_refused(name):
    with pytest.raises(ValueError, match="must read 'hf-hub:organisation/repository'"):
        load(name)


def test_a_hub_name_takes_no_second_source_of_weights():
    with pytest.raises(ValueError, match="names its own weights: leave out pretrained='openai'"):
        load("hf-hub:a/b", pretrained="openai")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold open_clip_config.json and open_clip_model.safetensors or"):
        load(f"local-dir:{tmp_path}")


def test_a_missing_package_is_named_before_anything_is_downloaded(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="'roberta-ViT-B-32' needs Hugging Face's transformers: install it with"):
        load("roberta-ViT-B-32", pretrained="laion2b_s12b_b32k")


# ---- activations --------------------------------------------------------------------------------------------------


def test_openais_tag_on_a_gelu_architecture_is_refused_with_the_right_name():
    with pytest.raises(
        ValueError, match=r"trained with QuickGELU.*load_clip\('ViT-B-16-quickgelu', pretrained='openai'\)"
    ):
        load("ViT-B-16", pretrained="openai")


def test_a_gelu_tag_on_a_quickgelu_architecture_is_refused_with_the_right_name():
    with pytest.raises(ValueError, match=r"trained with GELU.*load_clip\('ViT-B-32', pretrained='laion2b_s34b_b79k'\)"):
        load("ViT-B-32-quickgelu", pretrained="laion2b_s34b_b79k")


def test_every_tag_of_every_architecture_is_loadable_under_some_name():
    for name, tag in open_clip.list_pretrained():
        model_cfg = open_clip.get_model_config(name)
        try:
            recipes._check_tags_activation(name, tag, open_clip.get_pretrained_cfg(name, tag), model_cfg)
        except ValueError as error:
            twin = f"{name}-quickgelu"
            assert f"load_clip({twin!r}, pretrained={tag!r})" in str(error)
            assert (twin, tag) in open_clip.list_pretrained() and open_clip.get_model_config(twin)["quick_gelu"]


def test_openais_archive_on_a_gelu_architecture_is_refused(tiny, tmp_path):
    openai_archive(tmp_path / "openai.pt", tiny.state_dict())
    with pytest.raises(ValueError, match=r"trained with QuickGELU, and 'Tiny-8' computes GELU.*'Tiny-8-quickgelu'"):
        load("Tiny-8", pretrained=tmp_path / "openai.pt")


def test_a_configuration_beside_the_weights_decides_on_the_activation(tiny, tmp_path):
    save_pt(tiny, tmp_path / "w.pt")
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": {"quick_gelu": False}}))
    with pytest.raises(ValueError, match=r"trained with GELU, and 'Tiny-8-quickgelu' computes QuickGELU.*'Tiny-8'"):
        load("Tiny-8-quickgelu", pretrained=tmp_path / "w.pt")


def test_openais_weights_saved_again_as_a_plain_state_dict_bring_a_warning(tiny, tmp_path):
    state = {key: value.half().float() for key, value in tiny.state_dict().items()}
    torch.save({**state, "logit_scale": torch.tensor(math.log(100))}, tmp_path / "w.pt")
    with pytest.warns(UserWarning, match=r"looks like OpenAI's weights.*'Tiny-8-quickgelu'"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("Tiny-8-quickgelu", pretrained=tmp_path / "w.pt")


# ---- files that do not fit ----------------------------------------------------------------------------------------


def test_a_checkpoint_of_another_architecture_names_the_first_difference(tiny, tmp_path):
    other = tiny_model(**{**TOWERS, "vision_cfg": {**TOWERS["vision_cfg"], "patch_size": 16}})
    save_pt(other, tmp_path / "w.pt")
    with pytest.raises(ValueError) as caught:
        load("Tiny-8", pretrained=tmp_path / "w.pt")
    assert "is not a checkpoint of 'Tiny-8'" in str(caught.value)
    assert "'visual.positional_embedding' is (5, 64) in the file and (17, 64) in the model" in str(caught.value)


def test_another_resolution_or_context_is_another_architecture_and_never_resized(tiny, tmp_path):
    save_pt(tiny_model(**{**TOWERS, "text_cfg": {**TOWERS["text_cfg"], "context_length": 32}}), tmp_path / "w.pt")
    with pytest.raises(
        ValueError, match=r"'positional_embedding' is \(32, 64\) in the file and \(77, 64\) in the model"
    ):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


def test_a_deeper_or_shallower_checkpoint_is_refused(tiny, tmp_path):
    state = tiny.state_dict()
    torch.save({**state, "transformer.resblocks.2.ln_1.weight": torch.ones(64)}, tmp_path / "deeper.pt")
    torch.save({key: value for key, value in state.items() if "resblocks.1" not in key}, tmp_path / "shallower.pt")
    with pytest.raises(ValueError, match=r"'transformer.resblocks.2.ln_1.weight' \(64,\) is in the file only"):
        load("Tiny-8", pretrained=tmp_path / "deeper.pt")
    with pytest.raises(ValueError, match=r"resblocks.1.* is missing \(and \d+ more differences\)"):
        load("Tiny-8", pretrained=tmp_path / "shallower.pt")


@pytest.mark.parametrize(
    ("save", "name"), [(save_pt, "w.pt"), (save_old_pt, "w.pth"), (save_safetensors, "w.safetensors")]
)
@pytest.mark.parametrize("share", [0.001, 0.5, 0.99])
def test_a_file_cut_short_is_called_damaged(tiny, tmp_path, save, name, share):
    save(tiny, tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=r"is damaged, cut short, or not a checkpoint: download or save it again"):
        load("Tiny-8", pretrained=tmp_path / name)


def test_one_flipped_byte_is_noticed(tiny, tmp_path):
    save_pt(tiny, tmp_path / "w.pt")
    content = bytearray((tmp_path / "w.pt").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(ValueError, match="damaged.*checksum"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


def test_weights_that_are_not_numbers_are_noticed(tiny, tmp_path):
    tiny.ln_final.weight.data[3] = float("nan")
    save_safetensors(tiny, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="'ln_final.weight' holds values that are not finite"):
        load("Tiny-8", pretrained=tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: download it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>Not Found", "is a web page"),
        (b"hello world " * 50, "damaged, cut short, or not a checkpoint"),
    ],
)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_that_is_no_checkpoint_is_called_what_it_is(tiny, tmp_path, content, words, suffix):
    (tmp_path / f"w{suffix}").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        load("Tiny-8", pretrained=tmp_path / f"w{suffix}")


def test_a_pickle_that_would_run_code_is_refused(tiny, tmp_path):
    torch.save(tiny, tmp_path / "module.pt")
    with pytest.raises(
        ValueError, match=r"more than tensors \(open_clip.model.CLIP\).*run code from the file.*refused"
    ):
        load("Tiny-8", pretrained=tmp_path / "module.pt")


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), {"a": 1}, {"state_dict": {"a": "b"}}])
def test_a_pickle_of_something_else_is_refused(tiny, tmp_path, content):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="holds no state dict"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


def test_a_plain_state_dict_of_openais_is_known_by_its_extra_entries(tiny, tmp_path):
    torch.save({**tiny.state_dict(), "input_resolution": torch.tensor(32)}, tmp_path / "w.pt")
    assert_same(load("Tiny-8-quickgelu", pretrained=tmp_path / "w.pt"), tiny_model(seed=3, quick_gelu=True, **TOWERS))
    with pytest.raises(ValueError, match="'Tiny-8-quickgelu'"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


def test_a_broken_configuration_beside_the_weights_is_named(tiny, tmp_path):
    save_pt(tiny, tmp_path / "w.pt")
    (tmp_path / "open_clip_config.json").write_text('{"model_cfg": ')
    with pytest.raises(ValueError, match="open_clip_config.json' is damaged: it is not JSON"):
        load("Tiny-8", pretrained=tmp_path / "w.pt")


# ---- ToyCLIP ------------------------------------------------------------------------------------------------------


@pytest.fixture
def toyclip_folder(tmp_path, monkeypatch):
    """A random model laid out as the embedded one: half precision, its own normalisation, a short context."""
    towers = {**TOWERS, "text_cfg": {**TOWERS["text_cfg"], "context_length": 40}}
    model = tiny_model(seed=5, **towers)
    save_file({key: value.half() for key, value in model.state_dict().items()}, tmp_path / "toyclip.safetensors")
    preprocess = {"size": 32, "mean": [0.3, 0.4, 0.5], "std": [0.2, 0.2, 0.2], "interpolation": "bicubic"}
    (tmp_path / "toyclip.json").write_text(json.dumps({**tiny_config(**towers), "preprocess_cfg": preprocess}))
    monkeypatch.setattr(recipes, "toyclip_dir", lambda: tmp_path)
    return tmp_path


def test_toyclip_is_read_from_its_folder_and_upcast(toyclip_folder):
    clip = load("toyclip")
    assert clip.context_length == 40 and tuple(clip.image_mean) == (0.3, 0.4, 0.5)
    assert all(parameter.dtype == torch.float32 for parameter in clip.model.parameters())
    with pytest.raises(ValueError, match="the context holds 40"):
        clip.tokenize("word " * 50)


def test_a_toyclip_of_ones_own_is_loaded_by_its_path(toyclip_folder):
    (toyclip_folder / "toyclip.safetensors").rename(toyclip_folder / "mine.safetensors")
    with pytest.raises(FileNotFoundError, match="ToyCLIP is incomplete in this installation"):
        load("toyclip")
    (toyclip_folder / "toyclip.safetensors").write_bytes(b"")
    assert load("toyclip", pretrained=toyclip_folder / "mine.safetensors").embed_dim == 32


def test_loading_says_in_one_line_what_auto_chose(toyclip_folder, capsys):
    load("toyclip", verbose=True)
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "toyclip: " in said and "on CPU in fp32 (precision chosen automatically)" in said


def test_a_device_that_is_not_there_is_refused_before_anything_is_read(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device='cuda' was asked for, but torch finds no CUDA GPU"):
        load("ViT-B-32", pretrained="no/such.pt", device="cuda")


TOYCLIP_IS_HERE = (recipes.toyclip_dir() / "toyclip.safetensors").is_file()


@pytest.mark.skipif(not TOYCLIP_IS_HERE, reason="ToyCLIP's weights are not in this checkout")
def test_the_embedded_toyclip_encodes_offline():
    clip = load("toyclip")
    assert clip.context_length >= 32 and clip.image_size == 64
    images = clip.preprocess_tensor(torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8))
    assert clip.encode_images(images).shape == (2, clip.embed_dim)
    full = clip.model.encode_text(clip.tokenize(TEXTS), normalize=True)
    assert torch.allclose(clip.encode_texts(TEXTS), full, atol=1e-5)
    assert load("toyclip").fingerprint == clip.fingerprint
