"""What a sweep runs is said in lists, and checked before it starts."""

from dataclasses import replace

import pytest
from photo_folders import photo_folder

from lessons_lib.runs import Bench

ONE = {"methods": "CoOp", "tasks": "toy_pets"}


def test_jobs_come_seed_by_seed_and_task_by_task():
    spec = Bench(methods=["CoOp", "ZeroShot"], tasks=["toy_pets", "toy_cars"], shots=[1, 4], seeds=[1, 2])
    jobs = [(cell.seed, cell.task, cell.shots, cell.label) for cell in spec.cells()]
    assert jobs[:3] == [(1, "toy_pets", 1, "CoOp"), (1, "toy_pets", 1, "ZeroShot"), (1, "toy_pets", 4, "CoOp")]
    assert len(jobs) == len(set(jobs)) == 16 and [seed for seed, *_ in jobs] == [1] * 8 + [2] * 8


def test_single_values_and_repeated_ones_are_lists_of_one():
    spec = Bench(methods="CoOp", tasks=["toy_pets", "toy_pets"], shots=4, seeds=[1, 1])
    assert (spec.methods, spec.tasks, spec.shots, spec.seeds) == ({"CoOp": "CoOp"}, ("toy_pets",), (4,), (1,))
    assert len(spec.cells()) == 1


def test_a_class_comes_under_several_labels_with_their_settings():
    spec = Bench(
        methods={"Tip-Adapter": "TipAdapter", "Tip-Adapter-F": "TipAdapter"},
        tasks="toy_pets",
        seeds=1,
        settings={"Tip-Adapter-F": {"finetune": True}},
        fit={"Tip-Adapter-F": {"epochs": 3}},
    )
    one, two = spec.cells()
    assert (one.label, one.method, one.settings, one.fit) == ("Tip-Adapter", "TipAdapter", {}, {})
    assert (two.settings, two.fit) == ({"finetune": True}, {"epochs": 3})


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"methods": ["CoOpp"]}, "unknown method 'CoOpp'. Did you mean 'CoOp'"),
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
        ({"shots": "many"}, "shots must be a whole number or a list of them; got 'many'"),
        ({"shots": 1.5}, "shots must be a whole number"),
        ({"seeds": {1: 2}}, "seeds must be a whole number"),
        ({"methods": 5}, "methods must be a name or a list of names; got 5"),
        ({"tasks": 5}, "tasks must be a name or a list of names; got 5"),
        ({"tasks": [["toy_pets"]]}, "tasks: ['toy_pets'] is not a name"),
        ({"methods": {"CoOp": None}}, "methods: None is not a name"),
        ({"settings": 3}, "settings must be 'name: value' pairs"),
        ({"model": ["toyclip"]}, "model: ['toyclip'] is not a name"),
        ({"protocol": "folds"}, "go together"),
        ({"folds": 4}, "go together"),
        ({"folds": 1, "protocol": "folds"}, "folds must be a whole number from 2 up"),
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
    across = Bench(methods="CoOp", tasks="toy_things", protocol="cross-task").cells()[0].others
    assert len(across) == 10 and "toy_things" not in across and "toy_pets" in across
    shifted = Bench(methods="CoOp", tasks="toy_things", protocol="domain shift").cells()[0].others
    assert len(shifted) == 4 and all(name.startswith("toy_things_") for name in shifted)
    photos = Bench(methods="CoOp", tasks="imagenet", protocol="cross-task", root="/nowhere").cells()[0].others
    assert len(photos) == 10 and "eurosat" in photos
    assert Bench(methods="CoOp", tasks="toy_pets", protocol="cross-task", others="toy_cars").others == ("toy_cars",)


def test_a_new_data_set_does_not_change_what_the_papers_carry_to(monkeypatch):
    from lessons_lib.data.published import PUBLISHED

    before = Bench(methods="CoOp", tasks="imagenet", protocol="cross-task").others
    monkeypatch.setitem(PUBLISHED, "inaturalist", replace(PUBLISHED["eurosat"], name="inaturalist", eleven=False))
    assert Bench(methods="CoOp", tasks="imagenet", protocol="cross-task").others == before


def test_folds_are_cells_of_their_own():
    four = Bench(methods="CoOp", tasks="toy_pets", seeds=1, protocol="folds", folds=4).cells()
    assert [(cell.fold, cell.held_out) for cell in four] == [(f"fold {i}", (i, 4)) for i in range(4)]
    named = Bench(methods="CoOp", tasks="toy_pets", seeds=1, protocol="folds", folds={"cats": ["siamese", "persian"]})
    assert [(cell.fold, cell.held_out) for cell in named.cells()] == [("cats", ("siamese", "persian"))]
    assert Bench(**named.to_dict()) == named


# --- what the plan checks besides


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tasks": ["pets"]}, "unknown task 'pets'. Did you mean 'toy_pets'"),
        (
            {"methods": "LinearProbe", "protocol": "base-to-new"},
            "LinearProbe, base-to-new on toy_pets: what is learned",
        ),
        ({"model": "ViT-B-61", "pretrained": "openai"}, "unknown model 'ViT-B-61'. Did you mean"),
    ],
)
def test_what_is_impossible_is_said_in_a_sentence(wrong, said):
    with pytest.raises(ValueError) as caught:
        Bench(**{**ONE, "seeds": 1, **wrong}).plan()
    assert said in str(caught.value)


def test_photos_that_were_added_and_weights_that_were_changed_make_other_runs(tmp_path):
    found = []
    photo_folder(tmp_path / "photos", {"cat": 3, "dog": 3})
    for _ in range(2):
        found += Bench(methods="ZeroShot", tasks="photos", shots=1, seeds=1, root=str(tmp_path)).plan().digests
        photo_folder(tmp_path / "photos", {"owl": 3}, first=9)
    assert len(set(found)) == 2


def test_a_sweep_says_what_the_papers_call_its_methods():
    methods = {"Tip-F": "TipAdapter", "wide": "CoOp"}
    settings = {"Tip-F": {"finetune": True}, "wide": {"class_specific": True}}
    plan = Bench(methods=methods, tasks="toy_pets", seeds=1, settings=settings).plan()
    assert plan.about["in papers"] == {"Tip-F": "Tip-Adapter-F", "wide": ""}


def test_data_that_are_not_here_are_named_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("LESSONS_DATA", raising=False)
    with pytest.raises(ValueError, match="where is EuroSAT"):
        Bench(methods="CoOp", tasks="eurosat").plan()
    with pytest.raises(FileNotFoundError, match="eurosat"):
        Bench(methods="CoOp", tasks="eurosat", root=str(tmp_path)).plan()
    with pytest.raises(FileNotFoundError, match="no folder"):
        Bench(methods="CoOp", tasks="./photos", root=str(tmp_path)).plan()
    photo_folder(tmp_path / "photos", {"cat": 4, "dog": 4})
    Bench(methods="CoOp", tasks=["./photos", "toy_pets"], shots=1, root=str(tmp_path)).plan()
