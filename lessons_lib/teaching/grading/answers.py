"""A student's answers, as a check in another process sees them: values, and functions that run where the student's do.

The two ends of one conversation: `Answer` asks from the grader's process, `reply` answers in the student's. Questions
are pickled, since the student's process may run what the grader sends; replies are plain values (`values`), since the
grader runs nothing that the student sends. Gradients go the same way.
"""

import base64
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from lessons_lib.teaching.checks import ExerciseError
from lessons_lib.teaching.grading.values import dumps, loads

Send = Callable[[str], str]  # a question to the student's process -> its reply

_graph: list[tuple[list[Tensor], Tensor]] = []  # student's side: inputs and value of the last call, for its gradients


def answer(name: str, send: Send) -> Any:
    """The value that `name` has in the student's process, or an `Answer` where it is a function there.

    Raises ExerciseError where there is no such name, and where what came back is no reply.
    """
    kind, value, *rest = _ask(send, {"name": name})
    if kind == "raised":
        raise _error(value, str(rest[0]))
    if kind == "missing":
        raise ExerciseError(f"`{name}` is not there: was its cell deleted, or did it stop before?")
    return Answer(name, send) if kind == "function" else value


class Answer:
    """A function of the student's: called here, it runs there."""

    def __init__(self, name: str, send: Send) -> None:
        self.__name__, self._send = name, send

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the student's function returns, with gradients for the tensors among `args` that ask for them.

        What it changes in place in a tensor is changed here too; what it raises is raised, by its name and message.
        """
        learned = [i for i, arg in enumerate(args) if isinstance(arg, Tensor) and arg.requires_grad]
        sent = [arg.detach() if isinstance(arg, Tensor) else arg for arg in args]
        question = {"name": self.__name__, "args": sent, "kwargs": kwargs, "learned": learned}
        kind, value, *rest = _ask(self._send, question)
        if kind == "raised":
            raise _error(value, str(rest[0]))
        changed, has_gradient = rest if len(rest) == 2 else ({}, False)
        try:
            with torch.no_grad():
                for i, tensor in changed.items():
                    args[i].copy_(tensor)
        except (AttributeError, IndexError, RuntimeError, TypeError):
            raise ExerciseError(f"`{self.__name__}` gave no answer that can be read.") from None
        if has_gradient and isinstance(value, Tensor):
            return _Remote.apply(self, value, *(args[i] for i in learned))
        return value

    def gradients(self, of_value: Tensor) -> list[Tensor | None]:
        """Of the last call's learned arguments, given the gradient of its value."""
        kind, *grads = _ask(self._send, {"name": self.__name__, "gradient": of_value})
        if kind == "raised":
            raise _error(*map(str, grads))
        return grads[0]


class _Remote(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, of: Answer, value: Tensor, *learned: Tensor) -> Tensor:
        ctx.answer = of
        return value

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple:
        return None, None, *ctx.answer.gradients(gradient)


def _ask(send: Send, question: Mapping[str, Any]) -> list:
    try:
        value = loads(send(base64.b64encode(pickle.dumps(question)).decode("ascii")))
        if type(value) is list and len(value) in _LENGTHS[value[0]]:
            return value
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ExerciseError(f"`{question['name']}` gave no answer that can be read: {error}") from None
    raise ExerciseError(f"`{question['name']}` gave no answer that can be read.")


_LENGTHS = {"missing": (2,), "function": (2,), "value": (2, 4), "raised": (3,), "gradients": (2,)}


def _error(kind: object, message: str) -> Exception:
    """An error as the student's process raised it: only its name and its words came over."""
    if kind == "ExerciseError":
        return ExerciseError(message)
    return type(str(kind)[:80], (Exception,), {})(message)


def reply(namespace: Mapping[str, Any], question: str) -> str:
    """In the student's process: what one of its names is, what a call of it returns, or that call's gradients."""
    asked = pickle.loads(base64.b64decode(question))
    try:
        if "gradient" in asked:
            inputs, value = _graph.pop()
            grads = torch.autograd.grad(value, inputs, asked["gradient"], allow_unused=True)
            return dumps(["gradients", list(grads)])
        if asked["name"] not in namespace:
            return dumps(["missing", None])
        value = namespace[asked["name"]]
        if "args" not in asked:
            return dumps(["function", None] if callable(value) else ["value", value])
        return dumps(["value", *_called(value, asked["args"], asked["kwargs"], asked["learned"])])
    except Exception as error:  # whatever the student's code raises becomes the check's hint
        return dumps(["raised", type(error).__name__, str(error)])


def _called(function: Callable, args: list, kwargs: dict, learned: list[int]) -> tuple[Any, dict[int, Tensor], bool]:
    """The value; the tensors among `args` that were changed in place, by their number; whether gradients can follow."""
    inputs = [args[i].requires_grad_() for i in learned]
    before = {i: arg.detach().clone() for i, arg in enumerate(args) if isinstance(arg, Tensor)}
    value = function(*args, **kwargs)
    changed = {i: args[i] for i, old in before.items() if not torch.equal(args[i].nan_to_num(), old.nan_to_num())}
    has_gradient = bool(learned) and isinstance(value, Tensor) and value.requires_grad
    if has_gradient:
        _graph[:] = [(inputs, value)]
    return value, changed, has_gradient
