"""Long work that scales: what is to run, one file of what has run, on this machine's processes or on a Ray cluster.

    from lessons_lib.runs import Bench, Store, run

    plan = Bench(methods=["CoOp", "ZeroShot"], tasks=["toy_pets"], shots=[1, 4], seeds=[1, 2]).plan()
    with Store("pets.sqlite") as store:
        run(plan, store)                        # what is in the file already is not run again
        store.rows(plan)                        # a measurement a row, exactly of what the plan asks for

Bench says methods × tasks × shots × seeds under one protocol; cells that are listed one by one are a
`Plan(FitAndTest(...), [Cell(...), ...])`; any other kind of work is a class of its own (`Work`).
In a script, call `run` under `if __name__ == "__main__":`, since every process that it starts imports the script.
`lessons bench` and `lessons report` are the same on the command line; docs/cluster.md is about clusters.
"""

import importlib

_HOME = {  # imported when first used
    "Bench": "sweep", "Cell": "cell", "FitAndTest": "cell", "Plan": "plan", "Store": "store", "Summary": "driver",
    "run": "driver", "Work": "work", "Row": "work", "Result": "work", "Place": "work", "PeakMemory": "memory",
}  # fmt: skip

__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
