"""What comes back from a student's process is data: it arrives as it was, and nothing in it can run."""

import json
import math

import numpy as np
import pytest
import torch

from lessons_lib.teaching.grading.values import LONGEST, dumps, loads


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -2.5, math.inf, "ß", ..., [1, ("a", {2})], {"a": [1.0], 3: None}, np.float64(2), np.bool_(True)],
    ids=repr,
)
def test_a_plain_value_arrives_as_it_was(value):
    back = loads(dumps(value))
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool], ids=str)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)], ids=str)
def test_a_tensor_and_an_array_arrive_as_they_were(dtype, shape):
    tensor = torch.arange(math.prod(shape)).reshape(shape).to(dtype)
    back = loads(dumps(tensor))
    assert back.dtype == dtype and torch.equal(back, tensor)
    if dtype != torch.bfloat16:
        array = loads(dumps(tensor.numpy()))
        assert array.dtype == tensor.numpy().dtype and np.array_equal(array, tensor.numpy())


class AlwaysRight:
    def __eq__(self, other):
        return True

    def __call__(self):
        return True


def test_of_an_object_only_its_name_arrives():
    back = loads(dumps([AlwaysRight(), range(3)]))
    assert [type(item).__name__ for item in back] == ["AlwaysRight", "range"]
    assert back[0] != 4, "what it was made to equal stays behind"
    with pytest.raises(TypeError, match="AlwaysRight that stayed in the student's process"):
        back[0]()


@pytest.mark.parametrize(
    "text",
    [
        "{", "{}", "[]", '["code", "exit()"]', '["tensor", "torch.float32", [9, 9], "AAAA"]',
        '["tensor", "exit", [], ""]', '["array", "O", [1], "AAAAAAAAAAA="]', '["dict", [[["list", []], 1]]]',
        '["other", 3]', "[" * 90000, "9" * 5000,
        json.dumps("x" * (LONGEST + 1)),
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_what_is_no_value_is_refused(text):
    with pytest.raises(ValueError, match="what came back"):
        loads(text)
