"""`lessons doctor`: what is there is named, and what is missing comes with what to do."""

import json
import shutil

import pytest
from dataset_layouts import aircraft, split_set

from lessons_lib import environment
from lessons_lib.cli import doctor, main
from lessons_lib.clip import downloads, present
from lessons_lib.data.published import splits
from lessons_lib.environment import Finding


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty cache of Hugging Face's, and no cache of OpenAI's."""
    monkeypatch.setattr(downloads.hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "hub"


def cached(hub, repo: str, *files: str) -> None:
    """Files of a repository as huggingface_hub keeps them."""
    folder = hub / f"models--{repo.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    for file in files:
        (folder / "snapshots" / "abc" / file).write_bytes(b"weights")


def test_a_machine_with_everything_is_all_good(hub, monkeypatch, capsys):
    monkeypatch.delenv("LESSONS_DATA", raising=False)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "all good"
    for word in ("Python", "torch", "device", "threads", "memory", "disk", "cache", "ToyCLIP", "real CLIPs"):
        assert word in said


def test_without_its_packages_only_those_are_looked_at(monkeypatch, capsys):
    lacking = [Finding("packages", "0 of 1"), Finding("torch", "not installed", "missing", "run: pip install torch")]
    monkeypatch.setattr(environment, "packages", lambda: lacking)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "machine:" not in said
    assert said.splitlines()[-2:] == ["what to do (1):", "  torch: run: pip install torch"]


def test_json_says_the_same(monkeypatch, capsys):
    found = {"software": [Finding("Python", "3.8", "missing", "get a newer one")]}
    monkeypatch.setattr(doctor, "examine", lambda root: found)
    assert main(["doctor", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["good"] is False
    assert said["software"] == [
        {"what": "Python", "found": "3.8", "state": "missing", "mend": "get a newer one"}
    ]  # fmt: skip


def test_a_data_set_that_is_whole_or_broken_or_absent(tmp_path, monkeypatch):
    split_set(tmp_path, "eurosat")
    split_set(tmp_path, "dtd")
    shutil.rmtree(tmp_path / "dtd" / "images" / "Class1")
    aircraft(tmp_path)
    (tmp_path / "fgvc_aircraft" / "variants.txt").unlink()
    whole = splits.Counted("eurosat", tmp_path / "eurosat", 4, {"train": 24, "val": 8, "test": 12})
    verify = splits.verify
    monkeypatch.setattr(splits, "verify", lambda n, root: whole if n == "eurosat" else verify(n, root))
    found = {finding.what: finding for finding in doctor.datasets(str(tmp_path))}
    assert found["eurosat"].state == "ok" and "4 classes, train 24, val 8, test 12" in found["eurosat"].found
    assert found["dtd"].state == "missing" and "11 of 44 images are missing" in found["dtd"].found
    assert "lessons fetch dtd" in found["dtd"].mend
    assert found["fgvc_aircraft"].state == "missing" and "variants.txt" in found["fgvc_aircraft"].found
    assert found["not there"].state == "note" and "food101" in found["not there"].found


def test_a_root_that_is_not_there_is_to_be_mended(tmp_path):
    [finding] = doctor.datasets(str(tmp_path / "nowhere"))
    assert finding.state == "missing" and "nowhere" in finding.found
    assert doctor.datasets(None)[0].state == "note"


def test_weights_are_found_wherever_they_lie(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path / "cache"))
    assert [one.name for one in present.weights_here()] == ["toyclip"]
    by_hand = downloads.by_hand_path("ViT-B-16-quickgelu", "openai")
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(b"weights")
    repo, files = downloads.split_repo(present.get_pretrained_cfg("ViT-B-32", "laion2b_s34b_b79k")["hf_hub"])
    cached(hub, repo, files[0])
    cached(hub, "someone/their-clip", "open_clip_config.json", downloads.WEIGHTS_FILES[0])
    cached(hub, "someone/a-data-set", "readme.md")
    found = {(one.name, one.pretrained): one.path for one in present.weights_here()[1:]}
    assert found[("ViT-B-16-quickgelu", "openai")] == by_hand
    assert found[("ViT-B-32", "laion2b_s34b_b79k")].read_bytes() == b"weights"
    assert ("hf-hub:someone/their-clip", None) in found
    assert len(found) == 3


def test_what_weights_are_there_is_what_load_clip_would_take(hub, tmp_path, monkeypatch):
    """Every pair that is listed is one that `load_clip` finds on the disk, without a download."""
    from lessons_lib.clip import recipes

    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path / "cache"))
    cached(hub, "timm/vit_base_patch16_clip_224.openai", downloads.WEIGHTS_FILES[0])
    listed = present.weights_here()[1:]
    assert ("ViT-B-16-quickgelu", "openai") in [one[:2] for one in listed]
    for name, tag, path in listed:
        assert recipes.find(name, tag).weights == path


def test_gpus_are_named_where_there_are_any(device):
    found = [finding.what for finding in doctor.devices()]
    assert ("cuda:0" in found) == (device == "cuda")


def test_a_cache_that_cannot_be_written_is_noted(tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path / "c"))
    assert doctor.cache().state == "ok"
    monkeypatch.setattr("os.access", lambda *_: False)
    finding = doctor.cache()
    assert finding.state == "note" and "LESSONS_CACHE" in finding.mend
