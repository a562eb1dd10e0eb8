"""torch's archives read as data, their code neither compiled nor run: TorchScript's, such as OpenAI's weights, and what
`torch.save` wrote, where that holds more than tensors (a learning-rate schedule, a Namespace of arguments).

The archive is a zip file. `data.pkl`, a pickle, spells out what was saved; `data/0`, `data/1`, … hold the numbers. The
pickle is walked here by the few steps that torch writes, and the classes and functions that it names stay names:
nothing is imported or called. Tensors are views of the entries' bytes, within their bounds.
"""

import math
import pickletools
import zipfile
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch

TENSOR, PARAMETER = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"
DICTIONARY = "collections.OrderedDict"
TYPED = "torch.jit._pickle."  # TorchScript's lists, which say of what
STORAGES = {
    "torch.DoubleStorage": torch.float64, "torch.FloatStorage": torch.float32, "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16, "torch.LongStorage": torch.int64, "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16, "torch.CharStorage": torch.int8, "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}  # fmt: skip
PUSHES = ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES",
          "SHORT_BINBYTES")  # a plain value  # fmt: skip
BUILT_IN = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
MOST_TEXT = 1_000_000  # characters in all names together; modules that hold themselves would never end


def is_torchscript(archive: zipfile.ZipFile) -> bool:
    return any(name.endswith("/constants.pkl") for name in archive.namelist())


def read_tensors(archive: zipfile.ZipFile) -> dict[str, torch.Tensor]:
    """Name -> tensor, of all parameters, buffers and other tensors that a TorchScript archive's modules have.

    Raises as `read` does, and UnpicklingError where reading would need code of the archive's own, or it is no module.
    """
    module, calls = read(archive)
    if calls:
        raise UnpicklingError(f"Unsupported global {calls[0]}")
    if not isinstance(module, Thing):
        raise UnpicklingError("its data.pkl holds no module")
    return _tensors(module)


def read(archive: zipfile.ZipFile) -> tuple[Any, list[str]]:
    """What the archive holds: dictionaries (entries with a name alone), tensors, plain values, and `Thing`s for
    whatever else; and the names of what torch would have called for these, none of which was.

    Raises UnpicklingError where the pickle takes steps that torch does not write; ValueError where it makes no sense,
    for a tensor that lies outside its entry, and for numbers of another byte order.
    """
    folder = next((name for name in archive.namelist() if name.endswith("data.pkl")), "data.pkl")
    folder = folder.removesuffix("data.pkl")
    if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder").strip() != b"little":
        raise ValueError("its numbers are in another byte order (big-endian)")
    reader = _Reader(archive, folder)
    try:
        return reader.run(_stored(archive, f"{folder}data.pkl")), reader.calls
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"its data.pkl makes no sense ({type(error).__name__})") from error


class _Name(NamedTuple):
    """A class or function of the pickle: only ever compared."""

    dotted: str


class Thing(dict):
    """Something of a class that stays a name.   Attribute -> value, where it has such."""

    name = ""


class _Storage(NamedTuple):
    numbers: torch.Tensor  # all of an entry, one row


class _Reader:
    """The steps of a pickle that torch writes, on a stack of plain values."""

    def __init__(self, archive: zipfile.ZipFile, folder: str):
        self.archive, self.folder = archive, folder
        self.stack, self.marks, self.memo, self.storages = [], [], {}, {}
        self.calls: list[str] = []

    def run(self, data: bytes) -> Any:
        push, pop = self.stack.append, self.stack.pop
        for step, value, _ in pickletools.genops(data):
            match step.name:
                case "PROTO" | "FRAME":
                    pass
                case name if name in PUSHES:
                    push(value)
                case name if name in BUILT_IN:
                    push(BUILT_IN[name])
                case "MARK":
                    self.marks.append(len(self.stack))
                case "EMPTY_DICT":
                    push({})
                case "EMPTY_LIST":
                    push([])
                case "TUPLE1" | "TUPLE2" | "TUPLE3":
                    push(tuple([pop() for _ in range(int(step.name[-1]))][::-1]))
                case "TUPLE":
                    push(tuple(self._since_mark()))
                case "GLOBAL":
                    push(_Name(value.replace(" ", ".")))
                case "BINPUT" | "LONG_BINPUT":
                    self.memo[value] = self.stack[-1]
                case "BINGET" | "LONG_BINGET":
                    push(self.memo[value])
                case "APPEND" | "APPENDS":  # lists hold no weights
                    self._since_mark() if step.name == "APPENDS" else pop()
                case "SETITEM" | "SETITEMS":
                    pairs = self._since_mark() if step.name == "SETITEMS" else [pop(), pop()][::-1]
                    self._set(self.stack[-1], pairs)
                case "POP":
                    pop()
                case "NEWOBJ":
                    pop()
                    push(_thing(pop().dotted))
                case "BUILD":
                    self._build(pop(), self.stack[-1])
                case "BINPERSID":
                    push(self._storage(*pop()))
                case "REDUCE":
                    push(self._call(pop(), pop()))
                case "STOP":
                    return pop()
                case other:
                    raise UnpicklingError(f"its data.pkl has a step that torch does not write ({other})")
        raise ValueError("its data.pkl has no end")

    def _since_mark(self) -> list:
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def _set(self, target: dict, pairs: list) -> None:
        """Only names matter; a dictionary with other keys holds no weights."""
        if type(target) is dict:
            target.update((key, value) for key, value in zip(pairs[::2], pairs[1::2]) if isinstance(key, str))

    def _build(self, state: Any, target: Any) -> None:
        if isinstance(target, Thing) and type(state) is dict:
            target.update(state)
        elif type(target) is not dict:  # those have metadata, which hold no weights
            self.calls.append(target.name if isinstance(target, Thing) else "builtins.object")

    def _call(self, values: tuple, what: _Name) -> Any:
        if what.dotted == TENSOR:
            return _view(*values[:4])
        if what.dotted == PARAMETER:
            return values[0]
        if what.dotted == DICTIONARY:
            return {}
        if not what.dotted.startswith(TYPED):
            self.calls.append(what.dotted)
        return _thing(what.dotted)

    def _storage(self, kind: str, dtype: _Name, key: str, device: str, count: int) -> _Storage:
        if key not in self.storages:
            if dtype.dotted not in STORAGES:
                raise ValueError(f"it holds numbers of a kind that is not read here ({dtype.dotted})")
            content, dtype = _stored(self.archive, f"{self.folder}data/{key}"), STORAGES[dtype.dotted]
            if len(content) != count * dtype.itemsize:
                raise ValueError(
                    f"its entry data/{key} has {len(content):,} bytes, {count * dtype.itemsize:,} expected"
                )
            numbers = torch.frombuffer(bytearray(content), dtype=dtype) if content else torch.empty(0, dtype=dtype)
            self.storages[key] = _Storage(numbers)
        return self.storages[key]


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """An entry as it lies in the file: compressed ones, which TorchScript does not write, could be of any size."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"its entry {name} is compressed")
    return archive.read(name)


def _thing(name: str) -> Thing:
    thing = Thing()
    thing.name = name
    return thing


def _view(storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> torch.Tensor:
    count = math.prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    whole = storage.numbers.numel()
    if min((offset, *size, *stride)) < 0 or count > whole or (count and last >= whole):
        raise ValueError(f"a tensor {tuple(size)} lies outside its {whole:,} numbers")
    return storage.numbers.as_strided(size, stride, offset) if count else storage.numbers.new_empty(size)


def _tensors(root: Thing) -> dict[str, torch.Tensor]:
    found, waiting, text = {}, [("", root)], 0
    while waiting:
        prefix, module = waiting.pop()
        for name, value in module.items():
            if isinstance(value, Thing | torch.Tensor):
                text += len(prefix) + len(name) + 1
                if isinstance(value, Thing):
                    waiting.append((f"{prefix}{name}.", value))
                else:
                    found[prefix + name] = value
            if text > MOST_TEXT:
                raise ValueError("its modules hold each other without end")
    return found
