"""Fetch the weights of real CLIPs, or check them.

    python data_scripts/fetch/download_weights.py ViT-B-16-quickgelu:openai

Weights go into Hugging Face's cache, where `load_clip` finds them, also without a network. Each model is named as
ARCHITECTURE:TAG or hf-hub:organisation/repository. Size and address are said first, a download that broke off goes on
where it was, and every file is read and fitted into its model once. `--verify` does that with what is here already.
"""

from __future__ import annotations

import argparse
import os
import sys

DEFAULT = ["ViT-B-16-quickgelu:openai"]  # the model of the prompt-learning papers


def check(model: str) -> str | None:
    """Fetches a model's weights where they are not here, and loads them; says what is wrong, None if nothing is."""
    import lessons_lib as ll

    name, tag = (model, None) if model.startswith("hf-hub:") else (*model.partition(":")[::2],)
    if tag == "":
        return f"{model!r} has no tag: write ARCHITECTURE:TAG, such as {DEFAULT[0]}"
    try:
        ll.load_clip(name, tag, device="cpu", precision="fp32")
    except (OSError, ValueError) as error:  # ConnectionError is an OSError
        return str(error)
    return None


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Fetch weights of real CLIPs into Hugging Face's cache.")
    parser.add_argument("models", nargs="*", default=DEFAULT, help=f"ARCHITECTURE:TAG (default: {DEFAULT[0]})")
    parser.add_argument("--verify", action="store_true", help="load what is on this machine, fetch nothing")
    args = parser.parse_args(argv)
    if args.verify:
        os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported
    failed = 0
    for model in args.models:
        problem = check(model)
        print(f"{model}: complete" if problem is None else f"{model}: {problem}", file=sys.stderr if problem else None)
        failed += problem is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
