"""Latencies that vary: factors on the latency without jitter, drawn from a distribution."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from twill_ilp.errors import OptionError

__all__ = ["DISTRIBUTIONS", "NO_JITTER", "Jitter"]

DISTRIBUTIONS = ("constant", "uniform", "lognormal")

LARGEST = 1000.0
"""Beyond this factor a load is not late but lost."""


@dataclass(frozen=True, slots=True)
class Jitter:
    """How the latency of an operation of variable latency is drawn, instance by instance.

    The latency is the nominal one times a factor X >= 1: nothing is faster than its throughput.

    - ``constant``: X = factor.
    - ``uniform``: X between 1 and factor, all equally likely.
    - ``lognormal``: X = max(1, exp(ln(factor) Z)) with a standard normal Z, so that factor is the
      geometric standard deviation.  With factor 4 half of the latencies are nominal, one in 6.3
      is more than 4 times that, and one in 44 more than 16 times.

    Raises:
        OptionError: no such distribution, or a factor outside 1 to 1000.
    """

    distribution: str = "constant"
    factor: float = 1.0

    def __post_init__(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            raise OptionError(
                f"jitter {self.distribution!r}: no such distribution; choose from "
                f"{', '.join(DISTRIBUTIONS)}, such as lognormal:4"
            )
        if not 1 <= self.factor <= LARGEST:
            raise OptionError(
                f"jitter {self}: the factor is {self.factor:g}; give one from 1 to {LARGEST:g}"
            )

    @classmethod
    def parse(cls, text: str) -> Jitter:
        """A jitter from a text such as ``lognormal:4``.

        Raises:
            OptionError: not ``distribution:factor``, or what the constructor refuses.
        """
        name, colon, factor = text.partition(":")
        try:
            return cls(name, float(factor) if colon else math.nan)
        except ValueError:
            raise OptionError(
                f"jitter {text!r}: {factor!r} is no number; give one such as lognormal:4"
            ) from None

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return self.factor > 1

    def __str__(self) -> str:
        return f"{self.distribution}:{self.factor:g}"

    def draw(self, name: str, count: int, seed: int) -> list[float]:
        """Factors of the instances 0 to ``count - 1`` of an operation.

        A longer list begins with the shorter one of the same name and seed.
        """
        stream = random.Random(f"{seed}:{name}")
        match self.distribution:
            case "uniform":
                return [stream.uniform(1, self.factor) for _ in range(count)]
            case "lognormal":
                sigma = math.log(self.factor)
                return [max(1.0, math.exp(sigma * stream.gauss())) for _ in range(count)]
        return [self.factor] * count


NO_JITTER = Jitter()
"""Every latency as the graph has it."""
