"""lessons_lib: adapting CLIP without retraining it. Every method of the course, once, behind one interface.

    import lessons_lib as ll
    clip = ll.load_clip("toyclip")
    task = ll.load_task("toy_flowers", shots=16, seed=1)
    ll.ZeroShot(clip).fit(task).score(task.test)      # percent, 0 to 100

Names are imported when first used, so `import lessons_lib` itself costs next to nothing. Every method is here by the
name of its class (`ll.CoOp`), whichever file defines it. One thing is done at once: where torch is not imported yet, it
is told how many threads to use, and how they wait (`threads`).
"""

import importlib
import pkgutil

from lessons_lib import threads

__version__ = "0.1.0"

threads.decide()

_HOME = {  # public name -> the module that defines it; the methods define themselves
    "Clip": "lessons_lib.clip",
    "load_clip": "lessons_lib.clip",
    "Split": "lessons_lib.data",
    "Task": "lessons_lib.data",
    "load_task": "lessons_lib.data",
    "image_features": "lessons_lib.features",
    "OpenSet": "lessons_lib.methods",
    "load_method": "lessons_lib.methods",
}
_SHORT = {"protocols": "runs.protocols"}  # modules that are offered here, too
_MODULES = (*_SHORT, *sorted(found.name for found in pkgutil.iter_modules(__path__)))


def __getattr__(name: str):
    if name == "__all__":
        return ["__version__", *_HOME, *_methods()]
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{_SHORT.get(name, name)}")
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif not name.startswith("_") and name in _methods():
        value = _methods()[name]
    else:
        from lessons_lib.suggest import nearest

        known = [*_HOME, *_MODULES, *([] if name.startswith("_") else _methods())]
        raise AttributeError(f"module 'lessons_lib' has no attribute {name!r}. {nearest(name, known)}".strip())
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(["__version__", *_HOME, *_methods(), *_MODULES])


def _methods() -> dict[str, type]:
    from lessons_lib.methods import METHODS

    return METHODS
