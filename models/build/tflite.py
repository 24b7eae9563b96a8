"""Read the operators, tensors and weights of a TFLite file, with no TFLite library.

A TFLite file is a FlatBuffer: a table starts with the distance back to its vtable, which holds,
field by field, the distance from the table to the field (0 when absent). Field numbers below are
those of the public TFLite schema.
"""

import struct
from dataclasses import dataclass

import numpy as np

OPERATORS = {0: "add", 3: "conv", 4: "depthwise", 11: "l2norm", 18: "mul", 22: "reshape",
             41: "sub", 101: "abs", 19: "relu", 54: "prelu", 9: "dense"}
DTYPES = {0: np.float32, 1: np.float16, 2: np.int32}


class Table:
    def __init__(self, data, at):
        self.data, self.at = data, at
        self.vtable = at - struct.unpack_from("<i", data, at)[0]

    def field(self, number):
        """Offset of field `number`, or None."""
        size = struct.unpack_from("<H", self.data, self.vtable)[0]
        slot = 4 + 2 * number
        if slot >= size:
            return None
        offset = struct.unpack_from("<H", self.data, self.vtable + slot)[0]
        return self.at + offset if offset else None

    def scalar(self, number, form, default=0):
        at = self.field(number)
        return default if at is None else struct.unpack_from("<" + form, self.data, at)[0]

    def follow(self, at):
        return at + struct.unpack_from("<I", self.data, at)[0]

    def table(self, number):
        at = self.field(number)
        return None if at is None else Table(self.data, self.follow(at))

    def vector(self, number):
        """(start of the first element, count)."""
        at = self.field(number)
        if at is None:
            return 0, 0
        start = self.follow(at)
        return start + 4, struct.unpack_from("<I", self.data, start)[0]

    def numbers(self, number, dtype):
        start, count = self.vector(number)
        return np.frombuffer(self.data, dtype, count, start)

    def tables(self, number):
        start, count = self.vector(number)
        return [Table(self.data, self.follow(start + 4 * i)) for i in range(count)]

    def text(self, number):
        return self.numbers(number, np.uint8).tobytes().decode()


@dataclass
class Tensor:
    name: str
    shape: tuple
    value: np.ndarray | None  # None: computed at run time


@dataclass
class Operator:
    kind: str
    inputs: list
    outputs: list
    stride: int = 1
    same: bool = True
    activation: int = 0  # 0 none, 1 relu, 3 relu6


@dataclass
class Model:
    tensors: list
    operators: list
    inputs: list
    outputs: list


def read(data):
    model = Table(data, struct.unpack_from("<I", data, 0)[0])
    buffers = model.tables(4)
    codes = [max(c.scalar(0, "b"), c.scalar(3, "i")) for c in model.tables(1)]
    graph = model.tables(2)[0]
    tensors = []
    for t in graph.tables(0):
        shape, dtype = tuple(int(n) for n in t.numbers(0, np.int32)), DTYPES[t.scalar(1, "b")]
        start, count = buffers[t.scalar(2, "I")].vector(0)
        value = None
        if count:
            value = np.frombuffer(data, dtype, count // np.dtype(dtype).itemsize, start).reshape(shape)
        tensors.append(Tensor(t.text(3), shape, value))
    operators = [operator(o, OPERATORS[codes[o.scalar(0, "I")]]) for o in graph.tables(3)]
    return Model(tensors, operators, list(graph.numbers(1, np.int32)), list(graph.numbers(2, np.int32)))


def operator(table, kind):
    out = Operator(kind, [int(i) for i in table.numbers(1, np.int32)],
                   [int(i) for i in table.numbers(2, np.int32)])
    options = table.table(4)
    if kind in ("conv", "depthwise"):
        out.same = options.scalar(0, "b") == 0
        out.stride = options.scalar(1, "i", 1)
        assert options.scalar(2, "i", 1) == out.stride
        out.activation = options.scalar(4 if kind == "depthwise" else 3, "b")
    elif kind in ("add", "mul", "sub", "dense") and options:
        out.activation = options.scalar(0, "b")
    return out
