"""Animals, with what they eat, where they live, their color and what they do."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ANIMALS", "Animal"]


class Animal(NamedTuple):
    """One row of the table of animals."""

    name: str
    plural: str
    eats: str
    home: str
    color: str
    does: str


_ANIMALS = """
dog|dogs|meat|kennel|brown|barks at the door
cat|cats|fish|house|gray|sleeps in the sun
horse|horses|hay|stable|brown|runs over the field
cow|cows|grass|barn|white|gives milk
pig|pigs|potatoes|sty|pink|rolls in the mud
sheep|sheep|grass|field|white|follows the others
goat|goats|leaves|hill|white|climbs on the rocks
chicken|chickens|corn|yard|red|lays eggs
duck|ducks|bread|pond|green|swims in a line
goose|geese|grass|pond|white|makes a loud noise
rabbit|rabbits|carrots|burrow|gray|hops away fast
mouse|mice|cheese|hole|gray|hides under the floor
rat|rats|grain|cellar|black|runs along the wall
lion|lions|zebras|savanna|golden|roars at night
tiger|tigers|deer|jungle|orange|hunts alone
elephant|elephants|leaves|savanna|gray|never forgets
giraffe|giraffes|leaves|savanna|yellow|has a very long neck
zebra|zebras|grass|savanna|striped|runs in a herd
monkey|monkeys|bananas|jungle|brown|swings from tree to tree
bear|bears|honey|forest|brown|sleeps all winter
wolf|wolves|rabbits|forest|gray|howls at the moon
fox|foxes|chickens|den|red|is very clever
deer|deer|grass|forest|brown|is shy
squirrel|squirrels|nuts|tree|red|hides food for winter
owl|owls|mice|tree|brown|flies without a sound
eagle|eagles|fish|mountain|brown|sees from far away
crow|crows|seeds|tree|black|can solve puzzles
parrot|parrots|seeds|cage|green|can say words
penguin|penguins|fish|ice|black|cannot fly
whale|whales|shrimp|ocean|blue|sings under the water
dolphin|dolphins|fish|ocean|gray|jumps out of the water
shark|sharks|fish|ocean|gray|never stops swimming
seal|seals|fish|shore|gray|lies on the rocks
octopus|octopuses|crabs|sea|purple|has eight arms
crab|crabs|shrimp|beach|red|walks sideways
turtle|turtles|lettuce|pond|green|moves slowly
frog|frogs|flies|pond|green|jumps into the water
snake|snakes|mice|grass|green|has no legs
lizard|lizards|insects|desert|green|sits on warm stones
crocodile|crocodiles|fish|river|green|waits in the river
camel|camels|grass|desert|brown|needs little water
kangaroo|kangaroos|grass|plain|brown|carries its baby in a pouch
koala|koalas|leaves|tree|gray|sleeps all day
panda|pandas|bamboo|forest|black|eats for hours
gorilla|gorillas|fruit|jungle|black|beats its chest
hippo|hippos|grass|river|gray|stays in the water
rhino|rhinos|grass|savanna|gray|has a horn
leopard|leopards|deer|jungle|spotted|climbs trees
cheetah|cheetahs|gazelles|savanna|spotted|is the fastest of all
hedgehog|hedgehogs|worms|garden|brown|rolls into a ball
bee|bees|nectar|hive|yellow|makes honey
butterfly|butterflies|nectar|garden|orange|lands on a flower
ant|ants|sugar|nest|black|works all day
spider|spiders|flies|web|black|waits in its web
donkey|donkeys|hay|barn|gray|will not move
hamster|hamsters|seeds|cage|golden|runs in its wheel
salmon|salmon|insects|river|pink|swims up the river
swan|swans|grass|lake|white|glides over the lake
otter|otters|fish|river|brown|plays all day
bat|bats|insects|cave|black|hangs upside down
moose|moose|leaves|forest|brown|has wide horns
raccoon|raccoons|eggs|forest|gray|opens the bins
pigeon|pigeons|bread|roof|gray|finds its way home
falcon|falcons|pigeons|cliff|brown|dives from the sky
buffalo|buffaloes|grass|plain|brown|walks in a big herd
jaguar|jaguars|deer|jungle|golden|swims well
beaver|beavers|bark|river|brown|builds a dam
rooster|roosters|corn|yard|red|wakes everyone up
puppy|puppies|meat|basket|brown|chews on shoes
kitten|kittens|milk|basket|white|plays with string
bird|birds|seeds|nest|blue|sings in the morning
fish|fish|worms|lake|silver|swims in circles
insect|insects|leaves|garden|green|has six legs
lamb|lambs|grass|field|white|follows its mother
hawk|hawks|mice|sky|brown|circles over the field
"""

ANIMALS: tuple[Animal, ...] = tuple(Animal(*row.split("|")) for row in _ANIMALS.strip().splitlines())
