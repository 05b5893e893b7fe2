"""The trail over HTTP: who asked for a change is in it, from where and why, and who may read it."""

import csv
import io
from typing import Any
from urllib.parse import quote

import pytest

from core import access, instants
from core.rights import Narrowing, Role
from tests.fixtures.applications import TOKEN, Gateway
from tests.fixtures.principals import Known, holder

_REASON = "Giấy phép môi trường số 12/GP-UBND"


async def _make(gateway: Gateway, code: str, address: str = "10.1.2.3", **headers: str) -> int:
    """Add an organization; the status."""
    body = {"code": code, "nameVi": "Nhà máy", "nameEn": "Plant"}
    async with gateway.at(address) as client:
        credential = {"Authorization": f"Bearer {TOKEN}"} | headers
        answer = await client.post("/v1/organizations", json=body, headers=credential)
    return answer.status_code


async def _read(gateway: Gateway, path: str = "", **query: Any) -> Any:
    answer = await gateway.get(f"/v1/trail{path}", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_change_is_told_with_who_where_and_why(standing_gateway: Gateway) -> None:
    assert await _make(standing_gateway, "A-1", **{"Quantrac-Reason": quote(_REASON)}) == 201
    (entry,) = (await _read(standing_gateway, table="organization", subject="A-1"))["items"]
    assert (entry["actor"], entry["address"], entry["reason"]) == ("staff", "10.1.2.3", _REASON)
    assert (entry["action"], entry["before"], entry["after"]["code"]) == ("insert", None, "A-1")
    assert await _read(standing_gateway, f"/{entry['number']}") == entry
    head = await _read(standing_gateway, "/head")
    assert (head["number"], head["hash"], head["time"]) == (entry["number"], entry["hash"], entry["time"])


@pytest.mark.parametrize("reason", ["x" * 501, "a%0Ab", "%FF", "a%00"])
async def test_a_reason_that_cannot_be_written_down_changes_nothing(standing_gateway: Gateway, reason: str) -> None:
    assert await _make(standing_gateway, "A-2", **{"Quantrac-Reason": reason}) == 422
    assert (await _read(standing_gateway, subject="A-2"))["items"] == []


async def test_entries_are_chosen_and_paged_newest_first(standing_gateway: Gateway) -> None:
    begin = instants.text(instants.now())
    for code in ("B-1", "B-2", "B-3"):
        assert await _make(standing_gateway, code) == 201
    chosen = {"table": "organization", "action": "insert", "actor": "staff", "from": begin}
    first = await _read(standing_gateway, limit=2, **chosen)
    second = await _read(standing_gateway, limit=2, cursor=first["nextCursor"], **chosen)
    assert [item["subject"] for item in first["items"] + second["items"]] == ["B-3", "B-2", "B-1"]
    assert second["nextCursor"] is None
    assert (await _read(standing_gateway, **{**chosen, "to": begin}))["items"] == []
    for nobody in ({"actor": "nobody"}, {"table": "station"}, {"action": "delete"}):
        assert (await _read(standing_gateway, **{**chosen, **nobody}))["items"] == []


async def test_csv_holds_no_formula(standing_gateway: Gateway) -> None:
    assert await _make(standing_gateway, "C-1", **{"Quantrac-Reason": "=1+1"}) == 201
    for ask in ({"format": "csv"}, {}):
        headers = {"Authorization": f"Bearer {TOKEN}"} | ({} if ask else {"Accept": "text/csv"})
        answer = await standing_gateway.client.get("/v1/trail", params={"subject": "C-1", **ask}, headers=headers)
        assert answer.headers["content-type"].startswith("text/csv")
        (row,) = csv.DictReader(io.StringIO(answer.text))
        assert (row["subject"], row["actor"], row["reason"]) == ("C-1", "staff", "'=1+1")


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/9000000000000000000", 404, "entry-not-found"),
        ("/0", 422, "invalid-request"),
        ("/x", 422, "invalid-request"),
        ("?cursor=x", 422, "invalid-cursor"),
        ("?user=x", 422, "unknown-parameter"),
        ("?actor=a%00b", 422, "invalid-request"),
    ],
)
async def test_odd_questions_are_refused(standing_gateway: Gateway, path: str, status: int, slug: str) -> None:
    answer = await standing_gateway.client.get(f"/v1/trail{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == status
    assert answer.json()["type"].endswith(f":{slug}")


async def test_whose_right_is_narrowed_reads_nothing_of_it(
    standing_gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries are about people and rules for all; they belong to no single station."""
    state = standing_gateway.app.state
    narrowed = holder("x", state.catalog, Role.ADMINISTRATOR, Narrowing(station_kinds=frozenset({"ambient"})))
    whole = holder("y", state.catalog, Role.ADMINISTRATOR)
    steward = holder("z", state.catalog, Role.STEWARD)
    known: dict[str, access.Principal] = {"narrowed": narrowed, "whole": whole, "steward": steward}
    monkeypatch.setattr(state, "identify", Known(known))
    for path in ("", "/head", "/1"):
        found = {who: (await standing_gateway.get(f"/v1/trail{path}", who)).status_code for who in known}
        assert found == {"narrowed": 403, "whole": 200, "steward": 403}
