"""The words of a CLIP's table, to look up what lies near a learned row."""

from torch import Tensor

from lessons_lib.clip import Clip


def moved_words(clip: Clip) -> tuple[Tensor, list[str]]:
    """Whole words as (V, d) and as they are spelled. Of ToyCLIP those that its captions used: the rest of its table is
    as random as on the day it was made, and shorter."""
    table = clip.model.token_embedding.weight.detach()  # (all tokens, d)
    spelled = {i: token[:-4] for i, token in clip.tokenizer.decoder.items() if token.endswith("</w>")}
    whole = [i for i, word in spelled.items() if word.isascii() and word.isalpha()]
    if clip.name == "toyclip":
        length = table.norm(dim=1)
        whole = [i for i in whole if length[i] > 1.3 * length.median()]
    return table[whole], [spelled[i] for i in whole]
