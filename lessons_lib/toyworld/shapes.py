"""Signed distances of the shapes that ToyWorld is drawn with, and the patterns that can fill them.

A distance is negative inside a shape, positive outside, in units of half a picture (a picture spans -1 … 1 both ways,
y down). Every function takes the coordinates of each pixel in the shape's own frame, `x, y: (S, H, W)` for S shapes,
and the shape's numbers, each `(S, 1, 1)`. Formulas follow Inigo Quilez, "2D distance functions" (iquilezles.org), some
in a cheaper approximate form: only the zero line has to be exact, since distances are used for one pixel of
anti-aliasing.
"""

import math

import torch
from torch import Tensor

TAU = 2 * math.pi


def ellipse(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """Half-axes a, b."""
    xa, yb = x / a, y / b
    k = torch.sqrt(xa * xa + yb * yb + 1e-8)
    return k * (k - 1) / torch.sqrt((xa / a) ** 2 + (yb / b) ** 2 + 1e-8)


def box(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """Half-sides a, b; corners rounded with radius p. With p = min(a, b) it is a capsule."""
    dx, dy = x.abs() - (a - p), y.abs() - (b - p)
    return torch.hypot(dx.clamp(min=0), dy.clamp(min=0)) + torch.maximum(dx, dy).clamp(max=0) - p


def trapezoid(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """Bottom half-width a, half-height b, top half-width p (0: a triangle), the top moved sideways by q."""
    t = 0.5 - 0.5 * y / b  # 0 at the bottom, 1 at the top
    slope = (q.abs() + (a - p).abs()) / (2 * b)
    side = ((x - q * t).abs() - (a + (p - a) * t)) / torch.sqrt(1 + slope * slope)
    return torch.maximum(side, y.abs() - b)


def star(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """Outer radius a, p points, inner radius q·a; a regular polygon where q = cos(π/p)."""
    half = math.pi / p
    angle = (torch.atan2(x, -y) % (2 * half) - half).abs()  # 0 in a notch, half at a tip
    radius = torch.hypot(x, y)
    u, v = radius * torch.cos(angle), radius * torch.sin(angle)
    inner, tip_u, tip_v = a * q, a * torch.cos(half), a * torch.sin(half)
    edge_u, edge_v = tip_u - inner, tip_v
    return ((u - inner) * edge_v - v * edge_u) / torch.sqrt(edge_u**2 + edge_v**2)


def petals(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """p petals of length a around the middle, the valleys at radius q·a; b < 1 blunt, b > 1 pointed petals."""
    wave = torch.cos(torch.atan2(x, -y) * p / 2).abs().clamp(min=1e-4) ** b
    return (torch.hypot(x, y) - a * (q + (1 - q) * wave)) * 0.7


def arc(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """Part of a ring of radius a and half-thickness b, up to p degrees to both sides of straight up; p = 180 is a
    full ring.
    """
    half = torch.deg2rad(p)
    s, c = torch.sin(half), torch.cos(half)
    u, v = x.abs(), -y
    on_ring = (torch.hypot(u, v) - a).abs()
    on_end = torch.hypot(u - s * a, v - c * a)
    return torch.where(c * u > s * v, on_end, on_ring) - b


def moon(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """A disc of radius a without a disc of radius b that lies p to the right."""
    return torch.maximum(torch.hypot(x, y) - a, b - torch.hypot(x - p, y))


def wave(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """A sine-shaped band: half-length a, half-thickness b, amplitude p, q waves a unit of length."""
    steep = TAU * q * p
    line = (y - p * torch.sin(TAU * q * x)).abs() / torch.sqrt(1 + (steep * torch.cos(TAU * q * x)) ** 2)
    return torch.maximum(line - b, x.abs() - a)


def leaf(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """Two arcs that meet in points: half-length a (along x), half-width b."""
    radius = (a * a + b * b) / (2 * b)
    return torch.hypot(x, y.abs() + radius - b) - radius


def dome(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """The part of an ellipse (half-axes a, b) that lies above the height y = p·b; p = 0 is its upper half."""
    return torch.maximum(ellipse(x, y, a, b, p, q), y - p * b)


def cup(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """The outline of a rounded box (half-sides a, b, corner radius p) without its top side: a U; half-thickness q."""
    dx, dy = x.abs() - (a - p), y - (b - p)
    outline = (torch.hypot(dx.clamp(min=0), dy.clamp(min=0)) + torch.maximum(dx, dy).clamp(max=0) - p).abs() - q
    return torch.maximum(outline, -b - y)


SHAPES = {f.__name__: f for f in (ellipse, box, trapezoid, star, petals, arc, moon, wave, leaf, dome, cup)}

# How p and q change when a shape is drawn at s times its size: multiplied by s (1), kept (0), divided by s (-1).
SCALES_WITH = {"box": (1, 0), "trapezoid": (1, 1), "moon": (1, 0), "wave": (1, -1), "cup": (1, 1)}


# --- patterns: (u, v) in cells, w: width of an edge in cells, d: duty (how much is covered) -> coverage in 0 … 1


def _edge(distance: Tensor, w: Tensor) -> Tensor:
    return (0.5 - distance / w).clamp(0, 1)


def _tri(u: Tensor) -> Tensor:
    """Distance to the nearest whole number, 0 … 0.5."""
    return (u - u.round()).abs()


def _hash(i: Tensor, j: Tensor, phase: Tensor) -> Tensor:
    """A pseudo-random number in 0 … 1 for each cell; whole-number arithmetic, so every device agrees."""
    h = i.long() * 374761393 + j.long() * 668265263 + (phase * 65536).long() * 2147483647
    h = ((h ^ (h >> 13)) * 1274126177) & 0x7FFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFF).float() / 65535


def stripes(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    return _edge(_tri(u) - d / 2, w)


def dots(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    u = u + 0.5 * (v.round() % 2)
    return _edge(torch.hypot(u - u.round(), v - v.round()) - d / 2, w)


def checks(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    return (0.5 + torch.sin(TAU * u / 2) * torch.sin(TAU * v / 2) / w / 2).clamp(0, 1)


def zigzag(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    return _edge(_tri(u + _tri(v)) - d / 2, w)


def ripples(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    return _edge(_tri(u + 0.25 * torch.sin(TAU * v / 2)) - d / 2, w)


def grid(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    return _edge(torch.minimum(_tri(u), _tri(v)) - d / 2, w)


def bricks(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    u = u / 2 + 0.5 * (torch.floor(v + 0.5) % 2)
    return _edge(torch.minimum(2 * _tri(u), 0.5 - _tri(v)) - d / 2, w)


def scales(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    row = torch.floor(v)
    x = u + 0.5 * (row % 2)
    x, y = x - x.round(), v - row
    lower = torch.hypot(x, y * 0.8 - 0.1)
    return _edge((lower - 0.5).abs() - d / 2, w)


def cells(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    """The borders of a Voronoi diagram: cracks (Worley, 1996)."""
    i, j = torch.floor(u), torch.floor(v)
    first = torch.full_like(u, 9.0)
    second = torch.full_like(u, 9.0)
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            px = i + di + _hash(i + di, j + dj, phase)
            py = j + dj + _hash(i + di, j + dj, phase + 0.37)
            distance = torch.hypot(u - px, v - py)
            second = torch.minimum(second, torch.maximum(first, distance))
            first = torch.minimum(first, distance)
    return _edge((second - first) / 2 - d / 2, w)


def honeycomb(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    rows = 1.7320508
    x1, y1 = u - u.round(), v - rows * (v / rows).round()
    x2, y2 = (u + 0.5) - (u + 0.5).round(), (v + rows / 2) - rows * ((v + rows / 2) / rows).round()
    near = (x1 * x1 + y1 * y1 < x2 * x2 + y2 * y2).float()
    x, y = (near * x1 + (1 - near) * x2).abs(), (near * y1 + (1 - near) * y2).abs()
    return _edge(0.5 - torch.maximum(x, 0.5 * x + 0.8660254 * y) - d / 2, w)


def spiral(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    return _edge(_tri(torch.hypot(u, v) - torch.atan2(v, u) / TAU) - d / 2, w)


def rings(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    return _edge(_tri(torch.hypot(u, v)) - d / 2, w)


def rays(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    """Twelve spokes from the middle."""
    radius = torch.hypot(u, v)
    return _edge((_tri(torch.atan2(v, u) / TAU * 12) - d / 2) * radius / 2, w)


def blotches(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    """Soft random patches: a sum of sines with random phases."""
    f = phase * TAU
    g = torch.sin(TAU * u * 0.6 + 3 * f + 1.7 * torch.sin(TAU * v * 0.43 + f))
    g = g + torch.sin(TAU * v * 0.57 + 5 * f + 1.3 * torch.sin(TAU * u * 0.71 + 2 * f))
    return (0.5 + (g / 2 - 1 + 2 * d) / w / 4).clamp(0, 1)


def marble(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    f = phase * TAU
    g = u + 0.6 * torch.sin(TAU * v * 0.35 + 3 * f) + 0.35 * torch.sin(TAU * (u * 0.8 + v * 0.6) + 7 * f)
    return _edge(_tri(g) - d / 2, w)


def speckles(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    """Each cell is covered or not, at random."""
    return (_hash(torch.floor(u), torch.floor(v), phase) < d).float()


def sprinkles(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    """A dot at a random place in each cell."""
    i, j = torch.floor(u), torch.floor(v)
    px = i + d / 2 + (1 - d) * _hash(i, j, phase)
    py = j + d / 2 + (1 - d) * _hash(i, j, phase + 0.37)
    return _edge(torch.hypot(u - px, v - py) - d / 2, w)


def weave(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    """Strands that run along u in every other cell and along v in the rest."""
    along_u = (torch.floor(u) + torch.floor(v)) % 2 < 0.5
    return _edge(torch.where(along_u, _tri(v - 0.5), _tri(u - 0.5)) - d / 2, w)


def fade(u: Tensor, v: Tensor, w: Tensor, d: Tensor, phase: Tensor) -> Tensor:
    """From nothing at v = 0 to full cover at v = 1."""
    return v.clamp(0, 1)


PATTERNS = {
    f.__name__: f
    for f in (stripes, dots, checks, zigzag, ripples, grid, bricks, scales, cells, honeycomb, spiral, rings, rays)
    + (blotches, marble, speckles, sprinkles, fade, weave)
}
