"""The names of a run's figures, as its files are called, by the shape of their arrays."""

from __future__ import annotations

__all__ = [
    "CATEGORY_FIGURES",
    "CONTEXT_FIGURES",
    "CORPUS_CATEGORY_FIGURES",
    "CORPUS_FIGURES",
    "CORPUS_NEURON_FIGURES",
    "CORPUS_TABLES",
    "LATER_FIGURES",
    "NEURON_FIGURES",
    "RANGES",
    "ROUTED_FIGURES",
    "TOKEN_FIGURES",
]


CATEGORY_FIGURES = ("mean", "auroc", "selectivity", "d", "ap", "write")  # [neurons, categories]
# Also [neurons, categories]; a run has them only once it was confirmed, ablated or given a second look.
LATER_FIGURES = (
    "held_out_auroc",
    "held_out_ap",
    "p",
    "p_matched",
    "specificity",
    "specificity_ap",
    "near_auroc",
    "hard_auroc",
    "explained",
    "write_p",
    "carrier_ap",
    "strength",
    "cause",
    "cause_measured",
    "second_auroc",
    "second_ap",
    "others_auroc",
    "others_ap",
    "second_held",
)
NEURON_FIGURES = ("max", "min", "mean_all", "std_all", "fire", "dead")  # [neurons]
# Only of models with routed experts: how many scored positions and how many occurrences of each category a neuron's
# figures run over, [neurons] and [neurons, categories].
ROUTED_FIGURES = ("tokens", "occurrences")
# Only of scans over a corpus, which add them to those of any scan.
CORPUS_CATEGORY_FIGURES = ("mean_se", "auroc_se", "d_se", "ap_se")  # [neurons, categories]
CORPUS_NEURON_FIGURES = ("skew", "kurtosis")  # [neurons]
CORPUS_FIGURES = (*CORPUS_CATEGORY_FIGURES, *CORPUS_NEURON_FIGURES)
RANGES = 5  # of a neuron's activations, each with contexts drawn from it
# The contexts that a corpus scan keeps of each neuron, [neurons, contexts]: values, and positions among kept tokens.
CONTEXT_FIGURES = (
    "highest_values",
    "highest_positions",
    "lowest_values",
    "lowest_positions",
    "range_values",
    "range_positions",
)
# What else it has for each neuron, by the number of columns: the ends of ranges and how many activations lie in each,
# and how many lie in each bin of mechamap.figures.histogram_bins.
CORPUS_TABLES = {"range_lower": RANGES, "range_upper": RANGES, "range_counts": RANGES, "histogram": 64}
TOKEN_FIGURES = ("top_values", "top_positions", "bottom_values", "bottom_positions")  # [neurons, k]
