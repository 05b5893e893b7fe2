"""The kinds of text that catalogue bodies are made of."""

import unicodedata

import pytest
from pydantic import TypeAdapter, ValidationError

from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.stations import NewStation, Station, StationFeature

CODE = TypeAdapter(fields.Code)
SYMBOL = TypeAdapter(fields.Symbol)
ALIAS = TypeAdapter(fields.Alias)
FILE_CODE = TypeAdapter(fields.FileCode)


@pytest.mark.parametrize("code", ["TH-NT-001", "a", "A_b-9", "0" * 40])
def test_a_code_is_a_topic_level(code: str) -> None:
    assert CODE.validate_python(code) == code


@pytest.mark.parametrize(
    "code",
    ["", "a/b", "a+", "#", "a#", "*", ">", "a b", "a.b", "$SYS", "-a", "_a", "Trạm", "a" * 41, "a\nb", "a\x00", 5],
)
def test_wildcards_slashes_and_the_like_are_no_codes(code: object) -> None:
    with pytest.raises(ValidationError):
        CODE.validate_python(code)


@pytest.mark.parametrize("symbol", ["PM2,5", "Vinyl chloride", "m,p-Xylene", "Cr6+", "Nhiệtđộ", "NO3-N", "α"])
def test_symbols_are_as_free_as_the_field_is(symbol: str) -> None:
    assert SYMBOL.validate_python(symbol) == symbol


@pytest.mark.parametrize("symbol", ["", " ", "a/b", "a\tb", "a\x00", "x" * 61])
def test_a_symbol_stands_in_addresses_and_tab_separated_files(symbol: str) -> None:
    with pytest.raises(ValidationError):
        SYMBOL.validate_python(symbol)


def test_text_is_kept_in_one_form_whatever_form_it_came_in() -> None:
    composed = "Nhiệtđộ"
    decomposed = unicodedata.normalize("NFD", composed)
    assert decomposed != composed
    assert ALIAS.validate_python(f" {decomposed} ") == composed


def test_a_file_code_is_kept_in_capitals() -> None:
    assert FILE_CODE.validate_python("th_giay_nuo01") == "TH_GIAY_NUO01"


@pytest.mark.parametrize("file_code", ["TH_GIAY", "TH_GIAY_NUO01_X", "TH-GIAY-NUO", "TH__NUO01", "TH_GIẤY_NUO01"])
def test_a_file_code_has_three_parts(file_code: str) -> None:
    with pytest.raises(ValidationError):
        FILE_CODE.validate_python(file_code)


def test_coordinates_come_together() -> None:
    with pytest.raises(ValidationError, match="together or not at all"):
        NewStation.model_validate(
            {"code": "A", "kind": "ambient", "organization": "O", "name_vi": "A", "name_en": "A", "latitude": 19.8}
        )


def _station(latitude: float | None, longitude: float | None) -> Station:
    return Station.model_validate(
        {
            "code": "A",
            "kind": "ambient",
            "organization": "O",
            "name_vi": "A",
            "name_en": "A",
            "district": None,
            "file_code": None,
            "latitude": latitude,
            "longitude": longitude,
            "status": "active",
            "cadence_seconds": 300,
            "demonstration": False,
            "revision": 1,
            "created_time": "2026-01-01T00:00:00Z",
            "updated_time": "2026-01-01T00:00:00Z",
        }
    )


def test_geojson_writes_the_longitude_first() -> None:
    feature = StationFeature.of(_station(19.8, 105.77))
    assert feature.model_dump(by_alias=True)["geometry"] == {"type": "Point", "coordinates": (105.77, 19.8)}


def test_the_equator_is_a_place_and_no_place_is_none() -> None:
    at_zero = StationFeature.of(_station(0.0, 0.0)).geometry
    assert at_zero is not None
    assert at_zero.coordinates == (0.0, 0.0)
    assert StationFeature.of(_station(None, None)).geometry is None
