"""What can be wrong with a request about verdicts.

Error
├── Invalid ── NothingToJudge
├── NotFound ── VerdictNotFound, PolicyNotFound
└── Conflict ── PolicyExists
"""

from core import errors


class NothingToJudge(errors.Invalid):
    slug = "nothing-to-judge"
    title = "No datastream that is meant has a limit for an average"


class VerdictNotFound(errors.NotFound):
    slug = "verdict-not-found"
    title = "No such verdict"

    def __init__(self, verdict_id: int) -> None:
        super().__init__(
            f"There is no verdict {verdict_id}.",
            faults=[errors.Fault("verdict", str(verdict_id), "the id of a verdict, which may be withdrawn")],
        )


class PolicyNotFound(errors.NotFound):
    slug = "averaging-policy-not-found"
    title = "No such averaging policy"

    def __init__(self, policy_id: int) -> None:
        super().__init__(
            f"There is no averaging policy {policy_id}.",
            faults=[errors.Fault("policy", str(policy_id), "the id of an averaging policy")],
        )


class PolicyExists(errors.Conflict):
    slug = "averaging-policy-exists"
    title = "There is a policy for this already"
