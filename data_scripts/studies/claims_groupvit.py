"""What GroupViT claims (Xu et al., CVPR 2022), and what is asked of it here.

F22 to F27 are of the one model that ships: intervals over test pictures, from the page beside its weights, which
`study_groupvit.py` writes.
"""

from pathlib import Path
from typing import Any

from lessons_lib.metrics import effect_between, finding
from lessons_lib.teaching import trained_models

NAME = "groupvit"
CLAIMS = {  # and how many of the differences, from the first on, are claimed to be above nothing
    "F22": ("groups from captions alone, named by texts, beat CLIP's own patches, untrained, and k-means of them", 2),
    "F23": ("its grouping is good and its naming is the limit: with names from the truth most of the way is gone", 2),
    "F24": ("soft maps of groups, which are not what was trained, give a better mIoU than hard ones", 1),
    "F25": ("no threshold for the background fits every set of names", 1),
    "F26": ("groups follow things: better than clusters of colours do, and better than they follow parts", 2),
    "F27": ("the more things, the fewer of them have a group of their own", 1),
}


def recorded_claims(trained: Path = trained_models.TRAINED) -> dict[str, dict]:
    """F22 to F27; where the model is not there `seen` is None and `missing` says what to run."""
    if (trained / f"{NAME}.json").exists():
        return of_shipped(trained_models.about(NAME, trained))
    missing = f"it is not trained yet: pretrain_groupvit.py, then python {trained_models.SCRIPTS[NAME]}"
    return {
        key: {"claim": claim, "seen": None, "effects": {}, "missing": missing} for key, (claim, _) in CLAIMS.items()
    }


def of_shipped(page: dict[str, Any]) -> dict[str, dict]:
    """page: "findings", claim -> what is subtracted -> mean, low, high; "pictures", how many."""
    found = {}
    for key, (claim, wanted) in CLAIMS.items():
        sizes = [(name, effect_between(one | {"n": page["pictures"]})) for name, one in page["findings"][key].items()]
        claimed = [(name, size, +1) for name, size in sizes[:wanted]]
        found[key] = finding(claim, *claimed, other=dict(sizes[wanted:]))
    return found
