"""Fault 50: whatever is wrong with a token, the answer is the same, and no address that a token names is asked."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from structlog.testing import capture_logs

from identity.oidc.jose import MOST_BYTES
from identity.oidc.provider import ASKED
from tests.fixtures.bearers import PATH, House
from tests.fixtures.providers import AUDIENCE, CLIENT, SECRET, sign

NOW = int(time.time())
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Of the curve of ES256; a signature of zero is that of no key, and so is one of the order.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64(raw: bytes | dict[str, Any] | str) -> str:
    if isinstance(raw, dict):
        raw = json.dumps(raw)
    return base64.urlsafe_b64encode(raw.encode() if isinstance(raw, str) else raw).rstrip(b"=").decode()


class Trap:
    """A server that would give a forger's keys to whoever asks it; counts who does."""

    def __init__(self, key: RSAKey) -> None:
        trap = self
        self.asked = 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                trap.asked += 1
                body = json.dumps({"keys": [key.as_dict(private=False)]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks"


class Forge:
    """What a forger can do; and, to try what a signature does not help, what only the provider can."""

    def __init__(self, house: House, forger: RSAKey, trap: Trap) -> None:
        self.house, self.forger, self.trap = house, forger, trap
        self.key, self.ed25519, self.ec = house.provider.keys
        self.kid = str(self.key.kid)
        self.claims = house.claims

    def true(self, header: dict[str, Any] | None = None, **changed: Any) -> str:
        """Signed by the provider."""
        return self.house.token(header, **changed)

    def raw(self, header: str, payload: str) -> str:
        """Signed by the provider, whatever it says."""
        signed = f"{b64(header)}.{b64(payload)}"
        private: Any = self.key.private_key
        return f"{signed}.{b64(private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def headed(self, first: str) -> str:
        """Signed by the provider, with these members before the others of the header."""
        return self.raw(self.header.replace("{", "{" + first, 1), json.dumps(self.claims()))

    def by_forger(self, **header: Any) -> str:
        return sign(self.claims(), self.forger, {"kid": self.kid} | header)

    def unsigned(self, algorithm: Any) -> str:
        return f"{b64({'alg': algorithm, 'typ': 'at+jwt', 'kid': self.kid})}.{b64(self.claims())}."

    def hmac(self, secret: bytes, algorithm: str = "HS256") -> str:
        text = self.unsigned(algorithm).removesuffix(".")
        return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"

    def psychic(self, r: int, s: int) -> str:
        head = {"alg": "ES256", "typ": "at+jwt", "kid": self.ec.kid}
        return f"{b64(head)}.{b64(self.claims())}.{b64(r.to_bytes(32) + s.to_bytes(32))}"

    def encrypted(self, text: str) -> str:
        return jwe.encrypt_compact(
            {"alg": "RSA-OAEP", "enc": "A128GCM", "cty": "JWT"}, text, self.key, algorithms=["RSA-OAEP", "A128GCM"]
        )

    @property
    def header(self) -> str:
        return json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": self.kid})

    def jwk(self, **how: Any) -> bytes:
        return json.dumps(self.key.as_dict(private=False), **how).encode()

    def pem(self) -> bytes:
        return self.key.as_pem(private=False)


def with_part(token: str, at: int, put: str) -> str:
    parts = token.split(".")
    parts[at] += put
    return ".".join(parts)


def respelled(token: str) -> str:
    """The same bytes of signature in another spelling: the last character carries bits that nobody reads."""
    return token[:-1] + _ALPHABET[_ALPHABET.index(token[-1]) + 1]


def flipped(token: str) -> str:
    return f"{token[:-20]}{'A' if token[-20] != 'A' else 'B'}{token[-19:]}"


# By the reason for which each must be refused: one that is refused for another reason tries nothing.
FORGERIES: Mapping[str, Mapping[str, Callable[[Forge], str]]] = {
    "algorithm": {
        "none": lambda f: f.unsigned("none"),
        "None": lambda f: f.unsigned("None"),
        "NONE": lambda f: f.unsigned("NONE"),
        "nOnE": lambda f: f.unsigned("nOnE"),
        "empty": lambda f: f.unsigned(""),
        "null": lambda f: f.unsigned(None),
        "a list": lambda f: f.unsigned(["RS256"]),
        "missing": lambda f: f.raw('{"typ":"at+jwt"}', json.dumps(f.claims())),
        "none with a true signature": lambda f: f.unsigned("none") + f.true().rpartition(".")[2],
        "HS256 with the public key as PEM": lambda f: f.hmac(f.pem()),
        "HS256 with the public key as PEM without its last line end": lambda f: f.hmac(f.pem().strip()),
        "HS256 with the public key as DER": lambda f: f.hmac(f.key.as_der(private=False)),
        "HS256 with the JWK as JSON": lambda f: f.hmac(f.jwk()),
        "HS256 with the JWK as compact JSON": lambda f: f.hmac(f.jwk(separators=(",", ":"))),
        "HS256 with the client's secret": lambda f: f.hmac(SECRET.encode()),
        "HS256 with no key": lambda f: f.hmac(b""),
        "RS512, which is not listed": lambda f: sign(f.claims(), f.key, {"alg": "RS512"}),
    },
    "signature": {
        "none": lambda f: f.true().rpartition(".")[0] + ".",
        "HMAC where RS256 is said": lambda f: f.hmac(f.pem(), "RS256"),
        "another's, with the provider's key id": lambda f: f.by_forger(),
        "another's, with no key id": lambda f: f.by_forger(kid=None),
        "another's Ed25519": lambda f: sign(
            f.claims(), OKPKey.generate_key("Ed25519"), {"alg": "Ed25519", "kid": f.ed25519.kid}
        ),
        "another's ES256": lambda f: sign(f.claims(), ECKey.generate_key("P-256"), {"alg": "ES256", "kid": f.ec.kid}),
        "psychic": lambda f: f.psychic(0, 0),
        "psychic, of the order": lambda f: f.psychic(_ORDER, _ORDER),
        "psychic, half": lambda f: f.psychic(1, 0),
        "padded": lambda f: f.true() + "==",
        "in another spelling": lambda f: respelled(f.true()),
        "one bit off": lambda f: flipped(f.true()),
        "of other claims": lambda f: ".".join(
            [f.true().split(".")[0], b64(f.claims(sub="hoa")), f.true().split(".")[2]]
        ),
        "of claims with more behind": lambda f: with_part(f.true(), 1, "__8"),
        "in standard base64": lambda f: f.true() + "+/",
    },
    "header member": {
        "jku": lambda f: f.by_forger(jku=f.trap.url, kid=f.forger.kid),
        "jku with a true signature": lambda f: f.true({"jku": f.trap.url}),
        "x5u": lambda f: f.by_forger(x5u=f.trap.url, kid=f.forger.kid),
        "x5u with a true signature": lambda f: f.true({"x5u": f.trap.url}),
        "jwk": lambda f: f.by_forger(jwk=f.forger.as_dict(private=False), kid=None),
        "jwk with the provider's key id": lambda f: f.by_forger(jwk=f.forger.as_dict(private=False)),
        "x5c": lambda f: f.by_forger(x5c=["MIIB"]),
        "crit": lambda f: f.headed('"crit":["exp"],"exp":1,'),
        "crit of nothing": lambda f: f.headed('"crit":[],'),
        "b64 false": lambda f: f.headed('"b64":false,"crit":["b64"],'),
        "b64 true": lambda f: f.headed('"b64":true,'),
        "zip": lambda f: f.headed('"zip":"DEF",'),
    },
    "key id": {
        "of a key of one's own": lambda f: sign(f.claims(), f.forger),
        "through folders": lambda f: f.by_forger(kid="../../../../../../dev/null"),
        "SQL": lambda f: f.by_forger(kid="' UNION SELECT 'secret' --"),
        "a command": lambda f: f.by_forger(kid=f"key;curl {f.trap.url}"),
        "an address": lambda f: f.by_forger(kid=f.trap.url),
        "a number": lambda f: f.raw('{"alg":"RS256","typ":"at+jwt","kid":1}', json.dumps(f.claims())),
        "empty": lambda f: f.by_forger(kid=""),
        "two thousand characters": lambda f: f.by_forger(kid="k" * 2000),
        "of a key of another kind": lambda f: f.true({"kid": f.ed25519.kid}),
        "of another issuer's": lambda f: sign(f.claims(iss=f.trap.url), f.forger),
    },
    "claim iss": {
        "another": lambda f: f.true(iss="https://id.example.com"),
        "with a slash": lambda f: f.true(iss=f.house.provider.issuer + "/"),
        "a list": lambda f: f.true(iss=[f.house.provider.issuer]),
        "none": lambda f: f.true(iss=None),
    },
    "claim aud": {
        "another": lambda f: f.true(aud="https://elsewhere.test"),
        "the client": lambda f: f.true(aud=CLIENT),
        "an empty list": lambda f: f.true(aud=[]),
        "begins like ours": lambda f: f.true(aud=f"{AUDIENCE}.evil.test"),
        "an object": lambda f: f.true(aud={AUDIENCE: True}),
        "none": lambda f: f.true(aud=None),
    },
    "claim azp": {
        "not the client": lambda f: f.true(azp="somebody"),
        "a list": lambda f: f.true(client_id=["quantrac"]),
    },
    "type": {
        "JWT": lambda f: f.true({"typ": "JWT"}),
        "none": lambda f: f.true({"typ": None}),
        "of logout tokens": lambda f: f.true({"typ": "logout+jwt"}),
        "a list": lambda f: f.raw(f.header.replace('"at+jwt"', '["at+jwt"]'), json.dumps(f.claims())),
        "of an ID token": lambda f: f.true({"typ": "JWT"}, aud=CLIENT, nonce="n", at_hash="h"),
    },
    "another kind of token": {
        "an ID token with the type and audience of an access token": lambda f: f.true(nonce="n"),
        "a logout token with them": lambda f: f.true(events={}),
        "one that has to be proved": lambda f: f.true(cnf={"jkt": "x"}),
        "a refresh token of Keycloak": lambda f: f.true(typ="Refresh"),
    },
    "claim exp": {
        "past": lambda f: f.true(iat=NOW - 600, exp=NOW - 61),
        "long past": lambda f: f.true(iat=1, exp=2),
        "none": lambda f: f.true(exp=None),
        "a word": lambda f: f.true(exp="never"),
        "digits in a text": lambda f: f.true(exp=str(NOW + 300)),
        "true": lambda f: f.true(exp=True),
        "a list": lambda f: f.true(exp=[NOW + 300]),
        "1e400": lambda f: f.raw(f.header, json.dumps(f.claims(exp=1)).replace('"exp": 1', '"exp": 1e400')),
    },
    "claim nbf": {"in the future": lambda f: f.true(nbf=NOW + 600)},
    "claim iat": {
        "in the future": lambda f: f.true(iat=NOW + 600, exp=NOW + 900),
        "none": lambda f: f.true(iat=None),
    },
    "lasts too long": {
        "a year": lambda f: f.true(exp=NOW + 31_536_000),
        "since long ago": lambda f: f.true(iat=1),
        "four hundred digits": lambda f: f.true(exp=10**400),
    },
    "claim sub": {
        "none": lambda f: f.true(sub=None),
        "empty": lambda f: f.true(sub=""),
        "with NUL": lambda f: f.true(sub="lan\0"),
        "with half a character": lambda f: f.true(sub="lan\ud800"),
        "a list": lambda f: f.true(sub=["lan"]),
    },
    "nobody": {
        "unknown": lambda f: f.true(sub="nobody"),
        "in other letters": lambda f: f.true(sub="LAN"),
        "a client that is no program": lambda f: f.true(sub="somebody", client_id="somebody"),
        "a person who calls himself as a program": lambda f: f.true(sub="importer"),
    },
    "form": {
        "encrypted": lambda f: f.encrypted(f.true()),
        "encrypted with a key that is the forger's": lambda _: jwe.encrypt_compact(
            {"alg": "dir", "enc": "A128GCM"}, "{}", OctKey.generate_key(128), algorithms=["dir", "A128GCM"]
        ),
        "padding behind the header": lambda f: with_part(f.true(), 0, "="),
        "standard base64 in the header": lambda f: with_part(f.true(), 0, "+/"),
        "another character behind it": lambda f: f.true() + "\u2028",
        "four parts": lambda f: f.true() + ".",
        "two parts": lambda f: f.true().rpartition(".")[0],
        "one part": lambda _: "eyJhbGciOiJub25lIn0",
    },
    "too long": {
        "a million characters": lambda f: f.true(groups=["g" * 100] * 10_000),
        "by a little": lambda f: f.true(x="x" * (MOST_BYTES * 3 // 4)),
    },
    "header": {
        "nested without end": lambda f: f.raw('{"x":' + "[" * 5000, "{}"),
        "a member twice": lambda f: f.headed('"alg":"none",'),
        "no JSON": lambda f: f.raw('{"alg":"RS256"', "{}"),
    },
    "payload": {
        "nested without end": lambda f: f.raw(f.header, '{"x":' + "[" * 5000),
        "a claim twice": lambda f: f.raw(f.header, json.dumps(f.claims()).replace("{", '{"sub":"hoa",', 1)),
        "a list": lambda f: f.raw(f.header, json.dumps([f.claims()])),
        "a token": lambda f: f.raw(f.header.replace("{", '{"cty":"JWT",', 1), json.dumps(f.true())),
        "no JSON": lambda f: f.raw(f.header, "lan"),
        "NaN": lambda f: f.raw(f.header, json.dumps(f.claims(exp=float("nan")))),
        "Infinity": lambda f: f.raw(f.header, json.dumps(f.claims(exp=float("inf")))),
    },
}


@pytest.fixture(scope="module")
def forger() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture(scope="module")
def trap(forger: RSAKey) -> Iterator[Trap]:
    made = Trap(forger)
    Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
async def forge(house: House, forger: RSAKey, trap: Trap) -> Forge:
    return Forge(house, forger, trap)


async def test_every_forgery_is_refused_for_its_reason_in_the_same_words_and_asks_nobody(forge: Forge) -> None:
    async def told(token: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        headers = {b"Authorization": b"Bearer " + token.encode()}
        answer = await forge.house.client.get(PATH, headers=headers)
        kept = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        return answer.status_code, answer.json(), kept

    assert (await forge.house.ask(forge.true())).status_code == 200
    expected = await told("no token at all")
    assert expected[0] == 401
    wrong = {}
    for reason, forgeries in FORGERIES.items():
        for name, made in forgeries.items():
            with capture_logs() as logs:
                answer = await told(made(forge))
            reasons = [entry["reason"] for entry in logs if entry["event"] == "bearer.refused"]
            if answer != expected or reasons != [reason]:
                wrong[f"{reason}: {name}"] = (answer[:2], reasons)
    assert wrong == {}
    assert forge.trap.asked == 0


async def test_the_trap_tells_who_asks_it(trap: Trap) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(trap.url)
    assert trap.asked == 1
    trap.asked = 0


async def test_no_token_makes_the_provider_be_asked_again(forge: Forge) -> None:
    """A key id that nobody has could be a new key's: that is looked up once a minute, whoever sends how many."""
    before = [ASKED.labels(outcome)._value.get() for outcome in ("answered", "failed")]
    for number in range(20):
        assert (await forge.house.ask(forge.by_forger(kid=f"key {number}"))).status_code == 401
    after = [ASKED.labels(outcome)._value.get() for outcome in ("answered", "failed")]
    assert sum(after) - sum(before) <= 1
