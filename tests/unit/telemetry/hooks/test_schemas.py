"""The words of filters are those that alerts and their events are told with, and secrets do not show themselves."""

from datetime import datetime
from typing import get_args

import pytest
from pydantic import ValidationError

from core import instants
from telemetry.alerts.kinds import Kind, Severity
from telemetry.alerts.lifecycle import workflow
from telemetry.hooks import filters
from telemetry.hooks.webhooks.schemas import NewWebhook, Rotation, Webhook, WebhookWithSecret


def test_filters_know_every_kind_and_severity_of_alerts() -> None:
    assert set(get_args(filters.AlertKind)) == set(Kind)
    assert get_args(filters.Severity) == tuple(Severity)


def test_filters_know_every_event_of_an_alert_and_every_group() -> None:
    known = set(get_args(filters.EventType))
    assert set(workflow.EVENTS.values()) <= known
    single = {name for name in known if not name.endswith(".*")}
    assert {f"{name.split('.')[0]}.*" for name in single} == known - single


def test_a_secret_is_in_the_answer_and_in_no_other_form_of_it() -> None:
    now: datetime = instants.now()
    webhook = Webhook(
        id=1,
        url="https://e.vn/",
        description="",
        event_types=None,
        alert_kinds=None,
        least_severity=None,
        stations=None,
        station_kinds=None,
        organizations=None,
        history=False,
        enabled=True,
        disabled_reason=None,
        disabled_time=None,
        failures_in_row=0,
        failing_since=None,
        paused_until=None,
        created_by="x",
        created_time=now,
        revision=1,
        secrets=1,
        former_secret_until=None,
        pending=0,
        dead=0,
    )
    answer = WebhookWithSecret(webhook=webhook, secret="whsec_x")  # noqa: S106 - none
    assert "whsec_x" in answer.model_dump_json()
    assert "whsec_x" not in repr(answer) + str(answer)


@pytest.mark.parametrize("hours", [0, 24, 168])
def test_an_overlap_is_a_week_at_most(hours: int) -> None:
    assert Rotation(overlap_hours=hours).overlap_hours == hours
    with pytest.raises(ValidationError):
        Rotation(overlap_hours=hours + 169)


def test_what_is_left_out_filters_nothing() -> None:
    whole = NewWebhook(url="https://e.vn/").model_dump(exclude={"url"})
    assert whole.pop("description") == ""
    assert whole.pop("history") is False
    assert set(whole.values()) == {None}
