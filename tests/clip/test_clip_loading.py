"""Loading a CLIP: every way in gives the same model, and every wrong way says what to do. No test asks the network."""

import json
import warnings

import huggingface_hub
import open_clip
import pytest
import torch
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError
from safetensors.torch import save_file
from saved_clips import (
    TEXTS,
    TOWERS,
    assert_same,
    hub_files,
    in_hub_cache,
    load,
    openai_archive,
    save_old_pt,
    save_pt,
    save_safetensors,
    save_training_checkpoint,
)
from tiny_clip import tiny_config, tiny_model

from lessons_lib.clip import downloads, recipes
from lessons_lib.clip.building import build

ASK_THE_NETWORK = downloads._remote_size  # before a fixture replaces it
pytestmark = [
    pytest.mark.usefixtures("empty_caches"),
    pytest.mark.filterwarnings("ignore:.*does not say which activation"),  # where it is not what is tested
]


# ---- every way in -------------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
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
