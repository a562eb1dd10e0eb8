"""The family of CLIP as entries: what each freezes, what it trains, on what, and what it is asked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """One system. number: its own result, or a release's; limit: what it does not do; read: where to read on."""

    name: str
    year: int
    branch: str
    frozen: str
    trained: str
    supervision: str
    asked: str
    idea: str
    number: str = "no one number: see the paper"
    limit: str = ""
    read: str = ""


_ROWS = (
    ("CLIP", 2021, "root", "nothing", "both towers", "400 million pairs", "which text fits?",
     "A picture and its caption are drawn together, all others in the batch apart.",
     "level with the original ResNet-50 on ImageNet, without its labels", "it chooses; it does not write",
     "Radford et al., ICML 2021"),
    ("CoOp", 2022, "prompts", "both towers", "M context vectors", "a few labelled pictures", "which class?",
     "The words around a class name become vectors that are learned.", "about +15 points at 16 shots, mean of 11",
     "weaker on classes that it did not train on", "Zhou et al., IJCV 2022; lesson 04"),
    ("ProDA", 2022, "prompts", "both towers", "many prompts", "a few labelled pictures", "which class?",
     "Many prompts; a Gaussian over the classifiers that they make.", "", "many prompts cost many text passes",
     "Lu et al., CVPR 2022"),
    ("PLOT", 2023, "prompts", "both towers", "several prompts a class", "a few labelled pictures", "which class?",
     "Several prompts are matched to the patches of a picture by optimal transport.",
     "70.6 at one shot, mean of 11, ViT-B/16 (release)", "a transport for each picture and class",
     "Chen et al., ICLR 2023"),
    ("UPT", 2022, "prompts", "both towers", "one small transformer", "a few labelled pictures", "which class?",
     "One small transformer makes the prompts of both towers.", "", "still bound to its classes",
     "Zang et al., 2022"),
    ("MVLPT", 2024, "prompts", "both towers", "prompts, moved on", "eleven tasks, then one", "which class?",
     "Prompts are pre-trained on many tasks and then moved to one.", "", "needs related tasks first",
     "Shen et al., WACV 2024"),
    ("VideoCLIP", 2021, "video", "S3D features", "two transformers", "videos and their speech", "which video?",
     "Pairs overlap in time rather than coincide; negatives are near neighbours.", "",
     "frozen features of another network", "Xu et al., EMNLP 2021"),
    ("CLIP4Clip", 2022, "video", "nothing", "CLIP, slowly", "captioned videos", "which video?",
     "Frames go through CLIP one by one; their mean is the video.", "", "a mean knows no order",
     "Luo et al., Neurocomputing 2022"),
    ("ActionCLIP", 2021, "video", "nothing", "CLIP and a transformer", "videos of named actions", "which action?",
     "Labels become sentences; a transformer looks along the frames.",
     "Kinetics-400 82.3 with 32 frames (release)", "needs labelled actions", "Wang et al., 2021"),
    ("VQGAN-CLIP", 2022, "drawing", "CLIP and VQGAN", "the code of one picture", "one sentence", "draw it",
     "A gradient on a generator's code, through many crops.", "", "slow, and a picture at a time",
     "Crowson et al., ECCV 2022"),
    ("CLIPDraw", 2022, "drawing", "CLIP", "the strokes", "one sentence", "draw it",
     "A gradient on strokes, through many views; no generator.", "", "what pleases CLIP need not please us",
     "Frans et al., NeurIPS 2022"),
    ("CLIPasso", 2022, "drawing", "CLIP", "the strokes", "one photo", "sketch it",
     "Few strokes that keep what early and last layers say of a photo.",
     "16 strokes, the best of three starts (release)", "follows a photo, no sentence", "Vinker et al., SIGGRAPH 2022"),
    ("PointCLIP", 2022, "depth", "both towers", "nothing, or an adapter", "none, or a few clouds", "which shape?",
     "A point cloud is seen as depth maps from several sides, which vote.",
     "ModelNet40 86.7 at 16 shots (release)", "zero-shot is far below", "Zhang et al., CVPR 2022"),
    ("DepthCLIP", 2022, "depth", "both towers", "nothing", "none", "how far?",
     "Each patch is compared with words of distance; the bins are averaged.", "", "coarse bins, chosen for a room",
     "Zhang et al., ACM MM 2022"),
    ("LSeg", 2022, "regions", "text tower", "image tower", "masks", "which pixels?",
     "Text gives the classifier of each pixel.", "PASCAL-5i 47.4, mean of four folds", "masks are expensive",
     "Li et al., ICLR 2022; lesson 11"),
    ("GroupViT", 2022, "regions", "nothing", "both towers", "captions", "which pixels?",
     "Patches gather in groups; captions alone teach it.", "VOC 52.3", "few things in a picture",
     "Xu et al., CVPR 2022; lesson 12"),
    ("ViLD", 2022, "regions", "CLIP", "a detector", "boxes of some classes", "where?",
     "A detector learns CLIP's vectors of crops.", "LVIS rare 16.1 (APr)", "long training",
     "Gu et al., ICLR 2022; lesson 13"),
    ("GLIP", 2022, "regions", "nothing", "both, fused", "boxes and phrases", "where?",
     "Detection is finding the words of a prompt.", "COCO zero-shot 49.8", "text cannot be kept once fused",
     "Li et al., CVPR 2022; lesson 14"),
    ("SLIP", 2022, "training", "nothing", "both towers", "pairs, and views", "which text?",
     "CLIP's loss and self-supervision, added.", "ImageNet zero-shot 37.6 to 42.8", "three picture passes for one",
     "Mu et al., ECCV 2022; lesson 15"),
    ("AudioCLIP", 2022, "sound", "nothing", "three towers", "videos", "which sound?",
     "Three towers, three pairwise losses.", "ESC-50 zero-shot 69.4", "full training leaves CLIP's old space",
     "Guzhov et al., ICASSP 2022; lesson 16"),
)  # fmt: skip
FAMILY = tuple(Member(*(cell or "no one number here: see the paper" for cell in row)) for row in _ROWS)
BRANCHES = tuple(dict.fromkeys(member.branch for member in FAMILY))
