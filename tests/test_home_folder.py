""" "~" is the home folder in every path that a user gives, as in the shell."""

import os

import pytest

import lessons_lib as ll
from lessons_lib.cli.main import main
from lessons_lib.methods.saving import read_header


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "home"
    assert not os.path.exists(tmp_path / "~")


def test_a_method_is_saved_and_loaded_there(home, clip, task):
    ll.ZeroShot(clip).fit(task).save("~/m.safetensors")
    assert (home / "m.safetensors").is_file() and read_header("~/m.safetensors")["method"] == "ZeroShot"
    assert ll.load_method("~/m.safetensors", clip).classnames == task.classnames


def test_a_training_goes_on_there(home, clip, task):
    for epochs in (1, 1):
        ll.CoOp(clip, n_ctx=2).fit(task, epochs=epochs, progress=False, checkpoint="~/c.pt")
    assert (home / "c.pt").is_file()


def test_toyclips_other_weights_are_looked_for_there(home):
    with pytest.raises((FileNotFoundError, ValueError), match=str(home)):
        ll.load_clip("toyclip", "~/mine.safetensors", verbose=False)


def test_a_sweep_is_read_and_kept_there(home, capsys):
    (home / "s.yaml").write_text("methods: ZeroShot\ntasks: toy_pets\nshots: 1\nseeds: 1\n")
    assert main(["bench", "~/s.yaml", "--dry-run"]) == 0
    assert f"kept in '{home / 's.sqlite'}'" in capsys.readouterr().out


@pytest.mark.parametrize("where", ["a cache", "a file", "a folder of photos"])
def test_the_home_of_somebody_who_is_not_here_is_one_sentence(home, monkeypatch, capsys, where):
    words = {
        "a cache": ["cache"],
        "a file": ["bench", "~nobodyhere/x.yaml"],
        "a folder of photos": ["fit", "ZeroShot", "~nobodyhere/x"],
    }[where]
    monkeypatch.setenv("LESSONS_CACHE", "~nobodyhere/x" if where == "a cache" else str(home))
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "there is no home folder '~nobodyhere' here: write the path in full" in said and "fault" not in said
