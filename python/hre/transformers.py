"""Models of the Transformers library, on any device, as they are in memory.

    model = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M-Instruct")
    tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-135M-Instruct")
    run = hre.evaluate(hre.transformers.Model(model, tokenizer), "sample")

How a batch is computed. A question's answers share a prompt, whose keys and values are computed once:

    prompts   [p p p p p p]          those of some questions, in passes of like lengths, padded on the left
              [pad p p p p p]
    answers   cache row 0 | a a a .  after a copy of the prompt's cache row, padded on the right: those of all these questions
              cache row 0 | a a . .  together, so that passes are large and rows of like length meet
              cache row 1 | a a a a

An encoder-decoder reads each prompt once by its encoder, and its decoder reads each answer after the start token.

A position that no answer's token is predicted at never reaches the output layer: a hook in front of it keeps the others
alone, so that logits are [answer tokens x vocabulary] and never [batch x length x vocabulary]. Where these are more than
logit_bytes, the model is called once for each block of rows, and what lies below the output layer gives in each later call
what it gave in the first. What a model does to its logits after that layer (a scale, a soft cap) stays its own.

Prompts are shared where each layer of the cache holds keys and values by position. Recurrent states and positions that depend
on a sequence's length (long rope, dynamic rope) can't be continued by several tokens: there, each answer is a whole sequence.
"""

import contextlib
import copy
import functools
import inspect
import os
import sys
import time
import uuid

import torch
import transformers

import hre

from ._processes import Processes

#: Questions among which passes are made.
_TOGETHER = 64
#: How configurations call the tokens that a model sees at most.
_LENGTHS = ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "seq_length")
#: Layers of Transformers' caches that hold keys and values by position.
_BY_POSITION = {"DynamicLayer", "DynamicSlidingWindowLayer"}
#: Models without positions that see distances alone, so that padding on the left moves nothing.
_BY_DISTANCE = {"bloom", "mpt"}
#: Tensors that are what they look like, and not quantized or sharded.
_PLAIN = {torch.Tensor, torch.nn.Parameter}


class Model:
    """A language model and its tokenizer.

    model: any AutoModelForCausalLM or AutoModelForSeq2SeqLM, sharded or not, with adapters or not. The training mode of each of its
      modules is put back afterwards.
    tokenizer: its tokenizer. Texts are encoded without special tokens, by the published rule.
    batch_tokens: positions in one pass, padding included (default: 4096, on a CPU 1024). Halved where memory runs out.
    logit_bytes: what the logits that are computed at once may take in float32 (default: 256 MiB, on a CPU 64 MiB).
    max_length: tokens that the model sees at most; None: the model's own maximum, else 2048.
    bos: put the beginning-of-sequence token before every text; of an encoder-decoder, the end-of-sequence token after the encoder's.
    long_answers: what becomes of answers of more tokens than max_length: "error", "truncate" them, or "skip" their questions.
    fingerprint: a text that changes whenever the weights do; a store needs it, since scores that are kept there are used again.
    processes: a Processes, where the processes of torchrun or accelerate launch share the questions, each with its own copy of the
      model.

    >>> import hre, hre.transformers, transformers
    >>> class Bytes:  # in place of AutoTokenizer.from_pretrained(...)
    ...     def __call__(self, texts, **_):
    ...         return {"input_ids": [list(text.encode()) for text in texts]}
    >>> config = transformers.LlamaConfig(vocab_size=256, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
    >>> model = hre.transformers.Model(transformers.LlamaForCausalLM(config), Bytes(), name="tiny")
    >>> hre.evaluate(model, "sample", topics=["python"], limit=2, progress=False).model
    'tiny'
    """

    def __init__(
        self,
        model,
        tokenizer,
        *,
        batch_tokens=None,
        logit_bytes=None,
        max_length=None,
        bos=False,
        long_answers="error",
        name=None,
        fingerprint="",
        processes=None,
    ):
        config = getattr(model.config, "get_text_config", lambda: model.config)()
        if model.get_output_embeddings() is None:
            raise ValueError(f"{type(model).__name__} has no output layer: open it by AutoModelForCausalLM")
        self._model, self._tokenizer = model, tokenizer
        self._device = _input_device(model)
        # What a pass costs besides its positions, in positions: the weights are read once, and a GPU is kept busy by large passes alone.
        share, self._pass_cost = (4, 48) if self._device.type == "cpu" else (1, 512)
        self.batch_tokens, self.logit_bytes = batch_tokens or 4096 // share, logit_bytes or (1 << 28) // share
        self._sharded = len(set((getattr(model, "hf_device_map", None) or {}).values())) > 1
        self._whole = getattr(model, "get_base_model", lambda: model)()  # without PEFT around it
        forward = inspect.signature(self._whole.forward).parameters
        self._cache_name = "cache" if "cache" in forward else "past_key_values"  # as Transformers calls it from 5.24 on
        self._takes_positions = "position_ids" in forward
        self._turn, self._every_length = _rope_by_length(config)
        self.shares_prompts = self._turn is None and (self._takes_positions or config.model_type in _BY_DISTANCE)
        self._processes = processes
        self.batch_questions = _TOGETHER * (processes.size if processes else 1)
        self.name = name or (getattr(model.config, "_name_or_path", "") or type(model).__name__).rstrip("/").split("/")[-1]
        self.fingerprint = fingerprint
        self.bos = self.decoder_start = self.source_end = None
        if getattr(config, "is_encoder_decoder", False):
            self.decoder_start = next(
                token
                for token in (getattr(config, "decoder_start_token_id", None), getattr(config, "bos_token_id", None), 0)
                if token is not None
            )
            self.source_end = tokenizer.eos_token_id if bos else None
        elif bos:
            self.bos = tokenizer.bos_token_id
            if self.bos is None:
                raise ValueError("the tokenizer has no beginning-of-sequence token")
        longest = max_length or next((int(value) for value in (getattr(config, key, None) for key in _LENGTHS) if value), 2048)
        self.max_length, self.long_answers = longest, long_answers
        self.settings = {
            "engine": f"transformers, torch {torch.__version__}",
            "class": type(model).__name__,
            "dtype": model.dtype,
            "device": self._device.type,
            "attention": getattr(model.config, "_attn_implementation", None),
        }

    def encode(self, texts):
        """Tokens of each text, without special ones; None for a text that the vocabulary can't express."""
        unknown = getattr(self._tokenizer, "unk_token_id", None)
        all_tokens = self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return [None if unknown is not None and unknown in tokens else tokens for tokens in all_tokens]

    def evaluate_together(self, work):
        """work(), or this process's part in it: see hre.evaluate."""
        return self._processes.evaluate(work, self._score_passes) if self._processes else work()

    def score_plans(self, questions):
        """Log-probabilities, in nats: for each (prefix, [(tail, targets)]) a list with those of each answer's targets.

        An answer's sequence is prefix + tail (of an encoder-decoder, tail alone); its k-th of n targets is predicted at position
        len(sequence) - n + k.
        """
        passes = []
        for first in range(0, len(questions), _TOGETHER):
            order = sorted(range(first, min(first + _TOGETHER, len(questions))), key=lambda i: -len(questions[i][0]))
            while order:
                n = self._how_many([questions[i] for i in order])
                passes.append(order[:n])
                order = order[n:]
        chosen = [[questions[i] for i in one] for one in passes]
        if self._processes:
            costs = [sum(len(one[0][0]) + sum(len(tail) for tail, _ in answers) for _, answers in one) for one in chosen]
            values = self._processes.score(chosen, costs, self._score_passes)
        else:
            values = self._score_passes(chosen)
        results = {i: value for one, some in zip(passes, values) for i, value in zip(one, some)}
        return [results[i] for i in range(len(questions))]

    def _score_passes(self, passes):
        """The same for each pass: questions that go through the model together, the longest prompt first."""
        score = self._score if self.decoder_start is None else self._score_encoded
        values = []
        modes = [(module, module.training) for module in self._model.modules()]
        self._model.eval()
        try:
            # Not inference_mode(): buffers that a model renews meanwhile may be trained with later.
            with (
                torch.no_grad(),
                _LinearByOneDnn() if self._device.type == "cpu" and torch.backends.mkldnn.is_available() else contextlib.nullcontext(),
            ):
                for questions in passes:
                    results = [[[0.0] * len(targets) for _, targets in answers] for _, answers in questions]
                    done = 0
                    while done < len(questions):
                        n = self._how_many(questions[done:])
                        try:
                            score(questions[done : done + n], results[done : done + n])
                            done += n
                            continue
                        except RuntimeError as problem:
                            if not _is_out_of_memory(problem) or n == 1 and self.batch_tokens < 256:
                                raise
                        # Here the exception's frames, and the tensors that they hold, are gone.
                        self.batch_tokens //= 2
                        self.logit_bytes //= 2
                        if torch.cuda.is_available():
                            torch.cuda.empty_cache()
                    values.append(results)
        finally:
            for module, training in modes:
                module.training = training
        return values

    def _how_many(self, questions):
        """Of these, the longest prompt first, those whose prompts' keys and values are in memory together."""
        return min(len(questions), max(1, self.batch_tokens // max(1, len(questions[0][0]))))

    def _passes(self, lengths, most):
        """Splits rows of these lengths, the longest first, into passes: (first, end) of each, such that padded positions and what the
        passes cost by themselves are least. most(i): rows that may go together where row i is the longest."""
        best = [(0, 0)] * len(lengths) + [(0, 0)]  # from each row on: the least cost, and the end of the pass that begins there
        for first in reversed(range(len(lengths))):
            best[first] = min(
                (self._pass_cost + (end - first) * lengths[first] + best[end][0], end)
                for end in range(first + 1, min(len(lengths), first + max(1, most(first))) + 1)
            )
        first = 0
        while first < len(lengths):
            yield first, best[first][1]
            first = best[first][1]

    def _score(self, questions, results):
        prompts = [prompt for prompt, _ in questions]
        jobs = _jobs(questions, results)
        if not self.shares_prompts or not prompts[0]:
            self._score_answers([(row, prompts[row] + tail, targets, out) for row, tail, targets, out in jobs])
            return
        lengths = [len(prompt) for prompt in prompts if prompt]
        caches, places = [], [None] * len(prompts)  # a prompt's place is (its cache, the row there)
        for first, end in self._passes(lengths, lambda i: self.batch_tokens // lengths[i]):
            # Targets that are predicted inside the prompt: all but the last len(tail) ones.
            wanted = [
                (row - first, lengths[first] - len(targets) + len(tail) + k, targets[k], out, k)
                for row, tail, targets, out in jobs
                if first <= row < end
                for k in range(len(targets) - len(tail))
            ]
            cache = self._forward([(0, prompt) for prompt in prompts[first:end]], wanted, lengths[first], left=True, use_cache=True)
            if any(type(layer).__name__ not in _BY_POSITION for layer in getattr(cache, "layers", [None])):
                self.shares_prompts = False
                self._score(questions, results)
                return
            places[first:end] = [(len(caches), row) for row in range(end - first)]
            caches.append((cache, lengths[first]))
        # Beside the padding of a shorter prompt, an answer may end in a column that a model's tables of positions lack.
        beyond = [job for job in jobs if lengths[0] + len(job[1]) > self.max_length]
        self._score_answers([(row, prompts[row] + tail, targets, out) for row, tail, targets, out in beyond])
        self._score_answers([job for job in jobs if job[1] and lengths[0] + len(job[1]) <= self.max_length], caches, places, prompts)

    def _score_encoded(self, questions, results):
        """Texts through the encoder in passes of like lengths, and each pass's answers through the decoder."""
        jobs = _jobs(questions, results)
        lengths = [max(1, len(prompt)) for prompt, _ in questions]
        for first, end in self._passes(lengths, lambda i: self.batch_tokens // lengths[i]):
            ids, mask = self._padded([prompt for prompt, _ in questions[first:end]])
            encoded = self._model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
            for some in self._batches([job for job in jobs if first <= job[0] < end], ids.shape[1]):
                rows = torch.tensor([row - first for row, *_ in some], device=ids.device)
                sequences, read = self._padded([tokens for _, tokens, *_ in some])
                self._run(
                    {
                        "encoder_outputs": transformers.modeling_outputs.BaseModelOutput(last_hidden_state=encoded[rows]),
                        "attention_mask": mask[rows],
                        "decoder_input_ids": sequences,
                        "decoder_attention_mask": read,
                        "use_cache": False,
                    },
                    _wanted(some),
                    sequences.shape[1],
                )

    def _padded(self, rows):
        """Tokens padded on the right, and the mask of those that are there."""
        ids = torch.zeros(len(rows), max(1, *map(len, rows)), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, tokens in enumerate(rows):
            ids[i, : len(tokens)] = torch.tensor(tokens)
            mask[i, : len(tokens)] = 1
        return ids.to(self._device), mask.to(self._device)

    def _batches(self, jobs, width):
        """Jobs of like length, as many as go into one pass beside `width` columns of what they read, the longest first."""
        jobs = sorted(jobs, key=lambda job: -len(job[1]))
        lengths = [max(1, len(tokens)) for _, tokens, *_ in jobs]

        def most(i):
            n = 2 * self.batch_tokens // (lengths[i] + width)
            if self._turn is not None and lengths[i] > self._turn:
                n = 1 if self._every_length else min(n, sum(length > self._turn for length in lengths[i:]))
            return n

        for first, end in self._passes(lengths, most):
            yield jobs[first:end]

    def _score_answers(self, jobs, caches=(), places=(), prompts=()):
        """Jobs are (question, tokens, targets, where values go). Without caches, tokens are whole sequences."""
        for some in self._batches(jobs, max((width for _, width in caches), default=0)):
            longest = max(1, len(some[0][1]))
            rows = [places[question] if places else None for question, *_ in some]
            cache, width = None, 0
            if any(rows):
                cache, width = caches[min(row[0] for row in rows if row)]  # the widest, since the longest prompts come first
                # A sharded model's layers lie on several devices, all of which take indices on the CPU.
                cache = _chosen_rows(cache, [one for one, _ in caches], rows, "cpu" if self._sharded else self._device)
            before = [len(prompts[question]) if prompts else 0 for question, *_ in some]
            self._forward(
                list(zip(before, (tokens for _, tokens, *_ in some))),
                _wanted(some),
                longest,
                left=False,
                use_cache=cache is not None,
                cache=cache,
                cache_width=width,
            )

    def _forward(self, rows, wanted, width, *, left, use_cache, cache=None, cache_width=0):
        """One pass of a decoder. rows: (positions before, tokens). Gives the cache."""
        device = self._device
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        mask = torch.zeros(len(rows), cache_width + width, dtype=torch.long)
        positions = torch.zeros(len(rows), width, dtype=torch.long)
        for i, (before, tokens) in enumerate(rows):
            start = width - len(tokens) if left else 0
            ids[i, start : start + len(tokens)] = torch.tensor(tokens)
            positions[i, start : start + len(tokens)] = torch.arange(before, before + len(tokens))
            mask[i, cache_width - before : cache_width] = 1  # the prompt stands at the right of its cache row
            mask[i, cache_width + start : cache_width + start + len(tokens)] = 1
        arguments = {"input_ids": ids.to(device), "attention_mask": mask.to(device), "use_cache": use_cache}
        if self._takes_positions:
            arguments["position_ids"] = positions.to(device)
        if cache is not None:
            arguments[self._cache_name] = cache
        return self._run(arguments, wanted, width)

    def _run(self, arguments, wanted, width):
        """wanted: (row, column, target, out, k): out[k] is set to the log-probability of `target` at that place. Gives the cache."""
        head = self._model.get_output_embeddings()
        rows = len(wanted)
        if any(child is head for child in self._whole.children()):  # else there is nothing that is below it alone
            rows = max(1, self.logit_bytes // (4 * (getattr(head, "out_features", None) or head.weight.shape[0])))
        blocks = [wanted[i : i + rows] for i in range(0, len(wanted), rows)] if wanted else [[]]
        caches = []
        with self._below_once(head) if len(blocks) > 1 else contextlib.nullcontext([]) as done:
            for block in blocks:
                caches.append(self._run_block(head, arguments, block, width))
                done.append(block)
        return caches[0]

    def _run_block(self, head, arguments, wanted, width):
        places = torch.tensor([(row, column) for row, column, *_ in wanted] or [(0, width - 1)])
        with _rows_alone(head, places):
            output = self._model(**arguments)
        logits = output.logits[0].float()
        if logits.shape[0] != len(places):
            raise RuntimeError(f"{type(self._model).__name__} computes its logits in a way that hre doesn't know")
        if wanted:
            targets = torch.tensor([target for _, _, target, _, _ in wanted], device=logits.device)
            # The log-softmax copies what it is given.
            losses = torch.cat(
                [torch.nn.functional.cross_entropy(*some, reduction="none") for some in zip(logits.split(64), targets.split(64))]
            )
            for value, (_, _, _, out, k) in zip((-losses).tolist(), wanted):
                out[k] = value
        return getattr(output, self._cache_name, None)

    @contextlib.contextmanager
    def _below_once(self, head):
        """What the model calls besides its output layer is computed in the first of several passes alone. Gives the list of passes."""
        done, results = [], {}
        below = [child for child in self._whole.children() if child is not head]
        below = list(dict.fromkeys([*below, *(part for child in below for part in child.children())]))  # OPT calls one past its parent
        own = [module.__dict__.get("forward") for module in below]  # that accelerate put there

        def once(module, compute):
            def forward(*arguments, **options):
                known = results.setdefault(module, [])
                known.append(known.pop(0) if done else compute(*arguments, **options))  # every pass calls alike
                return known[-1]

            return forward

        for module in below:
            module.forward = once(module, module.forward)
        try:
            yield done
        finally:
            for module, forward in zip(below, own):
                del module.forward
                if forward is not None:
                    module.forward = forward


class _LinearByOneDnn(torch.overrides.TorchFunctionMode):
    """Linear layers in float32 on a CPU: PyTorch computes them by MKL, which on AMD's processors takes a tenth to two thirds longer
    than oneDNN, which PyTorch has for other types."""

    def __torch_function__(self, function, types, arguments=(), options=None):
        if function is torch.nn.functional.linear and not options:
            values, weights, *bias = arguments
            if (
                values.dtype == weights.dtype == torch.float32
                and values.device.type == weights.device.type == "cpu"
                and type(weights) in _PLAIN
            ):
                return torch.ops.mkldnn._linear_pointwise(values, weights, bias[0] if bias else None, "none", [], "")
        return function(*arguments, **(options or {}))


class _ChosenRows:
    """A layer of a cache before answers that nothing follows. Its rows are copied from other caches' layers when the pass comes to it,
    and are not kept, so that one layer's copies are in memory at a time."""

    def update(self, *arguments, **options):
        keys, values = self.keys, self.values
        self.keys, self.values = self._copied("keys"), self._copied("values")
        try:
            return super().update(*arguments, **options)
        finally:
            self.keys, self.values = keys, values

    def _copied(self, name):
        widest = getattr(self, name)  # [rows, heads, positions, size]
        copied = widest.new_zeros(self.rows, *widest.shape[1:])
        for layer, rows, to in self.sources:
            source = getattr(layer, name)
            copied[to, :, widest.shape[2] - source.shape[2] :] = source[rows]
        return copied


@functools.cache
def _with_chosen_rows(kind):
    return type(f"ChosenRows{kind.__name__}", (_ChosenRows, kind), {})


def _chosen_rows(widest, caches, places, device):
    """A cache for one pass, each of whose rows is that of (one of caches, its row), at the right, or is nothing, where its place is None."""
    sources = []
    for i, cache in enumerate(caches):
        taken = [(place[1], to) for to, place in enumerate(places) if place and place[0] == i]
        if taken:
            sources.append((cache, *torch.tensor(taken, device=device).T))
    chosen = copy.copy(widest)
    chosen.layers = []
    for i, layer in enumerate(widest.layers):
        filled = layer.get_seq_length() > 0  # others share the keys and values of one before
        chosen.layers.append(object.__new__(_with_chosen_rows(type(layer)) if filled else type(layer)))
        vars(chosen.layers[-1]).update(vars(layer), rows=len(places), sources=[(cache.layers[i], rows, to) for cache, rows, to in sources])
    return chosen


@contextlib.contextmanager
def _rows_alone(head, places):
    """Lets these (row, column) places alone through to the output layer."""

    def keep(_module, arguments):
        hidden = arguments[0]
        rows, columns = places.to(hidden.device).T
        return (hidden[rows, columns][None],) + arguments[1:]

    handle = head.register_forward_pre_hook(keep)
    try:
        yield
    finally:
        handle.remove()


def _is_out_of_memory(problem):
    """CUDA and its like raise a class of their own, other devices a text."""
    known = (getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError), torch.cuda.OutOfMemoryError)
    return isinstance(problem, known) or any(
        text in str(problem) for text in ("out of memory", "can't allocate memory", "not enough memory")
    )


def _input_device(model):
    """Where the tokens go. Weights that accelerate keeps on the CPU or on disk lie on no device until they are used."""
    embeddings = model.get_input_embeddings()
    hook = getattr(embeddings, "_hf_hook", None)
    device = next(
        (one.execution_device for one in (hook, *getattr(hook, "hooks", ())) if getattr(one, "execution_device", None) is not None), None
    )
    if device is None:
        return embeddings.weight.device
    return torch.device(f"cuda:{device}" if isinstance(device, int) else device)


def _rope_by_length(config):
    """(a length beyond which rotary positions change, whether they then change with every length), or (None, False).

    A pass takes the positions of its longest sequence, so that lengths on both sides can't go through the model together.
    """
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    for one in (rope, *(part for part in rope.values() if isinstance(part, dict))):  # some have one for each type of layer
        kind = one.get("rope_type", one.get("type"))
        if kind in ("longrope", "dynamic"):
            original = one.get("original_max_position_embeddings") or getattr(config, "original_max_position_embeddings", None)
            return original or config.max_position_embeddings, kind == "dynamic"
    return None, False


def _jobs(questions, results):
    """(row of its question, tail, targets, where values go) for each answer."""
    return [
        (row, tail, targets, out)
        for row, ((_, answers), outs) in enumerate(zip(questions, results))
        for (tail, targets), out in zip(answers, outs)
    ]


def _wanted(jobs):
    """The places, in each job's tokens, at which its targets are predicted: see Model._run."""
    return [
        (row, len(tokens) - len(targets) + k, targets[k], out, k)
        for row, (_, tokens, targets, out) in enumerate(jobs)
        for k in range(len(targets))
        if len(tokens) - len(targets) + k >= 0
    ]


class Callback(transformers.TrainerCallback):
    """Evaluates the model while a Trainer (or one of TRL's) trains it, into the trainer's own log.

        trainer = transformers.Trainer(..., callbacks=[hre.transformers.Callback("sample", every=100)])
        trainer.train()

    >>> import hre.transformers
    >>> callback = hre.transformers.Callback("sample", every=100, gate=0.02, against="best", stop=True)
    >>> callback.runs, callback.gates, callback.best  # before the training
    ([], [], None)

    data: see hre.load_dataset. every: steps between evaluations; None: at the end of each epoch. The model is also evaluated before
      the first step and after the last.
    limit: questions of each topic (50: of the published dataset 700 questions, whose value has a 95 % interval of about ± 0.04);
      None: all. Each evaluation tells its sample size, interval and seconds on standard error, unless quiet.
    gate: is the model worse than an earlier one? A margin, a policy file (docs/ci.md), or a dictionary with hre.gate's arguments. Fewer
      than 200 questions decide nothing.
    against: what the gate holds it against: "first", "best" or "last" (the evaluation before), or a Run, such as that of a released model.
    stop: end the training where the gate's verdict is "fail".
    save_best: let the trainer save a checkpoint whenever the value is the best so far.
    model_options: those of hre.transformers.Model. Other options, such as topics and store, are those of hre.evaluate. With store=,
      every step's model is known by this training and its step, so that no score of one step stands for another's; a fingerprint in
      model_options is one of the training, by which the same training may be recognised later.

    The log's names begin with eval_hre, which W&B, TensorBoard and Trackio show as eval/hre...:

      eval_hre, eval_hre_half_interval       HumanRankEval's value, and half its 95 % interval
      eval_hre_pairs                         pairs of answers in people's order; 0.5 is chance
      eval_hre_bits_per_byte                 of the answers
      eval_hre_since_first, _last, _best     the paired differences from the first evaluation, the one before and the best one so far
      eval_hre_since_first_half_interval...  half their 95 % intervals
      eval_hre_best_step                     the step of the best value so far
      eval_hre_questions, eval_hre_seconds   the sample size, and what the evaluation took
      eval_hre_gate                          1 for "pass", 0 for "inconclusive", -1 for "fail"

    A checkpoint that the trainer saves at an evaluated step gets the file hre.json, the step's run. That of the best value becomes
    the trainer's best_model_checkpoint, which save_total_limit spares, unless the trainer has a metric_for_best_model of its own.

    `runs` keeps (step, Run) for each evaluation, and `gates` (step, Gate). In data-parallel training the processes share the
    questions, and every process has the same runs. A model that is sharded over processes (FSDP, ZeRO-3) is refused.
    """

    def __init__(
        self,
        data=None,
        *,
        every=None,
        limit=50,
        gate=None,
        against="first",
        stop=False,
        save_best=False,
        batch_tokens=None,
        model_options=None,
        quiet=False,
        **options,
    ):
        if stop and gate is None:
            raise ValueError("stop ends the training by the gate's verdict: gate= says what fails")
        if isinstance(against, str) and against not in ("first", "best", "last"):
            raise ValueError(f"against: {against!r} is neither a Run nor one of: first, best, last")
        self.runs, self.gates = [], []
        self._data, self._every, self._quiet = hre.load_dataset(data), every, quiet
        self._options = {"progress": False, "limit": limit, **options}
        self._gate = (
            gate if gate is None or isinstance(gate, dict) else {"margin": gate} if isinstance(gate, (int, float)) else {"policy": gate}
        )
        self._against, self._stop, self._save_best = against, stop, save_best
        self._model_options = {"batch_tokens": batch_tokens, "long_answers": "truncate", **(model_options or {})}
        self._training = self._model_options.pop("fingerprint", "") or f"training {uuid.uuid4()}"
        self._trainer = self._processes = None

    def attach(self, trainer):
        """Adds itself to a trainer: the same as Trainer(..., callbacks=[callback])."""
        trainer.add_callback(self)
        self._trainer = trainer
        return self

    @property
    def best(self):
        """(step, Run) of the best value so far, the first of equals; None where no run has a value."""
        return max((row for row in self.runs if row[1].value is not None), key=lambda row: row[1].value, default=None)

    def on_train_begin(self, args, state, control, model=None, processing_class=None, **_):
        self._trainer = self._trainer or _calling_trainer()
        plugin = getattr(self._trainer.accelerator.state, "deepspeed_plugin", None)
        if self._trainer.is_fsdp_enabled or (plugin is not None and plugin.zero_stage == 3):
            raise ValueError("hre.transformers.Callback can't evaluate a model that is sharded over processes (FSDP, ZeRO-3)")
        if self._processes is None and self._trainer.accelerator.num_processes > 1:
            self._processes = Processes()
        self._evaluate(args, state, control, model, processing_class)

    def on_step_end(self, args, state, control, model=None, processing_class=None, **_):
        last = state.max_steps > 0 and state.global_step >= state.max_steps  # where the trainer can still save
        if last or self._every and state.global_step % self._every == 0:
            self._evaluate(args, state, control, model, processing_class)

    def on_epoch_end(self, args, state, control, model=None, processing_class=None, **_):
        if not self._every:
            self._evaluate(args, state, control, model, processing_class)

    def on_train_end(self, args, state, control, model=None, processing_class=None, **_):
        self._evaluate(args, state, control, model, processing_class)

    def on_save(self, args, state, control, **_):
        if self.runs and self.runs[-1][0] == state.global_step and state.is_world_process_zero:
            folder = _checkpoint(args, state)
            if os.path.isdir(folder):
                self.runs[-1][1].save(os.path.join(folder, "hre.json"))

    def _evaluate(self, args, state, control, model, tokenizer):
        step = state.global_step
        if not self.runs or self.runs[-1][0] != step:
            started = time.monotonic()
            scorer = Model(
                self._trainer.accelerator.unwrap_model(model),
                tokenizer,
                fingerprint=f"{self._training}, step {step}",
                processes=self._processes,
                **self._model_options,
            )
            run = hre.evaluate(scorer, self._data, **self._options)
            for name in ("batch_tokens", "logit_bytes"):  # halved where memory ran out, which it would again
                self._model_options[name] = getattr(scorer, name)
            log, verdict = self._described(run), self._judge(step, run)
            if verdict is not None:
                log["eval_hre_gate"] = {"pass": 1, "inconclusive": 0, "fail": -1}[verdict]
            self.runs.append((step, run))
            if self.best is not None:
                log["eval_hre_best_step"] = self.best[0]
            log["eval_hre_seconds"] = round(time.monotonic() - started, 3)
            if not self._quiet and state.is_world_process_zero:
                _say(self._told(step, log, verdict))
            should_log = control.should_log
            self._trainer.log(log)
            control.should_log = should_log  # the trainer's own values of this step, which a log of others counts as done
            control.should_training_stop |= self._stop and verdict == "fail"
        if self.best is not None and self.best[0] == step and step > 0:
            control.should_save |= self._save_best
            if control.should_save and args.metric_for_best_model is None:  # before the trainer writes its state
                state.best_metric, state.best_global_step, state.best_model_checkpoint = self.best[1].value, step, _checkpoint(args, state)

    def _described(self, run):
        log = {"eval_hre_questions": len(run.questions)}
        if run.value is None:
            return log
        log.update(
            eval_hre=run.value,
            eval_hre_pairs=run.summary["pairwise_accuracy"]["mean"],
            eval_hre_bits_per_byte=run.summary["bits_per_byte"]["mean"],
        )
        if run.interval is not None:
            log["eval_hre_half_interval"] = (run.interval[1] - run.interval[0]) / 2
        before = [earlier for _, earlier in self.runs if earlier.value is not None]
        if before:
            for name, earlier in (("first", before[0]), ("last", before[-1]), ("best", self.best[1])):
                pair = hre.compare(run, earlier).pairs[0]
                log[f"eval_hre_since_{name}"] = pair["difference"]
                if pair["ci95"][0] is not None:
                    log[f"eval_hre_since_{name}_half_interval"] = (pair["ci95"][1] - pair["ci95"][0]) / 2
        return {name: value for name, value in log.items() if value is not None}

    def _judge(self, step, run):
        """The gate's verdict, or None: the first evaluation has nothing to be held against but a Run that was given."""
        baseline = self._against if isinstance(self._against, hre.Run) else None
        if baseline is None and self.runs:
            baseline = {"first": self.runs[0], "last": self.runs[-1], "best": self.best or self.runs[0]}[self._against][1]
        if self._gate is None or baseline is None:
            return None
        options = dict(self._gate)
        if isinstance(self._against, hre.Run):
            options.setdefault("allow_different", True)
        self.gates.append((step, hre.gate(run, baseline, **options)))
        return self.gates[-1][1].verdict

    def _told(self, step, log, verdict):
        value = f"{log['eval_hre']:.4f}" if "eval_hre" in log else "undefined"
        if "eval_hre_half_interval" in log:
            value += f" ± {log['eval_hre_half_interval']:.4f} (95 %)"
        of = f"{log['eval_hre_questions']} questions"
        if self._options.get("limit"):
            of += f" (limit={self._options['limit']} of each topic)"
        gate = "" if verdict is None else f", gate: {verdict}" + (", the training ends here" if self._stop and verdict == "fail" else "")
        return f"hre: step {step}: HumanRankEval {value} of {of}, {log['eval_hre_seconds']:.1f} s{gate}"


def _calling_trainer():
    """The Trainer whose training called a callback: it gives callbacks its model, but neither itself nor its log."""
    frame = inspect.currentframe()
    while frame is not None:
        if isinstance(frame.f_locals.get("self"), transformers.Trainer):
            return frame.f_locals["self"]
        frame = frame.f_back
    raise ValueError(
        "no transformers.Trainer called hre.transformers.Callback: give the callback to one, or use hre.evaluate in a loop of your own"
    )


def _checkpoint(args, state):
    """The folder of the checkpoint that the trainer saves at this step."""
    return os.path.join(args.output_dir, f"checkpoint-{state.global_step}")


def _say(text):
    """A line above tqdm's bars, where there are some."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        print(text, file=sys.stderr)
        return
    tqdm.write(text, file=sys.stderr)
