"""IVLP: independent vision-language prompts, MaPLe's baseline (Khattak et al., CVPR 2023, section 3.2 and table 1).

Learned rows on both sides, in each of the first J blocks, and nothing that ties the two sides together:
    text    [SOS] u_1 … u_b of a name . [EOS]; before blocks 2 … J rows 1 … b are replaced by sets of their own
    image   [class, patches, z_1 … z_p], before `ln_pre`, replaced before blocks 2 … J likewise
Text alone ("deep language prompting") and images alone ("deep vision prompting") are settings of it.
"""

from lessons_lib.methods.parts.cost import BOTH_WAYS
from lessons_lib.methods.parts.independent_prompts import IndependentPrompts


class IVLP(IndependentPrompts):
    """Independent prompts on both sides.

    n_ctx_text, n_ctx_vision: learned rows a block on each side; 0 leaves that side as it is.
    depth_text, depth_vision: J of each side; None for all blocks, as released.
    ctx_init: the visible words, whose first `n_ctx_text` are learned; the others stay. With more rows than words all
        start at random and no word is left. Both as released.
    Published training: lr 0.0035 (0.0025 for one side alone), batches of 4, 5 epochs.
    Raises ValueError for models that cannot be prompted, and depths beyond their blocks.

    ctx: (b, d), deep_ctx: (J−1, b, d), visual_ctx: (p, d_v), deep_visual_ctx: (J−1, p, d_v): what is learned.
    """

    LR, BATCH_SIZE, EPOCHS = 0.0035, 4, 5
    PER_IMAGE = 1.25 / BOTH_WAYS
