"""GLIP, number by number: the text tower, deep fusion, the alignment, which location speaks of what, the losses, and
GLIPv2's contrast between pictures. Convolutions are torch's.
"""

import math

import torch
from torch import Tensor

# --- reading


def layer_norm(ln, x: Tensor) -> Tensor:
    """x: (width,)."""
    centred = x - x.sum() / len(x)
    return centred / (centred.square().sum() / len(x) + ln.eps).sqrt() * ln.weight + ln.bias


def linear(layer, x: Tensor) -> Tensor:
    return layer.weight @ x + layer.bias


def text_block(block, rows: list[Tensor], there: int) -> list[Tensor]:
    """rows: of one text, of which the first `there` are tokens and the others fill up."""
    width = len(rows[0])
    per_head = width // block.heads
    normed = [layer_norm(block.ln_1, row) for row in rows]
    q, k, v = ([linear(block.qkv, row)[part * width : (part + 1) * width] for row in normed] for part in range(3))
    out = []
    for i, row in enumerate(rows):
        heads = []
        for head in range(block.heads):
            at = slice(head * per_head, (head + 1) * per_head)
            weights = [(q[i][at] @ k[j][at] / math.sqrt(per_head)).exp() for j in range(there)]
            heads.append(sum(w * v[j][at] for j, w in enumerate(weights)) / sum(weights))
        row = row + linear(block.out, torch.cat(heads))
        hidden = linear(block.mlp[0], layer_norm(block.ln_2, row))
        hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
        out.append(row + linear(block.mlp[2], hidden))
    return out


def token_states(words, embedded: Tensor, there: int) -> list[Tensor]:
    """embedded: (L, width of CLIP's) of one text."""
    rows = [linear(words.enter[1], layer_norm(words.enter[0], e)) + p for e, p in zip(embedded, words.positions)]
    for block in words.blocks:
        rows = text_block(block, rows, there)
    return [layer_norm(words.ln, row) for row in rows]


# --- fusion


def fuse(layer, regions: list[Tensor], words: list[Tensor], there: int) -> tuple[list[Tensor], list[Tensor]]:
    """Of one picture and one text: both behind X-MHA, from LN(v) and LN(l) on."""
    across = layer.across
    v, l = [layer_norm(layer.ln_regions, x) for x in regions], [layer_norm(layer.ln_words, x) for x in words]  # noqa: E741
    q, of_regions = [linear(across.query, x) for x in v], [linear(across.region_values, x) for x in v]
    k, of_words = [linear(across.key, x) for x in l], [linear(across.word_values, x) for x in l]
    per_head = len(q[0]) // across.heads
    read_v, read_l = [[] for _ in v], [[] for _ in l]
    for head in range(across.heads):
        at = slice(head * per_head, (head + 1) * per_head)
        similar = [[(q[a][at] @ k[b][at] / math.sqrt(per_head)).exp() for b in range(len(l))] for a in range(len(v))]
        for a in range(len(v)):
            row = similar[a][:there]
            read_v[a].append(sum(w * of_words[b][at] for b, w in enumerate(row)) / sum(row))
        for b in range(len(l)):
            column = [similar[a][b] for a in range(len(v))]
            read_l[b].append(sum(w * of_regions[a][at] for a, w in enumerate(column)) / sum(column))
    v = [x + layer.gamma_regions * linear(across.to_regions, torch.cat(r)) for x, r in zip(v, read_v)]
    l = [x + layer.gamma_words * linear(across.to_words, torch.cat(r)) for x, r in zip(l, read_l)]  # noqa: E741
    return v, l


def locations(levels: list[Tensor]) -> list[Tensor]:
    """Maps (width, h, w) of one picture -> their columns, level by level, row by row."""
    return [level[:, y, x] for level in levels for y in range(level.shape[1]) for x in range(level.shape[2])]


def maps(rows: list[Tensor], like: list[Tensor]) -> list[Tensor]:
    out, rows = [], list(rows)
    for level in like:
        height, width = level.shape[1:]
        out.append(torch.stack([torch.stack([rows.pop(0) for _ in range(width)], 1) for _ in range(height)], 1))
    return out


def compare(grounder, levels: list[Tensor], states: list[Tensor], there: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of one picture: S (A, L), deltas (A, 4), centerness's logits (A,)."""
    for layer in grounder.together:
        if grounder.fusion:
            rows, states = fuse(layer, locations(levels), states, there)
            levels = [layer.look(level[None])[0] for level in maps(rows, levels)]
            states = text_block(layer.read, states, there)
        else:
            levels = [layer.look(level[None])[0] for level in levels]
    v = locations(levels)
    s = alignment(grounder.alignment, torch.stack(v)[None], torch.stack(states)[None])[0]
    deltas, middles = ([linear(head, x) for x in v] for head in (grounder.mover, grounder.middle))
    return s, torch.stack(deltas), torch.cat(middles)


def said(grounder, pictures: Tensor, ids: Tensor, mask: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
    seen = grounder.pyramid(pictures)
    found = []
    for i, (row, there) in enumerate(zip(ids, mask.sum(dim=1).tolist())):
        states = token_states(grounder.words, grounder.embed(row), there)
        if grounder.offset is not None:
            states = [state + grounder.offset[place] for place, state in enumerate(states)]
        found.append(compare(grounder, [level[i] for level in seen.levels], states, there))
    return found


def of_method(method, pictures: Tensor) -> Tensor:
    """(regions of all pictures, C): the score of every class in every region, the surest region first."""
    grounder, classes = method.grounder, len(method.classnames)
    rows = [[] for _ in pictures]
    for places, prompt in method.prompts:
        ids = torch.tensor([prompt.ids] * len(pictures), device=pictures.device)
        for i, (s, _, middles) in enumerate(said(grounder, pictures, ids, torch.ones_like(ids, dtype=torch.bool))):
            for a, (row, middle) in enumerate(zip(s, middles)):
                scores = [0.0] * classes
                for place, span in zip(places, prompt.spans):
                    p = sum(1 / (1 + math.exp(-float(row[token]))) for token in span) / len(span)
                    scores[place] = math.sqrt(p / (1 + math.exp(-float(middle))))
                if method.fusion or len(rows[i]) <= a:
                    rows[i].append(scores)
                else:
                    rows[i][a] = [max(one, other) for one, other in zip(rows[i][a], scores)]
    return torch.tensor([row for of_picture in rows for row in sorted(of_picture, key=max, reverse=True)])


# --- comparing


def alignment(module, regions: Tensor, tokens: Tensor) -> Tensor:
    """(n, A, L)."""
    out = []
    for of_picture, states in zip(regions, tokens):
        for v in of_picture:
            for e in states:
                e = e / e.square().sum().sqrt()
                word = module.projection.weight @ (e / 2) + module.projection.bias
                out.append((v * word).sum() / module.log_scale.exp() + (e * module.lean).sum() + module.prior)
    return torch.stack(out).view(*regions.shape[:2], tokens.shape[1])


# --- what it should have said


def intersection_over_union(a: list[float], b: list[float]) -> float:
    wide, high = (max(0.0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
    areas = [(one[2] - one[0]) * (one[3] - one[1]) for one in (a, b)]
    return wide * high / (sum(areas) - wide * high)


def assigned(anchors: list[Tensor], truth: Tensor) -> list[int]:
    """ATSS: the number of the true box that each anchor speaks of, -1 for none."""
    every = [anchor for level in anchors for anchor in level.tolist()]
    owner, best = [-1] * len(every), [-1.0] * len(every)
    for number, box in enumerate(truth.tolist()):
        middle, candidates, start = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), [], 0
        for level in anchors:
            far = []
            for i in range(start, start + len(level)):
                x, y = (every[i][0] + every[i][2]) / 2, (every[i][1] + every[i][3]) / 2
                far.append((math.hypot(x - middle[0], y - middle[1]), i))
            candidates += [i for _, i in sorted(far)[:9]]
            start += len(level)
        overlaps = [intersection_over_union(every[i], box) for i in candidates]
        mean = sum(overlaps) / len(overlaps)
        spread = math.sqrt(sum((one - mean) ** 2 for one in overlaps) / (len(overlaps) - 1))
        for i, overlap in zip(candidates, overlaps):
            x, y = (every[i][0] + every[i][2]) / 2, (every[i][1] + every[i][3]) / 2
            inside = min(x - box[0], y - box[1], box[2] - x, box[3] - y) > 0.01
            if overlap >= mean + spread and inside and overlap > best[i]:
                owner[i], best[i] = number, overlap
    return owner


def moved(anchor: Tensor, deltas: Tensor) -> Tensor:
    """R-CNN's parametrisation, with Faster R-CNN's weights."""
    side, middle = anchor[2:] - anchor[:2], (anchor[:2] + anchor[2:]) / 2
    middle, side = middle + deltas[:2] / 10 * side, side * (deltas[2:] / 5).exp()
    return torch.cat([middle - side / 2, middle + side / 2])


def focal(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    total, positives = 0, 0
    for picture in range(len(logits)):
        for row, wanted in zip(logits[picture], targets[picture]):
            positives += any(wanted.tolist())
            for token in range(logits.shape[2]):
                if mask[picture, token]:
                    p = 1 / (1 + (-row[token]).exp())
                    if wanted[token] == 1:
                        total = total - 0.25 * (1 - p) ** 2 * p.log()
                    else:
                        total = total - 0.75 * p**2 * (1 - p).log()
    return total / max(1, positives)


def boxes(found: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    total = 0
    for a, b, weight in zip(found, truth, weights):
        area = [(one[2] - one[0]) * (one[3] - one[1]) for one in (a, b)]
        wide = (torch.minimum(a[2], b[2]) - torch.maximum(a[0], b[0])).clamp(min=0)
        high = (torch.minimum(a[3], b[3]) - torch.maximum(a[1], b[1])).clamp(min=0)
        union = area[0] + area[1] - wide * high
        around = (torch.maximum(a[2], b[2]) - torch.minimum(a[0], b[0])) * (
            torch.maximum(a[3], b[3]) - torch.minimum(a[1], b[1])
        )
        total = total + weight * (1 - (wide * high / union - (around - union) / around))
    return 2 * total / weights.sum()


def centerness(x: float, y: float, box: list[float]) -> float:
    left, top, right, bottom = x - box[0], y - box[1], box[2] - x, box[3] - y
    if min(left, top, right, bottom) <= 0:
        return 0.0
    return math.sqrt(min(left, right) / max(left, right) * min(top, bottom) / max(top, bottom))


def loss(grounder, pictures: Tensor, ids: Tensor, mask: Tensor, truth: list[Tensor], told: list[Tensor]) -> Tensor:
    """Focal, boxes and centerness of a batch.   truth: n of (m, 4); told: n of (m, L)."""
    anchors = list(grounder.anchors.split(grounder.per_level))
    every = torch.cat(anchors)
    targets = torch.zeros(len(pictures), len(every), ids.shape[1])
    found, wanted, weights, unsure, logits = [], [], [], [], []
    for i, (s, deltas, middles) in enumerate(said(grounder, pictures, ids, mask)):
        logits.append(s)
        spoken = [m for m, tokens in enumerate(told[i]) if any(tokens.tolist())]
        for a, m in enumerate(assigned(anchors, truth[i][spoken])):
            if m >= 0:
                targets[i, a] = told[i][spoken[m]]
                box = truth[i][spoken[m]]
                x, y = ((every[a][:2] + every[a][2:]) / 2).tolist()
                found.append(moved(every[a], deltas[a]))
                wanted.append(box)
                weights.append(centerness(x, y, box.tolist()))
                p = 1 / (1 + (-middles[a]).exp())
                unsure.append(-weights[-1] * p.log() - (1 - weights[-1]) * (1 - p).log())
    total = focal(torch.stack(logits), targets, mask)
    if not found:
        return total
    return total + boxes(torch.stack(found), torch.stack(wanted), torch.tensor(weights)) + sum(unsure) / len(unsure)


def between_pictures(module, regions: list[Tensor], words: Tensor, told: list[Tensor], said: Tensor, mask: Tensor):
    """GLIPv2's L_inter.   regions: n of (R_i, width), those that show something; words: (n, L, width)."""
    rows, columns, fit = [], [], []
    for i, of_picture in enumerate(regions):
        rows += [(i, r, v) for r, v in enumerate(of_picture)]
    for j, of_text in enumerate(words):
        columns += [(j, t, w) for t, w in enumerate(of_text) if mask[j, t]]
    for i, r, _ in rows:
        says = {int(said[i, t]) for t in range(said.shape[1]) if told[i][r, t]} - {0}
        fit.append([bool(told[i][r, t]) if i == j else int(said[j, t]) in says for j, t, _ in columns])

    def unit(x: Tensor) -> Tensor:
        return x / x.square().sum().sqrt()

    o = [unit(linear(module.of_region, x)) for *_, x in rows]
    p = [unit(linear(module.of_word, x)) for *_, x in columns]
    g = [[v @ w / module.log_scale.exp() for w in p] for v in o]
    total = 0
    for r in range(len(rows)):
        if any(fit[r]):
            sums = sum(one.exp() for one in g[r]).log()
            total = total - sum(g[r][c] - sums for c in range(len(columns)) if fit[r][c]) / sum(fit[r])
    for c in range(len(columns)):
        whose = [r for r in range(len(rows)) if fit[r][c]]
        if whose:
            sums = sum(g[r][c].exp() for r in range(len(rows))).log()
            total = total - sum(g[r][c] - sums for r in whose) / len(whose)
    return total / 2 / len(rows)
