"""Attention forward on Hopper and Blackwell, and what the Blackwell schedule cannot do without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from twill_ilp.audit import Audit, Strategy, audit, published_strategies, read_strategy
from twill_ilp.explain import explain
from twill_ilp.kernels import build_kernel
from twill_ilp.options import SearchOptions
from twill_ilp.plot import plot_graph, plot_kernel, plot_warps
from twill_ilp.problem import Problem
from twill_ilp.report import Table
from twill_ilp.reproduce.finding import Claim, Finding
from twill_ilp.rules import Readings, Rules
from twill_ilp.schedule import Result, Schedule
from twill_ilp.search import solve

__all__ = ["ABLATIONS_CLAIM", "BLACKWELL_CLAIM", "HOPPER_CLAIM", "REGISTERS_CLAIM"]

HOLDS = Rules(readings=Readings(hold="cycles"))
"""A product holds its warp while the tensor core works: the literal reading of Fig. 6."""

LOWER = (255, 144, 132, 131)
"""Registers per thread of the register run."""


def check_hopper(progress: Callable[[str], None]) -> Finding:
    """FlashAttention-3's groups against every partition, in all four levels."""
    problem = build_kernel("fmha-forward", "hopper")
    done = audit(problem, _strategy("fa3"), progress=progress)
    schedule = _found(done.own)
    reached = _all_equal(done)
    ahead = [n for n in ("S.0", "S.1") if schedule.stage(n) < schedule.stage(f"O.{n[-1]}")]
    return Finding(
        f"{_levels(done.best)}. FlashAttention-3's partition, loads and a softmax group per "
        f"sub-tile, reaches {'all of these' if reached else 'not all of these'}. Its tensor core "
        f"is busy all {schedule.ii} cycles: it works for one sub-tile while the other is in "
        f"its softmax (ping-pong); {len(ahead)} of the 2 first products are a stage ahead of their "
        "second one, and so begin in the prologue.",
        "same" if reached and ahead else "different",
        "The minimum of L moves the first product of one sub-tile only into the prologue; the "
        "paper takes any schedule of the least II.",
        figures={
            "hopper-forward-warps": lambda: plot_warps(schedule),
            "hopper-forward-kernel": lambda: plot_kernel(schedule),
        },
    )


def check_blackwell(progress: Callable[[str], None]) -> Finding:
    """The published five groups: what they reach, and what the optimum looks like."""
    problem, strategy = build_kernel("fmha-forward", "blackwell"), _strategy("fa4")
    best = solve(problem, progress=progress)
    own, literal = (
        solve(
            problem,
            SearchOptions(rules=rules),
            partition=strategy.partition(problem),
            progress=progress,
        )
        for rules in (Rules(), HOLDS)
    )
    schedule, five = _found(best), _found(literal)
    same = own.ii == best.ii and best.status == "optimal" and literal.ii == own.ii
    header = ("groups", "II", "L", "warps", "traffic, words")
    rows = (
        ("least warps after II and L", *_row(best)),
        ("Fig. 9", *_row(own)),
        ("Fig. 9, `hold=cycles`", *_row(literal)),
    )
    return Finding(
        f"Least II {best.ii}, proven. The groups of Fig. 9 (loads, products, a softmax group per "
        f"sub-tile, a group that rescales both) reach it, and L {own.length}, which is the least "
        f"too. They take {_warps(five)} warps; the fewest for this II and L are {_warps(schedule)} "
        "in 4 groups, where the group that rescales issues the products.",
        "same" if same else "different",
        "The published shape is optimal in II and L and one warp above the least, if an "
        "asynchronous product holds its warp for one cycle. Whether it is the optimum under "
        "`hold=cycles`, where a product holds its warp while the tensor core works, is not "
        "decided here.",
        {"What each reaches; all of it proven": Table(header, rows, frozenset(range(1, 5)))},
        {
            "fig9-graph": lambda: plot_graph(five),
            "fig9-warps": lambda: plot_warps(five, readings=HOLDS.readings),
            "blackwell-forward-warps": lambda: plot_warps(schedule),
        },
    )


def check_ablations(progress: Callable[[str], None]) -> Finding:
    """Fewer warps, one sub-tile, nothing between warps: each is infeasible at the modulo II."""
    blackwell = build_kernel("fmha-forward", "blackwell")
    single = build_kernel("fmha-forward", "blackwell", sub_tiles=1)
    alone = Rules().also("no-cross-warp")
    cases = (
        ("8 warps", limited(blackwell, warps=8), Rules()),
        ("no sub-tiling", single, Rules()),
        ("no communication between warps", blackwell, alone),
    )
    rows: list[tuple[str, ...]] = []
    impossible = True
    for name, problem, rules in cases:
        ii = solve(problem, SearchOptions(stage="modulo", levels=("ii",))).ii
        assert ii is not None
        why = explain(problem, ii, SearchOptions(rules=rules), progress=progress)
        rows.append((name, str(ii), why.verdict, " + ".join(why.needed)))
        impossible = impossible and why.verdict == "impossible"
    options = SearchOptions(levels=("ii",), max_ii=16)
    twelve = solve(limited(blackwell, warps=12), options, progress=progress)
    rows.append(("12 warps", "16", _verdict(twelve), "(not asked)"))
    header = (
        "without",
        "modulo II",
        "joint problem there",
        "families without which it is possible",
    )
    return Finding(
        "At the least II of the modulo problem the joint problem is infeasible, proven, in all "
        "cases; the table names the families to blame.",
        "same" if impossible and twelve.status == "infeasible" else "different",
        "Half of the 16 warps are too few. In this model even 12 are, and 13 are enough.",
        {"Ablations of the Blackwell forward loop": Table(header, tuple(rows), frozenset({1}))},
    )


def check_registers(progress: Callable[[str], None]) -> Finding:
    """How few registers per thread the published groups can live with."""
    problem = build_kernel("fmha-forward", "blackwell")
    partition = _strategy("fa4").partition(problem)
    options, header = SearchOptions(levels=("ii",), max_ii=18), ("registers per thread", "II")
    rows, found = [], []
    for words in LOWER:
        progress(f"{words} registers per thread")
        few = limited(problem, registers_per_thread=words)
        result = solve(few, options, partition=partition)
        found.append(result.ii)
        rows.append((str(words), _verdict(result)))
    return Finding(
        "The groups of Fig. 9 keep II 16 down to 132 registers per thread; at 131 no II up to 18 "
        "is possible for them, proven."
        if found == [16, 16, 16, None]
        else "See the table.",
        "beside the paper",
        "The paper has no such run for the forward loop; it is the margin of the published "
        "partition in this model. A score tile takes 128 registers of each thread.",
        {"The groups of Fig. 9 with fewer registers": Table(header, tuple(rows))},
    )


def limited(problem: Problem, **limits: int) -> Problem:
    """The problem on a machine with other limits."""
    return Problem(problem.graph, replace(problem.machine, **limits))  # type: ignore[arg-type]


def _strategy(name: str) -> Strategy:
    return read_strategy(published_strategies()[name])


def _found(result: Result) -> Schedule:
    assert result.schedule is not None
    return result.schedule


def _all_equal(done: Audit) -> bool:
    """Whether the strategy has the best value in every level, all of them proven."""
    return all(
        done.own.objective[name].value == level.value and level.certainty == "proven"
        for name, level in done.best.objective.items()
    )


def _levels(result: Result) -> str:
    value = {name: level.value for name, level in result.objective.items()}
    proven = all(level.certainty == "proven" for level in result.objective.values())
    text = (
        f"II {value['ii']}, L {value['length']}, {value['warps']} warps, "
        f"traffic {value['traffic']} words"
    )
    return f"{text}, {'all proven' if proven else 'not all proven'}"


def _row(result: Result) -> tuple[str, ...]:
    levels = result.objective
    return tuple(
        f"{levels[name].value}" + ("" if levels[name].certainty == "proven" else " (found)")
        for name in ("ii", "length", "warps", "traffic")
    )


def _warps(schedule: Schedule) -> int:
    return sum(group.warps for group in schedule.groups)


def _verdict(result: Result) -> str:
    if result.ii is not None:
        return f"{result.ii}" if result.status == "optimal" else f"{result.ii} (found)"
    return "impossible" if result.status == "infeasible" else "open"


HOPPER_CLAIM = Claim(
    "Attention forward on Hopper",
    (),
    "The joint schedule moves the first product into the prologue and runs two softmax groups in "
    "ping-pong, as FlashAttention-3 does.",
    (
        "twill-ilp audit fmha-forward fa3 --machine hopper",
        "twill-ilp solve fmha-forward --machine hopper --plot warps.png --figure warps",
    ),
    check_hopper,
)

BLACKWELL_CLAIM = Claim(
    "Attention forward on Blackwell",
    (9,),
    "Loads and products on warps of their own, one softmax group per sub-tile, and the rescaling "
    "of both sub-tiles on a third group: FlashAttention-4's strategy.",
    (
        "twill-ilp solve fmha-forward --machine blackwell",
        "twill-ilp audit fmha-forward fa4 --levels ii",
        "twill-ilp solve fmha-forward --levels ii --reading hold=cycles --plot g.png "
        "--figure graph",
    ),
    check_blackwell,
)

ABLATIONS_CLAIM = Claim(
    "What Blackwell forward cannot do without",
    (),
    "At the smallest II for which the modulo ILP succeeds, each of these makes the joint problem "
    "infeasible: fewer warps; no sub-tiling; no communication between warps.",
    (
        "twill-ilp explain fmha-forward --warps 8",
        "twill-ilp explain fmha-forward --sub-tiles 1",
        "twill-ilp explain fmha-forward --no-cross-warp",
        "twill-ilp solve fmha-forward --warps 12 --max-ii 16",
    ),
    check_ablations,
)

REGISTERS_CLAIM = Claim(
    "Fewer registers, forward",
    (),
    "(Beside the paper.) How much of the register budget does the published partition need?",
    ("twill-ilp audit fmha-forward fa4 --registers-per-thread 132 --levels ii",),
    check_registers,
)
