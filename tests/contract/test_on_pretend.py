"""On an accelerator every method does what it does on the CPU, and its steps do not wait for it: on a pretend one, so
that any machine can tell."""

from collections import Counter

import pytest
import torch
from contract.table import TABLE
from noise_task import box_task, mask_task, noise_task
from pretend import NAME
from torch.nn.attention import SDPBackend, sdpa_kernel

from lessons_lib.methods import METHODS, load_method

NEAR = 1e-5  # of the largest number that is compared
# How near two ends are: of a solver that stops at a tolerance; of AdamW, which takes a whole step along a gradient that
# is nothing but rounding.
STOPS_AT = {"LinearProbe": 1e-4, "GLIP": 1e-3, "GLIPv2": 1e-3}
TASKS = {"classify": noise_task(signal=0.7), "segment": mask_task(names=["a", "b"]), "detect": box_task()}
OTHERS = ["hat", "shoe"]
# What a step waits for: which regions a detector learns from, their numbers decide.
WAITS = {"ViLD": {"nonzero", "index", "index_put", "a copy to the device"}}
WAITS["GLIP"] = {"index", "index_put", "index_put_", "a copy to the device"}
WAITS["GLIPv2"] = {*WAITS["GLIP"], "_local_scalar_dense"}


def kind_of(line) -> str:
    return METHODS[line.method].kind


@pytest.fixture(params=TABLE)
def line(request):
    return TABLE[request.param]


@pytest.fixture(autouse=True)
def as_many_at_once_as_on_the_cpu(monkeypatch):
    """Or sums would be rounded otherwise, which a solver that stops at a tolerance makes more of."""
    for module in ("clip.model", "methods.learned"):
        monkeypatch.setattr(f"lessons_lib.{module}.at_once", lambda device: 32)


def fit(line, device: str, batch_size: int):
    brief = {"epochs": 1, "proposal_epochs": 1, "lr": 0.003, "batch_size": batch_size}
    known = METHODS[line.method].fit_arguments()
    with sdpa_kernel(SDPBackend.MATH):  # the form of attention that the pretend device has
        made = line.make(line.model(device=device))
        arguments = line.arguments(**{name: value for name, value in brief.items() if name in known})
        return made.fit(TASKS[kind_of(line)], **arguments)


def answers(method) -> torch.Tensor:
    test = TASKS[method.kind].test.subset(range(4))
    with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        if method.kind != "detect":
            return method.logits(test)
        pictures = (test.tensor() / 255).to(method.clip.device)
        return torch.stack([found.scores.sum(dim=0) for found in method.regions(pictures)])


def assert_near(found: torch.Tensor, wanted: torch.Tensor, near: float = NEAR) -> None:
    assert found.shape == wanted.shape
    if wanted.numel():
        assert (found.cpu() - wanted.cpu()).abs().max() <= near * max(1.0, float(wanted.abs().max()))


def test_it_learns_answers_and_is_kept_there_as_on_the_cpu(line, pretend, tmp_path):
    there, here = fit(line, NAME, 5), fit(line, "cpu", 5)
    assert {p.device.type for p in there.parameters()} <= {NAME}
    assert answers(there).device.type == NAME
    assert_near(answers(there), answers(here), STOPS_AT.get(line.method, NEAR))
    for name, value in here.state_dict().items():
        assert_near(there.state_dict()[name].float(), value.float(), STOPS_AT.get(line.method, NEAR))
    moved_here = load_method(there.save(tmp_path / "there.safetensors"), here.clip)
    moved_there = load_method(here.save(tmp_path / "here.safetensors"), there.clip)
    assert_near(answers(moved_here), answers(there))
    assert_near(answers(moved_there), answers(here))
    if not here.carries(OTHERS, here.classnames):
        assert_near(answers(there.for_classes(OTHERS)), answers(here.for_classes(OTHERS)))


@pytest.mark.parametrize("line", [name for name, one in TABLE.items() if METHODS[one.method].trains], indirect=True)
def test_its_steps_do_not_wait_for_the_device(line, pretend):
    """An epoch of twice as many steps waits no more often."""
    seen = {}
    for batch_size in (10, 10, 5):  # the first one keeps the features
        pretend.clear()
        fit(line, NAME, batch_size)
        seen[batch_size] = Counter(pretend)
    assert set(seen[5] - seen[10]) == WAITS.get(line.method, set())
