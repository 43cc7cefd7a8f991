"""A ladder over the bundled model: its steps, controls, texts, and what is said where something is wrong."""

from __future__ import annotations

import math
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.by_name import load_model
from support.hooks import hooks_left
from support.plain_steering import plain_log_ps, plain_text

from mechamap.capture.rerun import text_of_run
from mechamap.errors import Cancelled, RunError, TextError, UnsupportedModel, UsageError
from mechamap.events import StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.protocol.messages import decode, plain
from mechamap.protocol.steering import Ladder, LadderRow, parse_strengths, parse_where
from mechamap.runs.neuron_names import NeuronName, parse_neuron
from mechamap.runs.run import Run
from mechamap.scores.writes import category_tokens
from mechamap.steering.generation import Sampling
from mechamap.steering.ladder import LadderSettings, steer
from mechamap.steering.subject import Subject

TEXT = "She went to the market and bought a"
SETTINGS = LadderSettings(parse_strengths("-2:2:5"), controls=3, sampling=Sampling(6))


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    return load_model("demo", device="cpu")


@pytest.fixture(scope="module")
def subject(demo_run: Run, loaded: LoadedModel) -> Subject:
    return Subject.of_run(demo_run, loaded)


@pytest.fixture(scope="module")
def food(demo_run: Run) -> NeuronName:
    """The neuron that reads food best."""
    return demo_run.neuron_name(int(np.nanargmax(demo_run.column("ap", "food"))))


@pytest.fixture(scope="module")
def ladder(subject: Subject, food: NeuronName) -> Ladder:
    return steer(subject, [food], TEXT, SETTINGS)


def test_each_step_is_what_plain_hooks_make_of_it(subject: Subject, ladder: Ladder, food: NeuronName) -> None:
    loaded = subject.loaded
    ids = torch.tensor([ladder.ids])
    base = plain_log_ps(loaded, ids)  # [length, vocabulary]
    words = dict(
        zip(
            [category.name for category in subject.config.categories],
            category_tokens(subject.config.categories, loaded.tokenizer),
            strict=True,
        )
    )
    (neuron,) = ladder.neurons
    assert neuron.scale is not None
    for row in ladder.rows:
        assert row.strength is not None and row.categories is not None and row.kl is not None
        module = loaded.model.get_submodule(neuron.path)
        added = row.strength * neuron.sign * neuron.scale

        def before(_module, args, added=added):
            values = args[0].clone()
            values[:, ladder.front :, neuron.place] += added
            return (values, *args[1:])

        handle = module.register_forward_pre_hook(before)
        try:
            steered, text = plain_log_ps(loaded, ids), plain_text(loaded, ids, 6)
        finally:
            handle.remove()
        kl = (base.exp() * (base - steered)).sum(dim=1)[ladder.front :]  # [tokens]
        assert row.kl == pytest.approx(float(kl[-1]), abs=1e-4)
        assert row.kl_mean == pytest.approx(float(kl.mean()), abs=1e-4)
        change = (steered - base)[ladder.front :].mean(dim=0)  # [vocabulary]
        for name, shift in row.categories.items():
            own = set(words[name].tolist())
            others = [token for ids_of in words.values() for token in ids_of.tolist() if token not in own]
            assert shift.change == pytest.approx(float(change[words[name]].mean()), abs=1e-3)
            assert shift.specific == pytest.approx(float(change[words[name]].mean() - change[others].mean()), abs=1e-3)
        assert row.text == loaded.tokenizer.decode(text)
        top = steered[-1].exp().topk(5)
        assert [p for _, p in row.top] == pytest.approx(top.values.tolist(), abs=1e-4)
        assert row.top[0][0] == loaded.tokenizer.decode([int(top.indices[0])])


def test_strength_0_is_the_untouched_model(ladder: Ladder) -> None:
    middle = ladder.rows[2]
    assert middle.strength == 0
    assert middle.kl == pytest.approx(0, abs=1e-6)
    assert (middle.text, middle.top) == (ladder.untouched.text, ladder.untouched.top)
    assert middle.categories is not None
    assert not any(shift.beyond for shift in middle.categories.values())


def test_the_sign_turned_round_is_the_step_on_the_other_side(ladder: Ladder) -> None:
    for row, other in zip(ladder.rows, ladder.rows[::-1], strict=True):
        for name, shift in (row.categories or {}).items():
            assert other.categories is not None
            assert shift.turned == pytest.approx(other.categories[name].specific, abs=1e-3)


def test_controls_do_what_steering_them_does(subject: Subject, ladder: Ladder, food: NeuronName) -> None:
    assert len(ladder.controls) == 3
    last = ladder.rows[-1]
    assert last.categories is not None
    for number, (name,) in enumerate(ladder.controls):
        control = parse_neuron(name)
        assert control.layer == food.layer and control != food
        layer = subject.layer(food.layer, ladder.category)
        sizes = [float(layer.scales[layer.place_of(n)] * layer.norms[layer.place_of(n)]) for n in (control, food)]
        factor = max(1.0, sizes[1] / sizes[0])  # never a smaller dose
        alone = steer(
            subject, [control], TEXT, replace(SETTINGS, strengths=(2 * factor,), controls=0, category=ladder.category)
        )
        (row,) = alone.rows
        assert row.categories is not None
        for category, shift in last.categories.items():
            assert shift.controls[number] == pytest.approx(row.categories[category].specific, abs=2e-3)


def test_controls_are_drawn_by_the_seed(subject: Subject, food: NeuronName) -> None:
    def controls(seed: int) -> tuple[tuple[str, ...], ...]:
        return steer(subject, [food], TEXT, replace(SETTINGS, sampling=Sampling(0, 0.0, seed))).controls

    assert controls(1) == controls(1) != controls(2)


def test_one_unit_is_the_quantile_over_the_runs_text(demo_run: Run, ladder: Ladder, food: NeuronName) -> None:
    loaded = load_model("demo", device="cpu")
    text = text_of_run(demo_run)
    seen: list[torch.Tensor] = []
    handle = loaded.layers[food.layer].module.register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    with torch.no_grad():
        for window in text.windows:
            loaded.model(input_ids=torch.from_numpy(text.ids[window.start : window.start + window.length])[None].long())
    handle.remove()
    values = torch.cat([each[0, :, food.index] for each in seen])[torch.from_numpy(text.scored)]
    assert ladder.neurons[0].scale == pytest.approx(float(np.quantile(values.abs().double(), 0.999)), rel=1e-3)
    sign = np.sign(demo_run.column("selectivity", ladder.category)[demo_run.row_of(food)])
    assert ladder.neurons[0].sign == sign


def test_scales_are_kept_beside_the_run(demo_run: Run, loaded: LoadedModel, food: NeuronName, tmp_path: Path) -> None:
    assert demo_run.path is not None
    shutil.copytree(demo_run.path, tmp_path / "run", ignore=shutil.ignore_patterns("scales", "activations"))
    run = Run.open(tmp_path / "run")
    first = Subject.of_run(run, loaded).layer(food.layer).scales
    kept = tmp_path / "run" / "scales" / f"L{food.layer}.npy"
    np.testing.assert_allclose(np.load(kept), first, rtol=1e-6)
    np.save(kept, np.full(len(first), 7.0, np.float32))
    assert (Subject.of_run(run, loaded).layer(food.layer).scales == 7).all()
    kept.write_bytes(b"damaged")
    np.testing.assert_allclose(Subject.of_run(run, loaded).layer(food.layer).scales, first, rtol=1e-5)


def test_a_ladder_travels_as_json(ladder: Ladder) -> None:
    assert decode(plain(ladder), Ladder) == ladder


@pytest.mark.parametrize("mode", ["zero", "mean"])
def test_modes_without_strengths_have_one_step(subject: Subject, food: NeuronName, mode) -> None:
    ladder = steer(subject, [food], TEXT, replace(SETTINGS, mode=mode))
    (row,) = ladder.rows
    assert row.strength is None and row.categories is not None
    assert all(shift.turned is None and len(shift.controls) == 3 for shift in row.categories.values())
    assert row.kl is not None and row.kl >= 0


def test_setting_a_neuron_forgets_what_it_was(subject: Subject, food: NeuronName) -> None:
    ladder = steer(subject, [food], TEXT, replace(SETTINGS, mode="set", strengths=(0.0,)))
    zero = steer(subject, [food], TEXT, replace(SETTINGS, mode="zero"))
    assert ladder.rows[0].kl == pytest.approx(zero.rows[0].kl, abs=1e-6)


def test_a_set_over_several_layers_is_steered_as_one(subject: Subject) -> None:
    names = [parse_neuron(name) for name in ("L0.N3", "L2.N7", "L2.N9")]
    ladder = steer(subject, names, TEXT, replace(SETTINGS, name="three"))
    assert [neuron.neuron for neuron in ladder.neurons] == ["L0.N3", "L2.N7", "L2.N9"]
    assert all([parse_neuron(name).layer for name in chosen] == [0, 2, 2] for chosen in ladder.controls)
    assert all(len(set(chosen)) == 3 for chosen in ladder.controls)


def test_a_model_without_a_run_is_steered_upwards(loaded: LoadedModel, subject: Subject) -> None:
    alone = steer(Subject(loaded, subject.config), [parse_neuron("L1.N5")], TEXT, SETTINGS)
    beside = steer(subject, [parse_neuron("L1.N5")], TEXT, SETTINGS)
    assert alone.neurons[0].scale == pytest.approx(beside.neurons[0].scale, rel=1e-3)  # both over the default text
    assert alone.neurons[0].sign == 1
    assert alone.outcome == "not judged" and alone.category == ""
    assert any("Without a run" in note for note in alone.notes)


# --- what is wrong ------------------------------------------------------------------------------------------


def test_a_strength_beyond_all_use_is_told(subject: Subject, food: NeuronName) -> None:
    ladder = steer(subject, [food], TEXT, replace(SETTINGS, strengths=(0.0, 1e9)))
    assert ladder.rows[1].apart in ("far from the model", "not finite")
    decode(plain(ladder), Ladder)  # no NaN travels
    for row in ladder.rows:
        assert _numbers_are_finite(row)


def test_what_overflows_is_told() -> None:
    half = load_model("demo", device="cpu", dtype="float16")
    from mechamap.config.schema import default_config

    ladder = steer(Subject(half, default_config()), [parse_neuron("L1.N5")], TEXT, replace(SETTINGS, strengths=(1e9,)))
    assert ladder.rows[0].apart == "not finite"
    assert ladder.rows[0].kl is None
    assert any("not finite at +1e+09" in note for note in ladder.notes)


def _numbers_are_finite(row: LadderRow) -> bool:
    numbers = [row.kl, row.kl_mean, *row.control_kl]
    return all(number is None or math.isfinite(number) for number in numbers)


def test_a_prompt_longer_than_the_context_is_refused(subject: Subject, food: NeuronName) -> None:
    with pytest.raises(TextError, match=r"The prompt has [\d,]+ tokens; demo reads at most"):
        steer(subject, [food], "apple bread " * 2000, SETTINGS)
    with pytest.raises(TextError, match="empty"):
        steer(subject, [food], "  \n", SETTINGS)


def test_text_is_generated_up_to_the_end_of_the_context(subject: Subject, food: NeuronName) -> None:
    context = subject.loaded.context
    assert context is not None
    prompt = " bread" * (context - 40)
    ladder = steer(subject, [food], prompt, replace(SETTINGS, strengths=(1.0,), sampling=Sampling(500)))
    assert any("tokens are generated: the model reads at most" in note for note in ladder.notes)


def test_neurons_and_places_that_do_not_exist_are_named(subject: Subject, food: NeuronName) -> None:
    with pytest.raises(UsageError, match=r"L1\.N9999 is not in this run"):
        steer(subject, [parse_neuron("L1.N9999")], TEXT, SETTINGS)
    with pytest.raises(UsageError, match="Layer 44 is not in this run"):
        steer(subject, [parse_neuron("L44.N0")], TEXT, SETTINGS)
    with pytest.raises(UsageError, match="The prompt has no token 99"):
        steer(subject, [food], TEXT, replace(SETTINGS, where=99))
    with pytest.raises(UsageError, match="Unknown category 'fod'"):
        steer(subject, [food], TEXT, replace(SETTINGS, category="fod"))
    with pytest.raises(UsageError, match="No neuron"):
        steer(subject, [], TEXT, SETTINGS)


def test_a_model_that_has_changed_is_refused(demo_run: Run, food: NeuronName) -> None:
    other = load_model("demo", device="cpu")
    with torch.no_grad():
        for parameter in other.model.parameters():
            parameter.mul_(1.1)
    with pytest.raises(RunError, match=r"demo has changed since .* was made"):
        steer(Subject.of_run(demo_run, other), [food], TEXT, SETTINGS)


def test_an_encoder_has_no_next_token(subject: Subject, food: NeuronName) -> None:
    encoder = replace(subject.loaded, kind="encoder", label="some-encoder")
    with pytest.raises(UnsupportedModel, match="some-encoder is an encoder"):
        steer(Subject(encoder, subject.config), [food], TEXT, SETTINGS)


def test_a_ladder_is_cancelled_between_forwards(subject: Subject, food: NeuronName) -> None:
    cancel = threading.Event()

    def stop(event) -> None:
        if isinstance(event, StageEntered) and "tokens" in event.detail:
            cancel.set()

    with pytest.raises(Cancelled):
        steer(subject, [food], TEXT, SETTINGS, on_event=stop, cancel=cancel)
    assert hooks_left(subject.loaded.model) == 0


@pytest.mark.parametrize("text", ["", "a", "1:2", "1:2:0", "1:2:1000", "1,nan", "1e300", "1:2:x"])
def test_what_is_no_ladder_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_strengths(text)


def test_strengths_and_places_are_read() -> None:
    assert parse_strengths("-2:2:9") == (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2)
    assert parse_strengths("1, -0.5 2,1") == (1, -0.5, 2)
    assert parse_strengths("3:9:1") == (3,)
    assert [parse_where(text) for text in ("all", "Last ", "7")] == ["all", "last", 7]
    with pytest.raises(UsageError, match="'-1' does not say where"):
        parse_where("-1")
