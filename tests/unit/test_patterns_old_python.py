"""Patterns mean the same on every Python that we admit.

Before 3.11.5 a group repeated possessively, ``(?:ab?)*+``, lost its place (CPython's gh-106052), and the
screen let telephone numbers pass. An atomic group, ``(?>(?:ab?)*)``, is right on all of them.
"""

import importlib
import pkgutil
import re
from typing import Any

import pytest

import sinergi_ingest
import sinergi_shared

_parser: Any = importlib.import_module("re._parser")  # no stubs know it

ONE_CHARACTER = {"LITERAL", "NOT_LITERAL", "IN", "ANY", "CATEGORY"}


def patterns() -> dict[str, re.Pattern[Any]]:
    names = [
        module.name
        for package in (sinergi_ingest, sinergi_shared)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.name.endswith("__main__")
    ]
    return {
        f"{name}.{attribute}": value
        for name in names
        for attribute, value in vars(importlib.import_module(name)).items()
        if isinstance(value, re.Pattern)
    }


def groups_repeated_for_good(parsed: Any) -> list[Any]:
    found = []
    for op, argument in parsed:
        if op.name == "POSSESSIVE_REPEAT":
            [*_, repeated] = argument
            if [one.name for one, _ in repeated] not in [[name] for name in ONE_CHARACTER]:
                found.append(repeated)
        found += [each for part in parts(argument) for each in groups_repeated_for_good(part)]
    return found


def parts(argument: Any) -> list[Any]:
    if isinstance(argument, _parser.SubPattern):
        return [argument]
    if isinstance(argument, list | tuple):
        return [part for one in argument for part in parts(one)]
    return []


@pytest.mark.parametrize("where", patterns())
def test_no_pattern_repeats_a_group_possessively(where):
    pattern = patterns()[where]
    assert groups_repeated_for_good(_parser.parse(pattern.pattern, pattern.flags)) == []


@pytest.mark.parametrize(
    "faulty", ["(?:ab?)*+c", "x|(a|b)++", '"(?:[^"]{1,9}+|.){1,2}+', "(?:(?>(?:ab?)?+))"]
)
def test_the_law_sees_a_group_that_is(faulty):
    assert groups_repeated_for_good(_parser.parse(faulty))
