"""Sweeps that scale: methods × tasks × shots × seeds in one SQLite file, on local processes or on a Ray cluster.

    from lessons_lib.bench import Bench, Store, run

    spec = Bench(methods=["CoOp", "ZeroShot"], tasks=["toy_pets"], shots=[1, 4], seeds=[1, 2])
    with Store("pets.sqlite") as store:
        run(spec, store)                        # what is in the file already is not run again
        store.rows()                            # an accuracy a row, as in `protocols`

In a script, call `run` under `if __name__ == "__main__":`, since every process that it starts imports the script.
`lessons bench` and `lessons report` are the same on the command line; docs/cluster.md is about clusters.
"""

import importlib

_HOME = {"Bench": "spec", "Store": "store", "Summary": "driver", "run": "driver"}  # imported when first used

__all__ = ["Bench", "Store", "Summary", "run"]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
