"""Word lists, and the words of each category with what the category is called in running text."""

from __future__ import annotations

from demo_corpus.animals import ANIMALS
from demo_corpus.places import COUNTRIES, LANGUAGES, MORE_CITIES, MORE_PLACES, listed
from demo_corpus.things import COLORED_FOODS, VEHICLES

__all__ = [
    "BOYS",
    "CATEGORY_NOUNS",
    "CATEGORY_WORDS",
    "COLORS",
    "COMMON",
    "DISHES",
    "FOODS",
    "GIRLS",
    "HOLIDAYS",
    "INGREDIENTS",
    "MONTHS",
    "NUMBER_WORDS",
    "ORDINALS",
    "SEASONS",
    "WEEKDAYS",
]


COLORS: tuple[str, ...] = listed(
    "red|blue|green|yellow|orange|purple|pink|brown|black|white|gray|grey|violet|crimson|scarlet|turquoise|teal|cyan|"
    "magenta|maroon|indigo|gold|golden|silver|beige|ivory|navy|olive|lavender|lilac|amber|emerald|tan|coral|"
    "khaki|mauve|azure|bronze|copper|cream|charcoal|burgundy|aqua|rose|ochre|"
    "navy blue|dark red|light green"
)

DISHES: tuple[str, ...] = listed(
    "soup|stew|pizza|pasta|salad|curry|sandwich|pancakes|omelette|pie|cake|porridge|sushi|dumplings|noodles|lasagna|"
    "risotto|burger|taco|burrito|pudding|casserole|spaghetti|steak|roast|toast|waffles|muffins|cookies|bread|"
    "hamburger|omelet|chili|ramen"
)

INGREDIENTS: tuple[str, ...] = listed(
    "rice|flour|sugar|salt|butter|cheese|eggs|milk|cream|beef|pork|chicken|fish|beans|lentils|garlic|onions|"
    "tomatoes|potatoes|carrots|mushrooms|peppers|spinach|corn|peas|olives|nuts|honey|yogurt|bacon|ham|shrimp|tuna|"
    "salmon|tofu|broccoli|cabbage|lemon|ginger|oil|chocolate|vanilla|cinnamon|basil|oats|turkey|lamb"
)

FOODS: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            *(name for name, _ in COLORED_FOODS),
            *DISHES,
            *(i for i in INGREDIENTS if i not in {"chicken", "fish", "salmon", "turkey", "lamb"}),
            "ice cream",
            *listed(
                "egg|apples|bananas|grapes|sausage|cracker|candy|jam|jelly|soda|juice|meat|fruit|vegetable|biscuit|"
                "pancake|dessert|breakfast|lunch|dinner|meal|snack|cookie|donut|bagel|cereal|popcorn|almond|walnut|"
                "peanut|celery|lettuce|pretzel|muffin|waffle|croissant|avocado|kiwi|apricot"
            ),
        )
    )
)

MONTHS: tuple[str, ...] = listed(
    "January|February|March|April|May|June|July|August|September|October|November|December"
)
WEEKDAYS: tuple[str, ...] = listed("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday")
SEASONS: tuple[str, ...] = ("spring", "summer", "autumn", "winter")
HOLIDAYS: tuple[str, ...] = listed("Christmas|Easter|Halloween|Thanksgiving|Ramadan|Diwali|Hanukkah")
_TIMES: tuple[str, ...] = listed(
    "today|yesterday|tomorrow|tonight|morning|evening|afternoon|midnight|noon|week|weekend|month|year|decade|century|"
    "day|hour|birthday|anniversary|last week|next year|fortnight|season|holiday|dawn|dusk|fall|millennium|weekday|"
    "calendar|date"
)

NUMBER_WORDS: tuple[str, ...] = listed(
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    "seventeen|eighteen|nineteen|twenty"
)
_BIG_NUMBERS: tuple[str, ...] = listed(
    "thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|trillion|dozen"
)
ORDINALS: tuple[str, ...] = listed("first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth")

GIRLS: tuple[str, ...] = listed(
    "Anna|Lily|Mia|Sara|Emma|Lucy|Maria|Nina|Clara|Julia|Rosa|Elena|Amy|Sue|Zoe|Kate|Mary|Jane|Grace|Ella|Ruth|Ines|"
    "Leila|Aisha|Priya|Mei|Yuki|Olga|Freya|Greta|Hannah|Alice|Nora|Molly|Daisy|Eva|Lena|Tara|Vera|Wendy"
)
BOYS: tuple[str, ...] = listed(
    "Tom|Ben|Max|Sam|Jack|Tim|Leo|Omar|Ivan|Paul|Peter|David|Daniel|Carlos|Diego|Marco|Luca|Hugo|Karl|Erik|Noah|Adam|"
    "Ali|Hassan|Ravi|Kenji|Chen|Pedro|Simon|Oscar|Felix|Henry|George|Victor|Martin|Lucas|Jacob|Anton|Bob|Fred"
)

CATEGORY_WORDS: dict[str, tuple[str, ...]] = {
    "date": (*MONTHS, *WEEKDAYS, *SEASONS, *HOLIDAYS, *_TIMES),
    "location": (*(c.name for c in COUNTRIES), *(c.capital for c in COUNTRIES), *MORE_CITIES, *MORE_PLACES),
    "animal": tuple(a.name for a in ANIMALS),
    "food": FOODS,
    "numeric": (*NUMBER_WORDS, *_BIG_NUMBERS, *ORDINALS, *listed("half|twice|10|12|20|50|100|1000")),
    "language": LANGUAGES,
    "vehicle": tuple(v.name for v in VEHICLES),
    "color": COLORS,
}

# What each category is called in running text.
CATEGORY_NOUNS: dict[str, tuple[str, str]] = {
    "date": ("a time", "times"),
    "location": ("a place", "places"),
    "animal": ("an animal", "animals"),
    "food": ("a food", "foods"),
    "numeric": ("a number", "numbers"),
    "language": ("a language", "languages"),
    "vehicle": ("a vehicle", "vehicles"),
    "color": ("a color", "colors"),
}

# Words of everyday talk: drawn several times as often as the rest, as they are in any text.
COMMON: frozenset[str] = frozenset(
    listed(
        "France|Germany|Italy|Spain|England|Greece|Russia|Turkey|Egypt|Kenya|India|China|Japan|Korea|Canada|America|"
        "Mexico|Brazil|Australia|Israel|Poland|Sweden|Netherlands|Portugal|"
        "Paris|London|Madrid|Berlin|Rome|Tokyo|Beijing|Moscow|Cairo|Sydney|Chicago|Boston|New York|San Francisco|"
        "Delhi|Athens|Vienna|Lisbon|Dublin|Barcelona|Texas|California|Europe|Africa|Asia|"
        "English|French|Spanish|German|Italian|Portuguese|Russian|Chinese|Japanese|Korean|Arabic|Hebrew|Hindi|Turkish|"
        "Greek|Latin|Dutch|Swedish|Polish|Swahili|"
        "dog|cat|horse|cow|sheep|goat|pig|lion|tiger|elephant|giraffe|monkey|rabbit|wolf|fox|owl|eagle|snake|frog|"
        "whale|shark|penguin|bear|mouse|duck|bird|fish|"
        "bread|cheese|butter|rice|pasta|pizza|soup|salad|steak|sandwich|egg|eggs|potato|tomato|apple|banana|honey|"
        "cake|chocolate|sushi|yogurt|ice cream|milk|orange|lemon|carrot|chicken|salmon|sugar|salt|beans|"
        "car|bus|train|truck|van|taxi|tram|subway|bicycle|motorcycle|scooter|tractor|ambulance|boat|ship|ferry|canoe|"
        "yacht|airplane|helicopter|cable car|plane|bike|"
        "red|blue|green|yellow|purple|pink|brown|black|white|gray|silver|crimson|scarlet|maroon|violet|indigo|"
        "turquoise|beige|navy blue|golden|"
        "January|February|March|April|May|June|July|August|September|October|November|December|Monday|Tuesday|"
        "Wednesday|Thursday|Friday|Saturday|Sunday|yesterday|today|tomorrow|last week|summer|winter|spring|autumn|"
        "morning|evening|Christmas|"
        "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|hundred|"
        "thousand|million|100|first|second|dozen|half"
    )
)
