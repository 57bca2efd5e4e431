"""A stand-in for the Hugging Face hub on the loopback, with the shapes of the real one's API.

    hub = Hub()
    hub.add("model", "org/tiny", {"config.json": b"{}", "model.gguf": pathlib.Path("tiny.gguf")})
    with hub:
        subprocess.run([...], env={"HF_ENDPOINT": hub.endpoint, "HF_HOME": ...})
    hub.requests    every request as it came: host ("hub" or "files"), method, path, headers

Two servers: the hub itself, and the host of large files, to which the hub redirects with signed, short-lived
addresses. What is served: a repository's description, its tree in pages, its files with etags and ranges, and the
errors that the hub gives. Faults are functions of a request: see Fault.

    python3 tests/hub.py serve FOLDER...     serves folders KIND/ORG/REPO until it is interrupted; prints the endpoint
"""

import hashlib
import http.server
import json
import pathlib
import re
import secrets
import socket
import sys
import threading
import urllib.parse

LARGE = (".gguf", ".safetensors", ".parquet", ".bin", ".arrow")  # kept in LFS


class Content:
    """A file's bytes, in memory or on the disk."""

    def __init__(self, source):
        self.source = source
        self.size = source.stat().st_size if isinstance(source, pathlib.Path) else len(source)

    def chunks(self):
        if isinstance(self.source, bytes):
            yield self.source
            return
        with self.source.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk

    def send(self, connection, begin, end):
        if isinstance(self.source, bytes):
            connection.sendall(self.source[begin:end])
            return
        with self.source.open("rb") as file:
            connection.sendfile(file, begin, end - begin)


class File:
    def __init__(self, path, source):
        self.path, self.content = path, Content(source)
        self.lfs = path.endswith(LARGE)
        sha256, sha1 = hashlib.sha256(), hashlib.sha1(f"blob {self.content.size}\0".encode())
        for chunk in self.content.chunks():
            sha256.update(chunk)
            sha1.update(chunk)
        self.git = sha1.hexdigest()
        self.etag = sha256.hexdigest() if self.lfs else self.git

    def entry(self):
        """Its entry in a tree."""
        entry = {"type": "file", "oid": self.git, "size": self.content.size, "path": self.path}
        if self.lfs:
            entry["lfs"] = {"oid": self.etag, "size": self.content.size, "pointerSize": 134}
        return entry


class Repository:
    """Revisions of files. access: "public", "gated" (terms to accept) or "private"."""

    def __init__(self, kind, name, access):
        self.kind, self.name, self.access = kind, name, access
        self.commits, self.references = {}, {}

    def commit(self, files, reference):
        made = {path: File(path, source) for path, source in sorted(files.items())}
        sha = hashlib.sha1("".join(f"{path} {file.etag}\n" for path, file in made.items()).encode()).hexdigest()
        self.commits[sha] = made
        self.references[reference] = sha
        return sha

    def find(self, revision):
        sha = self.references.get(revision, revision)
        return sha if sha in self.commits else None


class Request:
    """A request as a fault sees it; count: how many of this method and path there were before."""

    def __init__(self, host, handler, count):
        self.host, self.method, self.count = host, handler.command, count
        self.path, _, self.query = handler.path.partition("?")
        self.headers = {name.lower(): value for name, value in handler.headers.items()}


class Fault:
    """What a fault asks for in place of the answer: a status with headers; or silence; or a body that breaks off
    after `cut` bytes or is changed (`corrupt`); or an answer without ranges."""

    def __init__(self, status=None, headers=None, silent=False, cut=None, corrupt=False, no_ranges=False, delay=0):
        self.status, self.headers, self.silent, self.cut = status, headers or {}, silent, cut
        self.corrupt, self.no_ranges, self.delay = corrupt, no_ranges, delay


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub, host = None, None

    def log_message(self, *_):
        pass

    def do_GET(self):
        request, fault = self.hub.seen(self.host, self)
        self.fault = fault
        if fault and fault.silent:
            self.hub.closing.wait(30)
            self.close_connection = True
        elif fault and fault.status:
            self.answer(fault.status, b"{}", fault.headers)
        else:
            if fault and fault.delay:
                self.hub.closing.wait(fault.delay)
            (self.hub_answer if self.host == "hub" else self.file_answer)(request)

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request, self.fault = self.hub.seen(self.host, self)
        found = re.fullmatch(r"/api/(model|dataset)s/([^/]+/[^/]+)/paths-info/([^/]+)", request.path)
        repository = self.repository(found[1], found[2]) if found else None
        if not repository:
            return None if found else self.error(404, "RepoNotFound")
        fields = urllib.parse.parse_qs(body.decode()) if body[:1] != b"{" else json.loads(body)
        files = repository.commits[repository.find(urllib.parse.unquote(found[3]))]
        return self.answer_json([files[path].entry() for path in fields.get("paths", []) if path in files])

    # The hub.

    def hub_answer(self, request):
        path = urllib.parse.unquote(request.path)
        api = re.fullmatch(r"/api/(model|dataset)s/([^/]+/[^/]+)(?:/revision/(.+)|/tree/([^/]+)(/.*)?)?", path)
        file = re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+|refs/[^/]+/[^/]+)/(.+)", path)
        if not api and not file:
            return self.error(404, "RepoNotFound")
        kind, name = (api[1], api[2]) if api else ("dataset" if file[1] else "model", file[2])
        if (moved := self.hub.moved.get((kind, name))) and request.method in ("GET", "HEAD"):
            return self.answer(307, b"", {"Location": self.path.replace(name, moved, 1)})
        repository = self.repository(kind, name)
        if not repository:
            return None
        commit = repository.find((api[3] or api[4] or "main") if api else file[3])
        if not commit:
            return self.error(404, "RevisionNotFound")
        if api and api[4]:
            return self.tree(repository, commit, request)
        if api:
            return self.answer_json(self.description(repository, commit))
        return self.resolve(repository, commit, file[4])

    def repository(self, kind, name):
        """The repository, if the caller may see it; otherwise the error is sent."""
        repository = self.hub.repositories.get((kind, name))
        token = self.headers.get("Authorization")
        if token and token != f"Bearer {self.hub.token}":
            self.error(401, None, "Invalid credentials in Authorization header")
        elif not repository or repository.access == "private" and not token:
            self.error(404 if token else 401, "RepoNotFound", "Repository not found")
        elif repository.access == "gated" and not token:
            self.error(401, "GatedRepo", "Access to it is restricted. You must be authenticated to access it.")
        elif repository.access == "gated" and not self.hub.accepted:
            self.error(403, "GatedRepo", "Access to it is restricted and you are not in the authorized list.")
        else:
            return repository
        return None

    def description(self, repository, commit):
        files = [{"rfilename": path} for path in repository.commits[commit]]
        return {
            "_id": "0" * 24,
            "id": repository.name,
            "sha": commit,
            "private": repository.access == "private",
            "gated": "manual" if repository.access == "gated" else False,
            "disabled": False,
            "downloads": 1,
            "likes": 0,
            "tags": [],
            "lastModified": "2024-05-17T08:00:00.000Z",
            "createdAt": "2024-05-15T08:00:00.000Z",
            "author": repository.name.split("/")[0],
            "siblings": files,
        }

    def tree(self, repository, commit, request):
        query = urllib.parse.parse_qs(request.query)
        folder = urllib.parse.unquote(request.path).split("/tree/", 1)[1].partition("/")[2].strip("/")
        files = [file.entry() for path, file in repository.commits[commit].items() if not folder or path.startswith(folder + "/")]
        if folder and not files:
            return self.error(404, "EntryNotFound")
        folders = sorted({file["path"].rsplit("/", 1)[0] for file in files if "/" in file["path"]} - {folder})
        entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": path} for path in folders] + files
        if query.get("recursive", ["false"])[0].lower() != "true":
            depth = folder.count("/") + 1 if folder else 0
            entries = [entry for entry in entries if entry["path"].count("/") == depth]
        start = int(query.get("cursor", ["0"])[0])
        end = start + self.hub.page_size
        headers = {}
        if end < len(entries):
            query["cursor"] = [str(end)]
            link = f"{self.hub.endpoint}{request.path}?{urllib.parse.urlencode(query, doseq=True)}"
            headers["Link"] = f'<{link}>; rel="next"'
        return self.answer_json(entries[start:end], headers)

    def resolve(self, repository, commit, path):
        file = repository.commits[commit].get(path)
        common = {"X-Repo-Commit": commit}
        if not file:
            return self.error(404, "EntryNotFound", "Entry not found", common)
        if not file.lfs:
            return self.send_content(file, common | {"ETag": f'"{file.etag}"'})
        signature = secrets.token_hex(8)
        self.hub.signatures[signature] = file
        where = f"{self.hub.files_endpoint}/repos/{file.etag}?Expires=3600&Signature={signature}"
        return self.answer(
            302,
            b"",
            common
            | {
                "Location": where,
                "X-Linked-Size": str(file.content.size),
                "X-Linked-ETag": f'"{self.hub.etag_of(file)}"',
                "ETag": f'"{file.git}"',
                "Accept-Ranges": "bytes",
            },
        )

    # The host of large files.

    def file_answer(self, request):
        signature = urllib.parse.parse_qs(request.query).get("Signature", [""])[0]
        file = self.hub.signatures.get(signature)
        if "authorization" in request.headers:
            return self.answer(400, b"only one way to authorize is allowed")
        if not file or request.path != f"/repos/{file.etag}":
            return self.answer(403, b"the address has expired")
        return self.send_content(file, {"ETag": f'"{file.etag}"'})

    # Answers.

    def error(self, status, code, message="", headers=None):
        more = ({"X-Error-Code": code} if code else {}) | {"X-Error-Message": message} | (headers or {})
        return self.answer(status, json.dumps({"error": message or code}).encode(), more)

    def answer_json(self, value, headers=None):
        return self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"} | (headers or {}))

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_content(self, file, headers):
        size, begin = file.content.size, 0
        end = size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and not (self.fault and self.fault.no_ranges):
            begin, end = int(asked[1]), min(int(asked[2]) + 1 if asked[2] else size, size)
            if begin >= size:
                return self.answer(416, b"", {"Content-Range": f"bytes */{size}"})
            headers = headers | {"Content-Range": f"bytes {begin}-{end - 1}/{size}"}
            self.send_response(206)
        else:
            self.send_response(200)
        for name, value in (headers | {"Accept-Ranges": "bytes", "Content-Length": str(end - begin)}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return None
        return self.send_bytes(file.content, begin, end)

    def send_bytes(self, content, begin, end):
        self.wfile.flush()
        if self.fault and self.fault.corrupt:
            self.connection.sendall(b"\xff" * (end - begin))
            return
        if self.fault and self.fault.cut is not None and end - begin > self.fault.cut:
            content.send(self.connection, begin, begin + self.fault.cut)
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        content.send(self.connection, begin, end)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ValueError)):
            super().handle_error(request, client_address)


class Hub:
    token = "hf_right"

    def __init__(self, page_size=1000):
        self.page_size, self.accepted = page_size, True
        self.repositories, self.moved, self.signatures = {}, {}, {}
        self.etag_suffix = ""
        self.requests, self.faults = [], []  # faults: functions of a Request that give a Fault or None
        self.lock, self.closing = threading.Lock(), threading.Event()
        self.servers = [Server(("127.0.0.1", 0), type("HostHandler", (Handler,), {"hub": self, "host": host})) for host in ("hub", "files")]
        self.endpoint, self.files_endpoint = (f"http://127.0.0.1:{server.server_port}" for server in self.servers)

    def add(self, kind, name, files, access="public", reference="main"):
        """Adds a commit of files (path to bytes, or to a pathlib.Path) to a repository; gives the commit."""
        repository = self.repositories.setdefault((kind, name), Repository(kind, name, access))
        return repository.commit(files, reference)

    def add_folder(self, kind, name, folder):
        folder = pathlib.Path(folder)
        return self.add(kind, name, {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()})

    def etag_of(self, file):
        """As a mirror or proxy may send it: by default the file's hash."""
        return file.etag + self.etag_suffix

    def seen(self, host, handler):
        """Keeps a request, and gives it with the first fault that it meets."""
        with self.lock:
            key = (host, handler.command, handler.path.partition("?")[0])
            count = sum(1 for request in self.requests if (request.host, request.method, request.path) == key)
            request = Request(host, handler, count)
            self.requests.append(request)
        return request, next((fault for rule in self.faults if (fault := rule(request))), None)

    def bodies_of(self, name):
        """How many requests asked for a file's bytes, by the end of its name or its etag."""
        return sum(1 for request in self.requests if request.method == "GET" and request.path.endswith(name))

    def __enter__(self):
        for server in self.servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()


def main(arguments):
    if len(arguments) < 2 or arguments[0] != "serve":
        sys.exit(__doc__)
    with Hub() as hub:
        for folder in map(pathlib.Path, arguments[1:]):
            kind, name = folder.resolve().parts[-3], "/".join(folder.resolve().parts[-2:])
            hub.add_folder(kind, name, folder)
        print(hub.endpoint, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main(sys.argv[1:])
