"""Whatever lies in a file, its reader gives what it says or one of our errors, soon and in little memory.

`LESSONS_FUZZ=2000 pytest tests/test_readers.py` tries so many examples of each kind in place of a few.
"""

import os
import random
import sys
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sound_files import DAMAGES, KINDS, Kind

EXAMPLES = int(os.environ.get("LESSONS_FUZZ", "6"))
MOST_MIB = 400  # beyond what the process had needed before
bounded = settings(
    max_examples=EXAMPLES,
    deadline=30_000,  # milliseconds, of a busy machine
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> dict:
    """Kind -> path, content and what it says."""
    found = {}
    for name, kind in KINDS.items():
        path = tmp_path_factory.mktemp("sound") / kind.name
        kind.make(path)
        found[name] = path, path.read_bytes(), kind.read(path)
    return found


def peak_mib() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def read(kind: Kind, path) -> object:
    """What it says, or the error that it has a right to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return kind.read(path)
        except kind.errors as error:
            assert str(error).strip(), f"{type(error).__name__} without a word"
            return error


def test_every_kind_is_read_when_it_is_sound(sound):
    for name, (path, _, said) in sound.items():
        assert said is not None and repr(KINDS[name].read(path)) == repr(said), name


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no count of the peak")
def test_damaged_files_and_random_bytes_bring_our_errors_alone(sound, name):
    path, content, _ = sound[name]
    others = [other for kind, (_, other, _) in sound.items() if kind != name]
    before = peak_mib()

    @bounded
    @given(
        st.sampled_from([*DAMAGES.values(), None]), st.integers(0, 2**32), st.integers(1, 4), st.binary(max_size=200)
    )
    def damaged(damage, seed, times, noise):
        draws, bad = random.Random(seed), content
        for _ in range(times):
            bad = damage(bad, draws, others) if damage and bad else bad
        path.write_bytes(bad if damage else content[: draws.choice([0, 2, 8])] + noise)
        read(KINDS[name], path)

    try:
        damaged()
    finally:
        path.write_bytes(content)
    assert peak_mib() - before < MOST_MIB


DEEP = 100_000
NESTED = {
    "json": "[" * DEEP + "]" * DEEP,
    "objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "less deep than Python's own limit": "[" * 400 + "]" * 400,
    "a number of many digits": '{"a": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("content", NESTED.values(), ids=NESTED)
@pytest.mark.parametrize("name", ["a configuration", "names of classes", "a split", "a notebook", "a sweep's YAML"])
def test_what_is_nested_without_end_is_one_sentence(tmp_path, name, content):
    path = tmp_path / KINDS[name].name
    path.write_text(content if name != "a sweep's YAML" else f"methods: {content[:6000]}")
    assert isinstance(read(KINDS[name], path), ValueError)


@pytest.mark.parametrize("name", ["a saved method", "weights", "cached features", "a memory"])
def test_a_header_that_is_nested_without_end_is_refused(sound, name, tmp_path):
    path = tmp_path / KINDS[name].name
    nested = NESTED["objects"].encode()
    path.write_bytes(len(nested).to_bytes(8, "little") + nested)
    assert isinstance(read(KINDS[name], path), ValueError | None)


def test_yaml_that_repeats_itself_without_end_is_refused(tmp_path):
    """Nine lines that come to a billion values, and a list that holds itself."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    for text in ("\n".join(lines), "methods: &m [*m]", "tasks: 2024-13-45"):
        (tmp_path / "s.yaml").write_text(text)
        said = read(KINDS["a sweep's YAML"], tmp_path / "s.yaml")
        assert isinstance(said, ValueError) and "s.yaml' is not YAML" in str(said)


def test_a_checkpoint_nested_without_end_is_called_damaged(tmp_path):
    import torch

    from lessons_lib import sealed

    deep: list = []
    for _ in range(600):
        deep = [deep]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20 * limit)  # torch.save would meet it first
    try:
        torch.save({"history": deep}, tmp_path / "c.pt")
    finally:
        sys.setrecursionlimit(limit)
    with pytest.raises(ValueError, match="c.pt' is damaged"):
        sealed.load_state(tmp_path / "c.pt", "delete it")


@pytest.mark.parametrize("bit", range(0, 400, 7))
def test_no_bit_of_a_memory_is_flipped_unseen(tmp_path, bit):
    from lessons_lib import sealed

    path, kept = tmp_path / "memory.json", {"a": [1, "x"], "b": 2}
    sealed.remember(path, kept)
    content = bytearray(path.read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    path.write_bytes(content)
    assert sealed.recall(path) is None
