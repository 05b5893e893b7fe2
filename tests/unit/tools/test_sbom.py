"""The bill of materials holds what the lock holds, and says who needs whom."""

import json
import re
from typing import Any

import pytest

from tools import sbom

TEXT = """\
httpx==0.28.1 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
uvloop==0.23.1 ; platform_system != 'Windows' \\
    --hash=sha256:{a}
""".format(a="a" * 64, b="b" * 64)


@pytest.fixture(scope="module")
def packages() -> list[sbom.Package]:
    return sbom.locked(sbom.LOCK.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bill(packages: list[sbom.Package]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sbom.document(packages))
    return found


def test_a_package_in_two_versions_is_in_the_bill_twice() -> None:
    two = TEXT.replace("httpx==0.28.1", "numpy==2.4.6").replace("uvloop==0.23.1", "numpy==2.5.0")
    components = json.loads(sbom.document(sbom.locked(two)))["components"]
    assert [(item["name"], item["version"]) for item in components] == [("numpy", "2.4.6"), ("numpy", "2.5.0")]


def test_a_lock_is_read_with_its_markers_and_hashes() -> None:
    assert sbom.locked(TEXT) == [
        sbom.Package("httpx", "0.28.1", None, ("a" * 64, "b" * 64)),
        sbom.Package("uvloop", "0.23.1", "platform_system != 'Windows'", ("a" * 64,)),
    ]


def test_every_package_of_the_lock_is_read(packages: list[sbom.Package]) -> None:
    lines = sbom.LOCK.read_text(encoding="utf-8").splitlines()
    assert len(packages) == sum("==" in line for line in lines if not line.startswith(" "))
    assert sum(len(package.digests) for package in packages) == sum("--hash=" in line for line in lines)


def test_the_bill_is_cyclonedx_of_this_project(bill: dict[str, Any]) -> None:
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "quantrac"
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"])


def test_the_bill_holds_exactly_the_lock(bill: dict[str, Any], packages: list[sbom.Package]) -> None:
    held = {(component["name"], component["version"]) for component in bill["components"]}
    assert held == {(package.name, package.version) for package in packages}
    for package in packages:
        (component,) = [
            item for item in bill["components"] if (item["name"], item["version"]) == (package.name, package.version)
        ]
        assert component["purl"] == f"pkg:pypi/{package.name}@{package.version}"
        told = {item["value"] for item in component["properties"] if item["name"] == "quantrac:lock:sha256"}
        assert told == set(package.digests)


def test_the_bill_says_who_needs_whom(bill: dict[str, Any]) -> None:
    needs = {item["ref"]: set(item.get("dependsOn", ())) for item in bill["dependencies"]}
    names = {ref.partition("@")[0].removeprefix("pkg:pypi/") for ref in needs["quantrac"]}
    assert {"fastapi", "asyncpg", "numpy"} <= names
    (fastapi,) = [refs for ref, refs in needs.items() if ref.startswith("pkg:pypi/fastapi@")]
    assert any(ref.startswith("pkg:pypi/starlette@") for ref in fastapi)
    known = {component["bom-ref"] for component in bill["components"]} | {"quantrac"}
    assert set().union(*needs.values()) | set(needs) <= known


def test_most_packages_tell_their_licence(bill: dict[str, Any]) -> None:
    silent = [component["name"] for component in bill["components"] if not component.get("licenses")]
    # What is for another system is not installed here, and tells nothing.
    assert len(silent) < len(bill["components"]) / 4, silent


def test_the_same_lock_has_the_same_serial_number(bill: dict[str, Any], packages: list[sbom.Package]) -> None:
    assert json.loads(sbom.document(packages))["serialNumber"] == bill["serialNumber"]
    assert json.loads(sbom.document(packages[1:]))["serialNumber"] != bill["serialNumber"]


def test_the_bill_names_no_place_to_download_from(bill: dict[str, Any]) -> None:
    text = json.dumps(bill["components"])
    assert not re.search(r"https?://", text)
