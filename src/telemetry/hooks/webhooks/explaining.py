"""Tries a receiver with a signed sample and says in words how far it came, and what its owner should do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from core import instants
from telemetry.hooks.webhooks import guarding, managing, signing
from telemetry.hooks.webhooks.delivering import GONE
from telemetry.hooks.webhooks.guarding import Policy, Refused, Target
from telemetry.hooks.webhooks.sending import Reply, Resolve, Sender
from telemetry.hooks.webhooks.signing import Secret

_SLOW_MILLISECONDS = 5000
_KEEP = "Answer 2xx as soon as the delivery is written down, and do the work afterwards"
_ADVICE = {
    GONE: "410 means: never again. A webhook that answers it is disabled; answer 404 or 503 where it is for a while.",
    401: "The receiver asks for a login. Deliveries carry none: verify `webhook-signature` instead.",
    403: "Something in front of the receiver refuses; let POST with the headers `webhook-*` pass.",
    404: "There is nothing at this path; look at the address.",
    405: "The receiver does not take POST at this path.",
    413: "The receiver takes fewer bytes than this small sample has.",
    415: "The receiver does not take application/json.",
    429: "The receiver is asked too much; `Retry-After` is honoured for up to six hours.",
}

_LIST_IT = (
    "Give an https address with a public name and port 443 or 8443. A receiver in a network of one's own is listed in "
    "QUANTRAC_HOOKS__PRIVATE_RECEIVERS."
)
_CERTIFY = (
    "Install a certificate for this name with its whole chain; one of an authority of one's own is named in "
    "QUANTRAC_HOOKS__CA_FILE."
)
# By what the error says, where there was no answer.
_WITHOUT_ANSWER = (
    ("refused: ", _LIST_IT),
    ("certificate", _CERTIFY),
    ("TLS", "Speak TLS 1.2 or newer at this port."),
    ("resolve", "Look at the name, and whether the name server of this machine knows it."),
    ("no answer", f"{_KEEP}: after 15 s an attempt has failed."),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What one sample to a receiver brought to light; `target` is None where the address itself is refused."""

    url: str
    target: Target | None
    answers: Sequence[str]
    webhook_id: str
    reply: Reply

    @property
    def arrived(self) -> bool:
        return self.reply.arrived


@dataclass(slots=True)
class _Listening:
    """Passes questions on to a resolver and keeps what it answered."""

    resolve: Resolve
    answers: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.answers = list(await self.resolve(host, port))
        return self.answers


async def attempt(
    policy: Policy, make_sender: Callable[[Resolve], Sender], resolve: Resolve, url: str, keys: Sequence[Secret]
) -> Trial:
    """Send one signed sample, under the rules of a delivery."""
    now = instants.now()
    message = managing.sample(now)
    content = message.body.encode()
    listening = _Listening(resolve)
    headers = signing.headers(keys, message.webhook_id, now, content)
    reply = await make_sender(listening).post(url, headers, content)
    try:
        target = guarding.target(url, policy)
    except Refused:
        target = None
    return Trial(url, target, listening.answers, message.webhook_id, reply)


def explained(trial: Trial) -> Iterator[tuple[str, str]]:
    """Step by step, each with what was found; the last step is what to do."""
    target, reply = trial.target, trial.reply
    yield "sample", trial.webhook_id
    if target is None:
        yield "address", reply.error
    else:
        yield "address", f"{target.scheme}, {target.host}, port {target.port}"
        if target.literal is None:
            yield "name", f"resolves to {', '.join(trial.answers)}" if trial.answers else "does not resolve"
        yield "connection", f"to {reply.address}" if reply.address else reply.error
        if reply.address is not None:
            yield from _exchange(target, reply)
    yield "do", advice(reply)


def _exchange(target: Target, reply: Reply) -> Iterator[tuple[str, str]]:
    if target.scheme == "https" and reply.status is not None:
        yield "TLS", f"{reply.tls}, certificate accepted for {target.host}"
    outcome = reply.error if reply.status is None else f"status {reply.status}"
    yield "answer", f"{outcome} after {reply.milliseconds} ms"
    if reply.answer:
        yield "it said", reply.answer
    if reply.retry_after:
        yield "it asks", f"to wait (Retry-After: {reply.retry_after[:40]})"


def advice(reply: Reply) -> str:
    """What the receiver's owner should do next."""
    if reply.arrived:
        late = f" (this took {reply.milliseconds} ms of 15 s)" if reply.milliseconds > _SLOW_MILLISECONDS else ""
        return (
            f"It works. {_KEEP}{late}; verify `webhook-signature` with the secret, refuse timestamps older than five "
            "minutes, and take a `webhook-id` that was seen before as a repetition."
        )
    if reply.status is not None:
        return _ADVICE.get(reply.status) or _by_hundred(reply.status)
    words = (advised for sign, advised in _WITHOUT_ANSWER if sign in reply.error)
    return next(words, "Look whether the receiver runs and a firewall lets this machine through.")


def _by_hundred(status: int) -> str:
    match status // 100:
        case 3:
            return "Redirects are not followed: enter the address that this one leads to."
        case 5:
            return "The receiver failed inside; its own log says why. Deliveries are tried again for three days."
        case _:
            return "The receiver refuses what was sent; its own log says why. Does it verify with this secret?"
