"""Several processes under torchrun end with the weights that one gives, and only the first of them writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from noise_task import noise_task
from photo_folders import photo_folder
from safetensors.torch import load_file, save_file
from tiny_clip import tiny_clip

import lessons_lib as ll
from lessons_lib.methods import VPT, CoCoOp, CoOp

HERE = Path(__file__).parent
COMMON = {"lr": 0.05, "seed": 2, "progress": False}


def runs(clip, folder):
    """What is compared: odd batches, batches of one, which leave a process idle, and photos opened batch by batch."""
    task, photos = noise_task(shots=2), ll.load_task(folder, shots=3)
    checkpoint = {"checkpoint": Path(os.environ.get("CHECKPOINT", folder.parent / "one.pt"))}
    return {
        "CoOp": CoOp(clip, n_ctx=2).fit(task, epochs=4, batch_size=5, **COMMON, **checkpoint),
        "CoCoOp": CoCoOp(clip, max_prompts=10).fit(task, epochs=3, batch_size=3, **COMMON),
        "CoCoOp one by one": CoCoOp(clip).fit(task, epochs=2, batch_size=1, **COMMON),
        "VPT on photos": VPT(clip, n_ctx=2).fit(photos, epochs=2, batch_size=1, views="fresh", **COMMON),
    }


def scored(method, split):
    """The score on a split with the method's class names, and how many images went through a prompted tower for it."""
    split = split.of_classes(range(len(method.classnames)))
    split.classnames = method.classnames
    seen, real = [], method.clip.encode_prompted_images
    method.clip.encode_prompted_images = lambda images, *more: seen.append(len(images)) or real(images, *more)
    score = method.score(split)
    method.clip.encode_prompted_images = real
    return score, sum(seen)


def process(folder: Path) -> None:
    """What torchrun starts: the runs, a run that is lost in one process, and what there is to tell of them."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    rank, clip = torch.distributed.get_rank(), tiny_clip()
    os.environ["CHECKPOINT"] = str(folder.parent / "two.pt" if rank == 0 else folder.parent / f"never {rank}.pt")
    told = {}
    for name, method in runs(clip, folder).items():
        weights = {key: value.detach().clone() for key, value in method.state_dict().items()}
        save_file(weights, folder.parent / f"{name} {rank}.safetensors")
        told[name] = [row["loss"] for row in method.history]
        told[f"{name}: score"], told[f"{name}: images"] = scored(method, noise_task().test)
    real = CoOp.loss
    if rank == 1:
        CoOp.loss = lambda *args: real(*args) * float("nan")
    try:
        CoOp(clip, n_ctx=2).fit(noise_task(shots=2), epochs=2, batch_size=4, **COMMON)
    except FloatingPointError as error:
        told["lost"] = str(error)
    (folder.parent / f"told {rank}.json").write_text(json.dumps(told))
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return photo_folder(tmp_path_factory.mktemp("torchrun") / "photos", {"cat": 8, "dog": 8})


@pytest.fixture(scope="module")
def two(folder):
    """The folder in which two processes have left their results."""
    code = (
        f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent)!r}]; from pathlib import Path; "
        f"import test_torchrun_prompts as t; t.process(Path({str(folder)!r}))"
    )
    script = folder.parent / "run.py"
    script.write_text(code)
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1", "--standalone"]
    done = subprocess.run(
        [sys.executable, *launch, str(script)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder.parent


@pytest.fixture(scope="module")
def one(folder):
    return runs(tiny_clip(), folder)


def told(folder, rank):
    return json.loads((folder / f"told {rank}.json").read_text())


@pytest.mark.parametrize("name", ["CoOp", "CoCoOp", "CoCoOp one by one", "VPT on photos"])
def test_two_processes_end_with_the_weights_and_losses_of_one(one, two, name):
    start = type(one[name])(one[name].clip, **one[name].settings())
    start.reset(COMMON["seed"])
    for key, value in one[name].state_dict().items():
        by_rank = [load_file(two / f"{name} {rank}.safetensors")[key] for rank in (0, 1)]
        assert torch.equal(*by_rank)
        torch.testing.assert_close(by_rank[0], value, atol=1e-5, rtol=0)
        assert (value - start.state_dict()[key]).abs().max() > 2e-4, "nothing was learned, so nothing was compared"
    losses = [row["loss"] for row in one[name].history]
    assert told(two, 0)[name] == pytest.approx(losses, abs=1e-4)
    assert told(two, 1)[name] == told(two, 0)[name]


@pytest.mark.parametrize("name", ["CoOp", "CoCoOp", "CoCoOp one by one", "VPT on photos"])
def test_two_processes_share_the_images_of_a_score_and_both_know_it(one, two, name):
    score, images = scored(one[name], noise_task().test)
    for rank in (0, 1):
        assert told(two, rank)[f"{name}: score"] == pytest.approx(score)
        assert told(two, rank)[f"{name}: images"] == images // 2
    assert (images > 0) == (name == "VPT on photos")


def test_only_the_first_process_writes_the_checkpoint(two):
    assert {path.name for path in two.glob("*.pt")} - {"one.pt"} == {"two.pt"}
    assert len(torch.load(two / "two.pt", weights_only=True)["history"]) == 4


def test_a_run_of_one_process_takes_up_the_checkpoint_of_two(two, one, monkeypatch):
    monkeypatch.setattr(CoOp, "loss", None)
    again = CoOp(one["CoOp"].clip, n_ctx=2)
    again.fit(noise_task(shots=2), epochs=4, batch_size=5, **COMMON, checkpoint=two / "two.pt")
    torch.testing.assert_close(again.ctx, one["CoOp"].ctx, atol=1e-5, rtol=0)


def test_when_one_process_loses_its_loss_all_stop_and_say_so(two):
    for rank in (0, 1):
        assert "not a finite number any more in epoch 1, step 1" in told(two, rank)["lost"]
