"""The literature's data sets in the folders where the field has them: what is read, and what is said of a gap."""

import json
import shutil

import pytest
from dataset_layouts import PARTS, PICTURES, aircraft, classnames, imagenet, shift, split_set, wnid, write

import lessons_lib as ll
from lessons_lib.data import PUBLISHED
from lessons_lib.data.published import images as published_images
from lessons_lib.data.published.readers import missing_images, read_split
from lessons_lib.data.published.splits import verify

SPLIT_SETS = [name for name, spec in PUBLISHED.items() if spec.read is read_split]


def pools(task):
    return {"train": task.pool, "val": task.val_pool, "test": task.test}


# ---- what is read ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPLIT_SETS)
def test_a_fixed_split_is_read_as_it_is_written(tmp_path, name):
    root, spec = split_set(tmp_path, name), PUBLISHED[name]
    task = ll.load_task(name, root=root)
    assert task.name == name and task.classnames == ["class a", "class b", "class c", "class d"]
    written = json.loads((root / spec.folder / spec.listing).read_text())
    for part, pool in pools(task).items():
        assert pool.paths == [root / spec.folder / spec.images / path for path, _, _ in written[part]]
        assert pool.labels.tolist() == [label for _, label, _ in written[part]]
    image, label = task.test[4]
    assert image.mode == "RGB" and image.size == (4, 3) and label == 1


def test_the_fifteen_sets_are_there_under_their_names():
    assert list(PUBLISHED)[:15] == [
        *("imagenet", "caltech101", "oxford_pets", "stanford_cars", "oxford_flowers", "food101", "fgvc_aircraft"),
        *("sun397", "dtd", "eurosat", "ucf101", "imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"),
    ]


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("oxford_pets", "a photo of a {}, a type of pet."),
        ("dtd", "{} texture."),
        ("eurosat", "a centered satellite photo of {}."),
        ("ucf101", "a photo of a person doing {}."),
        ("food101", "a photo of {}, a type of food."),
        ("sun397", "a photo of a {}."),
    ],
)
def test_templates_are_the_published_ones_unless_others_are_given(tmp_path, name, template):
    split_set(tmp_path, name)
    assert ll.load_task(name, root=tmp_path).templates == [template]
    assert ll.load_task(name, root=tmp_path, templates="a sketch of {}.").templates == ["a sketch of {}."]


def test_aircraft_comes_from_its_own_lists(tmp_path):
    task = ll.load_task("fgvc_aircraft", root=aircraft(tmp_path))
    assert task.classnames == ["707-320", "A310", "DC-10", "F-16A/B"]
    assert [pool.counts.tolist() for pool in pools(task).values()] == [[3] * 4] * 3
    assert task.test.paths[-1] == tmp_path / "fgvc_aircraft" / "images" / "0000232.jpg"


def test_the_root_comes_from_the_environment_and_an_argument_wins(tmp_path, monkeypatch):
    split_set(tmp_path / "one", "dtd"), split_set(tmp_path / "two", "dtd", classes=2)
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path / "one"))
    assert len(ll.load_task("dtd").classnames) == 4
    assert len(ll.load_task("dtd", root=tmp_path / "two").classnames) == 2


def test_a_folder_of_ones_own_with_such_a_name_is_still_reached(tmp_path, monkeypatch):
    for number in range(8):
        write(tmp_path / "dtd" / ("cat", "dog")[number % 2] / f"{number}.png", number)
    monkeypatch.chdir(tmp_path)
    assert ll.load_task("./dtd").classnames == ["cat", "dog"]


def test_a_links_target_is_as_good_as_a_folder(tmp_path):
    split_set(tmp_path / "elsewhere", "eurosat")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "eurosat").symlink_to(tmp_path / "elsewhere" / "eurosat")
    assert len(ll.load_task("eurosat", root=tmp_path / "data").test) == 12


# ---- few shots, base and new, methods -------------------------------------------------------------------------------


def test_shots_are_sampled_by_seed_and_nest(tmp_path):
    split_set(tmp_path, "eurosat")
    few = {k: ll.load_task("eurosat", root=tmp_path, shots=k, seed=3) for k in (1, 2, 4)}
    assert few[4].train.counts.tolist() == [4] * 4 and few[4].val.counts.tolist() == [2] * 4
    assert set(few[1].train.paths) < set(few[2].train.paths) < set(few[4].train.paths)
    other = ll.load_task("eurosat", root=tmp_path, shots=2, seed=4)
    assert set(other.train.paths) != set(few[2].train.paths) and other.test.paths == few[2].test.paths


def test_base_and_new_are_the_halves_of_the_labels(tmp_path):
    task = ll.load_task("oxford_flowers", root=split_set(tmp_path, "oxford_flowers", classes=5), shots=2)
    assert task.base().classnames == ["class a", "class b", "class c"] and task.new().classnames == [
        "class d",
        "class e",
    ]
    assert task.base().train.paths == task.train.paths[:6]
    assert {path.parts[-2] for path in task.new().test.paths} == {"Class3", "Class4"}


@pytest.fixture(scope="module")
def imagenets(tmp_path_factory):
    """ImageNet in small, and three of its shifts. V2 is folder-numbered, R has every fifth class."""
    root = imagenet(tmp_path_factory.mktemp("data"))
    shift(root, "imagenetv2", [str(label) for label in range(1000)])
    shift(root, "imagenet_r", [wnid(label) for label in range(0, 1000, 5)], count=2)
    write(root / "imagenet-rendition" / "imagenet-r" / "README.txt", 0)
    return root


def test_imagenet_is_tested_on_its_validation_images_and_chooses_on_held_out_training_images(imagenets):
    task = ll.load_task("imagenet", root=imagenets, shots=2)
    assert len(task.classnames) == 1000 and task.classnames[17] == "thing 17"
    assert {path.parts[-3] for path in task.test.paths} == {"val"} and len(task.test) == 1000
    assert {path.parts[-3] for path in [*task.val_pool.paths, *task.pool.paths]} == {"train"}
    assert not set(task.val_pool.paths) & set(task.pool.paths) and len(task.val_pool) + len(task.pool) == 6000
    assert task.train.counts.tolist() == [2] * 1000 and task.val_pool.counts.tolist() == [1] * 1000


def test_folders_of_imagenetv2_are_numbered_in_the_order_of_the_ids(imagenets):
    task = ll.load_task("imagenetv2", root=imagenets)
    assert task.classnames[123] == "thing 123" and task.test.paths[123].parts[-2] == "123"
    assert task.test.labels.tolist() == list(range(1000))


def test_imagenet_r_has_200_of_the_classes_under_the_same_names(imagenets):
    task, whole = ll.load_task("imagenet_r", root=imagenets), ll.load_task("imagenet", root=imagenets)
    assert len(task.classnames) == 200 and task.classnames == whole.classnames[::5]
    assert task.test.counts.tolist() == [2] * 200 and len(task.pool) == len(task.val) == 0
    assert len(task.new().test) == 200 and task.new().classnames[0] == "thing 500"


def test_a_shift_has_nothing_to_sample_from(imagenets):
    for sample in (
        lambda: ll.load_task("imagenet_r", root=imagenets, shots=4),
        lambda: ll.load_task("imagenet_r", root=imagenets).sample(1),
    ):
        with pytest.raises(ValueError, match="test images only"):
            sample()


def test_protocols_run_on_published_sets_as_on_others(tmp_path, toyclip):
    split_set(tmp_path, "eurosat"), split_set(tmp_path, "dtd", classes=3)
    task, other = ll.load_task("eurosat", root=tmp_path), ll.load_task("dtd", root=tmp_path)
    rows = ll.protocols.base_to_new(lambda: ll.ZeroShot(toyclip), task, shots=2, seeds=[1], progress=False)
    assert rows["on"].tolist() == ["base", "new"] and rows["accuracy"].between(0, 100).all()
    rows = ll.protocols.carry_over(lambda: ll.ZeroShot(toyclip), task, [other], shots=2, seeds=[1], progress=False)
    assert rows["on"].tolist() == ["test", "dtd"]


def test_the_fingerprint_follows_the_bytes_and_not_the_place(tmp_path):
    one = ll.load_task("dtd", root=split_set(tmp_path / "one", "dtd")).test
    two = ll.load_task("dtd", root=split_set(tmp_path / "two", "dtd")).test
    assert one.fingerprint == two.fingerprint != one.subset([1, 0]).fingerprint
    one.paths[0].write_bytes(PICTURES[39])
    assert one.fingerprint != two.fingerprint  # read again, though remembered
    assert one.fingerprint == ll.load_task("dtd", root=tmp_path / "one").test.fingerprint


def test_files_known_from_an_earlier_run_are_not_read_again(tmp_path, monkeypatch):
    before = ll.load_task("dtd", root=split_set(tmp_path, "dtd")).test.fingerprint
    read = []
    monkeypatch.setattr(published_images, "_digest", lambda path: read.append(path) or "")
    again = ll.load_task("dtd", root=tmp_path)
    assert again.test.fingerprint == before and read == []
    assert again.val.fingerprint and len(read) == 8  # these were not known yet


# ---- ImageNet's names -----------------------------------------------------------------------------------------------


def test_two_classes_never_share_a_name(tmp_path):
    lines = classnames(tmp_path / "imagenet").read_text().splitlines()
    lines[10:12] = ["n03773504 missile", "n04008634 missile"]
    (tmp_path / "imagenet" / "classnames.txt").write_text("\n".join(lines))
    shift(tmp_path, "imagenet_a", [*map(wnid, range(5, 10)), *map(wnid, range(12, 205)), "n03773504", "n04008634"])
    assert ll.load_task("imagenet_a", root=tmp_path).classnames[-2:] == ["missile", "projectile"]
    (tmp_path / "imagenet" / "classnames.txt").write_text("\n".join([*lines[:-1], f"{wnid(999)} thing 3"]))
    with pytest.raises(ValueError, match="gives one name to several classes: thing 3"):
        ll.load_task("imagenet_a", root=tmp_path)


def test_the_names_of_imagenet_serve_its_shifts_unless_they_have_their_own(tmp_path):
    classnames(tmp_path / "imagenet"), shift(tmp_path, "imagenet_a", list(map(wnid, range(200))))
    assert ll.load_task("imagenet_a", root=tmp_path).classnames[3] == "thing 3"
    classnames(tmp_path / "imagenet-adversarial", {3: "tiger_shark"})
    assert ll.load_task("imagenet_a", root=tmp_path).classnames[3] == "tiger shark"


@pytest.mark.parametrize("count", [999, 0])
def test_names_cut_short_are_refused(tmp_path, count):
    classnames(tmp_path / "imagenet", count=count), shift(tmp_path, "imagenet_a", list(map(wnid, range(200))))
    with pytest.raises(ValueError, match=f"classnames.txt' is damaged: {count} of its {count} lines .* 1000 are"):
        ll.load_task("imagenet_a", root=tmp_path)


# ---- the real split files -------------------------------------------------------------------------------------------

REAL = {  # name: its split file, (first of train, last of test), the first and last names
    "eurosat": (("AnnualCrop/AnnualCrop_1381.jpg", "SeaLake/SeaLake_35.jpg"), ("Annual Crop Land", "Sea or Lake")),
    "oxford_pets": (("Abyssinian_122.jpg", "yorkshire_terrier_9.jpg"), ("abyssinian", "yorkshire terrier")),
    "dtd": (("banded/banded_0133.jpg", "zigzagged/zigzagged_0092.jpg"), ("banded", "zigzagged")),
    "oxford_flowers": (("image_00190.jpg", "image_08014.jpg"), ("pink primrose", "blackberry lily")),
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_split_files_have_the_published_counts_entries_and_order(splits, name):
    spec, ((first, last), (first_name, last_name)) = PUBLISHED[name], REAL[name]
    listing = read_split(spec, splits, seed=0)
    assert tuple(len(listing.names[part]) for part in PARTS) == spec.sizes
    assert len(listing.classnames) == spec.classes
    assert (listing.classnames[0], listing.classnames[-1]) == (first_name, last_name)
    assert (
        listing.names["train"][0] == f"{spec.images}/{first}" and listing.names["test"][-1] == f"{spec.images}/{last}"
    )
    everything = [name for names in listing.names.values() for name in names]
    assert len(set(everything)) == len(everything)  # no image is in two splits


def test_a_whole_real_layout_loads_and_verifies(splits, tmp_path):
    spec = PUBLISHED["dtd"]
    (tmp_path / "dtd").mkdir()
    shutil.copy(splits / spec.listing, tmp_path / "dtd")
    listing = read_split(spec, tmp_path / "dtd", seed=0)
    assert len(missing_images(tmp_path / "dtd", listing)) == sum(spec.sizes)
    for path in {(tmp_path / "dtd" / name).parent for name in listing.names["train"]}:
        path.mkdir(parents=True)
    for names in listing.names.values():
        for name in names:
            (tmp_path / "dtd" / name).touch()
    assert verify("dtd", tmp_path).problems == []
    task = ll.load_task("dtd", root=tmp_path, shots=16, seed=1)
    assert task.train.counts.tolist() == [16] * 47 and task.val.counts.tolist() == [4] * 47
    assert task.base().classnames == sorted(task.classnames)[:24] and len(task.new().classnames) == 23


def test_eurosats_names_are_the_rewritten_ones(splits):
    names = read_split(PUBLISHED["eurosat"], splits, seed=0).classnames
    assert names[3] == "Highway or Road" and names[4] == "Industrial Buildings" and names[8] == "River"
