"""Where memory is short, what is computed at once is halved and the work goes on; that is said."""

import warnings

import pytest
import torch
from tiny_clip import tiny_clip

from lessons_lib.device import at_once
from lessons_lib.methods import VPT, CoCoOp, DenseZeroShot
from lessons_lib.room import Room, Rooms, out_of_memory

HOW = {"epochs": 2, "lr": 0.05, "batch_size": 8, "progress": False}


def short_of_memory(real, most: int):
    """What `real` gives for at most so many rows; else what torch raises on a GPU."""

    def tried(rows, *others, **settings):
        if len(rows) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return real(rows, *others, **settings)

    return tried


def test_parts_are_halved_until_they_fit_and_each_is_done_once():
    room, done = Room(16, "images"), []
    work = short_of_memory(lambda rows: done.extend(rows), 5)
    with pytest.warns(UserWarning) as said:
        for rows in room.parts(20):
            with room.tried(rows):
                work(range(20)[rows])
    assert done == list(range(20)) and room.size == 4
    assert [str(one.message) for one in said] == [
        "16 images at once do not fit into memory: going on with 8",
        "8 images at once do not fit into memory: going on with 4",
    ]


def test_one_row_that_does_not_fit_ends_it_and_other_errors_stay_what_they_are():
    room = Room(1, "texts")
    with pytest.raises(MemoryError, match=r"one of the texts alone does not fit into memory \(CUDA out of memory"):
        for rows in room.parts(3):
            with room.tried(rows):
                short_of_memory(len, 0)(range(3)[rows])
    with pytest.raises(ValueError, match="something else"):
        for rows in room.parts(3):
            with room.tried(rows):
                raise ValueError("something else")
    with pytest.raises(ValueError, match="batch_size=0 must be at least 1"):
        Room(0, "images")


def test_one_within_another_counts_for_itself():
    room, done = Room(4, "images"), []
    for rows in room.parts(6):
        with room.tried(rows):
            for inner in room.parts(1):
                with room.tried(inner):
                    done.append((rows.start, rows.stop))
    assert done == [(0, 4), (4, 6)]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        MemoryError(),
    ],
)
def test_what_every_device_raises_is_known(error):
    assert out_of_memory(error) and not out_of_memory(RuntimeError("shapes do not match"))


def test_encoding_goes_on_in_smaller_parts_says_so_once_and_gives_the_same(clip, monkeypatch):
    images, texts = torch.randn(20, 3, 32, 32), [f"picture {i}" for i in range(20)]
    wanted = clip.encode_images(images), clip.encode_texts(texts)
    short = tiny_clip()
    monkeypatch.setattr(short.image_tower, "encode", short_of_memory(short.image_tower.encode, 10))
    monkeypatch.setattr(short.text_tower, "encode", short_of_memory(short.text_tower.encode, 10))
    with pytest.warns(UserWarning, match="20 images at once do not fit") as said:
        found = short.encode_images(images), short.encode_texts(texts)
    assert len(said) == 2
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found, wanted))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        short.encode_images(images), short.encode_texts(texts)


def test_a_prompted_tower_answers_in_smaller_parts(clip, task, monkeypatch):
    method = VPT(clip, n_ctx=2).fit(task, **HOW)
    images = torch.randn(12, 3, 32, 32)
    wanted = method.logits(images)
    monkeypatch.setattr(clip, "room", Rooms(at_once(clip.device)))
    monkeypatch.setattr(method, "image_features", short_of_memory(method.image_features, 6))
    with pytest.warns(UserWarning, match="12 images at once do not fit"):
        assert torch.allclose(method.logits(images), wanted, atol=1e-5)


def test_segmenters_answer_in_smaller_parts(clip, monkeypatch):
    method = DenseZeroShot(clip).for_classes(["a", "b"])
    images = torch.randn(8, 3, 32, 32)
    wanted = method.logits(images)
    monkeypatch.setattr(clip, "room", Rooms(at_once(clip.device)))
    monkeypatch.setattr(method, "at_pixels", short_of_memory(method.at_pixels, 2))
    with pytest.warns(UserWarning, match="4 pictures at once do not fit into memory: going on with 2"):
        assert torch.allclose(method.logits(images), wanted, atol=1e-5)


def test_a_step_of_cocoop_that_does_not_fit_is_done_again_with_less(clip, task, monkeypatch):
    """Forward or backward: what is learned is the same, and the settings that decide it as well."""
    whole = CoCoOp(clip).fit(task, **HOW)
    method = CoCoOp(clip)
    monkeypatch.setattr(method, "_compare", short_of_memory(method._compare, 4))
    with pytest.warns(UserWarning, match="8 images at once do not fit into memory: going on with 4") as said:
        method.fit(task, **HOW)
    assert len(said) == 1 and method.max_prompts == 4 * 5 and method.arguments() == whole.arguments()
    assert torch.allclose(method.ctx, whole.ctx, atol=1e-5)

    class Backward(CoCoOp):
        def loss(self, inputs, labels):
            loss = super().loss(inputs, labels)
            if self.max_prompts > 10:
                loss.register_hook(no_room)
            return loss

    def no_room(_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    method = Backward(clip)
    with pytest.warns(UserWarning, match="a training step does not fit into memory: going on with max_prompts=20"):
        with pytest.warns(UserWarning, match="going on with max_prompts=10"):
            method.fit(task, **HOW)
    assert torch.allclose(method.ctx, whole.ctx, atol=1e-5)
