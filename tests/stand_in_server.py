"""A stand-in for inference servers: their requests and answers, and what goes wrong with them, without a model.

    with StandIn("vllm", "shuffled") as server:
        ...  f"server:{server.url}"

Tokens are words with the space before them; a token's log-probability is a hash of it and all before it, so that
a test computes what must come out: expected_sum(context, continuation).

Quirks (several may be given) apply to requests that score, after the first `after` of them:

shapes      first_absent, n_plus_1, shuffled, shifted, self_scored, bos, bos_stripped, infinite, no_log_probs, noisy, unsteady,
            constant, prompt_logprobs, last_token (an id that SGLang lists as 0), order (values depend on the request before)
llama       echo (a llama-server that lists a prompt's values), after_sampling (values with the bias), old_probs (before December
            2024), recurrent (it can't go back in a slot's cache, and gives wrong values), slides (it goes back to the beginning
            alone), no_timings, disobeys (does not generate what it is forced to)
offsets     no_tokenizer, no_offsets, byte_offsets, utf16_offsets, parts (of characters, shown as U+FFFD), hex (of bytes),
            behind (a space put in front)
versions    old (TGI 1, SGLang 0.4), no_prefill (TGI 3 as it starts by default)
statuses    400, 401, 404, 422 for good; 408, 424, 429, 500, 503 for the next `times` requests; no_zero (400 for max_tokens 0)
network     hang, truncated, reset, html (for the next `times`), drip, abort (SGLang's 200 without values)
hostile     endless, huge, deep, wrong_types, nan, bomb, redirect_self, redirect_away

`page` is one of the last two lines for a path that does not score: page=("/tokenize", "hang").

The shapes are those of vLLM 0.32, SGLang 0.5.23, TGI 3.3.7, llama-cpp-python's server 0.3.35 and the llama-server of the same
archive.
"""

import contextlib
import functools
import hashlib
import http.server
import json
import math
import re
import socket
import struct
import threading
import time
import zlib

BOS = 1
GENERATED = " the"


def words(text):
    return re.findall(r" ?\w+|\s|[^\w\s]", text)


def token_id(word):
    return 2 + int.from_bytes(hashlib.blake2b(word.encode(), digest_size=3).digest(), "big")


def tokenize(text):
    return [token_id(word) for word in words(text)]


def log_prob(before, token):
    """In nats; a float32, as servers send them."""
    state = hashlib.blake2b(struct.pack(f"<{len(before) + 1}i", *before, token), digest_size=4).digest()
    value = -0.01 - int.from_bytes(state, "big") % 8000 / 1000
    return struct.unpack("<f", struct.pack("<f", value))[0]


def expected(context, continuation, bos=False):
    """What must come out for an answer: its tokens' log-probabilities."""
    whole = ([BOS] if bos else []) + tokenize(context + continuation)
    n = len(tokenize(context)) + bos
    return [log_prob(whole[:i], whole[i]) for i in range(n, len(whole))]


@functools.cache
def packed_bomb():
    packer = zlib.compressobj(9, wbits=31)  # gzip; in parts, so that the tests' own memory stays small
    return b"".join(packer.compress(b" " * 1_000_000) for _ in range(200)) + packer.flush()


class StandIn:
    def __init__(
        self,
        api,
        *quirks,
        after=0,
        times=3,
        key=None,
        away_url=None,
        delay=0.0,
        max_length=4096,
        model="stand-in",
        page=(None, None),
        states_length=True,
    ):
        self.api, self.quirks, self.after, self.times = api, set(quirks), after, times
        self.page = page
        self.states_length = states_length
        self.renumbered = None  # a word to which its tokenizer gives another id
        self.more_models = 0
        self.unsteadiness = 1e-4  # nats, of "unsteady"
        self.key, self.away_url, self.delay, self.max_length, self.model = key, away_url, delay, max_length, model
        self.lock = threading.Lock()
        self.scored = 0  # requests that score, so far
        self.in_flight = self.most_in_flight = 0
        self.limit = None  # more at once than this get a 429
        self.paths = []
        self.keys = []  # Authorization headers, as they came
        self.times_of = []  # when requests that score came
        self.of_whole_prompts = set()  # quirks of llama-server's prompts that are scored at once
        self.before = []  # the prompt of the request before, for "order"
        self.ftype = "F32"  # llama-server's
        self.halves = set()  # its tokens that end in the middle of a character
        self.vocabulary = {GENERATED}  # words whose values it can list: those that it was asked to tokenise
        self.slots = 4
        self.cached = {}  # by slot: the tokens of its last prompt
        self.lengths = []  # of its prompts
        self.spoiled = set()  # slots that went back to an earlier place since they last computed a whole prompt
        self.computed = 0  # tokens that were not in their slot's cache
        self.in_slot = {}  # requests at once, by slot
        self.most_in_slot = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, port=0):
        handler = type("Handler", (Handler,), {"stand_in": self})
        self.server = Server(("127.0.0.1", port), handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def stop(self):
        """As if it were killed: connections are reset."""
        self.server.shutdown()
        self.server.server_close()
        self.server.reset_all()

    @contextlib.contextmanager
    def away_after(self, scored):
        """Runs it; once it has scored so many requests, it dies, and is back after a second."""
        self.start()

        def die_and_return():
            while self.scored < scored:
                time.sleep(0.005)
            self.stop()
            time.sleep(1)
            self.start(self.port)

        helper = threading.Thread(target=die_and_return)
        helper.start()
        yield
        helper.join()
        self.stop()

    def has(self, quirk):
        return quirk in self.quirks and self.scored > self.after

    def spend(self, quirk):
        """Whether a quirk that lasts for some requests still does."""
        with self.lock:
            if not self.has(quirk) or self.times <= 0:
                return False
            self.times -= 1
            return True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *arguments):
        self.connections = set()
        super().__init__(*arguments)

    def get_request(self):
        connection, address = super().get_request()
        self.connections.add(connection)
        return connection, address

    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)

    def reset_all(self):
        for connection in list(self.connections):
            reset(connection)

    def handle_error(self, request, client_address):
        pass  # clients that went away are part of the tests


def reset(connection):
    """Ends a connection by a reset."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    connection.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    stand_in = None

    def log_message(self, *_):
        pass

    # --- sending -------------------------------------------------------------------------------

    def send(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers)
        self.wfile.write(head.encode() + b"\r\n" + data)

    def error(self, status, message, headers=()):
        s = self.stand_in
        if s.api == "tgi":
            body = {"error": message, "error_type": {422: "validation", 424: "generation", 429: "overloaded"}.get(status, "x")}
        elif s.api == "sglang" and status == 400:
            body = {"error": {"message": message}}
        elif s.api == "sglang":
            body = {"object": "error", "message": message, "type": str(status), "param": None, "code": status}
        else:
            body = {"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}}
        self.send(status, body, headers)

    def not_found(self):
        if self.stand_in.api == "tgi":
            self.send(404, b"")
        else:
            self.send(404, {"detail": "Not Found"})

    # --- requests ------------------------------------------------------------------------------

    def authorised(self):
        s = self.stand_in
        given = self.headers.get("Authorization")
        s.keys.append(given)
        if s.key is None or given == f"Bearer {s.key}":
            return True
        self.error(401, f"Incorrect API key provided: {given}")
        return False

    def do_GET(self):
        s = self.stand_in
        s.paths.append(self.path)
        if not self.authorised() or self.spoil_page():
            return
        old = "old" in s.quirks
        info = {"model_path": s.model, "tokenizer_path": s.model, "is_generation": True}
        server = {
            **info,
            "max_total_num_tokens": 99999,
            "internal_states": [{}],
            "version": "0.4.6.post5" if old else "0.5.23",
            "max_req_input_len": s.max_length - 6,
        }
        lengths = {"max_input_length" if old else "max_input_tokens": s.max_length - 1, "max_total_tokens": s.max_length}
        if not s.states_length:
            lengths = {}
        pages = {
            "vllm": {"/v1/models": self.models("vllm", True), "/version": {"version": "0.32.0"}},
            "sglang": {
                "/get_model_info": info,
                "/get_server_info": server,
                "/v1/models": self.models("sglang", True),
                **({} if old else {"/model_info": {**info, "served_model_name": s.model}, "/server_info": server}),
            },
            "tgi": {
                "/info": {
                    "model_id": s.model,
                    "max_concurrent_requests": 128,
                    **lengths,
                    "router": "text-generation-router",
                    "version": "1.4.0" if old else "3.3.7",
                },
                **({} if old else {"/v1/models": self.models(s.model, False)}),
            },
            "openai": {"/v1/models": self.models("me", False)},
            "llama": {
                "/v1/models": self.models("llamacpp", False),
                "/props": {
                    "default_generation_settings": {"params": {}, **({"n_ctx": s.max_length} if lengths else {})},
                    "total_slots": s.slots,
                    "model_alias": s.model,
                    "build_info": "b9999-stand-in",
                    "bos_token": "<s>",
                },
            },
            "ollama": {"/v1/models": self.models("library", False)},
        }[s.api]
        if self.path in pages:
            self.send(200, pages[self.path])
        else:
            self.not_found()

    def models(self, owner, length):
        model = {"id": self.stand_in.model, "object": "model", "owned_by": owner}
        if length and self.stand_in.states_length:
            model["max_model_len"] = self.stand_in.max_length
        if owner == "llamacpp":
            model["meta"] = {"n_vocab": 1 << 24, "n_params": 7, "size": 28, "ftype": self.stand_in.ftype}
        return {"object": "list", "data": [model] + [{**model, "id": f"m{i}"} for i in range(self.stand_in.more_models)]}

    def spoil_page(self):
        path, quirk = self.stand_in.page
        if self.path == path:
            getattr(self, quirk)()
        return self.path == path

    def do_POST(self):
        s = self.stand_in
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        s.paths.append(self.path)
        if not self.authorised():
            return
        if self.path in ("/tokenize", "/extras/tokenize"):
            if not self.spoil_page():
                self.tokens(body)
            return
        paths = {"sglang": ["/generate"], "tgi": ["/generate"], "llama": ["/completion", "/v1/completions"]}
        if self.path not in paths.get(s.api, ["/v1/completions"]):
            self.not_found()
            return
        with s.lock:
            s.scored += 1
            s.in_flight += 1
            s.most_in_flight = max(s.most_in_flight, s.in_flight)
            s.times_of.append(time.monotonic())
            over = s.limit is not None and s.in_flight > s.limit
        try:
            if over:
                self.error(429, "too many requests")
            elif not self.misbehave(body):
                if s.api != "llama":  # whose slots are kept for so long
                    time.sleep(s.delay)
                self.score(body)
        finally:
            with s.lock:
                s.in_flight -= 1

    def tokens(self, body):
        s = self.stand_in
        if s.api == "tgi" and "inputs" not in body:
            self.error(422, "Failed to deserialize the JSON body into the target type: missing field `inputs`")
        elif s.api == "tgi" and self.path == "/tokenize":  # adds special tokens, whatever is asked for
            ids = ([BOS] if "bos" in s.quirks else []) + tokenize(body["inputs"])
            self.send(200, [{"id": i, "text": "", "start": 0, "stop": 0} for i in ids])
        elif s.api == "llama" and self.path == "/tokenize":
            if body["parse_special"]:
                raise ValueError("the names of special tokens in a text are text")
            with s.lock:
                s.vocabulary = s.vocabulary | set(words(body["content"]))
            self.send(
                200,
                {
                    "tokens": ([BOS] if body["add_special"] else [])
                    + [token_id(word) + (word.strip() == s.renumbered) for word in words(body["content"])]
                },
            )
        elif s.api in ("vllm", "sglang") and self.path == "/tokenize" and "no_tokenizer" not in s.quirks:
            ids = ([BOS] if body.get("add_special_tokens", True) else []) + [
                token_id(word) + (word.strip() == s.renumbered) for word in words(body["prompt"])
            ]
            answer = {"count": len(ids), "max_model_len": s.max_length, "tokens": ids}
            self.send(200, {**answer, "token_strs": None} if s.api == "vllm" else answer)
        elif s.api == "openai" and self.path == "/extras/tokenize" and "no_tokenizer" not in s.quirks:
            self.send(200, {"tokens": ([BOS] if "bos" in s.quirks else []) + tokenize(body["input"])})
        else:
            self.not_found()

    # --- what goes wrong -----------------------------------------------------------------------

    def misbehave(self, body):
        """Does what a quirk that leaves no answer says; whether there was one."""
        s = self.stand_in
        for status in (400, 401, 404, 413, 422):
            if s.has(str(status)):
                self.error(status, f"stand-in says {status}")
                return True
        for status in (408, 424, 429, 500, 503):
            if s.spend(str(status)):
                self.error(status, f"stand-in says {status}", [("Retry-After", "1")] if status == 429 else [])
                return True
        if s.has("no_zero") and body.get("max_tokens") == 0:
            self.error(400, "max_tokens must be at least 1")
            return True
        for quirk in ("hang", "truncated", "reset", "html", "abort"):
            if s.spend(quirk):
                getattr(self, quirk)()
                return True
        for quirk in ("drip", "endless", "huge", "deep", "wrong_types", "nan", "bomb", "redirect_self", "redirect_away"):
            if s.has(quirk):
                getattr(self, quirk)()
                return True
        return False

    def hang(self):
        time.sleep(30)

    def abort(self):
        self.send(
            200,
            [
                {
                    "text": "",
                    "meta_info": {
                        "id": "x",
                        "input_token_logprobs": [],
                        "finish_reason": {"type": "abort", "message": "Abort in waiting queue"},
                    },
                }
            ],
        )

    def html(self):
        self.send(200, b"<html>gateway</html>")

    def truncated(self):
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"choices": [')
        self.close_connection = True

    def reset(self):
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"choices": [')
        self.wfile.flush()
        reset(self.connection)
        self.close_connection = True

    def drip(self):
        """A byte now and then, for ever."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n{")
        while True:
            self.wfile.write(b" ")
            time.sleep(0.05)

    def endless(self):
        self.wfile.write(b'HTTP/1.1 200 OK\r\n\r\n{"choices": [')
        while True:
            self.wfile.write(b"0," * 32768)

    def huge(self):
        """1 GB of JSON, of the length that it states."""
        chunk = b"[0,1,2,3]," * 100000
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000014\r\n\r\n{"choices": [')
        for _ in range(1000):
            self.wfile.write(chunk)
        self.wfile.write(b"0]}")

    def deep(self):
        self.send(200, b'{"choices": ' + b"[" * 20000 + b"]" * 20000 + b"}")

    def wrong_types(self):
        if self.stand_in.api == "sglang":
            self.send(200, [{"meta_info": {"input_token_logprobs": [[None, "5", None], {"a": 1}, 7]}}] * 4)
            return
        self.send(
            200, {"choices": [{"index": "0", "logprobs": {"token_logprobs": {"a": "b"}, "tokens": 7}}], "meta_info": [], "details": "x"}
        )

    def nan(self):
        if self.stand_in.api == "sglang":
            self.send(200, b'[{"meta_info": {"input_token_logprobs": [[null, 5, null], [NaN, 6, null]]}}]')
            return
        if self.stand_in.api == "tgi":
            self.send(200, b'{"details": {"prefill": [{"id": 5, "logprob": null}, {"id": 6, "logprob": Infinity}]}}')
            return
        self.send(200, b'{"choices": [{"index": 0, "logprobs": {"token_logprobs": [null, NaN, -1.0], "tokens": []}}]}')

    def bomb(self):
        self.send(200, packed_bomb(), [("Content-Encoding", "gzip")])

    def redirect_self(self):
        self.send(307, b"", [("Location", self.path)])

    def redirect_away(self):
        self.send(307, b"", [("Location", self.stand_in.away_url + self.path)])

    # --- scoring -------------------------------------------------------------------------------

    def values(self, ids, bos):
        """[value or None per token, and one for the token generated after them]."""
        s = self.stand_in
        whole = ([BOS] if bos else []) + ids + [token_id(GENERATED)]
        values = [None if i == 0 else log_prob(whole[:i], whole[i]) for i in range(len(whole))]
        if s.has("self_scored"):  # each token's probability after itself; the generated one's is made up
            values = [None] + [log_prob(ids[: i + 1], ids[i]) for i in range(1, len(ids))] + [-9.0]
        return self.changed(values, whole, ids)

    def changed(self, values, tokens, ids):
        """The values of these tokens after a prompt, as a server with these quirks gets them."""
        s = self.stand_in
        if s.has("constant"):
            values = [None] + [-1.0] * (len(values) - 1)
        if s.has("noisy"):
            values = [None] + [v - 2 * (time.monotonic_ns() % 1009) / 1009 for v in values[1:]]
        if s.has("unsteady"):  # a little more or less each time, as with other requests in the same batch
            values = [None] + [v + s.unsteadiness * (time.monotonic_ns() % 7 - 3) for v in values[1:]]
        if s.has("order"):
            values = [None] + [v - (sum(s.before) % 2) for v in values[1:]]
            s.before = ids
        if s.has("infinite"):  # SGLang's JSON has null for it, llama-server's the lowest float
            lowest = {"sglang": None, "llama": -3.4028234663852886e38}.get(s.api, -9999.0)
            values = [lowest if i > 0 and token == token_id(" ok") else v for i, (v, token) in enumerate(zip(values, tokens))]
        return values

    def score(self, body):
        s = self.stand_in
        if s.has("no_log_probs") or s.api == "ollama":
            self.send(
                200, {"choices": [{"index": 0, "text": "hello", "logprobs": None}], "text": "hello", "meta_info": {}, "details": None}
            )
        elif s.api == "llama" and self.path == "/completion":
            self.llama(body)
        elif s.api == "llama" and not s.has("echo"):
            self.error(500, "Only no echo is supported")
        elif s.api in ("vllm", "openai", "llama"):
            s.quirks |= s.of_whole_prompts
            self.completions(body)
            s.quirks -= s.of_whole_prompts
        elif s.api == "sglang":
            self.sglang(body)
        else:
            self.tgi(body)

    def too_long(self, n):
        """Says so, as each kind does."""
        s = self.stand_in
        if s.api == "llama" and n >= s.max_length:
            self.error(400, f"request ({n} tokens) exceeds the available context size ({s.max_length} tokens), try increasing it")
        elif s.api in ("vllm", "openai") and n >= s.max_length:
            self.error(
                400,
                f"The decoder prompt (length {n}) plus the number of requested output tokens (at least 1) is longer "
                f"than the maximum model length of {s.max_length}.",
            )
        elif s.api == "sglang" and n >= s.max_length - 6:
            self.error(
                400,
                f"Input length ({n} tokens) exceeds the maximum allowed length ({s.max_length - 6} tokens). Use a "
                "shorter input or enable --allow-auto-truncate.",
            )
        elif s.api == "tgi" and n >= s.max_length:
            self.error(422, f"Input validation error: `inputs` must have less than {s.max_length - 1} tokens. Given: {n}")
        else:
            return False
        return True

    def completions(self, body):
        s = self.stand_in
        prompts = body["prompt"] if s.api in ("vllm", "llama") else [body["prompt"]]
        lengths = [len(prompt if isinstance(prompt, list) else tokenize(prompt)) for prompt in prompts]
        if self.too_long(max(lengths)):
            return
        choices = [self.choice(i, prompt, body) for i, prompt in enumerate(prompts)]
        if s.has("shuffled"):
            choices.reverse()
        n = sum(lengths) + len(lengths) * ("bos" in s.quirks and s.api == "openai")
        self.send(
            200,
            {
                "id": "cmpl-1",
                "object": "text_completion",
                "created": 1,
                "model": s.model,
                "choices": choices,
                "usage": {"prompt_tokens": n, "total_tokens": n + 1, "completion_tokens": 1},
            },
        )

    def shown(self, text):
        """A token's text, as this server lists it: the last character in pieces, where it has several bytes."""
        pieces = text[-1].encode()
        if len(pieces) > 1 and self.stand_in.has("parts"):
            return text[:-1] + "\ufffd" * len(pieces)
        return text[:-1] + "".join(f"<0x{byte:02X}>" for byte in pieces) if len(pieces) > 1 and self.stand_in.has("hex") else text

    def length(self, text):
        s = self.stand_in
        if s.has("byte_offsets"):
            return len(text.encode())
        if s.has("utf16_offsets"):
            return len(text.encode("utf-16-le")) // 2
        return len(self.shown(text) if s.has("parts") else text)

    def choice(self, index, prompt, body):
        s = self.stand_in
        by_id = isinstance(prompt, list)
        if by_id and s.has("bos_stripped") and prompt[0] == BOS:
            prompt = prompt[1:]
        ids = prompt if by_id else tokenize(prompt)
        texts = [f"token_id:{i}" for i in ids] if by_id else words(prompt)
        bos = "bos" in s.quirks and s.api == "openai"
        values = whole = self.values(ids, bos)
        if bos:  # as llama-cpp-python does: the token is dropped, and the first value with it
            values = [None] + values[2:]
        texts = texts + ([f"token_id:{token_id(GENERATED)}"] if by_id else [GENERATED])
        offsets = [sum(map(self.length, texts[:i])) for i in range(len(texts))]  # also of "token_id:...", as vLLM does
        texts = [self.shown(text) for text in texts]
        if s.has("behind"):
            texts, offsets = [" " + texts[0], *texts[1:]], [0, *(offset + 1 for offset in offsets[1:])]
        if body["max_tokens"] == 0 and not s.has("n_plus_1"):
            values, texts, offsets = values[:-1], texts[:-1], offsets[:-1]
        if s.has("first_absent"):
            values, texts, offsets = values[1:], texts[1:], offsets[1:]
        if s.has("shifted"):
            values = values[1:] + [-3.0]
        if s.has("no_offsets"):
            offsets = [-1] * len(offsets)
        log_probs = {
            "text_offset": offsets,
            "token_logprobs": values,
            "tokens": texts,
            "top_logprobs": [None] + [{"x": -0.1}] * (len(values) - 1),
        }
        choice = {"index": index, "text": "".join(texts), "logprobs": log_probs, "finish_reason": "length"}
        if s.api == "vllm":  # echo in both ways, with the likeliest token beside the one that was sent
            choice.update(
                stop_reason=None,
                token_ids=None,
                prompt_token_ids=None,
                routed_experts=None,
                prompt_logprobs=self.prompt_log_probs(ids, whole, likelier=True),
            )
        if s.has("prompt_logprobs"):  # alone, and of the generated token as well
            choice["logprobs"] = None
            choice["prompt_logprobs"] = self.prompt_log_probs(ids + [token_id(GENERATED)], values, likelier=False)
        return choice

    @staticmethod
    def prompt_log_probs(ids, values, likelier):
        """[null, {"<id>": {...}}, ...]"""
        entries = [{str(i): {"logprob": v, "rank": 2, "decoded_token": "x"}} for i, v in zip(ids[1:], values[1:])]
        if likelier:
            for entry in entries:
                entry.setdefault("0", {"logprob": -0.001, "rank": 1, "decoded_token": "y"})
        return [None] + entries

    def sglang(self, body):
        s = self.stand_in
        if self.too_long(max(map(len, body["input_ids"]))):
            return
        answers = []
        for ids, start in zip(body["input_ids"], body["logprob_start_len"]):
            values = self.values(ids, False)
            last = token_id(" \u00e9") if "last_token" in s.quirks else math.inf
            listed = [[v, i if i < last else 0, None] for v, i in zip(values, ids)][start:]
            listed[0][0] = None
            if s.has("first_absent") and start:  # as up to 0.4.3
                listed = listed[1:]
            answers.append(
                {
                    "text": GENERATED,
                    "output_ids": [token_id(GENERATED)],
                    "meta_info": {
                        "id": "x",
                        "finish_reason": {"type": "length", "length": 1},
                        "prompt_tokens": len(ids),
                        "completion_tokens": 1,
                        "cached_tokens": start,
                        "input_token_logprobs": listed,
                        "output_token_logprobs": [[values[-1], token_id(GENERATED), None]],
                        "output_token_logprobs_length": 1,
                    },
                }
            )
        self.send(200, answers)

    def llama(self, body):
        """One token, that of the bias where there is one; the value is that before sampling."""
        s = self.stand_in
        ids, slot = body["prompt"], body["id_slot"] % s.slots
        if self.too_long(len(ids)):
            return
        with s.lock:
            s.in_slot[slot] = s.in_slot.get(slot, 0) + 1
            s.most_in_slot = max(s.most_in_slot, s.in_slot[slot])
            known = s.cached.get(slot, []) if body["cache_prompt"] else []
            same = next((i for i, (a, b) in enumerate(zip(known, ids)) if a != b), min(len(known), len(ids)))
            goes_back = known and (same < len(known) or len(known) == len(ids))
            if goes_back and s.has("slides"):
                same = 0
            computed = len(ids) - min(same, len(ids) - 1)
            s.computed += computed
            if not known:
                s.spoiled.discard(slot)
            elif goes_back:
                s.spoiled.add(slot)
            s.cached[slot] = ids
            s.lengths.append(len(ids))
        time.sleep(s.delay)
        token = body["logit_bias"][0][0]
        value = self.changed([None, log_prob(ids, token)], [None, token], ids)[1]
        if "recurrent" in s.quirks and slot in s.spoiled:
            value -= 0.5
        if s.has("after_sampling"):
            value = 0.0
        if s.has("disobeys"):
            token += 1
        tops = [{"id": 9, "token": "", "bytes": [195], "logprob": -0.4}]  # half of a character
        if body["n_probs"] > 1:
            tops += [
                {
                    "id": token_id(word),
                    "token": "" if token_id(word) in s.halves else word,
                    "bytes": list(word.encode()),
                    "logprob": self.changed([None, log_prob(ids, token_id(word))], [None, token_id(word)], ids)[1],
                }
                for word in sorted(s.vocabulary)
            ]
        entry = {"id": token, "token": "x", "bytes": [120], "logprob": value, "top_logprobs": tops[: body["n_probs"]]}
        if s.has("old_probs"):
            entry = {"content": "x", "probs": [{"tok_str": "x", "prob": 1.0}]}
        with s.lock:
            s.in_slot[slot] -= 1
        if token in s.halves and "500" in s.halves:
            self.error(500, "The model produced output that does not match the expected Content-only format")
        else:
            answer = {} if token in s.halves else {"completion_probabilities": [entry]}
            if "timings/prompt_n" in body["response_fields"] and not s.has("no_timings"):
                answer["timings/prompt_n"] = computed
            self.send(200, answer)

    def tgi(self, body):
        s = self.stand_in
        bos = "bos" in s.quirks
        ids = tokenize(body["inputs"])
        if self.too_long(len(ids) + bos):
            return
        values = self.values(ids, bos)
        texts = (["<s>"] if bos else []) + words(body["inputs"])
        prefill = [{"id": i, "text": text, "logprob": value} for i, text, value in zip(([BOS] if bos else []) + ids, texts, values)]
        self.send(
            200,
            {
                "generated_text": GENERATED,
                "details": {
                    "finish_reason": "length",
                    "generated_tokens": 1,
                    "seed": None,
                    "prefill": [] if s.has("no_prefill") else prefill,
                    "tokens": [{"id": token_id(GENERATED), "text": GENERATED, "logprob": values[-1], "special": False}],
                },
            },
        )
