"""The grid of lesson 16 retrieves what its features say; a click shows it, and sounds come with words."""

import io
import json

import matplotlib.pyplot as plt
import pytest
import torch
from scipy.io import wavfile
from tiny_clip import tiny_audioclip

from lessons_lib import toysound
from lessons_lib.data.sounds import open_sound
from lessons_lib.teaching import sealed_json
from lessons_lib.teaching.alt import alt_text
from lessons_lib.teaching.lesson16 import grid, hearing, live, record

NAMES = live.NAMES[:3]


def nearest(queries, gallery, same):
    return (queries @ gallery.T - 9 * torch.eye(len(queries), len(gallery)) * same).argmax(dim=1)


@pytest.fixture(scope="module")
def gallery():
    waves, labels = toysound.draw_sounds("test", per_class=4)
    waves, labels = waves[:12], labels[:12]
    return grid.Gallery.of(tiny_audioclip(), waves, live.drawn(NAMES, 4, 0), NAMES, [labels, labels])


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_a_gallery_with_features_of_its_classes_is_found_whole(gallery):
    own = {kind: torch.eye(3)[labels] + torch.rand(len(labels), 3) / 10 for kind, labels in gallery.labels.items()}
    percent = grid.table(gallery._replace(features=own), nearest)
    assert percent.isna().sum().sum() == 1 and percent.isna().loc["name", "name"]
    assert (percent.stack().dropna() == 100).all()


def test_what_comes_first_is_not_the_query_itself(gallery):
    assert gallery.item("sound", NAMES[1]) == 4 and gallery.name_of("sound", 4) == NAMES[1]
    for kind in grid.KINDS:
        assert grid.answer(gallery, nearest, kind, kind, 1) != 1


def test_the_grid_stands_still_with_nine_answers_in_words(gallery):
    figure = grid.draw(gallery, nearest, NAMES[0])
    assert len(figure.axes) == 12
    said = alt_text(figure)
    assert all(f"{give} to {want}: " in said for give in grid.KINDS for want in grid.KINDS)


def test_a_click_draws_and_plays(gallery, monkeypatch):
    drawn, played = [], []
    monkeypatch.setattr(grid.plots, "found", lambda *shown: drawn.append(shown[1::2]))
    monkeypatch.setattr(grid, "display", played.append)
    box = grid.player(gallery, nearest, NAMES[0])
    buttons = {each.description: each for each in box.children[1].children}
    assert len(buttons) == 9
    buttons["name → sound"].click()
    assert drawn[-1][0] == NAMES[0] and [name.split(":")[0] for name in played[-1].names] == ["found"]
    heard = len(played)
    buttons["picture → name"].click()
    assert len(played) == heard and len(drawn) == 3


def test_players_have_words_and_do_not_start_by_themselves():
    waves, _ = toysound.draw_sounds("val", per_class=1)
    heard = hearing.Players(waves[:2], ["<owl>", "train"])
    html = heard._repr_html_()
    assert html.count("<audio aria-label=") == 2 and "&lt;owl&gt;" in html and "autoplay" not in html
    assert repr(heard) == "2 sounds, a second each, to be played: <owl>, train"
    with pytest.raises(ValueError, match="2 sounds need as many names"):
        hearing.Players(waves[:2], ["owl"])


def test_a_recording_is_read_back_as_its_loudest_second():
    wave = toysound.draw_sounds("val", per_class=1)[0][3]
    file = hearing.recording(wave)
    rate, samples = wavfile.read(io.BytesIO(file))
    assert rate == 44_100 and samples.shape == (3 * 44_100, 2)
    assert open_sound(file).shape == (8000,)


# --- the record


def write_record(folder, monkeypatch, rows):
    monkeypatch.setattr(record, "rows", lambda: rows)
    sealed_json.write("audioclip_noise", {"rows": [
        {"arm": arm, "seed": seed, "noise": level, "accuracy": 50.0 + 10 * (arm == "three pairs") + seed}
        for arm in ("three pairs", "one pair") for seed in (0, 1) for level in (-20, -10)
    ]}, folder)  # fmt: skip
    monkeypatch.setattr(record, "RECORDED", folder)
    kept = sealed_json.read("audioclip_noise", "", folder)
    monkeypatch.setattr(record, "noise", lambda: record.pd.DataFrame(kept["rows"]))


def test_what_is_recorded_is_told_with_its_seeds(tmp_path, monkeypatch):
    rows = record.pd.DataFrame(
        [
            {"arm": arm, "seed": seed, "on": "sounds", "accuracy": value + seed}
            for arm, value in (("three pairs", 90.0), ("one pair", 80.0))
            for seed in (0, 1)
        ]
    )
    write_record(tmp_path, monkeypatch, rows)
    assert record.seeds() == "two seeds" and record.mean("one pair", "sounds") == 80.5
    assert list(record.there(record.PAIRS)) == ["one pair", "three pairs"]
    assert record.told("three pairs", "one pair", "sounds") == "three pairs − one pair, sounds: +10.0 ± 0.0"
    assert "not measured yet" in record.told("three pairs", "two pairs", "sounds")
    assert "+10.0" in record.told_in_noise("three pairs", "one pair")
    assert record.in_noise()[record.PAIRS["one pair"]] == {-20: 50.5, -10: 50.5}
    begun = rows[(rows.seed == 0) | (rows.arm == "one pair")]
    monkeypatch.setattr(record, "rows", lambda: begun)
    assert record.seeds() == "one seed"  # of the other there is one arm alone
    one = rows[rows.seed == 0]
    monkeypatch.setattr(record, "rows", lambda: one)
    assert record.told("three pairs", "one pair", "sounds").endswith("+10.0 (one seed: no interval)")
    assert record.seeds() == "one seed"


def test_the_shipped_record_is_read():
    assert {"three pairs"} <= set(record.rows().arm) and record.rows().accuracy.between(0, 100).all()
    assert set(record.there(record.PAIRS)) <= set(record.PAIRS)
    assert json.dumps(record.in_noise()) != "{}"
