"""What a ladder says of neurons that were planted to write, to read, or neither."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from mechamap.config.schema import config_from_dict
from mechamap.protocol.steering import Ladder
from mechamap.runs.neuron_names import NeuronName, parse_neuron
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.steering.generation import Sampling
from mechamap.steering.ladder import LadderSettings, steer
from mechamap.steering.subject import Subject
from support.by_name import load_model, scan_request
from support.planted_models import Architecture, Planted, plant

__all__ = ["PROMPT", "assert_planted_writers_write", "null_ladders", "planted_subject", "steered"]


PROMPT = "In the evening somebody turned from the"
_SETTINGS = LadderSettings((-2.0, -1.0, 0.0, 1.0, 2.0), sampling=Sampling(0))


def planted_subject(folder: Path, architecture: Architecture, seed: int) -> tuple[Planted, Subject]:
    """A planted model and its run."""
    made = plant(folder / "model", architecture, seed)
    loaded = load_model(str(made.folder), dtype="float32", device="cpu")
    run = scan(scan_request(loaded.id, config_from_dict(made.config()), folder / "run"), loaded=loaded)
    assert isinstance(run, Run)
    return made, Subject.of_run(run, loaded)


def steered(subject: Subject, neuron: NeuronName, category: str, seed: int) -> Ladder:
    """The ladder of one neuron for a category."""
    settings = LadderSettings(_SETTINGS.strengths, category=category, sampling=Sampling(0, 0.0, seed))
    return steer(subject, [neuron], PROMPT, settings)


def assert_planted_writers_write(architecture: Architecture, seed: int) -> None:
    """Steering each planted writer moves its category as it was planted to, its controls do not, and a neuron that was
    planted to read alone is told from it."""
    with TemporaryDirectory() as folder:
        made, subject = planted_subject(Path(folder), architecture, seed)
        for planted in made.neurons:
            name = parse_neuron(planted.name)
            ladder = steered(subject, name, planted.category, seed)
            at = (planted, ladder.statement)
            if not planted.writes:
                assert ladder.outcome in ("reads only", "shared"), at
                assert abs(subject.selectivity(name, planted.category)) < 0.5 or ladder.outcome == "reads only", at
                continue
            wanted = planted.writes * ladder.neurons[0].sign  # a positive strength may turn the neuron down
            assert ladder.outcome == ("writes" if wanted > 0 else "lowers"), at
            top = ladder.rows[-1].categories
            assert top is not None
            shift = top[planted.category]
            opposite = (ladder.rows[0].categories or {})[planted.category]
            assert shift.change is not None and opposite.change is not None
            assert (shift.change - opposite.change) * wanted > 0, at
            assert shift.specific is not None and shift.specific * wanted > 0, at
            assert max(abs(control or 0.0) for control in shift.controls) < abs(shift.specific), at


def null_ladders(architecture: Architecture, seed: int, count: int) -> list[Ladder]:
    """Ladders of neurons into which nothing was planted, each for a category."""
    with TemporaryDirectory() as folder:
        made, subject = planted_subject(Path(folder), architecture, seed)
        places = {(neuron.layer, neuron.neuron) for neuron in made.neurons}
        names = [NeuronName(layer, index) for index in range(64) for layer in range(3) if (layer, index) not in places]
        categories = list(made.categories)
        return [
            steered(subject, name, categories[number % len(categories)], seed)
            for number, name in enumerate(names[:count])
        ]
