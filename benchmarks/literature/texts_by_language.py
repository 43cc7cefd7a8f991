"""Short texts in the nine languages of the paper: article 1 of the Universal Declaration of Human Rights, and more."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["TEXTS"]


TEXTS: Mapping[str, str] = {
    "en": (
        "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience "
        "and should act towards one another in a spirit of brotherhood. In the morning the children go to school and "
        "their parents go to work. The bread is on the table, the water is cold, and the window of the kitchen is "
        "open. We spoke for a long time about the weather and about the price of houses in the old town. She has two "
        "brothers who live near the sea. When it rains we stay at home, read a book and drink tea with milk."
    ),
    "fr": (
        "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de "
        "conscience et doivent agir les uns envers les autres dans un esprit de fraternité. Le matin, les enfants vont "
        "à l'école et leurs parents vont au travail. Le pain est sur la table, l'eau est froide et la fenêtre de la "
        "cuisine est ouverte. Nous avons parlé longtemps du temps et du prix des maisons dans la vieille ville. Elle "
        "a deux frères qui habitent près de la mer. Quand il pleut, nous restons à la maison et nous lisons un livre."
    ),
    "de": (
        "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt "
        "und sollen einander im Geist der Brüderlichkeit begegnen. Am Morgen gehen die Kinder in die Schule und ihre "
        "Eltern zur Arbeit. Das Brot liegt auf dem Tisch, das Wasser ist kalt, und das Fenster der Küche steht offen. "
        "Wir haben lange über das Wetter gesprochen und über den Preis der Häuser in der alten Stadt. Sie hat zwei "
        "Brüder, die am Meer wohnen. Wenn es regnet, bleiben wir zu Hause und lesen ein Buch."
    ),
    "es": (
        "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y "
        "conciencia, deben comportarse fraternalmente los unos con los otros. Por la mañana los niños van a la escuela "
        "y sus padres van al trabajo. El pan está en la mesa, el agua está fría y la ventana de la cocina está "
        "abierta. Hemos hablado mucho tiempo del clima y del precio de las casas en la ciudad vieja. Ella tiene dos "
        "hermanos que viven cerca del mar. Cuando llueve nos quedamos en casa y leemos un libro."
    ),
    "it": (
        "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di "
        "coscienza e devono agire gli uni verso gli altri in spirito di fratellanza. La mattina i bambini vanno a "
        "scuola e i loro genitori vanno al lavoro. Il pane è sulla tavola, l'acqua è fredda e la finestra della cucina "
        "è aperta. Abbiamo parlato a lungo del tempo e del prezzo delle case nella città vecchia. Lei ha due fratelli "
        "che abitano vicino al mare. Quando piove restiamo a casa e leggiamo un libro."
    ),
    "pt": (
        "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de consciência, "
        "devem agir uns para com os outros em espírito de fraternidade. De manhã as crianças vão à escola e os seus "
        "pais vão ao trabalho. O pão está na mesa, a água está fria e a janela da cozinha está aberta. Falámos muito "
        "tempo sobre o tempo e sobre o preço das casas na cidade velha. Ela tem dois irmãos que moram perto do mar. "
        "Quando chove, ficamos em casa e lemos um livro."
    ),
    "nl": (
        "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en "
        "geweten, en behoren zich jegens elkander in een geest van broederschap te gedragen. In de ochtend gaan de "
        "kinderen naar school en hun ouders naar het werk. Het brood ligt op de tafel, het water is koud en het raam "
        "van de keuken staat open. Wij hebben lang gesproken over het weer en over de prijs van de huizen in de oude "
        "stad. Zij heeft twee broers die bij de zee wonen. Als het regent blijven wij thuis en lezen wij een boek."
    ),
    "sv": (
        "Alla människor är födda fria och lika i värde och rättigheter. De är utrustade med förnuft och samvete och "
        "bör handla gentemot varandra i en anda av broderskap. På morgonen går barnen till skolan och deras föräldrar "
        "går till arbetet. Brödet ligger på bordet, vattnet är kallt och köksfönstret står öppet. Vi talade länge om "
        "vädret och om priset på husen i den gamla staden. Hon har två bröder som bor nära havet. När det regnar "
        "stannar vi hemma och läser en bok."
    ),
    "el": (
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι με "
        "λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης. Το πρωί τα παιδιά "
        "πηγαίνουν στο σχολείο και οι γονείς τους στη δουλειά. Το ψωμί είναι στο τραπέζι, το νερό είναι κρύο και το "
        "παράθυρο της κουζίνας είναι ανοιχτό. Μιλήσαμε πολλή ώρα για τον καιρό και για την τιμή των σπιτιών."
    ),
}
"""By the codes of the published table. The first sentences are of the Declaration, the others were written for this."""
