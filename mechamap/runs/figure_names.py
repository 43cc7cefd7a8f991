"""The names of a run's figures, as its files are called, by the shape of their arrays."""

from __future__ import annotations

__all__ = [
    "CATEGORY_FIGURES",
    "CORPUS_CATEGORY_FIGURES",
    "CORPUS_FIGURES",
    "CORPUS_NEURON_FIGURES",
    "LATER_FIGURES",
    "NEURON_FIGURES",
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
TOKEN_FIGURES = ("top_values", "top_positions", "bottom_values", "bottom_positions")  # [neurons, k]
