"""Which codec reads what."""

import pytest

from telemetry.codecs.errors import UnknownMediaType
from telemetry.codecs.negotiation import codec_for, sniff


@pytest.mark.parametrize(
    ("content_type", "file_name", "name"),
    [
        ("application/json", None, "json"),
        ("Application/JSON; Charset=UTF-8", None, "json"),
        ('application/json; charset="utf-8"', "x.csv", "json"),
        ("application/x-ndjson", None, "ndjson"),
        ("application/ndjson", None, "ndjson"),
        ("application/jsonl", None, "ndjson"),
        ("text/csv; header=present", None, "csv"),
        ("text/tab-separated-values", None, "circular10"),
        ("text/plain", "TH_A_B_20240615083000.txt", "circular10"),
        ("text/plain; charset=utf-8", "a/b/TH_A_B_20240615083000.TXT", "circular10"),
        ("text/plain", "year.csv", "csv"),
        (None, "day.ndjson", "ndjson"),
        ("", "day.jsonl", "ndjson"),
        ("application/octet-stream", "packet.JSON", "json"),
    ],
)
def test_the_codec_follows_media_type_then_file_name(
    content_type: str | None, file_name: str | None, name: str
) -> None:
    assert codec_for(content_type, file_name).name == name


@pytest.mark.parametrize(
    ("content_type", "file_name", "found"),
    [
        (None, None, "none"),
        ("text/plain", None, "text/plain"),
        ("text/plain", "TH_A_B_20240615083000", "text/plain and the file name 'TH_A_B_20240615083000'"),
        ("application/xml", "x.json", "application/xml and the file name 'x.json'"),
        ("multipart/form-data", None, "multipart/form-data"),
        ("application/json; charset=utf-16", None, "charset utf-16"),
        ("text/csv; charset=windows-1258", None, "charset windows-1258"),
    ],
)
def test_what_no_codec_reads_is_told(content_type: str | None, file_name: str | None, found: str) -> None:
    with pytest.raises(UnknownMediaType) as caught:
        codec_for(content_type, file_name)
    assert caught.value.status == 415
    assert caught.value.faults[0].found == found


@pytest.mark.parametrize(
    ("body", "file_name", "name"),
    [
        (b'{"station":"A"}', None, "json"),
        (b' \r\n {"station":"A"}', None, "json"),
        (b'\xef\xbb\xbf{"station":"A"}', None, "json"),
        (b'[{"a":1},\n{"a":2}]', None, "json"),
        (b'{\n "readings": [\n  {"a":1},\n  {"a":2}\n ]\n}\n', None, "json"),
        (b'{"a":1}\n{"a":2}\n', None, "ndjson"),
        (b'{"a":1} \r\n\r\n{"a":2}', None, "ndjson"),
        (b'{"a":1}\n', "x.ndjson", "ndjson"),
        (b"phenomenonTime;pH\n", None, "csv"),
        (b'"phenomenon_time",symbol,result\n', None, "csv"),
        (b"pH\t7.2\t\t20240615083000\t00\n", None, "circular10"),
        (b"#TH_A_B_20240615083000.txt\npH\t7.2\t\t20240615083000\t00\n", None, "circular10"),
        (b"pH\t7.2\t\t20240615083000\t00\n", "TH_A_B_20240615083000.txt", "circular10"),
        (b'{"a":1}', "TH_A_B_20240615083000.txt", "circular10"),
        (b"", None, "circular10"),
        (b"\xff\x00", None, "circular10"),
    ],
)
def test_a_message_without_media_type_is_known_by_its_beginning(body: bytes, file_name: str | None, name: str) -> None:
    assert sniff(body, file_name).name == name
