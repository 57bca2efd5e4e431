"""GGUF files read and written by the standard library alone, to make variants of the tests' models."""

import array
import dataclasses
import struct

U16, U32, I32, F32, STRING, ARRAY = 2, 4, 5, 6, 8, 9  # types of values
Q4_0, Q8_0, BF16 = 2, 8, 30  # types of tensors, beside 0 for float32
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
ALIGNMENT = 32


@dataclasses.dataclass
class Tensor:
    name: str
    shape: tuple  # the first dimension is contiguous
    type: int  # 0: float32
    data: bytes

    def floats(self):
        return array.array("f", self.data)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        value = struct.unpack_from("<" + form, self.data, self.at)[0]
        self.at += struct.calcsize("<" + form)
        return value

    def string(self):
        size = self.take("Q")
        self.at += size
        return self.data[self.at - size : self.at]

    def skip_value(self, kind):
        if kind == STRING:
            self.string()
        elif kind == ARRAY:
            inner, count = self.take("I"), self.take("Q")
            for _ in range(count):
                self.skip_value(inner)
        else:
            self.at += SIZES[kind]


def read(data):
    """({key: (type, value's bytes)}, [Tensor])"""
    reader = Reader(data)
    reader.at = 8
    n_tensors, n_values = reader.take("Q"), reader.take("Q")
    values, heads = {}, []
    for _ in range(n_values):
        key, kind = reader.string().decode(), reader.take("I")
        start = reader.at
        reader.skip_value(kind)
        values[key] = (kind, data[start : reader.at])
    for _ in range(n_tensors):
        name = reader.string().decode()
        shape = tuple(reader.take("Q") for _ in range(reader.take("I")))
        heads.append((name, shape, reader.take("I"), reader.take("Q")))
    start = -(-reader.at // ALIGNMENT) * ALIGNMENT
    ends = sorted(offset for *_, offset in heads) + [len(data) - start]
    return values, [
        Tensor(name, shape, kind, data[start + offset : start + ends[ends.index(offset) + 1]]) for name, shape, kind, offset in heads
    ]


def value(kind, number):
    """A value for write()."""
    if kind == STRING:
        return kind, struct.pack("<Q", len(number.encode())) + number.encode()
    return kind, struct.pack("<" + {U16: "H", U32: "I", I32: "i", F32: "f"}[kind], number)


def write(path, values, tensors):
    def named(text):
        return struct.pack("<Q", len(text.encode())) + text.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    for key, (kind, raw) in values.items():
        head += named(key) + struct.pack("<I", kind) + raw
    body = b""
    for tensor in tensors:
        body += b"\0" * (-len(body) % ALIGNMENT)
        head += named(tensor.name) + struct.pack(f"<I{len(tensor.shape)}QIQ", len(tensor.shape), *tensor.shape, tensor.type, len(body))
        body += tensor.data
    path.write_bytes(head + b"\0" * (-len(head) % ALIGNMENT) + body + b"\0" * (-len(body) % ALIGNMENT))


def as_bf16(tensor):
    """A float32 tensor in bfloat16, and the same numbers in float32."""
    bits = struct.unpack(f"<{len(tensor.data) // 4}I", tensor.data)
    narrow = [(x + 0x7FFF + (x >> 16 & 1)) >> 16 for x in bits]
    return (
        dataclasses.replace(tensor, type=BF16, data=struct.pack(f"<{len(narrow)}H", *narrow)),
        dataclasses.replace(tensor, data=struct.pack(f"<{len(narrow)}I", *(x << 16 for x in narrow))),
    )


def as_blocks(tensor, kind, form, quantise):
    """A float32 tensor in blocks of 32, and the same numbers in float32; itself where its rows are not of whole blocks."""
    if tensor.shape[0] % 32 != 0:
        return tensor, tensor
    numbers = struct.unpack(f"<{len(tensor.data) // 4}f", tensor.data)
    narrow, wide = b"", []
    for at in range(0, len(numbers), 32):
        factor, whole, stored = quantise(numbers[at : at + 32])
        narrow += struct.pack(form, factor, *stored)
        wide += (factor * x for x in whole)
    return (dataclasses.replace(tensor, type=kind, data=narrow), dataclasses.replace(tensor, data=struct.pack(f"<{len(wide)}f", *wide)))


def rounded(block, largest):
    """A factor of half precision, and the block divided by it."""
    (factor,) = struct.unpack("<e", struct.pack("<e", max(map(abs, block)) / largest))
    return factor, [max(-largest, min(largest, round(x / factor))) if factor else 0 for x in block]


def as_q8_0(tensor):
    def quantise(block):
        factor, whole = rounded(block, 127)
        return factor, whole, whole

    return as_blocks(tensor, Q8_0, "<e32b", quantise)


def as_q4_0(tensor):
    def quantise(block):
        factor, whole = rounded(block, 7)
        return factor, whole, [low + 8 | high + 8 << 4 for low, high in zip(whole[:16], whole[16:])]

    return as_blocks(tensor, Q4_0, "<e16B", quantise)
