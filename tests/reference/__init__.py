"""The prompt-learning methods as published, literally and slowly: what the library's fast paths must equal.

Written from the papers alone, on nothing but open_clip's module and tokenizer (`clip.model`, `clip.tokenizer`): every
prompt at the full context length, the image tower at every step. Each function takes the tensors that its method
learns, by the names that they have there. Tests compare values and gradients; benchmarks compare time and memory.
"""
