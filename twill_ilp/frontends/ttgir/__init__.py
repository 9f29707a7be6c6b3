"""Triton's intermediate representations, TTIR and TTGIR, as the compiler prints them.

The text is split into statements (:mod:`.text`), a loop is chosen (:mod:`.loops`), its values
are looked up (:mod:`.scope`), each statement is lowered (:mod:`.lower`, :mod:`.make`), what TTIR
leaves out is added (:mod:`.dots`), and the whole becomes a problem (:mod:`.assemble`).  Nothing
of the input is executed; every pass takes time linear in the text, and polynomial in the chosen
loop, whose size is limited.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict, Unpack

from twill_ilp.costs import THROUGHPUTS
from twill_ilp.errors import InvalidIRError, InvalidProblemError, OptionError, TwillError
from twill_ilp.frontends.reading import Reading
from twill_ilp.frontends.rules import chosen_rules
from twill_ilp.frontends.ttgir.assemble import assemble, fuse_products
from twill_ilp.frontends.ttgir.dots import place_dots
from twill_ilp.frontends.ttgir.loops import Loop, choose_loop, find_loops
from twill_ilp.frontends.ttgir.lower import lower_body
from twill_ilp.frontends.ttgir.scope import Scope
from twill_ilp.frontends.ttgir.text import read_text
from twill_ilp.machine import Machine, preset

__all__ = ["ReadOptions", "is_ir", "parse_ttgir", "read_ttgir"]

SUFFIXES = (".ttir", ".ttgir", ".mlir")
FIRST_WORDS = (b"module ", b"#loc", b"#blocked", b"tt.func ")
LARGEST_FILE = 64 * 2**20
"""Bytes of a file that are read."""


def is_ir(path: str | Path) -> bool:
    """Whether a file holds TTIR or TTGIR, by its name or, for other names, by its first word."""
    if str(path).lower().endswith(SUFFIXES):
        return True
    try:
        with open(path, "rb") as file:
            return file.read(4096).lstrip().startswith(FIRST_WORDS)
    except (OSError, ValueError):
        return False


class ReadOptions(TypedDict, total=False):
    """What may be asked of the readers of IR text.

    Attributes:
        loop: an index in order of appearance, or ``line:N`` for the loop in line N of the text
            or of the kernel's source; by default the only innermost loop.
        machine: a preset or its name; by default the module's target.
        quantum: clocks per model cycle; by default the greatest common divisor of all costs
            but those of row vectors.
        without, also: rules of :data:`twill_ilp.frontends.rules.RULES` to turn off and on.
        strict: refuse operations of unknown cost.
    """

    loop: str | int | None
    machine: Machine | str | None
    quantum: int | None
    without: Iterable[str]
    also: Iterable[str]
    strict: bool


def read_ttgir(path: str | Path, **options: Unpack[ReadOptions]) -> Reading:
    """Read one loop of a TTIR or TTGIR file.

    Args:
        path: the file, at most 64 MiB.
        options: see :class:`ReadOptions`.

    Raises:
        InvalidIRError: the file does not fit; begins with path and line.
        InvalidProblemError: the file cannot be read.
        OptionError: an option that cannot be meant.
    """
    try:
        if Path(path).stat().st_size > LARGEST_FILE:
            raise InvalidProblemError(f"{path}: above {LARGEST_FILE} bytes; give a smaller file")
        content = Path(path).read_bytes()
    except OSError as e:
        raise InvalidProblemError(f"{path}: cannot be read: {e.strerror}; check the path") from None
    except ValueError:  # a null character in the path
        raise InvalidProblemError(f"{path}: cannot be read: no path of a file") from None
    try:
        return parse_ttgir(_decode(content), Path(path).stem, **options)
    except InvalidIRError as e:
        raise InvalidIRError(e.line, e.reason, str(path)) from None


def parse_ttgir(text: str, name: str = "loop", **options: Unpack[ReadOptions]) -> Reading:
    """Read one loop of TTIR or TTGIR text into a graph called ``name``.

    Raises:
        InvalidIRError: the text does not fit; with the line.
        OptionError: an option that cannot be meant.
    """
    quantum = options.get("quantum")
    if quantum is not None and quantum < 1:
        raise OptionError(f"quantum is {quantum}; give clocks per model cycle, at least 1")
    rules = chosen_rules(options.get("without", ()), options.get("also", ()))
    parsed = read_text(text)
    loop = choose_loop(find_loops(parsed), options.get("loop"))
    machine = _machine(options.get("machine"), loop)
    scope = Scope(loop, parsed.aliases)
    t = THROUGHPUTS[machine.name]
    try:
        body = lower_body(scope, t, rules, options.get("strict", False))
        place_dots(body)
        fuse_products(body)
        problem = assemble(body, name, machine, quantum)
    except InvalidIRError:
        raise
    except InvalidProblemError as e:  # tiles beyond every bound
        raise InvalidIRError(loop.statement.line, str(e)) from None
    return Reading(
        problem,
        f"loop {loop}, {len(scope.items)} statements, {body.cycle} clocks per cycle",
        {node.name: node.work.source for node in body.nodes},
        {node.name: node.line for node in body.nodes},
        [(d.line, d.name, d.reason) for d in body.dropped],
        body.warnings,
    )


def _decode(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as e:
        line = content.count(b"\n", 0, e.start) + 1
        raise InvalidIRError(line, "not UTF-8 text; give TTIR or TTGIR") from None


def _machine(wanted: Machine | str | None, loop: Loop) -> Machine:
    """The machine asked for, or the target of the module."""
    if isinstance(wanted, Machine):
        device = wanted
    elif wanted is not None:
        device = preset(wanted)
    else:
        device = _target(loop)
    if device.name not in THROUGHPUTS:
        raise OptionError(
            f"machine {device.name}: no throughputs known; choose from {', '.join(THROUGHPUTS)}"
        )
    return device


def _target(loop: Loop) -> Machine:
    names = {"8": "ampere", "9": "hopper", "10": "blackwell"}
    kind, _, capability = (loop.target or "").partition(":")
    name = names.get(capability[:-1])
    if kind != "cuda" or name is None:
        said = f"target {loop.target[:20]} is not known" if loop.target else "no target in the text"
        raise InvalidIRError(
            loop.statement.line, f"{said}; give --machine: {', '.join(names.values())}"
        )
    try:
        return preset(name)
    except TwillError as e:
        raise InvalidIRError(loop.statement.line, str(e)) from None
