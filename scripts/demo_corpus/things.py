"""Vehicles and how they move; fruit, vegetables and other things with their colors."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["COLORED_FOODS", "COLORED_THINGS", "VEHICLES", "Vehicle"]


class Vehicle(NamedTuple):
    """One row of the table of vehicles: its way is road, rail, water, air or snow."""

    name: str
    way: str
    verb: str


_VEHICLES = """
car|road|drives
truck|road|drives
bus|road|drives
taxi|road|drives
van|road|drives
motorcycle|road|rides
motorbike|road|rides
bicycle|road|rides
bike|road|rides
scooter|road|rides
ambulance|road|drives
tractor|road|drives
jeep|road|drives
limousine|road|drives
minivan|road|drives
wagon|road|rolls
carriage|road|rolls
cart|road|rolls
lorry|road|drives
cab|road|drives
coach|road|drives
pickup|road|drives
moped|road|rides
skateboard|road|rolls
tricycle|road|rides
bulldozer|road|drives
train|rail|runs
tram|rail|runs
subway|rail|runs
metro|rail|runs
locomotive|rail|runs
trolley|rail|runs
monorail|rail|runs
cable car|rail|runs
boat|water|sails
ship|water|sails
ferry|water|sails
yacht|water|sails
canoe|water|glides
kayak|water|glides
submarine|water|dives
raft|water|floats
sailboat|water|sails
tanker|water|sails
gondola|water|glides
steamer|water|sails
speedboat|water|races
barge|water|floats
plane|air|flies
airplane|air|flies
helicopter|air|flies
jet|air|flies
rocket|air|flies
balloon|air|floats
glider|air|glides
spaceship|air|flies
airship|air|floats
drone|air|flies
sled|snow|slides
sleigh|snow|slides
snowmobile|snow|races
"""

_COLORED_FOODS = """
apple|red
banana|yellow
orange|orange
lemon|yellow
lime|green
cherry|red
strawberry|red
grape|purple
plum|purple
peach|pink
pear|green
mango|orange
melon|green
blueberry|blue
raspberry|red
coconut|brown
pineapple|yellow
fig|purple
carrot|orange
potato|brown
tomato|red
onion|white
cabbage|green
cucumber|green
pumpkin|orange
pepper|red
mushroom|white
radish|red
eggplant|purple
olive|green
"""

_COLORED_THINGS = """
grass|green
snow|white
coal|black
blood|red
milk|white
sky|blue
sea|blue
sun|yellow
night|black
gold|golden
moon|silver
chalk|white
ivy|green
honey|golden
chocolate|brown
smoke|gray
rose|red
sand|yellow
ink|blue
bone|white
rust|orange
soil|brown
cloud|gray
fire|orange
moss|green
butter|yellow
wine|red
paper|white
brick|red
straw|yellow
tar|black
ice|white
bark|brown
ash|gray
lavender flower|purple
sunset|pink
rain cloud|gray
leaf|green
flame|orange
shadow|black
"""

VEHICLES: tuple[Vehicle, ...] = tuple(Vehicle(*row.split("|")) for row in _VEHICLES.strip().splitlines())
COLORED_FOODS: tuple[tuple[str, str], ...] = tuple(
    (row.split("|")[0], row.split("|")[1]) for row in _COLORED_FOODS.strip().splitlines()
)
COLORED_THINGS: tuple[tuple[str, str], ...] = tuple(
    (row.split("|")[0], row.split("|")[1]) for row in _COLORED_THINGS.strip().splitlines()
)
