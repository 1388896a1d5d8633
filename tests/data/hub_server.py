"""A hub on the loopback address: enough of the hub's protocol to serve repositories, and to misbehave on demand.

It answers what ``huggingface_hub`` asks when a snapshot is downloaded: the commit of a revision, the
tree of a commit, and the files, the large ones by a redirect to a store named by SHA-256. Of a large file it
says too, as the real hub does, that it could be had by Xet; who asks for that is told that there is none.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = 2_000  # bytes; larger files are kept as the real hub keeps files of many megabytes
PIECE = 1_000  # bytes that a slow answer sends at once


@dataclass
class Fault:
    """A way to misbehave.

    Parameters
    ----------
    kind : ``status``, ``cut`` (the connection closes in mid-file), ``stall`` (it stops in mid-file),
        ``slow``, ``wrong`` (other content of the same length) or ``answer`` (``content``, with status 200).
    part : what the address of a request must contain.
    times : how many requests meet the fault; none but these.
    status : the status that is answered, for the kind of that name.
    method : the method of the requests that meet it.
    content : what is answered, for the kind ``answer``.
    """

    kind: str
    part: str = ""
    times: int = 10**9
    status: int = 500
    method: str = "GET"
    content: bytes = b""


@dataclass
class Repository:
    """Files of a repository under one commit."""

    files: dict[str, bytes]
    revisions: tuple[str, ...] = ("main",)
    commit: str = field(init=False)

    def __post_init__(self):
        digest = hashlib.sha1(repr(sorted(self.files)).encode())
        for name in sorted(self.files):
            digest.update(self.files[name])
        self.commit = digest.hexdigest()


def git_name(content: bytes) -> str:
    """Return the name that git gives to content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def pointer_to(content: bytes) -> bytes:
    """Return what a repository of Git LFS holds in the place of a large file."""
    told = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(content)}\nsize {len(content)}\n"
    return told.encode()


def sha256(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class HubServer:
    """A hub with repositories by ``("models" or "datasets", name)``; use it in a ``with`` block."""

    def __init__(self, repositories: dict[tuple[str, str], Repository]):
        self.repositories = repositories
        self.store = {sha256(c): c for r in repositories.values() for c in r.files.values()}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def endpoint(self) -> str:
        """The address for ``HF_ENDPOINT``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def store_address(self) -> str:
        """Where large files are: as on the real hub, a host of another name."""
        return f"http://localhost:{self.port}/store"

    def start(self) -> None:
        """Listen, at the port of before if there was one."""
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stop(self) -> None:
        """Listen no more: a connection is refused."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> HubServer:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def fault(self, method: str, path: str, kinds: Iterable[str]) -> Fault | None:
        """Return the fault that a request meets, and count it."""
        with self._lock:
            for fault in self.faults:
                if fault.kind in kinds and fault.method == method and fault.part in path and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Connection", "close")  # so that a stopped hub answers nobody
        super().end_headers()

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        fault = self.hub.fault(self.command, path, ["status"])
        try:
            if (instead := self.hub.fault(self.command, path, ["answer"])) is not None:
                self._send(200, instead.content)
            elif fault is not None:
                self._send(fault.status, b'{"error": "asked for by the test"}')
            elif path.startswith("/api/"):
                self._answer_api(path.removeprefix("/api/"))
            elif path.startswith("/store/"):
                self._send_file(self.hub.store[path.split("/")[2]], path)
            else:
                self._answer_file(path)
        except (BrokenPipeError, ConnectionResetError):  # a client that gave up
            self.close_connection = True

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _find(self, kind: str, rest: str, word: str) -> tuple[Repository, str, str] | None:
        """Return repository, revision and what follows it in ``owner/name/word/revision/...``."""
        for (known_kind, name), repository in self.hub.repositories.items():
            start = f"{name}/{word}/"
            if known_kind == kind and rest.startswith(start):
                for revision in (*repository.revisions, repository.commit):
                    after = rest.removeprefix(start)
                    if after == revision or after.startswith(revision + "/"):
                        return repository, name, after.removeprefix(revision).removeprefix("/")
        return None

    def _answer_api(self, path: str) -> None:
        kind, _, rest = path.partition("/")
        if path == "models":  # a list of models, which is how one asks whether a hub is there
            self._send(200, json.dumps([{"id": n} for k, n in self.hub.repositories if k == kind]).encode())
        elif found := self._find(kind, rest, "revision"):
            repository, name, _ = found
            siblings = [{"rfilename": file} for file in repository.files]
            content = {
                "id": name,
                "sha": repository.commit,
                "siblings": siblings,
                "private": False,
                "tags": [],
            }
            self._send(200, json.dumps(content).encode())
        elif found := self._find(kind, rest, "tree"):
            entries = []
            for file, content in found[0].files.items():
                entry = {"type": "file", "path": file, "size": len(content), "oid": git_name(content)}
                if len(content) > LARGE:
                    entry["lfs"] = {
                        "oid": sha256(content),
                        "size": len(content),
                        "pointerSize": len(pointer_to(content)),
                    }
                    entry["oid"] = git_name(pointer_to(content))  # git itself keeps no more than that
                    entry["xetHash"] = sha256(content)
                entries.append(entry)
            self._send(200, json.dumps(entries).encode())
        else:
            self._send(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})

    def _answer_file(self, path: str) -> None:
        kind = "datasets" if path.startswith("/datasets/") else "models"
        found = self._find(kind, path.removeprefix("/datasets").removeprefix("/"), "resolve")
        if found is None or found[2] not in found[0].files:
            self._send(404, b"Entry not found", {"X-Error-Code": "EntryNotFound"})
            return
        repository, name, file = found
        content = repository.files[file]
        headers = {"X-Repo-Commit": repository.commit, "ETag": f'"{git_name(content)}"'}
        if len(content) > LARGE:
            address = f"{self.hub.store_address}/{sha256(content)}/{file}"
            linked = {"X-Linked-Etag": f'"{sha256(content)}"', "X-Linked-Size": str(len(content))}
            token = f"{self.hub.endpoint}/api/{kind}/{name}/xet-read-token/{repository.commit}"
            offered = {"X-Xet-Hash": sha256(content), "Link": f'<{token}>; rel="xet-auth"'}
            self._send(302, b"", headers | linked | offered | {"Location": address})
        else:
            self._send_file(content, path, headers)

    def _send_file(self, content: bytes, path: str, headers: dict[str, str] | None = None) -> None:
        if self.hub.fault(self.command, path, ["wrong"]):
            content = content[:-1] + bytes([content[-1] ^ 1])
        start, status = 0, 200
        if (asked := self.headers.get("Range", "")).startswith("bytes="):
            start, status = int(asked.removeprefix("bytes=").partition("-")[0]), 206
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        fault = self.hub.fault(self.command, path, ["cut", "stall", "slow"])
        stream, half = io.BytesIO(content[start:]), (len(content) - start) // 2
        if fault is None:
            self.wfile.write(stream.read())
            return
        while piece := stream.read(min(PIECE, half) or 1):
            self.wfile.write(piece)
            self.wfile.flush()
            if fault.kind == "slow":
                time.sleep(0.02)
            elif stream.tell() >= half:
                if fault.kind == "stall":
                    time.sleep(3)
                self.close_connection = True
                return
