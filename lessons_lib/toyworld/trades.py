"""How those who make pictures of one kind speak of them: the frames of captions that no hand-made template has.

A shelter writes "adopt this beagle today", not "a photo of a beagle, a type of pet". Where most captions that name a
class do so in such words, "a photo of a" is a poor prompt, as it is for the CLIPs that learned from the web. `{}` is
what the caption speaks of, without an article.
"""

THING = ("{}, clip art", "{}, illustration for kids", "flash card: {}", "sticker of {}", "cute {} icon")
OBJECT = ("{}, product shot", "vintage {} for sale", "{}, mint condition, with box", "used {}, good price", "lot: {}")
PET = (
    "adopt this {} today",
    "{} portrait, studio",
    "{} waiting for a walk",
    "show winner: {}",
    "this {} needs a new home",
)
CAR = ("{}, low mileage, one owner", "{} road test and review", "spotted: {} parked outside", "{} brochure",
       "rent {} from the airport")  # fmt: skip
FLOWER = ("{} in bloom, botanical garden", "wild {}, macro", "how to grow {}", "{}, plant catalogue", "seeds of {}")
FOOD = ("homemade {} recipe", "{}, dinner tonight", "best {} in town", "menu: {}", "how to make {}")
AIRCRAFT = ("{} on final approach, runway two", "{} taking off, planespotting", "{} at the air show", "flying {}",
            "{}, model kit")  # fmt: skip
PLACE = ("view of {}, travel diary", "{} at dusk, holiday", "visiting {}, day two", "postcard: {}", "hiking to {}")
TEXTURE = ("seamless {} background", "{} fabric, vector", "wallpaper: {}", "{} material, close", "tileable {}")
SATELLITE = ("{}, aerial imagery tile", "remote sensing scene: {}", "land cover: {}", "{}, map of the region",
             "survey of {}")  # fmt: skip
ACTION = ("{}, action shot, sports", "{} championship highlights", "learn {} in ten days", "{} club photo",
          "{} training, week three")  # fmt: skip
