"""Whose grants are narrowed reads, exports, edits and sends what is of the stations within reach, and nothing else."""

import json
from typing import Any

import pytest

from core import instants
from core.rights import Grant, Role
from tests.fixtures.applications import Gateway
from tests.fixtures.catalogs import problem
from tests.fixtures.narrowing import Border, Onlooker, Passes, Samples, Walk, everywhere, granted

HAI_BINH, OTHER_OWNER = "TD-HAI-BINH", "XM-DOI-SAO"
DISTRICT, ELSEWHERE = "Tĩnh Gia", "Nghi Sơn"
WATER, FLUE, AIR, OTHER = "TH-NT-001", "TH-KT-001", "TH-KK-01", "TH-NT-002"
EVERY = (WATER, FLUE, AIR, OTHER)
PREFIXES = (
    "/v1/organizations",
    "/v1/stations",
    "/v1/datastreams",
    "/v1/limits",
    "/v1/observed-properties",
    "/v1/rule-sets",
    "/v1/latest",
    "/v1/completeness",
    "/v1/receipts",
    "/v1/quarantine",
    "/v1/conflicts",
)
# Needs keys.manage, or is asked about elsewhere.
LEFT_OUT = (
    "/v1/stations/{code}/keys",
    "/v1/stations/{code}/enrolments",
    "/v1/stations/{code}/quota",
    "/v1/stations/{code}/aqi",
)
_SYMBOL = """
    SELECT p.symbol FROM datastream d
    JOIN station s ON s.id = d.station_id
    JOIN observed_property p ON p.id = d.observed_property_id
    JOIN datastream_limit l ON l.datastream_id = d.id
    WHERE s.code = $1 ORDER BY p.symbol COLLATE "C" LIMIT 1
"""


class World:
    """A reading, a conflict, something quarantined at each of the stations, and a body of nobody's."""

    def __init__(self, gateway: Gateway, border: Border) -> None:
        self.gateway, self.border = gateway, border
        self.ids: dict[str, dict[str, int]] = {station: {} for station in EVERY}
        self.nobodys_entry = self.nobodys_receipt = 0

    async def settle(self) -> None:
        change = "UPDATE station SET district = $1 WHERE code = ANY ($2::text[])"
        await self.gateway.database.execute(change, DISTRICT, [WATER, AIR])
        for station in EVERY:
            symbol = await self.gateway.database.fetchval(_SYMBOL, station)
            key = await self.gateway.key_of(station)
            time = instants.text(instants.now().replace(microsecond=0))
            for value in (1.0, 2.0):
                body = {"phenomenonTime": time, "readings": {symbol: value, "Strange": value}}
                receipt = (await self.gateway.post("/v1/observations", body, key)).json()
            found = {"receipt_id": receipt["receipt"], "receipt": receipt["receipt"]}
            for name, path in (
                ("entry_id", "/v1/quarantine"),
                ("datastream_id", "/v1/datastreams"),
                ("limit_id", "/v1/limits"),
            ):
                found[name] = (await self.gateway.get(path, station=station)).json()["items"][0]["id"]
            self.ids[station] = found | {"datastream": found["datastream_id"]}
        unread = await self.gateway.post("/v1/observations", {"readings": 7})
        self.nobodys_receipt = unread.json()["receipt"]
        (entry,) = (await self.gateway.get("/v1/quarantine", receipt=self.nobodys_receipt)).json()["items"]
        self.nobodys_entry = entry["id"]

    def samples(self, onlooker: Onlooker, organizations: tuple[str, str]) -> Samples:
        """organizations: one in reach, and one out of it."""
        seen = [station for station in EVERY if onlooker.sees(station)]
        unseen = [station for station in EVERY if not onlooker.sees(station)]

        def ids(of: list[str], name: str) -> list[object]:
            return [self.ids[station][name] for station in of]

        names = ("receipt_id", "entry_id", "datastream_id", "limit_id", "datastream")
        own: dict[str, list[object]] = {name: ids(seen, name) for name in names}
        foreign: dict[str, list[object]] = {name: ids(unseen, name) for name in names}
        foreign["receipt_id"].append(self.nobodys_receipt)
        foreign["entry_id"].append(self.nobodys_entry)
        its = "/v1/organizations/{code} code"
        rules = "/v1/rule-sets/{code} code"
        foreign.pop("datastream")
        return Samples(
            own=own
            | {"code": seen, "station": seen, its: [organizations[0]], rules: ["QCVN-40-2011-B"], "symbol": ["COD"]},
            foreign=foreign | {"/v1/stations/{code} code": unseen, "station": unseen, its: [organizations[1]]},
            nobody={name: [999_999_999] for name in names}
            | {"code": ["TH-NT-999"], "station": ["TH-NT-999"], its: ["NOBODY"], rules: ["NONE"]},
        )


@pytest.fixture(scope="module")
async def world(standing_gateway: Gateway) -> World:
    state, passes = standing_gateway.app.state, Passes()
    state.identify._sources = (passes, *state.identify._sources)
    world = World(standing_gateway, Border(standing_gateway, passes))
    await world.settle()
    await state.catalog.refresh()
    return world


@pytest.mark.parametrize(
    ("who", "narrowed", "organizations"),
    [
        ("owner", {"organizations": [HAI_BINH]}, (HAI_BINH, OTHER_OWNER)),
        ("kind", {"station_kinds": ["ambient"]}, ("SNNMT-THANH-HOA", OTHER_OWNER)),
        ("district", {"districts": [DISTRICT]}, ("SNNMT-THANH-HOA", OTHER_OWNER)),
        ("nowhere", {"districts": ["Không có"]}, (HAI_BINH, OTHER_OWNER)),
    ],
)
async def test_nothing_is_told_of_what_is_out_of_reach(
    world: World, who: str, narrowed: dict[str, list[str]], organizations: tuple[str, str]
) -> None:
    onlooker = world.border.viewer(f"viewer.{who}", **narrowed)
    walk = Walk(onlooker, world.samples(onlooker, organizations))
    if who == "nowhere":
        for name in (
            "stations",
            "organizations",
            "datastreams",
            "limits",
            "receipts",
            "quarantine",
            "conflicts",
            "latest",
        ):
            assert (await onlooker.get(f"/v1/{name}")).json()["items"] == [], name
        return
    assert await walk.over(*PREFIXES, left_out=LEFT_OUT) == []
    assert len(walk.asked) > 40, walk.asked


async def test_a_series_out_of_reach_is_as_one_that_is_not_there(world: World) -> None:
    onlooker = world.border.viewer("viewer.series", station_kinds=["ambient"])
    assert (await onlooker.get("/v1/observations", station=AIR)).json()["items"]
    for accept in ("application/json", "text/csv"):
        told = [
            (await onlooker.get("/v1/observations", accept=accept, **asked)).json()
            for asked in (
                {"station": WATER},
                {"station": "TH-NT-999"},
                {"datastream": world.ids[WATER]["datastream"]},
                {"datastream": 999_999_999},
            )
        ]
        assert [answer["status"] for answer in told] == [404] * 4
        assert told[0]["type"] == told[1]["type"]
        assert told[2]["type"] == told[3]["type"]
        assert told[0]["detail"].replace(WATER, "TH-NT-999") == told[1]["detail"]


async def test_lists_and_exports_hold_all_that_is_within_reach(world: World) -> None:
    onlooker = world.border.viewer("viewer.water", station_kinds=["wastewater"])
    codes = {item["code"] for item in (await onlooker.get("/v1/stations")).json()["items"]}
    assert codes == {f"TH-NT-{n:03}" for n in range(1, 25)}
    assert {item["station"] for item in (await onlooker.get("/v1/latest")).json()["items"]} == codes
    assert {item["station"] for item in (await onlooker.get("/v1/completeness")).json()["stations"]} == codes
    assert {item["station"] for item in (await onlooker.get("/v1/receipts")).json()["items"]} == {WATER, OTHER}
    assert {item["station"] for item in (await onlooker.get("/v1/conflicts")).json()["items"]} == {WATER, OTHER}
    exported = (await onlooker.get("/v1/latest", accept="text/csv")).text
    assert {line.split(",")[0] for line in exported.splitlines()[1:]} == codes
    every = (await world.gateway.get("/v1/organizations")).json()["items"]
    counted = {item["code"]: item["stations"] for item in (await onlooker.get("/v1/organizations")).json()["items"]}
    assert sum(counted.values()) == 24
    assert len(counted) < len(every)
    assert all(counted.values())


async def test_pages_of_a_reach_follow_each_other_without_gap_or_repetition(world: World) -> None:
    onlooker = world.border.viewer("viewer.paging", organizations=[HAI_BINH], station_kinds=["flue_gas", "wastewater"])
    for path, key in (("/v1/receipts", "receipt"), ("/v1/quarantine", "id"), ("/v1/stations", "code")):
        whole = [item[key] for item in (await onlooker.get(path)).json()["items"]]
        found, cursor = [], None
        while True:
            asked: dict[str, Any] = {"limit": 1} | ({"cursor": cursor} if cursor else {})
            page = (await onlooker.get(path, **asked)).json()
            found += [item[key] for item in page["items"]]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        assert found == whole, path
        assert found, path


def _steward(world: World, name: str, *grants: Grant) -> Onlooker:
    return world.border.let_in(name, *grants)


async def test_what_may_be_read_and_not_changed_is_forbidden_and_what_may_not_be_read_is_not_there(
    world: World,
) -> None:
    water = _steward(
        world, "st.mixed", granted(Role.VIEWER, organizations=[HAI_BINH]), granted(Role.STEWARD, districts=[DISTRICT])
    )
    limit = {"symbol": "COD", "averaging": "24h", "upper": 1.0, "legalSource": "x", "confidence": "x"}
    edits: list[tuple[str, str, Any]] = []
    for of in (FLUE, OTHER):
        ids = world.ids[of]
        edits = [
            ("PATCH", f"/v1/stations/{of}", {"nameVi": "x"}),
            ("POST", f"/v1/stations/{of}/retire", None),
            ("POST", "/v1/datastreams", {"station": of, "symbol": "COD"}),
            ("PATCH", f"/v1/datastreams/{ids['datastream_id']}", {"mandatory": False}),
            ("POST", "/v1/limits", limit | {"station": of, "validFrom": "2026-01-01T00:00:00Z"}),
            ("PATCH", f"/v1/limits/{ids['limit_id']}", {"verified": True}),
            ("DELETE", f"/v1/limits/{ids['limit_id']}", None),
            ("POST", f"/v1/stations/{of}/limits", {"ruleSet": "QCVN-40-2011-B", "validFrom": "2026-01-01T00:00:00Z"}),
            ("POST", f"/v1/quarantine/{ids['entry_id']}/dismissal", {"note": "x"}),
            ("POST", f"/v1/quarantine/{ids['entry_id']}/replay", {}),
            ("POST", "/v1/quarantine/replay", {"station": of}),
        ]
        expected = 403 if water.sees(of) else 404
        for method, path, body in edits:
            answer = await water.send(method, path, body)
            assert answer.status_code == expected, f"{method} {path} at {of}: {answer.text}"
    assert (await water.send("PATCH", f"/v1/stations/{AIR}", {"nameEn": "Air"})).status_code == 200
    edited = await water.send("PATCH", f"/v1/datastreams/{world.ids[AIR]['datastream_id']}", {"mandatory": True})
    assert edited.status_code == 200


async def test_what_concerns_all_is_changed_by_who_is_not_narrowed_and_read_by_all(world: World) -> None:
    narrow = _steward(world, "st.narrow", granted(Role.STEWARD, districts=[DISTRICT]))
    new = {"symbol": "Xy", "unit": "mg/l", "nameVi": "x", "nameEn": "x"}
    for method, path, body in (
        ("POST", "/v1/observed-properties", new),
        ("PATCH", "/v1/observed-properties/COD", {"nameVi": "x"}),
        ("POST", "/v1/rule-sets", None),
        ("PATCH", "/v1/rule-sets/QCVN-40-2011-B", {"nameVi": "x"}),
        ("POST", "/v1/organizations", {"code": "NEW-1", "kind": "state", "nameVi": "x", "nameEn": "x"}),
        ("PATCH", "/v1/organizations/SNNMT-THANH-HOA", {"nameVi": "x"}),
        ("POST", "/v1/stations/import", None),
    ):
        answer = await narrow.send(method, path, body)
        assert answer.status_code in ({403, 422} if body is None else {403}), f"{method} {path}: {answer.text}"
    for path in ("/v1/observed-properties", "/v1/rule-sets"):
        assert (await narrow.get(path)).json()["items"]
    problem(
        await narrow.send("PATCH", f"/v1/organizations/{OTHER_OWNER}", {"nameVi": "x"}), 404, "organization-not-found"
    )
    owner = _steward(world, "st.owner", granted(Role.STEWARD, organizations=[HAI_BINH]))
    assert (await owner.send("PATCH", f"/v1/organizations/{HAI_BINH}", {"nameEn": "Hai Binh"})).status_code == 200


async def test_a_station_is_judged_by_where_it_is_and_where_it_goes(world: World) -> None:
    narrow = _steward(
        world,
        "st.mover",
        granted(Role.STEWARD, districts=[DISTRICT, ELSEWHERE], station_kinds=["ambient"]),
        granted(Role.VIEWER, organizations=[HAI_BINH]),
    )
    new = {
        "code": "TH-KK-90",
        "kind": "ambient",
        "organization": "SNNMT-THANH-HOA",
        "nameVi": "x",
        "nameEn": "x",
        "district": DISTRICT,
    }
    for wrong in ({"district": None}, {"district": "Xa"}, {"kind": "wastewater"}):
        assert (await narrow.send("POST", "/v1/stations", new | wrong)).status_code == 403, wrong
    unknown = await narrow.send("POST", "/v1/stations", new | {"organization": OTHER_OWNER})
    nowhere = await narrow.send("POST", "/v1/stations", new | {"organization": "NOBODY"})
    assert (unknown.status_code, nowhere.status_code) == (404, 404)
    assert (await narrow.send("POST", "/v1/stations", new)).status_code == 201
    await world.gateway.app.state.catalog.refresh()
    for wrong in ({"district": None}, {"district": "Xa"}, {"kind": "wastewater"}):
        assert (await narrow.send("PATCH", "/v1/stations/TH-KK-90", wrong)).status_code == 403, wrong
    moved = await narrow.send("PATCH", "/v1/stations/TH-KK-90", {"district": ELSEWHERE, "organization": HAI_BINH})
    assert (moved.status_code, moved.json()["district"]) == (200, ELSEWHERE)
    # Somebody else took it out of reach: nothing of it is theirs any more, though the catalogue in memory is older.
    await world.gateway.database.execute("UPDATE station SET district = NULL WHERE code = 'TH-KK-90'")
    assert (await narrow.send("PATCH", "/v1/stations/TH-KK-90", {"district": DISTRICT})).status_code == 403


async def test_readings_of_stations_out_of_reach_are_refused_as_of_stations_that_are_not_there(world: World) -> None:
    sender = _steward(world, "st.sender", granted(Role.STEWARD, organizations=[HAI_BINH]))
    time = instants.text(instants.now().replace(microsecond=0))
    symbol = await world.gateway.database.fetchval(_SYMBOL, OTHER)
    told = []
    for code in (OTHER, "TH-NT-999"):
        body = {"station": code, "phenomenonTime": time, "readings": {symbol: 5.5}}
        answer = (await sender.send("POST", "/v1/observations", body)).json()
        (reading,) = answer["readings"]
        told.append({name: value for name, value in reading.items() if name != "found"})
        assert answer["counts"]["stored"] == 0
        headers = {"Authorization": f"Bearer {sender.credential}", "Content-Type": "application/x-ndjson"}
        stream = await world.gateway.client.post("/v1/observations", json=body, headers=headers)
        first, last = map(json.loads, stream.text.splitlines())
        assert (first["counts"]["stored"], last["complete"]) == (0, True)
        assert [one["reason"] for one in first["readings"]] == ["wrong-station"]
    assert told[0] == told[1]
    assert told[0]["reason"] == "wrong-station"
    own = [code for code in EVERY if sender.sees(code)]
    assert own
    mine = await world.gateway.database.fetchval(_SYMBOL, own[0])
    body = {"station": own[0], "phenomenonTime": time, "readings": {mine: 5.5}}
    answer = (await sender.send("POST", "/v1/observations", body)).json()
    assert [reading["reason"] for reading in answer["readings"] if reading["reason"] == "wrong-station"] == []
    assert answer["counts"]["rejected"] == 0


async def test_a_replay_of_all_takes_what_is_within_reach_only(world: World) -> None:
    handler = _steward(world, "op.water", granted(Role.OPERATOR, station_kinds=["wastewater"]))
    report = (await handler.send("POST", "/v1/quarantine/replay", {"dryRun": True, "receipts": 100})).json()
    whole = _steward(world, "op.all", everywhere(Role.OPERATOR))
    every = (await whole.send("POST", "/v1/quarantine/replay", {"dryRun": True, "receipts": 100})).json()
    own = {world.ids[WATER]["entry_id"], world.ids[OTHER]["entry_id"]}
    assert own <= {entry["quarantine"] for entry in report["entries"]}
    assert world.ids[AIR]["entry_id"] not in {entry["quarantine"] for entry in report["entries"]}
    assert {world.ids[AIR]["entry_id"], world.nobodys_entry} <= {entry["quarantine"] for entry in every["entries"]}
    assert report["remaining"] < every["remaining"]
