"""TorchScript archives are read as data: the same tensors as torch's own reader, and nothing in them is run."""

import pickle
import struct
import warnings
import zipfile

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from saved_clips import TOWERS, load, openai_archive
from tiny_clip import tiny_model

from lessons_lib.clip import archives
from lessons_lib.clip.checkpoints import read_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
OURS = (ValueError, pickle.UnpicklingError, zipfile.BadZipFile)


class Everything(torch.nn.Module):
    """An attribute of each kind that TorchScript keeps."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
        self.register_buffer("turned", torch.arange(6, dtype=torch.int64).reshape(2, 3).t())
        self.register_buffer("halves", torch.ones(2, dtype=torch.float16))
        self.register_buffer("empty", torch.zeros(0, 3))
        self.layer = torch.nn.Linear(2, 2)
        self.again = self.layer
        self.parts, self.number, self.large, self.text = [torch.zeros(1)], 3, 2**40, "x"
        self.words, self.counts, self.both = {"a": 1}, {1: 2.5}, (1, "b")

    def forward(self, x):
        more = self.number + self.large + len(self.text) + self.words["a"] + self.counts[1] + self.both[0]
        return self.layer(self.again(x)) + self.weight.sum() + self.turned.sum() + self.halves + self.parts[0] + more


@pytest.fixture
def archive(tmp_path):
    torch.jit.script(Everything()).save(tmp_path / "a.pt")
    return tmp_path / "a.pt"


def read(path) -> dict:
    with zipfile.ZipFile(path) as archive:
        return archives.read_tensors(archive)


def changed(path, name, content, compress=zipfile.ZIP_STORED):
    """The archive with one entry replaced."""
    with zipfile.ZipFile(path) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist()}
    other = path.with_name("changed.pt")
    with zipfile.ZipFile(other, "w") as archive:
        for entry, old in entries.items():
            new = entry.partition("/")[2] == name
            archive.writestr(entry, content(old) if new else old, compress if new else zipfile.ZIP_STORED)
    return other


def test_the_tensors_are_those_of_torchs_own_reader(archive):
    wanted, found = torch.jit.load(archive).state_dict(), read(archive)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) and found[name].dtype == wanted[name].dtype for name in wanted)


def test_an_archive_that_would_run_code_as_it_is_read_writes_nothing(tmp_path):
    target = tmp_path / "written.txt"

    class Writes(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("w", torch.zeros(2))

        def forward(self, x):
            return x

        @torch.jit.export
        def __getstate__(self):
            return torch.zeros(2), self.training

        @torch.jit.export
        def __setstate__(self, state: tuple[torch.Tensor, bool]):
            self.training = state[1]
            self.w = torch.from_file("TARGET", shared=True, size=15, dtype=torch.uint8).fill_(99)

    torch.jit.script(Writes()).save(tmp_path / "a.pt")
    evil = tmp_path / "evil.pt"
    with zipfile.ZipFile(tmp_path / "a.pt") as archive, zipfile.ZipFile(evil, "w") as out:
        for info in archive.infolist():
            out.writestr(info.filename, archive.read(info).replace(b"TARGET", str(target).encode()))
    with pytest.raises(ValueError, match=r"more than tensors \(__torch__.*Writes\).*run code from the file.*refused"):
        load("toyclip", pretrained=evil)
    assert not target.exists()


class System:
    """Says at unpickling what a pickle may: call anything."""

    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


@pytest.mark.parametrize("content", [pickle.dumps(System(), 2), pickle.dumps({"w": System()}, 2), pickle.dumps([1], 4)])
def test_a_pickle_of_other_things_is_refused_unrun(archive, content):
    with pytest.raises(OURS):
        read(changed(archive, "data.pkl", lambda old: content))
    with pytest.raises(ValueError):
        read_checkpoint(changed(archive, "data.pkl", lambda old: content))


@pytest.mark.parametrize(
    ("sizes", "why"),
    [((2, 4), "lies outside"), ((3, 3), "lies outside"), ((-2, -3), "lies outside"), ((0, 9), None)],
)
def test_a_tensor_stays_within_its_entry(sizes, why):
    storage = archives._Storage(torch.arange(6.0))
    if why is None:
        assert archives._view(storage, 0, sizes, (3, 1)).shape == sizes
        return
    with pytest.raises(ValueError, match=why):
        archives._view(storage, 0, sizes, (3, 1))


@pytest.mark.parametrize(("offset", "size", "stride"), [(6, (1,), (1,)), (-1, (2,), (1,)), (0, (2,), (6,)),
                                                        (0, (99, 99), (0, 0)), (5, (2,), (-1,))])  # fmt: skip
def test_no_offset_or_stride_reaches_beyond_the_entry_or_makes_more_of_it(offset, size, stride):
    with pytest.raises(ValueError, match="lies outside its 6 numbers"):
        archives._view(archives._Storage(torch.arange(6.0)), offset, size, stride)


def test_an_entry_that_is_short_compressed_or_of_another_byte_order_is_refused(archive):
    with pytest.raises(ValueError, match="data/0 has 8 bytes, 24 expected"):
        read(changed(archive, "data/0", lambda old: old[:8]))
    with pytest.raises(ValueError, match="data/0 is compressed"):
        read(changed(archive, "data/0", lambda old: old, zipfile.ZIP_DEFLATED))
    with pytest.raises(ValueError, match="big-endian"):
        read(changed(archive, "byteorder", lambda old: b"big"))


def test_modules_that_hold_each_other_end(archive):
    itself = b"\x80\x02c__torch__\nT\n)\x81q\x00}X\x01\x00\x00\x00ah\x00sb."
    with pytest.raises(ValueError, match="hold each other without end"):
        read(changed(archive, "data.pkl", lambda old: itself))
    name = b"X\x01\x00\x00\x00a"
    twice = b"\x80\x02c__torch__\nT\n)\x81}b"  # a module without attributes; then 60 that each hold the last one twice
    for number in range(60):
        twice += b"r" + struct.pack("<I", number)
        last = b"j" + struct.pack("<I", number)
        twice += b"c__torch__\nT\n)\x81}" + name + last + b"s" + name.replace(b"a", b"b") + last + b"sb"
    with pytest.raises(ValueError, match="hold each other without end"):
        read(changed(archive, "data.pkl", lambda old: twice + b"."))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_changed_pickle_brings_tensors_or_our_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "sound.pt"
    if not path.exists():
        torch.jit.script(Everything()).save(path)

    def damage(old: bytes) -> bytes:
        content = bytearray(old)
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        return bytes(content[: data.draw(st.integers(1, len(content)))])

    try:
        found = read(changed(path, "data.pkl", damage))
    except OURS:
        return
    assert all(isinstance(tensor, torch.Tensor) for tensor in found.values())


def test_half_of_openais_archive_is_called_damaged(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        openai_archive(tmp_path / "o.pt", tiny_model(**TOWERS).state_dict())
    content = (tmp_path / "o.pt").read_bytes()
    (tmp_path / "o.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="damaged, cut short"):
        read_checkpoint(tmp_path / "o.pt")
