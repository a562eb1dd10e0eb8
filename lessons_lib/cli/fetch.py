"""`lessons fetch`: the literature's data sets and the weights of real CLIPs, fetched or checked."""

import argparse
import os
import sys

from lessons_lib.cli.arguments import aligned
from lessons_lib.files import in_bytes
from lessons_lib.suggest import nearest

EXAMPLES = """\
examples:
  lessons fetch --list                          the sets, their sizes and licences
  lessons fetch eurosat dtd --root DATA         two data sets, into the folders where load_task looks
  lessons fetch all --verify --root DATA        count what is there, name what is missing, fetch nothing
  lessons fetch ViT-B-16-quickgelu:openai       a real CLIP, for later without a network
  lessons fetch hf-hub:organisation/repository  one that lies at Hugging Face

Size, licence, address and folder are said before anything is fetched. What broke off goes on where it was; what is
complete is left alone; nothing is unpacked that is not the published file. docs/datasets.md says more.
"""
MODEL = "ViT-B-16-quickgelu:openai"  # that of the prompt-learning papers


def add(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "fetch", help="data sets and real CLIPs", description=__doc__.partition(": ")[2], epilog=EXAMPLES
    )
    parser.add_argument("what", nargs="*", metavar="NAME", help="a data set, 'all' of them, or ARCHITECTURE:TAG")
    parser.add_argument("--root", metavar="FOLDER", help="the folder above the data sets (default: $LESSONS_DATA)")
    parser.add_argument("--verify", action="store_true", help="check what is here, fetch nothing")
    parser.add_argument("--list", action="store_true", help="the data sets, their sizes and licences")
    parser.add_argument("--keep-archives", action="store_true", help="do not remove archives that were unpacked")
    return parser


def run(args: argparse.Namespace) -> int:
    from lessons_lib.data.published import PUBLISHED, ROOT_VARIABLE

    if args.list:
        print(listing())
        return 0
    if not args.what:
        raise ValueError("say what: a data set, or a CLIP as ARCHITECTURE:TAG. --list shows the data sets")
    names = [name for given in args.what for name in (PUBLISHED if given == "all" else [given])]
    models = [name for name in names if _is_model(name)]
    sets = [name for name in names if name not in models]
    root = args.root or os.environ.get(ROOT_VARIABLE)
    for name in sets:
        if name not in PUBLISHED:
            hint = nearest(name, PUBLISHED) or f"There are {', '.join(PUBLISHED)}; a CLIP is named like {MODEL}."
            raise ValueError(f"no data set is called {name!r}. {hint}")
    if sets and not root:
        raise ValueError(f"say where to put data sets: --root FOLDER (or set {ROOT_VARIABLE})")
    problems = [_data_set(name, root, args) for name in sets] + [_weights(name, args.verify) for name in models]
    return 1 if any(problems) else 0


def listing() -> str:
    """A line a set: its name, its title, what there is to fetch, its licence."""
    import pandas as pd

    from lessons_lib.data.published import PUBLISHED

    rows = []
    for name, one in PUBLISHED.items():
        sizes = [source.size for source in one.sources if source.is_archive]
        size = "by hand" if one.by_hand else in_bytes(sizes[0]) if sizes and sizes[0] else "size unknown"
        rows.append({"name": name, "title": one.title, "size": size, "licence": one.licence})
    return aligned(pd.DataFrame(rows))


def _is_model(name: str) -> bool:
    return ":" in name


def _data_set(name: str, root: str, args: argparse.Namespace) -> bool:
    """Whether something is wrong with it; the others can still be fetched."""
    from lessons_lib.data.published.fetching import fetch
    from lessons_lib.data.published.splits import verify

    try:
        counted = verify(name, root) if args.verify else fetch(name, root, keep_archives=args.keep_archives)
    except (OSError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return True
    if args.verify:
        print(counted)
    return bool(counted.problems)


def _weights(model: str, verify: bool) -> bool:
    """Fetches a CLIP's weights where they are not here, and fits them into the model; whether something is wrong."""
    if verify:
        os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported
    from lessons_lib.clip import load_clip

    name, tag = (model, None) if model.startswith("hf-hub:") else model.split(":", 1)
    try:
        if tag == "":
            raise ValueError(f"{model!r} has no tag: write ARCHITECTURE:TAG, such as {MODEL}")
        load_clip(name, tag, device="cpu", precision="fp32")
    except (OSError, ValueError) as error:  # ConnectionError is an OSError
        print(f"{model}: {error}", file=sys.stderr)
        return True
    print(f"{model}: complete")
    return False
