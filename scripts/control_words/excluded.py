"""What keeps a word from being a control: a sense among those of the default categories, or near them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from control_words.wordnet import Sense, WordNet

__all__ = ["Excluded"]

_FILES = {
    *("noun.animal", "noun.food", "noun.plant", "noun.time", "noun.location", "noun.quantity", "noun.object"),
    *("verb.consumption", "verb.weather"),
}
_HEADS = (  # the first senses of whole hierarchies
    *("animal.n.1", "plant.n.2", "conveyance.n.3", "vehicle.n.1", "craft.n.2"),
    *("sailor.n.1", "driver.n.1", "road.n.1", "railway_line.n.1"),
    *("color.n.1", "coloring_material.n.1", "language.n.1", "inhabitant.n.1", "ethnic_group.n.1"),
    *("number.n.2", "kitchen_utensil.n.1", "tableware.n.1", "kitchen_appliance.n.1", "restaurant.n.1"),
    *("holiday.n.1", "time_period.n.1", "cook.n.2", "timepiece.n.1", "alphabetic_character.n.1"),
)
_VERB_HEADS = ("travel.v.1", "cook.v.3", "eat.v.1", "color.v.1", "count.v.1")
_GLOSS = re.compile(
    r"\b(?:"
    r"eat|eats|eaten|eating|foods?|meals?|cook\w*|edible|drinks?|drinking|beverages?|flavou?r\w*|tastes?|dish|dishes"
    r"|cuisine|bread|meat|fruits?|vegetables?|wines?|beer|kitchen|milk|sugar|dining|restaurants?|cereal|grain"
    r"|animals?|birds?|fish|fishes|fishing|mammal\w*|insects?|dogs?|cats?|horses?|cattle|livestock|sheep|reptiles?|herds?"
    r"|hunt\w*|prey|pets?|species|genus|zoolog\w+|breed\w*|cows?|pigs?|bees?|veterinar\w+|wolf|wolves|feathers?|farm\w*"
    r"|vehicles?|ships?|boats?|aircraft|airplanes?|cars?|automobiles?|trains?|railways?|railroads?|driver|drivers|sail\w*"
    r"|passengers?|wheels?|traffic|roads?|rides?|riding|aviat\w+|flights?|pilots?|nautical|vessels?|transport\w*"
    r"|carriages?|navigat\w+|bus|trucks?|motor"
    r"|colou?r\w*|dyes?|pigment\w*|hues?|reddish|red|blue|bluish|yellow|yellowish|green|greenish|brown|brownish|purple"
    r"|pink|black|blackish|white|whitish|gr[ae]y|gr[ae]yish|orange"
    r"|days?|years?|yearly|months?|weeks?|hours?|century|centuries|seasons?|seasonal|calendar|holidays?|daily|annual\w*"
    r"|night|morning|evening|summer|winter|autumn|dates?"
    r"|country|countries|city|cities|towns?|nations?|nationality|islands?|province|villages?|rivers?|mountains?|inhabitants?"
    r"|regions?|continents?|geograph\w+"
    r"|numbers?|numeral\w*|numer\w+|quantity|quantities|counting|arithmetic\w*|mathemat\w+|multipl\w+|percent\w*"
    r"|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million"
    r"|languages?|linguist\w*|dialects?|alphabet\w*|translat\w+|grammar\w*|vowels?|consonants?|syllables?|phonetic\w*"
    r")\b"
)
_WHEN = re.compile(r"\b(?:times?|past|future|present|recent|soon|moments?|often|periods?|later?|earlier|early|ever)\b")
_OFFENSIVE = re.compile(
    r"\b(?:sexual\w*|sex|intercourse|genital\w*|penis|vagina\w*|prostitut\w*|offensive|derogatory|ethnic slur|obscen\w+"
    r"|vulgar\w*|copulat\w+|masturbat\w+|homosexual\w*|lesbian|breasts?|buttocks?|anus|feces|excrement|urin\w+|slang"
    r"|sodom\w+|rape\w*|naked\w*|nude|virgin\w*|castrat\w+)\b"
)


_COARSE = re.compile(r"shit|fuck|cunt|bitch|whore|slut|piss|crap|nigg|fag|titt|boob|bollo|wank|turd|dildo|porn")
_ROMAN = re.compile(r"[ivxlcdm]{2,}")
_NO_NUMERALS = {"mix", "mild", "civil", "livid", "vivid", "mimic", "civic", "mill", "dill", "dim", "lid", "did", "ill"}


class Excluded:
    """Asked word by word."""

    def __init__(self, wordnet: WordNet, lemmas: Mapping[str, set[str]], obscene: set[str], named: set[str]) -> None:
        self._wordnet, self._lemmas = wordnet, lemmas
        self._obscene, self._named = obscene, named
        self._known: dict[str, bool] = {}

    def __call__(self, word: str) -> bool:
        """Whether a word or one of the words it is a form of is kept out."""
        if word not in self._known:
            if word[0].isupper():
                self._known[word] = word in self._named or self._form(word) or self._is_member(word.lower())
            else:
                self._known[word] = any(self._form(form) for form in (word, *self._lemmas.get(word, ())))
        return self._known[word]

    def _is_member(self, lower: str) -> bool:
        """Whether the common word that a name is spelled as is in a category: a surname such as Fox, but not John."""
        senses = self._wordnet.of_word.get(lower, ())
        return lower in self._obscene or any(
            self._wordnet.counts(lower, sense) and (sense.file in _FILES or sense.id in self._below) for sense in senses
        )

    def _form(self, form: str) -> bool:
        if form in self._obscene or _COARSE.search(form) or (_ROMAN.fullmatch(form) and form not in _NO_NUMERALS):
            return True
        return any(self._sense(form, sense) for sense in self._wordnet.of_word.get(form, ()))

    def _sense(self, form: str, sense: Sense) -> bool:
        if form[0].isupper():
            return self._proper_sense(sense)
        definition = sense.gloss.split('; "')[0]
        if _OFFENSIVE.search(definition):
            return True
        if not self._wordnet.counts(form, sense):
            return False
        if sense.part_of_speech == "adverb" and _WHEN.search(definition):
            return True
        return sense.file in _FILES or sense.id in self._below or bool(_GLOSS.search(definition))

    def _proper_sense(self, sense: Sense) -> bool:
        """Persons are told from peoples, whose names are classes, not instances."""
        is_instance = any(kind == "@i" for kind, _ in sense.pointers)
        if sense.part_of_speech != "noun" or sense.file in _FILES or sense.id in self._below:
            return True
        return sense.file == "noun.object" or (sense.file in {"noun.person", "noun.group"} and not is_instance)

    @cached_property
    def _below(self) -> set[str]:
        return self._wordnet.below(_HEADS) | self._wordnet.below(_VERB_HEADS)
