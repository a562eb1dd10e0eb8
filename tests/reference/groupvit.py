"""GroupViT's computation literally, from the paper's description: groups one after the other, tokens one after the
other; the losses picture by picture, noun by noun."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from . import text


def through_blocks(blocks, x: Tensor) -> Tensor:
    for block in blocks:
        x = block(x)  # open_clip's own
    return x


def normed(ln, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], ln.weight, ln.bias, ln.eps)


def mixed(mix, g: Tensor) -> Tensor:
    """(N, before, d) -> (N, after, d), channel after channel."""
    g = normed(mix.ln, g)
    channels = [mix.second(F.gelu(mix.first(g[:, :, c]))) for c in range(g.shape[2])]
    return torch.stack(channels, dim=2)


def cross_attended(block, g: Tensor, x: Tensor) -> Tensor:
    d, e = g.shape[-1], g.shape[-1] // block.heads
    q, (k, v), heads = block.cross_q(normed(block.ln_cross, g)), block.cross_kv(x).split(d, dim=-1), []
    for one in torch.arange(d).split(e):
        heads.append((q[..., one] @ k[..., one].transpose(1, 2) / e**0.5).softmax(dim=-1) @ v[..., one])
    return g + block.cross_out(torch.cat(heads, dim=-1))


def grouped(block, x: Tensor, g: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """(N, L, d), (N, G, d) -> (N, G, d); shares (N, G, L) without noise, and the choice, one token after the other."""
    x = normed(block.ln_x, x)
    g = cross_attended(block, g + mixed(block.mix, g), x)
    q, k, v = block.q(g), block.k(x), block.v(x)
    out, all_shares, choices = [], [], []
    for n in range(len(x)):
        sums, counts = [0.0] * g.shape[1], [0.0] * g.shape[1]
        shares, choice = [], []
        for token in range(x.shape[1]):
            scores = torch.stack([(q[n, i] * k[n, token]).sum() / q.shape[-1] ** 0.5 for i in range(g.shape[1])])
            noisy = scores if noise is None else scores + noise[n, :, token]
            soft = noisy.softmax(dim=0)
            mine = F.one_hot(soft.argmax(), g.shape[1]).float() + soft - soft.detach()
            for i in range(g.shape[1]):
                sums[i], counts[i] = sums[i] + mine[i] * v[n, token], counts[i] + mine[i]
            shares.append(scores.softmax(dim=0))
            choice.append(mine)
        rows = [g[n, i] + block.out(sums[i] / (counts[i] + 1)) for i in range(g.shape[1])]
        out.append(torch.stack(rows))
        all_shares.append(torch.stack(shares, dim=1))
        choices.append(torch.stack(choice, dim=1))
    g = torch.stack(out)
    return g + block.mlp(normed(block.ln_mlp, g)), torch.stack(all_shares), torch.stack(choices)


def tower(visual, images: Tensor, noises=(None, None)) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """-> the last groups (N, G, d), layer-normed; shares and choices of each grouping."""
    patches = visual.conv1(images)
    x = patches.reshape(*patches.shape[:2], -1).permute(0, 2, 1) + visual.positional_embedding
    x, g, shares, choices = normed(visual.ln_pre, x), None, [], []
    for stage, block in enumerate(visual.grouping):
        start = visual.group_tokens[stage].repeat(len(x), 1, 1)
        g = start if stage == 0 else start + mixed(visual.from_before[stage], g)
        rows, length = through_blocks(visual.stages[stage], torch.cat([x, g], dim=1)), x.shape[1]
        g = rows[:, length:]
        x, soft, hard = grouped(block, rows[:, :length], g, noises[stage])
        shares.append(soft)
        choices.append(hard)
    return normed(visual.ln_post, through_blocks(visual.stages[-1], x)), shares, choices


def pixel_scores(clip, images: Tensor, texts: Tensor, *, threshold: float, top: int, hard: bool = False):
    """-> (N, K, S, S) scores of the things, (N,) what a thing needs, and (N, S, S) bool: where there is background."""
    visual, scale = clip.model.visual, clip.model.logit_scale.exp()
    tokens, shares, choices = tower(visual, images)
    found, needed, background = [], [], []
    for n in range(len(images)):
        maps = None
        for each in choices if hard else shares:
            maps = each[n] if maps is None else each[n] @ maps
        maps = F.interpolate(maps.reshape(1, len(maps), *visual.grid_size), images.shape[-2:], mode="bilinear")[0]
        of_picture = F.normalize(visual.projection(tokens[n].mean(dim=0)[None])[0], dim=0)
        likeliest = (texts @ of_picture).argsort(descending=True)[:top].tolist()
        scores = []
        for token in tokens[n]:
            e = F.normalize(visual.projection(token[None])[0], dim=0)
            terms = [(scale * (e * t).sum()).exp() for t in texts.double()]
            of_all, of_likely = sum(terms), sum(terms[c] for c in likeliest)
            scores.append([(terms[c] / of_all) * (terms[c] / of_likely) if c in likeliest else 0.0
                           for c in range(len(texts))])  # fmt: skip
        scores = torch.tensor(scores, dtype=torch.float64)  # (G, K)
        mine = scores[maps.argmax(dim=0)].permute(2, 0, 1)  # (K, S, S)
        found.append(mine)
        needed.append(min(threshold, scores.max().item()))
        background.append(mine.amax(dim=0) < needed[-1])
    return torch.stack(found).float(), torch.tensor(needed), torch.stack(background)


def of_method(method, images: Tensor) -> Tensor:
    """(N, C, S, S): things' scores; of the background, what a thing needs."""
    clip, things = method.clip, [name for name in method.classnames if name != "background"]
    each = [text.hand_made(clip, things, template) for template in method.templates or [method.task_template]]
    texts = F.normalize(sum(each) / len(each), dim=-1)
    hard = method.maps == "hard"
    scores, needed, _ = pixel_scores(clip, images, texts, threshold=method.threshold, top=method.top, hard=hard)
    if "background" not in method.classnames:
        return scores
    needed = needed[:, None, None, None].expand_as(scores[:, :1])
    place = method.classnames.index("background")
    return torch.cat([scores[:, :place], needed, scores[:, place:]], dim=1)


def info_nce(f: Tensor, w: Tensor, scale) -> Tensor:
    rows = [-(scale * f[i] @ w[i]) + torch.logsumexp(scale * w @ f[i], dim=0) for i in range(len(f))]
    columns = [-(scale * w[i] @ f[i]) + torch.logsumexp(scale * f @ w[i], dim=0) for i in range(len(f))]
    return (sum(rows) + sum(columns)) / (2 * len(f))


def noun_loss(f: Tensor, u: Tensor, scale) -> Tensor:
    """u: (N, K, D)."""
    n, k = u.shape[:2]
    to_nouns, to_pictures = 0.0, 0.0
    for i in range(n):
        among = torch.stack([scale * (f[i] * u[j, m]).sum() for j in range(n) for m in range(k)]).logsumexp(dim=0)
        for m in range(k):
            to_nouns = to_nouns + (among - scale * (f[i] * u[i, m]).sum()) / (k * n)
            pictures = torch.stack([scale * (u[i, m] * f[j]).sum() for j in range(n)])
            to_pictures = to_pictures + (pictures.logsumexp(dim=0) - pictures[i]) / (k * n)
    return (to_nouns + to_pictures) / 2


def training_loss(model, images: Tensor, tokens: Tensor, noises) -> Tensor:
    """tokens: (N, 1 + K, L); the tower's noise as given; batch norm over the batch."""
    rows, *_ = tower(model.visual, images, noises)
    f = F.normalize(batch_projected(model.visual.projection, rows.mean(dim=1)), dim=-1)

    def texts(ids: Tensor) -> Tensor:
        x = model.token_embedding(ids) + model.positional_embedding
        x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask))
        x = x[torch.arange(len(x)), ids.argmax(dim=-1)]
        return F.normalize(batch_projected(model.text_projection, x), dim=-1)

    w, u = texts(tokens[:, 0]), texts(tokens[:, 1:].flatten(0, 1)).unflatten(0, tokens[:, 1:].shape[:2])
    first, second = model.logit_scale.exp(), model.noun_logit_scale.clamp(max=math.log(100)).exp()
    return info_nce(f, w, first) + noun_loss(f, u, second)


def batch_projected(projection, x: Tensor) -> Tensor:
    x = x @ projection.first.weight.T
    mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
    x = (x - mean) / (variance + projection.norm.eps).sqrt() * projection.norm.weight + projection.norm.bias
    return F.relu(x) @ projection.second.weight.T + projection.second.bias
