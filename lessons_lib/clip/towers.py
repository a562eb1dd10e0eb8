"""The text tower opened up: from token ids to embeddings, and from embeddings to the joint space.

open_clip runs every text at its full context (77 positions for CLIP). Under the causal mask a position never sees what
comes after it, and the text's embedding is read at its end-of-text position, so everything behind the last end-of-text
of a batch may be cut: the values are the same.
"""

import torch
from open_clip.model import CLIP
from torch import nn


class TextTower:
    """The text half of an open_clip model, in steps. Holds references to the model's parts, no weights of its own.

    `cuts` says whether the steps apply: open_clip's own CLIP class, causal, read at the end-of-text token. Other
    towers (text models from Hugging Face, CoCa, SigLIP) are run whole by the model's own `encode_text`.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.cuts = (
            isinstance(model, CLIP) and model.attn_mask is not None and model.text_pool_type in ("argmax", "eos")
        )

    def end_positions(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens: (N, L) -> (N,): where each text's embedding is read, its first end-of-text token."""
        if self.model.text_pool_type == "eos":
            return (tokens == self.model.text_eos_id).int().argmax(dim=-1)
        return tokens.argmax(dim=-1)  # end-of-text has the highest id

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens: (N, L) -> (N, L, d): token embeddings, before the positional embedding is added."""
        return self.model.token_embedding(tokens)

    def encode_embeddings(self, embeddings: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
        """Runs the tower from token embeddings.

        embeddings: (N, L, d) from `embed`, L at most the context length; ends: (N,) positions to read.
        Returns (N, D), not normalised.
        """
        model, length = self.model, embeddings.shape[1]
        x = embeddings + model.positional_embedding[:length]  # (N, L, d)
        x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])  # (N, L, d)
        x = x[torch.arange(len(x), device=x.device), ends]  # (N, d)
        x = model.ln_final(x)
        if isinstance(model.text_projection, nn.Linear):
            return model.text_projection(x)  # (N, D)
        return x if model.text_projection is None else x @ model.text_projection

    def encode(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens: (N, L) from the model's tokenizer -> (N, D), not normalised; equal to `model.encode_text(tokens)`."""
        if not self.cuts:
            return self.model.encode_text(tokens)
        ends = self.end_positions(tokens)  # (N,)
        tokens = tokens[:, : int(ends.max()) + 1] if len(tokens) else tokens  # nothing behind the last end is read
        return self.encode_embeddings(self.embed(tokens), ends)
