"""Which topics speak of a station, and which topic names are made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.mqtt import topics
from telemetry.mqtt.topics import Source


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("v1/TH-NT-001/observations", Source("TH-NT-001")),
        ("v1/a/observations", Source("a")),
        (
            "v1/TH-NT-001/observations/TH_ABCD_NUO01_20261123080000.txt",
            Source("TH-NT-001", "TH_ABCD_NUO01_20261123080000.txt"),
        ),
        ("v1/TH-NT-001/observations/báo cáo.csv", Source("TH-NT-001", "báo cáo.csv")),
    ],
)
def test_a_topic_names_its_station_and_file(topic: str, expected: Source) -> None:
    assert topics.parse(topic) == expected


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "v1",
        "v1/",
        "v1//observations",
        "v1/TH-NT-001",
        "v1/TH-NT-001/",
        "v1/TH-NT-001/observations/",
        "v1/TH-NT-001/observations/a/b",
        "v1/TH-NT-001/observations/+",
        "v1/TH-NT-001/observations/#",
        "v1/TH-NT-001/observations/a\nb",
        "v1/TH-NT-001/observations\n",
        "v1/TH-NT-001/receipts",
        "v1/TH-NT-001/Observations",
        "v2/TH-NT-001/observations",
        "/v1/TH-NT-001/observations",
        "v1/+/observations",
        "v1/#",
        "#",
        "$SYS/broker/uptime",
        "v1/$SYS/observations",
        "v1/TH.NT/observations",
        "v1/TH NT/observations",
        "v1/-TH/observations",
        "v1/../observations",
        "v1/TH-NT-001/../TH-NT-002/observations",
        "v1/" + "A" * 41 + "/observations",
        "v1/TH-NT-001\x00/observations",
        "v1/ＴＨ/observations",
    ],
)
def test_other_topics_speak_of_no_station(topic: str) -> None:
    assert topics.parse(topic) is None


@pytest.mark.parametrize("station", ["", "+", "#", "a/b", "a.b", "$SYS", "a b", "a\n", "*", ">", "A" * 41])
def test_a_topic_is_not_made_of_what_is_no_station_code(station: str) -> None:
    for make in (topics.observations, topics.receipts, topics.status):
        with pytest.raises(ValueError, match="is not a station code"):
            make(station)


@pytest.mark.parametrize("file_name", ["", "a/b", "+", "#", "a\x00", "a\r\n", "x" * 161])
def test_a_topic_is_not_made_of_a_file_name_that_is_no_level(file_name: str) -> None:
    with pytest.raises(ValueError, match="last level of a topic"):
        topics.observations("TH-NT-001", file_name)


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused_without_an_error(text: str) -> None:
    for topic in (text, f"v1/{text}/observations", f"v1/A/observations/{text}"):
        found = topics.parse(topic)
        assert found is None or topics.observations(found.station, found.file_name) == topic
