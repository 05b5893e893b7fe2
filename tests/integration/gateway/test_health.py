"""Liveness, readiness and metrics of the gateway, as a supervisor and Prometheus see them."""

import re

import pytest

from core.database import Database
from telemetry.evidence.replaying import Replayer
from telemetry.evidence.store import QuarantineFilter
from tests.fixtures.applications import Gateway


async def _lags(gateway: Gateway) -> dict[str, float]:
    """Seconds since each station was heard."""
    answer = await gateway.get("/metrics")
    assert answer.status_code == 200
    found = re.findall(r'^quantrac_station_lag_seconds\{station="([^"]+)"\} (\S+)$', answer.text, re.MULTILINE)
    return {station: float(seconds) for station, seconds in found}


async def test_a_gateway_that_runs_is_alive_and_ready(gateway: Gateway) -> None:
    assert (await gateway.client.get("/livez")).json() == {"status": "alive"}
    ready = await gateway.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {
            "status": "ready",
            "checks": {"database": "ok", "intake": "ok", "process": "ok"},
            "waitingReadings": 0,
        },
    )


async def test_a_gateway_that_was_told_to_stop_is_alive_and_not_ready(gateway: Gateway) -> None:
    gateway.app.state.stopping = True
    assert (await gateway.client.get("/livez")).status_code == 200
    ready = await gateway.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["checks"]["process"]) == (
        503,
        "not-ready",
        "stopping",
    )


async def test_a_gateway_without_its_database_says_what_is_missing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing", application_name="away")
    monkeypatch.setattr(gateway.app.state, "health_database", away)
    ready = await gateway.client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]) == (
        503,
        {"database": "does not answer", "intake": "ok", "process": "ok"},
    )


async def test_metrics_are_for_the_staff(gateway: Gateway) -> None:
    assert (await gateway.client.get("/metrics")).status_code == 401
    assert (await gateway.get("/metrics", await gateway.key_of("TH-NT-001"))).status_code == 403


async def test_metrics_count_what_became_of_readings(gateway: Gateway) -> None:
    await gateway.report(await gateway.key_of("TH-NT-001"), COD=48.6, CODx=1.0)
    text = (await gateway.get("/metrics")).text
    for outcome in ("stored", "quarantined"):
        found = re.search(rf'quantrac_readings_total{{channel="http",outcome="{outcome}"}} (\S+)', text)
        assert found is not None
        assert float(found[1]) >= 1


async def test_a_station_that_was_heard_has_a_lag(gateway: Gateway) -> None:
    assert await _lags(gateway) == {}
    await gateway.report(await gateway.key_of("TH-NT-001"), COD=48.6)
    lags = await _lags(gateway)
    assert list(lags) == ["TH-NT-001"]
    assert 0 <= lags["TH-NT-001"] < 60


async def test_a_replay_by_the_staff_does_not_make_a_silent_station_heard(gateway: Gateway) -> None:
    await gateway.report(await gateway.key_of("TH-NT-001"), CODx=48.6)
    await gateway.database.execute("UPDATE receipt SET received_time = received_time - interval '2 hours'")
    await gateway.database.execute("UPDATE quarantine SET received_time = received_time - interval '2 hours'")
    await gateway.database.execute(
        "INSERT INTO datastream_alias (station_id, alias, datastream_id) SELECT d.station_id, 'CODx', d.id "
        "FROM datastream d JOIN station s ON s.id = d.station_id JOIN observed_property p "
        "ON p.id = d.observed_property_id WHERE s.code = 'TH-NT-001' AND p.symbol = 'COD'"
    )
    state = gateway.app.state
    replayer = Replayer(gateway.database, state.catalog, state.intake)
    report = await replayer.replay(QuarantineFilter(), by="an.nguyen", dry_run=False, receipts=1)
    assert report.counts.stored + report.counts.quarantined == 1
    assert (await _lags(gateway))["TH-NT-001"] > 3600


async def test_a_retired_station_is_not_missed(gateway: Gateway) -> None:
    await gateway.report(await gateway.key_of("TH-NT-001"), COD=48.6)
    await gateway.database.execute("UPDATE station SET status = 'retired' WHERE code = 'TH-NT-001'")
    assert await _lags(gateway) == {}
