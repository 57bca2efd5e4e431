"""hre serve: jobs by HTTP, a queue that survives everything, and clients that mean no good."""

import base64
import concurrent.futures
import errno
import http.client
import json
import re
import signal
import socket
import subprocess
import threading
import time

from program import PROGRAM, SLOWER, ProgramTest, clean_environment
from test_watch import model_of, questions

TOKEN = "0123456789abcdef0123456789abcdef"


class Client:
    """One service's interface, a connection for each call."""

    def __init__(self, port, token=None):
        self.port, self.headers = port, {} if token is None else {"Authorization": f"Bearer {token}"}

    def call(self, method, path, body=None, headers=None, timeout=60):
        """(status, headers, body), the body as it came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout * SLOWER)
        sent = {**self.headers, **({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        try:
            connection.request(method, path, body if body is None or isinstance(body, (str, bytes)) else json.dumps(body), sent)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def json(self, method, path, body=None, status=200, **more):
        got, _, text = self.call(method, path, body, **more)
        if got != status:
            raise AssertionError(f"{method} {path}: status {got}, not {status}: {text[:500]}")
        return json.loads(text)

    def submit(self, model, **options):
        return self.json("POST", "/jobs", {"model": str(model), **options}, status=201)["id"]

    def wait(self, job, seconds=120):
        end = time.monotonic() + seconds * SLOWER
        while True:
            now = self.json("GET", f"/jobs/{job}")
            if now["status"] not in ("queued", "running"):
                return now
            if time.monotonic() > end:
                raise AssertionError(f"job {job} did not end: {now}")
            time.sleep(0.05)

    def events(self, job, seconds=120):
        """[(name, data)] of a job's stream, to its end."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds * SLOWER)
        connection.request("GET", f"/jobs/{job}/events", headers=self.headers)
        response = connection.getresponse()
        assert response.status == 200 and response.getheader("Content-Type").startswith("text/event-stream"), response.status
        events, name, data = [], None, ""
        for line in response:
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
            elif not line and name:
                events.append((name, json.loads(data)))
                name = None
        connection.close()
        return events


def parse_metrics(text):
    """{(name, labels): value} of Prometheus' text format; strict, each metric has its help and type before it."""
    values, types, helps = {}, {}, set()
    assert text.endswith("\n"), "the last line has no end"
    for line in text.splitlines():
        if match := re.fullmatch(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)", line):
            assert match[1] not in helps, line
            helps.add(match[1])
        elif match := re.fullmatch(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)", line):
            assert match[1] not in types, line
            types[match[1]] = match[2]
        else:
            match = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)', line)
            assert match, f"no line of this format: {line!r}"
            assert match[1] in types and match[1] in helps, f"without type and help before it: {line!r}"
            assert types[match[1]] != "counter" or match[1].endswith("_total"), line
            key = (match[1], match[2] or "")
            assert key not in values, f"twice: {line!r}"
            values[key] = float(match[3])
    return values


class ServeTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("q.jsonl", questions())
        (self.folder / "run").mkdir()
        self.services = []

    def put(self, step, name=None):
        path = self.folder / "run" / (name or f"step-{step}.gguf")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(model_of(step)[0])
        return path

    def start(self, *options, token=None, data="q.jsonl", env=None, listen="127.0.0.1:0"):
        """Starts a service on a port of its own, and gives its client."""
        environment = clean_environment(
            XDG_STATE_HOME=str(self.folder / "state"),
            XDG_CACHE_HOME=str(self.folder / "cache"),
            HRE_STORE=None,
            HRE_SERVE_TOKEN=token,
            **(env or {}),
        )
        command = [PROGRAM, "serve", "--folder", "run", "--data", data, "--store", "runs.db", "--threads", "1", "--listen", listen]
        log = open(self.folder / f"serve-{len(self.services)}.log", "w+b")
        self.addCleanup(log.close)
        process = subprocess.Popen([*command, *map(str, options)], cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=log)
        self.services.append(process)

        def end():
            process.kill()
            process.communicate()

        self.addCleanup(end)
        line = process.stdout.readline().decode()
        match = re.fullmatch(r"serving at http://(?:127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(\d+)/\n", line)
        log.flush()
        self.assertTrue(match, f"{line!r} {(self.folder / log.name).read_text()}")
        threading.Thread(target=process.stdout.read, daemon=True).start()  # a pipe that is full would stop it
        client = Client(int(match[1]), token)
        client.process = process
        client.log = lambda: (self.folder / log.name).read_text(errors="replace")
        return client

    def stop(self, client, how=signal.SIGTERM):
        client.process.send_signal(how)
        client.process.wait(30 * SLOWER)
        return client.process.returncode

    def slow(self, n=4000):
        """A dataset that takes a while: many questions."""
        known = [json.loads(line) for line in questions().splitlines()]
        lines = []
        for i in range(n):
            one = known[i % len(known)]
            answers = [{**answer, "text": f"{answer['text'][:200]} {i}"} for answer in one["answers"]]
            lines.append(json.dumps({**one, "question": f"{i} {one['question']}", "answers": answers}))
        self.write("slow.jsonl", "\n".join(lines) + "\n")
        return "slow.jsonl"


class JobTest(ServeTest):
    def test_a_job(self):
        """Submitted, followed, and its result is that of hre eval, bit for bit."""
        client = self.start()
        model = self.put(3)
        job = client.submit("step-3.gguf", limit=8)
        events = client.events(job)
        self.assertEqual("completed", events[-1][0])
        self.assertLessEqual({name for name, _ in events}, {"queued", "running", "progress", "completed"})
        done = client.json("GET", f"/jobs/{job}")
        self.assertEqual("completed", done["status"])
        self.assertEqual(str(model.resolve()), done["model"])
        self.assertEqual(16, done["result"]["questions"])
        self.assertEqual(3, done["result"]["step"])
        self.assertEqual(events[-1][1]["result"], done["result"])
        served = client.json("GET", f"/jobs/{job}/result?details=true")
        self.run_hre(
            "eval",
            model,
            "--data",
            "q.jsonl",
            "--limit",
            "8",
            "--store",
            "none",
            "--threads",
            "1",
            "--json",
            "eval.json",
            "--details",
            "--quiet",
        )
        own = self.read_json("eval.json")
        self.assertEqual("hre-run/1", served["format"])
        self.assertEqual(own["results"], served["results"])
        self.assertEqual(own["questions"], served["questions"])
        self.assertEqual(own["results"]["micro"]["pearson"]["mean"], done["result"]["value"])
        short = client.json("GET", f"/jobs/{job}/result")
        self.assertEqual(own["results"], short["results"])
        self.assertNotIn("questions", short)
        self.assertEqual(0, self.stop(client))

    def test_jobs_are_done_one_after_the_other_and_compared(self):
        client = self.start()
        for step in (1, 2, 3):
            self.put(step)
        jobs = [client.submit(f"step-{step}.gguf") for step in (1, 2, 3)]
        done = [client.wait(job) for job in jobs]
        self.assertEqual(["completed"] * 3, [job["status"] for job in done])
        self.assertEqual(sorted(job["ended"] for job in done), [job["ended"] for job in done])
        self.assertIsNone(done[0]["result"]["since_first"])
        self.assertEqual(1, done[2]["result"]["since_first"]["step"])
        self.assertEqual(2, done[2]["result"]["since_last"]["step"])
        self.assertAlmostEqual(done[2]["result"]["value"] - done[0]["result"]["value"], done[2]["result"]["since_first"]["difference"])
        again = client.wait(client.submit("step-3.gguf"))
        self.assertEqual(36, again["result"]["reused"])
        self.assertEqual(done[2]["result"]["value"], again["result"]["value"])
        self.assertEqual(done[2]["result"]["since_last"], again["result"]["since_last"], "not compared with itself")
        listed = client.json("GET", "/jobs")["jobs"]
        self.assertEqual([4, 3, 2, 1], [job["id"] for job in listed])

        # The page that is kept, and where training stands.
        end = time.monotonic() + 60 * SLOWER
        while (page := client.call("GET", "/"))[0] != 200:
            self.assertLess(time.monotonic(), end, page)
            time.sleep(0.2)
        self.assertIn(b"<html", page[2])
        self.assertIn("text/html", page[1]["Content-Type"])
        self.assertEqual(page[2], (self.folder / "runs.db.page" / "index.html").read_bytes())

        values = parse_metrics(client.call("GET", "/metrics")[2].decode())
        self.assertEqual(4, values["hre_jobs", 'status="completed"'])
        self.assertEqual(0, values["hre_jobs", 'status="queued"'])
        self.assertEqual(again["result"]["value"], values["hre_last_value", ""])
        self.assertGreater(values["process_resident_memory_bytes", ""], 1 << 20)
        self.assertGreater(values["hre_http_requests_total", 'code="200"'], 5)

    def test_what_fails(self):
        client = self.start("--patience", 1)
        self.write("run/broken.gguf", b"GGUF not")
        (self.folder / "run" / "empty").mkdir()
        for name in ("broken.gguf", "empty"):
            job = client.wait(client.submit(name))
            self.assertEqual("failed", job["status"])
            self.assertTrue(job["why"])
            self.assertIsNone(job["result"])
            self.assertEqual(409, client.call("GET", f"/jobs/{job['id']}/result")[0])
        self.put(1)
        self.assertEqual("completed", client.wait(client.submit("step-1.gguf"))["status"], "the service goes on")

    def test_a_gate(self):
        self.put(1), self.put(2)
        self.run_hre("eval", "run/step-1.gguf", "--data", "q.jsonl", "--store", "runs.db", "--threads", "1", "--quiet", "--name", "base")
        self.write("gate.toml", 'baseline = "base"\n[[check]]\nmargin = 0.5\n')
        client = self.start("--gate", "gate.toml")
        self.assertEqual("inconclusive", client.wait(client.submit("step-2.gguf"))["result"]["gate"], client.log())

    def test_cancel(self):
        client = self.start(data=self.slow())
        self.put(1), self.put(2)
        first, second, third = (client.submit(f"step-{step}.gguf") for step in (1, 2, 1))
        self.assertEqual("cancelled", client.json("DELETE", f"/jobs/{second}")["status"])
        end = time.monotonic() + 60 * SLOWER
        while True:
            now = client.json("GET", f"/jobs/{first}")
            if now["progress"] and now["progress"]["stage"] == "scoring" and now["progress"]["done"] > 0:
                break
            self.assertLess(time.monotonic(), end, now)
            time.sleep(0.02)
        self.assertEqual("running", client.json("DELETE", f"/jobs/{first}", status=202)["status"])
        self.assertEqual("cancelled", client.wait(first)["status"])
        client.json("DELETE", f"/jobs/{first}", status=409)
        self.assertIn(client.call("DELETE", f"/jobs/{third}")[0], (200, 202))
        self.assertEqual("cancelled", client.wait(third)["status"])
        self.assertEqual(0, self.stop(client))

    def test_a_time_limit(self):
        client = self.start(data=self.slow())
        self.put(1)
        done = client.wait(client.submit("step-1.gguf", time_limit=3 * SLOWER))
        self.assertEqual("completed", done["status"], done)
        self.assertTrue(done["result"]["partial"])
        self.assertLess(done["result"]["questions"], 4000)


class RestartTest(ServeTest):
    def test_jobs_are_kept(self):
        """SIGTERM in the middle of a job, and with jobs that wait: all are done after a restart."""
        data = self.slow(700)
        client = self.start(data=data)
        self.put(1), self.put(2)
        jobs = [client.submit("step-1.gguf"), client.submit("step-2.gguf", limit=2)]
        self.until_some_are_scored(client, jobs[0])
        self.assertEqual(0, self.stop(client))
        self.assertIn("2 jobs kept in the queue", client.log())
        client = self.start(data=data)
        done = [client.wait(job) for job in jobs]
        self.assertEqual(["completed"] * 2, [job["status"] for job in done])
        self.assertEqual(1, done[0]["attempts"], "an end in order is no attempt")
        self.assertGreater(done[0]["result"]["reused"], 0)

    def until_some_are_scored(self, client, job):
        end = time.monotonic() + 60 * SLOWER
        while True:
            now = client.json("GET", f"/jobs/{job}")
            self.assertIn(now["status"], ("queued", "running"), now)
            if now["progress"] and now["progress"]["stage"] == "scoring" and now["progress"]["done"] > 20:
                return
            self.assertLess(time.monotonic(), end, now)
            time.sleep(0.02)

    def test_killed_in_the_middle_of_a_job(self):
        data = self.slow(1500)
        client = self.start(data=data)
        self.put(1), self.put(2)
        jobs = [client.submit("step-1.gguf"), client.submit("step-2.gguf", limit=2)]
        self.until_some_are_scored(client, jobs[0])
        time.sleep(1.5)  # the store commits about once a second
        self.assertEqual("running", client.json("GET", f"/jobs/{jobs[0]}")["status"])
        client.process.kill()
        client.process.wait()
        client = self.start(data=data)
        done = [client.wait(job) for job in jobs]
        self.assertEqual(["completed"] * 2, [job["status"] for job in done])
        self.assertEqual(2, done[0]["attempts"])
        self.assertGreater(done[0]["result"]["reused"], 0, "what was scored before is not scored again")
        self.run_hre("eval", "run/step-1.gguf", "--data", data, "--store", "none", "--threads", "1", "--json", "eval.json", "--quiet")
        own = self.read_json("eval.json")
        self.assertEqual(own["results"], client.json("GET", f"/jobs/{jobs[0]}/result")["results"])

    def test_what_kills_the_service_is_given_up(self):
        self.put(1)
        data = self.slow()
        client = self.start(data=data)
        job = client.submit("step-1.gguf")
        for _ in range(3):
            end = time.monotonic() + 60 * SLOWER
            while client.json("GET", f"/jobs/{job}")["status"] != "running":
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)
            client.process.kill()
            client.process.wait()
            client = self.start(data=data)
        done = client.wait(job)
        self.assertEqual("failed", done["status"])
        self.assertIn("hre ended 3 times", done["why"])

    def test_one_service_a_store(self):
        self.start()
        line = self.error_of("serve", "--folder", "run", "--data", "q.jsonl", "--store", "runs.db", "--listen", "127.0.0.1:0")
        self.assertIn("another hre serve works on this store", line)

    def test_a_training_that_waits_is_told_of_the_end(self):
        client = self.start(data=self.slow())
        model = self.put(5)
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(
                client.call(
                    "POST", "/axolotl", {"event": "save", "step": 5, "checkpoint_dir": str(model), "output_dir": str(self.folder / "run")}
                )
            )
        )
        thread.start()
        end = time.monotonic() + 60 * SLOWER
        while not client.json("GET", "/jobs")["jobs"]:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.assertEqual(0, self.stop(client))
        thread.join(30 * SLOWER)
        self.assertEqual(503, answers[0][0], answers)
        self.assertIn("its jobs are kept", json.loads(answers[0][2])["error"])


class TrainingTest(ServeTest):
    """The form in which axolotl's plugin for benchmarks calls a runner (pull request 3818 there)."""

    def event(self, path, step=5, event="save"):
        return {"event": event, "step": step, "checkpoint_dir": str(path), "output_dir": str(self.folder / "run")}

    def test_waiting(self):
        client = self.start()
        first = client.json("POST", "/axolotl", self.event(self.put(1), 100))
        second = client.json("POST", "/axolotl", self.event(self.put(2), 200))
        self.assertEqual("completed", second["status"])
        for name, value in second["metrics"].items():
            self.assertIsInstance(value, (int, float), name)
        self.assertEqual(36, second["metrics"]["eval_hre_questions"])
        self.assertAlmostEqual(second["metrics"]["eval_hre"] - first["metrics"]["eval_hre"], second["metrics"]["eval_hre_since_first"])
        job = client.json("GET", f"/jobs/{second['job_id']}")
        self.assertEqual(200, job["result"]["step"], "the training's step, not the file's")
        self.assertEqual(second["metrics"]["eval_hre"], job["result"]["value"])

    def test_polling(self):
        client = self.start()
        queued = client.json("POST", "/axolotl/queue", self.event(self.put(1)))
        self.assertIn(queued["status"], ("queued", "running"))
        end = time.monotonic() + 60 * SLOWER
        while (now := client.json("GET", f"/axolotl/queue/{queued['job_id']}"))["status"] in ("queued", "running", "accepted", "pending"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.assertEqual("completed", now["status"])
        self.assertIn("eval_hre", now["metrics"])

    def test_failure(self):
        client = self.start()
        (self.folder / "run" / "checkpoint-5").mkdir()
        failed = client.json("POST", "/axolotl", self.event(self.folder / "run" / "checkpoint-5"), status=500)
        self.assertEqual("failed", failed["status"])
        self.assertTrue(failed["error"])
        queued = client.json("POST", "/axolotl/queue", self.event("checkpoint-5"))
        client.wait(queued["job_id"])
        self.assertEqual("failed", client.json("GET", f"/axolotl/queue/{queued['job_id']}")["status"])


class AccessTest(ServeTest):
    def test_token(self):
        client = self.start(token=TOKEN)
        stranger = Client(client.port)
        self.assertEqual({"status": "ok"}, stranger.json("GET", "/health"))
        for method, path in (("GET", "/jobs"), ("POST", "/jobs"), ("GET", "/metrics"), ("GET", "/"), ("DELETE", "/jobs/1")):
            status, headers, body = stranger.call(method, path, {} if method == "POST" else None)
            self.assertEqual(401, status, path)
            self.assertIn("WWW-Authenticate", headers)
            self.assertIn("token", json.loads(body)["error"])
        self.assertEqual(401, Client(client.port, TOKEN[:-1] + "0").call("GET", "/jobs")[0])
        client.json("GET", "/jobs")
        basic = base64.b64encode(f"anyone:{TOKEN}".encode()).decode()
        self.assertEqual(200, stranger.call("GET", "/jobs", headers={"Authorization": f"Basic {basic}"})[0])
        self.assertNotIn(TOKEN, client.log())

    def test_mistakes_in_the_call(self):
        serve = ["serve", "--folder", "run", "--data", "q.jsonl", "--store", "runs.db"]
        self.assertIn("a token is needed", self.error_of(*serve, "--listen", "0.0.0.0:0"))
        self.assertIn("at least 16 characters", self.error_of(*serve, env={"HRE_SERVE_TOKEN": "short"}))
        self.write("token", "\n")
        self.assertIn("holds no token", self.error_of(*serve, "--token-file", "token"))
        self.assertIn("write it as 127.0.0.1:8765", self.error_of(*serve, "--listen", "8765"))
        self.assertIn("no such folder", self.error_of("serve", "--folder", "nothing", "--data", "q.jsonl", "--store", "runs.db"))
        self.assertIn("nothing that jobs may evaluate", self.error_of("serve", "--data", "q.jsonl", "--store", "runs.db"))
        self.assertIn("keeps its runs", self.error_of("serve", "--folder", "run", "--data", "q.jsonl", "--store", "none"))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            line = self.error_of(*serve, "--listen", f"127.0.0.1:{taken.getsockname()[1]}", "--quiet", status=1)
            self.assertIn("can't be listened at", line)

    def test_folders(self):
        client = self.start()
        outside = self.write("secret/model.gguf", model_of(1)[0])
        (self.folder / "run" / "link.gguf").symlink_to(outside)
        (self.folder / "run" / "up").symlink_to(self.folder)
        for path in (outside, "link.gguf", "up/secret/model.gguf", "../secret/model.gguf", "/etc/passwd", "run", "nothing", ""):
            status, _, body = client.call("POST", "/jobs", {"model": str(path)})
            self.assertIn(status, (400, 422), path)
            self.assertIn("error", json.loads(body))
        self.assertEqual([], client.json("GET", "/jobs")["jobs"])

    def test_a_link_that_is_put_in_afterwards(self):
        """A job whose file is replaced by a link to elsewhere while it waits."""
        client = self.start(data=self.slow())
        self.put(1)
        model = self.put(2)
        first = client.submit("step-1.gguf")
        second = client.submit("step-2.gguf")
        outside = self.write("secret/model.gguf", model_of(3)[0])
        model.unlink()
        model.symlink_to(outside)
        client.call("DELETE", f"/jobs/{first}")
        done = client.wait(second)
        self.assertEqual("failed", done["status"])
        self.assertIn("no longer in a folder", done["why"])

    def test_the_queue_is_bounded(self):
        client = self.start("--queue", "2", data=self.slow())
        self.put(1)
        client.submit("step-1.gguf")
        end = time.monotonic() + 60 * SLOWER
        while client.json("GET", "/jobs/1")["status"] != "running":
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        client.submit("step-1.gguf"), client.submit("step-1.gguf")
        status, headers, body = client.call("POST", "/jobs", {"model": "step-1.gguf"})
        self.assertEqual(429, status, body)
        self.assertIn("Retry-After", headers)
        self.assertEqual(0, self.stop(client, signal.SIGINT))

    def test_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("there is no IPv6 here")
        client = self.start(listen="[::1]:0")
        connection = http.client.HTTPConnection("::1", client.port, timeout=20)
        connection.request("GET", "/health")
        self.assertEqual(200, connection.getresponse().status)
        connection.close()


class HostileTest(ServeTest):
    """Bytes that no client of good will sends. The service must refuse them, and go on."""

    def raw(self, client, *pieces, ends=True, timeout=60):
        """All that comes back until the service closes the connection."""
        got = b""
        with socket.create_connection(("127.0.0.1", client.port), timeout=timeout * SLOWER) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                if ends:
                    connection.shutdown(socket.SHUT_WR)
                while more := connection.recv(65536):
                    got += more
            except OSError as problem:
                self.assertIn(problem.errno, (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN))  # it closed what it would not read to its end
        return got

    def healthy(self, client):
        self.assertIsNone(client.process.poll())
        begin = time.monotonic()
        self.assertEqual({"status": "ok"}, client.json("GET", "/health", timeout=5))
        self.assertLess(time.monotonic() - begin, 2 * SLOWER)

    def test_what_is_no_http(self):
        client = self.start("--client-timeout", 2)
        host = b"Host: localhost\r\n"
        json_type = b"Content-Type: application/json\r\n"
        cases = {
            "nothing": b"",
            "noise": bytes(range(256)) * 40,
            "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
            "one line without an end": b"A" * 100_000,
            "no host": b"GET /health HTTP/1.1\r\n\r\n",
            "a header without a name": b"GET /health HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n",
            "a header without an end": b"GET /health HTTP/1.1\r\n" + host + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
            "many headers": b"GET /health HTTP/1.1\r\n" + host + b"".join(b"X-%d: y\r\n" % i for i in range(20_000)) + b"\r\n",
            "a long target": b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n" + host + b"\r\n",
            "a negative length": b"POST /jobs HTTP/1.1\r\n" + host + json_type + b"Content-Length: -5\r\n\r\n{}",
            "a length that is no number": b"POST /jobs HTTP/1.1\r\n" + host + json_type + b"Content-Length: x\r\n\r\n{}",
            "a length of 2^70": b"POST /jobs HTTP/1.1\r\n" + host + json_type + b"Content-Length: 1180591620717411303424\r\n\r\n{}",
            "two lengths": b"POST /jobs HTTP/1.1\r\n" + host + json_type + b"Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}",
            "a body that is cut off": b"POST /jobs HTTP/1.1\r\n" + host + json_type + b"Content-Length: 500\r\n\r\n{",
            "chunks that are none": b"POST /jobs HTTP/1.1\r\n"
            + host
            + json_type
            + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            "a chunk of 2^64": b"POST /jobs HTTP/1.1\r\n" + host + json_type + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
            "a chunk without an end": b"POST /jobs HTTP/1.1\r\n" + host + json_type + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}",
            "smuggling": b"POST /jobs HTTP/1.1\r\n"
            + host
            + json_type
            + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /jobs HTTP/1.1\r\n\r\n",
            "gzip": b"POST /jobs HTTP/1.1\r\n" + host + json_type + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "http 0.9": b"GET /health\r\n\r\n",
            "http 9": b"GET /health HTTP/9.9\r\n" + host + b"\r\n",
            "an upgrade": b"GET /health HTTP/1.1\r\n" + host + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "connect": b"CONNECT evil.example:443 HTTP/1.1\r\n" + host + b"\r\n",
            "a whole address": b"GET http://evil.example/jobs HTTP/1.1\r\n" + host + b"\r\n",
            "a NUL": b"GET /jobs/1%00 HTTP/1.1\r\n" + host + b"X: a\x00b\r\n\r\n",
        }
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:  # the service waits for the end of some
            answers = dict(zip(cases, pool.map(lambda sent: self.raw(client, sent), cases.values())))
        for name, got in answers.items():
            with self.subTest(name):
                status = re.match(rb"HTTP/1\.[01] (\d+)", got)
                self.assertTrue(not got or status, got[:200])
                accepted = status is not None and status[1][:1] == b"2"
                self.assertTrue(not accepted or name in ("an upgrade", "http 9", "http 0.9", "a header without a name"), (name, got[:300]))
                self.healthy(client)
        self.assertEqual([], client.json("GET", "/jobs")["jobs"])

    def test_bodies(self):
        client = self.start("--client-timeout", 2)
        status, _, body = client.call("POST", "/jobs", b"x" * 70_000)
        self.assertEqual(413, status)
        self.assertIn("65536 bytes", json.loads(body)["error"])
        # Of a chunked body no length is known beforehand.
        chunks = b"".join(b"%x\r\n" % 8000 + b"x" * 8000 + b"\r\n" for _ in range(12)) + b"0\r\n\r\n"
        got = self.raw(
            client,
            b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
        )
        self.assertRegex(got, rb"\AHTTP/1\.1 413 ")
        endless = b"".join(b"%x\r\n" % 8000 + b"x" * 8000 + b"\r\n" for _ in range(2000))
        self.raw(
            client,
            b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
            endless,
        )
        self.healthy(client)
        for body in (b"", b"{", b"[" * 60_000, b'{"model": "' + b"\\u0000" * 9000 + b'"}', b"\xff\xfe{}", b"null", b'"x"', b"1e999"):
            status, _, text = client.call("POST", "/jobs", body)
            self.assertEqual(400, status, body[:50])
            self.assertEqual(["error"], list(json.loads(text)))

    def test_pipelining(self):
        client = self.start()
        self.put(1)
        one = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        got = self.raw(client, one * 50 + b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", ends=False)
        self.assertEqual(51, got.count(b"HTTP/1.1 200 "))
        body = b'{"model": "step-1.gguf"}'
        post = b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        got = self.raw(client, post * 3 + b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", ends=False)
        self.assertEqual(3, got.count(b"HTTP/1.1 201 "))
        self.assertEqual(3, len(client.json("GET", "/jobs")["jobs"]))

    def test_slow_senders(self):
        """Hundreds that send a byte now and then: others are answered meanwhile, and their time is over."""
        client = self.start("--connections", 600, "--client-timeout", 5)
        slow = [socket.create_connection(("127.0.0.1", client.port), timeout=10) for _ in range(400)]
        try:
            begin = time.monotonic()
            for connection in slow:
                connection.sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\n")
            n_closed, checked = 0, time.monotonic()
            while n_closed < len(slow) and time.monotonic() - begin < 60 * SLOWER:
                for i, connection in enumerate(slow):
                    if connection is None:
                        continue
                    try:
                        connection.sendall(b"X")
                        connection.settimeout(0.0001)
                        if connection.recv(1000) == b"":
                            raise ConnectionResetError
                    except (TimeoutError, BlockingIOError):
                        pass
                    except OSError:
                        connection.close()
                        slow[i] = None
                        n_closed += 1
                if time.monotonic() - checked > 1:
                    self.healthy(client)
                    checked = time.monotonic()
                time.sleep(0.3)
            self.assertEqual(400, n_closed)
            self.assertGreater(time.monotonic() - begin, 4)
        finally:
            for connection in slow:
                if connection is not None:
                    connection.close()
        self.healthy(client)

    def test_too_many_connections(self):
        client = self.start("--connections", 32, "--client-timeout", 3)
        idle = [socket.create_connection(("127.0.0.1", client.port), timeout=60) for _ in range(40)]
        try:
            # When the time of those that are idle is over, others are served.
            end = time.monotonic() + 90 * SLOWER
            while True:
                try:
                    self.assertEqual({"status": "ok"}, client.json("GET", "/health", timeout=90))
                    break
                except OSError:
                    self.assertLess(time.monotonic(), end)
            self.assertIsNone(client.process.poll())
        finally:
            for connection in idle:
                connection.close()

    def test_streams_that_are_left(self):
        """Clients that open streams and go away, or don't read: their places are free again."""
        client = self.start("--connections", "64", data=self.slow())
        self.put(1)
        job = client.submit("step-1.gguf")
        request = f"GET /jobs/{job}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        for _ in range(3):
            streams = []
            for _ in range(40):
                connection = socket.create_connection(("127.0.0.1", client.port), timeout=20)
                connection.sendall(request)
                streams.append(connection)
            self.assertRegex(streams[0].recv(20), rb"HTTP/1.1 200")
            for connection in streams:
                connection.close()
            end = time.monotonic() + 20 * SLOWER
            while parse_metrics(client.call("GET", "/metrics")[2].decode())["hre_http_connections", ""] > 2:
                self.assertLess(time.monotonic(), end, "connections that were left stay open")
                time.sleep(0.2)
        waiting = [socket.create_connection(("127.0.0.1", client.port), timeout=20) for _ in range(60)]
        for connection in waiting:
            connection.sendall(request)
        answers = [connection.recv(12) for connection in waiting]
        self.assertIn(b"HTTP/1.1 503", answers, "streams leave room for others")
        self.healthy(client)
        for connection in waiting:
            connection.close()

    def test_other_sites(self):
        client = self.start()
        self.put(1)
        body = json.dumps({"model": "step-1.gguf"})
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            self.assertEqual(403, client.call("POST", "/jobs", body, headers)[0], headers)
        self.assertEqual(415, client.call("POST", "/jobs", body, {"Content-Type": "text/plain"})[0])
        status, headers, _ = client.call(
            "OPTIONS", "/jobs", headers={"Origin": f"http://localhost:{client.port}", "Host": f"localhost:{client.port}"}
        )
        self.assertEqual(405, status)
        self.assertFalse([name for name in headers if name.lower().startswith("access-control")])
        self.assertEqual([], client.json("GET", "/jobs")["jobs"])
