"""Types of values: tiles in registers and memories, and what is no tile."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from twill_ilp.checks import LARGEST
from twill_ilp.errors import InvalidIRError
from twill_ilp.frontends.ttgir.text import split_top
from twill_ilp.reading import short

__all__ = ["TOKEN", "TileType", "parse_type"]

SHAPED = re.compile(r"(!?[A-Za-z_][\w.]*)<(.*)>", re.DOTALL)
EXTENTS = re.compile(r"((?:\d+x)*)(.*)", re.DOTALL)
WIDTH = re.compile(r"(?:bf|f|i|si|ui)(\d{1,4})")
POINTER_BITS = 64
SHAPED_SPACES = {"tensor": "registers", "!ttg.memdesc": "smem", "!tt.tensordesc": "descriptor"}


@dataclass(frozen=True, slots=True)
class TileType:
    """A type.

    Attributes:
        space: ``registers`` (a tensor), ``smem``, ``tmem``, ``descriptor`` (of a tile in global
            memory), ``token``, or ``scalar``.
        shape: extents, elements.
        element: such as ``f16``.
        bits: of an element.
        mutable: a buffer that may be written more than once.
    """

    space: str
    shape: tuple[int, ...] = ()
    element: str = ""
    bits: int = 0
    mutable: bool = False

    @property
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes, rounded up."""
        return -(-self.size * self.bits // 8)

    @property
    def words(self) -> int:
        """32-bit words, rounded up."""
        return -(-self.size * self.bits // 32)

    @property
    def floating(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self.element.startswith(("f", "bf"))

    @property
    def vector(self) -> bool:
        """Whether at most one extent is above 1: one value per row or column."""
        return sum(extent > 1 for extent in self.shape) <= 1

    @property
    def rows(self) -> int:
        """Elements in all but the last extent."""
        return math.prod(self.shape[:-1])

    @property
    def columns(self) -> int:
        """Elements in the last extent."""
        return self.shape[-1] if self.shape else 1

    def __str__(self) -> str:
        return "x".join(map(str, (*self.shape, self.element or self.space)))


TOKEN = TileType("token")


def parse_type(text: str, aliases: Mapping[str, str], line: int) -> TileType:
    """The type that ``text`` means.

    Raises:
        InvalidIRError: a tile with extents or elements that cannot be meant.
    """
    text = aliases.get(text, text)
    if text == "!ttg.async.token":
        return TOKEN
    shaped = SHAPED.fullmatch(text)
    space = SHAPED_SPACES.get(shaped[1].replace("triton_gpu", "ttg")) if shaped else None
    if shaped is None or space is None:
        return TileType("scalar", (), text[:20], _bits(text))
    parameters = split_top(shaped[2])
    first = parameters[0] if parameters else ""
    if space == "descriptor" and (inner := SHAPED.fullmatch(first)):
        first = (split_top(inner[2]) or [""])[0]
    extents, element = EXTENTS.fullmatch(first).groups()  # type: ignore[union-attr]
    if any(_is_tensor_memory(aliases.get(p, p)) for p in parameters[1:]):
        space = "tmem"
    # At most ten digits: longer numbers are far out of range, and slow to convert.
    shape = tuple(int(n[:10]) for n in extents.split("x")[:-1])
    bits = _bits(element)
    if not bits or not math.prod(shape) or math.prod(shape) * max(bits, 32) > LARGEST:
        raise InvalidIRError(line, f"type {short(text)} is no tile; give extents and an element")
    return TileType(space, shape, element, bits, "mutable" in parameters)


def _is_tensor_memory(parameter: str) -> bool:
    return parameter in ("#ttng.tensor_memory", "#triton_nvidia_gpu.tensor_memory")


def _bits(element: str) -> int:
    """Bits of one element, 0 if unknown."""
    if element.startswith("!tt.ptr"):
        return POINTER_BITS
    if element == "index":
        return 64
    found = WIDTH.match(element)
    return int(found[1]) if found else 0
