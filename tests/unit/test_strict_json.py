"""The fast way to read bytes held against the careful one: one verdict, one value."""

import json
import math

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sinergi_shared.contracts import strict_json
from sinergi_shared.contracts.strict_json import UnreadableError, parse_object
from tests.kit.event_corpus import corpus
from tests.kit.oracle import encoded

_NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.sampled_from(["-0", "-0.0", "1E5", "1e22", "1e400", "9007199254740993", "0.10", "NaN", "-Infinity"]),
)
_TEXTS = st.text(st.sampled_from('ab":\\{}[],\u00e9\u200b\x7f\U0001f600 '), max_size=6)


def _written(draw, depth):
    """A JSON text with keys twice, whitespace, odd numbers and odd escapes."""
    kind = draw(st.integers(0, 5 if depth else 2))
    gap = draw(st.sampled_from(["", "", "", " ", "\n"]))
    if kind == 0:
        number = draw(_NUMBERS)
        return number if isinstance(number, str) else json.dumps(number)
    if kind in {1, 2}:
        return json.dumps(draw(_TEXTS), ensure_ascii=draw(st.booleans()))
    if kind == 3:
        items = [_written(draw, depth - 1) for _ in range(draw(st.integers(0, 3)))]
        return f"[{gap}{f',{gap}'.join(items)}]"
    names = st.one_of(_TEXTS, st.sampled_from(["a", "b"]))
    members = [
        f"{json.dumps(draw(names), ensure_ascii=False)}{gap}:{_written(draw, depth - 1)}"
        for _ in range(draw(st.integers(0, 3)))
    ]
    return f"{{{','.join(members)}{gap}}}"


@st.composite
def _texts(draw):
    return _written(draw, 3)


def _verdict(body):
    try:
        return parse_object(body)
    except UnreadableError as error:
        return error.rule


def _same(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


def _read_carefully(monkeypatch, body):
    with monkeypatch.context() as only:
        only.setattr(strict_json, "_as_we_write", lambda _body: None)
        return _verdict(body)


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@example('{"a":1,"a":1}')
@example('{"a" :1,"a" :":"}')
@example('{"a":9007199254740992}')
@example('{"a":"\\u0001"}')
@example('{"a":"\\ud800"}')
@example('{"a":-0}')
@example("{" + ",".join(f'"k{i}":1' for i in range(513)) + "}")
@example("{" + ",".join(f'"k{i}":1' for i in range(512)) + "}")
@example('{"a":' * 32 + "1" + "}" * 32)
@example('{"a":' * 33 + "1" + "}" * 33)
@given(_texts())
def test_the_fast_reader_says_what_the_careful_one_says(monkeypatch_module, text):
    body = text.encode("utf-8", "surrogatepass")
    fast, careful = _verdict(body), _read_carefully(monkeypatch_module, body)
    assert _same(fast, careful)


def test_both_readers_say_the_same_of_the_whole_corpus(monkeypatch_module):
    for document in corpus(41, 1500):
        for body in (encoded(document), _again(encoded(document))):
            assert _same(_verdict(body), _read_carefully(monkeypatch_module, body))


def _again(body):
    try:
        return orjson.dumps(orjson.loads(body))
    except orjson.JSONDecodeError:
        return body


def test_what_ingest_stores_is_read_the_fast_way():
    stored = [orjson.dumps(document) for document in corpus(42, 200) if isinstance(document, dict)]
    fast = [strict_json._as_we_write(body) is not None for body in stored]
    assert sum(fast) > 0.95 * len(fast)
