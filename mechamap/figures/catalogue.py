"""Every figure that neurons have, a row each: what lists figures, reads it from here.

To add a figure, write its row, compute it, and name it in ``mechamap.runs.figure_names``, which says what is in the
folder of a run. Filters, sort columns, reports, exports, the explorer's columns, the help and docs/figures.md follow.
Importing this module loads no numpy.
"""

from __future__ import annotations

from mechamap.figures.figure import Figure, JudgedFigure, MadeBy, Shape

__all__ = ["FEW_OCCURRENCES", "FIGURES", "SIGNIFICANT", "figure_names", "judged_figures", "named"]


SIGNIFICANT = 0.05  # p below which a finding is not put down to chance
FEW_OCCURRENCES = 5  # with fewer, an expert's neuron can reach any score by chance

_ROWS = (
    JudgedFigure(
        name="strength", usual=0.5, compares=True, directed=True, made_by="confirm", written="probability",
        in_table=True, in_detail=True,
        about="geometric mean of the average precision in the scan's text (`ap`), in the natural text that is read "
        "after it (`second_ap`) and in the sentences of a confirmation (`carrier_ap`), each by how many words of the "
        "category it has",
    ),
    JudgedFigure(
        name="ap", usual=0.5, compares=True, directed=True, written="probability", in_table=True, in_detail=True,
        error="ap_se",
        about="average precision in the direction of the sign of selectivity",
    ),
    JudgedFigure(
        name="selectivity", aliases=("reads",), usual=0.9, two_sided=True, of_reading=True, compares=True,
        written="correlation", in_table=True, in_detail=True, sign_matters=True, error="auroc_se", error_factor=2.0,
        about="2 · auroc − 1; negative where the neuron goes down on the category's words",
    ),
    JudgedFigure(
        name="write", aliases=("writes",), usual=3.0, two_sided=True, in_table=True, in_detail=True, sign_matters=True,
        about="how far the neuron pushes the category's words in the output, in standard deviations of the vocabulary",
    ),
    JudgedFigure(
        name="cause", aliases=("causes",), usual=0.05, two_sided=True, made_by="ablate", measured_as="cause_measured",
        written="effect", in_table=True, in_detail=True, sign_matters=True, lowest_first=True,
        about="change of the words' mean log probability without the neuron, in nats, estimated by gradient; `causes` "
        "is the measured effect where there is one",
    ),
    JudgedFigure(
        name="cause_measured", usual=0.05, two_sided=True, made_by="ablate", undefined_with="cause", written="effect",
        about="the same change, measured by ablating the neuron",
    ),
    JudgedFigure(
        name="p", usual=SIGNIFICANT, ascending=True, centre=1.0, made_by="confirm", written="p",
        in_table=True, in_detail=True, lowest_first=True,
        about="p of the reading, corrected for the search over all neurons and categories",
    ),
    JudgedFigure(
        name="write_p", usual=SIGNIFICANT, ascending=True, centre=1.0, made_by="confirm", undefined_with="write",
        written="p", lowest_first=True,
        about="p of the writing, corrected likewise",
    ),
    JudgedFigure(
        name="held_out_auroc", aliases=("held",), usual=0.95, centre=0.5, made_by="confirm", written="probability",
        in_table=True, in_detail=True,
        about="AUROC on words not used to choose the neuron's sign",
    ),
    JudgedFigure(
        name="held_out_ap", usual=0.5, made_by="confirm", written="probability",
        about="average precision on words not used to choose the neuron's sign",
    ),
    JudgedFigure(
        name="carrier_ap", usual=0.5, directed=True, made_by="confirm", written="probability",
        about="average precision in the sentences of a confirmation, in the direction of the sign of selectivity",
    ),
    JudgedFigure(
        name="second_auroc", title="second", usual=0.95, centre=0.5, made_by="second text", written="probability",
        in_detail=True,
        about="AUROC on a second text, of the neurons that were strongest on the first",
    ),
    JudgedFigure(
        name="second_ap", usual=0.2, directed=True, made_by="after scan", written="probability", in_detail=True,
        about="average precision in the natural text that is read after a scan, of each category's first candidates",
    ),
    JudgedFigure(
        name="others_auroc", usual=0.95, centre=0.5, made_by="after scan", written="probability",
        about="AUROC there, on the category's second list of words (`others`), which chose nothing",
    ),
    JudgedFigure(
        name="others_ap", usual=0.2, directed=True, made_by="after scan", written="probability", in_detail=True,
        about="average precision there, on the category's second list of words",
    ),
    JudgedFigure(
        name="auroc", usual=0.95, two_sided=True, centre=0.5, of_reading=True, compares=True, written="probability",
        in_table=True, in_detail=True, error="auroc_se",
        about="probability that the activation is higher at a word of the category than outside all its words",
    ),
    JudgedFigure(
        name="d", usual=3.0, two_sided=True, of_reading=True, compares=True, in_table=True, in_detail=True,
        error="d_se",
        about="Cohen's d between the category's words and the other positions",
    ),
    JudgedFigure(
        name="mean", usual=None, of_reading=True, in_table=True, in_detail=True, error="mean_se",
        about="mean activation at the category's words",
    ),
    JudgedFigure(
        name="p_matched", usual=SIGNIFICANT, ascending=True, centre=1.0, made_by="confirm", written="p",
        in_table=True, in_detail=True, lowest_first=True,
        about="p of the reading, corrected likewise, of labels shuffled among words that are alike in capital letter, "
        "tokens, part of speech, frequency and length",
    ),
    JudgedFigure(
        name="specificity", aliases=("specific",), usual=0.8, centre=0.5, made_by="confirm", written="probability",
        in_table=True, in_detail=True,
        about="AUROC against words that match the category's in capital letter, tokens, part of speech, frequency and "
        "length, in the direction of the sign of selectivity",
    ),
    JudgedFigure(
        name="specificity_ap", usual=0.5, made_by="confirm", written="probability",
        about="average precision against these words",
    ),
    JudgedFigure(
        name="near_auroc", aliases=("near",), usual=0.8, centre=0.5, made_by="confirm", written="probability",
        in_table=True, in_detail=True,
        about="AUROC against near relatives that are no members of the category, in the direction of the sign of "
        "selectivity",
    ),
    JudgedFigure(
        name="hard_auroc", aliases=("hard",), usual=0.8, centre=0.5, made_by="confirm", written="probability",
        in_detail=True,
        about="what a confirmation asks for: `near_auroc` and `specificity`, each less its standard error, the lower "
        "of the two",
    ),
    Figure(
        name="explained", shape="category", made_by="confirm", written="feature", in_table=True,
        about="the feature of words, such as the capital letter, that alone explains at least half of a clear reading; "
        "in files its number, counted from 0: capital letter, length, tokens, frequency, part of speech, first token, "
        "first letter",
    ),
    Figure(
        name="occurrences", shape="category", made_by="experts", written="count",
        about="how many of the category's words were routed to the neuron's expert",
    ),
    Figure(
        name="second_held", shape="category", made_by="after scan", written="count",
        about="1 where the reading holds in the natural text that is read after a scan, 0 where it does not",
    ),
    Figure(
        name="mean_se", shape="category", made_by="corpus", written="number",
        about="standard error of `mean`: standard deviation over the category's words, divided by the root of their "
        "number",
    ),
    Figure(
        name="auroc_se", shape="category", made_by="corpus", written="number",
        about="standard error of `auroc` (DeLong et al., 1988); that of `selectivity` is twice as large",
    ),
    Figure(
        name="d_se", shape="category", made_by="corpus", written="number",
        about="standard error of `d`, by the delta method; that of Hedges and Olkin (1985) where activations are "
        "normal with one variance",
    ),
    Figure(
        name="ap_se", shape="category", made_by="corpus", written="number",
        about="standard error of `ap`, by the delta method, from what each sampled word and each other position adds "
        "to it (Hampel, 1974)",
    ),
    Figure(name="max", shape="neuron", in_table=True, about="highest activation"),
    Figure(name="min", shape="neuron", in_table=True, about="lowest activation"),
    Figure(name="mean_all", shape="neuron", about="mean activation over all scored positions"),
    Figure(name="std_all", shape="neuron", about="standard deviation of the activation over all scored positions"),
    Figure(name="fire", shape="neuron", written="share", in_table=True, about="share of positions above 0"),
    Figure(name="dead", shape="neuron", written="number", flag=True, about="whether the neuron is dead"),
    Figure(
        name="skew", shape="neuron", made_by="corpus",
        about="skewness of the activation over all scored positions, g1 of Joanes and Gill (1998); 0 of a normal "
        "distribution",
    ),
    Figure(
        name="kurtosis", shape="neuron", made_by="corpus",
        about="excess kurtosis of the activation over all scored positions, g2 of Joanes and Gill (1998); 0 of a "
        "normal distribution",
    ),
    Figure(
        name="tokens", shape="neuron", made_by="experts", written="count",
        about="how many scored positions were routed to the neuron's expert",
    ),
    Figure(name="top_values", shape="tokens", about="its highest activations"),
    Figure(name="top_positions", shape="tokens", written="count", about="where in the text they are"),
    Figure(name="bottom_values", shape="tokens", about="its lowest activations"),
    Figure(name="bottom_positions", shape="tokens", written="count", about="where in the text they are"),
    Figure(
        name="highest_values", shape="list", made_by="corpus",
        about="its highest activations, each in another document",
    ),
    Figure(
        name="highest_positions", shape="list", made_by="corpus", written="count",
        about="where they are among the tokens that the run keeps",
    ),
    Figure(
        name="lowest_values", shape="list", made_by="corpus",
        about="its lowest activations, each in another document",
    ),
    Figure(
        name="lowest_positions", shape="list", made_by="corpus", written="count",
        about="where they are among the tokens that the run keeps",
    ),
    Figure(
        name="range_values", shape="list", made_by="corpus",
        about="activations drawn from each of five ranges, four of a range",
    ),
    Figure(
        name="range_positions", shape="list", made_by="corpus", written="count",
        about="where they are among the tokens that the run keeps",
    ),
    Figure(name="range_lower", shape="list", made_by="corpus", about="the lower ends of these ranges"),
    Figure(name="range_upper", shape="list", made_by="corpus", about="their upper ends"),
    Figure(
        name="range_counts", shape="list", made_by="corpus", written="count",
        about="how many scored positions lie in each range",
    ),
    Figure(
        name="histogram", shape="list", made_by="corpus", written="count",
        about="how many scored positions lie in each of 64 bins ([run-format.md](run-format.md))",
    ),
)  # fmt: skip

FIGURES: dict[str, Figure] = {row.name: row for row in _ROWS}


def judged_figures() -> dict[str, JudgedFigure]:
    """The figures that neurons can be judged by, by name, in the order in which they are shown."""
    return {name: figure for name, figure in FIGURES.items() if isinstance(figure, JudgedFigure)}


def figure_names(*shapes: Shape, made_by: MadeBy | None = None) -> tuple[str, ...]:
    """The names of the figures of these shapes, where ``made_by`` is given of those that it works out."""
    figures = (figure for figure in FIGURES.values() if figure.shape in shapes)
    return tuple(figure.name for figure in figures if made_by in (None, figure.made_by))


def named(name: str) -> Figure | None:
    """The figure of this name or alias."""
    return FIGURES.get(name) or next((figure for figure in FIGURES.values() if name in figure.aliases), None)
