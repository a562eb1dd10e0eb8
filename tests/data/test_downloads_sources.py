"""Data sets are fetched into the folders that `load_task` reads, from the published addresses; the two scripts."""

import inspect
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from dataset_layouts import split_set
from local_server import Files
from torchvision import datasets as tv

import lessons_lib as ll
from lessons_lib.cli import main
from lessons_lib.clip import downloads as clip_downloads
from lessons_lib.data import PUBLISHED
from lessons_lib.data.downloads import difference
from lessons_lib.data.published import fetching
from lessons_lib.data.published.record import Source
from lessons_lib.data.published.splits import verify

ROOT = Path(__file__).resolve().parents[2]


def with_sources(monkeypatch, name, sources):
    monkeypatch.setitem(PUBLISHED, name, replace(PUBLISHED[name], sources=sources))


def zipped(folder):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                package.write(path, path.relative_to(folder))
    return buffer.getvalue()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """EuroSAT in small: its split file and its archive on a server of this machine, and published sizes to match."""
    monkeypatch.setenv("no_proxy", "*")
    made = split_set(tmp_path / "made", "eurosat") / "eurosat"
    split = (made / "split_zhou_EuroSAT.json").read_bytes()
    (made / "split_zhou_EuroSAT.json").unlink()
    files = Files()
    files.files.update({"split.json": split, "EuroSAT.zip": zipped(made)})
    monkeypatch.setitem(PUBLISHED, "eurosat", replace(PUBLISHED["eurosat"], classes=4, sizes=(24, 8, 12)))
    serve(files, monkeypatch)
    yield files
    files.close()


def serve(files, monkeypatch):
    from hashlib import sha256

    split, archive = files.files["split.json"], files.files["EuroSAT.zip"]
    here = (
        Source(files.url("split.json"), "split_zhou_EuroSAT.json", len(split), f"sha256:{sha256(split).hexdigest()}"),
        Source(files.url("EuroSAT.zip"), "EuroSAT.zip", len(archive), f"sha256:{sha256(archive).hexdigest()}"),
    )
    with_sources(monkeypatch, "eurosat", here)


def fetch(root, said=None, **options):
    return fetching.fetch("eurosat", root, progress=False, say=(said if said is not None else []).append, **options)


# ---- fetching a set -------------------------------------------------------------------------------------------------


def test_a_fetched_set_loads(server, tmp_path):
    said = []
    report = fetch(tmp_path / "data", said)
    assert report.problems == [] and report.images == {"train": 24, "val": 8, "test": 12}
    assert len(ll.load_task("eurosat", root=tmp_path / "data").test) == 12
    assert sorted(path.name for path in (tmp_path / "data" / "eurosat").iterdir()) == [
        "2750",
        "split_zhou_EuroSAT.json",
    ]
    assert "Licence: MIT" in said[0] and "https://github.com/phelber/EuroSAT" in said[0]
    assert "Downloading EuroSAT.zip" in said[2] and "EuroSAT: complete" in said[-1]


def test_what_is_complete_is_left_alone(server, tmp_path):
    fetch(tmp_path)
    server.asked.clear()
    said = []
    assert fetch(tmp_path, said).problems == [] and server.asked == [] and "complete" in said[0]


def test_a_lost_image_is_brought_back_and_the_others_stay(server, tmp_path):
    fetch(tmp_path, keep_archives=True)
    server.asked.clear()
    (tmp_path / "eurosat" / "2750" / "Class0" / "test_0.jpg").unlink()
    (tmp_path / "eurosat" / "2750" / "Class0" / "mine.txt").write_text("mine")
    assert fetch(tmp_path).problems == [] and server.asked == []  # out of the archive that was kept
    assert (tmp_path / "eurosat" / "2750" / "Class0" / "mine.txt").exists()


def test_what_was_fetched_by_hand_is_taken(server, tmp_path):
    (tmp_path / "eurosat").mkdir()
    for path, file in (("split.json", "split_zhou_EuroSAT.json"), ("EuroSAT.zip", "EuroSAT.zip")):
        (tmp_path / "eurosat" / file).write_bytes(server.files[path])
    assert fetch(tmp_path).problems == [] and server.asked == []


def test_an_altered_archive_is_not_unpacked(server, tmp_path):
    content = bytearray(server.files["EuroSAT.zip"])
    content[100] ^= 1
    server.files["EuroSAT.zip"] = bytes(content)
    with pytest.raises(ValueError, match=r"is not the published EuroSAT.zip.*nothing was unpacked"):
        fetch(tmp_path)
    assert [path.name for path in (tmp_path / "eurosat").iterdir()] == ["split_zhou_EuroSAT.json"]


def test_an_archive_cut_short_is_gone_on_with_in_the_next_run(server, tmp_path):
    server.cut["EuroSAT.zip"] = [1000, 1000]
    with pytest.raises(ConnectionError, match=r"are kept in 'EuroSAT.zip.part'(.|\n)*By hand: .*save it as"):
        fetch(tmp_path)
    assert fetch(tmp_path).problems == [] and server.asked[-1] == ("EuroSAT.zip", "bytes=1000-")


def test_a_set_without_an_address_says_what_to_do_by_hand(server, tmp_path, monkeypatch):
    with_sources(monkeypatch, "stanford_cars", ())
    said = []
    report = fetching.fetch("stanford_cars", tmp_path, progress=False, say=said.append)
    assert report.problems and "addresses are gone" in said[-1] and str(tmp_path / "stanford_cars") in said[-1]


def test_an_archive_inside_an_archive_is_unpacked_too(server, tmp_path, monkeypatch):
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as package:
        package.add(
            split_set(tmp_path / "c", "caltech101") / "caltech-101" / "101_ObjectCategories", "101_ObjectCategories"
        )
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as package:
        package.writestr("caltech-101/101_ObjectCategories.tar.gz", inner.getvalue())
    split = (tmp_path / "c" / "caltech-101" / "split_zhou_Caltech101.json").read_bytes()
    server.files.update({"outer.zip": outer.getvalue(), "c.json": split})
    real = PUBLISHED["caltech101"].sources
    here = (
        replace(real[0], url=server.url("c.json"), size=None, digest=""),
        replace(real[1], url=server.url("outer.zip"), digest=""),
    )
    with_sources(monkeypatch, "caltech101", here)
    fetching.fetch("caltech101", tmp_path / "data", progress=False, say=lambda _: None)
    assert len(ll.load_task("caltech101", root=tmp_path / "data").test) == 12
    there = sorted(path.name for path in (tmp_path / "data" / "caltech-101").iterdir())
    assert there == ["101_ObjectCategories", "split_zhou_Caltech101.json"]


# ---- the table ------------------------------------------------------------------------------------------------------


def test_every_set_has_a_source_and_a_licence_and_images_or_a_way_by_hand():
    for name, one in PUBLISHED.items():
        assert name == one.name and one.page.startswith("https://") and one.licence
        assert all(part.url.startswith("http") for part in one.sources)
        assert any(part.is_archive for part in one.sources) != bool(one.by_hand)
        lists = [part.file for part in one.sources if not part.is_archive]
        assert lists == ([] if name == "fgvc_aircraft" else [one.listing])


def test_addresses_are_torchvisions_where_it_has_the_set():
    assert PUBLISHED["oxford_pets"].sources[1].url == tv.OxfordIIITPet._RESOURCES[0][0]
    assert (
        PUBLISHED["oxford_flowers"].sources[1].url
        == tv.Flowers102._download_url_prefix + tv.Flowers102._file_dict["image"][0]
    )
    assert PUBLISHED["food101"].sources[1].url == tv.Food101._URL and PUBLISHED["dtd"].sources[1].url == tv.DTD._URL
    assert PUBLISHED["fgvc_aircraft"].sources[0].url == tv.FGVCAircraft._URL
    assert PUBLISHED["sun397"].sources[1].url == tv.SUN397._DATASET_URL
    caltech, satellite = PUBLISHED["caltech101"].sources[1], PUBLISHED["eurosat"].sources[1]
    source = inspect.getsource(tv.Caltech101)
    assert caltech.url in source and caltech.digest.removeprefix("md5:") in source
    assert satellite.url in inspect.getsource(tv.EuroSAT)


@pytest.mark.parametrize("name", ["eurosat", "oxford_pets", "dtd", "oxford_flowers"])
def test_the_real_split_files_have_the_sizes_and_checksums_of_the_table(splits, name):
    part = PUBLISHED[name].sources[0]
    assert difference(splits / part.file, size=part.size, digest=part.digest) == ""


def test_the_documented_table_is_that_of_the_code():
    lines = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    assert [row[0].strip("`") for row in cells] == [n for n, one in PUBLISHED.items() if one.eleven or one.shift_of]
    for name, (title, folder, classes, sizes, licence, how) in ((row[0].strip("`"), row[1:]) for row in cells):
        spec = PUBLISHED[name]
        assert (title, folder, licence) == (f"[{spec.title}]({spec.page})", f"`{spec.folder}/`", spec.licence)
        assert int(classes.replace(",", "")) == spec.classes
        assert sizes == " / ".join(f"{size:,}" if size else "–" for size in spec.sizes)
        assert (how == "by hand") == bool(spec.by_hand)


# ---- lessons fetch --------------------------------------------------------------------------------------------------


def test_it_fetches_and_verifies(server, tmp_path, capsys):
    assert main(["fetch", "eurosat", "--root", str(tmp_path), "--verify"]) == 1
    assert "has no folder 'eurosat/'" in capsys.readouterr().out and server.asked == []
    assert main(["fetch", "eurosat", "--root", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "Licence: MIT" in said and server.url("EuroSAT.zip") in said and str(tmp_path / "eurosat") in said
    assert main(["fetch", "eurosat", "--root", str(tmp_path), "--verify"]) == 0
    assert "EuroSAT: complete" in capsys.readouterr().out
    (tmp_path / "eurosat" / "2750" / "Class3" / "val_1.jpg").unlink()
    assert main(["fetch", "eurosat", "--root", str(tmp_path), "--verify"]) == 1
    assert "1 of 44 images are missing: 2750/Class3/val_1.jpg" in capsys.readouterr().out


def test_one_set_that_fails_does_not_stop_the_next(server, tmp_path, monkeypatch, capsys):
    gone = replace(PUBLISHED["dtd"].sources[0], url=server.url("gone.json"))
    with_sources(monkeypatch, "dtd", (gone,))
    assert main(["fetch", "dtd", "eurosat", "--root", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "dtd: split_zhou_DescribableTextures.json cannot be fetched" in said.err and "By hand: " in said.err
    assert verify("eurosat", tmp_path).problems == []


def test_it_lists_the_sets(capsys):
    assert main(["fetch", "--list"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 1 + len(PUBLISHED)
    assert "eurosat" in rows[10] and "94.3 MB" in rows[10] and "MIT" in rows[10] and "by hand" in rows[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["eurosta", "--root", "x"], "no data set is called 'eurosta'. Did you mean 'eurosat'"),
        (["eurosat"], "--root FOLDER (or set LESSONS_DATA)"),
        ([], "say what: a data set, or a CLIP as ARCHITECTURE:TAG"),
        (["ViT-B-16-quickgelu", "--root", "x"], "a CLIP is named like ViT-B-16-quickgelu:openai"),
    ],
)
def test_what_cannot_be_fetched_is_said_before_anything_is(arguments, words, capsys, monkeypatch):
    monkeypatch.delenv("LESSONS_DATA", raising=False)
    assert main(["fetch", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_weights_that_are_not_here_are_named_with_what_to_do(monkeypatch, tmp_path, capsys):
    def unreachable(repo, filename):
        raise OSError("Name or service not known")

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")  # the command sets it; put back afterwards
    monkeypatch.setenv("LESSONS_CACHE", str(tmp_path))
    monkeypatch.setattr(clip_downloads, "_remote_size", unreachable)
    monkeypatch.setattr(clip_downloads, "hub_cache", lambda: tmp_path / "hub")
    monkeypatch.setattr(clip_downloads, "openai_cached", lambda url: None)
    assert main(["fetch", "ViT-B-16-quickgelu:openai", "--verify"]) == 1
    assert "is not on this machine and cannot be fetched" in capsys.readouterr().err
    assert main(["fetch", "ViT-B-16-quickgelu:"]) == 1
    assert "has no tag: write ARCHITECTURE:TAG" in capsys.readouterr().err


def test_weights_that_load_are_complete(monkeypatch, capsys):
    loaded = []
    monkeypatch.setattr("lessons_lib.clip.load_clip", lambda name, tag, **_: loaded.append((name, tag)))
    assert main(["fetch", "ViT-B-32-quickgelu:openai", "hf-hub:someone/tiny"]) == 0
    assert loaded == [("ViT-B-32-quickgelu", "openai"), ("hf-hub:someone/tiny", None)]
    assert "hf-hub:someone/tiny: complete" in capsys.readouterr().out


def test_an_archive_that_was_put_there_by_hand_is_kept_and_one_that_was_fetched_is_named_as_it_goes(server, tmp_path):
    fetch(tmp_path / "first", said := [])
    archive = tmp_path / "first" / "eurosat" / "EuroSAT.zip"
    assert not archive.exists() and f"Unpacked and removed '{archive}'" in said
    (tmp_path / "second" / "eurosat").mkdir(parents=True)
    mine = tmp_path / "second" / "eurosat" / "EuroSAT.zip"
    mine.write_bytes(server.files["EuroSAT.zip"])
    fetch(tmp_path / "second")
    assert mine.exists()
