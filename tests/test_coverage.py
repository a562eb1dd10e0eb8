"""The page on what the articles say: every fact has its place, the place is there, the numbers are its rows'."""

import json

import article_facts as facts
import pytest

TEXT = facts.PAGE.read_text(encoding="utf-8")
FACTS = facts.rows(TEXT)
SOURCE = ["# 01 · Pairs\n", "\n", "## The *loss*, by `hand`\n", "Text."]
LESSON = {"cells": [{"cell_type": "markdown", "source": SOURCE}]}
MET = "[01: The loss](../notebooks/01_pairs.ipynb#The-loss,-by-hand)"
PAGE = "# Facts\n\n{begin}{end}\n## An article\n\n| fact | where |\n|---|---|\n{rows}"


def page(*cells: str, counted: bool = True) -> str:
    """A page with a row for each fact and its place."""
    lines = [f"| Fact {i}. | {where} |\n" for i, where in enumerate(cells)]
    text = PAGE.format(begin=facts.BEGIN, end=facts.END, rows="".join(lines))
    return facts.with_counts(text) if counted else text


@pytest.fixture
def folder(tmp_path):
    """Where links start from: beside a folder with one lesson."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01_pairs.ipynb").write_text(json.dumps(LESSON))
    (tmp_path / "docs").mkdir()
    return tmp_path / "docs"


def test_every_fact_has_its_place_every_link_leads_to_a_section_and_the_counts_are_right():
    assert list(facts.faults(TEXT)) == []


def test_the_page_has_all_five_articles_and_leaves_out_a_handful_at_most():
    articles = list(dict.fromkeys(row.article for row in FACTS))
    assert len(articles) == 5 and len(FACTS) > 250
    assert sum(row.state == "left out" for row in FACTS) <= 5


def test_a_planned_fact_belongs_to_a_lesson_of_the_plan():
    assert {row.lesson for row in FACTS if row.state == "planned"} <= set(range(facts.LAST_LESSON + 1))


def test_what_is_met_planned_or_left_out_is_a_state(folder):
    good = page(MET, f"{MET}, {MET}", "planned: 01", "planned: 17", "left out: an opinion")
    assert [row.state for row in facts.rows(good)] == ["met", "met", "planned", "planned", "left out"]
    assert list(facts.faults(good, folder)) == []


@pytest.mark.parametrize(
    "where",
    ["", "in lesson 01", "planned", "planned: 4", "planned: 18", "planned: 01, 02", "left out", "left out: ",
     f"planned: 01 {MET}", f"{MET} planned: 01", f"left out: see {MET}", f"{MET} {MET}"],
)  # fmt: skip
def test_a_row_without_one_of_the_three_states_is_a_fault(folder, where):
    [fault] = facts.faults(page(where), folder)
    assert "'Fact 0.' is neither met" in fault


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("../notebooks/02_gone.ipynb#The-loss,-by-hand", "no such file"),
        ("../notebooks/01_pairs.ipynb#The-loss", "no such section"),
        ("../notebooks/01_pairs.ipynb#the-loss,-by-hand", "no such section"),
        ("../notebooks/01_pairs.ipynb", "no such section"),
    ],
)
def test_a_link_that_leads_nowhere_is_a_fault(folder, link, fault):
    [found] = facts.faults(page(MET, f"[01]({link})"), folder)
    assert fault in found and "Fact 1." in found


def test_counts_that_were_typed_are_a_fault(folder):
    [fault] = facts.faults(page(MET, counted=False), folder)
    assert "the counts are not those of the rows" in fault
    [fault] = facts.faults(page(MET).replace("| all | 1 | 1 |", "| all | 1 | 2 |"), folder)
    assert "the counts are not those of the rows" in fault


def test_a_fact_that_stands_there_twice_is_a_fault(folder):
    [fault] = facts.faults(facts.with_counts(page(MET, MET).replace("Fact 1", "Fact 0")), folder)
    assert "stands there 2 times" in fault


def test_counts_are_of_each_article_and_of_all():
    rows = [("A", "One.", MET), ("A", f"Two. {facts.CORRECTED} three.", "planned: 04"), ("B", "Four.", "left out: no")]
    lines = facts.counts([facts.Row(*row) for row in rows]).splitlines()[2:]
    assert lines == ["| A | 2 | 1 | 1 | 0 | 1 |", "| B | 1 | 0 | 0 | 1 | 0 |", "| all | 3 | 1 | 1 | 1 | 1 |"]


def test_a_table_of_something_else_holds_no_facts():
    assert facts.rows("| a | b |\n|---|---|\n| 1 | 2 |\n\n| fact | where |\n|---|---|\n| F | planned: 01 |\n") == [
        facts.Row("", "F", "planned: 01")
    ]


def test_a_row_with_a_bar_too_many_is_refused():
    with pytest.raises(ValueError, match="two cells"):
        facts.rows("| fact | where |\n|---|---|\n| a | b | c |\n")


def test_a_page_without_a_place_for_the_counts_is_refused():
    with pytest.raises(ValueError, match="the counts stand between"):
        facts.with_counts("# Facts\n")


def test_what_lessons_lack_is_listed_by_lesson():
    said = facts.planned(facts.rows(page("planned: 04", MET, "planned: 01")))
    assert said == "01\n  Fact 2. (An article)\n04\n  Fact 0. (An article)"


def test_the_command_writes_the_counts_and_names_faults(tmp_path, monkeypatch, folder, capsys):
    path = folder / "coverage.md"
    monkeypatch.setattr(facts, "PAGE", path)
    path.write_text(page("planned: 01", counted=False))
    assert facts.main([]) == 0 and path.read_text() == page("planned: 01")
    path.write_text(page("somewhere", counted=False))
    assert facts.main([]) == 1 and "neither met" in capsys.readouterr().err
    assert path.read_text() == page("somewhere")
