"""How a CLIP is pre-trained: what is learned from pairs of a picture and its caption, and the loop.

loop        the one loop: streamed pairs, steps, checkpoints; passes: a fixed set of pairs in its place
losses      CLIP's contrast, and the bag of words that it is compared with; grouping: GroupViT's
slip        CLIP, SimCLR and SLIP as objectives of the loop; views: what they see of a picture
gathering   one batch over several processes
trunk       the image tower before its projection, for probes and neighbours
"""
