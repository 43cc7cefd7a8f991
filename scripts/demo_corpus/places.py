"""Countries with their capital, language, people and continent; and other places a sentence can name."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["COUNTRIES", "LANGUAGES", "MORE_CITIES", "MORE_PLACES", "Country", "listed"]


def listed(words: str) -> tuple[str, ...]:
    """The words between the bars."""
    return tuple(words.split("|"))


class Country(NamedTuple):
    """One row of the table below."""

    name: str
    capital: str
    language: str
    people: str
    continent: str


_TABLE = """
France|Paris|French|French|Europe
Germany|Berlin|German|German|Europe
Italy|Rome|Italian|Italian|Europe
Spain|Madrid|Spanish|Spanish|Europe
Portugal|Lisbon|Portuguese|Portuguese|Europe
England|London|English|English|Europe
Ireland|Dublin|Irish|Irish|Europe
Scotland|Edinburgh|Gaelic|Scottish|Europe
Wales|Cardiff|Welsh|Welsh|Europe
Greece|Athens|Greek|Greek|Europe
Russia|Moscow|Russian|Russian|Europe
Poland|Warsaw|Polish|Polish|Europe
Sweden|Stockholm|Swedish|Swedish|Europe
Norway|Oslo|Norwegian|Norwegian|Europe
Denmark|Copenhagen|Danish|Danish|Europe
Finland|Helsinki|Finnish|Finnish|Europe
Iceland|Reykjavik|Icelandic|Icelandic|Europe
Austria|Vienna|German|Austrian|Europe
Switzerland|Bern|German|Swiss|Europe
Belgium|Brussels|Dutch|Belgian|Europe
Netherlands|Amsterdam|Dutch|Dutch|Europe
Hungary|Budapest|Hungarian|Hungarian|Europe
Romania|Bucharest|Romanian|Romanian|Europe
Bulgaria|Sofia|Bulgarian|Bulgarian|Europe
Serbia|Belgrade|Serbian|Serbian|Europe
Croatia|Zagreb|Croatian|Croatian|Europe
Ukraine|Kyiv|Ukrainian|Ukrainian|Europe
Czechia|Prague|Czech|Czech|Europe
Slovakia|Bratislava|Slovak|Slovak|Europe
Estonia|Tallinn|Estonian|Estonian|Europe
Latvia|Riga|Latvian|Latvian|Europe
Lithuania|Vilnius|Lithuanian|Lithuanian|Europe
Turkey|Ankara|Turkish|Turkish|Asia
Egypt|Cairo|Arabic|Egyptian|Africa
Morocco|Rabat|Arabic|Moroccan|Africa
Tunisia|Tunis|Arabic|Tunisian|Africa
Kenya|Nairobi|Swahili|Kenyan|Africa
Tanzania|Dodoma|Swahili|Tanzanian|Africa
Ethiopia|Addis Ababa|Amharic|Ethiopian|Africa
Somalia|Mogadishu|Somali|Somali|Africa
Ghana|Accra|English|Ghanaian|Africa
Nigeria|Abuja|Hausa|Nigerian|Africa
Senegal|Dakar|French|Senegalese|Africa
Israel|Jerusalem|Hebrew|Israeli|Asia
Iran|Tehran|Persian|Iranian|Asia
Iraq|Baghdad|Arabic|Iraqi|Asia
India|Delhi|Hindi|Indian|Asia
Pakistan|Islamabad|Urdu|Pakistani|Asia
Bangladesh|Dhaka|Bengali|Bengali|Asia
Nepal|Kathmandu|Nepali|Nepali|Asia
China|Beijing|Chinese|Chinese|Asia
Japan|Tokyo|Japanese|Japanese|Asia
Korea|Seoul|Korean|Korean|Asia
Mongolia|Ulaanbaatar|Mongolian|Mongolian|Asia
Vietnam|Hanoi|Vietnamese|Vietnamese|Asia
Thailand|Bangkok|Thai|Thai|Asia
Indonesia|Jakarta|Indonesian|Indonesian|Asia
Malaysia|Kuala Lumpur|Malay|Malaysian|Asia
Philippines|Manila|Tagalog|Filipino|Asia
Canada|Ottawa|English|Canadian|America
America|Washington|English|American|America
Mexico|Mexico City|Spanish|Mexican|America
Cuba|Havana|Spanish|Cuban|America
Peru|Lima|Spanish|Peruvian|America
Chile|Santiago|Spanish|Chilean|America
Brazil|Brasilia|Portuguese|Brazilian|America
Argentina|Buenos Aires|Spanish|Argentine|America
Colombia|Bogota|Spanish|Colombian|America
Australia|Canberra|English|Australian|Australia
"""

COUNTRIES: tuple[Country, ...] = tuple(Country(*line.split("|")) for line in _TABLE.strip().splitlines())

LANGUAGES: tuple[str, ...] = (
    *dict.fromkeys(c.language for c in COUNTRIES),
    *listed(
        "Latin|Sanskrit|Catalan|Basque|Tamil|Telugu|Punjabi|Gujarati|Marathi|Mandarin|Cantonese|Yiddish|Zulu|Xhosa|"
        "Yoruba|Igbo|Maori|Hawaiian|Armenian|Georgian|Albanian|Macedonian|Slovenian|Maltese|Kurdish|Pashto|Khmer|Lao|"
        "Burmese|Tibetan|Quechua|Navajo|Esperanto|Afrikaans|Farsi|Galician|Breton|Flemish"
    ),
)

MORE_CITIES: tuple[str, ...] = listed(
    "Barcelona|Milan|Venice|Naples|Florence|Munich|Hamburg|Lyon|Nice|Geneva|Zurich|Oxford|Manchester|Liverpool|"
    "Glasgow|Porto|Seville|Istanbul|Mumbai|Kolkata|Shanghai|Hong Kong|Osaka|Kyoto|Singapore|Sydney|Melbourne|"
    "Auckland|New York|Boston|Chicago|Texas|California|Florida|Seattle|Denver|Toronto|Montreal|Vancouver|Dubai|"
    "Los Angeles|San Francisco|Houston|Miami|Rio|Lagos|Cape Town|Johannesburg|Alaska|Hawaii|Siberia|Tuscany|"
    "Bavaria|Brittany|Sicily|Crete|Bali|Amazon|Sahara|Alps|Himalayas|Europe|Asia|Africa|Antarctica"
)

MORE_PLACES: tuple[str, ...] = listed(
    "city|town|village|country|island|mountain|river|lake|beach|desert|forest|valley|harbor|park|museum|library|"
    "school|market|street|bridge|castle|hotel|station|airport|garden|farm|coast|hill|ocean|jungle|church|temple|"
    "hospital|theater|square|port|region|continent|capital|kingdom|neighborhood|bakery|office|stadium"
)
