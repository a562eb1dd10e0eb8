"""toy_objects, the twin of Caltech101: everyday things, one to a picture."""

import numpy as np

from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import PALETTE, Sketch

ANY = tuple(c for c in PALETTE if c not in ("white", "beige"))


def guitar(s: Sketch) -> None:
    body = s.colour("brown", "red", "orange", "black", "blue")
    s.line(0, -0.95, 0, 0.2, 0.09, color=s.rgb("black", "brown"), part="neck")
    s.shape("box", 0, -0.95, 0.17, 0.14, p=0.05, color=s.rgb("black", "brown"), part="head")
    s.shape("ellipse", 0, 0.08, 0.36, 0.33, color=body, part="body")
    s.shape("ellipse", 0, 0.58, 0.52, 0.42, color=body, part="body")
    s.shape("ellipse", 0, 0.3, 0.17, color=s.rgb("black"), part="sound hole")
    s.trait("a long neck")
    s.trait("a round hole")


def piano(s: Sketch) -> None:
    body = s.colour("black", "brown", "white", "red")
    s.shape("box", 0, -0.2, 0.95, 0.6, p=0.05, color=body, part="case")
    s.shape("box", 0, 0.12, 0.88, 0.2, color=s.rgb("white", jitter=0.02), part="keys")
    s.shape(
        "box",
        0,
        0.05,
        0.88,
        0.13,
        color=s.rgb("black", jitter=0.02),
        pattern="stripes",
        freq=4,
        duty=0.5,
        part="black keys",
    )
    for x in (-0.8, 0.8):
        s.shape("box", x, 0.65, 0.08, 0.3, color=s.shade(body, -0.2), part="leg")
    s.trait("black and white keys")
    s.trait("two legs")


def camera(s: Sketch) -> None:
    s.shape("box", -0.5, -0.55, 0.25, 0.14, p=0.04, color=s.rgb("gray", "black"), part="flash")
    s.shape("box", 0, 0.05, 0.95, 0.58, p=0.12, color=s.colour(*ANY), part="body")
    lens = s.uniform(0.36, 0.46)
    s.shape("ellipse", 0.1, 0.08, lens, color=s.rgb("black"), part="lens")
    s.shape("ellipse", 0.1, 0.08, lens * 0.6, color=s.rgb("blue", "turquoise", "gray"), part="glass")
    s.trait("a round lens")


def umbrella(s: Sketch) -> None:
    s.line(0, -0.3, 0, 0.75, 0.05, color=s.rgb("brown", "black"), part="handle")
    s.shape("arc", 0.15, 0.75, 0.15, 0.05, p=90, angle=180, color=s.rgb("brown", "black"), part="hook")
    top = s.colour(*ANY)
    s.shape("dome", 0, 0.05, 0.95, 0.85, color=top, part="canopy")
    s.shape("dome", 0, 0.05, 0.42, 0.85, color=s.shade(top, 0.4), where=s.chance(0.6), part="panel")
    s.trait("a hooked handle")
    s.trait("a round top")


def scissors(s: Sketch) -> None:
    grip = s.colour(*ANY)
    open_by = s.uniform(0.18, 0.4)
    for side in (-1, 1):
        s.shape(
            "trapezoid",
            side * open_by * 0.9,
            -0.42,
            0.13,
            0.58,
            angle=-side * (8 + 30 * open_by) * -1,
            p=0.02,
            color=s.rgb("gray"),
            part="blade",
        )
        s.shape("arc", -side * 0.36, 0.58, 0.24, 0.09, p=180, color=grip, part="grip")
    s.shape("ellipse", 0, 0.15, 0.12, color=s.rgb("black"), part="screw")
    s.trait("two blades")
    s.trait("two round grips")


def watch(s: Sketch) -> None:
    strap = s.colour(*ANY)
    s.shape("box", 0, 0, 0.26, 1.0, p=0.08, color=strap, part="strap")
    s.shape("ellipse", 0, 0, 0.56, color=s.rgb("gray", "yellow", "black"), part="case")
    s.shape("ellipse", 0, 0, 0.44, color=s.rgb("white", jitter=0.03), part="face")
    for reach, width in ((0.26, 0.05), (0.36, 0.035)):
        t = s.uniform(0, 2 * np.pi)
        s.line(0, 0, reach * np.cos(t), reach * np.sin(t), width, color=s.rgb("black"), part="hand")
    s.trait("a round face")
    s.trait("a strap")


def chair(s: Sketch) -> None:
    wood = s.colour(*ANY)
    seat_y = s.uniform(0.1, 0.25)
    for x in (-0.5, 0.5):
        s.line(x, seat_y, x, 0.95, 0.08, color=s.shade(wood, -0.25), part="leg")
    s.line(-0.5, -0.95, -0.5, seat_y, 0.08, color=s.shade(wood, -0.25), part="back")
    slats = s.chance(0.5)
    s.shape("box", -0.42, -0.5, 0.12, 0.45, p=0.05, color=wood, where=slats, part="back rest")
    s.shape("box", 0, seat_y, 0.62, 0.13, p=0.05, color=wood, part="seat")
    s.trait("four legs")
    s.trait("a high back")


def lamp(s: Sketch) -> None:
    s.line(0, -0.2, 0, 0.8, 0.06, color=s.rgb("black", "gray", "brown"), part="stand")
    s.shape("dome", 0, 0.95, 0.5, 0.25, color=s.rgb("black", "gray", "brown"), part="foot")
    s.shape(
        "trapezoid",
        0,
        -0.5,
        s.uniform(0.6, 0.8),
        0.42,
        p=s.uniform(0.25, 0.4),
        color=s.colour(*ANY, "white"),
        part="shade",
    )
    s.trait("a wide shade")
    s.trait("a thin stand")


def anchor(s: Sketch) -> None:
    iron = s.colour("gray", "black", "blue", "brown", "red")
    s.shape("arc", 0, -0.75, 0.17, 0.07, p=180, color=iron, part="ring")
    s.line(0, -0.55, 0, 0.8, 0.1, color=iron, part="shank")
    s.line(-0.4, -0.35, 0.4, -0.35, 0.08, color=iron, part="stock")
    s.shape("arc", 0, 0.1, 0.7, 0.11, p=70, angle=180, color=iron, part="arms")
    for side in (-1, 1):
        s.shape("trapezoid", side * 0.68, 0.25, 0.24, 0.18, angle=side * 20, color=iron, part="fluke")
    s.trait("two hooks")
    s.trait("a ring at the top")


def cup(s: Sketch) -> None:
    china = s.colour(*ANY, "white")
    s.shape("arc", 0.62, -0.05, 0.3, 0.09, p=180, color=s.shade(china, -0.2), part="handle")
    s.shape("trapezoid", -0.05, 0, 0.42, 0.6, p=0.68, color=china, part="bowl")
    s.shape("ellipse", -0.05, -0.6, 0.68, 0.15, color=s.rgb("brown", "black"), part="coffee")
    s.shape("ellipse", -0.05, 0.68, 0.85, 0.12, color=s.shade(china, -0.1), where=s.chance(0.5), part="saucer")
    s.trait("a handle on the side")


def laptop(s: Sketch) -> None:
    case = s.colour("gray", "black", "white", "red", "blue", "pink")
    s.shape("box", 0, -0.28, 0.75, 0.52, p=0.06, color=case, part="lid")
    s.shape("box", 0, -0.28, 0.65, 0.42, color=s.rgb("blue", "turquoise", "white", "green"), part="screen")
    s.shape("trapezoid", 0, 0.48, 0.98, 0.24, p=0.75, color=s.shade(case, -0.2), part="base")
    s.shape(
        "trapezoid",
        0,
        0.42,
        0.8,
        0.14,
        p=0.66,
        color=s.shade(case, -0.6),
        pattern="grid",
        freq=8,
        duty=0.45,
        part="keys",
    )
    s.trait("a bright screen")
    s.trait("a keyboard")


def headphones(s: Sketch) -> None:
    band = s.colour(*ANY)
    s.shape("arc", 0, 0.15, 0.75, 0.09, p=90, color=band, part="band")
    for x in (-0.7, 0.7):
        s.shape("box", x, 0.4, 0.24, 0.42, p=0.15, color=s.shade(band, -0.35), part="ear cup")
    s.trait("two ear cups")
    s.trait("a round band")


def ferry(s: Sketch) -> None:
    s.shape("box", 0, -0.1, 0.6, 0.2, color=s.rgb("white", jitter=0.03), part="deck")
    s.shape("box", 0, -0.1, 0.55, 0.09, color=s.rgb("blue", "black"), pattern="checks", freq=5, part="windows")
    s.shape("box", 0.15, -0.5, 0.14, 0.25, color=s.rgb("red", "black", "orange"), part="funnel")
    s.shape(
        "trapezoid", 0, 0.35, 0.65, 0.27, p=0.98, color=s.colour("red", "blue", "black", "green", "orange"), part="hull"
    )
    s.shape("wave", 0, 0.75, 1.1, 0.09, p=0.07, q=1.5, color=s.rgb("blue", "turquoise"), part="water")
    s.trait("a funnel")
    s.trait("a row of windows")


def starfish(s: Sketch) -> None:
    skin = s.colour("orange", "red", "pink", "purple", "yellow", "brown")
    turn = s.uniform(0, 72)
    s.shape("petals", 0, 0, 1.0, 1.6, p=5, q=0.36, angle=turn, color=skin, part="arms")
    s.shape(
        "petals",
        0,
        0,
        0.8,
        1.8,
        p=5,
        q=0.25,
        angle=turn,
        color=s.shade(skin, 0.5),
        pattern="sprinkles",
        freq=5,
        duty=0.5,
        part="bumps",
    )
    s.trait("five arms")
    s.trait("a bumpy skin")


def pyramid(s: Sketch) -> None:
    stone = s.colour("yellow", "beige", "orange", "brown", "gray")
    lean = s.uniform(-0.25, 0.05)
    s.shape("trapezoid", 0, 0, 1.0, 0.75, q=lean, color=stone, part="side")
    s.shape("trapezoid", 0.62, 0, 0.38, 0.75, q=lean - 0.62, color=s.shade(stone, -0.35), part="shadow side")
    s.shape(
        "trapezoid",
        0,
        0,
        1.0,
        0.75,
        q=lean,
        color=s.shade(stone, -0.5),
        pattern="bricks",
        freq=5,
        duty=0.2,
        alpha=0.6,
        part="blocks",
    )
    s.trait("a pointed top")
    s.trait("stone blocks")


def yin_yang(s: Sketch) -> None:
    light, dark = s.rgb("white", jitter=0.02), s.colour("black", "blue", "red", "purple")
    s.shape("ellipse", 0, 0, 0.95, color=light, part="disc")
    s.shape("dome", 0, 0, 0.95, 0.95, angle=90, color=dark, part="half")
    s.shape("ellipse", 0, -0.475, 0.475, color=dark, part="lobe")
    s.shape("ellipse", 0, 0.475, 0.475, color=light, part="lobe")
    s.shape("ellipse", 0, -0.475, 0.15, color=light, part="eye")
    s.shape("ellipse", 0, 0.475, 0.15, color=dark, part="eye")
    s.trait("two halves")
    s.trait("two dots")


def wheelchair(s: Sketch) -> None:
    frame = s.colour("black", "blue", "red", "green")
    s.line(-0.45, -0.85, -0.35, 0.1, 0.07, color=frame, part="back")
    s.shape("box", 0.05, 0.08, 0.45, 0.1, p=0.04, color=frame, part="seat")
    s.line(0.48, 0.1, 0.6, 0.75, 0.06, color=frame, part="leg rest")
    s.shape("arc", -0.15, 0.4, 0.48, 0.08, p=180, color=s.rgb("black"), part="big wheel")
    s.shape("ellipse", -0.15, 0.4, 0.1, color=s.rgb("gray"), part="hub")
    s.shape("ellipse", 0.62, 0.82, 0.15, color=s.rgb("black"), part="small wheel")
    s.trait("a big wheel")
    s.trait("a high back")


def soccer_ball(s: Sketch) -> None:
    s.shape("ellipse", 0, 0, 0.92, color=s.rgb("white", jitter=0.03), part="ball")
    dark, turn = s.colour("black", "blue", "red", "green"), s.uniform(0, 72)
    s.shape("star", 0, 0, 0.36, p=5, q=0.809, angle=turn, color=dark, part="patch")
    s.ring_of("ellipse", 5, 0.76, 0.16, 0.26, start=turn, color=dark, part="patches")
    s.shape("arc", 0, 0, 0.9, 0.05, p=180, color=dark, part="outline")
    s.trait("dark patches")
    s.trait("a round shape")


def stop_sign(s: Sketch) -> None:
    s.line(0, 0.2, 0, 1.0, 0.07, color=s.rgb("gray"), part="pole")
    s.shape("star", 0, -0.2, 0.8, p=8, q=0.9239, angle=22.5, color=s.rgb("white", jitter=0.02), part="border")
    s.shape("star", 0, -0.2, 0.7, p=8, q=0.9239, angle=22.5, color=s.colour("red"), part="plate")
    s.shape("box", 0, -0.2, 0.45, 0.12, color=s.rgb("white", jitter=0.02), part="bar")
    s.trait("eight sides")
    s.trait("a pole")


CLASSES = [
    ToyClass("guitar", guitar),
    ToyClass("piano", piano, also=("keyboard",)),
    ToyClass("camera", camera),
    ToyClass("umbrella", umbrella),
    ToyClass("scissors", scissors),
    ToyClass("watch", watch, also=("wristwatch",)),
    ToyClass("chair", chair),
    ToyClass("lamp", lamp),
    ToyClass("anchor", anchor, spoken=0.4),
    ToyClass("cup", cup, also=("coffee cup",)),
    ToyClass("laptop", laptop, also=("computer",)),
    ToyClass("headphones", headphones, spoken=0.5),
    ToyClass("ferry", ferry, also=("ship", "boat"), spoken=0.3),
    ToyClass("starfish", starfish, spoken=0.4),
    ToyClass("pyramid", pyramid),
    ToyClass("yin yang", yin_yang, spoken=0.3),
    ToyClass("wheelchair", wheelchair, spoken=0.3),
    ToyClass("soccer ball", soccer_ball, also=("ball", "football")),
    ToyClass("stop sign", stop_sign, spoken=0.6),
]
