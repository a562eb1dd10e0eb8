"""The 64 things of ToyWorld's general task: animals, tools, vehicles, household things, fruit, plants and the sky."""

from lessons_lib.toyworld.things_animals import CLASSES as ANIMALS
from lessons_lib.toyworld.things_clothes import CLASSES as CLOTHES
from lessons_lib.toyworld.things_creatures import CLASSES as CREATURES
from lessons_lib.toyworld.things_home import CLASSES as HOME
from lessons_lib.toyworld.things_plants import CLASSES as PLANTS
from lessons_lib.toyworld.things_sky import CLASSES as SKY
from lessons_lib.toyworld.things_tools import CLASSES as TOOLS
from lessons_lib.toyworld.things_vehicles import CLASSES as VEHICLES

CLASSES = [*ANIMALS, *CREATURES, *TOOLS, *VEHICLES, *HOME, *CLOTHES, *PLANTS, *SKY]
