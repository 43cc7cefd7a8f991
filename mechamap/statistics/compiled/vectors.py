"""The loops over a tile of activations that every value goes through, in vector instructions.

A tile is ``[rows, 32]`` with at most 255 rows, so that a byte can count them. Each function here is an intrinsic of
numba: it says the types of its arguments and writes the code of its body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from mechamap.statistics.compiled.vector_code import (
    BYTE,
    DOUBLE,
    FLOAT,
    INT,
    LANES,
    LONG,
    SHORT,
    VectorWriter,
    everywhere,
    long,
    size_of,
    vector,
)

__all__ = ["LANES", "TOGETHER", "add_counts", "add_powers", "count_bins", "mark_beyond", "octave_bounds", "take_tile"]


TOGETHER = 6  # bins counted in one walk over a tile: with what they are compared to they fill 13 of 16 registers
POWER_LANES = 8  # neurons whose sums stay in registers over a walk
ROWS_AHEAD = 8  # asked of memory: rows lie far apart, which no machine foresees

Code = tuple[Any, Callable[..., Any]]


def _take_tile(_: Any, source: Any, region: Any, values: Any, bins: Any) -> Code:
    """Copy rows of blocks of 32 neurons as float32 without -0.0, and write their bins.

    ``source`` is flat, float32 or the bits of bfloat16 as uint16. ``region`` is (start, stride, rows, blocks): block c
    of row t begins at start + t * stride + 32 c.
    ``values`` and ``bins`` are ``[blocks, most rows, 32]``.
    """
    element = FLOAT if source.dtype == types.float32 else SHORT

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        write = VectorWriter(context, builder)
        start, stride, rows, blocks = (builder.extract_value(arguments[1], part) for part in range(4))
        from_, to, to_bins = (write.data(signature.args[n], arguments[n]) for n in (0, 2, 3))
        most = builder.extract_value(context.make_array(signature.args[2])(context, builder, arguments[2]).shape, 1)

        def row(t: Any, _: list[Any]) -> Sequence[Any]:
            line = builder.add(start, builder.mul(t, stride))
            ahead = builder.add(line, builder.mul(stride, long(ROWS_AHEAD)))

            def block(c: Any, _: list[Any]) -> Sequence[Any]:
                column = builder.mul(c, long(LANES))
                write.prefetch(from_, builder.add(ahead, column), LANES * size_of(element))
                read = write.load(from_, builder.add(line, column), vector(element))
                if element is SHORT:
                    wide = builder.shl(builder.zext(read, vector(INT)), everywhere(INT, 16))
                    read = builder.bitcast(wide, vector(FLOAT))
                read = builder.fadd(read, everywhere(FLOAT, 0.0))  # -0.0 becomes 0.0
                index = builder.mul(builder.add(builder.mul(c, most), t), long(LANES))
                write.store(read, to, index)
                write.store(write.bins(read), to_bins, index)
                return []

            write.loop(blocks, [], block)
            return []

        write.loop(rows, [], row)
        return context.get_dummy_value()

    return types.void(source, types.UniTuple(types.int64, 4), values, bins), generate


def _add_powers(_: Any, values: Any, rows: Any, sums: Any, extremes: Any) -> Code:
    """Add the powers of a tile to ``sums`` ``[4, 32]`` float64, and write ``extremes`` ``[2, 32]``: max and min."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        write = VectorWriter(context, builder)
        rows = arguments[1]
        tile, to, to_extremes = (write.data(signature.args[n], arguments[n]) for n in (0, 2, 3))
        double, single = vector(DOUBLE, POWER_LANES), vector(FLOAT, POWER_LANES)

        def row_from(lane: Any) -> Callable[[Any, list[Any]], Sequence[Any]]:
            def row(t: Any, carried: list[Any]) -> Sequence[Any]:
                s1, s2, s3, s4, high, low = carried
                value = write.load(tile, builder.add(builder.mul(t, long(LANES)), lane), single)
                x = builder.fpext(value, double)
                square = builder.fmul(x, x)
                return [
                    builder.fadd(s1, x),
                    builder.fadd(s2, square),
                    write.call("llvm.fmuladd", square, x, s3),
                    write.call("llvm.fmuladd", square, square, s4),
                    builder.select(builder.fcmp_ordered(">", value, high), value, high),
                    builder.select(builder.fcmp_ordered("<", value, low), value, low),
                ]

            return row

        for first in range(0, LANES, POWER_LANES):
            before = [write.load(to, long(power * LANES + first), double) for power in range(4)]
            ends = [everywhere(FLOAT, end, POWER_LANES) for end in (float("-inf"), float("inf"))]
            *powers, high, low = write.loop(rows, [*before, *ends], row_from(long(first)))
            for power, total in enumerate(powers):
                write.store(total, to, long(power * LANES + first))
            write.store(high, to_extremes, long(first))
            write.store(low, to_extremes, long(LANES + first))
        return context.get_dummy_value()

    return types.void(values, types.int64, sums, extremes), generate


def _count_bins(_: Any, bins: Any, rows: Any, first: Any, counts: Any) -> Code:
    """Write how often each of six bins from ``first`` on occurs in a tile, to ``counts`` ``[bins, 32]`` uint8."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        write = VectorWriter(context, builder)
        rows, first = arguments[1:3]
        tile, to = (write.data(signature.args[n], arguments[n]) for n in (0, 3))
        bytes_ = vector(BYTE)
        unknown = ir.Constant(bytes_, ir.Undefined)
        wanted = []
        for number in range(TOGETHER):
            column = builder.add(builder.trunc(first, BYTE), ir.Constant(BYTE, number))
            one = builder.insert_element(unknown, column, ir.Constant(INT, 0))
            wanted.append(builder.shuffle_vector(one, unknown, everywhere(INT, 0)))

        def row(t: Any, counted: list[Any]) -> Sequence[Any]:
            columns = write.load(tile, builder.mul(t, long(LANES)), bytes_)
            equal = (builder.sext(builder.icmp_unsigned("==", columns, column), bytes_) for column in wanted)
            return [builder.sub(count, minus_one) for count, minus_one in zip(counted, equal, strict=True)]

        for number, count in enumerate(write.loop(rows, [everywhere(BYTE, 0)] * TOGETHER, row)):
            write.store(count, to, builder.mul(builder.add(first, long(number)), long(LANES)))
        return context.get_dummy_value()

    return types.void(bins, types.int64, types.int64, counts), generate


def _add_counts(_: Any, counts: Any, first: Any, stop: Any, histogram: Any) -> Code:
    """Add the counts of bins ``first`` to ``stop`` to ``histogram`` ``[64, 32]`` int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        write = VectorWriter(context, builder)
        first, stop = arguments[1:3]
        counted, to = (write.data(signature.args[n], arguments[n]) for n in (0, 3))

        def column(number: Any, _: list[Any]) -> Sequence[Any]:
            index = builder.mul(builder.add(first, number), long(LANES))
            more = builder.zext(write.load(counted, index, vector(BYTE)), vector(INT))
            write.store(builder.add(write.load(to, index, vector(INT)), more), to, index)
            return []

        write.loop(builder.sub(stop, first), [], column)
        return context.get_dummy_value()

    return types.void(counts, types.int64, types.int64, histogram), generate


def _octave_bounds(_: Any, counts: Any, first: Any, stop: Any, worst: Any, bounds: Any) -> Code:
    """Write to ``bounds`` ``[32]`` uint32 the largest of ``worst`` ``[32, 32]`` over the octaves that have counts."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        write = VectorWriter(context, builder)
        first, stop = arguments[1:3]
        counted, worst, to = (write.data(signature.args[n], arguments[n]) for n in (0, 3, 4))

        def octave(number: Any, carried: list[Any]) -> Sequence[Any]:
            index = builder.mul(builder.add(first, number), long(LANES))
            lower = builder.mul(index, long(2))
            upper = builder.add(lower, long(LANES))
            either = builder.or_(write.load(counted, lower, vector(BYTE)), write.load(counted, upper, vector(BYTE)))
            there = builder.icmp_unsigned("!=", either, everywhere(BYTE, 0))
            bound = builder.select(there, write.load(worst, index, vector(INT)), everywhere(INT, 0))
            return [write.call("llvm.umax", carried[0], bound)]

        (bound,) = write.loop(builder.sub(stop, first), [everywhere(INT, 0)], octave)
        write.store(bound, to, long(0))
        return context.get_dummy_value()

    return types.void(counts, types.int64, types.int64, worst, bounds), generate


def _mark_beyond(_: Any, values: Any, rows: Any, limits: Any, marks: Any) -> Code:
    """Write to ``marks`` ``[rows]`` uint64 a bit for each neuron above ``limits[0]``, then one for each below [1].

    ``limits`` is ``[2, 32]`` float32.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        write = VectorWriter(context, builder)
        rows = arguments[1]
        tile, ends, to = (write.data(signature.args[n], arguments[n]) for n in (0, 2, 3))
        high, low = (write.load(ends, long(side * LANES), vector(FLOAT)) for side in range(2))

        def row(t: Any, _: list[Any]) -> Sequence[Any]:
            value = write.load(tile, builder.mul(t, long(LANES)), vector(FLOAT))
            above = builder.bitcast(builder.fcmp_ordered(">", value, high), INT)
            below = builder.bitcast(builder.fcmp_ordered("<", value, low), INT)
            mark = builder.or_(builder.zext(above, LONG), builder.shl(builder.zext(below, LONG), long(LANES)))
            builder.store(mark, builder.gep(to, [t]))
            return []

        write.loop(rows, [], row)
        return context.get_dummy_value()

    return types.void(values, types.int64, limits, marks), generate


take_tile = intrinsic(_take_tile)
add_powers = intrinsic(_add_powers)
count_bins = intrinsic(_count_bins)
add_counts = intrinsic(_add_counts)
octave_bounds = intrinsic(_octave_bounds)
mark_beyond = intrinsic(_mark_beyond)
