"""Organizations over HTTP."""

import unicodedata

import httpx
import pytest

from tests.fixtures.catalogs import ORGANIZATION, Desk, problem


async def test_an_organization_is_added_read_and_edited(desk: Desk) -> None:
    made = await desk.add("/v1/organizations", ORGANIZATION | {"code": "DN-02", "kind": "state"})
    assert (made["revision"], made["stations"], made["demonstration"]) == (1, 0, False)
    now = await desk.edit("/v1/organizations/DN-02", {"nameEn": "Another"}, on='"1"')
    assert (now["nameEn"], now["nameVi"], now["kind"], now["revision"]) == (
        "Another",
        ORGANIZATION["nameVi"],
        "state",
        2,
    )
    assert await desk.get("/v1/organizations/DN-02") == now
    assert (await desk.get("/v1/organizations/DN-01"))["stations"] == 1


async def test_what_was_added_says_where_it_is(staff: httpx.AsyncClient) -> None:
    answer = await staff.post("/v1/organizations", json=ORGANIZATION)
    assert (answer.headers["Location"], answer.headers["ETag"]) == ("/v1/organizations/DN-01", '"1"')
    assert (await staff.get(answer.headers["Location"])).headers["ETag"] == '"1"'


async def test_a_code_that_is_taken_is_named(desk: Desk) -> None:
    body = problem(await desk.http.post("/v1/organizations", json=ORGANIZATION), 409, "already-taken")
    assert body["errors"] == [{"field": "code", "found": "DN-01", "expected": "a value that no other entry has"}]


async def test_unknown_members_and_nulls_are_refused(desk: Desk) -> None:
    answer = await desk.http.post("/v1/organizations", json=ORGANIZATION | {"code": "DN-03", "colour": "red"})
    assert problem(answer, 422, "invalid-request")["errors"][0]["field"] == "body.colour"
    answer = await desk.http.patch("/v1/organizations/DN-01", json={"nameVi": None}, headers={"If-Match": "*"})
    assert problem(answer, 422, "invalid-request")["errors"][0]["field"] == "body.nameVi"
    answer = await desk.http.patch("/v1/organizations/DN-01", json={"code": "X"}, headers={"If-Match": "*"})
    assert problem(answer, 422, "invalid-request")["errors"][0]["field"] == "body.code"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"code": "\\ud800"}', b'{"\\ud800": 1}'])
async def test_a_body_that_is_no_object_is_refused_as_such(desk: Desk, body: bytes) -> None:
    answer = await desk.http.post("/v1/organizations", content=body, headers={"Content-Type": "application/json"})
    problem(answer, 422, "invalid-request")


async def test_the_list_is_searched_without_regard_to_marks(desk: Desk) -> None:
    await desk.add("/v1/organizations", {"code": "DN-02", "nameVi": "Xi măng Đồng Bằng", "nameEn": "Cement"})
    for text in ("dong bang", "ĐỒNG", "Đồng", unicodedata.normalize("NFD", "đồng"), "xi măng"):
        found = await desk.get("/v1/organizations", q=text)
        assert [item["code"] for item in found["items"]] == ["DN-02"], text
    assert (await desk.get("/v1/organizations", q="%"))["items"] == []
    assert (await desk.get("/v1/organizations", kind="state"))["items"] == []


async def test_pages_follow_each_other(desk: Desk) -> None:
    for number in range(2, 6):
        await desk.add("/v1/organizations", ORGANIZATION | {"code": f"DN-0{number}"})
    codes, cursor = [], None
    while True:
        page = await desk.get("/v1/organizations", limit=2, **({"cursor": cursor} if cursor else {}))
        codes += [item["code"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert codes == ["DN-01", "DN-02", "DN-03", "DN-04", "DN-05"]


async def test_a_missing_organization_is_not_found(desk: Desk) -> None:
    problem(await desk.http.get("/v1/organizations/nobody"), 404, "organization-not-found")
    answer = await desk.http.patch("/v1/organizations/nobody", json={}, headers={"If-Match": "*"})
    problem(answer, 404, "organization-not-found")


async def test_cursors_that_nobody_gave_out_are_refused(desk: Desk) -> None:
    # "garbage", [1], ["\u0000"], and a text of another alphabet
    for cursor in ("garbage", "WzFd", "WyJcdTAwMDAiXQ", "Trạm"):
        answer = await desk.http.get("/v1/organizations", params={"cursor": cursor})
        problem(answer, 422, "invalid-cursor")
