"""What a sentence can name: one consistent draw of people, places, animals, things and numbers."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from demo_corpus import words as w
from demo_corpus.animals import ANIMALS
from demo_corpus.places import COUNTRIES, LANGUAGES, MORE_CITIES, listed
from demo_corpus.things import COLORED_FOODS, COLORED_THINGS, VEHICLES

__all__ = ["Scene", "draw", "draw_scene", "draw_word", "fill", "person"]

_RELATIVES = listed("mother|father|sister|brother|uncle|aunt|cousin|grandmother|grandfather|friend|son|daughter")
_PLACES = listed(
    "park|museum|library|school|market|bridge|castle|hotel|station|airport|garden|farm|beach|lake|river|mountain|"
    "forest|harbor|hospital|theater|church|bakery|office|stadium|village|island|hill|shop"
)
_CITIES = (*(c.capital for c in COUNTRIES), *MORE_CITIES[:44])
_COUNTRY = {country.name: country for country in COUNTRIES}
_COUNTRY_NAMES = tuple(_COUNTRY)
_ANIMAL = {animal.name: animal for animal in ANIMALS}
_ANIMAL_NAMES = tuple(_ANIMAL)
_VEHICLE = {vehicle.name: vehicle for vehicle in VEHICLES}
_VEHICLE_NAMES = tuple(_VEHICLE)
_NAMES = (*w.GIRLS, *w.BOYS)
_AGES = listed("twenty|twenty-one|thirty|thirty-two|forty|fifty|sixty|seventy|eighty|ninety")
_BIG = listed("twenty|thirty|forty|fifty|sixty|eighty")
_GREAT = listed("a hundred|two hundred|five hundred|a thousand|three thousand|a million|100|250|1000")


@dataclass(frozen=True, slots=True)
class Scene:
    """Values of all slots, and the parts a paragraph can hold on to."""

    who: dict[str, str]
    friend: str
    relative: str
    country: dict[str, str]
    animal: dict[str, str]
    slots: dict[str, str]


def person(rng: random.Random) -> dict[str, str]:
    """The main person of a document and the pronouns that go with them."""
    if rng.random() < 0.5:
        return {"who": rng.choice(w.GIRLS), "he": "she", "his": "her", "him": "her"}
    return {"who": rng.choice(w.BOYS), "he": "he", "his": "his", "him": "him"}


def draw(rng: random.Random, words: Sequence[str], count: int = 1) -> list[str]:
    """Different words, the common ones several times as likely as the others."""
    weights = _weights(tuple(words))
    drawn: list[str] = []
    while len(drawn) < count:
        word = rng.choices(words, cum_weights=weights)[0]
        if word not in drawn:
            drawn.append(word)
    return drawn


@cache
def _weights(words: tuple[str, ...]) -> list[int]:
    return list(accumulate(5 if word in w.COMMON else 1 for word in words))


def draw_word(rng: random.Random) -> str:
    """A word of any category, each category as likely as another."""
    return draw(rng, w.CATEGORY_WORDS[rng.choice(sorted(w.CATEGORY_WORDS))])[0]


def draw_scene(rng: random.Random, who: dict[str, str]) -> Scene:
    """A fresh draw of everything except the main person."""
    country = _country(rng)
    animal = _animal(rng)
    friend = rng.choice([name for name in _NAMES if name != who["who"]])
    relative = rng.choice(_RELATIVES)
    slots = {
        **who,
        "friend": friend,
        "his2": "her" if friend in w.GIRLS else "his",
        "relative": relative,
        **country,
        **animal,
        **_travel(rng),
        **_food_and_color(rng),
        **_time(rng),
        **_numbers(rng),
    }
    return Scene(who, friend, relative, country, animal, slots)


def fill(line: str, slots: Mapping[str, str]) -> str:
    """The template with its slots filled; ``{a x}`` puts "a" or "an" in front of x."""

    def value(match: re.Match[str]) -> str:
        text = slots[match[2]]
        if not match[1]:
            return text
        return f"an {text}" if text[0] in "aeioAEIO" or text.startswith(("under", "uncle")) else f"a {text}"

    return re.sub(r"\{(a )?([a-z_0-9]+)\}", value, line)


def _country(rng: random.Random) -> dict[str, str]:
    row = _COUNTRY[draw(rng, _COUNTRY_NAMES)[0]]
    return {
        "country": row.name,
        "capital": row.capital,
        "language": row.language if rng.random() < 0.6 else draw(rng, LANGUAGES)[0],
        "people": row.people,
        "continent": row.continent,
    }


def _animal(rng: random.Random) -> dict[str, str]:
    row = _ANIMAL[draw(rng, _ANIMAL_NAMES)[0]]
    return {
        "animal": row.name,
        "animals": row.plural,
        "eats": row.eats,
        "home": row.home,
        "animal_color": row.color,
        "does": row.does,
    }


def _travel(rng: random.Random) -> dict[str, str]:
    spoken = _COUNTRY[draw(rng, _COUNTRY_NAMES)[0]]
    city, city2 = draw(rng, _CITIES, 2)
    one, two = (_VEHICLE[name] for name in draw(rng, _VEHICLE_NAMES, 2))
    way = {"road": "on the road", "rail": "on rails", "water": "on the water", "air": "in the air"}
    same = draw(rng, [v.name for v in VEHICLES if v.way == one.way and v.name != one.name])[0]
    return {
        "country2": draw(rng, _COUNTRY_NAMES)[0],
        "country_of_language": spoken.name,
        "language2": draw(rng, LANGUAGES)[0],
        "city": city,
        "city2": city2,
        "place": rng.choice(_PLACES),
        "vehicle": one.name,
        "vehicle2": two.name,
        "vehicle_same": same,
        "vehicles": f"{one.name}es" if one.name.endswith("s") else re.sub(r"y$", "ie", one.name) + "s",
        "verb": one.verb,
        "way": way.get(one.way, "over the snow"),
        "spoken": spoken.language,
    }


def _food_and_color(rng: random.Random) -> dict[str, str]:
    food, food2 = draw(rng, w.FOODS, 2)
    ingredient, ingredient2, ingredient3 = draw(rng, w.INGREDIENTS, 3)
    fruit, fruit_color = rng.choice(COLORED_FOODS)
    thing, thing_color = rng.choice(COLORED_THINGS)
    color, color2 = draw(rng, w.COLORS, 2)
    return {
        "food": food,
        "food2": food2,
        "dish": draw(rng, w.DISHES)[0],
        "ingredient": ingredient,
        "ingredient2": ingredient2,
        "ingredient3": ingredient3,
        "fruit": fruit,
        "fruit_color": fruit_color,
        "thing": thing,
        "thing_color": thing_color,
        "color": color,
        "color2": color2,
        "animal2": draw(rng, _ANIMAL_NAMES)[0],
        "animals2": _ANIMAL[draw(rng, _ANIMAL_NAMES)[0]].plural,
    }


def _time(rng: random.Random) -> dict[str, str]:
    month, day = rng.randrange(12), rng.randrange(7)
    season, season2 = rng.sample(w.SEASONS, 2)
    return {
        "month": w.MONTHS[month],
        "month_next": w.MONTHS[(month + 1) % 12],
        "weekday": w.WEEKDAYS[day],
        "weekday_next": w.WEEKDAYS[(day + 1) % 7],
        "season": season,
        "season2": season2,
        "day": str(rng.randint(1, 28)),
        "year": str(rng.randint(1950, 2024)),
        "time": rng.choice(("noon", "midnight", "evening", "tomorrow", "the morning", "next week")),
    }


def _numbers(rng: random.Random) -> dict[str, str]:
    names = w.NUMBER_WORDS
    n, s1, s2 = rng.randint(1, 18), rng.randint(1, 10), rng.randint(1, 10)
    d1, d2 = rng.randint(1, 50), rng.randint(1, 50)
    return {
        "count": rng.choice(names[2:]) if rng.random() < 0.8 else str(rng.randint(2, 100)),
        "count2": rng.choice(names[2:]),
        "bignumber": rng.choice(_BIG if rng.random() < 0.6 else _GREAT),
        "age": rng.choice(names[4:]),
        "age2": rng.choice(_AGES),
        "ordinal": rng.choice(w.ORDINALS),
        "number": names[n],
        "number_next": names[n + 1],
        "number_next2": names[n + 2] if n + 2 < len(names) else "twenty-one",
        "s1": names[s1],
        "s2": names[s2],
        "ssum": names[s1 + s2],
        "sdouble": names[2 * s1],
        "d1": str(d1),
        "d2": str(d2),
        "dsum": str(d1 + d2),
    }
