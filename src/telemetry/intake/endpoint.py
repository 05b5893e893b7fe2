"""`POST /v1/observations` as plain ASGI: the hot path, without the framework's middleware, routing and validation.

It stands in front of the application and is written into its OpenAPI document by `describing`.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs

import structlog
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from core import access, errors, instants, peers, problems, query_parameters, request_ids
from core.database import DatabaseUnavailable
from core.exchanges import Exchange, Header
from core.rights import Right
from core.throttling import Throttle
from telemetry.catalog.loading import LiveCatalog
from telemetry.codecs.errors import Unreadable
from telemetry.intake import answers, metering, streaming
from telemetry.intake.deadlines import Deadlines
from telemetry.intake.gating import Gate
from telemetry.intake.reception import Form, Speaker
from telemetry.intake.reception import receive as receive_submission
from telemetry.intake.submitting import Intake, IntakeFull, NotAtomic
from telemetry.intake.turns import Turns
from telemetry.readings import Channel, Flaw, Outcome, Submission

_log = structlog.get_logger(__name__)

PATH = "/v1/observations"
NDJSON = "application/x-ndjson"
_STATION_KEY = "st_"
_OF_A_STATION = b"Bearer " + _STATION_KEY.encode()
_STREAMS = {NDJSON.encode(), b"application/ndjson", b"application/jsonl", b"application/x-jsonlines"}
_SINGLE = {b"authorization", b"content-type", b"content-encoding"}
# A short body is decoded in less time than a thread costs; a compressed one is longer than it looks.
_SHORT_BODY_BYTES, _SHORT_COMPRESSED_BYTES = 2**18, 2**13
# Packets that are judged before the event loop looks for answers of the database again.
_AT_ONCE = 4
_PARAMETERS = ("atomic", "fileName")
_YES_OR_NO = {"1": True, "true": True, "0": False, "false": False}

# Status, headers and body.
_Answer = tuple[int, list[Header], bytes]


class BodyTooLarge(errors.TooLarge):
    slug = "body-too-large"
    title = "The body is larger than allowed"


class SlowBody(errors.Error):
    status = 408
    slug = "request-timeout"
    title = "The body did not arrive in time"


@dataclass(frozen=True, slots=True)
class EndpointLimits:
    """Bytes of a body on the wire and inflated, seconds until 503, seconds for the body to arrive, bytes of a chunk."""

    body_bytes: int = 8 * 2**20
    inflated_bytes: int = 32 * 2**20
    answer_seconds: float = 5
    body_seconds: float = 60
    chunk_bytes: int = 2**19


class ObservationEndpoint:
    """Answers POST /v1/observations itself and passes everything else on to `app`.

    It reads `identify`, `gate`, `catalog` and `intake` from the application's state, which the application's lifespan
    fills.
    """

    def __init__(self, app: Starlette, limits: EndpointLimits) -> None:
        self.app = app
        self._limits = limits
        self._taken = Turns(self._begin, _AT_ONCE)
        self._bodies = Deadlines(limits.body_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            mine = scope["type"] == "http" and scope["path"] == PATH
            await self.app(scope, receive, _allowing_post(send) if mine else send)
            return
        headers = _distinct(scope["headers"])
        request_id = request_ids.choose(headers.get(b"x-request-id"))
        try:
            await self._answer(scope, headers, request_id, receive, send)
        except streaming.ClientGone:
            metering.REFUSALS.labels("client-gone").inc()
        except Exception as error:  # noqa: BLE001 - the outermost loop of a request; the server closes an answer that had begun
            await _send(send, *_refusal(error, request_id))

    def take(self, exchange: Exchange) -> bool:
        """Answer what came whole, where nothing has to be waited for but the COMMIT: the short packet of a station.

        The same steps as of `_answer`, to which everything else is left.
        """
        scope = exchange.scope
        if scope["path"] != PATH or scope["method"] != "POST":
            return False
        headers = _distinct(scope["headers"])
        if not headers.get(b"authorization", b"").startswith(_OF_A_STATION):
            return False
        if _is_stream(headers) or len(exchange.body) > min(_short(headers), self._limits.body_bytes):
            return False
        self._taken.put((exchange, headers))
        return True

    def _begin(self, taken: tuple[Exchange, Mapping[bytes, bytes]]) -> None:
        exchange, headers = taken
        scope = exchange.scope
        request_id = request_ids.choose(headers.get(b"x-request-id"))
        try:
            speaker = self._station(access.credential_of(_text(headers, b"authorization")), scope)
            address = self._enter(speaker, scope)
            submission = self._read(exchange.body, *_form(headers, scope["query_string"]), speaker)
            self._gate.took(speaker, submission.decoded.count, submission.raw_length)
            settle = partial(self._settle, exchange, speaker, address, request_id)
            self._intake.put(submission, settle, self._limits.answer_seconds)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a request
            exchange.answer(*_refusal(error, request_id))

    def _settle(
        self, exchange: Exchange, speaker: Speaker, address: str, request_id: str, result: Outcome | Exception
    ) -> None:
        try:
            # The error of a group is handed to all of it; raised again and again, it would grow by each of them.
            answer = (
                _refusal(result, request_id)
                if isinstance(result, Exception)
                else self._told(result, speaker, address, request_id)
            )
        except Exception as error:  # noqa: BLE001 - the outermost loop of a request
            answer = _refusal(error, request_id)
        exchange.answer(*answer)

    async def _answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], request_id: str, receive: Receive, send: Send
    ) -> None:
        speaker = await self._speaker(scope, access.credential_of(_text(headers, b"authorization")))
        address = self._enter(speaker, scope)
        form, atomic = _form(headers, scope["query_string"])
        if _is_stream(headers):
            if atomic:
                fault = errors.Fault("atomic", "1", f"no atomic with {NDJSON}, whose chunks are committed one by one")
                raise errors.Invalid("A stream cannot be all or nothing; send one JSON body.", faults=[fault])
            limits = streaming.StreamLimits(self._limits.body_bytes, self._limits.chunk_bytes)
            passage = streaming.Passage(self._gate, address)
            if speaker.station_id is None:
                passage = streaming.Passage(self._gate, address, partial(self._look, scope, speaker))
            stream = streaming.Stream(self._intake, speaker, form, limits, passage)
            await streaming.answer(stream, receive, send, request_id, PATH)
            return
        body = await self._body(headers, receive)
        read = partial(self._read, body, form, atomic, speaker)
        # A large body that is full of flaws takes seconds to tell apart; other senders must not wait for it.
        submission = read() if len(body) <= _short(headers) else await asyncio.to_thread(read)
        self._gate.took(speaker, submission.decoded.count, submission.raw_length)
        outcome = await self._intake.submit(submission, self._limits.answer_seconds)
        await _send(send, *self._told(outcome, speaker, address, request_id))

    @property
    def _intake(self) -> Intake:
        intake: Intake = self.app.state.intake
        return intake

    @property
    def _gate(self) -> Gate:
        gate: Gate = self.app.state.gate
        return gate

    def _enter(self, speaker: Speaker, scope: Scope) -> str:
        """Let the sender in, or raise; the client's address."""
        address = peers.client_of(scope)
        self._gate.enter(speaker, address)
        if not self._intake.has_room:
            raise IntakeFull("Send the same bytes again a little later.", retry_after=random.randint(1, 5))  # noqa: S311 - jitter
        return address

    def _read(self, body: bytes, form: Form, atomic: bool, speaker: Speaker) -> Submission:
        cap = self._limits.inflated_bytes
        return receive_submission(body, form, speaker, Channel.HTTP, instants.now_us(), inflated_cap=cap, atomic=atomic)

    def _told(self, outcome: Outcome, speaker: Speaker, address: str, request_id: str) -> _Answer:
        """What is answered to a submission that was judged. Raises Unreadable where nothing could be."""
        if outcome.quarantined or outcome.conflicts:
            self._gate.answered(speaker, outcome, address)
            _tell(outcome, speaker, request_id)
        if outcome.verdicts and outcome.verdicts[0].index is None:
            raise _unreadable(outcome)
        body = answers.encode(outcome)
        return 200, _headers("application/json", body, request_id), body

    async def _speaker(self, scope: Scope, credential: str) -> Speaker:
        """Whom the readings come from. A station is known out of memory; nothing is asked about it anywhere else."""
        if credential.startswith(_STATION_KEY):
            return self._station(credential, scope)
        identify: access.Identify = self.app.state.identify
        throttle: Throttle = self.app.state.throttle
        principal = await throttle.identified(identify, access.presented(scope))
        throttle.spend(principal.name)
        return _spoken_for(principal)

    def _station(self, credential: str, scope: Scope) -> Speaker:
        state = self.app.state
        throttle: Throttle = state.throttle
        catalog: LiveCatalog = state.catalog
        station = throttle.station(state.identify, credential, scope)
        entry = catalog.snapshot.stations_by_id[station.station_id]
        return Speaker(station.key_id, station.station_id, station.code, entry.file_code)

    async def _look(self, scope: Scope, speaker: Speaker) -> None:
        """Raise Unauthorized where the staff may not send any more, or not for the same stations."""
        identify: access.Identify = self.app.state.identify
        try:
            if _spoken_for(await identify(access.presented(scope))) == speaker:
                return
        except DatabaseUnavailable:
            # Nobody's rights change while the database is away, and no chunk is committed.
            return
        except errors.Error:
            pass
        raise errors.Unauthorized("What may be sent has changed meanwhile; send the rest anew.")

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        cap = self._limits.body_bytes
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > cap:
            raise _too_large(cap)
        try:
            with self._bodies:
                return await _collect(receive, cap)
        except TimeoutError:
            raise SlowBody(f"The body has to arrive within {self._limits.body_seconds:.0f} s.") from None


def _spoken_for(principal: access.Principal) -> Speaker:
    """Whom the staff may speak for. Raises Forbidden."""
    if not isinstance(principal, access.Staff):
        raise errors.Forbidden("A station sends its readings under its own key.")
    if not principal.reach.may(Right.SUBMIT):
        raise errors.Forbidden(f"This needs the right {Right.SUBMIT}, which {principal.name} does not have.")
    # Of other stations a reading is refused like one of a station that is not there.
    return Speaker(sender=principal.name, within=access.reached(principal, Right.SUBMIT))


def _allowing_post(send: Send) -> Send:
    """The application behind does not know that its address takes POST as well."""

    async def amended(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == errors.MethodNotAllowed.status:
            headers = [(name, value + b", POST" if name == b"allow" else value) for name, value in message["headers"]]
            message = {**message, "headers": headers}
        await send(message)

    return amended


async def _collect(receive: Receive, cap: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise streaming.ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > cap:
            raise _too_large(cap)
        parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(cap: int) -> BodyTooLarge:
    fault = errors.Fault("body", f"more than {cap} bytes", f"at most {cap} bytes; send a long series as {NDJSON}")
    return BodyTooLarge("The body was not read.", faults=[fault])


def _distinct(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name. Of a name that comes twice none counts: a proxy in front may have read the other one."""
    found = dict(headers)
    if len(found) != len(headers):
        for name, times in Counter(name for name, _ in headers).items():
            if times > 1 and name in _SINGLE:
                found[name] = b""
    return found


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def _is_stream(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower() in _STREAMS


def _short(headers: Mapping[bytes, bytes]) -> int:
    """The most bytes that are decoded without a thread."""
    return _SHORT_COMPRESSED_BYTES if headers.get(b"content-encoding") else _SHORT_BODY_BYTES


def _form(headers: Mapping[bytes, bytes], query: bytes) -> tuple[Form, bool]:
    file_name: str | None = None
    atomic = False
    if query:
        asked = parse_qs(query.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="replace")
        query_parameters.refuse_unknown(asked, _PARAMETERS)
        file_name = asked.get("fileName", [""])[-1] or None
        atomic = _flag(asked.get("atomic", ["0"])[-1])
    return Form(_text(headers, b"content-type"), _text(headers, b"content-encoding"), file_name), atomic


def _flag(text: str) -> bool:
    if text not in _YES_OR_NO:
        fault = errors.Fault("atomic", text[:50], "1, true, 0 or false")
        raise errors.Invalid(f"atomic: found {text[:50]!r}, expected 1, true, 0 or false.", faults=[fault])
    return _YES_OR_NO[text]


def _unreadable(outcome: Outcome) -> Unreadable:
    """Nothing could be taken from the body; its bytes are kept in quarantine under the receipt."""
    verdict = outcome.verdicts[0]
    error = Unreadable(Flaw(None, verdict.reason, verdict.field, verdict.found, verdict.expected))
    error.extra["receipt"] = outcome.receipt_id
    return error


def _tell(outcome: Outcome, speaker: Speaker, request_id: str) -> None:
    _log.info(
        "observations.not_all_stored",
        request_id=request_id,
        receipt=outcome.receipt_id,
        station=speaker.station,
        sender=speaker.sender,
        stored=outcome.stored,
        conflicts=outcome.conflicts,
        quarantined=outcome.quarantined,
        first_reason=outcome.verdicts[0].reason,
    )


def _refusal(error: Exception, request_id: str) -> _Answer:
    """What is answered instead of a receipt, counted and, where nobody expected it, logged."""
    if not isinstance(error, errors.Error):
        metering.REFUSALS.labels(errors.Error.slug).inc()
        _log.error("observations.failed", request_id=request_id, exc_info=error)
        failure = errors.Error("The error was logged; nothing that was not answered is promised.")
        body = answers.encode_any(problems.document(failure, PATH))
        return failure.status, _headers(problems.MEDIA_TYPE, body, request_id), body
    metering.REFUSALS.labels(error.slug).inc()
    problem = problems.document(error, PATH)
    if isinstance(error, NotAtomic):
        problem["readings"] = [answers.verdict_document(verdict) for verdict in error.verdicts]
    body = answers.encode_any(problem)
    headers = _headers(problems.MEDIA_TYPE, body, request_id)
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after))
    if error.status == errors.Unauthorized.status:
        headers.append((b"www-authenticate", b"Bearer"))
    if error.status in {408, 413}:
        # The rest of the body was not read; the connection cannot carry another request.
        headers.append((b"connection", b"close"))
    return error.status, headers, body


def _headers(media_type: str, body: bytes, request_id: str) -> list[Header]:
    return [
        (b"content-type", media_type.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        *answers.PRIVATE,
    ]


async def _send(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
