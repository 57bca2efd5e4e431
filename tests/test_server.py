"""Models behind inference servers, by a stand-in that answers as they do, and misbehaves as they might."""

import json
import os
import random
import re
import resource
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from program import PROGRAM, SLOWER, ProgramTest, clean_environment
from stand_in_server import StandIn, expected, words

WORDS = "alpha beta gamma delta epsilon zeta eta theta é 東京 ok".split()


def questions(n, seed):
    random.seed(seed)

    def text(low, high):
        return " ".join(random.choice(WORDS) for _ in range(random.randint(low, high))) + "."

    return [
        {"question": text(8, 16), "answers": [{"text": text(3, 20), "votes": random.randint(0, 30)} for _ in range(4)]} for _ in range(n)
    ]


class ServerTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.seed = random.randrange(1 << 30)
        self.ask(24)

    def run_hre(self, *arguments, env=None, **options):
        """Without a store, so that each evaluation asks the server."""
        return super().run_hre(*arguments, env={"HRE_STORE": "none", **(env or {})}, **options)

    def ask(self, n):
        """More questions."""
        self.data = questions(n, self.seed)
        self.write("q.jsonl", "".join(json.dumps(q) + "\n" for q in self.data))

    def evaluate(self, servers, *arguments, status=0, spec="", env=None, timeout=120):
        servers = servers if isinstance(servers, list) else [servers]
        model = "server:" + ",".join(s.url for s in servers) + spec
        return self.run_hre(
            "eval", model, "--data", "q.jsonl", "--json", "run.json", "--details", *arguments, status=status, env=env, timeout=timeout
        )

    def check_values(self, bos=False, n=24):
        """Every answer of run.json against what the stand-in's probabilities make of it."""
        run = self.read_json("run.json")
        self.assertEqual(n, len(run["questions"]), f"seed {self.seed}")
        for question in run["questions"]:
            asked = self.data[int(question["id"].split("/")[1])]
            for answer, given in zip(question["answers"], asked["answers"]):
                values = expected(f"Question: {asked['question']}\nAnswer:", " " + given["text"], bos)
                self.assertAlmostEqual(sum(values), answer["sum_log_prob"], delta=1e-4, msg=f"seed {self.seed}")
                self.assertEqual(len(values), answer["n_tokens"])
        return run


class ShapeTest(ServerTest):
    def test_each_kind_is_found_and_gives_its_values(self):
        for api, engine in (("vllm", "vllm 0.32.0"), ("sglang", "sglang 0.5.23"), ("tgi", "tgi 3.3.7"), ("openai", "openai")):
            with self.subTest(api=api), StandIn(api) as server:
                self.evaluate(server)
                config = self.check_values()["config"]
                self.assertEqual("server " + engine, config["engine"])
                self.assertEqual("none", config["bos"])

    def test_the_kind_may_be_named(self):
        with StandIn("vllm") as server:
            self.evaluate(server, spec=",api=vllm")
            self.check_values()
            self.assertFalse({"/model_info", "/get_model_info", "/info"} & set(server.paths))
            for api in ("sglang", "tgi"):
                self.assertIn("127.0.0.1", self.evaluate(server, spec=",api=" + api, status=1).stderr)

    def test_answers_in_every_shape(self):
        for api, *quirks in (
            ["vllm", "shuffled"],
            ["vllm", "first_absent"],
            ["vllm", "n_plus_1"],
            ["vllm", "no_zero"],
            ["vllm", "prompt_logprobs"],
            ["openai", "no_tokenizer"],
            ["openai", "first_absent"],
            ["openai", "no_tokenizer", "first_absent"],
            ["openai", "no_tokenizer", "byte_offsets"],
            ["openai", "no_tokenizer", "hex"],
            ["openai", "no_tokenizer", "hex", "byte_offsets"],
            ["openai", "no_tokenizer", "behind"],
            ["sglang", "first_absent"],
            ["sglang", "old"],
            ["sglang", "last_token"],
            ["tgi", "old"],
        ):
            with self.subTest(api=api, quirks=quirks), StandIn(api, *quirks) as server:
                self.evaluate(server)
                self.check_values()

    def test_texts_of_tokens(self):
        """By text offsets they are the answer's own words; by ids alone nobody tells them."""
        with StandIn("openai", "no_tokenizer") as server:
            self.evaluate(server, "--keep-tokens")
            for question in self.check_values()["questions"]:
                for answer, given in zip(question["answers"], self.data[int(question["id"].split("/")[1])]["answers"]):
                    self.assertEqual(words(" " + given["text"]), answer["token_texts"], f"seed {self.seed}")
        with StandIn("vllm") as server:
            self.evaluate(server, "--keep-tokens")
            self.assertNotIn("token_texts", self.check_values()["questions"][0]["answers"][0])

    def test_a_server_that_adds_a_beginning(self):
        for api, *quirks in (["tgi"], ["openai"], ["openai", "no_tokenizer"]):
            with self.subTest(api=api, quirks=quirks), StandIn(api, "bos", *quirks) as server:
                done = self.evaluate(server)
                self.assertIn("puts a beginning-of-sequence token before every text, against --bos never", done.stderr)
                self.assertEqual("added by the server", self.check_values(bos=True)["config"]["bos"])
                self.assertNotIn("against", self.evaluate(server, "--bos", "auto").stderr)

    def test_a_beginning_sent_as_a_token(self):
        for policy in ("auto", "always"):
            with self.subTest(policy=policy), StandIn("vllm") as server:
                self.evaluate(server, "--bos", policy)
                self.assertEqual("token 1", self.check_values(bos=True)["config"]["bos"])

    def test_servers_that_cannot_score(self):
        for api, quirk, why in (
            ("ollama", "", "no log-probabilities for its prompt"),
            ("vllm", "no_log_probs", "no log-probabilities for its prompt"),
            ("sglang", "no_log_probs", "input_token_logprobs is missing"),
            ("tgi", "no_log_probs", "details.prefill is missing"),
            ("tgi", "no_prefill", "--enable-prefill-logprobs"),
            ("sglang", "nan", "not JSON"),
            ("tgi", "nan", "not JSON"),
            ("sglang", "wrong_types", "not as expected"),
            ("tgi", "wrong_types", "not as expected"),
            ("vllm", "shifted", "scored token"),
            ("openai", "shifted", "log-probabilities for"),
            ("openai", "self_scored", "a token's value when sent differs by"),
            ("vllm", "constant", "two different texts got the same"),
            ("vllm", "noisy", "not left-to-right"),
            ("vllm", "400", "it answers 400: stand-in says 400"),
            ("vllm", "wrong_types", "not as expected"),
        ):
            with self.subTest(api=api, quirk=quirk), StandIn(api, quirk) as server:
                done = self.evaluate(server, status=1)
                self.assertIn("this server can't score a given text", done.stderr)
                self.assertIn(why, done.stderr)
                self.assertIn("vLLM, SGLang, TGI, llama-server and llama-cpp-python's server can", done.stderr)
                self.assertFalse((self.folder / "run.json").exists())

    def test_offsets_that_say_nothing(self):
        for quirk in ("no_offsets", "utf16_offsets", "parts"):
            with self.subTest(quirk=quirk), StandIn("openai", "no_tokenizer", quirk) as server:
                done = self.evaluate(server, status=1)
                self.assertIn("its text offsets can't be used", done.stderr)
                self.assertIn("tokenizer=FILE.gguf", done.stderr)

    def test_offsets_that_go_wrong_later(self):
        with StandIn("openai", "no_tokenizer", "byte_offsets", after=20) as server:
            self.assertIn("text offsets do not match its tokens", self.evaluate(server, status=1).stderr)
            self.check_values(n=len(self.read_json("run.json")["questions"]))

    def test_minus_infinity_is_undefined(self):
        for api in ("vllm", "sglang"):
            with self.subTest(api=api), StandIn(api, "infinite") as server:
                done = self.evaluate(server)
                self.assertIn("could not be scored and count", done.stderr)
                self.assertIn("is not finite", done.stderr)

    def test_a_beginning_that_the_server_strips(self):
        with StandIn("vllm", "bos_stripped") as server:
            done = self.evaluate(server, "--bos", "always", status=1)
            self.assertRegex(done.stderr, r"sent \d+ log-probabilities for \d+ tokens|scored token")
            self.assertFalse((self.folder / "run.json").exists())

    def test_texts_as_long_as_the_server_takes(self):
        for api, policy in (("vllm", "never"), ("vllm", "always"), ("sglang", "never"), ("tgi", "never")):
            with self.subTest(api=api, policy=policy), StandIn(api, max_length=37) as server:
                done = self.evaluate(server, "--bos", policy)
                answers = [a for q in self.read_json("run.json")["questions"] for a in q["answers"]]
                if api == "tgi":
                    self.assertIn("this server takes text, which can't be cut between tokens", done.stderr)
                else:
                    self.assertTrue(any(a["n_truncated"] for a in answers), f"seed {self.seed}")
                    self.assertEqual(96, len(answers))


class TroubleTest(ServerTest):
    def test_what_passes(self):
        for api, quirk in [("vllm", quirk) for quirk in ("408", "429", "500", "503", "truncated", "reset", "html")] + [
            ("tgi", "424"),
            ("sglang", "503"),
            ("sglang", "abort"),
            ("openai", "reset"),
        ]:
            with self.subTest(api=api, quirk=quirk), StandIn(api, quirk, after=10) as server:
                begin = time.monotonic()
                self.evaluate(server)
                self.check_values()
                if quirk == "429":
                    self.assertGreater(time.monotonic() - begin, 1, "Retry-After is kept")

    def test_a_hang(self):
        with StandIn("vllm", "hang", after=10) as server:
            done = self.evaluate(server, "--request-timeout", "0.5")
            self.check_values()
            self.assertIn("answers again", done.stderr)

    def test_what_does_not_pass_keeps_what_is_done(self):
        for quirk, said in (("401", "HRE_API_KEY"), ("404", "answers 404")):
            with self.subTest(quirk=quirk), StandIn("vllm", quirk, after=12) as server:
                done = self.evaluate(server, status=1)
                self.assertIn(said, done.stderr)
                run = self.read_json("run.json")
                self.assertTrue(run["partial"])
                self.check_values(n=len(run["questions"]))
                self.assertGreaterEqual(len(run["questions"]), 4)

    def test_a_question_that_the_server_refuses_is_left_out_alone(self):
        """It is longer than a length that the server does not state."""
        long = self.data[7]["answers"][2]
        long["text"] = " ".join(WORDS * 40)
        self.write("q.jsonl", "".join(json.dumps(q) + "\n" for q in self.data))
        for api, *quirks in (["vllm"], ["openai"], ["openai", "no_tokenizer"], ["tgi"]):
            with self.subTest(api=api, quirks=quirks), StandIn(api, *quirks, max_length=300, states_length=False) as server:
                done = self.evaluate(server)
                self.assertIn("1 question could not be scored and counts as undefined", done.stderr)
                self.assertRegex(done.stderr, r"the server answers 4(00|22): .*(maximum model length|must have less)")
                questions = self.read_json("run.json")["questions"]
                self.assertEqual(24, len(questions))
                problems = [q for q in questions if q.get("problem")]
                self.assertEqual(1, len(problems))
                self.assertIn("the server answers 4", problems[0]["problem"])

    def test_what_a_question_is_refused_for_is_said(self):
        for quirk in ("400", "413", "422"):
            with self.subTest(quirk=quirk), StandIn("vllm", quirk, after=12) as server:
                self.assertIn(f"the server answers {quirk}: stand-in says {quirk}", self.evaluate(server).stderr)

    def test_no_length_can_be_kept_where_tokens_are_not_known(self):
        with StandIn("openai", "no_tokenizer") as server:
            self.assertIn("so --max-length can't be enforced", self.evaluate(server, "--max-length", 50, status=2).stderr)

    def test_the_same_command_goes_on(self):
        with StandIn("vllm", "401", after=16) as server:
            self.evaluate(server, status=1, env={"HRE_STORE": None})
            kept = len(self.read_json("run.json")["questions"])
        with StandIn("vllm") as server:
            self.evaluate(server, env={"HRE_STORE": None})
            self.check_values()
            self.assertLessEqual(server.scored, 24 - kept + 6 + 8, "the probe, what was not kept, and the check of the order")

    @unittest.skipIf(os.environ.get("HRE_SANITIZE"), "sanitizers need memory of their own")
    def test_hostile_answers_take_bounded_time_and_memory(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

        for quirk, said in (
            ("endless", "longer than"),
            ("huge", "longer than"),
            ("deep", "nested more than 32 deep"),
            ("wrong_types", "not as expected"),
            ("nan", "not JSON"),
            ("bomb", "longer than"),
            ("redirect_self", "redirects more than"),
        ):
            with self.subTest(quirk=quirk), StandIn("vllm", quirk, after=12) as server:
                before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
                done = subprocess.run(
                    [PROGRAM, "eval", f"server:{server.url}", "--data", "q.jsonl", "--json", "run.json", "--details"],
                    cwd=self.folder,
                    env=clean_environment(),
                    capture_output=True,
                    text=True,
                    timeout=60 * SLOWER,
                    check=False,
                    preexec_fn=limit,
                )
                self.assertEqual(1, done.returncode, done.stderr)
                self.assertIn(said, done.stderr)
                self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, max(before, 300_000), "KiB")
                self.check_values(n=len(self.read_json("run.json")["questions"]))

    @unittest.skipIf(os.environ.get("HRE_SANITIZE"), "sanitizers need memory of their own")
    def test_hostile_pages_take_bounded_time_and_memory(self):
        """What the server says of itself, and its tokenizer."""
        places = [
            (api, path, quirk)
            for api, path in (("vllm", "/v1/models"), ("sglang", "/server_info"), ("vllm", "/tokenize"))
            for quirk in ("endless", "deep", "bomb", "wrong_types", "nan", "redirect_self")
        ]
        for api, path, quirk in [*places, ("vllm", "/v1/models", "drip")]:
            with self.subTest(api=api, path=path, quirk=quirk), StandIn(api, page=(path, quirk)) as server:
                before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
                begin = time.monotonic()
                status = 0 if path == "/server_info" else 1  # it can do without
                self.evaluate(server, "--request-timeout", "1", "--wait", "1", status=status)
                self.assertLess(time.monotonic() - begin, 30)
                self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, max(before, 300_000), "KiB")

    def test_a_body_that_never_ends(self):
        with StandIn("vllm", "drip", after=12) as server:
            done = self.evaluate(server, "--request-timeout", "0.5", "--wait", "1", status=1)
            self.assertIn("use --wait SECONDS to wait longer", done.stderr)
            self.check_values(n=len(self.read_json("run.json")["questions"]))

    def test_a_server_that_dies_is_waited_for(self):
        self.ask(100)  # so many that it dies amid them
        server = StandIn("vllm", delay=0.02)
        with server.away_after(15):
            done = self.evaluate(server)
        self.assertIn("does not answer", done.stderr)
        self.assertIn("answers again", done.stderr)
        self.check_values(n=100)

    def test_a_server_that_dies_for_good(self):
        self.ask(100)  # so many that it dies amid them
        server = StandIn("vllm", delay=0.02)
        server.start()

        def die():
            while server.scored < 15:
                time.sleep(0.01)
            server.stop()

        helper = threading.Thread(target=die)
        helper.start()
        done = self.evaluate(server, "--wait", "1", status=1)
        helper.join()
        self.assertIn("no server answered for 1 s; use --wait SECONDS to wait longer", done.stderr)
        run = self.read_json("run.json")
        self.assertTrue(run["partial"])
        self.check_values(n=len(run["questions"]))

    def test_a_tokenizer_that_is_gone_makes_no_question_undefined(self):
        server = StandIn("vllm")
        server.start()

        def die():  # after the probe, while texts become tokens
            while server.paths.count("/tokenize") < 12:
                time.sleep(0.001)
            server.stop()

        helper = threading.Thread(target=die)
        helper.start()
        self.ask(2000)
        done = self.evaluate(server, "--wait", "1", status=1)
        helper.join()
        self.assertIn("127.0.0.1", done.stderr)
        self.assertNotIn("count as undefined", done.stderr)
        self.assertFalse((self.folder / "run.json").exists())

    def test_nobody_there(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        done = self.run_hre("eval", f"server:http://127.0.0.1:{port}", "--data", "q.jsonl", status=1)
        self.assertIn("127.0.0.1", done.stderr)

    def interrupt(self, server, ready, *arguments):
        """Ctrl-C once `ready`; what the program says."""
        program = subprocess.Popen(
            [PROGRAM, "eval", f"server:{server.url}", "--data", "q.jsonl", "--json", "run.json", "--details", *arguments],
            cwd=self.folder,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not ready() and program.poll() is None:
            time.sleep(0.005)
        program.send_signal(signal.SIGINT)
        begin = time.monotonic()
        _, errors = program.communicate(timeout=20 * SLOWER)
        self.assertEqual(130, program.returncode, errors)
        self.assertLess(time.monotonic() - begin, 5)

    def test_interrupted(self):
        with StandIn("vllm", delay=0.1) as server:
            self.interrupt(server, lambda: server.scored >= 16, "--max-concurrency", "1")
            run = self.read_json("run.json")
            self.assertTrue(run["partial"])
            self.check_values(n=len(run["questions"]))
            self.assertGreaterEqual(len(run["questions"]), 5)

    def test_interrupted_at_any_time(self):
        for path in ("/model_info", "/v1/models", "/version", "/tokenize"):  # while it hangs there
            with self.subTest(path=path), StandIn("vllm", page=(path, "hang")) as server:
                self.interrupt(server, lambda s=server, p=path: p in s.paths)
                self.assertFalse((self.folder / "run.json").exists())
        for n_tokenized in (3, 8, 30):  # in the probe, for the beginning, for the questions
            with self.subTest(n_tokenized=n_tokenized), StandIn("vllm") as server:

                def ready(s=server, n=n_tokenized):
                    if s.paths.count("/tokenize") >= n:
                        s.page = ("/tokenize", "hang")
                    return s.paths.count("/tokenize") > n

                self.interrupt(server, ready, "--bos", "auto")
        for n_scored in (1, 4, 9, 14, 20):
            with self.subTest(n_scored=n_scored), StandIn("vllm", delay=0.05) as server:
                self.interrupt(server, lambda s=server, n=n_scored: s.scored >= n)
                if (self.folder / "run.json").exists():
                    self.check_values(n=len(self.read_json("run.json")["questions"]))
                    (self.folder / "run.json").unlink()


class StoredTest(ServerTest):
    """What is stored of a server is reused where it must be equal, and only there."""

    def reused(self, server, *arguments, **options):
        self.evaluate(server, *arguments, env={"HRE_STORE": None}, **options)
        return self.read_json("run.json")["times"]["questions_reused"]

    def test_equal_requests_are_reused(self):
        for api, *quirks in (["vllm"], ["sglang"], ["tgi"], ["openai"], ["openai", "no_tokenizer"]):
            with self.subTest(api=api, quirks=quirks), StandIn(api, *quirks, model=api + "".join(quirks)) as server:
                self.assertEqual(0, self.reused(server))
                self.assertEqual(24, self.reused(server))

    def test_another_policy_of_long_answers_is_not(self):
        with StandIn("vllm") as server:
            short = ["--max-length", 8]  # tokens: fewer than some answers have
            self.assertEqual(0, self.reused(server, *short, "--long-answers", "truncate"))
            self.assertTrue(
                any(a.get("n_cut_chars") for q in self.read_json("run.json")["questions"] for a in q["answers"]), f"seed {self.seed}"
            )
            self.assertEqual("truncate", self.read_json("run.json")["config"]["long_answers"])
            self.assertEqual(0, self.reused(server, *short, "--long-answers", "skip"))
            self.evaluate(server, *short, env={"HRE_STORE": None}, status=2)

    def test_other_tokens_of_the_same_texts_are_not(self):
        with StandIn("vllm") as server:
            self.assertEqual(0, self.reused(server))
            server.renumbered = "alpha"
            n = sum("alpha" in json.dumps(question) for question in self.data)
            self.assertEqual(24 - n, self.reused(server), f"seed {self.seed}")


class OrderTest(ServerTest):
    """At the end a sample is asked for again, in another order: it must get the values that it had."""

    APIS = ("vllm", "sglang", "tgi", "openai", "llama")

    def test_a_server_whose_values_do_not_depend_on_it(self):
        for api in self.APIS:
            with self.subTest(api=api), StandIn(api, "unsteady") as server:
                server.unsteadiness = 0.003
                done = self.evaluate(server, "--explain", env={"HRE_STORE": None})
                said = re.search(
                    r"8 questions asked again in another order: answers differ by at most (\S+) nats", done.stderr + done.stdout
                )
                self.assertGreater(float(said[1]), 0)
                self.assertLess(float(said[1]), 3)

    def test_one_whose_values_do(self):
        for api in self.APIS:
            for option in ("--explain", "--no-cache"):
                with self.subTest(api=api, option=option), StandIn(api, "order", after=100 if api == "llama" else 16, model=api) as server:
                    done = self.evaluate(server, option, env={"HRE_STORE": None}, status=1)
                    self.assertIn("the server's values depend on the order of requests: answer ", done.stderr)
                    self.assertIn("no answers are kept", done.stderr)
                    self.assertFalse((self.folder / "run.json").exists())
            with self.subTest(api=api), StandIn(api, model=api) as server:
                self.evaluate(server, env={"HRE_STORE": None})
                self.assertEqual(0, self.read_json("run.json")["times"]["questions_reused"], "nothing was kept")
                self.check_values()
                (self.folder / "run.json").unlink()

    def test_a_server_that_is_gone_is_said_to_be_unchecked(self):
        with StandIn("vllm") as server:
            self.evaluate(server)
            n = server.scored  # with the check
        with StandIn("vllm", "400", after=n - 8) as server:
            done = self.evaluate(server)
            self.assertIn("could not be checked: the server answers 400", done.stderr)
            self.check_values()

    def test_verify(self):
        for api in self.APIS:
            with self.subTest(api=api), StandIn(api) as server:
                self.evaluate(server)
                done = self.run_hre("verify", "run.json", "--questions", "5")
                self.assertIn(
                    "largest difference: 0.00e+00 nats, of 20 answers to 5 questions, scored again by the server, in another order",
                    done.stdout.replace("\n", " "),
                )
                server.quirks, server.after = {"order"}, server.scored + (100 if api == "llama" else 16)
                done = self.run_hre("verify", "run.json", "--questions", "24", status=3)
                self.assertRegex(done.stderr, r"answers differ by \S+ nats, more than the tolerance of")


class ManyServersTest(ServerTest):
    def test_they_share(self):
        with StandIn("vllm", delay=0.02) as a, StandIn("vllm", delay=0.02) as b:
            self.evaluate([a, b])
            self.check_values()
            self.assertGreater(min(a.scored, b.scored), 8)

    def test_one_that_fails_is_left_out(self):
        for quirk in ("401", "reset"):
            with self.subTest(quirk=quirk), StandIn("vllm", delay=0.01) as a, StandIn("vllm", quirk, after=8, times=1000) as b:
                done = self.evaluate([a, b])
                self.check_values()
                self.assertRegex(done.stderr, "left out|take over")

    def test_one_that_is_not_there(self):
        with StandIn("vllm") as a, socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            spec = f",http://127.0.0.1:{closed.getsockname()[1]}"
            self.assertIn("the server is left out", self.evaluate(a, spec=spec).stderr)
            self.check_values()

    def test_one_whose_tokenizer_hangs_later(self):
        with StandIn("vllm") as a, StandIn("vllm") as b:

            def spoil():  # after the probe, while texts become tokens
                while b.scored < 4 or a.paths.count("/tokenize") < 12:
                    time.sleep(0.001)
                a.page = ("/tokenize", "reset")

            helper = threading.Thread(target=spoil)
            helper.start()
            self.evaluate([a, b])
            helper.join()
            self.check_values()

    def test_a_hundred_models(self):
        with StandIn("vllm", model="x\x1b[2J") as server:
            server.more_models = 100
            said = self.evaluate(server, status=2).stderr
            self.assertIn("the server has several models: x␛[2J, m0, m1", said)
            self.assertIn("and 91 more", said)
            self.assertIn("it has x␛[2J", self.evaluate(server, spec=",model=quite-another", status=2).stderr)

    def test_the_shorter_length_counts(self):
        with StandIn("vllm", max_length=60, delay=0.01) as a, StandIn("vllm", max_length=37, delay=0.01) as b:
            self.evaluate([a, b])
            run = self.read_json("run.json")
            self.assertEqual("35", run["config"]["max_length"])
            self.assertEqual(24, len(run["questions"]))

    def test_another_model(self):
        with StandIn("vllm") as a, StandIn("vllm", model="other") as b:
            self.assertIn("it serves other, not stand-in", self.evaluate([a, b], status=2).stderr)


class ConcurrencyTest(ServerTest):
    def test_it_grows(self):
        self.ask(200)
        with StandIn("vllm", delay=0.2) as server:  # so long that what else the machine does matters little
            self.evaluate(server)
            self.check_values(n=200)
            self.assertGreater(server.most_in_flight, 8)

    def test_it_shrinks_where_the_server_pushes_back(self):
        self.ask(60)
        with StandIn("vllm", delay=0.02) as server:
            server.limit = 2
            self.evaluate(server)
            self.check_values(n=60)
            self.assertLess(server.scored, 150, "most requests are not refused")


class SecretTest(ServerTest):
    KEY = "sk-very-secret-0123456789"

    def assert_secret(self, done):
        for text in (done.stdout, done.stderr, (self.folder / "run.json").read_text() if (self.folder / "run.json").exists() else ""):
            self.assertNotIn(self.KEY, text)

    def test_from_the_environment_and_from_a_file(self):
        self.write("key", self.KEY + "\n")
        for arguments, env in (([], {"HRE_API_KEY": self.KEY}), (["--api-key-file", "key"], {})):
            with self.subTest(arguments=arguments), StandIn("vllm", key=self.KEY) as server:
                self.assert_secret(self.evaluate(server, *arguments, env=env))
                self.check_values()

    def test_a_wrong_key_is_not_shown_even_if_the_server_repeats_it(self):
        with StandIn("vllm", key="another") as server:
            done = self.evaluate(server, env={"HRE_API_KEY": self.KEY}, status=1)
            self.assertIn("Incorrect API key provided: Bearer ***", done.stderr)
            self.assert_secret(done)

    def test_it_is_in_no_store_and_on_no_command_line(self):
        with StandIn("vllm", key=self.KEY, delay=0.05) as server:
            program = subprocess.Popen(
                [PROGRAM, "eval", f"server:{server.url}", "--data", "q.jsonl"],
                cwd=self.folder,
                env=clean_environment(HRE_API_KEY=self.KEY, HRE_STORE=str(self.folder / "store.db")),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            while server.scored < 10 and program.poll() is None:
                time.sleep(0.01)
            shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=False).stdout
            out, errors = program.communicate(timeout=60 * SLOWER)
        self.assertEqual(0, program.returncode, errors)
        kept = [path for path in self.folder.rglob("*") if path.is_file()]
        self.assertTrue(any(path.name.startswith("store.db") for path in kept))
        for text in (shown, out, errors, *(path.read_bytes().decode("latin-1") for path in kept)):
            self.assertNotIn(self.KEY, text)

    def test_not_sent_to_another_host(self):
        with StandIn("vllm") as away:
            with StandIn("vllm", "redirect_away", after=8, key=self.KEY, away_url=away.url) as server:
                self.assert_secret(self.evaluate(server, env={"HRE_API_KEY": self.KEY}))
                self.check_values()
            self.assertTrue(away.keys)
            self.assertEqual({None}, set(away.keys))

    def test_a_password_in_the_url(self):
        line = self.error_of("eval", f"server:http://user:{self.KEY}@host:1", "--data", "q.jsonl")
        self.assertIn("must not contain a user name or password", line)
        self.assertNotIn(self.KEY, line)

    def test_files_that_hold_no_key(self):
        self.write("empty", "\n")
        self.write("words", "two words\n")
        for name, said in (("missing", "cannot be read"), ("empty", "empty"), ("words", "is not a key")):
            self.assertIn(said, self.error_of("eval", "server:http://127.0.0.1:9", "--data", "q.jsonl", "--api-key-file", name))

    def test_certificates(self):
        made = subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-keyout",
                "k.pem",
                "-out",
                "c.pem",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ],
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        if made.returncode != 0:
            self.skipTest("openssl makes no certificate here")
        server = StandIn("vllm")
        server.start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "c.pem", self.folder / "k.pem")
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
        server.url = server.url.replace("http:", "https:")
        done = self.evaluate(server, status=1)
        self.assertIn("certificate", done.stderr)
        self.evaluate(server, "--ca-file", "c.pem")
        self.check_values()
        server.server.shutdown()
        server.server.server_close()


class MistakeTest(ServerTest):
    def test_options_of_the_engine_in_process(self):
        for option, *value in (("--chat-template", "auto"), ("--lora", "adapter.gguf"), ("--workers", 2), ("--stream-weights",)):
            with self.subTest(option=option):
                self.assertIn(option, self.error_of("eval", "server:http://127.0.0.1:9", "--data", "sample", option, *value))

    def test_what_is_no_server(self):
        for model, said in (
            ("server:", "neither a URL"),
            ("server:localhost:8000", "neither a URL"),
            ("server:http://h,modle=x", "did you mean model=?"),
            ("server:http://h,api=vlm", "unknown api 'vlm'"),
            ("server:http://h?key=1", "must end with its path"),
            ("http://h", "server: in front"),
            ("server:model=x", "no URL is given"),
        ):
            with self.subTest(model=model):
                self.assertIn(said, self.error_of("eval", model, "--data", "q.jsonl"))

    def test_a_model_that_it_has_not(self):
        with StandIn("vllm") as server:
            self.assertIn("did you mean stand-in?", self.evaluate(server, spec=",model=stand-on", status=2).stderr)

    def test_a_length_that_it_cannot_take(self):
        with StandIn("vllm", max_length=64) as server:
            self.assertIn("--max-length 100 is more than the 62 tokens", self.evaluate(server, "--max-length", "100", status=2).stderr)
            self.evaluate(server, "--max-length", "30")
            self.assertTrue(any(a["n_truncated"] for q in self.read_json("run.json")["questions"] for a in q["answers"]))


if __name__ == "__main__":
    unittest.main()
