"""Places: whole pictures with a sky or a room, and large things in them that have masks of their own."""

from collections.abc import Callable

from lessons_lib.toyworld.places_built import castle, city_street, farm, playground
from lessons_lib.toyworld.places_indoors import bedroom, classroom, kitchen
from lessons_lib.toyworld.places_nature import desert, forest_path, mountain
from lessons_lib.toyworld.places_water import beach, bridge, harbor, lighthouse
from lessons_lib.toyworld.scenes import ToyClass
from lessons_lib.toyworld.sketch import Sketch


def _place(name: str, draw: Callable[[Sketch], None], *also: str, spoken: float = 1.0) -> ToyClass:
    return ToyClass(name, draw, also, spoken, scene=True)


CLASSES = [
    _place("beach", beach, "seaside", "coast"),
    _place("mountain", mountain, "peak"),
    _place("desert", desert, "dunes", spoken=0.5),
    _place("city street", city_street, "town", "city"),
    _place("forest path", forest_path, "woods", "forest", spoken=0.3),
    _place("harbor", harbor, "port", spoken=0.3),
    _place("bedroom", bedroom, "room"),
    _place("kitchen", kitchen, "room"),
    _place("classroom", classroom, "school", "room", spoken=0.3),
    _place("farm", farm, "barn"),
    _place("bridge", bridge),
    _place("castle", castle, "fortress", "palace"),
    _place("lighthouse", lighthouse, "tower", spoken=0.5),
    _place("playground", playground, "park", spoken=0.3),
]
