"""Lessons in other languages: catalogues of their prose, and the notebooks that these make.

    python data_scripts/course/translate.py update zh_CN               # every lesson that has a catalogue there
    python data_scripts/course/translate.py update fr 02_zero_shot     # begins one: translations/fr/02_zero_shot.po
    python data_scripts/course/translate.py build zh_CN                # into build/translated/zh_CN

`update` brings catalogues up to date with the notebooks: a new cell's entry is empty; one whose cell has changed is
marked fuzzy, keeps its translation, and shows the source of before. `build` writes all lessons, so that links among
them lead somewhere; code and outputs are as recorded. What has no translation stays English, and is named. For
worksheets of them, to hand out:

    python data_scripts/course/make_worksheets.py --out worksheets/zh_CN build/translated/zh_CN/*.ipynb
"""

import argparse
import io
import json
import re
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog
from babel.messages.pofile import denormalize, normalize, write_po
from lesson_pages import read as read_lesson

from lessons_lib import translations
from lessons_lib.files import atomic_write

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS, CATALOGUES = ROOT / "notebooks", ROOT / "translations"
HEADER = 'msgid ""\nmsgstr ""\n"Language: {}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
UNITS = {"": 1, "thousand": 10**3, "million": 10**6, "billion": 10**9, "万": 10**4, "亿": 10**8}
NUMBER = re.compile(rf"(\d[\d,]*(?:\.\d+)?)(?:\s*({'|'.join(filter(None, UNITS))}))?")
KEPT: dict[str, re.Pattern] = {  # in this order: what one finds, the next does not see
    "code block": re.compile(r"^```.*?^```", re.S | re.M),
    "code": re.compile(r"`[^`]+`"),
    "formula": re.compile(r"\$\$.+?\$\$|\$[^$]+\$", re.S),
    "HTML": re.compile(r"</?[a-zA-Z][^>]*>"),
    "link": re.compile(r"\]\([^)]+\)"),
}
SHAPE = {
    "heading": re.compile(r"^#+(?= )", re.M),
    "list item": re.compile(r"^(?:-|\d+\.)(?= )", re.M),
    "table row": re.compile(r"^\|(?=.)", re.M),
}


def updated(lesson: dict, before: Catalog | None, language: str) -> Catalog:
    """The lesson's catalogue, with what the one of before holds of it.

    An entry whose source has changed is marked fuzzy, with the source that was translated. What was fuzzy stays so.
    """
    after = Catalog(locale=language)
    known = {entry.context: entry for entry in before or () if entry.id}
    for context, source in translations.prose(lesson).items():
        old = known.get(context)
        if old is None or not old.string:
            after.add(source, context=context)
            continue
        was, comments = previous_of(old)
        if old.id != source and not old.fuzzy:
            was = old.id
        fuzzy = old.fuzzy or old.id != source
        after.add(
            source,
            old.string,
            context=context,
            flags=["fuzzy"] if fuzzy else [],
            previous_id=was if fuzzy else "",
            user_comments=comments,
        )
    return after


def previous_of(entry) -> tuple[str, list[str]]:
    """The source that a fuzzy entry was translated from, and its other comments: Babel reads both as comments."""
    lines = [line[1:].strip() for line in entry.user_comments if line.startswith("|")]
    others = [line for line in entry.user_comments if not line.startswith("|")]
    return denormalize("\n".join(lines).removeprefix("msgid ")) if lines else "", others


def as_bytes(catalogue: Catalog) -> bytes:
    """The catalogue as a file holds it: lines are the text's own, and the header has no dates, so that what has not
    changed is written as it was."""
    file = io.BytesIO()
    write_po(file, catalogue, width=0, omit_header=True)
    text = HEADER.format(catalogue.locale_identifier) + file.getvalue().decode()
    for entry in catalogue:
        if entry.id and (was := "".join(entry.previous_id)):  # by ourselves: Babel would wrap it
            shown = f"msgid {normalize(was, width=0)}".replace("\n", "\n#| ")
            context = f"msgctxt {normalize(entry.context, width=0)}\n"
            text = text.replace(f"\n{context}", f"\n#| {shown}\n{context}")
    return text.encode()


def stale(lesson: dict, catalogue: Catalog) -> list[str]:
    """The contexts whose entries are not the lesson's: missing, of another source, or of no cell."""
    held = {entry.context: entry.id for entry in catalogue if entry.id}
    asked = translations.prose(lesson)
    return [context for context in {**asked, **held} if asked.get(context) != held.get(context)]


def faults(source: str, translation: str) -> list[str]:
    """What a translation should have kept and did not: formulas, links, code, HTML, numbers, headings, rows."""
    asked, given = kept(source), kept(translation)
    lost = [f"{kind} {one!r} is missing" for kind, one in (asked - given).elements()]
    return lost + [f"{kind} {one!r} is not in the source" for kind, one in (given - asked).elements()]


def kept(text: str) -> Counter:
    """What of a text is the same in every language, each with its kind. Lines may break elsewhere."""
    found = Counter()
    for kind, find in KEPT.items():
        found.update((kind, " ".join(one.split())) for one in find.findall(text))
        text = find.sub(" ", text)
    for kind, find in SHAPE.items():
        found.update((kind, one) for one in find.findall(text))
    found.update(("number", one) for one in numbers(text).elements())
    return found


def numbers(text: str) -> Counter:
    """The numbers of a text by their values: "400 million" and "4 亿" are one. "04" is no 4."""
    values = Counter()
    for digits, unit in NUMBER.findall(text):
        plain = digits.replace(",", "")
        value = f"{(Decimal(plain) * UNITS[unit]).normalize():f}"
        values[plain if re.match(r"0\d", plain) else value] += 1
    return values


def update(language: str, lessons: list[Path]) -> int:
    folder = CATALOGUES / language
    for path in lessons:
        target = folder / f"{path.stem}.po"
        before = translations.read(target) if target.exists() else None
        after = updated(read_lesson(path), before, language)
        atomic_write(target, as_bytes(after))
        entries = [entry for entry in after if entry.id]
        empty, fuzzy = sum(not entry.string for entry in entries), sum(entry.fuzzy for entry in entries)
        print(f"{target}: {len(entries)} entries, {empty} empty, {fuzzy} fuzzy")
    return 0


def build(language: str, lessons: list[Path]) -> int:
    """0, or 1 where a translation lost something."""
    lost = 0
    for path in lessons:
        lesson, left = translations.in_language(source := read_lesson(path), path.stem, CATALOGUES / language)
        target = ROOT / "build" / "translated" / language / path.name
        atomic_write(target, (json.dumps(lesson, indent=1, ensure_ascii=False) + "\n").encode())
        print(f"{target}  {f'in English: {left}' if left else 'whole'}")
        said = translations.prose(lesson)
        for context, text in translations.prose(source).items():
            for fault in faults(text, said[context]):
                lost += 1
                print(f"  {context}: {fault}", file=sys.stderr)
    return min(lost, 1)


def meant(language: str, names: list[str], command: str) -> list[Path]:
    """The lessons named; where none is, those with a catalogue to update, or all to build. Raises ValueError."""
    known = {path.stem: path for path in sorted(NOTEBOOKS.glob("[!.]*.ipynb"))}
    names = [Path(name).stem for name in names]
    if absent := [name for name in names if name not in known]:
        raise ValueError(f"there is no lesson {', '.join(absent)}: the lessons are {', '.join(known)}")
    begun = {path.stem for path in (CATALOGUES / language).glob("*.po")}
    if not begun and (command == "build" or not names):
        raise ValueError(f"nothing is translated into {language} yet: 'translate.py update {language} 00_start_here'")
    if gone := sorted(begun - set(known)):
        raise ValueError(
            f"translations/{language} has a catalogue of no lesson: {', '.join(gone)}. Rename or remove it"
        )
    return [known[name] for name in names or sorted(known if command == "build" else begun)]


def exists(language: str) -> bool:
    """Whether this is a language's name, as gettext writes it."""
    try:
        Locale.parse(language)
        return True
    except (UnknownLocaleError, ValueError):
        return False


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("update", "build"))
    parser.add_argument("language", help="as gettext names it: zh_CN, fr, pt_BR")
    parser.add_argument("lessons", nargs="*", help="default: those with a catalogue to update, all to build")
    args = parser.parse_args(arguments)
    try:
        if not exists(args.language):
            raise ValueError(f"no language is named '{args.language}': 'zh_CN' or 'fr' would be")
        lessons = meant(args.language, args.lessons, args.command)
        return {"update": update, "build": build}[args.command](args.language, lessons)
    except (OSError, ValueError) as error:
        print(f"translate: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
