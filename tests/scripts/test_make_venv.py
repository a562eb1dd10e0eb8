"""Making the environment touches no folder that is something else."""

import make_venv
import pytest


@pytest.mark.parametrize("is_file", [False, True])
def test_a_place_that_holds_something_else_is_left_alone(tmp_path, monkeypatch, is_file):
    mine = tmp_path / "project" / "work.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    monkeypatch.setattr("sys.argv", ["make_venv.py", str(mine if is_file else mine.parent)])
    with pytest.raises(
        SystemExit, match="is a file: give" if is_file else "holds other files than a virtual environment"
    ):
        make_venv.main()
    assert mine.read_text() == "mine"
