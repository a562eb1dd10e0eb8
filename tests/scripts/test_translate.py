"""Translations: catalogues are the notebooks' own, whole, and lose nothing; code is the same in every language."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import translate
from lesson_pages import read

from lessons_lib import translations
from lessons_lib.worksheets import BEGIN, worksheet

CATALOGUES = sorted(translate.CATALOGUES.glob("*/*.po"))
by_catalogue = pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def lesson_of(path: Path) -> dict:
    return read(translate.NOTEBOOKS / f"{path.stem}.ipynb")


def test_lessons_00_and_02_are_there_in_chinese():
    assert {"00_start_here", "02_zero_shot"} <= {path.stem for path in CATALOGUES if path.parent.name == "zh_CN"}


@by_catalogue
def test_a_catalogues_cells_are_the_notebooks(path):
    wrong = translate.stale(lesson_of(path), translations.read(path))
    mend = f"python data_scripts/course/translate.py update {path.parent.name} {path.stem}"
    assert not wrong, f"{path.name} is not of this notebook any more ({', '.join(wrong)}). '{mend}' marks what to mend"


@by_catalogue
def test_no_entry_is_empty_or_fuzzy(path):
    _, left = translations.translated(lesson_of(path), translations.read(path), path.parent.name)
    assert left == [], "translate them, and take the mark 'fuzzy' away"


@by_catalogue
def test_a_translation_keeps_formulas_links_code_html_and_numbers(path):
    for entry in translations.read(path):
        assert not entry.id or translate.faults(entry.id, entry.string) == [], entry.context


@by_catalogue
def test_code_and_outputs_are_as_recorded_and_all_prose_is_translated(path):
    lesson = lesson_of(path)
    other, _ = translations.translated(lesson, translations.read(path), path.parent.name)
    nbformat.validate(nbformat.from_dict(other))
    for before, after in zip(lesson["cells"], other["cells"], strict=True):
        if before["cell_type"] == "markdown":
            assert {**after, "source": None} == {**before, "source": None} and after["source"] != before["source"]
        else:
            assert json.dumps(after) == json.dumps(before)


@by_catalogue
def test_a_worksheet_folds_its_solutions_up_under_a_line_in_its_language(path):
    other, _ = translations.translated(lesson_of(path), translations.read(path), path.parent.name)
    folded = [cell["source"] for cell in worksheet(other, path.stem)["cells"] if cell["id"].endswith("-solution")]
    assert folded and all("Solution" not in source and "```python" in source for source in folded)


def cell(kind: str, name: str, source: str) -> dict:
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": {}, "source": source, **code}


@pytest.fixture
def lesson() -> dict:
    cells = [
        cell("markdown", "a", "Say it.\nTwice, as in `x = 1`."),
        cell("code", "b", f"{BEGIN}\nx = 1\n### END SOLUTION"),
        cell("markdown", "c", "Say it.\nTwice, as in `x = 1`."),
        cell("code", "d", "check(x)"),
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def course(lesson, tmp_path, monkeypatch):
    """A course of two lessons, elsewhere."""
    monkeypatch.setattr(translate, "ROOT", tmp_path)
    monkeypatch.setattr(translate, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(translate, "CATALOGUES", tmp_path / "translations")
    (tmp_path / "notebooks").mkdir()
    for name in ("04_coop", "05_cocoop"):
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(json.dumps(lesson))
    return tmp_path


def whole(lesson: dict, **said: str):
    """A catalogue in which everything is translated.   said: by context, where it is not "dit: " and the source."""
    catalogue = translate.updated(lesson, None, "fr")
    for entry in catalogue:
        if entry.id:
            entry.string = said.get(entry.context, f"dit: {entry.id}")
    return catalogue


def entries(catalogue) -> dict:
    return {entry.context: entry for entry in catalogue if entry.id}


def written_and_read(catalogue, tmp_path: Path):
    (path := tmp_path / "x.po").write_bytes(translate.as_bytes(catalogue))
    return translations.read(path)


def test_cells_that_say_the_same_stay_apart(lesson, tmp_path):
    catalogue = written_and_read(whole(lesson, a="une `x = 1`", c="deux `x = 1`"), tmp_path)
    other, left = translations.translated(lesson, catalogue, "fr")
    assert [other["cells"][k]["source"] for k in (0, 2)] == ["une `x = 1`", "deux `x = 1`"] and left == []


def test_a_changed_cell_is_fuzzy_with_the_source_that_was_translated_however_often_it_changes(lesson, tmp_path):
    catalogue, first = whole(lesson), lesson["cells"][0]["source"]
    for source in ("Say it once.", 'Say "it"\n\nthree times.'):
        lesson["cells"][0]["source"] = source
        assert translate.stale(lesson, catalogue) == ["a"]
        catalogue = written_and_read(translate.updated(lesson, catalogue, "fr"), tmp_path)
        entry = entries(catalogue)["a"]
        assert entry.fuzzy and entry.id == source and entry.string == f"dit: {first}"
        assert translate.previous_of(entry)[0] == first
        assert translate.stale(lesson, catalogue) == []
    other, left = translations.translated(lesson, catalogue, "fr")
    assert left == ["a"] and other["cells"][0]["source"] == lesson["cells"][0]["source"], "it stays English"


def test_a_new_cell_is_empty_and_one_that_is_gone_is_gone(lesson):
    before = whole(lesson)
    lesson["cells"][0] = cell("markdown", "new", "More.")
    assert translate.stale(lesson, before) == ["new", "a"]
    after = entries(translate.updated(lesson, before, "fr"))
    assert list(after) == ["new", "c", "worksheet"] and not after["new"].string and not after["c"].fuzzy


def test_what_has_not_changed_is_written_as_it_was(lesson, tmp_path):
    catalogue = whole(lesson)
    entries(catalogue)["a"].user_comments.append("a translator's remark")
    again = translate.updated(lesson, written_and_read(catalogue, tmp_path), "fr")
    assert translate.as_bytes(again) == translate.as_bytes(catalogue)


def test_a_translation_of_another_source_is_not_shown(lesson):
    before = whole(lesson)
    lesson["cells"][0]["source"] = "Never say it."
    other, left = translations.translated(lesson, before, "fr")
    assert left == ["a"] and other["cells"][0]["source"] == "Never say it."


def test_translating_leaves_the_lesson_alone(lesson):
    before = copy.deepcopy(lesson)
    translations.translated(lesson, whole(lesson), "fr")
    assert lesson == before


@pytest.mark.parametrize(
    "source, translation, lost",
    [
        ("`x` and `y`", "`x`", "code '`y`' is missing"),
        ("$a + b$", "$a - b$", "formula '$a - b$' is not in the source"),
        ("[one](01_a.ipynb#b)", "[un](01_a.ipynb)", "link '](01_a.ipynb#b)' is missing"),
        ("<a id='here'></a>Here", "<a id='ici'></a>Ici", "HTML \"<a id='here'>\" is missing"),
        ("64 pixels", "63 px", "number '64' is missing"),
        ("lesson 04", "4", "number '04' is missing"),
        ("400 million", "4 万", "number '400000000' is missing"),
        ("## Here", "### Ici", "heading '##' is missing"),
        ("| a |\n| b |", "| a |", "table row '|' is missing"),
        ("- a\n- b", "- a b", "list item '-' is missing"),
        ("```\nx\n```", "```\ny\n```", "code block '``` x ```' is missing"),
    ],
)
def test_what_a_translation_loses_is_named(source, translation, lost):
    assert lost in translate.faults(source, translation)


@pytest.mark.parametrize(
    "source, translation",
    [
        ("400 million pictures, 1,000 times", "1000 次，4 亿张图片"),
        ("1.28 million", "128 万"),
        ("run `make\nlab`", "运行 `make lab`"),
        ("$$a\nb$$ then `c`", "先 `c` 再 $$a\nb$$"),
    ],
)
def test_order_line_breaks_and_units_are_the_translators(source, translation):
    assert translate.faults(source, translation) == []


def test_a_language_is_begun_built_in_part_and_said_to_be(course, capsys):
    assert translate.main(["update", "fr", "04_coop"]) == 0
    assert "3 entries, 3 empty, 0 fuzzy" in capsys.readouterr().out
    assert translate.main(["build", "fr"]) == 0
    said = capsys.readouterr().out
    assert "in English: a, c, worksheet" in said and "there is no translation yet" in said
    built = course / "build" / "translated" / "fr"
    assert [path.name for path in sorted(built.iterdir())] == ["04_coop.ipynb", "05_cocoop.ipynb"], "links lead there"


def test_build_says_what_a_translation_lost(course, lesson, capsys):
    (folder := course / "translations" / "fr").mkdir(parents=True)
    (folder / "04_coop.po").write_bytes(translate.as_bytes(whole(lesson, c="sans code")))
    assert translate.main(["build", "fr", "04_coop"]) == 1
    assert "c: code '`x = 1`' is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["update", "fr", "4_copo"], "there is no lesson 4_copo"),
        (["update", "fr"], "nothing is translated into fr yet"),
        (["build", "fr"], "nothing is translated into fr yet"),
        (["update", "xx_YY", "04_coop"], "no language is named 'xx_YY'"),
        (["update", "../fr", "04_coop"], "no language is named '../fr'"),
    ],
)
def test_what_is_not_there_is_named(course, arguments, said, capsys):
    assert translate.main(arguments) == 2
    assert said in capsys.readouterr().err and not (course / "translations").exists()


def test_a_damaged_catalogue_is_named(course, capsys):
    (folder := course / "translations" / "fr").mkdir(parents=True)
    for content in (b'msgid "a', b"\xff\xfe", b"PK\x03\x04", b'msgid "a"\nmsgstr "b"\nnonsense'):
        (folder / "04_coop.po").write_bytes(content)
        assert translate.main(["update", "fr"]) == 2, content
        assert "is no catalogue, or a damaged one" in capsys.readouterr().err
        assert (folder / "04_coop.po").read_bytes() == content


def test_a_learner_starts_in_another_language_and_the_worksheet_is_current(tmp_path, capsys, monkeypatch):
    from lessons_lib.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["start", "00", "01", "--language", "zh_CN"]) == 0
    said = capsys.readouterr().out
    assert said.count("in English: all of it") == 1, "lesson 01"
    text = (tmp_path / "worksheets" / "zh_CN" / "00_start_here.ipynb").read_text(encoding="utf-8")
    assert "从这里开始" in text and "本练习的答案" in text
    assert main(["start", "00", "--language", "zh_CN"]) == 0
    assert "has changed" not in capsys.readouterr().out
    assert main(["progress", "worksheets/zh_CN"]) == 0
    assert "0 of" in capsys.readouterr().out
    assert main(["start", "--language", "fr"]) == 2
    assert "there are no lessons in 'fr': there are in zh_CN" in capsys.readouterr().err


def test_worksheets_in_english_do_without_babel(tmp_path):
    code = (
        "import sys; from lessons_lib.cli import main; main(['start', '00', '--to', sys.argv[1]]);"
        "print('babel' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
