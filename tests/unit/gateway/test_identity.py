"""Who a credential belongs to, for how long an answer is kept, and what grants reach."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from core import access, errors
from core.database import DatabaseUnavailable
from core.rights import Grant, Narrowing, Right, Role
from gateway.identity import Identity
from gateway.reaching import GrantedReach
from telemetry.catalog import snapshot
from telemetry.catalog.loading import LiveCatalog

_STATIONS = [
    snapshot.StationEntry(1, "NT-1", "wastewater", "active", 300, None, "THEP", "Nghi Sơn"),
    snapshot.StationEntry(2, "NT-2", "wastewater", "active", 300, None, "GIAY", "Bỉm Sơn"),
    snapshot.StationEntry(3, "KT-1", "flue_gas", "active", 300, None, "THEP", None),
]


class Standing:
    """The catalogue as it stands, without a database behind it."""

    snapshot = snapshot.build(1, _STATIONS, [], [], [], [])


CATALOG = cast("LiveCatalog", Standing())


@dataclass
class Book:
    """A source of a few tokens, which counts how often it is asked."""

    claims: dict[str, access.Claim] = field(default_factory=dict)
    asked: int = 0
    away: bool = False
    refused: set[str] = field(default_factory=set)

    def credential(self, presented: access.Presented) -> str | None:
        return presented.bearer if presented.bearer and presented.bearer.startswith("qt_") else None

    async def find(self, credential: str) -> access.Claim | None:
        self.asked += 1
        if self.away:
            raise DatabaseUnavailable("away")
        return self.claims.get(credential)

    def check(self, presented: access.Presented, _: access.Claim) -> None:
        if presented.path in self.refused:
            raise errors.Forbidden("not so")


@dataclass
class Hall:
    book: Book
    now: float = 0.0

    def __post_init__(self) -> None:
        self.identity = Identity(CATALOG, "a-token-of-the-staff", [self.book], clock=lambda: self.now)

    async def comes(self, bearer: str, path: str = "/v1/stations") -> access.Principal:
        return await self.identity(access.Presented(bearer=bearer, path=path))


def _frozen(codes: set[str] | None) -> frozenset[str] | None:
    return None if codes is None else frozenset(codes)


@pytest.fixture
def hall() -> Hall:
    claim = access.Claim("an.nguyen", "person", (Grant(Role.VIEWER),), person_id=7, means="token:qt_aaaaaaaa")
    return Hall(Book({"qt_good": claim}))


async def test_the_holder_of_a_token_is_who_its_source_says(hall: Hall) -> None:
    found = await hall.comes("qt_good")
    assert isinstance(found, access.Staff)
    assert (found.name, found.person_id, found.means) == ("an.nguyen", 7, "token:qt_aaaaaaaa")
    assert found.reach.may(Right.READ)
    assert not found.reach.may(Right.EDIT_CATALOG)


@pytest.mark.parametrize("bearer", ["qt_other", "", "a-token-of-the-staff ", "st_aaaaaaaa.secret"])
async def test_nobody_else_is_known(hall: Hall, bearer: str) -> None:
    with pytest.raises(errors.Unauthorized):
        await hall.comes(bearer)


async def test_the_staff_token_may_do_all(hall: Hall) -> None:
    found = await hall.comes("a-token-of-the-staff")
    assert isinstance(found, access.Staff)
    assert all(found.reach.may(right) for right in Right)


async def test_an_answer_is_kept_for_a_few_seconds_and_no_longer(hall: Hall) -> None:
    await hall.comes("qt_good")
    hall.book.claims.clear()
    hall.now = 3.9
    await hall.comes("qt_good")
    hall.now = 5.0
    with pytest.raises(errors.Unauthorized):
        await hall.comes("qt_good")
    assert hall.book.asked == 2


async def test_who_was_known_stays_known_for_a_minute_without_the_database_and_nobody_new_is(hall: Hall) -> None:
    await hall.comes("qt_good")
    hall.book.away = True
    hall.now = 59.0
    assert (await hall.comes("qt_good")).name == "an.nguyen"
    with pytest.raises(DatabaseUnavailable):
        await hall.comes("qt_other")
    hall.now = 61.0
    with pytest.raises(DatabaseUnavailable):
        await hall.comes("qt_good")


async def test_what_must_hold_for_each_request_is_looked_at_each_time(hall: Hall) -> None:
    await hall.comes("qt_good")
    hall.book.refused.add("/v1/people")
    with pytest.raises(errors.Forbidden):
        await hall.comes("qt_good", "/v1/people")


@pytest.mark.parametrize(
    ("grants", "stations", "organizations"),
    [
        ([Grant(Role.VIEWER)], None, None),
        ([Grant(Role.VIEWER, Narrowing(domains=frozenset({"land"})))], None, None),
        ([Grant(Role.VIEWER, Narrowing(station_kinds=frozenset({"wastewater"})))], {"NT-1", "NT-2"}, {"THEP", "GIAY"}),
        ([Grant(Role.VIEWER, Narrowing(organizations=frozenset({"THEP"})))], {"NT-1", "KT-1"}, {"THEP"}),
        ([Grant(Role.VIEWER, Narrowing(organizations=frozenset({"NEW"})))], set(), {"NEW"}),
        ([Grant(Role.VIEWER, Narrowing(districts=frozenset({"Bỉm Sơn"})))], {"NT-2"}, {"GIAY"}),
        (
            [Grant(Role.VIEWER, Narrowing(frozenset({"flue_gas"}), frozenset({"GIAY"})))],
            set(),
            set(),
        ),
        (
            [
                Grant(Role.VIEWER, Narrowing(station_kinds=frozenset({"flue_gas"}))),
                Grant(Role.OPERATOR, Narrowing(districts=frozenset({"Bỉm Sơn"}))),
            ],
            {"KT-1", "NT-2"},
            {"THEP", "GIAY"},
        ),
        ([Grant(Role.VIEWER, Narrowing(organizations=frozenset({"GIAY"}))), Grant(Role.APPROVER)], None, None),
    ],
)
def test_grants_reach_the_stations_that_fit_all_that_one_of_them_names(
    grants: list[Grant], stations: set[str] | None, organizations: set[str] | None
) -> None:
    reach = GrantedReach(tuple(grants), None, CATALOG)
    assert reach.stations() == _frozen(stations)
    assert reach.organizations() == _frozen(organizations)


def test_a_right_reaches_only_where_a_role_that_carries_it_was_given() -> None:
    narrow = Grant(Role.OPERATOR, Narrowing(organizations=frozenset({"GIAY"})))
    reach = GrantedReach((Grant(Role.VIEWER), narrow), None, CATALOG)
    assert reach.stations(Right.READ) is None
    assert reach.stations(Right.HANDLE_ALERTS) == frozenset({"NT-2"})
    assert reach.stations(Right.EDIT_CATALOG) == frozenset()
    assert not reach.may(Right.EDIT_CATALOG)


def test_a_token_can_do_no_more_than_its_rights_say() -> None:
    reach = GrantedReach((Grant(Role.ADMINISTRATOR),), frozenset({Right.READ}), CATALOG)
    assert reach.may(Right.READ)
    assert not reach.may(Right.MANAGE_PEOPLE)
    assert reach.stations(Right.MANAGE_PEOPLE) == frozenset()


def test_an_administrator_does_not_approve() -> None:
    reach = GrantedReach((Grant(Role.ADMINISTRATOR),), None, CATALOG)
    assert [right for right in Right if not reach.may(right)] == [Right.APPROVE]


def test_domains_of_several_grants_add_up() -> None:
    land = Grant(Role.REGISTRAR, Narrowing(domains=frozenset({"land"})))
    minerals = Grant(Role.REGISTRAR, Narrowing(domains=frozenset({"minerals"})))
    assert GrantedReach((land, minerals), None, CATALOG).domains(Right.EDIT_DOSSIERS) == frozenset({"land", "minerals"})
    assert GrantedReach((land, Grant(Role.REGISTRAR)), None, CATALOG).domains(Right.EDIT_DOSSIERS) is None
