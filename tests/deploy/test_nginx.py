# SPDX-License-Identifier: Apache-2.0
"""deploy/nginx in front of stand-ins for the processes, with a real nginx where there is one."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.servers import Server, free_port, listens

ROOT = Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
STREAM = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")
FRAME = """
{stream}
daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {http}
}}
"""


class StandIn(BaseHTTPRequestHandler):
    """Says which process it stands for, and what it was told of the caller."""

    name = ""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        text = f"{self.name} {self.headers['Host']} {self.headers['X-Forwarded-For']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def standing_in(name: str) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Named", (StandIn,), {"name": name}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A certificate of our own in place of the city's."""
    folder = tmp_path_factory.mktemp("nginx")
    let_in(folder)
    certificate = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=city.example",
    ]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "pem")]
    subprocess.run([*certificate, *files], check=True, capture_output=True)
    return folder


def let_in(folder: Path) -> None:
    """Another user, too, up to the folder for temporary files."""
    while folder != Path(tempfile.gettempdir()):
        folder.chmod(0o755)
        folder = folder.parent


def configuration(folder: Path, *, ports: dict[str, int], stream: bool = False) -> Path:
    """The files as they are, with our certificate, and our ports where theirs stand."""
    http = "".join((ROOT / f"deploy/nginx/{name}.conf").read_text() for name in ("smartcity", "smartcity-mobile"))
    mqtt = (ROOT / "deploy/nginx/smartcity-mqtt.conf").read_text()
    text = FRAME.format(folder=folder, http=http, stream=f"load_module {STREAM};\n{mqtt}" if stream else "")
    text = re.sub(r"/etc/smartcity/\w+\.(pem|key)", rf"{folder}/\1", text)
    text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.M)
    for theirs, ours in ports.items():
        text = text.replace(theirs, f"127.0.0.1:{ours}")
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


def test_nginx_accepts_the_files(folder):
    path = configuration(folder, ports={}, stream=STREAM.exists())
    done = subprocess.run([str(NGINX), "-t", "-c", str(path)], capture_output=True, text=True)
    assert done.returncode == 0 and "warn" not in done.stderr, done.stderr


@pytest.fixture(scope="module")
def in_front(folder):
    """nginx on free ports before five stand-ins; yields the ports of the console and of the phones."""
    https, http = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        names = {"8000": "web", "8010": "web", "8001": "ingest", "8011": "ingest", "8003": "mobile"}
        ports = {f"127.0.0.1:{port}": stack.enter_context(standing_in(name)) for port, name in names.items()}
        path = configuration(folder, ports=ports)
        text = path.read_text().replace("listen 80;", f"listen 127.0.0.1:{http};")
        path.write_text(text.replace("listen 443 ", f"listen 127.0.0.1:{https} "))
        if Path("/proc/self/status").read_text().split("Uid:\t")[1].startswith("0"):
            for entry in (folder, *folder.iterdir()):
                shutil.chown(entry, "nobody", "nogroup")
        server = Server("nginx", [str(NGINX), "-c", path], folder, lambda: listens(https))
        server.start()
        try:
            yield https, http
        finally:
            server.stop()


def ask(port: int, host: str, path: str, method: str = "GET") -> httpx.Response:
    with httpx.Client(verify=False) as client:
        return client.request(method, f"https://127.0.0.1:{port}{path}", headers={"Host": host})


@pytest.mark.parametrize(
    ("host", "path", "process"),
    [
        ("city.example", "/", "web"),
        ("city.example", "/api/v1/assets", "web"),
        ("city.example", "/live", "web"),
        ("city.example", "/ingest", "ingest"),
        ("city.example", "/ingest/x", "web"),
        ("mobile.city.example", "/alarms/", "mobile"),
        ("mobile.city.example", "/ingest", "mobile"),
    ],
)
def test_each_address_reaches_its_process_which_learns_who_asked(in_front, host, path, process):
    assert ask(in_front[0], host, path).text == f"{process} {host} 127.0.0.1"


@pytest.mark.parametrize("host", ["city.example", "mobile.city.example"])
def test_the_state_of_processes_is_not_told_outside(in_front, host):
    assert [ask(in_front[0], host, path).status_code for path in ("/alive", "/ready")] == [404, 404]


def test_plain_http_is_sent_to_https(in_front):
    answer = httpx.get(f"http://127.0.0.1:{in_front[1]}/alarms/", headers={"Host": "city.example"})
    assert (answer.status_code, answer.headers["location"]) == (301, "https://city.example/alarms/")


@pytest.mark.parametrize(("host", "burst"), [("city.example", 10), ("mobile.city.example", 5)])
def test_attempts_to_sign_in_are_few_and_looking_at_the_page_is_free(in_front, host, burst):
    attempts = [ask(in_front[0], host, "/sign-in/", "POST").status_code for _ in range(burst + 4)]
    assert attempts[: burst + 1] == [200] * (burst + 1) and attempts[-2:] == [429, 429]
    assert {ask(in_front[0], host, "/sign-in/").status_code for _ in range(5)} == {200}


@pytest.mark.skipif(not STREAM.exists(), reason="nginx's stream module is not installed")
def test_mqtt_is_dealt_out_with_its_tls_untouched(folder, tmp_path_factory):
    """Two stand-ins that speak TLS themselves; each gets its share of eight connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem", folder / "key")
    front, here = free_port(), tmp_path_factory.mktemp("stream")
    let_in(here)
    with contextlib.ExitStack() as stack:
        ports = {f"192.0.2.1{n}:8883": stack.enter_context(_speaking(context, f"ingester {n}")) for n in (1, 2)}
        path = configuration(folder, ports=ports, stream=True)
        text = path.read_text().partition("http {")[0].replace("listen 8883 ", f"listen 127.0.0.1:{front} ")
        (here / "nginx.conf").write_text(text.replace(str(folder) + "/pid", str(here) + "/pid"))
        shutil.chown(here, "nobody", "nogroup")
        server = Server("nginx", [str(NGINX), "-c", here / "nginx.conf"], here, lambda: listens(front))
        server.start()
        try:
            said = {_heard(front) for _ in range(8)}
        finally:
            server.stop()
    assert said == {"ingester 1", "ingester 2"}


@contextlib.contextmanager
def _speaking(context: ssl.SSLContext, words: str) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
                with context.wrap_socket(plain, server_side=True) as encrypted:
                    encrypted.sendall(words.encode())
            except ssl.SSLError:
                continue
            except OSError:
                if listener.fileno() < 0:
                    return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()


def _heard(port: int) -> str:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="city.example") as encrypted:
            return encrypted.recv(100).decode()
