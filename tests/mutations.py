"""Damaged IR text: bytes flipped, lines deleted, doubled or swapped, braces broken."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["mutant"]


def _flip(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text))
    return (
        text[:at] + chr(rng.choice([rng.randrange(32, 127), rng.randrange(256)])) + text[at + 1 :]
    )


def _delete_line(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def _double_line(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    return "\n".join(lines[: at + 1] + lines[at:])


def _swap_lines(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def _break_bracket(rng: random.Random, text: str) -> str:
    places = [i for i, c in enumerate(text) if c in "{}()[]<>"] or [0]
    at = rng.choice(places)
    return text[:at] + rng.choice(["", "{", "}", "(", ")", "<", ">"]) + text[at + 1 :]


def _cut(rng: random.Random, text: str) -> str:
    return text[: rng.randrange(len(text))]


def _swap_words(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    a, b = rng.randrange(len(words)), rng.randrange(len(words))
    words[a], words[b] = words[b], words[a]
    return " ".join(words)


def _change_number(rng: random.Random, text: str) -> str:
    places = [i for i, c in enumerate(text) if c.isdigit()] or [0]
    at = rng.choice(places)
    return text[:at] + rng.choice(["", "0", "-1", "99999999999999999999"]) + text[at + 1 :]


def _delete_block(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text))
    return text[:at] + text[at + rng.randrange(200) :]


_MUTATIONS: tuple[Callable[[random.Random, str], str], ...] = (
    _flip,
    _delete_line,
    _double_line,
    _swap_lines,
    _break_bracket,
    _cut,
    _swap_words,
    _change_number,
    _delete_block,
)


def mutant(text: str, seed: int) -> str:
    """``text`` after one to three mutations, the same ones for the same seed."""
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 3)):
        if text:
            text = rng.choice(_MUTATIONS)(rng, text)
    return text
