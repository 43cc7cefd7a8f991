"""The scan in a run's record: the proof of its hooks, the way to the logits, and the positions left out."""

from __future__ import annotations

from dataclasses import dataclass

from mechamap.system.plain_values import Recorded

__all__ = ["Exclusions", "LayerProof", "TokenProof", "UnembeddingRecord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerProof(Recorded):
    """The capture proof of one part of a layer: its dense neurons, or those of its routed experts.

    Attributes:
        layer: the layer's number, from 0.
        path: where its down-projection lies.
        width: how many neurons the hook saw, in each expert where there are some.
        expected_width: how many the config says, None where it does not say; 0 in a record that does not say.
        experts: how many routed experts it has, 0 where it is dense.
        tokens: how many tokens it was checked on.
        finite: whether all activations were finite, so that it could be checked; otherwise the errors are None. A
            part that fails a check ends the scan.
        tolerance: the largest error that counts as rounding in this number format.
        rebuild_error: max |activations @ weights + bias - output| / max |output|.
        own_error: of fused experts, max |output - the model's own code's output| / max |its output|.
        zero_error: max |output with all neurons zero - bias| / max |output|.
        removal_error: max |what the block lacks - what the neurons had contributed| / max |contribution|, at the token
            where it is largest, beyond what the rounding of the block's output explains.
        scale: the factor with which the block adds the contribution, None where it is not one number.
        through: the modules of the block that the contribution passes on its way to the block's output.
        changed_by: those of them that it passes alone, before it is added to the residual stream.
        times: what it is multiplied by on the way: a ``number``, one for each ``token`` or one for each ``element``;
            empty in a record that does not say.
    """

    layer: int
    path: str
    width: int
    expected_width: int | None = 0
    experts: int = 0
    tokens: int
    finite: bool = True
    tolerance: float
    rebuild_error: float | None = None
    own_error: float | None = None
    zero_error: float | None = None
    removal_error: float | None = None
    scale: float | None = None
    through: tuple[str, ...] = ()
    changed_by: tuple[str, ...] = ()
    times: str = ""

    @property
    def errors(self) -> dict[str, float | None]:
        """Its errors by what was checked, as tables call it; None where that was not."""
        return {
            "rebuild": self.rebuild_error,
            "own code": self.own_error,
            "zero": self.zero_error,
            "removal": self.removal_error,
        }

    @property
    def largest_error(self) -> float | None:
        """The largest of its errors, None where there is none."""
        return max((error for error in self.errors.values() if error is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenProof(Recorded):
    """How the tokens were checked against the model's own ``tokenizer.json``.

    Attributes:
        tokenizer: the class that transformers loads as the model's tokenizer; empty where it could not load one.
        compared: whether there is a tokenizer.json, so that they could be compared.
        used: whose tokens were taken: ``transformers``, or ``tokenizer.json`` where the two are not the same.
        tokens: how many tokens of a probe text were compared.
        differing: how many of them transformers gives otherwise.
        differences: what else is not the same: special tokens, parts of the tokenizer.
        remark: why it could not be compared, or why transformers could not load one; else empty.
        unknown_pre_tokenizer: what a GGUF file calls its pre-tokenizer, where transformers does not know it.
    """

    tokenizer: str
    compared: bool
    used: str = "transformers"
    tokens: int = 0
    differing: int = 0
    differences: tuple[str, ...] = ()
    remark: str = ""
    unknown_pre_tokenizer: str = ""

    @property
    def replaced(self) -> bool:
        """Whether tokenizer.json was read in place of what transformers builds."""
        return self.used == "tokenizer.json"


@dataclass(frozen=True, slots=True)
class UnembeddingRecord:
    """How the way from the residual stream to the logits was found and checked.

    Attributes:
        head: where the output embedding lies in the model.
        norm: where the final norm lies; empty where there is none.
        centred: whether that norm subtracts the mean.
        normalized_output: whether a norm lies between what the neurons of some layer write and the residual stream.
        vocabulary: how many rows of the output embedding are real tokens.
        softcap: the soft cap on the logits, None where there is none.
        error: max |computed - logits| / max |logits| on a few tokens.
        tolerance: the largest error that counts as rounding.
    """

    head: str
    norm: str
    centred: bool
    normalized_output: bool
    vocabulary: int
    softcap: float | None
    error: float
    tolerance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusions(Recorded):
    """The positions of the text that are not scored, with their numbers.

    Attributes:
        summary: in words.
        bos: the token in front of each window that a decoder reads, None where there is none.
        front: the special tokens in front of each window, as the vocabulary spells them; ``behind`` are those behind.
        exclude_first_position, exclude_special_tokens: what is left out.
        window: how many tokens a window has at most, special ones included; None in a record that does not say.
        windows, positions: how many there are.
        scored: how many positions count; ``excluded`` are the others.
        first_positions, special_positions: how many positions are such, left out or not.
    """

    summary: str = ""
    bos: str | None = None
    front: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    exclude_first_position: bool = False
    exclude_special_tokens: bool = False
    window: int | None = None
    windows: int = 0
    positions: int = 0
    scored: int = 0
    first_positions: int = 0
    special_positions: int = 0
    excluded: int = 0
