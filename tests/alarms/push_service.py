# SPDX-License-Identifier: Apache-2.0
"""A push service and a browser for tests, written from the standards and not from the library that is tested:
RFC 8030 (delivery), RFC 8188 and 8291 (encryption), RFC 8292 (who sends)."""

from __future__ import annotations

import json
import os
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hmac(key: bytes, data: bytes) -> bytes:
    found = HMAC(key, hashes.SHA256())
    found.update(data)
    return found.finalize()


def raw(key) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass
class Browser:
    """What a user agent keeps for itself: its key pair and its secret."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def p256dh(self) -> str:
        return b64(raw(self.key.public_key()))

    def read(self, body: bytes) -> dict[str, Any]:
        """RFC 8188 header, RFC 8291 key derivation (sections 3.3 and 3.4), one record, last delimiter 0x02."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert length == 65 and len(sealed) <= size
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.key.exchange(ec.ECDH(), theirs)
        info = b"WebPush: info\x00" + raw(self.key.public_key()) + sender + b"\x01"
        secret = hmac(salt, hmac(hmac(self.auth, shared), info))
        key = hmac(secret, b"Content-Encoding: aes128gcm\x00\x01")[:16]
        nonce = hmac(secret, b"Content-Encoding: nonce\x00\x01")[:12]
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00")
        assert plain.endswith(b"\x02")
        return json.loads(plain[:-1])


def claims(authorization: str, public_key: str) -> dict[str, Any]:
    """RFC 8292: `vapid t=<JWT>, k=<key>`, signed with ES256 by that key; the claims."""
    scheme, _, rest = authorization.partition(" ")
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid" and given["k"] == public_key
    head, body, signature = given["t"].split(".")
    assert json.loads(unb64(head)) | {"typ": "JWT", "alg": "ES256"} == json.loads(unb64(head))
    r, s = (int.from_bytes(unb64(signature)[i : i + 32], "big") for i in (0, 32))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(public_key))
    key.verify(encode_dss_signature(r, s), f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    return json.loads(unb64(body))


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class PushService:
    """Answers with `answers[path]` (status, headers), by default 201; remembers everything."""

    received: list[Received] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    hang_s: dict[str, float] = field(default_factory=dict)
    url: str = ""

    def take(self, path, headers, body):
        time.sleep(self.hang_s.get(path, 0))
        self.received.append(Received(path, headers, body, time.monotonic()))
        return self.answers.get(path, (201, {}))

    def __enter__(self):
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = service.take(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                self.send_response(status)
                for name, value in (headers | {"Content-Length": "0"}).items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
