"""Dropping old observations beside the policies that refresh the aggregates: what was counted must stay.

A refresh computes its window from what is there. Over dropped chunks that is nothing, and the rows of the aggregate go.
The policies look back 401 and 403 days, further than the 400 days in which readings are taken; so a retention of more
than that never meets them. These tests show both sides of that border.
"""

from typing import Any

import pytest

from tests.fixtures.timescale import Session
from tests.integration.test_timescale_migrations import _VIEWS, _fill, _run_policies

_OLD, _YOUNG = 430, 380


async def _counted(session: Session, view: str, stream: int) -> list[dict[str, Any]]:
    return await session.rows(
        f"SELECT bucket::text, received_n, valid_n, result_sum FROM {view} "
        f"WHERE datastream_id = {stream} ORDER BY bucket"
    )


async def _two_days(session: Session, stream: int) -> None:
    """A day long past every window of a policy, and one within them."""
    for days in (_OLD, _YOUNG):
        await _fill(session, stream, f"date_trunc('day', now()) - INTERVAL '{days} days'", "1 hour", 24)


@pytest.mark.parametrize("view", sorted(_VIEWS))
async def test_what_is_dropped_behind_the_windows_of_the_policies_stays_counted(timescale: Session, view: str) -> None:
    stream = 90 if view == "observation_daily" else 91
    await _two_days(timescale, stream)
    # As when the service ran all that time: what is old now was refreshed while it was young.
    await timescale.rows(f"CALL refresh_continuous_aggregate('{view}', now() - INTERVAL '450 days', now())")
    before = await _counted(timescale, view, stream)
    assert sum(row["received_n"] for row in before) == 48
    await timescale.rows("SELECT drop_chunks('observation', older_than => INTERVAL '405 days')")
    gone = await timescale.rows(
        f"SELECT count(*) AS n FROM observation "
        f"WHERE datastream_id = {stream} AND phenomenon_time < now() - INTERVAL '405 days'"
    )
    assert gone == [{"n": 0}]
    # Late rows make the policies compute as far back as they ever do.
    await _fill(timescale, stream, f"date_trunc('day', now()) - INTERVAL '{_YOUNG - 5} days'", "1 hour", 1)
    for _ in range(2):
        await _run_policies(timescale)
    after = await _counted(timescale, view, stream)
    assert [row for row in after if row in before] == before
    assert sum(row["received_n"] for row in after) == 49


@pytest.mark.parametrize("view", sorted(_VIEWS))
async def test_a_refresh_of_all_times_would_take_away_what_was_dropped(timescale: Session, view: str) -> None:
    """Why nobody may refresh without bounds once anything was dropped."""
    stream = 92 if view == "observation_daily" else 93
    await _two_days(timescale, stream)
    await timescale.rows(f"CALL refresh_continuous_aggregate('{view}', now() - INTERVAL '450 days', now())")
    await timescale.rows("SELECT drop_chunks('observation', older_than => INTERVAL '405 days')")
    assert sum(row["received_n"] for row in await _counted(timescale, view, stream)) == 48
    await timescale.rows(f"CALL refresh_continuous_aggregate('{view}', NULL, NULL)")
    assert sum(row["received_n"] for row in await _counted(timescale, view, stream)) == 24


async def test_no_policy_drops_and_none_refreshes_without_bounds(timescale: Session) -> None:
    policies = await timescale.rows(
        "SELECT proc_name, config ->> 'start_offset' AS begin, config ->> 'end_offset' AS until "
        "FROM timescaledb_information.jobs WHERE proc_name LIKE 'policy%' AND hypertable_name IS NOT NULL"
    )
    assert "policy_retention" not in {policy["proc_name"] for policy in policies}
    refreshing = [policy for policy in policies if policy["proc_name"] == "policy_refresh_continuous_aggregate"]
    assert sorted((policy["begin"], policy["until"]) for policy in refreshing) == [
        ("401 days", "01:00:00"),
        ("403 days", "1 day"),
    ]
