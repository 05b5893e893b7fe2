"""Whose grants are narrowed sees, counts and exports what is of the stations within reach, and nothing else."""

from collections.abc import Callable

from core.rights import Role
from tests.fixtures.narrowing import Border, Onlooker, Walk, everywhere, granted
from tests.fixtures.reach import AIR, DISTRICT, EVERY, FLUE, HAI_BINH, OTHER, WATER, World

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
NARROWED: dict[str, Callable[[Border], Onlooker]] = {
    "organization": lambda border: border.viewer("an", organizations=[HAI_BINH]),
    "kind": lambda border: border.let_in("binh", granted(Role.OPERATOR, station_kinds=["wastewater"])),
    "district": lambda border: border.viewer("chi", districts=[DISTRICT]),
}
REACHED = {"organization": {WATER, FLUE}, "kind": {WATER, OTHER}, "district": {WATER, AIR}}


async def test_no_answer_tells_of_what_is_out_of_reach(standing_world: World) -> None:
    for name, let_in in NARROWED.items():
        onlooker = let_in(standing_world.border)
        assert {station for station in EVERY if onlooker.sees(station)} == REACHED[name]
        refused = [path for path in standing_world.gateway.app.openapi()["paths"] if path.startswith(HOOKS)]
        walk = Walk(onlooker, standing_world.samples(onlooker), refused=refused)
        assert await walk.over(*PREFIXES) == [], name
        assert len(set(walk.asked)) >= 12


async def test_lists_counts_and_files_hold_exactly_what_is_in_reach(standing_world: World) -> None:
    for name, let_in in NARROWED.items():
        onlooker, reached = let_in(standing_world.border), REACHED[name]
        alerts = (await onlooker.get("/v1/alerts")).json()["items"]
        assert sorted(alert["id"] for alert in alerts) == sorted(standing_world.alerts[station] for station in reached)
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


async def test_pages_are_cut_from_what_is_in_reach(standing_world: World) -> None:
    viewer = standing_world.border.viewer("an", organizations=[HAI_BINH])
    first = (await viewer.get("/v1/alerts", limit=1)).json()
    second = (await viewer.get("/v1/alerts", limit=1, cursor=first["nextCursor"])).json()
    found = [alert["station"] for page in (first, second) for alert in page["items"]]
    assert sorted(found) == sorted([WATER, FLUE])
    assert second["nextCursor"] is None


async def test_whoever_is_not_narrowed_sees_the_network_too(standing_world: World) -> None:
    viewer = standing_world.border.let_in("dung", everywhere(Role.VIEWER))
    listed = (await viewer.get("/v1/alerts")).json()["items"]
    assert {alert["id"] for alert in listed} == {*standing_world.alerts.values(), standing_world.network}
    assert (await viewer.get(f"/v1/alerts/{standing_world.network}")).status_code == 200


async def test_webhooks_and_mail_are_for_who_reaches_every_station(standing_world: World) -> None:
    hook = await standing_world.gateway.post("/v1/webhooks", {"url": "https://alarms.example.vn/quantrac"})
    narrowed = standing_world.border.let_in("nam", granted(Role.ADMINISTRATOR, organizations=[HAI_BINH]))
    operator = standing_world.border.let_in("oanh", everywhere(Role.OPERATOR))
    administrator = standing_world.border.let_in("phuc", everywhere(Role.ADMINISTRATOR))
    reading = ["/v1/webhooks", "/v1/mail-subscriptions"]
    if hook.status_code == 201:
        reading += [f"/v1/webhooks/{hook.json()['id']}", f"/v1/webhooks/{hook.json()['id']}/deliveries"]
    # Records of one domain are not the whole either.
    of_domain = standing_world.border.let_in("quy", granted(Role.ADMINISTRATOR, domains=["land"]))
    for path in ("/v1/trail", "/v1/trail/head", "/v1/people", "/v1/service-tokens"):
        assert [(await who.get(path)).status_code for who in (narrowed, of_domain, administrator)] == [403, 403, 200]
    for path in reading:
        assert (await narrowed.get(path)).status_code == 403, path
        assert (await of_domain.get(path)).status_code == 403, path
        assert (await operator.get(path)).status_code == 200, path
    body = {"address": "truc@example.vn", "stations": [WATER]}
    made = [await who.send("POST", "/v1/mail-subscriptions", body) for who in (narrowed, operator, administrator)]
    # No mail server is set up here, which is told to those only who could use it.
    assert [answer.status_code for answer in made[:2]] == [403, 403]
    assert made[2].status_code in {201, 503}
