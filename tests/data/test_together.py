"""Transforms that move targets with pictures."""

import pytest
import torch
from noise_task import mask_split, noise_split
from open_clip.transform import PreprocessCfg
from PIL import Image
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.functional import pil_to_tensor

from lessons_lib.clip.transforms import Transforms
from lessons_lib.data.together import augment, preprocess, together


@pytest.fixture(params=["bicubic", "bilinear"])
def transforms(request):
    return Transforms(PreprocessCfg(size=24, interpolation=request.param))


def picture(width=60, height=40):
    return Image.fromarray(
        torch.randint(256, (height, width, 3), generator=torch.Generator().manual_seed(1)).byte().numpy()
    )


@pytest.mark.parametrize("mode", ["shortest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_a_picture_becomes_what_the_model_takes(mode, interpolation):
    transforms = Transforms(PreprocessCfg(size=24, interpolation=interpolation, resize_mode=mode))
    image, label = together(preprocess(transforms), picture(), 3)
    assert label == 3 and torch.allclose(image, transforms.preprocess(picture()), atol=1e-6)


def test_an_augmented_picture_is_the_published_one(transforms):
    torch.manual_seed(4)
    image, _ = together(augment(transforms, (0.3, 1.0)), picture(), 0)
    torch.manual_seed(4)
    assert torch.allclose(image, transforms.make_augment((0.3, 1.0))(picture()), atol=1e-6)


def test_another_size_can_be_asked_for(transforms):
    image, mask = together(
        preprocess(transforms, 48), picture(), tv_tensors.Mask(torch.zeros(40, 60, dtype=torch.uint8))
    )
    assert image.shape == (3, 48, 48) and mask.shape == (48, 48)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("make", [preprocess, augment])
def test_a_mask_is_cut_and_mirrored_like_its_picture_by_nearest(make, seed):
    """A picture in two flat colours, and the mask of one of them: whatever is done, they still lie on each other."""
    mask = torch.zeros(40, 60, dtype=torch.uint8)
    mask[8:30, 5:41] = 7
    image = Image.fromarray((mask[:, :, None].expand(-1, -1, 3) // 7 * 255).contiguous().numpy())
    transforms = Transforms(PreprocessCfg(size=24, mean=(0, 0, 0), std=(1, 1, 1), interpolation="bilinear"))
    torch.manual_seed(seed)
    pixels, moved = together(make(transforms), image, tv_tensors.Mask(mask))
    assert set(moved.unique().tolist()) <= {0, 7} and moved.shape == pixels.shape[1:] and moved.dtype == torch.uint8
    sure = (pixels[0] < 0.02) | (pixels[0] > 0.98)
    assert sure.float().mean() > 0.7 and torch.equal(moved[sure] == 7, pixels[0][sure] > 0.5)


def test_boxes_are_moved_and_clipped():
    boxes = tv_tensors.BoundingBoxes([[0.0, 10.0, 20.0, 30.0], [20, 0, 40, 40]], format="XYXY", canvas_size=(40, 60))
    transforms = Transforms(PreprocessCfg(size=20))
    _, target = together(preprocess(transforms), picture(), {"boxes": boxes, "labels": torch.tensor([1, 2])})
    assert target["boxes"].tolist() == [[0, 5, 5, 15], [5, 0, 15, 20]] and target["labels"].tolist() == [1, 2]


def test_a_splits_transform_moves_its_masks():
    split = mask_split(3, seed=1).with_transform(v2.RandomHorizontalFlip(p=1.0))
    image, mask = split[1]
    assert torch.equal(mask, split.targets.masks[1].flip(1))
    assert torch.equal(pil_to_tensor(image), split.tensor()[1].flip(2))


def test_a_transform_of_pictures_alone_is_refused_for_masks_and_taken_for_labels(transforms):
    with pytest.raises(ValueError, match="a Mask has to move with them: give a transform of torchvision.transforms.v2"):
        mask_split(1, seed=1).with_transform(transforms.preprocess)[0]
    assert noise_split(1, 1).with_transform(transforms.preprocess)[1][1] == 1


def test_a_model_that_pads_is_refused():
    with pytest.raises(ValueError, match="resize_mode='longest'"):
        preprocess(Transforms(PreprocessCfg(size=24, resize_mode="longest")))


def test_a_mask_of_another_size_than_its_picture_is_refused_not_stretched(transforms):
    mask = tv_tensors.Mask(torch.zeros(60, 40, dtype=torch.uint8))
    with pytest.raises(ValueError, match="a mask of 40 × 60 pixels does not belong to a picture of 60 × 40"):
        together(preprocess(transforms), picture(), mask)
