"""A step as Python for this library."""

from __future__ import annotations

from mechamap.takeaway.step import Step

__all__ = ["python_code"]


def python_code(step: Step) -> str:
    """A program that repeats the step and prints what it comes to."""
    ladder = step.ladder
    names = ", ".join(repr(neuron.neuron) for neuron in ladder.neurons)
    strengths = "" if step.strength is None else f"\n    strengths=({step.strength!r},),"
    if ladder.run:
        subject = f"""run = Run.open({ladder.run!r})
loaded = load_model(resolve(run.record.model.name), load_settings(run.config))
subject = Subject.of_run(run, loaded)"""
        imports = "from mechamap.runs.run import Run\n"
    else:
        subject = f"""config = default_config()
loaded = load_model(resolve({ladder.model!r}), load_settings(config))
subject = Subject(loaded, config)"""
        imports = "from mechamap.config.schema import default_config\n"
    lines = sorted(
        [
            "from mechamap.catalog.source import resolve\n",
            "from mechamap.models.loading.load import load_model\n",
            "from mechamap.models.loading.load_settings import load_settings\n",
            "from mechamap.runs.neuron_names import parse_neuron\n",
            "from mechamap.steering.generation import Sampling\n",
            "from mechamap.steering.ladder import LadderSettings, steer\n",
            "from mechamap.steering.subject import Subject\n",
            imports,
        ]
    )
    return f'''"""{step.title}."""

{"".join(lines)}
{subject}
settings = LadderSettings({strengths}
    mode={ladder.mode!r},
    where={ladder.where!r},
    controls={len(ladder.controls)},
    category={ladder.category!r},
    sampling=Sampling({ladder.generated}, {ladder.temperature!r}, {ladder.seed}),
)
ladder = steer(subject, [parse_neuron(name) for name in [{names}]], {ladder.prompt!r}, settings)
for row in ladder.rows:
    print(row.strength, row.kl, row.top, row.text)
'''
