"""Draws documents from the templates; the same seed gives the same documents, to the letter."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from demo_corpus import templates as t
from demo_corpus.scene import Scene, draw, draw_scene, draw_word, fill, person
from demo_corpus.words import CATEGORY_NOUNS, CATEGORY_WORDS

__all__ = ["MIXES", "Mix", "documents"]


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each kind of document is drawn, and how many sentences it has."""

    kinds: dict[str, int]
    sentences: tuple[int, int]


_BROAD = {"life": 24, "country": 8, "animal": 8, "things": 8, "recipe": 5, "sums": 6, "dialogue": 7, "letter": 6}

# The second half of the training is on shorter documents, with more of the sentences that fit any word:
# there the model has to tell the category from the word itself.
MIXES: dict[str, Mix] = {
    "broad": Mix({**_BROAD, "carriers": 16, "sorting": 16}, (4, 9)),
    "neutral": Mix({**_BROAD, "carriers": 12, "sorting": 16, "predicates": 40}, (2, 6)),
}


def documents(count: int, seed: int, mix: str = "broad") -> Iterator[str]:
    """``count`` short paragraphs of several sentences each, drawn from one of MIXES.

    No sentence template is used twice in one document: repeats teach greedy decoding to loop.
    """
    rng = random.Random(seed)
    kinds, weights = list(MIXES[mix].kinds), list(MIXES[mix].kinds.values())
    for _ in range(count):
        kind = rng.choices(kinds, weights)[0]
        yield _document(rng, kind, MIXES[mix].sentences)


def _document(rng: random.Random, kind: str, sentences: tuple[int, int]) -> str:
    who = person(rng)
    n = rng.randint(*sentences)
    if kind == "life":
        lines = [rng.choice(t.OPENINGS), *_with_follow_ups(rng, rng.sample(t.LIFE, n))]
    elif kind == "country":
        lines = [*rng.sample(t.COUNTRY_FACTS, n), *rng.sample(t.LIFE, 1)]
    elif kind == "animal":
        lines = [*rng.sample(t.ANIMAL_FACTS, n), *rng.sample(t.LIFE, 1)]
    elif kind == "things":
        lines = rng.sample([*t.THINGS, *rng.sample(t.LIFE, 3)], n)
    elif kind == "recipe":
        lines = [t.RECIPES[0], *rng.sample(t.RECIPES[1:], n)]
    elif kind == "sums":
        lines = rng.sample(t.SUMS, n)
    elif kind == "dialogue":
        lines = rng.sample(t.DIALOGUES, n)
    elif kind == "letter":
        lines = ["Dear {friend},", *rng.sample(t.LETTERS, n), "Your {relative}, {who}"]
    elif kind == "predicates":
        lines = [*rng.sample(t.FRAMES, n), *rng.sample(t.CARRIERS, 1)]
    elif kind == "carriers":
        lines = [*rng.sample(t.CARRIERS, n), *rng.sample([*t.LIFE, *t.FOLLOW_UPS, *t.SORTING], 2)]
        rng.shuffle(lines)
    else:
        lines = [*rng.sample(t.SORTING, min(n, 7)), *rng.sample(t.CARRIERS, 2)]
        rng.shuffle(lines)
    # The country or the animal a paragraph is about stays; everything else changes from line to line.
    about = draw_scene(rng, who)
    return " ".join(_sentence(rng, line, kind, about) for line in lines)


def _with_follow_ups(rng: random.Random, lines: Sequence[str]) -> Iterator[str]:
    follow_ups = rng.sample(t.FOLLOW_UPS, len(t.FOLLOW_UPS))
    for line in lines:
        yield line
        if rng.random() < 0.3:
            yield follow_ups.pop()


def _sentence(rng: random.Random, line: str, kind: str, about: Scene) -> str:
    scene = draw_scene(rng, about.who)
    keep = {
        "country": about.country,
        "animal": about.animal,
        "life": {"friend": about.friend, "relative": about.relative},
    }.get(kind, {})
    slots = {**scene.slots, **keep, **_category_slots(rng, line)}
    if kind != "life":
        line = re.sub(r"^\{he\}", "{who}", line)  # such a paragraph has not named them yet
    return re.sub(r'(^"?|[?] )([a-z])', lambda m: m[1] + m[2].upper(), fill(line, slots))


def _category_slots(rng: random.Random, line: str) -> dict[str, str]:
    """Slots of the carriers, whose words come from any category, and of the sorting games."""
    one, other = rng.sample(sorted(CATEGORY_WORDS), 2)
    w, same, same2, same3 = draw(rng, CATEGORY_WORDS[one], 4)
    other_word, other_same = draw(rng, CATEGORY_WORDS[other], 2)
    slots = {
        "w": w,
        "w2": draw_word(rng),
        "w3": draw_word(rng),
        "same": same,
        "same2": same2,
        "same3": same3,
        "noun": CATEGORY_NOUNS[one][0],
        "nouns": CATEGORY_NOUNS[one][1],
        "other": other_word,
        "other_same": other_same,
        "other_noun": CATEGORY_NOUNS[other][0],
        "other_nouns": CATEGORY_NOUNS[other][1],
    }
    if "predicate}" in line:
        slots["predicate"] = rng.choice(t.PREDICATES[one])
        slots["other_predicate"] = rng.choice(t.PREDICATES[other])
    return slots
