"""The report: a line for each thing that happened, by the student's name, once however often he is graded."""

import nbformat
import pytest

preprocessors = pytest.importorskip(
    "lessons_lib.teaching.grading.preprocessors", reason="the extra `teach` is not installed"
)


def test_a_student_who_is_graded_again_is_spoken_of_anew_and_others_are_kept(tmp_path):
    amy, bob = ({"assignment": "lab", "student": name, "notebook": "lab"} for name in ("amy", "bob"))
    preprocessors.report(tmp_path, amy, ["check-a was deleted", "a line\nand another"], first=True)
    preprocessors.report(tmp_path, bob, ["cell 3 stopped"], first=True)
    preprocessors.report(tmp_path, amy, ["check-a was changed"], first=True)
    preprocessors.report(tmp_path, amy, ["code cell 2 ended its own process"])
    lines = (tmp_path / "reports" / "lab.md").read_text().splitlines()
    assert lines == [
        "- bob, lab: cell 3 stopped",
        "- amy, lab: check-a was changed",
        "- amy, lab: code cell 2 ended its own process",
    ]


def test_a_notebook_that_cannot_be_read_is_named_before_grading(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "submitted" / "amy" / "lab"
    folder.mkdir(parents=True)
    (folder / "torn.ipynb").write_text("{")
    nbformat.write(nbformat.v4.new_notebook(), folder / "whole.ipynb")
    preprocessors.look([f"submitted/amy/lab/{name}.ipynb" for name in ("torn", "whole")], assignment="*", student="*")
    report = (tmp_path / "reports" / "lab.md").read_text()
    assert report.startswith("- amy, torn: is damaged, or no notebook") and report.count("\n") == 1
