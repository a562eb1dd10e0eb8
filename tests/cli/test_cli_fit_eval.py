"""`lessons fit` and `lessons eval`: what is fitted is measured, kept, and measured again to the same number."""

import re

import pytest
import torch
from noise_task import noise_task
from photo_folders import photo_folder

from lessons_lib.cli import fit, main
from lessons_lib.methods import CoOp, ZeroShot, load_method


@pytest.fixture
def small(monkeypatch, clip):
    """The commands work on the tiny CLIP, and any task is the one in memory."""
    asked = []

    def load_clip(name, pretrained, **settings):
        asked.append((name, pretrained, settings))
        return clip

    def load_task(name, *, shots, seed, **settings):
        asked.append((name, shots, seed, settings))
        return noise_task(shots=shots, seed=seed)

    monkeypatch.setattr("lessons_lib.clip.load_clip", load_clip)
    monkeypatch.setattr("lessons_lib.data.load_task", load_task)
    return asked


def percent(text: str, where: str) -> str:
    return re.search(rf"{where}\D*([\d.]+) %", text)[1]


def test_what_is_fitted_is_what_the_library_fits(small, clip, tmp_path, capsys):
    out = tmp_path / "new folder" / "coop.safetensors"
    assert main(["fit", "coop", "noise", "--shots", "2", "--seed", "3", "--epochs", "4", "--lr", "0.01",
                 "--set", "n_ctx=4", "--out", str(out)]) == 0  # fmt: skip
    said = capsys.readouterr().out
    task = noise_task(shots=2, seed=3)
    ours = CoOp(clip, 4).fit(task, epochs=4, lr=0.01, seed=3, progress=False)
    assert torch.equal(load_method(out, clip).ctx, ours.ctx)
    assert percent(said, "test ") == f"{ours.score(task.test):.1f}"
    assert percent(said, "validation") == f"{ours.score(task.val):.1f}"
    assert "4 epochs" in said and "256 numbers learned" in said


def test_a_fit_of_one_epoch_says_that_it_only_warmed_up(small, capsys):
    for method, epochs, said in (("CoOp", "1", True), ("CoOp", "2", False), ("LPPlusPlus", "1", False)):
        assert main(["fit", method, "noise", "--epochs", epochs]) == 0
        assert ("note: the first epoch is a warm-up at 1e-5" in capsys.readouterr().out) == said


def test_what_was_kept_is_measured_to_the_same_number(small, tmp_path, capsys):
    out = str(tmp_path / "coop.safetensors")
    assert main(["fit", "CoOp", "noise", "--epochs", "2", "--set", "n_ctx=2", "--out", out]) == 0
    first = percent(capsys.readouterr().out, "test ")
    # the tiny CLIP is no architecture that load_clip knows, so its weights have to be named
    assert main(["eval", out, "noise", "--pretrained", "x"]) == 0
    assert percent(capsys.readouterr().out, "test: ") == first


def test_options_reach_the_loaders(small, tmp_path, capsys):
    main(["fit", "ZeroShot", "eurosat", "--shots", "all", "--seed", "5", "--root", "DATA", "--skip-unreadable",
          "--model", "ViT-B-16", "--pretrained", "openai", "--device", "cpu", "--precision", "fp32"])  # fmt: skip
    (task, shots, seed, data), (model, pretrained, how) = small
    assert (task, shots, seed, data["root"], data["skip_unreadable"]) == ("eurosat", None, 5, "DATA", True)
    assert (model, pretrained, how) == ("ViT-B-16", "openai", {"device": "cpu", "precision": "fp32"})
    assert "nothing to learn" in capsys.readouterr().out


def test_a_file_is_not_written_over_unless_forced(small, tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    out.write_bytes(b"precious")
    assert main(["fit", "ZeroShot", "noise", "--out", str(out)]) == 2
    assert "exists: give another --out, or --force" in capsys.readouterr().err
    assert out.read_bytes() == b"precious" and small == []  # said before anything was loaded
    assert main(["fit", "ZeroShot", "noise", "--out", str(out), "--force"]) == 0
    assert out.read_bytes() != b"precious"
    assert main(["fit", "ZeroShot", "noise", "--out", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"precious")
    assert main(["fit", "CoOp", "noise", "--pretrained", str(weights), "--out", str(weights), "--force"]) == 2
    assert main(["fit", "CoOp", "noise", "--pretrained", str(weights), "--checkpoint", str(weights)]) == 2
    assert weights.read_bytes() == b"precious" and "is what is read" in capsys.readouterr().err


def test_two_fits_with_one_out_are_both_kept_and_one_is_told(small, tmp_path, capsys, monkeypatch):
    out = tmp_path / "mine.safetensors"
    real = fit.fit
    monkeypatch.setattr(fit, "fit", lambda *args: out.write_bytes(b"the other's") and real(*args))
    assert main(["fit", "ZeroShot", "noise", "--out", str(out)]) == 2
    assert "was made by another program while this one fitted" in (said := capsys.readouterr().err)
    assert out.read_bytes() == b"the other's" and "mine-2.safetensors" in said
    assert (tmp_path / "mine-2.safetensors").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ZeroShot", "noise", "--epochs", "3"], "fitting ZeroShot takes no '--epochs'. It has none."),
        (["LPPlusPlus", "noise", "--lr", "3"], "fitting LPPlusPlus takes no '--lr'"),
        (["CoOp", "noise", "--epochs", "0"], "'0': give a whole number, at least 1"),
        (["CoOp", "noise", "--lr", "-1"], "lr=-1.0: give a learning rate"),
        (["CoOp", "noise", "--set", "class_token_position=left"], "left"),
        (["CoOp", "noise", "--set", "positon=end"], "CoOp has no setting 'positon'"),
        (["CoOpp", "noise"], "Did you mean 'CoOp'"),
        (["CoOp", "noise", "--shots", "99"], "99"),
    ],
)
def test_a_mistake_is_one_line(words, says, small, capsys):
    assert main(["fit", *words]) == 2
    err = capsys.readouterr().err
    assert says in err and err.startswith("lessons fit: ") and err.count("\n") == 1


def test_an_unknown_task_gets_the_nearest(capsys):
    assert main(["fit", "ZeroShot", "toy_satelite"]) == 2
    assert "unknown task 'toy_satelite'. Did you mean 'toy_satellite'" in capsys.readouterr().err


def test_fitted_on_the_base_classes_measured_on_the_new_ones(small, clip, tmp_path, capsys):
    out = str(tmp_path / "base.safetensors")
    main(["fit", "CoOp", "noise", "--classes", "base", "--epochs", "2", "--set", "n_ctx=2", "--out", out])
    task = noise_task(shots=None)
    fitted = load_method(out, clip)
    assert fitted.classnames == task.base().classnames
    capsys.readouterr()
    assert main(["eval", out, "noise", "--pretrained", "x", "--classes", "new"]) == 0
    said = capsys.readouterr().out
    new = task.new()
    assert percent(said, "test: ") == f"{fitted.for_classes(new.classnames).score(new.test):.1f}"
    assert "carried from 3 classes to the 2 of noise/new" in said


def test_the_table_of_classes_names_mistakes_and_the_worst_first(clip):
    task = noise_task()
    rows = ZeroShot(clip).fit(task).by_class(task.test)
    assert [row["right (%)"] for row in rows] == sorted(row["right (%)"] for row in rows)
    for row in rows:
        assert (row["right (%)"] == 100) == (row["taken for"] == "")
        assert not row["taken for"].startswith(f"{row['class']} (")


def test_a_class_without_images_has_no_share(clip):
    task = noise_task()
    method = ZeroShot(clip).fit(task)
    rows = method.by_class(task.test.subset(range(12)))  # of the first class alone
    assert [row["images"] for row in rows] == [12, 0, 0, 0, 0]
    assert [row["right (%)"] == row["right (%)"] for row in rows] == [True] + 4 * [False]


def test_a_folder_of_photos(toyclip, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("lessons_lib.clip.load_clip", lambda *_, **__: toyclip)
    photos, out = photo_folder(tmp_path / "photos", {"red cup": 6, "dog": 6}), str(tmp_path / "probe.safetensors")
    assert main(["fit", "LinearProbe", str(photos), "--shots", "2", "--out", out]) == 0
    assert main(["eval", out, str(photos), "--per-class"]) == 0
    said = capsys.readouterr().out
    assert "LinearProbe on photos, test:" in said and "red cup" in said


def test_a_real_clip_needs_its_weights_named(tmp_path, clip, capsys):
    path = ZeroShot(clip).fit(noise_task()).save(tmp_path / "zs.safetensors")
    assert main(["eval", str(path), "toy_pets"]) == 2
    assert "was fitted on tiny: say on which weights with --pretrained" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"not safetensors"])
def test_a_file_that_is_no_method_is_said_at_once(content, small, tmp_path, capsys):
    path = tmp_path / "x.safetensors"
    if content:
        path.write_bytes(content)
    assert main(["eval", str(path), "noise"]) == 2
    assert re.search("no saved method at|damaged or not a safetensors", capsys.readouterr().err) and small == []
