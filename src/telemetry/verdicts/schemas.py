"""JSON of verdicts, of what they were before, of the data behind them, and of averaging policies."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from core import instants
from core.wire import Body, Instant, Number, WholeNumber, YesOrNo
from telemetry.catalog.schemas import fields

Id = Annotated[WholeNumber, Field(ge=1, le=2**63 - 1)]
Window = Literal["1h", "8h", "24h", "year"]
VerdictName = Literal["compliant", "exceeded", "insufficient-data", "cannot-be-judged"]
Reason = Literal["oxygen-undefined", "no-oxygen-datastream", "conversion-unknown"]
CauseName = Literal["late-data", "limit-changed", "policy-changed", "asked"]


class JudgedBy(Body):
    """The limit as it was when the period was judged by it, whatever became of it since."""

    id: int
    version: int = Field(description="Moves with every change of the limit.")
    basis: fields.Basis
    rule_set: str | None
    lower: float | None
    upper: float | None
    base_lower: float | None
    base_upper: float | None
    coefficients: dict[str, float]
    oxygen_reference: float | None = Field(description="Oxygen content in % that results are corrected to.")
    valid_from: datetime
    valid_to: datetime | None
    legal_source: str
    confidence: str
    verified: bool


class PolicyUsed(Body):
    id: int
    revision: int
    minimum_share: float = Field(description="Share of the expected observations that must be valid.")
    verified: bool = Field(description="False: nobody found the share in a legal text yet.")


class Verdict(Body):
    """The verdict on one datastream's average over one period."""

    id: int = Field(examples=[48211])
    station: str = Field(examples=["TH-KT-032"])
    datastream: int
    symbol: str = Field(examples=["SO2"])
    window: Window
    period_start: datetime = Field(description="Belongs to the period.")
    period_end: datetime = Field(description="Does not belong to the period.")
    label: datetime = Field(description="What the period is called by: its end or its beginning, as the policy says.")
    verdict: VerdictName
    reason: Reason | None = Field(description="Why it cannot be judged.")
    unit: str = Field(description="Unit of the limit and of the numbers here.", examples=["mg/Nm3"])
    kept_unit: str = Field(description="Unit of the observations.", examples=["mg/Nm3"])
    mean: float | None = Field(description="Of the valid observations only, to twelve significant digits.")
    minimum: float | None
    minimum_time: datetime | None
    maximum: float | None
    maximum_time: datetime | None
    valid_n: int = Field(description="Observations that entered the mean.")
    received_n: int
    expected_n: int
    covered_n: int = Field(
        description="Valid observations, of which no hour counts more than it was expected to have: the share is this "
        "by `expectedN`."
    )
    limit: JudgedBy
    split: bool = Field(description="Another limit, or none, held during a part of the period.")
    policy: PolicyUsed
    first_receipt: int | None = Field(description="Receipt of the first observation of the period.")
    last_receipt: int | None
    judged_time: datetime


class FormerVerdict(Verdict):
    """What a verdict was, until when, and what changed it."""

    replaced_time: datetime
    cause: CauseName
    cause_receipt: int | None
    cause_limit: int | None
    cause_policy: int | None
    cause_person: str | None
    withdrawn: bool = Field(description="Nothing took its place: no limit held at the end of the period any more.")


class Behind(Body):
    """One observation of the period."""

    phenomenon_time: datetime
    result: float = Field(description="In the kept unit, as it was measured.")
    valid: bool = Field(description="Whether its quality lets it enter the mean.")
    status: int
    quality: int
    oxygen: float | None = Field(description="The station's valid oxygen of that time, where the limit asks for it.")
    judged_as: float | None = Field(description="What entered the mean; null where it did not.")
    receipt: int


class ReceiptBehind(Body):
    receipt: int
    received_time: datetime
    channel: str
    source: str
    sha256: str


class VerdictDetail(Body):
    """A verdict with its past, and with the data that it rests on."""

    verdict: Verdict | None = Field(description="Null where it was withdrawn; the last former one tells why.")
    former: list[FormerVerdict] = Field(description="What was said of the same period before, oldest first.")
    observations: list[Behind] = Field(description="Of the period, in order of time; the first 2,000.")
    more_observations: bool
    receipts: list[ReceiptBehind] = Field(description="The submissions that these observations came with.")


class Provisional(Body):
    """What the verdict on a period would be if it ended now; kept nowhere."""

    station: str
    symbol: str
    window: Window
    period_start: datetime
    period_end: datetime
    until: datetime = Field(description="What is observed later is not expected yet.")
    verdict: VerdictName
    reason: Reason | None
    unit: str
    mean: float | None
    minimum: float | None
    maximum: float | None
    valid_n: int
    received_n: int
    expected_n: int
    lower: float | None
    upper: float | None
    limit: int


class JudgeRequest(Body):
    """A span that is to be judged again."""

    model_config = fields.example(
        {
            "station": "TH-NT-001",
            "symbol": "COD",
            "from": "2026-11-01T00:00:00+07:00",
            "to": "2026-12-01T00:00:00+07:00",
        }
    )

    station: fields.Code
    symbol: fields.Symbol | None = Field(None, description="All limited datastreams of the station where left out.")
    begin: Instant = Field(alias="from", description="Every closed period that overlaps the span is judged.")
    end: Instant = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begin >= self.end:
            raise fields.MembersDisagree(
                "from is expected to be before to",
                **{"from": instants.text(self.begin), "to": instants.text(self.end)},
            )
        return self


class JudgeAnswer(Body):
    datastreams: int = Field(
        description="How many datastreams are judged again, within a minute where the span is short."
    )


_POLICY = {
    "minimumShare": 0.75,
    "labelEnd": True,
    "source": "QĐ 1459/QĐ-TCMT",
    "confidence": "Unverified, 60 %.",
    "verified": False,
}


class PolicyTerms(Body):
    """How averages are made, and how sure that is."""

    model_config = fields.example(_POLICY)

    minimum_share: Annotated[Number, Field(gt=0, le=1)] = Field(
        description="Share of the expected observations that must be valid, or there is no verdict."
    )
    label_end: YesOrNo = Field(description="Whether a period is called by its end.")
    source: fields.Source
    confidence: fields.Source
    verified: YesOrNo = False


class NewPolicy(PolicyTerms):
    model_config = fields.example({"ruleSet": "QCVN-05-2023", "stationKind": None, "window": "1h"}, _POLICY)

    rule_set: fields.RuleSetCode | None = Field(None, description="For limits of this rule set.")
    station_kind: fields.StationKind | None = Field(
        None, description="For permits and rule sets without an own policy, of stations of this kind."
    )
    window: Window

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.rule_set is None) == (self.station_kind is None):
            raise fields.MembersDisagree(
                "a ruleSet or a stationKind is expected", ruleSet=self.rule_set, stationKind=self.station_kind
            )
        return self


class Policy(PolicyTerms):
    model_config = fields.example(
        {"id": 3, "ruleSet": "QCVN-05-2023", "stationKind": None, "window": "1h"}, _POLICY, {"revision": 1}
    )

    id: int
    rule_set: str | None
    station_kind: fields.StationKind | None
    window: Window
    revision: fields.Revision
    updated_time: datetime


class Meaning(Body):
    name: str
    label_vi: str
    label_en: str
