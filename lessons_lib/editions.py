"""The ToyCLIPs that were shipped, so that what was made with an earlier one can be told what it was made for."""

EDITIONS = {  # fingerprint of the weights -> what they are
    "110ad51a42072e81382f55a89025cb2b2a8231f9c02016a7735bc0b07abf262f": "the first ToyCLIP, of 21 November 2026",
}


def weights_in_words(name: str, fingerprint: str) -> str:
    """ "the first ToyCLIP, of 21 November 2026", or "ViT-B-16, weights 0123456789ab"."""
    return EDITIONS.get(fingerprint, f"{name}, weights {fingerprint[:12]}")
