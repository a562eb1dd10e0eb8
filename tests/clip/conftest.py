"""For the tests of loading: empty caches without a network, and a tiny architecture that open_clip knows."""

import huggingface_hub
import open_clip
import pytest
from saved_clips import TOWERS
from tiny_clip import tiny_config, tiny_model

from lessons_lib.clip import downloads


@pytest.fixture
def empty_caches(tmp_path, monkeypatch):
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
