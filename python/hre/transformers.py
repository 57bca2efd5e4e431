"""Models of the Transformers library, on any device, as they are in memory.

    model = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M-Instruct")
    tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-135M-Instruct")
    run = hre.evaluate(hre.transformers.Model(model, tokenizer), "sample")

How a batch is computed. A question's answers share a prompt, whose keys and values are computed once:

    pass 1    [pad pad p p p p]      the prompts of some questions, padded on the left
              [pad p   p p p p]
    pass 2    cache row 0 | a a a .  each of their answers after a copy of its prompt's cache row,
              cache row 0 | a a . .  padded on the right
              cache row 1 | a a a a

An encoder-decoder reads each prompt once by its encoder, and its decoder reads each answer after the start token.

A position that no answer's token is predicted at never reaches the output layer: a hook in front of it keeps the others
alone, so that logits are [answer tokens x vocabulary] and never [batch x length x vocabulary]. What a model does to its
logits after that layer (a scale, a soft cap) stays its own.
"""

import contextlib
import copy
import inspect
import uuid

import torch
import transformers

import hre

from ._processes import Processes

#: Questions among which passes are made.
_TOGETHER = 64
_OUT_OF_MEMORY = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)


class Model:
    """A language model and its tokenizer.

    model: any AutoModelForCausalLM or AutoModelForSeq2SeqLM, sharded or not, with adapters or not; its training mode is put back afterwards.
    tokenizer: its tokenizer. Texts are encoded without special tokens, by the published rule.
    batch_tokens: positions in one pass, padding included (default: 4096, on a CPU 1024). Halved where memory runs out.
    logit_bytes: what one pass's logits may take (default: 256 MiB, on a CPU 64 MiB).
    max_length: tokens that the model sees at most; None: the model's own maximum, else 2048.
    bos: put the beginning-of-sequence token before every text; of an encoder-decoder, the end-of-sequence token after the encoder's.
    long_answers: what becomes of answers of more tokens than max_length: "error", "truncate" them, or "skip" their questions.
    fingerprint: a text that changes whenever the weights do; a store needs it, since scores that are kept there are used again.
    processes: a Processes, where the processes of torchrun or accelerate launch share the questions, each with its own copy of the
      model.
    """

    def __init__(self, model, tokenizer, *, batch_tokens=None, logit_bytes=None, max_length=None, bos=False, long_answers="error",
                 name=None, fingerprint="", processes=None):
        config = getattr(model.config, "get_text_config", lambda: model.config)()
        if model.get_output_embeddings() is None:
            raise ValueError(f"{type(model).__name__} has no output layer: open it by AutoModelForCausalLM")
        self._model, self._tokenizer = model, tokenizer
        share = 4 if model.device.type == "cpu" else 1  # a processor needs no larger products
        self._batch_tokens, self._logit_bytes = batch_tokens or 4096 // share, logit_bytes or (1 << 28) // share
        forward = inspect.signature(getattr(model, "get_base_model", lambda: model)().forward).parameters
        self._cache_name = "cache" if "cache" in forward else "past_key_values"  # as Transformers calls it from 5.24 on
        self._shares = True
        self._processes = processes
        self.batch_questions = _TOGETHER * (processes.size if processes else 1)
        self.name = name or (getattr(model.config, "_name_or_path", "") or type(model).__name__).rstrip("/").split("/")[-1]
        self.fingerprint = fingerprint
        self.bos = self.decoder_start = self.source_end = None
        if getattr(config, "is_encoder_decoder", False):
            self.decoder_start = next(token for token in (getattr(config, "decoder_start_token_id", None), getattr(config, "bos_token_id", None), 0)
                                      if token is not None)
            self.source_end = tokenizer.eos_token_id if bos else None
        elif bos:
            self.bos = tokenizer.bos_token_id
            if self.bos is None:
                raise ValueError("the tokenizer has no beginning-of-sequence token")
        longest = max_length or next((int(value) for value in (getattr(config, key, None) for key in ("n_positions", "max_position_embeddings", "n_ctx"))
                                      if value), 2048)
        self.max_length, self.long_answers = longest, long_answers
        self.settings = {"engine": f"transformers, torch {torch.__version__}", "class": type(model).__name__, "dtype": model.dtype,
                         "device": model.device.type, "attention": getattr(model.config, "_attn_implementation", None)}

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
        training = self._model.training
        self._model.eval()
        try:
            with torch.inference_mode():
                for questions in passes:
                    results = [[[0.0] * len(targets) for _, targets in answers] for _, answers in questions]
                    done = 0
                    while done < len(questions):
                        n = self._how_many(questions[done:])
                        try:
                            score(questions[done:done + n], results[done:done + n])
                        except _OUT_OF_MEMORY:
                            if n == 1 and self._batch_tokens < 256:
                                raise
                            self._batch_tokens //= 2
                            self._logit_bytes //= 2
                            torch.cuda.empty_cache()
                            continue
                        done += n
                    values.append(results)
        finally:
            self._model.train(training)
        return values

    def _how_many(self, questions):
        """Of these, whose prompts are ever shorter, those that fit into one pass, padded to the longest."""
        longest = max(1, len(questions[0][0]))
        return max(1, min(len(questions), self._batch_tokens // longest))

    def _score(self, questions, results):
        prompts = [prompt for prompt, _ in questions]
        jobs = _jobs(questions, results)
        if not self._shares or max(map(len, prompts)) == 0:
            self._score_answers([(row, prompts[row] + tail, targets, out) for row, tail, targets, out in jobs], None, None)
            return
        width = max(map(len, prompts))
        # Targets that are predicted inside the prompt: all but the last len(tail) ones.
        wanted = [(row, width - len(targets) + len(tail) + k, targets[k], out, k)
                  for row, tail, targets, out in jobs for k in range(len(targets) - len(tail))]
        cache = self._forward([(0, prompt) for prompt in prompts], wanted, width, left=True, use_cache=True)
        if not hasattr(cache, "batch_select_indices"):  # a state that can't be handed to several answers
            self._shares = False
            self._score(questions, results)
            return
        self._score_answers([job for job in jobs if job[1]], cache, [len(prompt) for prompt in prompts])

    def _score_encoded(self, questions, results):
        """An encoder's texts in one pass, then each decoder's sequence."""
        ids, mask = self._padded([prompt for prompt, _ in questions])
        encoded = self._model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
        for some, longest in self._batches(_jobs(questions, results), ids.shape[1]):
            rows = torch.tensor([row for row, *_ in some], device=ids.device)
            sequences, read = self._padded([tokens for _, tokens, *_ in some])
            self._run({"encoder_outputs": transformers.modeling_outputs.BaseModelOutput(last_hidden_state=encoded[rows]), "attention_mask": mask[rows],
                       "decoder_input_ids": sequences, "decoder_attention_mask": read, "use_cache": False},
                      _wanted(some), longest)

    def _padded(self, rows):
        """Tokens padded on the right, and the mask of those that are there."""
        ids = torch.zeros(len(rows), max(1, *map(len, rows)), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, tokens in enumerate(rows):
            ids[i, :len(tokens)] = torch.tensor(tokens)
            mask[i, :len(tokens)] = 1
        return ids.to(self._model.device), mask.to(self._model.device)

    def _batches(self, jobs, width):
        """Jobs of like length, as many as go into one pass beside `width` columns of what they read, with the longest's length."""
        jobs = sorted(jobs, key=lambda job: -len(job[1]))
        vocabulary = self._model.get_output_embeddings().weight.shape[0]
        most_rows = max(1, self._logit_bytes // (4 * vocabulary))
        while jobs:
            longest, n, rows = len(jobs[0][1]), 0, 0
            while n < len(jobs) and (n == 0 or (n + 1) * (longest + width) <= 2 * self._batch_tokens and
                                     rows + min(len(jobs[n][1]), len(jobs[n][2])) <= most_rows):
                rows += min(len(jobs[n][1]), len(jobs[n][2]))
                n += 1
            yield jobs[:n], longest
            jobs = jobs[n:]

    def _score_answers(self, jobs, cache, lengths):
        """Jobs are (cache row, tokens, targets, where values go)."""
        width = 0 if lengths is None else max(lengths)
        for some, longest in self._batches(jobs, width):
            chosen = None
            if cache is not None:
                chosen = copy.copy(cache)
                chosen.layers = [copy.copy(layer) for layer in cache.layers]
                chosen.batch_select_indices(torch.tensor([row for row, *_ in some], device=self._model.device))
            before = [0 if lengths is None else lengths[row] for row, *_ in some]
            self._forward(list(zip(before, (tokens for _, tokens, *_ in some))), _wanted(some), longest, left=False, use_cache=cache is not None,
                          cache=chosen, cache_width=width)

    def _forward(self, rows, wanted, width, *, left, use_cache, cache=None, cache_width=0):
        """One pass of a decoder. rows: (positions before, tokens). Gives the cache."""
        device = self._model.device
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        mask = torch.zeros(len(rows), cache_width + width, dtype=torch.long)
        positions = torch.zeros(len(rows), width, dtype=torch.long)
        for i, (before, tokens) in enumerate(rows):
            start = width - len(tokens) if left else 0
            ids[i, start:start + len(tokens)] = torch.tensor(tokens)
            positions[i, start:start + len(tokens)] = torch.arange(before, before + len(tokens))
            mask[i, cache_width - before:cache_width] = 1  # the prompt stands at the right of its cache row
            mask[i, cache_width + start:cache_width + start + len(tokens)] = 1
        arguments = {"input_ids": ids.to(device), "attention_mask": mask.to(device), "position_ids": positions.to(device),
                     "use_cache": use_cache}
        if cache is not None:
            arguments[self._cache_name] = cache
        return getattr(self._run(arguments, wanted, width), self._cache_name, None)

    def _run(self, arguments, wanted, width):
        """wanted: (row, column, target, out, k): out[k] is set to the log-probability of `target` at that place. Gives the output."""
        places = torch.tensor([(row, column) for row, column, *_ in wanted] or [(0, width - 1)])
        with self._rows_alone(places):
            output = self._model(**arguments)
        logits = output.logits[0].float()
        if logits.shape[0] != len(places):
            raise RuntimeError(f"{type(self._model).__name__} computes its logits in a way that hre doesn't know")
        if wanted:
            targets = torch.tensor([target for _, _, target, _, _ in wanted], device=logits.device)
            sums = torch.cat([torch.logsumexp(rows, dim=1) for rows in logits.split(64)])  # which copies what it is given
            chosen = logits.gather(1, targets[:, None])[:, 0] - sums
            for value, (_, _, _, out, k) in zip(chosen.tolist(), wanted):
                out[k] = value
        return output

    @contextlib.contextmanager
    def _rows_alone(self, places):
        """Lets these (row, column) places alone through to the output layer."""
        def keep(_module, arguments):
            hidden = arguments[0]
            rows, columns = places.to(hidden.device).T
            return (hidden[rows, columns][None],) + arguments[1:]

        handle = self._model.get_output_embeddings().register_forward_pre_hook(keep)
        try:
            yield
        finally:
            handle.remove()


def _jobs(questions, results):
    """(row of its question, tail, targets, where values go) for each answer."""
    return [(row, tail, targets, out) for row, ((_, answers), outs) in enumerate(zip(questions, results))
            for (tail, targets), out in zip(answers, outs)]


def _wanted(jobs):
    """The places, in each job's tokens, at which its targets are predicted: see Model._run."""
    return [(row, len(tokens) - len(targets) + k, targets[k], out, k) for row, (_, tokens, targets, out) in enumerate(jobs)
            for k in range(len(targets)) if len(tokens) - len(targets) + k >= 0]


class Callback(transformers.TrainerCallback):
    """Evaluates the model while a Trainer (or TRL's) trains it, into the trainer's own log.

        hre.transformers.Callback("sample", every=100).attach(trainer)
        trainer.train()

    data: see hre.load_dataset. every: steps between evaluations; None: at the end of each epoch. The model is also evaluated before
    the first step and at the end. limit, topics and other options are those of hre.evaluate. With store=, every step's model is
    known by this training and its step, so that no score of one step stands for another's; a fingerprint in model_options is one of
    the training, by which the same training may be recognised later.

    Each evaluation logs eval/hre (HumanRankEval's value), eval/hre_half_interval (half its 95 % interval), eval/hre_pairs (pairs of
    answers in people's order; 0.5 is chance), and the paired differences eval/hre_since_first, eval/hre_since_last and
    eval/hre_since_best, so that W&B, TensorBoard, MLflow and others have them. `runs` keeps a (step, Run) for each.

    In data-parallel training the processes share the questions, and every process has the same runs. A model that is sharded over
    processes (FSDP, ZeRO-3) is refused.
    """

    def __init__(self, data=None, *, every=None, batch_tokens=None, model_options=None, **options):
        self.runs = []
        self._data, self._every, self._options = hre.load_dataset(data), every, {"progress": False, **options}
        self._model_options = {"batch_tokens": batch_tokens, "long_answers": "truncate", **(model_options or {})}
        self._training = self._model_options.pop("fingerprint", "") or f"training {uuid.uuid4()}"
        self._trainer = self._processes = None

    def attach(self, trainer):
        """Adds itself to a trainer, whose log it writes to."""
        trainer.add_callback(self)
        self._trainer = trainer
        return self

    def on_train_begin(self, args, state, control, **_):
        if self._trainer is None:
            raise ValueError("hre.transformers.Callback(...).attach(trainer) adds it to a trainer")
        plugin = getattr(self._trainer.accelerator.state, "deepspeed_plugin", None)
        if self._trainer.is_fsdp_enabled or (plugin is not None and plugin.zero_stage == 3):
            raise ValueError("hre.transformers.Callback can't evaluate a model that is sharded over processes (FSDP, ZeRO-3)")
        if self._processes is None and self._trainer.accelerator.num_processes > 1:
            self._processes = Processes()
        self._evaluate(state)

    def on_step_end(self, args, state, control, **_):
        if self._every and state.global_step % self._every == 0:
            self._evaluate(state)

    def on_epoch_end(self, args, state, control, **_):
        if not self._every:
            self._evaluate(state)

    def on_train_end(self, args, state, control, **_):
        self._evaluate(state)

    def _evaluate(self, state):
        if self.runs and self.runs[-1][0] == state.global_step:
            return
        model = self._trainer.accelerator.unwrap_model(self._trainer.model)
        model = Model(model, self._trainer.processing_class, fingerprint=f"{self._training}, step {state.global_step}",
                      processes=self._processes, **self._model_options)
        run = hre.evaluate(model, self._data, **self._options)
        log = {}
        if run.value is not None:
            log["eval/hre"] = run.value
            log["eval/hre_pairs"] = run.summary["pairwise_accuracy"]["mean"]
            if run.interval is not None:
                log["eval/hre_half_interval"] = (run.interval[1] - run.interval[0]) / 2
            before = [earlier for _, earlier in self.runs if earlier.value is not None]
            if before:
                for name, earlier in (("first", before[0]), ("last", before[-1]), ("best", max(before, key=lambda r: r.value))):
                    log[f"eval/hre_since_{name}"] = hre.compare(run, earlier).difference
        self.runs.append((state.global_step, run))
        self._trainer.log(log)
