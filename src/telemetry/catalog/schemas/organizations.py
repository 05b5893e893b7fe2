"""Bodies of organizations: who owns stations."""

from pydantic import Field

from core.wire import Body, YesOrNo
from telemetry.catalog.schemas import fields

_EXAMPLE = {
    "code": "TH-DN-01",
    "nameVi": "Công ty Cổ phần Giấy Mẫu",
    "nameEn": "Sample Paper Company",
    "kind": "enterprise",
    "demonstration": True,
}


class NewOrganization(Body):
    model_config = fields.example(_EXAMPLE)

    code: fields.Code = Field(description="Letters, digits, `_` and `-`; it never changes.")
    name_vi: fields.Label
    name_en: fields.Label
    kind: fields.OrganizationKind = "enterprise"
    demonstration: YesOrNo = Field(False, description="True for invented organizations of the demonstration network.")


class OrganizationEdit(Body):
    """Members that are left out stay as they are."""

    name_vi: fields.Label = Field(default_factory=fields.absent)
    name_en: fields.Label = Field(default_factory=fields.absent)
    kind: fields.OrganizationKind = Field(default_factory=fields.absent)
    demonstration: YesOrNo = Field(default_factory=fields.absent)


class Organization(Body):
    model_config = fields.example(_EXAMPLE, {"stations": 3, "revision": 1})

    code: str
    name_vi: str
    name_en: str
    kind: fields.OrganizationKind
    demonstration: bool
    stations: int = Field(description="How many stations it has, retired ones too.")
    revision: fields.Revision
