"""What a sweep runs is checked before it starts, and the hash of its settings knows what decides a number."""

import pytest
from photo_folders import photo_folder

from lessons_lib.runs import Bench

ONE = {"methods": "CoOp", "tasks": "toy_pets"}


def digest(**changes) -> str:
    spec = Bench(**{**ONE, **changes})
    return spec.digest(spec.runs()[0])


def test_jobs_come_seed_by_seed_and_task_by_task():
    spec = Bench(methods=["CoOp", "ZeroShot"], tasks=["toy_pets", "toy_cars"], shots=[1, 4], seeds=[1, 2])
    jobs = [(seed, run.task, run.shots, run.label) for run, seed in spec.jobs()]
    assert jobs[:3] == [(1, "toy_pets", 1, "CoOp"), (1, "toy_pets", 1, "ZeroShot"), (1, "toy_pets", 4, "CoOp")]
    assert len(jobs) == len(set(jobs)) == 16 and [seed for seed, *_ in jobs] == [1] * 8 + [2] * 8


def test_single_values_and_repeated_ones_are_lists_of_one():
    spec = Bench(methods="CoOp", tasks=["toy_pets", "toy_pets"], shots=4, seeds=[1, 1])
    assert (spec.methods, spec.tasks, spec.shots, spec.seeds) == ({"CoOp": "CoOp"}, ("toy_pets",), (4,), (1,))
    assert len(spec.jobs()) == 1


def test_a_class_comes_under_several_labels_with_their_settings():
    spec = Bench(
        methods={"Tip-Adapter": "TipAdapter", "Tip-Adapter-F": "TipAdapter"},
        tasks="toy_pets",
        settings={"Tip-Adapter-F": {"finetune": True}},
        fit={"Tip-Adapter-F": {"epochs": 3}},
    )
    one, two = spec.runs()
    assert (one.label, one.method, one.settings, one.fit) == ("Tip-Adapter", "TipAdapter", {}, {})
    assert (two.settings, two.fit) == ({"finetune": True}, {"epochs": 3})
    assert spec.digest(one) != spec.digest(two)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"methods": ["CoOpp"]}, "unknown method 'CoOpp'. Did you mean 'CoOp'"),
        ({"tasks": ["pets"]}, "unknown task 'pets'. Did you mean 'toy_pets'"),
        ({"protocol": "base-to-knew"}, "unknown protocol 'base-to-knew'. Did you mean 'base-to-new'"),
        ({"settings": {"CoOp": {"nctx": 4}}}, "unknown argument of CoOp 'nctx'. Did you mean 'n_ctx'"),
        ({"settings": {"Coop": {"n_ctx": 4}}}, "settings: unknown method 'Coop'. Did you mean 'CoOp'"),
        ({"fit": {"CoOp": {"epoch": 4}}}, "unknown argument of CoOp.fit 'epoch'. Did you mean 'epochs'"),
        ({"fit": {"CoOp": {"seed": 4}}}, "unknown argument of CoOp.fit 'seed'"),
        ({"fit": {"CoOp": 4}}, "fit must be {method: {argument: value}}"),
        ({"methods": []}, "at least one of its methods"),
        ({"tasks": []}, "at least one of its tasks"),
        ({"shots": [0]}, "shots: 0 is not a whole number from 1 up"),
        ({"seeds": ["one"]}, "seeds: 'one' is not a whole number"),
        ({"methods": "LinearProbe", "protocol": "base-to-new"}, "LinearProbe knows no other classes"),
        ({"protocol": "domain shift"}, "name in `others`"),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest(wrong, said):
    with pytest.raises(ValueError) as caught:
        Bench(**{**ONE, **wrong})
    assert said in str(caught.value)


def test_a_yaml_file_says_the_same(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text("methods: [CoOp, ZeroShot]\ntasks: toy_pets\nshots: [1, 4]\nsettings: {CoOp: {n_ctx: 4}}\n")
    same = Bench(methods=["CoOp", "ZeroShot"], tasks=["toy_pets"], shots=[1, 4], settings={"CoOp": {"n_ctx": 4}})
    assert Bench.from_yaml(path) == same == Bench(**same.to_dict())


@pytest.mark.parametrize(
    "text, said",
    [
        ("methods: CoOp\ntask: toy_pets", "unknown key 'task'. Did you mean 'tasks'"),
        ("methods: CoOp", "does not say which tasks"),
        ("methods: CoOpp\ntasks: toy_pets", "Did you mean 'CoOp'"),
        ("methods: [CoOp", "is not YAML"),
        ("- CoOp", "must hold 'key: value' lines"),
        ("", "must hold 'key: value' lines"),
    ],
)
def test_a_wrong_yaml_file_is_named(tmp_path, text, said):
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        Bench.from_yaml(path)
    assert said in str(caught.value) and "sweep.yaml" in str(caught.value)
    with pytest.raises(FileNotFoundError, match="no sweep at"):
        Bench.from_yaml(tmp_path / "none.yaml")


def test_the_usual_others_of_a_protocol():
    across = Bench(methods="CoOp", tasks="toy_things", protocol="cross-task").runs()[0].others
    assert len(across) == 10 and "toy_things" not in across and "toy_pets" in across
    shifted = Bench(methods="CoOp", tasks="toy_things", protocol="domain shift").runs()[0].others
    assert len(shifted) == 4 and all(name.startswith("toy_things_") for name in shifted)
    photos = Bench(methods="CoOp", tasks="imagenet", protocol="cross-task", root="/nowhere").runs()[0].others
    assert len(photos) == 10 and "eurosat" in photos
    assert Bench(methods="CoOp", tasks="toy_pets", protocol="cross-task", others="toy_cars").others == ("toy_cars",)


# --- what decides a number


def test_the_digest_knows_settings_but_not_whether_they_were_left_at_their_defaults():
    assert (
        digest() == digest(settings={"CoOp": {"class_token_position": "end"}}) == digest(fit={"CoOp": {"epochs": None}})
    )
    others = [
        digest(settings={"CoOp": {"n_ctx": 4}}),
        digest(fit={"CoOp": {"epochs": 3}}),
        digest(precision="bf16"),
        digest(model="ViT-B-16", pretrained="openai"),
        digest(methods={"CoOp": "KgCoOp"}),
        digest(protocol="cross-task", others="toy_cars"),
    ]
    assert len({digest(), *others}) == 7
    assert digest() == digest(device="cpu"), "a sweep may go on elsewhere"


def test_the_digest_knows_the_content_of_a_file_of_weights_and_which_photos_a_folder_holds(tmp_path):
    weights = tmp_path / "weights.pt"
    found = []
    for content in (b"one", b"other"):
        weights.write_bytes(content)
        from lessons_lib.runs import spec

        spec._weights.cache_clear()
        found.append(digest(model="ViT-B-16", pretrained=str(weights)))
    photo_folder(tmp_path / "photos", {"cat": 2, "dog": 2})
    for _ in range(2):
        spec._listing.cache_clear()
        found.append(digest(tasks="photos", root=str(tmp_path)))
        photo_folder(tmp_path / "photos", {"owl": 2}, first=9)
    assert len(set(found)) == 4


def test_data_that_are_not_here_are_named_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("LESSONS_DATA", raising=False)
    with pytest.raises(ValueError, match="where is EuroSAT"):
        Bench(methods="CoOp", tasks="eurosat").check_data()
    with pytest.raises(FileNotFoundError, match="eurosat"):
        Bench(methods="CoOp", tasks="eurosat", root=str(tmp_path)).check_data()
    with pytest.raises(FileNotFoundError, match="no folder"):
        Bench(methods="CoOp", tasks="./photos", root=str(tmp_path)).check_data()
    photo_folder(tmp_path / "photos", {"cat": 2, "dog": 2})
    Bench(methods="CoOp", tasks=["./photos", "toy_pets"], root=str(tmp_path)).check_data()
