from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemode.host.store import BoundedStore, MemoryStore, StoreFull

PUTS = st.lists(st.tuples(st.sampled_from("abé"), st.none() | st.text(max_size=8)), max_size=20)


def bytes_of(values: dict[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in values.items())


@given(PUTS)
def test_it_keeps_what_a_dict_would_as_long_as_there_is_room(puts: list[tuple[str, str | None]]) -> None:
    model: dict[str, str] = {}
    store = BoundedStore(MemoryStore(), 20, 100)
    for key, value in puts:
        wanted = {**model, key: value} if value is not None else {k: v for k, v in model.items() if k != key}
        if value is not None and bytes_of(wanted) > 20:
            with pytest.raises(StoreFull):
                store.put(key, value)
        else:
            store.put(key, value)
            model = wanted
        assert store.load() == (model, [])


def test_of_a_store_that_others_have_filled_the_largest_values_are_left_out() -> None:
    inner = MemoryStore()
    inner.put("big", "x" * 100)
    inner.put("small", "1")
    store = BoundedStore(inner, 20, 100)

    assert store.load() == ({"small": "1"}, ["big"])
    with pytest.raises(StoreFull, match="would come to 114 bytes; at most 20 are kept"):
        store.put("next", "1")
    store.put("big", None)
    store.put("next", "1")
    assert store.load() == ({"small": "1", "next": "1"}, [])


def test_it_keeps_so_many_values_and_no_more() -> None:
    store = BoundedStore(MemoryStore(), 1000, 2)
    store.put("a", "1")
    store.put("b", "1")

    with pytest.raises(StoreFull, match="has 2 stored values already; no more are kept"):
        store.put("c", "1")
    store.put("b", "2")
    store.put("a", None)
    store.put("c", "1")
    assert store.load() == ({"b": "2", "c": "1"}, [])


def test_of_a_store_that_others_have_filled_with_too_many_values_some_are_left_out() -> None:
    inner = MemoryStore()
    for key in "abc":
        inner.put(key, "1" * (ord(key) - ord("a") + 1))

    assert BoundedStore(inner, 1000, 2).load() == ({"a": "1", "b": "11"}, ["c"])
