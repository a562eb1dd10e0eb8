"""State dicts in other clothes: names that wrappers or transformers gave to CLIP's weights, put into open_clip's.

    module.visual.proj, _orig_mod.module.visual.proj, model.clip.visual.proj      wrapped once or more
    vision_model.encoder.layers.0.self_attn.q_proj.weight                         transformers' CLIPModel
Where a file holds something else, `what_else` says what that is and what to do with it.
"""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

INSIDE = re.compile(r"(?<![^.])(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")  # wrapped parts
ANCHOR = "logit_scale"  # every CLIP has it, beside its towers
TRANSFORMERS = "text_model.embeddings.token_embedding.weight"
TOWERS = (("vision_model.", "visual."), ("text_model.", ""))
RENAMED = (  # within a tower, in this order
    (r"embeddings\.class_embedding$", "class_embedding"),
    (r"embeddings\.patch_embedding\.", "conv1."),
    (r"embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"embeddings\.token_embedding\.", "token_embedding."),
    (r"pre_layrnorm\.", "ln_pre."),  # spelt so by transformers
    (r"post_layernorm\.", "ln_post."),
    (r"final_layer_norm\.", "ln_final."),
    (r"encoder\.layers\.", "transformer.resblocks."),
    (r"\.layer_norm(\d)\.", r".ln_\1."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
)
BESIDE_CTX = {"token_prefix", "token_suffix", "proj.weight", "meta_net.linear1.weight"}
OTHERS = (  # what a name tells of a file that is no CLIP's
    (r"(^|\.)lora_[AB]\.", "LoRA's changes, apart from the weights that they change: merge them where they were "
     "learned (in peft: merge_and_unload), and save the whole model's state_dict()"),
    (r"(^|\.)vision_model\.head\.", "SigLIP's weights under transformers' names, which are not read: open_clip has the "
     "same weights, as in load_clip('ViT-B-16-SigLIP', pretrained='webli')"),
    (r"(^|\.)(qformer|text_decoder|language_model|lm_head|unet|down_blocks)\.", "a model of another family, in which "
     "a CLIP is at most a part: take the CLIP's own weights"),
)  # fmt: skip


def in_open_clips(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under open_clip's names. Names that are open_clip's already stay.

    Raises ValueError where the file holds several CLIPs, or one beside tensors of something else.
    """
    tensors = _unwrapped(tensors)
    return _from_transformers(tensors) if TRANSFORMERS in tensors else tensors


def is_prompts(names: Iterable[str]) -> bool:
    """Whether these are the prompts that CoOp, CoCoOp, MaPLe and those after them release."""
    names = {name.removeprefix("module.") for name in names}
    return "prompt_learner.ctx" in names or ("ctx" in names and (len(names) == 1 or bool(names & BESIDE_CTX)))


def what_else(names: Iterable[str]) -> str:
    """What a file with these names holds that is no CLIP's, and what to do; "" where they tell nothing."""
    names = list(names)
    if is_prompts(names):
        return "learned prompts, not CLIP's weights: load_method(path, clip, classnames=…) makes a method of them"
    return next((words for pattern, words in OTHERS if any(re.search(pattern, name) for name in names)), "")


def _unwrapped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    inside = _renamed(tensors, lambda name: INSIDE.sub("", name))
    heads = sorted({name.removesuffix(ANCHOR) for name in inside if f".{name}".endswith(f".{ANCHOR}")})
    if len(heads) > 1:
        raise ValueError(
            f"holds several CLIPs, under {', '.join(map(repr, heads))}: save the state_dict() of one alone"
        )
    head = heads[0] if heads else _common_head(inside)
    beside = [name for name in inside if not name.startswith(head)]
    if beside:
        raise ValueError(
            f"holds a CLIP under '{head}' and {len(beside)} more tensors, such as '{beside[0]}', which would be lost: "
            "save the state_dict() of the CLIP alone"
        )
    return _renamed(inside, lambda name: name.removeprefix(head))


def _common_head(names: Iterable[str]) -> str:
    """What all names begin with, where that is no tower's own name: "module.", "model.clip."."""
    split, head = [name.split(".") for name in names], []
    for parts in zip(*(parts[:-1] for parts in split)):
        if len(set(parts)) > 1 or parts[0] in ("visual", "text", "transformer", "vision_model", "text_model"):
            break
        head.append(parts[0] + ".")
    return "".join(head)


def _renamed(tensors: Mapping[str, Tensor], rule) -> dict[str, Tensor]:
    """Raises ValueError where two tensors would have one name."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if rule(name) in renamed:
            raise ValueError(f"holds '{rule(name)}' twice, wrapped in different ways: save one state_dict() alone")
        renamed[rule(name)] = tensor
    return renamed


def _from_transformers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a `CLIPModel`: queries, keys and values are apart there, and projections are linear layers, the transpose."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith("position_ids"):  # 0, 1, 2, …: dropped in 4.31
            continue
        if name in ("visual_projection.weight", "text_projection.weight"):
            found["visual.proj" if name.startswith("visual") else "text_projection"] = tensor.T.contiguous()
            continue
        part = re.search(r"\.self_attn\.([qkv])_proj\.(weight|bias)$", name)
        if part is None:
            found[_renamed_in_tower(name)] = tensor
        elif part[1] == "q":
            three = [tensors.get(name.replace(".q_proj.", f".{one}_proj.")) for one in "qkv"]
            if all(one is not None and one.shape == tensor.shape for one in three):
                layer = _renamed_in_tower(name[: part.start() + 1])
                found[f"{layer}attn.in_proj_{part[2]}"] = torch.cat(three)
    return found


def _renamed_in_tower(name: str) -> str:
    for theirs, ours in TOWERS:
        if name.startswith(theirs):
            inside = name.removeprefix(theirs)
            for pattern, words in RENAMED:
                inside = re.sub(pattern, words, inside)
            return ours + inside
    return name
