"""Files of tensors say when they are damaged, whichever bit it was; those from before there were digests still load."""

import json
import random
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from lessons_lib import sealed
from lessons_lib.environment import weights

TENSORS = {"a.weight": torch.arange(12.0).reshape(3, 4), "b": torch.ones(2, dtype=torch.float16)}
ABOUT = {"classnames": '["Käse"]', "fingerprint": "0" * 64}
REFUSED = (ValueError, SafetensorError)


def flips(content: bytes, count: int = 400):
    """The content with one bit flipped: each of a small one, many of a large one."""
    bits = range(8 * len(content))
    for bit in bits if len(bits) <= count else random.Random(0).sample(bits, count):
        other = bytearray(content)
        other[bit // 8] ^= 1 << bit % 8
        yield bit, bytes(other)


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "t.safetensors"
    path.write_bytes(sealed.to_bytes(TENSORS, ABOUT))
    return path


def test_what_is_sealed_is_read_again_also_by_others(file):
    tensors, about = sealed.load(file)
    assert about == ABOUT and all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert all(torch.equal(tensor, TENSORS[name]) for name, tensor in load_file(file).items())


def test_no_bit_of_tensors_or_header_is_flipped_unseen(file):
    whole = file.read_bytes()
    for bit, content in flips(whole, 8 * len(whole)):
        file.write_bytes(content)
        try:
            tensors, about = sealed.load(file)
        except REFUSED:
            continue
        # a flip that changes nothing, such as of one blank into another
        assert about == ABOUT and all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS), bit


@pytest.mark.parametrize("kept", [0, 4, 8, 50, -1, -40])
def test_no_cut_is_unseen(file, kept):
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(REFUSED):
        sealed.load(file)


def test_a_file_without_a_digest_is_read_as_it_was(tmp_path):
    save_file(TENSORS, tmp_path / "old.safetensors", metadata=ABOUT)
    assert sealed.load(tmp_path / "old.safetensors")[1] == ABOUT
    save_file(TENSORS, tmp_path / "bare.safetensors")
    assert sealed.load(tmp_path / "bare.safetensors")[1] == {}


def test_no_bit_of_a_state_is_flipped_unseen(tmp_path):
    path = tmp_path / "run.pt"
    sealed.save_state(path, {"step": 3, "model": TENSORS})
    assert torch.load(path, weights_only=True)["step"] == 3  # torch's own reader takes it
    whole = path.read_bytes()
    for bit, content in flips(whole):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"run.pt' is damaged \(.*\): start again"):
            sealed.load_state(path, "start again")
            pytest.fail(f"bit {bit}")


def test_a_state_without_a_digest_is_read_and_its_checksums_are_compared(tmp_path):
    path = tmp_path / "old.pt"
    torch.save({"step": 3, "model": TENSORS}, path)
    assert sealed.load_state(path, "start again")["step"] == 3
    content = bytearray(path.read_bytes())
    content[content.index(TENSORS["a.weight"].numpy().tobytes()) + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"is damaged \(BadZipFile\)"):
        sealed.load_state(path, "start again")


def test_numbers_that_are_not_finite_are_damage(tmp_path):
    sealed.save_state(tmp_path / "run.pt", {"optimizer": {"state": {0: {"m": torch.tensor([1.0, float("nan")])}}}})
    with pytest.raises(ValueError, match=r"damaged \(optimizer.state.0.m is not finite\)"):
        sealed.load_state(tmp_path / "run.pt", "start again")


def test_missing_rights_are_not_called_damage(tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    sealed.save_state(tmp_path / "run.pt", {"step": 3})
    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(PermissionError):
        sealed.load_state(tmp_path / "run.pt", "start again")


def test_toyclips_weights_are_sealed_and_the_doctor_sees_damage(tmp_path):
    import lessons_lib.clip

    packaged = Path(lessons_lib.clip.__file__).with_name("toyclip") / "toyclip.safetensors"
    length = int.from_bytes((content := packaged.read_bytes())[:8], "little")
    assert json.loads(content[8 : 8 + length])["__metadata__"]["digest"].startswith("sha256:")
    other = tmp_path / "toyclip.safetensors"
    other.write_bytes(content[:-1] + bytes([content[-1] ^ 16]))
    assert weights(other).state == "missing" and "is damaged" in weights(other).found
    with pytest.raises(ValueError, match="is damaged, cut short, or not a checkpoint"):
        lessons_lib.clip.load_clip("toyclip", pretrained=other, verbose=False)
