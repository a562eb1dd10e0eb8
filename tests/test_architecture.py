"""The house: rooms on floors, imports that go down only, and no two files that import each other."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "lessons_lib"
FLOORS = [  # from the ground up: a room imports from itself and from the floors below
    {
        "suggest",
        "files",
        "device",
        "environment",
        "identity",
        "templates",
        "look",
        "rgb",
        "room",
        "threads",
        "waves",
        "editions",
    },
    {"sealed", "worksheets"},
    {"translations"},
    {"toyworld", "toysound"},
    {"clip"},
    {"data"},
    {"feature_cache"},
    {"features"},
    {"inputs"},
    {"metrics"},
    {"checkpoint", "recipe"},
    {"pretrain", "training"},
    {"methods"},
    {"runs"},
    {"teaching", "cli"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
MOST_LINES = 250


def module_of(path: Path) -> str:
    """ "lessons_lib.clip.model"; of a package its own name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


@cache
def imported(path: Path) -> set[str]:
    """The modules of the package that a file imports, also inside functions and for type checkers alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute, such as `from lessons_lib.clip import load_clip`"
            for name in node.names:
                inside = f"{node.module}.{name.name}"
                found.add(inside if inside in MODULES else node.module)
    return {name for name in found if name in MODULES} - {module_of(path)}


def room_of(module: str) -> str:
    return module.split(".")[1]


def test_every_room_stands_on_a_floor():
    assert {room_of(module) for module in MODULES} == set(FLOOR_OF)


@pytest.mark.parametrize("room", sorted(FLOOR_OF))
def test_a_room_imports_from_below_alone(room):
    upwards = [
        f"{module} imports {other}"
        for module, path in MODULES.items()
        if room_of(module) == room
        for other in imported(path)
        if room_of(other) != room and FLOOR_OF[room_of(other)] >= FLOOR_OF[room] and FLOOR_OF[room] > 0
    ]
    assert not upwards, "\n".join(upwards)


def test_no_files_import_each_other_by_whatever_way_round():
    circle = circle_among({module: imported(path) for module, path in MODULES.items()})
    assert not circle, " -> ".join(circle)


def test_a_circle_would_be_found():
    assert circle_among({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()})
    assert not circle_among({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def circle_among(arrows: dict[str, set[str]]) -> list[str]:
    """The modules of one circle, in its order; none where there is none."""
    done: set[str] = set()

    def walk(module: str, road: list[str]) -> list[str]:
        if module in road:
            return [*road[road.index(module) :], module]
        if module in done:
            return []
        for other in sorted(arrows[module]):
            if found := walk(other, [*road, module]):
                return found
        done.add(module)
        return []

    return next((found for module in arrows if (found := walk(module, []))), [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_is_short_enough_to_be_read_at_once(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    allowed = 360 if "toyworld" in path.parts else MOST_LINES  # a drawing's many shapes belong together
    assert lines <= allowed, f"{lines} lines: give what it does besides its one job a file of its own"


def test_the_command_line_and_the_lessons_know_nothing_of_each_other():
    for module, path in MODULES.items():
        rooms = {room_of(other) for other in imported(path)}
        assert room_of(module) != "cli" or "teaching" not in rooms, module
        assert room_of(module) != "teaching" or "cli" not in rooms, module


def test_scripts_that_are_no_package_import_the_library_and_their_own_folder_alone():
    folders = {path.stem: path.parent for path in (ROOT / "data_scripts").rglob("*.py")}
    for name, folder in folders.items():
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        used = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        used |= {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
        elsewhere = {other for other in used & set(folders) if folders[other] != folder}
        assert not elsewhere, f"{name} imports {elsewhere}"
