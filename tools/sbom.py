"""Writes the bill of materials (CycloneDX JSON) of what is run: the packages of locks/run.txt, exactly those.

Names, versions and hashes come from the lock, licences and who needs whom from the installed packages.
"""

import importlib.metadata
import re
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "locks" / "run.txt"
TARGET = ROOT / "dist" / "sbom.cdx.json"
_PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+?))? \\$")
_HASH = re.compile(r"^    --hash=sha256:(?P<digest>[0-9a-f]{64})")


@dataclass(frozen=True)
class Package:
    """marker: where it is used, None for everywhere; digests: SHA-256 of each of its files."""

    name: str
    version: str
    marker: str | None
    digests: tuple[str, ...]


def locked(text: str) -> list[Package]:
    """The packages of a lock, in its order."""
    found: list[Package] = []
    for line in text.splitlines():
        if pin := _PIN.match(line):
            found.append(Package(pin["name"], pin["version"], pin["marker"], ()))
        elif digest := _HASH.match(line):
            last = found.pop()
            found.append(Package(last.name, last.version, last.marker, (*last.digests, digest["digest"])))
    return found


def document(packages: list[Package]) -> str:
    """The bill as JSON; the same lock gives it the same serial number."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    root = Component(
        name=project["name"], version=project["version"], type=ComponentType.APPLICATION, bom_ref=project["name"]
    )
    root.licenses.add(LicenseFactory().make_from_string(project["license"]))
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_OID, "\n".join(map(repr, packages))))
    bom.metadata.component = root
    # Two versions of one package stand in a lock where it differs between interpreters.
    components: dict[str, list[Component]] = {}
    for package in packages:
        components.setdefault(package.name, []).append(_component(package))
    bom.components.update(chain.from_iterable(components.values()))

    def needed(lines: list[str]) -> list[Component]:
        return [component for name in _names(lines) for component in components.get(name, ())]

    bom.register_dependency(root, needed([*project["dependencies"], *project["optional-dependencies"]["embedded"]]))
    for name, versions in components.items():
        for component in versions:
            bom.register_dependency(component, needed(_required(name)))
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def _component(package: Package) -> Component:
    address = PackageURL(type="pypi", name=package.name, version=package.version)
    component = Component(
        name=package.name, version=package.version, type=ComponentType.LIBRARY, purl=address, bom_ref=str(address)
    )
    # A hash of CycloneDX is that of one file; the lock has one for each platform's.
    component.properties.update(Property(name="quantrac:lock:sha256", value=digest) for digest in package.digests)
    if package.marker:
        component.properties.add(Property(name="quantrac:lock:marker", value=package.marker))
    if licence := _licence(package.name):
        component.licenses.add(
            LicenseFactory().make_from_string(licence, license_acknowledgement=LicenseAcknowledgement.DECLARED)
        )
    return component


def _licence(name: str) -> str | None:
    """What the package says of its licence, in a line; None where it is not installed here or says nothing."""
    try:
        told = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    if "License-Expression" in told:
        return told["License-Expression"]
    stated = told["License"].strip() if "License" in told else ""
    if stated and "\n" not in stated and stated.upper() != "UNKNOWN":
        return stated
    kinds = [line for line in told.get_all("Classifier") or () if line.startswith("License ::")]
    return kinds[0].rpartition(" :: ")[2] if kinds else None


def _required(name: str) -> list[str]:
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def _names(lines: list[str]) -> Iterator[str]:
    """Canonical names of the requirements that hold here, extras left out."""
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)


def main() -> None:
    packages = locked(LOCK.read_text(encoding="utf-8"))
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(document(packages), encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(packages)} packages")


if __name__ == "__main__":
    main()
