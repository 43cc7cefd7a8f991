"""A ladder as tables: for people one of steps, one of categories and the texts; for programs one row each."""

from __future__ import annotations

from collections.abc import Iterator

from mechamap.protocol.steering import Ladder, LadderRow, Shift
from mechamap.tables.table import Cell, Column, Report, Table, Values

__all__ = ["TABLES", "ladder_report", "steered_name", "step_name"]


TABLES = ("ladder", "next", "categories", "texts", "neurons", "rows")
_SHOWN = 3  # neurons that a title names


def ladder_report(ladder: Ladder) -> Report:
    """All tables of a ladder; ``rows`` is that for programs, a row for each step and category."""
    tables = (
        _steps(ladder),
        _next_tokens(ladder),
        _categories(ladder),
        _texts(ladder),
        _neurons(ladder),
        _rows(ladder),
    )
    return Report(f"{steered_name(ladder)}: {ladder.statement}", tables, ladder.notes, main="rows")


def steered_name(ladder: Ladder) -> str:
    """What is steered, and how, in a few words."""
    names = [neuron.neuron for neuron in ladder.neurons]
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    which = ladder.name or ", ".join(names[:_SHOWN]) + more
    where = {"all": "at all tokens", "last": "at the prompt's last token"}
    how = {"add": "added to", "set": "set", "zero": "held at zero", "mean": "held at the mean"}[ladder.mode]
    return f"{which} {how} {where.get(str(ladder.where), f'from token {ladder.where} on')}"


def step_name(row: LadderRow, ladder: Ladder) -> str:
    """What a step is called: its strength with its sign, or the mode."""
    return ladder.mode if row.strength is None else f"{row.strength:+.4g}"


def _steps(ladder: Ladder) -> Table:
    category = ladder.category
    columns = [Column("strength", "strength"), Column("next", "next token"), Column("kl", "KL", "number")]
    columns += [Column("kl_mean", "mean KL", "number"), Column("control_kl", "controls' KL", "text")]
    if category:
        columns += [Column("change", category, "effect"), Column("specific", "beyond others", "effect")]
        columns += [Column("controls", "controls", "text")]
        columns += [Column("turned", "turned", "effect"), Column("verdict", "verdict")]
    columns.append(Column("apart", "text"))
    rows = []
    for row in (ladder.untouched, *ladder.rows):
        untouched = row is ladder.untouched
        shift = (row.categories or {}).get(category)
        cells: list[Cell] = [
            "untouched" if untouched else step_name(row, ladder),
            _token(row.top[:1]),
            row.kl,
            row.kl_mean,
        ]
        cells.append(_span(row.control_kl, "{:.3g}"))
        if category:
            cells += _shift_cells(shift, judged=not untouched and row.strength != 0 and bool(ladder.controls))
        rows.append((*cells, row.apart))
    about = (
        "KL: divergence of the next token's distribution from the untouched model's, in nats; mean KL: over the last "
        "steered tokens."
    )
    if category:
        about += (
            f" {category}: change of the mean log probability of its words as the next token, over those tokens; "
            "beyond others: less that of the other categories' words, beside the range of "
            f"{len(ladder.controls)} controls and the sign turned round."
        )
    return Table("ladder", "Ladder", tuple(columns), tuple(rows), about)


def _next_tokens(ladder: Ladder) -> Table:
    rows = (ladder.untouched, *ladder.rows)
    most = max(len(row.top) for row in rows)
    columns = (Column("strength", "strength"), *(Column(f"token_{n}", "", "text") for n in range(1, most + 1)))
    cells: list[tuple[Cell, ...]] = []
    for row in rows:
        name = "untouched" if row is ladder.untouched else step_name(row, ladder)
        cells.append((name, *(_token(row.top[n : n + 1]) for n in range(most))))
    return Table("next", "Most probable next tokens", columns, tuple(cells))


def _shift_cells(shift: Shift | None, *, judged: bool) -> list[Cell]:
    if shift is None:
        return [None, None, "", None, ""]
    verdict = ("beyond controls" if shift.beyond else "as controls") if judged else ""
    return [shift.change, shift.specific, _span(shift.controls, "{:+.3f}"), shift.turned, verdict]


def _categories(ladder: Ladder) -> Table:
    """A row for each category, a column for each step; beyond controls: named behind."""
    names = list(dict.fromkeys(name for row in ladder.rows for name in row.categories or {}))
    steps = [Column(f"step_{number}", step_name(row, ladder), "effect") for number, row in enumerate(ladder.rows)]
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        shifts = [(row.categories or {}).get(name) for row in ladder.rows]
        beyond = [
            step_name(row, ladder) for row, shift in zip(ladder.rows, shifts, strict=True) if shift and shift.beyond
        ]
        rows.append((name, *(None if shift is None else shift.change for shift in shifts), " ".join(beyond)))
    columns = (Column("category", "category"), *steps, Column("beyond", "beyond controls at"))
    about = "Change of the mean log probability of each category's words as the next token, in nats."
    return Table("categories", "Categories", columns, tuple(rows), about)


def _texts(ladder: Ladder) -> Table:
    rows: list[tuple[Cell, ...]] = [("untouched", ladder.untouched.text)]
    rows += [(step_name(row, ladder), row.text) for row in ladder.rows]
    how = "greedy" if not ladder.temperature else f"temperature {ladder.temperature:g}, seed {ladder.seed}"
    columns = (Column("strength", "strength"), Column("text", "text"))
    return Table("texts", f"What follows ({how})", columns, tuple(rows) if ladder.generated else ())


def _neurons(ladder: Ladder) -> Table:
    columns = (
        Column("neuron", "neuron", "neuron"),
        Column("scale", "scale", "number"),
        Column("sign", "sign"),
        Column("mean", "mean", "signed"),
        Column("norm", "output norm", "number"),
        Column("controls", "controls"),
    )
    rows: list[tuple[Cell, ...]] = []
    for number, neuron in enumerate(ladder.neurons):
        controls = " ".join(chosen[number] for chosen in ladder.controls)
        rows.append((neuron.neuron, neuron.scale, "+" if neuron.sign > 0 else "-", neuron.mean, neuron.norm, controls))
    about = "scale: the 99.9 % quantile of |activation|, one unit of strength; sign: which way + turns it."
    return Table("neurons", "Neurons", columns, tuple(rows), about)


def _rows(ladder: Ladder) -> Table:
    columns = (
        Column("strength", "strength", "number"),
        Column("category", "category"),
        Column("change", "change", "effect"),
        Column("specific", "beyond others", "effect"),
        Column("turned", "turned", "effect"),
        Column("beyond", "beyond controls"),
        Column("controls", "controls", "effect"),
        Column("kl", "KL", "number"),
        Column("kl_mean", "mean KL", "number"),
        Column("top_token", "next token"),
        Column("top_p", "probability", "probability"),
        Column("apart", "fallen apart"),
        Column("text", "text"),
    )
    return Table("rows", "Rows", columns, tuple(_program_rows(ladder)))


def _program_rows(ladder: Ladder) -> Iterator[tuple[Cell, ...]]:
    for row in ladder.rows:
        token, p = row.top[0] if row.top else ("", None)
        behind = (row.kl, row.kl_mean, token, p, row.apart, row.text)
        for name, shift in (row.categories or {}).items() or [("", None)]:
            if shift is None:
                yield (row.strength, name, None, None, None, False, Values((), "effect"), *behind)
            else:
                controls = Values(shift.controls, "effect")
                yield (row.strength, name, shift.change, shift.specific, shift.turned, shift.beyond, controls, *behind)


def _token(top: tuple[tuple[str, float], ...]) -> str:
    """A token and its probability; empty where there is none."""
    return "".join(f"{token.strip() or '␣'} {100 * p:.0f}%" for token, p in top)


def _span(values: tuple[float | None, ...], form: str) -> str:
    """The range of some numbers."""
    known = [value for value in values if value is not None]
    return f"{form.format(min(known))} to {form.format(max(known))}" if known else ""
