"""llama-server: a stand-in that answers as it does, and the real one where tools/setup.sh llama-server has built it."""

import json
import lzma
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from program import SLOWER, SOURCE_DIR, ProgramTest, clean_environment
from stand_in_server import StandIn, token_id
from test_server import WORDS, ServerTest

MODELS = SOURCE_DIR / "tests" / "data" / "models"


class LlamaTest(ServerTest):
    def n_tokens(self):
        return sum(a["n_tokens"] for q in self.read_json("run.json")["questions"] for a in q["answers"])

    def test_it_is_found_and_gives_its_values(self):
        for spec in ("", ",api=llama"):
            with self.subTest(spec=spec), StandIn("llama") as server:
                done = self.evaluate(server, spec=spec)
                config = self.check_values()["config"]
                self.assertEqual("server llama b9999-stand-in", config["engine"])
                self.assertEqual("none", config["bos"])
                self.assertEqual("4095", config["max_length"])
                said = re.search(
                    r"llama-server scores one token per request: (\d+) requests, .* if all 4 slots compute at once", done.stderr
                )
                self.assertEqual(self.n_tokens(), int(said[1]))
                self.assertEqual(1, done.stderr.count("faster"))

    def test_prompts_stay_in_their_slots_and_all_slots_work(self):
        with StandIn("llama", delay=0.004) as server:
            done = self.evaluate(server)
            self.check_values()
            self.assertIn("and each prompt once a question;", done.stderr)
            times = self.read_json("run.json")["times"]
            probe, again = 1000, 4 / 3  # a third of the questions are asked again in another order
            self.assertLess(server.computed, again * times["positions"] + probe)
            self.assertGreater(again * times["positions_unshared"], again * times["positions"] + probe, "a prompt for each answer")
            self.assertGreater(sum(server.lengths), 4 * server.computed, "tokens that came, and were in the slot's cache")
            self.assertEqual(1, server.most_in_slot)
            self.assertEqual({0, 1, 2, 3}, set(server.cached))
            self.assertEqual(4, server.most_in_flight)

    def test_caches_that_cannot_go_back_are_not_asked_to(self):
        for quirk in ("recurrent", "slides", "no_timings"):
            with self.subTest(quirk=quirk), StandIn("llama", quirk) as server:
                server.halves = {token_id(" é")}  # such tokens are asked for twice
                done = self.evaluate(server)
                self.check_values()
                self.assertIn("and each prompt once an answer, because its cache can't go back;", done.stderr)
                self.assertGreater(server.computed, self.read_json("run.json")["times"]["positions_unshared"])

    def test_a_cache_that_goes_back_no_more(self):
        """As one with a sliding window, or one that others use; what is in doubt is asked for again."""
        with StandIn("llama", "slides", after=600) as server:
            done = self.evaluate(server)
            self.check_values()
            self.assertIn("and each prompt once a question;", done.stderr)
            self.assertGreater(len(server.lengths), self.n_tokens(), f"seed {self.seed}")

    def test_fewer_at_once_than_it_has_slots(self):
        with StandIn("llama", delay=0.001) as server:
            self.evaluate(server, "--max-concurrency", "2")
            self.check_values()
            self.assertEqual(2, server.most_in_flight)

    def test_a_beginning(self):
        for policy in ("auto", "always"):
            with self.subTest(policy=policy), StandIn("llama") as server:
                self.evaluate(server, "--bos", policy)
                self.assertEqual("token 1", self.check_values(bos=True)["config"]["bos"])

    def test_texts_as_long_as_it_takes(self):
        for policy in ("never", "always"):
            with self.subTest(policy=policy), StandIn("llama", max_length=37) as server:
                self.evaluate(server, "--bos", policy)
                answers = [a for q in self.read_json("run.json")["questions"] for a in q["answers"]]
                self.assertTrue(any(a["n_truncated"] for a in answers), f"seed {self.seed}")
                self.assertEqual(96, len(answers))

    def test_one_that_lists_a_prompts_values_is_asked_for_whole_prompts(self):
        with StandIn("llama", "echo") as server:
            done = self.evaluate(server)
            self.check_values()
            self.assertNotIn("/completion", server.paths)
            self.assertNotIn("one token per request", done.stderr)

    def test_one_that_lists_wrong_values_is_not(self):
        for quirk in ("shifted", "self_scored", "constant"):
            with self.subTest(quirk=quirk), StandIn("llama", "echo") as server:
                server.of_whole_prompts = {quirk}
                self.evaluate(server)
                self.check_values()
                self.assertIn("/completion", server.paths)

    def test_servers_that_cannot(self):
        for quirk, why in (
            ("after_sampling", "two different texts got the same"),
            ("old_probs", "a token id is not a whole number"),
            ("disobeys", r"it generated token \d+ where \d+ was forced"),
            ("noisy", "not left-to-right"),
            ("400", "it answers 400"),
            ("no_log_probs", "it lists no log-probability of the token"),
        ):
            with self.subTest(quirk=quirk), StandIn("llama", quirk) as server:
                done = self.evaluate(server, status=1)
                self.assertIn("this server can't score a given text", done.stderr)
                self.assertRegex(done.stderr, why)
                self.assertFalse((self.folder / "run.json").exists())

    def test_it_may_not_be_named_where_it_is_not(self):
        for api in ("vllm", "openai", "tgi"):
            with self.subTest(api=api), StandIn(api) as server:
                self.assertIn("it has no /props", self.evaluate(server, spec=",api=llama", status=1).stderr)

    def test_tokens_that_it_does_not_generate_leave_their_questions_out(self):
        with StandIn("llama", "disobeys", after=400) as server:
            done = self.evaluate(server)
            self.assertIn("it may be one that the model must not generate", done.stderr)
            questions = self.read_json("run.json")["questions"]
            self.assertEqual(24, len(questions))
            self.assertTrue(any(q.get("problem") for q in questions))

    def test_tokens_that_end_in_the_middle_of_a_character(self):
        """They are not listed when they are generated: their values are found among all."""
        for how in ("nothing", "500"):
            with self.subTest(how=how), StandIn("llama") as server:
                server.halves = {token_id(" é"), token_id(" 東京"), how}
                self.evaluate(server, timeout=240)
                self.check_values()

    def test_minus_infinity_is_undefined(self):
        with StandIn("llama", "infinite") as server:
            self.assertIn("is not finite", self.evaluate(server).stderr)

    def test_what_passes(self):
        for quirk in ("429", "500", "503", "truncated", "reset", "html"):
            with self.subTest(quirk=quirk), StandIn("llama", quirk, after=300) as server:
                self.evaluate(server)
                self.check_values()

    def test_a_question_that_is_too_long_is_left_out_alone(self):
        self.data[7]["answers"][2]["text"] = " ".join(WORDS * 40)
        self.write("q.jsonl", "".join(json.dumps(q) + "\n" for q in self.data))
        with StandIn("llama", max_length=300, states_length=False) as server:
            done = self.evaluate(server)
            self.assertIn("exceeds the available context size", done.stderr)
            problems = [q for q in self.read_json("run.json")["questions"] if q.get("problem")]
            self.assertEqual(1, len(problems))

    def test_two_share_and_one_takes_over(self):
        with StandIn("llama", delay=0.002) as a, StandIn("llama", delay=0.002) as b:
            self.evaluate([a, b])
            self.check_values()
            self.assertEqual([4, 4], [len(a.cached), len(b.cached)])
        for quirk in ("401", "reset"):
            with (
                self.subTest(quirk=quirk),
                StandIn("llama", delay=0.002) as a,
                StandIn("llama", quirk, after=400, times=10000, delay=0.002) as b,
            ):
                done = self.evaluate([a, b])
                self.check_values()
                self.assertRegex(done.stderr, "left out|take over")

    def test_one_that_dies_is_waited_for(self):
        server = StandIn("llama", delay=0.002)
        with server.away_after(500):
            done = self.evaluate(server)
        self.assertIn("answers again", done.stderr)
        self.check_values()

    def test_stored_answers(self):
        """What the server says of its weights is in the key."""

        def reused(server):
            self.evaluate(server, env={"HRE_STORE": None})
            return self.read_json("run.json")["times"]["questions_reused"]

        with StandIn("llama") as server:
            self.assertEqual(0, reused(server))
            self.assertEqual(24, reused(server))
            server.ftype = "Q8_0"
            self.assertEqual(0, reused(server))
            self.assertEqual(24, reused(server))


def llama_server():
    """The real one; the test is skipped, visibly, where it is not built."""
    path = os.environ.get("HRE_LLAMA_SERVER", "")
    if not os.access(path, os.X_OK):
        raise unittest.SkipTest(f"no llama-server ('{path}'): tools/setup.sh llama-server builds it, or HRE_LLAMA_SERVER names one")
    return path


class RealServer:
    """llama-server with a model, on a port of its own."""

    def __init__(self, model, log, *options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = pathlib.Path(log)
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [llama_server(), "-m", str(model), "--host", "127.0.0.1", "--port", str(port), "-t", "1", *options],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=clean_environment(),
            )

    def __enter__(self):
        deadline = time.monotonic() + 60 * SLOWER
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + "/health", timeout=5):
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        text = self.log.read_text(errors="replace")[-2000:]
        self.__exit__()
        raise AssertionError("llama-server did not start:\n" + text)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class RealLlamaServerTest(ProgramTest):
    """Against the same file in process: answers' log-likelihoods, in nats."""

    def setUp(self):
        super().setUp()
        llama_server()

    def largest_difference(self, model, *options, server=(), arguments=()):
        """Between both ways to score the tests' questions, and what the second said."""
        data = MODELS / "questions.jsonl"
        arguments = ["--data", data, "--details", "--max-length", "300", *arguments]  # some contexts are longer, and cut alike
        self.run_hre("eval", model, "--json", "file.json", "--threads", "1", "--store", "none", *arguments, *options)
        with RealServer(model, self.folder / "log", "-np", "3", "-c", "3072", *server) as real:
            done = self.run_hre("eval", f"server:{real.url}", "--json", "server.json", "--store", "none", *arguments)
        runs = [self.read_json(name) for name in ("file.json", "server.json")]
        self.assertTrue(runs[1]["config"]["engine"].startswith("server llama b"), runs[1]["config"])
        self.assertIn("one token per request", done.stderr)
        self.assertEqual(*([q["id"] for q in run["questions"]] for run in runs))
        pairs = [(a, b) for p, q in zip(runs[0]["questions"], runs[1]["questions"]) for a, b in zip(p["answers"], q["answers"])]
        for name in ("n_tokens", "n_truncated"):
            self.assertEqual([a[name] for a, _ in pairs], [b[name] for _, b in pairs])
        self.assertEqual(9, len(pairs))
        return max(abs(a["sum_log_prob"] - b["sum_log_prob"]) for a, b in pairs), done.stderr

    def test_values_are_those_of_the_file_in_process(self):
        """Also of recurrent models, whose caches can't go back to a prompt's end, and of one with a sliding window."""
        for name in ("llama-gqa", "gptneox", "gemma3", "mamba", "jamba"):
            with self.subTest(model=name):
                path = self.write(f"{name}.gguf", lzma.decompress((MODELS / f"{name}.gguf.xz").read_bytes()))
                difference, said = self.largest_difference(path, server=("-ctk", "f32", "-ctv", "f32", "-fa", "off"))
                goes_back = name not in ("mamba", "jamba")
                self.assertIn(f"each prompt once {'a question' if goes_back else 'an answer, because its cache'}", said)
                self.assertLess(difference, 0.02 if name == "gptneox" else 2e-3)  # there GELU is its tanh form

    def test_a_beginning(self):
        path = self.write("llama.gguf", lzma.decompress((MODELS / "llama.gguf.xz").read_bytes()))
        cache = ("-ctk", "f32", "-ctv", "f32", "-fa", "off")
        self.assertLess(self.largest_difference(path, server=cache, arguments=("--bos", "auto"))[0], 2e-3)


if __name__ == "__main__":
    unittest.main()
