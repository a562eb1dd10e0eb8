"""Groups: cut, named, judged by the truth; and the model that ships."""

import json

import pytest
import torch

from lessons_lib import toyworld
from lessons_lib.clip.building import make_tokenizer
from lessons_lib.clip.copies import frozen_copy
from lessons_lib.clip.grouping import GroupingCLIP
from lessons_lib.data import Masks, Split
from lessons_lib.data.toys import SceneImages
from lessons_lib.methods import METHODS
from lessons_lib.pretrain.grouping import GroupingTowers, grouping_loss
from lessons_lib.teaching import trained_models
from lessons_lib.teaching.lesson12 import groups, naming, shipped, toy


@pytest.fixture(scope="module")
def scenes():
    return toyworld.draw_several("toy_masks", "val", count=6)


@pytest.fixture(scope="module")
def pictures(scenes):
    drawn, classes = scenes
    return Split(
        SceneImages(drawn), Masks(toyworld.class_masks(drawn, classes)), toyworld.SEVERAL["toy_masks"].classnames
    )


@pytest.fixture(scope="module")
def newborn(toyclip):
    return toy.newborn(toyclip, seed=1)


@pytest.fixture(scope="module")
def kept(newborn, toyclip, tmp_path_factory):
    model, cfg = newborn
    folder = tmp_path_factory.mktemp("trained")
    said = toyclip.tokenize([f"a photo of a {name}." for name in toyworld.SEVERAL["toy_masks"].classnames])
    with torch.no_grad():
        model.token_embedding.weight[said.flatten()] += 0.1  # as if they had been trained
    shipped.keep(model, cfg, toy.PREPROCESS_CFG, said.flatten().tolist(), {"steps": 0}, folder)
    return folder


def test_the_oracle_names_the_truth_itself_rightly_and_one_group_by_what_is_most(pictures):
    truth = pictures.targets.masks.long()
    assert torch.equal(groups.by_oracle(truth * 3 + 1, truth), truth)
    alone = groups.by_oracle(torch.zeros_like(truth), truth)
    assert all(set(one.unique().tolist()) == {0} for one in alone)  # background is most of every picture


def test_things_are_found_where_a_group_fits_them(pictures):
    truth = pictures.targets.masks.long()
    assert groups.found_things(truth, truth) == [100] * 6
    assert groups.found_things(torch.zeros_like(truth), truth) == [0] * 6


def test_agreement_is_full_for_the_same_cut_under_other_names_and_none_for_chance(pictures):
    truth = pictures.targets.masks.long()
    assert groups.agreement(20 - truth, truth) == pytest.approx([100] * 6)
    noise = torch.randint(16, truth.shape, generator=torch.Generator().manual_seed(0))
    assert max(abs(value) for value in groups.agreement(noise, truth)) < 2


def test_parts_lie_inside_things_and_are_more(scenes, pictures):
    parts, truth = groups.parts_at(scenes[0], 64), pictures.targets.masks.long()
    assert ((parts >= 0) == (truth > 0)).float().mean() > 0.97  # at an edge another part may show most
    assert all(len(part.unique()) >= len(mask.unique()) for part, mask in zip(parts, truth))


def test_k_means_parts_a_picture_of_two_colours():
    picture = torch.zeros(1, 3, 16, 16)
    picture[:, :, :, 8:] = 1
    maps = groups.k_means(groups.colours(picture, 4), 2)
    assert maps.shape == (1, 2, 4, 4) and torch.equal(maps.sum(dim=1), torch.ones(1, 4, 4))
    at = groups.at_pixels(maps, 16)[0]
    assert (at[:, :6] == at[0, 0]).all() and (at[:, 10:] == at[0, 15]).all() and at[0, 0] != at[0, 15]


def test_names_are_those_of_the_method_at_any_threshold(newborn, pictures):
    model, cfg = newborn
    vit = frozen_copy(model, cfg, toy.PREPROCESS_CFG, make_tokenizer("groupvit", cfg), name="groupvit")
    for maps in ("soft", "hard"):
        found = naming.by_groupvit(vit, pictures, maps)
        for threshold in (0.0, 0.1, 0.95):
            method = METHODS["GroupViT"](vit, threshold, maps=maps)
            method.set_classes(pictures.classnames)
            assert torch.equal(naming.answers(found, threshold, 64), method.predict(pictures))


def test_probabilities_are_the_methods_formula_and_nothing_beyond_the_likeliest():
    draws = torch.Generator().manual_seed(0)
    of_groups, of_picture = torch.randn(2, 3, 9, generator=draws), torch.randn(2, 9, generator=draws)
    p = naming.probabilities(of_groups, of_picture, top=4)
    for picture in range(2):
        likeliest = of_picture[picture].topk(4).indices.tolist()
        for group in range(3):
            logits = of_groups[picture, group]
            among = logits[likeliest].softmax(dim=0)
            for place, c in enumerate(likeliest):
                assert p[picture, group, c] == pytest.approx((logits.softmax(0)[c] * among[place]).item(), rel=1e-5)
    assert (p > 0).sum() == 2 * 3 * 4


def test_clusters_of_patches_are_named_by_the_same_rule(toyclip, pictures):
    found = naming.by_clusters(toyclip, pictures, clusters=3)
    assert found.maps.shape == (6, 3, 8, 8) and found.scores.shape == (6, 3, 20)
    assert torch.equal(naming.answers(found, 0.0, 64) > 0, torch.ones(6, 64, 64, dtype=torch.bool))


def test_the_best_threshold_is_in_the_middle_of_those_that_are():
    assert naming.best([1, 3, 3, 3, 2], [0.1, 0.2, 0.3, 0.4, 0.5]) == 0.3
    assert naming.best([5, 1], [0.1, 0.2]) == 0.1


def test_it_starts_where_toyclip_ended(newborn, toyclip):
    model, _ = toy.newborn(toyclip, seed=3)
    theirs = toyclip.model
    assert torch.equal(model.visual.conv1.weight, theirs.visual.conv1.weight)
    assert torch.equal(model.token_embedding.weight, theirs.token_embedding.weight)
    flat = [block for stage in model.visual.stages for block in stage]
    for mine, its in zip(flat, theirs.visual.transformer.resblocks, strict=True):
        assert torch.equal(mine.attn.in_proj_weight, its.attn.in_proj_weight)
    tokens = model.visual.group_tokens[0]
    assert torch.pdist(tokens).min() > tokens.mean(dim=0).norm() / 2
    shares = model.visual.groups(torch.randn(4, 3, 64, 64)).soft[0]
    assert shares.amax(dim=1).mean() > 0.2, "a choice is a choice from the start, not a draw from equal shares"


def test_from_nothing_it_is_the_seeds_and_another_clip_is_refused(clip):
    one, _ = toy.newborn(None, seed=4)
    two, _ = toy.newborn(None, seed=4)
    assert isinstance(one, GroupingCLIP) and torch.equal(one.visual.conv1.weight, two.visual.conv1.weight)
    with pytest.raises(ValueError, match="do not fit: give load_clip"):
        toy.newborn(clip)


def test_a_batch_of_its_pairs_can_be_learned_from(newborn):
    pairs = toy.pairs_with_nouns(2)
    pictures, texts = pairs.draw(8, seed=0)
    assert all(len(row) == 3 for row in texts)
    model, _ = newborn
    found = GroupingTowers(model.train())(toy.normaliser()(pictures), pairs.tokenize(texts))
    assert grouping_loss(*found).isfinite()
    model.eval()


def test_what_was_kept_comes_back_with_the_tokens_that_are_said(kept, newborn, toyclip):
    model, _ = newborn
    vit = shipped.groupvit(toyclip, kept)
    texts = ["a photo of a mug.", "a photo of a tree."]
    with torch.no_grad():
        wanted = model.eval().encode_text(toyclip.tokenize(texts), normalize=True)
    torch.testing.assert_close(vit.encode_texts(texts).cpu(), wanted, rtol=1e-2, atol=5e-3)  # 16 bits
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(vit.model.visual(x.to(vit.device)).cpu(), model.visual(x), rtol=2e-2, atol=2e-2)
    assert (kept / "groupvit.safetensors").stat().st_size < 11e6


def test_another_clip_and_a_damaged_file_are_refused(kept, toyclip, clip, tmp_path):
    with pytest.raises(ValueError, match="give load_clip\\('toyclip'\\)"):
        shipped.groupvit(clip, kept)
    path = tmp_path / "groupvit.safetensors"
    path.write_bytes((kept / "groupvit.safetensors").read_bytes()[:-100])
    page = json.loads((kept / "groupvit.json").read_text())
    page.pop("weights")
    trained_models.with_page(path, page)
    with pytest.raises(ValueError, match="is damaged"):
        shipped.groupvit(toyclip, tmp_path)
