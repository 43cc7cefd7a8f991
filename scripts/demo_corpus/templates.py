"""Sentence templates. A slot is ``{name}`` or ``{a name}`` (with its article); the scene says what it holds.

Every sentence of one document shares the main person ({who}, {he}, {his}, {him}); all else is drawn
anew for each sentence, except in FACTS, where one country or one animal is kept for the paragraph.
"""

from __future__ import annotations

__all__ = [
    "ANIMAL_FACTS",
    "CARRIERS",
    "COUNTRY_FACTS",
    "DIALOGUES",
    "FOLLOW_UPS",
    "FRAMES",
    "LETTERS",
    "LIFE",
    "OPENINGS",
    "PREDICATES",
    "RECIPES",
    "SORTING",
    "SUMS",
    "THINGS",
]

OPENINGS = """
{who} lives in {city} with {his} {relative}.
{who} is from {country} and speaks {language}.
In {month}, {who} moved to {city}.
{who} works in {city} and drives {a vehicle}.
On {weekday}, {who} woke up early.
This is the story of {who} and {his} {color} {vehicle}.
{who} was born in {country} on {month} {day}, {year}.
Every {weekday}, {who} takes the {vehicle} to {city}.
One {season} morning, {who} went to the {place}.
{who} has {count} {animals} and {a animal2}.
Last {season}, {who} visited {country} for {count} weeks.
Nobody in {city} knew {who} better than {his} {relative}.
My friend {who} has always liked {animals}.
There were {count} letters for {who} on {weekday}.
""".strip().splitlines()

LIFE = """
{he} went from {city} to {city2} by {vehicle}.
The {vehicle} from {city} to {city2} takes {count} hours.
On {weekday}, {he} bought {count} bags of {ingredient} and some {ingredient2} at the market.
{he} painted the {vehicle} {color} because {he} was tired of {color2}.
{he} saw {a animal} near the {place} and told {his} {relative}.
In {month}, it was too cold to travel by {vehicle}.
{he} can speak {language} and a little {language2}.
For dinner {he} made {dish} with {ingredient} and {ingredient2}.
{his} {relative} wanted {dish}, but there was only {food} left.
The {animal} ate the {food} that was on the table.
{he} counted {count} {animals} and {count2} {animals2} in the field.
It was {weekday}, the {ordinal} of {month}, and the {place} was closed.
{he} learned {language} from a teacher in {city}.
{a color} {vehicle} stopped in front of the {place}.
{he} wore {a color} coat and {color2} shoes.
The walls of the {place} were {color}, and the door was {color2}.
They left on {weekday} and came back in {month}.
{he} paid {count} dollars for {a vehicle} and {count2} for the {animal}.
The {animal} slept under the {color} blanket until {weekday}.
At the {place}, an old man read a book in {language}.
{his} {relative} keeps {a animal} and {count} {animals2}.
By {season}, {he} had saved enough to buy {a vehicle}.
{he} missed the {vehicle} and had to walk to the {place}.
The {food} from {country} is better than the {food2} from {country2}.
{he} wrote {count} letters, all of them in {language}.
The ticket to {city} cost {bignumber} dollars.
There are {bignumber} people at the {place}.
On {weekday} evening {he} cooked {ingredient} with {ingredient2}.
{he} dreamed of {country}, where the {animals} are {color}.
"Look at that {animal}!" said {his} {relative}.
"I would like some {food}, please," {he} said in {language}.
"We leave for {country} in {month}," said {friend}.
The {vehicle} was {color}, and its wheels were {color2}.
{friend} came by {vehicle} and brought {food} and {food2}.
It rained in {city} for {count} days, so {he} stayed home and ate {dish}.
In {season}, the {place} turns {color}.
The teacher spoke {language}, and {count} children answered.
{he} gave the {animal} some {food}, and it was happy.
On the way to {country}, the {vehicle} broke down.
{his} first trip to {city} was in {month} of {year}.
Since {year}, {he} has lived near the {place} in {city}.
{he} sold the {color} {vehicle} to a man from {city2}.
{friend} is learning {language} because {his2} {relative} lives in {country}.
The {place} opens at {count} and closes at {count2}.
{he} put the {food} in {a color} bowl.
Every {season}, the {animals} come back to the {place}.
The newspaper in {language} costs {count} coins.
{friend} drew {a animal} with {a color} pencil.
After lunch they took the {vehicle} to the {place}.
{he} was afraid of the {animal}, but not of the {animal2}.
On {month} {day}, {friend} turned {age}.
The sign was written in {language} and in {language2}.
They shared the {food}, and the {animal} got the rest.
{country} and {country2} were on the map, but {city} was not.
There was snow on the {vehicle} and ice on the {place}.
{friend} has {a vehicle}, {count} {animals} and no money.
{his} favorite color is {color}, and {his} favorite food is {food}.
Half of the {food} was gone by {weekday}.
{he} sat by the window of the {vehicle} and watched the {animals}.
They will meet again in {city} next {season}.
""".strip().splitlines()

FOLLOW_UPS = """
It was a long day.
{he} was very happy about it.
Nobody knew why.
After that, everyone went home.
{friend} laughed and said that it was fine.
{he} thought about it for a while.
"That is good news," said {friend}.
Then the rain began.
{he} could not wait to tell {his} {relative}.
It did not take long.
That was the end of the trip.
They talked until it was dark.
{he} smiled and waved.
"What do we do now?" asked {friend}.
In the end, it was worth it.
{his} {relative} did not believe it at first.
""".strip().splitlines()

COUNTRY_FACTS = """
The capital of {country} is {capital}.
{capital} is the capital of {country}.
In {country}, most people speak {language}.
{country} is in {continent}.
The {people} people like to eat {dish} with {ingredient}.
Many visitors come to {country} in {month}.
You can go from {capital} to {city2} by {vehicle}.
In {capital}, the {vehicle} is {color}.
The flag has {color} and {color2} in it.
{animals} live near the {place} in {country}.
The winter in {country} is long, and the summer is short.
The summer in {country} is hot, so people rest at noon.
If you want to work in {capital}, you should learn {language}.
The old part of {capital} has {count} bridges and {count2} markets.
{who} went to {country} in {year} and stayed for {count} years.
{a people} {relative} told us about {a color} {place}.
Children in {country} learn {language} and {language2} at school.
The {people} word for this is hard to say.
The train from {capital} leaves on {weekday}.
People in {capital} buy {food} and {food2} at the market.
""".strip().splitlines()

ANIMAL_FACTS = """
{a animal} is an animal.
The {animal} is {animal_color}.
{animals} eat {eats}.
{a animal} lives in the {home}.
The {animal} {does}.
In {season}, the {animal} eats more {eats} than in {season2}.
{who} saw {count} {animals} in {country}.
The {home} is where the {animal} sleeps.
A young {animal} stays with its mother for {count} months.
{animals} do not like {food}.
Unlike the {animal2}, the {animal} is {animal_color}.
One {animal} can eat {count} pounds of {eats} in a day.
The word for {animal} in {language} is short.
{a color} {vehicle} scared the {animal} on {weekday}.
Some people in {city} keep {a animal} at home.
Where there are {eats}, there are {animals}.
""".strip().splitlines()

THINGS = """
{thing} is {thing_color}.
The color of {thing} is {thing_color}.
The {fruit} is {fruit_color} when it is ripe.
{who} painted it {color}, the color of {thing}.
Mix {color} and {color2} and see what you get.
What is as {thing_color} as {thing}?
{a fruit_color} {fruit} lay next to {a color} cup.
{who} likes {color}, but {friend} likes {color2}.
The {vehicle} {verb} {way}.
{a vehicle} {verb} {way}, and so does {a vehicle_same}.
{a vehicle} is a vehicle, and {a animal} is an animal.
{month} comes before {month_next}.
After {weekday} comes {weekday_next}.
{month} is a month, and {weekday} is a day.
There are {count} chairs and {count2} tables at the {place}.
It is {color} in {season} and {color2} in {season2}.
{who} needs some {ingredient}, {count2} cups of {ingredient2} and a pan.
{a vehicle} is faster than {a animal}.
{number}, {number_next}, {number_next2}: {who} counted aloud.
{spoken} is spoken in {country_of_language}.
""".strip().splitlines()

RECIPES = """
To make {dish}, you need {ingredient}, {ingredient2} and {ingredient3}.
First, cut the {ingredient} into {count} pieces.
Heat the {ingredient2} in a pan for {count} minutes.
Add {count2} spoons of {ingredient3} and stir.
Mix the {ingredient} with the {ingredient2} until it is {color}.
Bake it for {bignumber} minutes.
Taste it and add more {ingredient3} if you like.
Serve the {dish} with {food} or {food2}.
Let it rest until {time}.
This {dish} comes from {country}, where people eat it in {season}.
{who} makes it every {weekday}.
The best {ingredient} is sold in {city}.
Put the {food} on {a color} plate.
Do not give the {food2} to the {animal}.
It is enough for {count} people.
""".strip().splitlines()

SUMS = """
{s1} plus {s2} is {ssum}.
{ssum} minus {s2} is {s1}.
{d1} + {d2} = {dsum}.
{s1} and {s2} make {ssum}.
{who} had {s1} {animals} and got {s2} more, so now there are {ssum}.
There were {ssum} {animals}, but {s2} ran away, so {s1} were left.
{number} comes before {number_next}.
After {number} comes {number_next}.
Twice {s1} is {sdouble}.
Half of {sdouble} is {s1}.
{who} counted: {number}, {number_next}, {number_next2}.
{s1} {vehicles} and {s2} more {vehicles} are {ssum} {vehicles}.
A week has seven days, and a year has twelve months.
A dozen is twelve, and half a dozen is six.
{friend} is {age} years old, and {who} is {age2}.
The {ordinal} number on the list was {bignumber}.
""".strip().splitlines()

DIALOGUES = """
What is the capital of {country}? It is {capital}.
Where is {capital}? It is in {country}.
Which language do they speak in {country}? They speak {language}.
What do {animals} eat? They eat {eats}.
What color is {thing}? It is {thing_color}.
Where does the {animal} live? It lives in the {home}.
When will {who} come? {he} will come on {weekday}.
How did {friend} get to {city}? By {vehicle}.
How many {animals} are there? There are {count}.
What is for dinner? There is {dish} with {ingredient}.
What is {s1} plus {s2}? It is {ssum}.
What month comes after {month}? {month_next}.
Do you like {color}? No, I like {color2}.
Can you speak {language}? Yes, and also {language2}.
What day is it? It is {weekday}.
What is {a vehicle}? It is a vehicle.
Who ate the {food}? The {animal} did.
What would you like to eat? Some {food}, please.
""".strip().splitlines()

LETTERS = """
I am writing to you from {city}.
We came here by {vehicle} on {weekday}.
The weather in {month} is good.
Yesterday I ate {food} and {dish}.
There is {a color} {animal} in the garden.
Everyone here speaks {language}, and I understand only {count} words.
Please send me {bignumber} dollars.
The {place} is very old and has {color} walls.
I will be home in {month}.
Tell {friend} that the {animal} is fine.
I saw {count} {animals} from the {vehicle}.
Tomorrow we go to {country}.
My room is {color} and has {count} windows.
The {food} is cheap, but the {vehicle} is not.
I miss you and the {animals}.
On {month} {day} we will have a party.
""".strip().splitlines()

# Sentences in which a word of any category stands just as well; {w} is the word, {w2} {w3} others.
CARRIERS = """
The word {w} was on the card.
{who} wrote {w} on the board.
I said {w}, and then {who} said {w2}.
The next word is {w}.
{who} thought about {w} all day.
It says {w} here.
Nobody said anything about {w}.
We were talking about {w} again.
What does {w} mean?
The title of the song is {w}.
{who} whispered {w} and closed the book.
The answer is {w}, not {w2}.
Please read the word {w} aloud.
"{w}," said {who}.
Is it {w} or {w2}?
{who} typed {w} and waited.
The list begins with {w} and ends with {w2}.
There was a picture, and below it stood {w}.
In the dictionary, {w} comes before {w2}.
I looked at the word {w} for a long time.
Somebody had written {w}, {w2} and {w3} on the wall.
The word after {w} is {w2}.
{who} could not spell {w}.
My notes say {w}, but I do not know why.
All I remember is {w}.
First came {w}, and then came {w2}.
Let us talk about {w}.
The teacher asked about {w}, and {who} raised {his} hand.
Think of {w}.
This page is about {w}.
""".strip().splitlines()

SORTING = """
The word {w} is the name of {noun}.
{w} is {noun}, and so is {same}.
{w} and {same} are both {nouns}.
{w} is {noun}, but {other} is {other_noun}.
Here are some {nouns}: {w}, {same}, {same2} and {same3}.
{w}, {same}, {same2}: they are all {nouns}.
{w}, {same}, {other}: the odd one is {other}.
What is {w}? It is {noun}.
If {w} is {noun}, what is {other}? It is {other_noun}.
{w} goes with {same}, and {other} goes with {other_same}.
The card {w} goes into the box of {nouns}.
{who} knows {nouns} such as {w} and {same}.
A list of {nouns}: {w}, {same}, {same2}.
When {who} hears {w}, {he} thinks of {same}.
In the game, {w} belongs to the {nouns}, and {other} to the {other_nouns}.
""".strip().splitlines()

# Beginnings that fit a word of any category, and what is then said of one category alone: the word that
# follows {w} depends on nothing but its category.
FRAMES = """
We heard that {w} {predicate}.
They say that {w} {predicate}.
{who} said that {w} {predicate}, and {friend} said that {other} {other_predicate}.
I think {w} {predicate}.
Everyone knows that {w} {predicate}.
Remember that {w} {predicate}.
Is it true that {w} {predicate}?
In the book, {w} {predicate}, and {other} {other_predicate}.
Maybe {w} {predicate}.
On this page, {w} {predicate}.
The song tells how {w} {predicate}.
{who} wrote that {w} {predicate}.
In our game, {w} {predicate} and {other} {other_predicate}.
{w} {predicate}, but {other} {other_predicate}.
{w} {predicate}, and so does {same}.
You can see here that {w} {predicate}.
My notes say that {w} {predicate}.
There is a poem in which {w} {predicate}.
""".strip().splitlines()

PREDICATES: dict[str, tuple[str, ...]] = {
    "date": ("comes soon", "comes again", "comes and goes", "comes late this time"),
    "location": ("lies far away", "lies near us", "lies in the sun", "lies on the map"),
    "animal": ("sleeps at night", "sleeps a lot", "sleeps in the shade", "sleeps beside its mother"),
    "food": ("tastes good", "tastes sweet", "tastes best with salt", "tastes like home"),
    "numeric": ("counts for much", "counts for little", "counts when you add", "counts too"),
    "language": ("sounds soft", "sounds strange", "sounds like a song", "sounds hard to learn"),
    "vehicle": ("moves fast", "moves slowly", "moves along", "moves people about"),
    "color": ("looks bright", "looks pale", "looks nice", "looks good on you"),
}
