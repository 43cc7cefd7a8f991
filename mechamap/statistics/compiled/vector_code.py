"""Writes loops in vector instructions, as LLVM code for numba to compile in.

numba leaves it to LLVM to find vector instructions in loops over numbers, which it does not where several arrays are
read and written or bytes are counted. Here the vectors are spelt out: 32 neurons side by side, whatever the registers
of the machine hold; LLVM splits them up. All pointers are aligned as their elements are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from mechamap.statistics.bins import BASE_CODE, BINS, LARGEST_CODE, ZERO_BIN

__all__ = [
    "BYTE",
    "DOUBLE",
    "FLOAT",
    "INT",
    "LANES",
    "SHORT",
    "VectorWriter",
    "everywhere",
    "long",
    "size_of",
    "vector",
]


LANES = 32  # neurons side by side
_CACHE_LINE = 64  # bytes

BYTE, SHORT, INT, LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
FLOAT, DOUBLE = ir.FloatType(), ir.DoubleType()


def vector(element: Any, lanes: int = LANES) -> Any:
    return ir.VectorType(element, lanes)


def everywhere(element: Any, value: float, lanes: int = LANES) -> Any:
    """A vector with one value everywhere."""
    return ir.Constant(vector(element, lanes), [value] * lanes)


def long(value: int) -> Any:
    return ir.Constant(LONG, value)


class VectorWriter:
    """Writes code of vectors into a function that numba is compiling."""

    def __init__(self, context: Any, builder: Any) -> None:
        self._context = context
        self.ir = builder

    def data(self, array_type: Any, array: Any) -> Any:
        """Where an array's elements begin."""
        return self._context.make_array(array_type)(self._context, self.ir, array).data

    def load(self, base: Any, index: Any, vector: Any) -> Any:
        place = self.ir.bitcast(self.ir.gep(base, [index]), vector.as_pointer())
        return self.ir.load(place, align=size_of(vector.element))

    def store(self, value: Any, base: Any, index: Any) -> None:
        place = self.ir.bitcast(self.ir.gep(base, [index]), value.type.as_pointer())
        self.ir.store(value, place, align=size_of(value.type.element))

    def prefetch(self, base: Any, index: Any, length: int) -> None:
        """Ask for memory that will be read; an address that is not there does no harm."""
        pointer = BYTE.as_pointer()
        module = self.ir.module
        name = "llvm.prefetch.p0"
        arguments = [pointer, INT, INT, INT]
        call = module.globals.get(name) or ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
        start = self.ir.bitcast(self.ir.gep(base, [index]), pointer)
        for offset in range(0, length, _CACHE_LINE):
            hints = [ir.Constant(INT, value) for value in (0, 3, 1)]  # to read, to keep, data
            self.ir.call(call, [self.ir.gep(start, [long(offset)]), *hints])

    def call(self, name: str, *arguments: Any) -> Any:
        """An intrinsic of LLVM over vectors, such as ``llvm.umax``."""
        kind = arguments[0].type
        element = {"float": "f32", "double": "f64"}.get(str(kind.element), str(kind.element))
        full, module = f"{name}.v{kind.count}{element}", self.ir.module
        made = ir.FunctionType(kind, [argument.type for argument in arguments])
        return self.ir.call(module.globals.get(full) or ir.Function(module, made, full), arguments)

    def loop(self, stop: Any, carried: Sequence[Any], body: Callable[[Any, list[Any]], Sequence[Any]]) -> list[Any]:
        """``for index in range(stop)``, where ``body`` makes new values of those that are carried on."""
        builder, entry = self.ir, self.ir.block
        inside, after = builder.append_basic_block("inside"), builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed(">", stop, long(0)), inside, after)
        builder.position_at_end(inside)
        index = builder.phi(LONG)
        old = [builder.phi(value.type) for value in carried]
        new = body(index, old)
        following, end = builder.add(index, long(1)), builder.block
        for phi, first, later in zip([index, *old], [long(0), *carried], [following, *new], strict=True):
            phi.add_incoming(first, entry)
            phi.add_incoming(later, end)
        builder.cbranch(builder.icmp_signed("<", following, stop), inside, after)
        builder.position_at_end(after)
        last = [builder.phi(value.type) for value in carried]
        for phi, first, later in zip(last, carried, new, strict=True):
            phi.add_incoming(first, entry)
            phi.add_incoming(later, end)
        return last

    def bins(self, values: Any) -> Any:
        """The column of each value, see :func:`mechamap.statistics.bins.bins_of`; there is no -0.0 any more.

        63 - (32 + code) is 31 - code, and in six bits that is to flip all of them.
        """
        builder = self.ir
        bits = builder.bitcast(values, vector(INT))
        codes = builder.trunc(builder.lshr(bits, everywhere(INT, 22)), vector(SHORT))
        codes = self.call("llvm.usub.sat", builder.and_(codes, everywhere(SHORT, 0x1FF)), everywhere(SHORT, BASE_CODE))
        codes = builder.trunc(self.call("llvm.umin", codes, everywhere(SHORT, LARGEST_CODE)), vector(BYTE))
        not_above = builder.sext(builder.icmp_signed("<=", bits, everywhere(INT, 0)), vector(BYTE))
        flips = builder.and_(not_above, everywhere(BYTE, BINS - 1))
        return builder.xor(builder.add(codes, everywhere(BYTE, ZERO_BIN + 1)), flips)


def size_of(element: Any) -> int:
    return {BYTE: 1, SHORT: 2, INT: 4, FLOAT: 4, DOUBLE: 8}[element]
