"""The site: whole, from the lessons as recorded, with nothing loaded from elsewhere, every link leading somewhere."""

import json
import re
from pathlib import Path

import api_pages
import check_site
import lesson_pages
import make_site
import pytest

LESSONS = sorted((make_site.ROOT / "notebooks").glob("[!.]*.ipynb"))
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    if missing := make_site.missing_tools():
        pytest.skip(f"the extra `site` is not installed: {', '.join(missing)}")
    out = tmp_path_factory.mktemp("site") / "site"
    make_site.build(LESSONS, out, out.with_name("source"))
    return out


def cell(kind: str, source: str, outputs: list | None = None) -> dict:
    made = {"cell_type": kind, "id": "c1", "metadata": {}, "source": source}
    return made | ({"outputs": outputs or [], "execution_count": None} if kind == "code" else {})


def as_page(*cells: dict, widgets: dict | None = None) -> tuple[str, dict]:
    metadata = {"widgets": {lesson_pages.WIDGET_STATE: {"state": widgets}}} if widgets else {}
    return lesson_pages.page({"cells": list(cells), "metadata": metadata}, Path("lessons"), "04_x")


# --- the whole


def test_every_link_leads_somewhere_every_picture_has_words_and_nothing_is_loaded_from_elsewhere(site):
    assert check_site.faults(site) == []


def test_next_and_previous_walk_through_all_lessons(site):
    names, at = [path.stem for path in LESSONS], site / "lessons" / "index.html"
    for name in names:
        at = (at.parent / check_site.read(at).following["next"]).resolve()
        assert at.stem == name
    for name in reversed(names[:-1]):
        at = (at.parent / check_site.read(at).following["prev"]).resolve()
        assert at.stem == name


def test_a_search_for_a_method_finds_its_lesson(site):
    index = json.loads(
        (site / "searchindex.js").read_text(encoding="utf-8").partition("setIndex(")[2].rpartition(")")[0]
    )
    found = [index[where].get("cocoop", []) for where in ("terms", "titleterms")]  # a number, or a list of them
    pages = {index["docnames"][n] for numbers in found for n in ([numbers] if isinstance(numbers, int) else numbers)}
    assert {"lessons/05_cocoop", "choosing"} <= pages


def test_formulas_are_drawn_by_the_browser_alone(site):
    path = site / "lessons" / "02_zero_shot.html"
    page = path.read_text(encoding="utf-8")
    assert page.count("<math") > 3 and "merror" not in page
    assert not [address for address in check_site.read(path).loads if "mathjax" in address.lower()]


def test_what_the_glossary_explains_is_linked_where_a_lesson_first_says_it(site):
    page = (site / "lessons" / "05_cocoop.html").read_text(encoding="utf-8")
    links = re.findall(r'<a class="term[^"]*" href="\.\./glossary\.html#([^"]+)"', page)
    assert len(links) == len(set(links)) and any("context-token" in link or "logit" in link for link in links)


def test_every_public_module_has_its_place(site):
    named = set(check_site.read(site / "py-modindex.html").links)
    for module in ("clip.model", "methods.classify.coop", "data.task", "runs.store", "worksheets"):
        assert any(f"lessons_lib.{module}" in link for link in named), module


def test_a_translated_lesson_is_a_page_too_and_each_leads_to_the_other(site):
    pages = {path.stem: path for path in (site / "lessons" / "zh_CN").glob("*.html")}
    assert set(pages) == {"00_start_here", "02_zero_shot"}
    for name, path in pages.items():
        assert f"../{name}.html" in check_site.read(path).links
        assert f"zh_CN/{name}.html" in check_site.read(site / "lessons" / f"{name}.html").links
    assert "零样本" in pages["02_zero_shot"].read_text(encoding="utf-8")


# --- what would be found


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<a href='b.html'>b</a>", "'b.html' leads nowhere"),
        ("<a href='#nowhere'>b</a>", "'#nowhere' leads nowhere"),
        ("<img src='index.html'>", "a picture without words"),
        ("<script src='https://example.org/x.js'></script>", "loads https://example.org/x.js"),
        ("<link rel='stylesheet' href='//example.org/x.css'>", "loads //example.org/x.css"),
        ("<p style='background: url(https://example.org/x.png)'>", "loads https://example.org/x.png"),
        (r"<p>$\\frac{1}{2}$</p>", "a formula as it was written"),
    ],
)
def test_a_fault_is_found(tmp_path, body, fault):
    (tmp_path / "index.html").write_text(f"<html lang='en'><body id='top'>{body}</body></html>")
    assert len(found := check_site.faults(tmp_path)) == 1 and fault in found[0]


def test_what_a_style_or_a_script_loads_is_found(tmp_path):
    (tmp_path / "index.html").write_text(
        "<html lang='en'><a href='https://example.org'>a link may lead away</a></html>"
    )
    assert check_site.faults(tmp_path) == []
    (tmp_path / "a.css").write_text("@import 'https://example.org/x.css'; p {background: url(x.png)}")
    (tmp_path / "a.js").write_text("fetch('https://example.org/x.json')")
    assert len(check_site.faults(tmp_path)) == 2


# --- a lesson's page


def test_a_figure_is_a_file_with_the_words_of_its_output():
    output = {"output_type": "display_data", "data": {"image/png": PNG}, "metadata": {"image/png": {"alt": "A\ndot."}}}
    text, files = as_page(cell("markdown", "## Dots"), cell("code", "draw()", [output]))
    assert list(files) == [Path("lessons/04_x/c1-0.png")] and ":alt: A dot." in text and ":width: 1px" in text
    output["metadata"] = {}
    assert ":alt: Figure of “Dots”." in as_page(cell("markdown", "## Dots"), cell("code", "draw()", [output]))[0]


def test_a_solution_is_folded_up():
    source = "def f():\n    ...\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"
    text, _ = as_page(cell("code", source))
    before, _, folded = text.partition("<details")
    assert "# your code here" in before and "return 1" not in before and "return 1" in folded


def test_a_widget_is_the_still_picture_that_it_drew_after_a_sentence():
    shown = {"output_type": "display_data", "data": {"image/png": PNG}, "metadata": {"image/png": {"alt": "Bars."}}}
    states = {
        "box": {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_slider", "IPY_MODEL_out"]}},
        "slider": {"state": {"description": "scale s"}},
        "out": {"state": {"_model_name": "OutputModel", "outputs": [shown]}},
    }
    view = {"output_type": "execute_result", "data": {lesson_pages.WIDGET: {"model_id": "box"}}, "metadata": {}}
    text, files = as_page(cell("code", "widgets.temperature()", [view]), widgets=states)
    assert "a running notebook (scale s)" in text and ":alt: Bars." in text and len(files) == 1


def test_links_to_lessons_lead_to_their_pages_and_to_files_of_the_library_to_theirs():
    text = lesson_pages.linked("[a](05_cocoop.ipynb) [b](../lessons_lib/metrics/geometry.py)")
    assert text == "[a](05_cocoop.md) [b](../api/metrics.md)"


@pytest.mark.parametrize("section", ["", "#3-·-What-costs-the-most?"])
def test_a_lesson_that_is_not_on_the_site_is_named_and_not_linked(section):
    text = make_site.with_site(Path("choosing.md"), f"[Lesson 09](../notebooks/09_a.ipynb{section})", {"04_coop"})
    assert text == "Lesson 09"


def test_a_link_to_a_section_of_a_notebook_leads_to_that_section_of_the_lessons_page():
    slugs = pytest.importorskip("myst_parser.slugs")
    heading = "3 · α, β and the caption's words: why?"
    link = f"[04](../notebooks/04_coop.ipynb#{heading.replace(' ', '-')})"
    slug = slugs.github_slugify(heading)
    assert make_site.with_site(Path("coverage.md"), link, {"04_coop"}) == f"[04](lessons/04_coop.md#{slug})"


def test_a_translated_page_leads_to_translated_lessons_where_there_are_any(monkeypatch, tmp_path):
    words = {"02_a": "see [b](04_b.ipynb) and [c](05_c.ipynb)", "04_b": "see [a](02_a.ipynb)", "05_c": "alone"}
    lessons = {name: {"cells": [cell("markdown", said)], "metadata": {}} for name, said in words.items()}
    whole = lambda lesson, name, folder: (lesson, "a cell" if name == "05_c" else "")  # noqa: E731
    monkeypatch.setattr(make_site.translations, "folders", lambda: {"fr": tmp_path})
    monkeypatch.setattr(make_site.translations, "in_language", whole)
    pages = make_site.translated_pages(lessons)["fr"]
    assert pages == {"02_a": "see [b](04_b.md) and [c](../05_c.md)\n", "04_b": "see [a](02_a.md)\n"}


def test_a_line_below_the_title_leads_to_other_languages():
    page = make_site.with_languages("# 02 · Zero-shot\n\nText.", "02_zero_shot", {"zh_CN/": "zh_CN"})
    assert page == "# 02 · Zero-shot\n\n[中文](zh_CN/02_zero_shot.md)\n\n\nText."
    assert make_site.with_languages("Text.", "02_zero_shot", {}) == "Text."


def test_a_number_and_its_interval_stay_on_one_line():
    assert make_site.with_site(Path("results.md"), "| a b | 59.5 ± 0.7 |", set()) == "| a b | 59.5\xa0±\xa00.7 |"


# --- the library's pages


def test_a_docstrings_parameters_become_a_list_and_its_indented_lines_code():
    written = "What it does.\n\nx: (N, D),\n    of length 1.   size: inches.\n\n    a = b * c\n"
    said = api_pages.prose(written, {"x", "size"})
    assert said == "What it does.\n\n- **x**: (N, D),\n  of length 1.   size: inches.\n\n```text\na = b * c\n```"


def test_several_parameters_on_one_line_are_items_of_their_own():
    said = api_pages.prose("names: of classes.   top: bars drawn.", {"names", "top"})
    assert said == "- **names**: of classes.\n- **top**: bars drawn."


def test_what_markdown_would_take_for_its_own_is_left_as_it_was_written():
    assert api_pages.prose("costs $5 for <x> and `a*b`", set()) == r"costs \$5 for \<x> and `a*b`"


def test_what_a_class_says_of_its_attributes_is_a_list(tmp_path):
    source = 'class A:\n    """A thing.\n\n    rows: of it.\n    kept: on disk.\n    """\n\n'
    source += "    kept: int = 0\n\n    def __init__(self):\n        self.rows = []\n"
    (tmp_path / "a.py").write_text(source)
    said = api_pages.module("lessons_lib.a", tmp_path / "a.py")
    assert "- **rows**: of it.\n- **kept**: on disk." in said and "{py:class} A()" in said
