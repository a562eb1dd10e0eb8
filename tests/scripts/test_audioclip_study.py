"""AudioCLIP's study: an arm goes on where it was killed, bridged sounds meet no text, and its claims are read off rows
that show them and not off others."""

import json
from dataclasses import asdict, replace

import audioclip_work as work
import claims_audioclip as claims
import findings
import numpy as np
import pandas as pd
import pytest
import torch
import train_audioclip as script

import lessons_lib as ll
from lessons_lib.clip.audio_files import save_audio_tower, with_audio
from lessons_lib.runs import Row, record
from lessons_lib.teaching import sealed_json, trained_models

SHORT = {"steps": (2, 2), "batch": 6}
SHORTEST = {"steps": (1, 1), "batch": 6}


@pytest.fixture(scope="module")
def clip():
    return ll.load_clip("toyclip", device="cpu", precision="fp32", verbose=False)


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    monkeypatch.setattr(work, "POOL", 1)


@pytest.mark.parametrize("name", work.ARMS)
def test_every_arm_trains_a_few_steps(name, clip, tmp_path):
    arm = replace(work.ARMS[name], **SHORTEST)
    model = work.trained(clip, arm, tmp_path, progress=False)
    kept = {name: torch.equal(tensor, clip.model.state_dict()[name]) for name, tensor in model.state_dict().items()
            if name in clip.model.state_dict()}  # fmt: skip
    assert all(kept.values()) if arm.learns == "audio" else not all(kept.values())


def test_an_arm_that_was_stopped_goes_on_to_the_same_weights(clip, tmp_path, monkeypatch):
    arm = replace(work.ARMS["three pairs"], **SHORT)
    whole = work.trained(clip, arm, tmp_path / "whole", progress=False)
    monkeypatch.setattr(work, "SAVE_EVERY", 1)
    steps = []
    step = work.AudioRun.train_step

    def killed(self, *batch):
        steps.append(1)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return step(self, *batch)

    monkeypatch.setattr(work.AudioRun, "train_step", killed)
    with pytest.raises(KeyboardInterrupt):
        work.trained(clip, arm, tmp_path / "part", progress=False)
    again = work.trained(clip, arm, tmp_path / "part", progress=False)
    assert len(steps) == 5, "stage 1 or a step of stage 2 was done again"
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values()))


class Known:
    """A CLIP whose features say which text, and which picture, they are of."""

    def encode_texts(self, texts):
        return torch.arange(len(texts), dtype=torch.float32)[:, None]

    def encode_images(self, images):
        return torch.arange(len(images), dtype=torch.float32)[:, None]

    def preprocess_tensor(self, images):
        return images


@pytest.fixture
def heard(monkeypatch):
    """Sounds say of which class they are."""
    draw = lambda name, n, rng: torch.full((n, 1), work.NAMES.index(name), dtype=torch.int16)  # noqa: E731
    monkeypatch.setattr(work.toysound, "draw_class", draw)


def labels(arm: str, step: int, stage: int = 1):
    """The classes of a batch's sounds, pictures and texts."""
    sounds, pictures, texts = work.Triples(Known(), work.ARMS[arm], frozen=True).batch(stage, step)
    return [None if part is None else part.flatten().long().tolist() for part in (sounds, pictures, texts)]


def test_a_batch_is_of_sounds_with_their_own_pictures_and_names(heard):
    sounds, pictures, texts = labels("three pairs", 0)
    assert sounds == pictures == texts and len(set(sounds)) > 12
    assert labels("three pairs", 0)[0] == sounds != labels("three pairs", 1)[0]


def test_bridged_sounds_meet_pictures_alone_and_unheard_ones_nothing(heard):
    for step in (0, 2, 4):
        sounds, pictures, texts = labels("bridging", step)
        assert sounds == pictures == texts and not set(sounds) & set(work.BRIDGED)
    for step in (1, 3, 5):
        sounds, pictures, texts = labels("bridging", step)
        assert sounds == pictures and texts is None and set(sounds) & set(work.BRIDGED)
    assert not any(set(labels("six unheard", step)[0]) & set(work.BRIDGED) for step in range(6))


def test_permuted_pairs_have_nothing_to_do_with_each_other(heard):
    sounds, pictures, texts = labels("permuted", 0)
    assert sorted(sounds) == sorted(pictures) == sorted(texts)
    for one, other in ((sounds, pictures), (sounds, texts), (pictures, texts)):
        assert np.mean(np.array(one) == np.array(other)) < 0.3


def test_what_decides_a_result_is_in_its_identity():
    study = work.AudioStudy()
    cells = work.cells(range(2))
    assert len(cells) == 18 and len({json.dumps(study.identity(cell), sort_keys=True) for cell in cells[:3]}) == 3
    assert {cell.seed for cell in cells[:9]} == {0}
    assert study.identity(cells[0])["world"] == work.WORLD


def test_a_try_prints_what_it_measures(tmp_path, capsys):
    given = ["--steps", "1", "0", "--batch", "6", "--pictures", "1", "--out", str(tmp_path)]
    found = script.try_one(given)
    assert set(found) == {
        "sounds",
        "sounds, old texts",
        "sounds in noise",
        "bridged",
        "others",
        "pictures",
        "pictures, old texts",
    }
    assert found["sounds"] == found["sounds, old texts"] and found["pictures"] == found["pictures, old texts"]
    assert '"chance": 4.17' in capsys.readouterr().out


def test_what_is_at_its_end_is_measured_in_noise_and_the_record_says_what_there_is(clip, tmp_path, monkeypatch):
    arm = replace(work.ARMS["one pair"], **SHORTEST)
    monkeypatch.setattr(script, "cells", lambda seeds: [arm])
    monkeypatch.setattr(script, "in_faint_noise", lambda clip, model: {-20: 50.0})
    given = ["--checkpoints", str(tmp_path), "--out", str(tmp_path)]
    with pytest.raises(SystemExit, match="no training is at its end"):
        script.noise(given)
    work.trained(clip, arm, tmp_path, progress=False)
    script.noise(given)
    found = sealed_json.read("audioclip_noise", "", tmp_path)["rows"]
    assert found == [{"arm": "one pair", "seed": 0, "noise": -20, "accuracy": 50.0}]
    for checkpoint in tmp_path.glob("*.pt"):
        checkpoint.unlink()
    script.noise(given)
    assert sealed_json.read("audioclip_noise", "", tmp_path)["rows"] == found, "what was measured before stays"


def test_faint_noise_is_measured_at_every_level(clip, monkeypatch):
    monkeypatch.setattr(work, "LEVELS", (-10,))
    found = work.in_faint_noise(clip, work.newborn(clip, work.ARMS["one pair"]))
    assert list(found) == [-10] and 0 <= found[-10] < 20


def test_towers_ship_as_they_are_measured(clip, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(script, "measured", lambda clip, model, pictures: [Row("sounds", "accuracy", 12.5)])
    save_audio_tower(with_audio(clip), tmp_path / "bridging_seed0.safetensors", clip)
    script.ship(["--towers", str(tmp_path), "--out", str(tmp_path)])
    about = trained_models.about("audioclip_bridging", tmp_path)
    assert about["measured"] == {"sounds": 12.5}
    assert about["settings"]["bridged"] == "pictures" and about["fit"]["seed"] == 0
    assert "three_pairs_seed0.safetensors' is not there yet" in capsys.readouterr().out


# --- claims


def rows(sign: int = 1, noise: float = 0.1) -> pd.DataFrame:
    """As the claims have it; `sign` -1 turns each round."""
    draws, table = np.random.default_rng(0), []
    sound = {"three pairs": 80, "two pairs": 76, "one pair": 72, "three pairs, full": 84, "two pairs, full": 80,
             "one pair, full": 76, "bridging": 70, "six unheard": 60, "permuted": 4.1 + 40 * (sign < 0)}  # fmt: skip
    for arm in work.ARMS:
        full = arm.endswith("full")
        for seed in range(3):
            heard = sound[arm] if sign > 0 or arm == "permuted" else 84 - sound[arm]
            bridged = {"bridging": 50, "six unheard": 4.0}.get(arm, 80) * (1 if sign > 0 else -1)
            values = {
                "sounds": heard, "sounds in noise": heard, "others": heard, "bridged": bridged, "pictures": 70,
                "pictures, old texts": 70 - 40 * full * sign, "sounds, old texts": heard - 40 * full * sign,
            }  # fmt: skip
            table += [{"arm": arm, "seed": seed, "on": on, "accuracy": value + noise * draws.standard_normal()}
                      for on, value in values.items()]  # fmt: skip
    return pd.DataFrame(table)


def in_noise(table: pd.DataFrame) -> pd.DataFrame:
    """Two levels whose mean is that of "sounds in noise"."""
    heard = table[table.on == "sounds in noise"].drop(columns="on")
    levels = ((-20, 5.0), (-10, -5.0))
    return pd.concat([heard.assign(noise=level, accuracy=heard.accuracy + more) for level, more in levels])


def seen(table: pd.DataFrame) -> list[str]:
    return [key for key, one in claims.of_audioclip(table, in_noise(table)).items() if one["seen"]]


def test_claims_are_seen_in_rows_that_show_them():
    assert seen(rows()) == ["F51", "F52", "F53", "F54", "F55", "F56"]


def test_none_is_seen_in_rows_that_show_the_contrary_or_noise():
    assert seen(rows(-1)) == [] and seen(rows(noise=300)) == []


def test_pairs_and_full_training_are_judged_in_noise_where_all_is_told_right_without():
    table = rows()
    table.loc[table.on == "sounds", "accuracy"] = 100.0
    assert {"F53", "F54"} <= set(seen(table))
    table.loc[table.on == "sounds in noise", "accuracy"] = 50.0
    assert not {"F53", "F54"} & set(seen(table))


def test_bridging_has_to_beat_an_arm_that_never_heard_the_sounds():
    table = rows()
    table.loc[(table.arm == "six unheard") & (table.on == "bridged"), "accuracy"] = 55.0
    assert "F52" not in seen(table)


def test_findings_read_the_record_once_it_is_there(tmp_path, monkeypatch):
    assert claims.recorded_claims(tmp_path) == {}
    (tmp_path / "audioclip.json").touch()
    monkeypatch.setattr(record, "read", lambda folder, name, script: record.Record({}, rows()))
    sealed_json.write("audioclip_noise", {"rows": in_noise(rows()).to_dict("records")}, tmp_path)
    assert list(claims.recorded_claims(tmp_path)) == list(claims.CLAIMS)
    assert findings.recorded_claims is claims.recorded_claims and asdict(work.ARMS["bridging"])["bridged"] == "pictures"
