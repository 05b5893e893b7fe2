"""Whose grants are narrowed sees, counts, exports and moves what is of the stations within reach, and nothing else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core import instants
from core.rights import Role
from telemetry.alerts.handling.keeping import keep
from telemetry.alerts.lifecycle import lives
from tests.fixtures.alerts import Office, an_alert, problem, tomorrow
from tests.fixtures.narrowing import Border, Onlooker, Samples, Walk, everywhere, granted

HAI_BINH = "TD-HAI-BINH"
DISTRICT = "Tĩnh Gia"
# One wastewater, flue gas and air station each, of three organizations.
WATER, FLUE, AIR, OTHER = "TH-NT-001", "TH-KT-001", "TH-KK-01", "TH-NT-002"
EVERY = (WATER, FLUE, AIR, OTHER)
PREFIXES = (
    "/v1/alerts",
    "/v1/alert-rules",
    "/v1/windows",
    "/v1/verdicts",
    "/v1/averaging-policies",
    "/v1/reports",
    "/v1/aqi",
    "/v1/stations/{code}/aqi",
    "/v1/webhooks",
    "/v1/mail-subscriptions",
)
HOOKS = ("/v1/webhooks", "/v1/mail-subscriptions")
_LIMITED = """
    SELECT DISTINCT p.symbol COLLATE "C" AS symbol
    FROM datastream d
    JOIN station s ON s.id = d.station_id
    JOIN observed_property p ON p.id = d.observed_property_id
    JOIN limit_version v ON v.datastream_id = d.id
    WHERE s.code = $1
    ORDER BY 1
"""
_VERDICT = """
    INSERT INTO verdict (datastream_id, averaging, period_start, period_end, verdict, limit_id, limit_version_id, split,
                         policy_id, policy_revision, minimum_share, mean, valid_n, received_n, expected_n, covered_n,
                         judged_time)
    SELECT d.id, '1h', date_trunc('hour', now()) - interval '2 hours', date_trunc('hour', now()) - interval '1 hour',
           'exceeded', v.limit_id, v.id, false, a.id, a.revision, 0.75, 1000, 12, 12, 12, 12, now()
    FROM datastream d
    JOIN station s ON s.id = d.station_id
    JOIN observed_property p ON p.id = d.observed_property_id
    CROSS JOIN LATERAL (SELECT * FROM limit_version WHERE datastream_id = d.id ORDER BY id LIMIT 1) v
    CROSS JOIN LATERAL (SELECT * FROM averaging_policy ORDER BY id LIMIT 1) a
    WHERE s.code = $1 AND p.symbol = $2
    RETURNING id
"""
_WITHDRAWN = """
    WITH gone AS (DELETE FROM verdict WHERE id = $1 RETURNING *)
    INSERT INTO verdict_former (id, transaction_id, datastream_id, averaging, period_start, period_end, verdict,
                                limit_id, limit_version_id, split, policy_id, policy_revision, minimum_share, mean,
                                valid_n, received_n, expected_n, covered_n, judged_time, replaced_time, cause,
                                withdrawn)
    SELECT id, transaction_id, datastream_id, averaging, period_start, period_end, verdict, limit_id, limit_version_id,
           split, policy_id, policy_revision, minimum_share, mean, valid_n, received_n, expected_n, covered_n,
           judged_time, now(), 'limit-changed', true
    FROM gone
"""


class World:
    """Something of everything at each of the stations, and an alert of the network."""

    def __init__(self, office: Office, border: Border) -> None:
        self.office, self.border = office, border
        self.gateway = office.gateway
        self.alerts: dict[str, int] = {}
        self.windows: dict[str, int] = {}
        self.rules: dict[str, int] = {}
        self.verdicts: dict[str, int] = {}
        self.withdrawn: dict[str, int] = {}
        self.network = 0

    async def settle(self) -> None:
        district = "UPDATE station SET district = $1 WHERE code = ANY ($2::text[])"
        await self.gateway.database.execute(district, DISTRICT, [WATER, AIR])
        await self.gateway.app.state.catalog.refresh()
        for station in EVERY:
            symbol, another = [row["symbol"] for row in await self.gateway.database.fetch(_LIMITED, station)][:2]
            self.alerts[station] = (await self.office.raise_one(station, symbol)).id
            self.windows[station] = await self._made("/v1/windows", _window(station))
            self.rules[station] = await self._made("/v1/alert-rules", _rule(station=station))
            self.verdicts[station] = await self._verdict(station, symbol)
            self.withdrawn[station] = await self._verdict(station, another)
            await self.gateway.database.execute(_WITHDRAWN, self.withdrawn[station])
            await self.gateway.report(await self.gateway.key_of(station), **{symbol: 1000.0})
        stuck = an_alert(kind="job-stuck", station_id=None, datastream_id=None, detail={"job": "freshness"})
        async with self.gateway.database.transaction() as connection:
            (kept,) = await keep(connection, [lives.raised(stuck)])
        self.network = kept.id

    async def _made(self, path: str, body: dict[str, Any]) -> int:
        answer = await self.gateway.post(path, body)
        assert answer.status_code == 201, answer.text
        number: int = answer.json()["id"]
        return number

    async def _verdict(self, station: str, symbol: str) -> int:
        number: int | None = await self.gateway.database.fetchval(_VERDICT, station, symbol)
        assert number is not None, (station, symbol)
        return number

    def samples(self, onlooker: Onlooker) -> Samples:
        def own(of: dict[str, int]) -> list[object]:
            return [number for station, number in of.items() if onlooker.sees(station)]

        def others(of: dict[str, int]) -> list[object]:
            return [number for station, number in of.items() if not onlooker.sees(station)]

        seen = [station for station in EVERY if onlooker.sees(station)]
        unseen = [station for station in EVERY if not onlooker.sees(station)]
        air: dict[str, list[object]] = {"own": [code for code in seen if code == AIR], "foreign": []}
        air["foreign"] = [code for code in unseen if code == AIR]
        strange = "/v1/alerts/{alert_id} alert_id", "/v1/alert-rules/{rule_id} rule_id"
        return Samples(
            own={
                "alert_id": own(self.alerts),
                "rule_id": own(self.rules),
                "window_id": own(self.windows),
                "verdict_id": own(self.verdicts) + own(self.withdrawn),
                "policy_id": [1],
                "report": ["hourly-maximum", "day", "month", "availability", "exceedance", "disconnection"],
                "station": seen,
                "code": air["own"],
            },
            foreign={
                strange[0]: [*others(self.alerts), self.network],
                strange[1]: others(self.rules),
                "window_id": others(self.windows),
                "verdict_id": others(self.verdicts) + others(self.withdrawn),
                "station": unseen,
                "organization": ["XM-DOI-SAO"],
                "code": air["foreign"],
            },
            nobody={
                "alert_id": [99_999_999],
                "rule_id": [99_999_999],
                "window_id": [99_999_999],
                "verdict_id": [99_999_999],
                "station": ["TH-NT-999"],
                "organization": ["XM-NOBODY"],
                "code": ["TH-KK-99"],
            },
        )


def _window(station: str) -> dict[str, Any]:
    now = instants.now().replace(microsecond=0)
    begin, end = now + timedelta(days=2), now + timedelta(days=2, hours=3)
    return {
        "kind": "maintenance",
        "station": station,
        "from": instants.text(begin),
        "to": instants.text(end),
        "reason": "Thay bơm",
    }


def _rule(**subject: str) -> dict[str, Any]:
    return {"kind": "lost-connection", "severity": "critical", **subject}


@pytest.fixture
async def world(office: Office, border: Border) -> World:
    made = World(office, border)
    await made.settle()
    return made


NARROWED: dict[str, Callable[[Border], Onlooker]] = {
    "organization": lambda border: border.viewer("an", organizations=[HAI_BINH]),
    "kind": lambda border: border.let_in("binh", granted(Role.OPERATOR, station_kinds=["wastewater"])),
    "district": lambda border: border.viewer("chi", districts=[DISTRICT]),
}
REACHED = {"organization": {WATER, FLUE}, "kind": {WATER, OTHER}, "district": {WATER, AIR}}


async def test_no_answer_tells_of_what_is_out_of_reach(world: World) -> None:
    for name, let_in in NARROWED.items():
        onlooker = let_in(world.border)
        assert {station for station in EVERY if onlooker.sees(station)} == REACHED[name]
        refused = [path for path in world.gateway.app.openapi()["paths"] if path.startswith(HOOKS)]
        walk = Walk(onlooker, world.samples(onlooker), refused=refused)
        assert await walk.over(*PREFIXES) == [], name
        assert len(set(walk.asked)) >= 12


async def test_lists_counts_and_files_hold_exactly_what_is_in_reach(world: World) -> None:
    for name, let_in in NARROWED.items():
        onlooker, reached = let_in(world.border), REACHED[name]
        alerts = (await onlooker.get("/v1/alerts")).json()["items"]
        assert sorted(alert["id"] for alert in alerts) == sorted(world.alerts[station] for station in reached)
        windows = (await onlooker.get("/v1/windows")).json()["items"]
        assert {window["station"] for window in windows} == reached
        rules = (await onlooker.get("/v1/alert-rules")).json()["items"]
        assert {rule["station"] for rule in rules} == reached | {None}
        verdicts = (await onlooker.get("/v1/verdicts")).json()["items"]
        assert {verdict["station"] for verdict in verdicts} == reached
        counts = (await onlooker.get("/v1/alerts/counts")).json()
        assert counts["total"]["open"] == len(reached)
        assert sum(state["stations"] for state in counts["stations"]) == len(_in_use(onlooker))
        table = (await onlooker.get("/v1/alerts", accept="text/csv")).text.splitlines()
        assert len(table) == 1 + len(reached)
        report = (await onlooker.get("/v1/reports/availability")).json()
        assert {row["station"] for row in report["items"]} == _in_use(onlooker)


def _in_use(onlooker: Onlooker) -> set[str]:
    snapshot = onlooker.gateway.app.state.catalog.snapshot
    return {code for code, entry in snapshot.stations.items() if entry.status != "retired" and onlooker.sees(code)}


async def test_pages_are_cut_from_what_is_in_reach(world: World) -> None:
    viewer = world.border.viewer("an", organizations=[HAI_BINH])
    first = (await viewer.get("/v1/alerts", limit=1)).json()
    second = (await viewer.get("/v1/alerts", limit=1, cursor=first["nextCursor"])).json()
    found = [alert["station"] for page in (first, second) for alert in page["items"]]
    assert sorted(found) == sorted([WATER, FLUE])
    assert second["nextCursor"] is None


async def test_whoever_is_not_narrowed_sees_the_network_too(world: World) -> None:
    viewer = world.border.let_in("dung", everywhere(Role.VIEWER))
    listed = (await viewer.get("/v1/alerts")).json()["items"]
    assert {alert["id"] for alert in listed} == {*world.alerts.values(), world.network}
    assert (await viewer.get(f"/v1/alerts/{world.network}")).status_code == 200


MOVES: dict[str, Any] = {
    "acknowledge": {},
    "comments": {"text": "Đã gọi nhà máy"},
    "assignee": {"assignee": "an"},
    "shelve": {"reason": "Chờ phụ tùng", "until": tomorrow()},
    "unshelve": {},
    "clear": {"reason": "Đã xử lý"},
    "reraise": {"reason": "Nhầm"},
}


async def test_an_alert_is_moved_where_it_may_be_handled(world: World) -> None:
    reads_all = world.border.let_in("em", everywhere(Role.VIEWER), granted(Role.OPERATOR, station_kinds=["wastewater"]))
    narrowed = world.border.let_in("giang", granted(Role.OPERATOR, station_kinds=["wastewater"]))
    viewer = world.border.let_in("ha", everywhere(Role.VIEWER))
    for move, body in MOVES.items():
        seen, unseen, missing = (f"/v1/alerts/{n}/{move}" for n in (world.alerts[OTHER], world.alerts[FLUE], 10**8))
        # It may be read and not handled: refused; it may not even be read: as if it were not there.
        assert (await reads_all.send("POST", unseen, body)).status_code == 403, move
        answers = [await narrowed.send("POST", path, body) for path in (unseen, missing)]
        assert [(answer.status_code, problem(answer)) for answer in answers] == [(404, "alert-not-found")] * 2, move
        assert (await viewer.send("POST", seen, body)).status_code == 403, move
        assert (await reads_all.send("POST", f"/v1/alerts/{world.network}/{move}", body)).status_code == 403, move
        assert (await narrowed.send("POST", seen, body)).status_code in {200, 409}, move
    kept = await world.office.alert(world.alerts[FLUE])
    assert kept.revision == 1


async def test_windows_are_asked_for_and_decided_where_alerts_may_be_handled(world: World) -> None:
    both = world.border.let_in(
        "em", granted(Role.VIEWER, organizations=[HAI_BINH]), granted(Role.OPERATOR, station_kinds=["wastewater"])
    )
    for station, status in {AIR: 404, "TH-NT-999": 404, FLUE: 403}.items():
        assert (await both.send("POST", "/v1/windows", _window(station))).status_code == status
    moves: dict[str, Any] = {"accept": {}, "cancel": {}, "reject": {"reason": "Không"}, "request": None}
    for move, body in moves.items():
        for station, status in {AIR: 404, FLUE: 403}.items():
            path = f"/v1/windows/{world.windows[station]}/{move}"
            assert (await both.send("POST", path, body)).status_code == status, (move, station)
    for station, status in {AIR: 404, FLUE: 403}.items():
        path = f"/v1/windows/{world.windows[station]}"
        assert (await both.send("PATCH", path, {"reason": "Khác"})).status_code == status
    accepted = await both.send("POST", f"/v1/windows/{world.windows[WATER]}/accept", {})
    assert (accepted.status_code, accepted.json()["decidedBy"]) == (200, "em")
    viewer = world.border.viewer("an", organizations=[HAI_BINH])
    assert (await viewer.send("POST", "/v1/windows", _window(WATER))).status_code == 403


async def test_a_rule_is_changed_by_who_reaches_all_that_it_can_hold_for(world: World) -> None:
    steward = world.border.let_in("khanh", granted(Role.STEWARD, station_kinds=["wastewater"]))
    of_one = world.border.let_in("lan", everywhere(Role.VIEWER), granted(Role.STEWARD, organizations=[HAI_BINH]))
    asked = [
        (steward, _rule(stationKind="wastewater"), 201),
        (steward, _rule(stationKind="flue_gas"), 403),
        (steward, {**_rule(), "severity": "notice"}, 403),
        (steward, _rule(station="TH-NT-003"), 201),
        (steward, _rule(station="TH-KT-002"), 404),
        (of_one, _rule(station="TH-NT-004"), 403),
        (of_one, _rule(stationKind="ambient"), 403),
        (of_one, _rule(station="TH-KT-002"), 201),
    ]
    for who, rule, status in asked:
        answer = await who.send("POST", "/v1/alert-rules", rule)
        assert answer.status_code == status, (rule, answer.text)
    for method, body in (("PATCH", {"severity": "notice"}), ("PUT", {"severity": "notice"}), ("DELETE", None)):
        for station, status in {FLUE: 404, WATER: 200}.items():
            answer = await steward.send(method, f"/v1/alert-rules/{world.rules[station]}", body)
            assert answer.status_code == (204 if (status, method) == (200, "DELETE") else status), (method, station)
        answer = await of_one.send(method, f"/v1/alert-rules/{world.rules[OTHER]}", body)
        assert answer.status_code == 403
    operator = world.border.let_in("minh", everywhere(Role.OPERATOR))
    assert (await operator.send("POST", "/v1/alert-rules", _rule(station=WATER))).status_code == 403


async def test_judging_again_and_policies_need_a_steward_of_the_stations(world: World) -> None:
    steward = world.border.let_in("khanh", granted(Role.STEWARD, station_kinds=["wastewater"]))
    reads_all = world.border.let_in("lan", everywhere(Role.VIEWER), granted(Role.STEWARD, station_kinds=["wastewater"]))
    span = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}
    asked = [(steward, WATER, 202), (steward, FLUE, 404), (steward, "TH-NT-999", 404), (reads_all, FLUE, 403)]
    for who, station, status in asked:
        answer = await who.send("POST", "/v1/verdicts/judge", {"station": station, **span})
        assert answer.status_code == status, (station, answer.text)
    policies = (await steward.get("/v1/averaging-policies")).json()
    terms = {"minimumShare": 0.8, "labelEnd": False, "source": "Thử", "confidence": "thấp", "verified": False}
    for policy in policies:
        answer = await steward.send("PUT", f"/v1/averaging-policies/{policy['id']}", terms)
        assert answer.status_code == (200 if policy["stationKind"] == "wastewater" else 403), (policy, answer.text)


async def test_webhooks_and_mail_are_for_who_reaches_every_station(world: World) -> None:
    hook = await world.gateway.post("/v1/webhooks", {"url": "https://alarms.example.vn/quantrac"})
    narrowed = world.border.let_in("nam", granted(Role.ADMINISTRATOR, organizations=[HAI_BINH]))
    operator = world.border.let_in("oanh", everywhere(Role.OPERATOR))
    administrator = world.border.let_in("phuc", everywhere(Role.ADMINISTRATOR))
    reading = ["/v1/webhooks", "/v1/mail-subscriptions"]
    if hook.status_code == 201:
        reading += [f"/v1/webhooks/{hook.json()['id']}", f"/v1/webhooks/{hook.json()['id']}/deliveries"]
    for path in reading:
        assert (await narrowed.get(path)).status_code == 403, path
        assert (await operator.get(path)).status_code == 200, path
    body = {"address": "truc@example.vn", "stations": [WATER]}
    made = [await who.send("POST", "/v1/mail-subscriptions", body) for who in (narrowed, operator, administrator)]
    # No mail server is set up here, which is told to those only who could use it.
    assert [answer.status_code for answer in made[:2]] == [403, 403]
    assert made[2].status_code in {201, 503}
