"""The course's site: `python data_scripts/course/make_site.py` writes it into build/site, from the lessons as recorded.

Nothing is run, and nothing is loaded from elsewhere: not while it is built, and not by its pages. They open from the
disk; `python -m http.server -d build/site` serves them. Needs the extra: pip install -c constraints.txt -e ".[site]"
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import api_pages
import lesson_pages
from babel import Locale

from lessons_lib import translations
from lessons_lib.files import atomic_write

ROOT = Path(__file__).resolve().parents[2]
TIMES = ROOT / "lessons_lib" / "teaching" / "lesson_times.json"
FROM_ROOT = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md", "SECURITY.md": "security.md"}
TOOLS = ("sphinx", "myst_parser", "furo", "latex2mathml")
LESSONS_INDEX = "# The lessons\n\n```{include} map.md\n```\n"
ORPHAN = "---\norphan: true\n---\n\n"  # a page that next and previous do not lead to
MAP_HEAD = "| lesson | question | takes | after |\n|---|---|---|---|"


def missing_tools() -> list[str]:
    """What the site is built with and this Python does not have."""
    return [name for name in TOOLS if importlib.util.find_spec(name) is None]


def build(lessons: list[Path], out: Path, source: Path, *, times: Mapping[str, float] | None = None) -> None:
    """Writes the site of these lessons into `out`.

    source: a folder for the pages as Sphinx reads them.   times: seconds by lesson; default: as recorded.
    Raises RuntimeError where the tools are missing, or Sphinx finds fault with a page.
    """
    if missing := missing_tools():
        raise RuntimeError(
            f'the site is built with {", ".join(missing)}: pip install -c constraints.txt -e ".[site]" brings them'
        )
    put_together(lessons, source, recorded_times() if times is None else times)
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-b",
        "html",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        out.parent / f"{out.name}-doctrees",
    ]
    done = subprocess.run([*map(str, command), str(source), str(out)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"Sphinx could not build the site:\n{done.stderr.strip()}")


def put_together(lessons: list[Path], source: Path, times: Mapping[str, float]) -> None:
    """The pages as Sphinx reads them, in `source`, which holds nothing else afterwards. What is unchanged is not
    written again, so that Sphinx does not read it again."""
    files: dict[Path, bytes] = {}
    for path in sorted((ROOT / "docs").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            files[path.relative_to(ROOT / "docs")] = path.read_bytes()
    for name, page in FROM_ROOT.items():
        files[Path(page)] = (ROOT / name).read_bytes()
    rooms = api_pages.pages()
    for room, text in rooms.items():
        files[Path("api") / f"{room}.md"] = text.encode()
    files[Path("api/index.md")] = _api_index(sorted(rooms)).encode()
    read = {path.stem: lesson_pages.read(path) for path in lessons}
    folder = Path("lessons")
    translated = translated_pages(read)
    for name, lesson in read.items():
        text, figures = lesson_pages.page(lesson, folder, name)
        there = {f"{language}/": language for language, pages in translated.items() if name in pages}
        files |= {folder / f"{name}.md": with_languages(text, name, there).encode(), **figures}
    for language, pages in translated.items():
        for name, text in pages.items():
            text = ORPHAN + with_languages(text, name, {"../": "en"})
            files[folder / language / f"{name}.md"] = text.encode()
    files[folder / "map.md"] = lessons_map(read, times).encode()
    files[folder / "index.md"] = LESSONS_INDEX.encode()
    files = {
        path: with_site(path, data.decode(), set(read)).encode() if path.suffix == ".md" else data
        for path, data in files.items()
    }
    for path, data in files.items():
        target = source / path
        if not target.is_file() or target.read_bytes() != data:
            atomic_write(target, data)
    for path in sorted(source.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(source) not in files:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def translated_pages(lessons: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """language -> lesson -> its page, of the lessons whose translation is whole. The figures are the English pages'.
    Links lead to translated lessons where there are any."""
    found = {}
    for language, folder in translations.folders().items():
        whole = {}
        for name, lesson in lessons.items():
            other, left = translations.in_language(lesson, name, folder)
            if not left:
                whole[name], _ = lesson_pages.page(other, Path("lessons"), name, up="../")
        here = "|".join(map(re.escape, whole)) or "none"
        found[language] = {name: re.sub(rf"\]\(\.\./({here})\.md", r"](\1.md", text) for name, text in whole.items()}
    return found


def with_languages(page: str, name: str, there: Mapping[str, str]) -> str:
    """The page with a line below its title that leads to it in other languages. there: folder -> language."""
    links = [f"[{Locale.parse(language).get_language_name()}]({up}{name}.md)" for up, language in there.items()]
    return re.sub(r"\A(# .+\n)?", lambda title: title[0] + "\n" + " · ".join(links) + "\n\n", page) if links else page


def lessons_map(lessons: Mapping[str, Any], times: Mapping[str, float]) -> str:
    """A line a lesson: its question, how long it takes, and what comes before it. Other notebooks have their name."""
    lines = [MAP_HEAD]
    for name, lesson in sorted(lessons.items()):
        takes = f"{times[name]:.0f} s" if name in times else ""
        try:
            said = lesson_pages.opening(lesson)
        except ValueError:
            lines.append(f"| [{name}](/lessons/{name}.md) | | {takes} | |")
            continue
        link = f"[{said.number} {said.title}](/lessons/{name}.md)"
        lines.append(f"| {link} | {said.question} | {takes} | {said.before or '–'} |")
    return "\n".join(lines) + "\n"


def recorded_times() -> dict[str, float]:
    return {name: run["seconds"] for name, run in json.loads(TIMES.read_text(encoding="utf-8"))["lessons"].items()}


def _api_index(rooms: list[str]) -> str:
    listed = "\n".join(rooms)
    return (
        "# The library\n\nWhat `lessons_lib` offers, by module, from the files' own words.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"
    )


def with_site(path: Path, text: str, lessons: set[str]) -> str:
    """A page as the site has it: the README's measured tables where it asks for them, and links that lead through the
    repository's folders leading to pages. A lesson that is not among `lessons` is named, and not linked to. A number
    and its interval stay on one line."""
    up = "../" * (len(path.parts) - 1)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"<!-- readme: (.+?) -->", lambda asked: block(readme, asked[1]), text)
    text = re.sub(
        r"\]\((?:\.\./)*notebooks/(\w+)\.ipynb(#[^)]+)?",
        lambda link: f"]({up}lessons/{link[1]}.md{section_on_site(link[2] or '')}",
        text,
    )
    text = re.sub(
        r"\[([^\]]*)\]\([\w/.]*?(\d\d_\w+)\.md(?:#[^)]*)?\)",
        lambda link: link[0] if link[2] in lessons else link[1],
        text,
    )
    for name, page in FROM_ROOT.items():
        text = re.sub(rf"\]\((?:\.\./)*{re.escape(name)}", f"]({up}{page}", text)
    return text.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")


def section_on_site(section: str) -> str:
    """A link's "#What-the-articles-say!" as the site has it: "#what-the-articles-say"."""
    return re.sub(r"[^\w#-]", "", section.lower())


def block(text: str, name: str) -> str:
    """What stands between a name's two markers. Raises ValueError where they are missing."""
    found = re.search(rf"<!-- {re.escape(name)}: begin -->\n(.*?)<!-- {re.escape(name)}: end -->", text, re.S)
    if not found:
        raise ValueError(f"README.md has no block '{name}'")
    return found[1].strip()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", type=Path, help="default: all in notebooks/")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="default: build/site")
    args = parser.parse_args(arguments)
    lessons = args.lessons or sorted((ROOT / "notebooks").glob("[!.]*.ipynb"))
    if absent := [str(path) for path in lessons if not path.is_file()]:
        print(f"there is no lesson {', '.join(absent)}", file=sys.stderr)
        return 2
    out = args.out.absolute()
    try:
        build(lessons, out, out.parent / f"{out.name}-source")
    except (OSError, RuntimeError, ValueError) as error:
        print(f"make_site: {error}", file=sys.stderr)
        return 2
    print(f"the site: {out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
