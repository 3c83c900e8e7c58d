"""Rows as Zoho sends them → `Row`: what is kept, what makes a row news, and that nothing raises."""

from datetime import UTC, datetime
from typing import Any

import pytest

from handler.codec import parse_time
from handler.history import ID_LENGTH, TEXT_LIMIT, Row, clean, parse_row
from sandbox.watch import START
from sandbox.zoho import row, sample_rows


def test_a_row_of_zohos_sample_is_read_field_by_field() -> None:
    """The documented sample's `completed` row, as the notifier sees it."""
    raw = sample_rows()[2]
    time = datetime(2022, 6, 23, 12, 1, 3, tzinfo=UTC)
    parsed = parse_row(raw)
    assert parsed == Row(parsed.key, raw["id"], time, "completed", None, "immediate", "Patricia Boyle")
    assert [parse_row({"count": count}).bought for count in (10**6 - 1, 10**6, "5", True)] == [10**6 - 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2022-06-23T17:31:03+05:30", datetime(2022, 6, 23, 12, 1, 3, tzinfo=UTC)),
        ("2028-02-29T23:59:59Z", datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)),
        ("2022-06-23T17:31:03", datetime(2022, 6, 23, 17, 31, 3, tzinfo=UTC)),
        ("2022-06-23", datetime(2022, 6, 23, tzinfo=UTC)),
        ("2027-02-29T00:00:00Z", None),
        ("yesterday", None),
        (None, None),
        (1656000000000, None),
        (["2022-06-23"], None),
        ("0001-01-01T00:00:00+14:00", None),
        ("0001-01-01T00:00:00Z", None),
        ("1969-12-31T23:59:59Z", None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
    ids=str,
)
def test_a_time_is_aware_and_in_utc_or_none(value: object, time: datetime | None) -> None:
    """ISO 8601 with any offset; nothing else, and nothing that no time zone could show, is a time."""
    assert parse_time(value) == time


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", None),
        (" \t\n ", None),
        ("Patricia Boyle", "Patricia Boyle"),
        ("  two   blanks ", "two blanks"),
        ("line\nbreak\r\ttab\x00nul\x1b[31m", "line break tab nul [31m"),
        ("right\u202eto\u2066left\u200b", "right to left"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("Ünïcödé 漢字 🎉", "Ünïcödé 漢字 🎉"),
        (42, "42"),
        ({"a": 1}, '{"a": 1}'),
        ("x" * TEXT_LIMIT, "x" * TEXT_LIMIT),
        ("x" * (TEXT_LIMIT + 1), "x" * (TEXT_LIMIT - 1) + "…"),
    ],
    ids=ascii,
)
def test_a_text_becomes_one_line_that_is_safe_to_show(value: object, text: str | None) -> None:
    """Control characters, direction marks and lone surrogates are blanks; what is too long ends in an ellipsis."""
    assert clean(value) == text


SAME = row(START, id="4876876000001594002", state="completed")
UNCHANGED: list[dict[str, Any]] = [
    *(
        {"log_time": "2026-03-02T11:00:00+01:00"},
        {"log_time": "2026-03-02T10:00:00.999Z"},
        {"state": "COMPLETED"},
        {"id": 4876876000001594002},
    ),
    *({"repeat_type": "monthly"}, {"done_by": None}, {"file_name": "backup.zip"}, {"new_field": "of a later version"}),
]
CHANGED: list[dict[str, Any]] = [
    *({"id": "4876876000001594003"}, {"id": None}, {"log_time": "2026-03-02T10:00:01+00:00"}, {"log_time": None}),
    *({"log_time": "not a time"}, {"state": "failure"}, {"state": None}, {"action": "initiated"}),
    {"state": None, "action": "completed"},
]


def test_what_makes_another_row() -> None:
    """A change of id, time, state or action is news; the spelling of these, and other fields, make none."""
    key = parse_row(SAME).key
    assert [other for other in UNCHANGED if parse_row(SAME | other).key != key] == []
    assert [other for other in CHANGED if parse_row(SAME | other).key == key] == []
    assert [
        other for other in CHANGED if ("id" in other) == (parse_row(SAME | other).key[:ID_LENGTH] == key[:ID_LENGTH])
    ] == []


def test_texts_that_are_cut_for_showing_are_told_apart_in_full() -> None:
    """Two ids that differ only after the hundredth character are two rows."""
    assert parse_row(SAME | {"id": "9" * 150 + "1"}).key != parse_row(SAME | {"id": "9" * 150 + "2"}).key


def test_ids_are_ordered_as_whole_numbers_of_any_length() -> None:
    """Beyond 2^53, where floats would tie, and beyond 64 bits; leading zeros count for nothing; the rest comes last."""
    ids = ["7", "0010", "9007199254740992", "9007199254740993", "4876876000001594002", "9" * 40, "", "abc", "\uff19"]
    ordered = sorted(map(parse_row, [{"id": value} for value in reversed(ids)]), key=lambda parsed: parsed.id_order)
    assert [parsed.id for parsed in ordered] == ids
