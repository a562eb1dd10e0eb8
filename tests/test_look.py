"""Every figure has a look for each of its groups, however many there are: none is dropped, and no two are alike."""

import importlib
import inspect
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex

from lessons_lib import teaching
from lessons_lib.look import look, looks
from lessons_lib.teaching import plots
from lessons_lib.teaching.lesson01 import plots as lesson01
from lessons_lib.teaching.lesson04 import plots as lesson04
from lessons_lib.teaching.lesson06 import plots as lesson06
from lessons_lib.teaching.lesson09 import plots as lesson09
from lessons_lib.teaching.lesson10 import plots as lesson10
from lessons_lib.teaching.lesson12 import plots as lesson12
from lessons_lib.teaching.lesson14 import plots as lesson14
from lessons_lib.teaching.lesson15 import plots as lesson15
from lessons_lib.teaching.lesson16 import plots as lesson16

FOLDER = Path(teaching.__file__).parent
GROUPS = [f"method {i}" for i in range(14)]
RUNS = pd.DataFrame(
    [
        {"method": name, "task": task, "on": on, "shots": shots, "seed": seed, "accuracy": 50.0 + i + seed}
        for i, name in enumerate(GROUPS)
        for task in ("toy_pets", "toy_food")
        for on in ("base", "new")
        for shots in (1, 2)
        for seed in (1, 2)
    ]
)
MEANS = pd.DataFrame(
    {"method": GROUPS, "accuracy": np.arange(14.0), "seconds": 2.0 ** np.arange(14), "half_width": 0.1}
)
PLACES = {name: (60.0 + i, 80.0 - i) for i, name in enumerate(GROUPS)}
FOUND = pd.DataFrame({"what": "A − B", "random": GROUPS, "mean": np.arange(14.0), "half_width": 0.5})
APART = pd.DataFrame(True, GROUPS, GROUPS)
ROWS = {name: torch.rand(2, 5) for name in GROUPS}
LOSSES = {name: [1.0, 0.5] for name in GROUPS}
ANSWERS = {name: torch.tensor([0, 1]) for name in GROUPS}
SCENE = (torch.rand(3, 8, 8), torch.rand(1, 2, 2), ["red"], torch.tensor([[1.0, 1, 5, 5]]).repeat(14, 1))
HEARD = pd.DataFrame({"arm": "one pair", "seed": 0, "on": GROUPS, "accuracy": np.arange(14.0)})
CURVES = RUNS.rename(columns={"method": "objective", "shots": "pairs"})


def legend(drawn) -> list[str]:
    """What the legends say, of all panels."""
    return [text.get_text() for ax in drawn.figure.axes if ax.get_legend() for text in ax.get_legend().get_texts()]


def figure_legend(drawn) -> list[str]:
    """What the legend says that stands outside all panels."""
    return [text.get_text() for box in drawn.figure.legends for text in box.get_texts()]


def ticks(drawn) -> list[str]:
    return [label.get_text() for label in drawn.get_yticklabels()]


def written(drawn) -> str:
    return " ".join(text.get_text() for text in drawn.texts)


def panel_titles(drawn) -> list[str]:
    return [ax.get_title(loc="left") for ax in drawn.figure.axes]


DRAWN = {  # what draws fourteen groups, and where their names stand
    "few_shot_curves": (lambda: plots.few_shot_curves(RUNS[RUNS.on == "new"]), legend),
    "lines": (lambda: plots.lines(RUNS[RUNS.seed == 1], x="shots", y="accuracy", hue="method"), legend),
    "bar_comparison": (lambda: plots.bar_comparison(MEANS.assign(task="pets")), legend),
    "histograms": (lambda: plots.histograms({name: torch.rand(9) for name in GROUPS}), legend),
    "harmonic_plane": (lambda: plots.harmonic_plane(PLACES), legend),
    "base_new_arrows": (lambda: plots.base_new_arrows(RUNS, start=GROUPS[0]), panel_titles),
    "differences": (lambda: plots.differences(FOUND), legend),
    "gain_map": (lambda: plots.gain_map(pd.DataFrame({"pets": range(14)}, GROUPS)), ticks),
    "pairwise_matrix": (lambda: plots.pairwise_matrix(APART.astype(float), APART), ticks),
    "nearest_words": (lambda: lesson04.nearest_words(ROWS, torch.rand(3, 5), ["oak", "elm", "ash"]), panel_titles),
    "by_rate": (lambda: lesson06.by_rate(LOSSES, dict.fromkeys(GROUPS, 50.0), zero_shot=40, title=""), legend),
    "objectives": (lambda: lesson01.objectives(CURVES), legend),
    "coverage": (lambda: lesson09.coverage(RUNS.assign(protocol="base-to-new")), ticks),
    "accuracy_against_cost": (lambda: lesson09.accuracy_against_cost(MEANS), written),
    "mean_ranks": (lambda: lesson09.mean_ranks(dict(zip(GROUPS, range(1, 15))), APART), written),
    "by_class": (lambda: lesson10.by_class(torch.tensor([0, 1]), ANSWERS, ["oak", "elm"]), figure_legend),
    "base_against_new": (lambda: lesson09.base_against_new(PLACES), written),
    "thresholds": (lambda: lesson12.thresholds([0, 1], LOSSES, dict.fromkeys(GROUPS, 0)), legend),
    "words_over": (lambda: lesson14.words_over(*SCENE, GROUPS), figure_legend),
    "prices": (lambda: lesson14.prices({name: {2: 0.1, 4: 0.2} for name in GROUPS}), legend),
    "losses": (lambda: lesson15.losses(LOSSES, 5.54), legend),
    "in_noise": (lambda: lesson16.in_noise({name: {-20: 90.0, -10: 50.0} for name in GROUPS}, chance=4), legend),
    "arms": (lambda: plots.arms(HEARD, {"one pair": "1"}, {name: name for name in GROUPS}), figure_legend),
}  # fmt: skip
OTHERS = {"base_new_arrows", "gain_map", "pairwise_matrix", "coverage"}  # groups as panels, rows
FIXED = {"harder_exams", "more_compute", "unseen", "what_a_choice_pretends"}  # these say themselves what the groups are


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", DRAWN)
def test_fourteen_groups_are_all_drawn_and_named(name):
    draw, names_of = DRAWN[name]
    shown = names_of(draw())
    assert [group for group in GROUPS[name == "base_new_arrows" :] if not any(group in said for said in [shown, *shown])
            ] == []  # fmt: skip


def test_fourteen_lines_differ_and_so_do_fourteen_dots_and_areas():
    lines = plots.lines(RUNS[RUNS.seed == 1], x="shots", y="accuracy", hue="method").lines
    assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}) == len(lines) == 14
    dots = plots.harmonic_plane(PLACES).collections[1:]
    shapes = {(to_hex(dot.get_facecolor()[0]), dot.get_paths()[0].vertices.tobytes()) for dot in dots}
    assert len(shapes) == len(dots) == 14
    for drawn in (DRAWN["histograms"], DRAWN["bar_comparison"]):
        areas = {(to_hex(bars[0].get_facecolor()), bars[0].get_hatch() or "") for bars in drawn[0]().containers
                 if hasattr(bars, "patches")}  # fmt: skip
        assert len(areas) == 14


def test_up_to_ten_groups_differ_by_their_colour_alone():
    assert len({look(i).colour for i in range(10)}) == 10 and {look(i).dash for i in range(10)} == {"-"}
    bars = plots.bar_comparison(MEANS.assign(task="pets").head(10))
    assert {bar.get_hatch() for bar in bars.patches} <= {None, ""}


def test_forty_looks_are_unlike_as_lines_as_dots_and_as_areas():
    many = [look(i) for i in range(40)]
    for parts in (("colour", "dash"), ("colour", "marker"), ("colour", "hatch")):
        assert len({tuple(getattr(one, part) for part in parts) for one in many}) == 40, parts
    assert looks(["b", "a", "b"]) == {"b": look(0), "a": look(1)}


def test_a_method_of_a_single_task_is_in_the_legend_too():
    rows = RUNS[(RUNS.on == "new") & ((RUNS.task == "toy_pets") | (RUNS.method != GROUPS[3]))]
    assert legend(plots.few_shot_curves(rows, columns=2)) == GROUPS


def test_every_figure_that_tells_groups_apart_is_tried_here():
    """A new plot that gives looks to its groups has to show all of them."""
    own = [f"lessons_lib.teaching.{path.parent.name}.plots" for path in FOLDER.glob("lesson??/plots.py")]
    modules = [plots, *map(importlib.import_module, own)]
    drawn = {name: inspect.unwrap(value) for each in modules for name, value in vars(each).items() if callable(value)}
    sources = {name: inspect.getsource(value) for name, value in drawn.items() if inspect.isfunction(value)}
    found = {name for name, source in sources.items() if re.search(r"\blooks?\(", source)} - {"look", "looks"}
    assert found - FIXED == set(DRAWN) - OTHERS and found > FIXED
