"""How a CLIP is pre-trained: what is learned from pairs of a picture and its caption, and the loop."""
