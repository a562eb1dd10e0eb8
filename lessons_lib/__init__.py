"""lessons_lib: adapting CLIP without retraining it. Every method of the course, once, behind one interface.

    import lessons_lib as ll
    clip = ll.load_clip("toyclip")
    task = ll.load_task("toy_flowers", shots=16, seed=1)
    ll.ZeroShot(clip).fit(task).score(task.test)      # percent, 0 to 100

Names are imported when first used, so `import lessons_lib` itself costs next to nothing.
"""

import importlib

__version__ = "0.1.0"

_HOME = {  # public name -> the module that defines it
    "Clip": "lessons_lib.clip",
    "load_clip": "lessons_lib.clip",
    "Split": "lessons_lib.data",
    "Task": "lessons_lib.data",
    "load_task": "lessons_lib.data",
    "image_features": "lessons_lib.features",
    "OpenSet": "lessons_lib.methods",
    "ZeroShot": "lessons_lib.methods",
    "LinearProbe": "lessons_lib.methods",
    "CoOp": "lessons_lib.methods",
    "CoCoOp": "lessons_lib.methods",
    "VPT": "lessons_lib.methods",
    "VisualPrompting": "lessons_lib.methods",
    "IVLP": "lessons_lib.methods",
    "MaPLe": "lessons_lib.methods",
    "KgCoOp": "lessons_lib.methods",
    "TextProbe": "lessons_lib.methods",
    "LPPlusPlus": "lessons_lib.methods",
    "CLIPAdapter": "lessons_lib.methods",
    "TipAdapter": "lessons_lib.methods",
    "DAPT": "lessons_lib.methods",
    "load_method": "lessons_lib.methods",
}
_SHORT = {"protocols": "runs.protocols"}  # modules that are offered here, too
_MODULES = (
    *_SHORT,
    "cli",
    "clip",
    "data",
    "device",
    "environment",
    "features",
    "files",
    "identity",
    "inputs",
    "methods",
    "metrics",
    "pretrain",
    "runs",
    "suggest",
    "teaching",
    "templates",
    "toyworld",
    "training",
)

__all__ = ["__version__", *_HOME]


def __getattr__(name: str):
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{_SHORT.get(name, name)}")
    from lessons_lib.suggest import nearest

    raise AttributeError(
        f"module 'lessons_lib' has no attribute {name!r}. {nearest(name, [*_HOME, *_MODULES])}".strip()
    )


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
