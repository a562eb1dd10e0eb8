"""GLIPv2: the contrast between pictures is the published computation, and masks are learned while all else stays."""

import pytest
import torch
from noise_task import NAMES, box_split, box_task, caption_split
from reference import glip as published
from reference.comparing import assert_same, values_and_gradients
from tiny_clip import tiny_clip

from lessons_lib.methods import load_method
from lessons_lib.methods.detect.glip import GLIP
from lessons_lib.methods.detect.glipv2 import GLIPv2
from lessons_lib.methods.detector import Detections
from lessons_lib.methods.parts.grounded_inputs import GroundedInputs, numbered
from lessons_lib.methods.parts.mask_head import mask_loss, pasted, resized
from lessons_lib.methods.parts.phrases import Phrases, letters_of, stacked
from lessons_lib.methods.parts.region_word_contrast import RegionWordContrast, contrast_both_ways, fits

SMALL = {"image_size": 32, "width": 16, "layers": 1, "text_layers": 1, "anchor": 1.5}


@pytest.fixture(scope="module")
def clip():
    return tiny_clip()


def made(clip, **settings):
    return GLIPv2(clip, **{**SMALL, **settings}).for_classes(NAMES)


def asked(clip):
    """Three prompts, of which two say "key", and what is told of two, one and no regions."""
    phrases = Phrases(clip.tokenizer, 48)
    caption = "a key and a red hat"
    prompts = [
        phrases.of_names(["key", "tea pot"]),
        phrases.of_caption(caption, letters_of(caption, ["key", "red hat"])),
        phrases.of_names(["owl"]),
    ]
    ids, mask = stacked(prompts, torch.device("cpu"))
    told = [torch.zeros(count, ids.shape[1]) for count in (2, 1, 0)]
    for row, spans in ((told[0][0], prompts[0].spans[1]), (told[0][1], prompts[0].spans[0])):
        row[list(spans)] = 1
    told[1][0, list(prompts[1].spans[1])] = 1
    return prompts, mask, told, numbered(prompts, ids.shape[1])


def numbers(seed=0):
    draws = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = RegionWordContrast(6)
    torch.nn.init.constant_(module.log_scale, -0.4)
    return module, torch.randn(3, 6, generator=draws), torch.randn(3, 20, 6, generator=draws)


def test_the_contrast_and_its_gradients_are_the_literal_ones(clip):
    _, mask, told, said = asked(clip)
    module, regions, words = numbers()
    words = words[:, : mask.shape[1]]
    learned = dict(module.named_parameters())
    fast = lambda: contrast_both_ways(module(regions, words[mask]), fits(told, said, mask))[None]  # noqa: E731
    each = regions.split([len(rows) for rows in told])
    slow = lambda: published.between_pictures(module, each, words, told, said, mask)[None]  # noqa: E731
    found, wanted = (values_and_gradients(loss, list(learned.values())) for loss in (fast, slow))
    assert all(gradient.abs().max() > 0 for gradient in wanted[1:])
    assert_same(found, wanted, ["loss", *learned], 1e-4)


def test_a_key_is_no_negative_of_key_in_another_picture(clip):
    prompts, mask, told, said = asked(clip)
    wanted = fits(told, said, mask)
    lengths = [len(prompt.ids) for prompt in prompts]
    pot, key, hat = (row.split(lengths) for row in wanted)
    assert [part.sum().item() for part in pot] == [2, 0, 0]
    assert [part.nonzero().flatten().tolist() for part in key[:2]] == [list(prompts[i].spans[0]) for i in (0, 1)]
    assert [part.sum().item() for part in hat] == [0, 2, 0] and not key[2].any()


def test_in_one_picture_it_is_the_contrast_within_that_picture(clip):
    """Regions with what they are told against all words there, softmaxed both ways; what others say has no part."""
    _, mask, told, said = asked(clip)
    module, regions, words = numbers()
    here = mask[:1]
    logits = module(regions[:2], words[:1, : mask.shape[1]][here])
    found = contrast_both_ways(logits, fits(told[:1], said[:1], here))
    alone = told[0][:, here[0]]
    by_region = -(alone / alone.sum(1, keepdim=True) * logits.log_softmax(dim=1)).sum()
    share = alone / alone.sum(0).clamp(min=1)
    by_word = -(share * logits.log_softmax(dim=0)).sum()
    torch.testing.assert_close(found, (by_region + by_word) / 2 / 2)


def batch_of(method, splits, rows):
    inputs = GroundedInputs(splits, method.phrases, size=32, device=torch.device("cpu"), seed=1)
    rows = torch.tensor(rows)
    return next(inputs.batches(1, [rows])), inputs.split.targets.batch(rows)


def test_its_loss_is_glips_and_the_contrast(clip):
    none, some = made(clip, contrast=0.0), made(clip, contrast=0.5)
    given = batch_of(none, [box_split(5, 1), caption_split(5, 6)], [0, 1, 4, 6])
    glip = GLIP(clip, **SMALL).for_classes(NAMES)
    glip.load_state_dict({name: value for name, value in none.state_dict().items() if name.startswith("grounder.")})
    some.load_state_dict(none.state_dict())
    assert torch.equal(none.loss(*given), glip.loss(*given))
    more = some.loss(*given) - glip.loss(*given)
    more.backward()
    assert more > 0 and some.between.of_word.weight.grad.abs().max() > 0
    assert some.grounder.pyramid.back.weight.grad.abs().max() > 0, "regions before fusion learn from it"
    nothing = batch_of(none, [box_split(5, 1)], [4])
    assert torch.equal(some.loss(*nothing), glip.loss(*nothing)), "a batch without a thing"


# --- masks


def masks_of(split):
    """Of every box its upper left half."""
    found = []
    for boxes, (height, width) in zip(split.targets.boxes, split.targets.sizes):
        rows = torch.zeros(len(boxes), height, width, dtype=torch.bool)
        for row, (left, top, right, bottom) in zip(rows, boxes.int().tolist()):
            row[top:bottom, left : (left + right) // 2] = True
        found.append(rows)
    return found


@pytest.fixture(scope="module")
def masked(clip):
    split = box_task().train
    method = made(clip)
    before = {name: value.clone() for name, value in method.state_dict().items()}
    return method.fit_masks(split, masks_of(split), epochs=10, lr=0.01, progress=False), before


def test_masks_are_learned_while_all_else_stays(masked):
    method, before = masked
    moved = {name.split(".")[0] for name, value in method.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"mask_head"} and not method.masking and method.flip and method.history == []
    assert all(p.requires_grad for p in method.parameters())


def test_masks_say_which_pixels_of_a_box_show_its_thing(masked, tmp_path):
    method, _ = masked
    split = box_split(6, 9)
    given = zip(split.targets.boxes, split.targets.labels)
    truth = [Detections(boxes, torch.ones(len(boxes)), labels) for boxes, labels in given]
    found, wanted = method.masks(split, truth), masks_of(split)
    assert [tuple(one.shape) for one in found] == [tuple(one.shape) for one in wanted]
    one, other = torch.cat(found) > 0.5, torch.cat(wanted)
    share = (one & other).sum() / (one | other).sum()
    boxes = box_masks(split)
    assert share > 1.15 * (boxes & other).sum() / (boxes | other).sum(), "better than the whole box"
    assert not (one & ~boxes).any(), "nothing outside of the box"
    again = load_method(method.save(tmp_path / "v2.safetensors"), method.clip)
    assert all(torch.equal(a, b) for a, b in zip(again.masks(split, truth), found))


def box_masks(split):
    rows = []
    for boxes in split.targets.boxes:
        for left, top, right, bottom in boxes.int().tolist():
            rows.append(torch.zeros(32, 32, dtype=torch.bool))
            rows[-1][top:bottom, left:right] = True
    return torch.stack(rows)


def test_the_loss_of_masks_is_of_what_lies_in_the_boxes():
    masks = torch.zeros(1, 32, 32)
    masks[:, 7:25, 7:25] = 1
    rois = torch.tensor([[0.0, 8, 8, 24, 24]])
    sure = torch.full((1, 28, 28), 20.0)
    assert mask_loss(sure, rois, masks) < 1e-6 < mask_loss(-sure, rois, masks)
    masks[:, :6] = 1
    assert mask_loss(sure, rois, masks) < 1e-6, "outside of the box nothing counts"
    assert mask_loss(sure[:0], rois[:0], masks[:0]) == 0
    assert pasted(sure, rois[:, 1:], 32)[0, 10:22, 10:22].min() > 0.99
    assert pasted(sure[:0], rois[:0, 1:], 32).shape == (0, 32, 32)


def test_masks_that_do_not_fit_are_refused(clip):
    method, split = made(clip), box_split(5, 1)
    masks = masks_of(split)
    for given, words in (
        (masks[:3], "5 pictures need masks each, one a box; got those of 3"),
        (
            [*masks[:4], torch.zeros(2, 32, 32)],
            r"picture 4 has 0 boxes .* its masks are \(0, 32, 32\); got \(2, ",
        ),
        ([masks[0][:, :16], *masks[1:]], r"picture 0 has 1 boxes and 32 × 32 pixels"),
    ):
        with pytest.raises(ValueError, match=words):
            method.fit_masks(split, given, progress=False)
    with pytest.raises(ValueError, match="contrast=-1"):
        GLIPv2(clip, contrast=-1)


def test_masks_of_larger_pictures_become_as_small_as_what_it_looks_at(clip):
    split = box_split(5, 1)
    for masks in masks_of(split):
        larger = masks.repeat_interleave(2, 1).repeat_interleave(3, 2)  # 64 high, 96 wide
        assert torch.equal(resized(larger, 32), masks.float())
    method = made(clip)
    assert {tuple(one.shape[1:]) for one in method.masks(split, method.detect(split))} == {(32, 32)}
