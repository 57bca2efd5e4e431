"""MODEL: what the command line takes, and models in memory."""

import os
from typing import Any

from . import _core
from ._progress import listener


class _Pairs:
    """A model with loglikelihoods(pairs) as one with score_questions(questions)."""

    def __init__(self, model):
        self._model = model

    def score_questions(self, questions):
        pairs = [(context, continuation) for context, continuations in questions for continuation in continuations]
        values = list(self._model.loglikelihoods(pairs))
        if len(values) != len(pairs):
            raise ValueError(f"loglikelihoods gave {len(values)} results for {len(pairs)} pairs")
        values = iter(values)
        return [[_floats(next(values)) for _ in continuations] for _, continuations in questions]


def _floats(values):
    """A list of floats of an array, a tensor, a list, or one number."""
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, str):
        raise TypeError(f"a log-likelihood is numbers, not {values!r}")
    return [values] if isinstance(values, (int, float)) else [float(value) for value in values]


def open_model(model: Any, *, progress: Any = False, **options: Any) -> _core.Model:
    """A model that can be evaluated.

    model: a .gguf file, a checkpoint's folder, hf:ORG/REPO, server:URL, baseline:length or baseline:zstd; or an object:
      hre.transformers.Model, or any with the method

        loglikelihoods(pairs) -> for each (context, continuation) an array of the log-probabilities, in nats, of the
                                 continuation's tokens (or their sum)

      and if wanted the attributes `name`, `fingerprint` (a text that changes whenever its values do; a store needs it,
      since scores that are kept there are used again), `settings` (a dictionary of what else moves values) and `batch_questions` (how
      many questions it is given at once: 32).
    options, of models that hre opens itself: threads, gpu_layers, devices ([name]), tensor_split ([share]), max_length, bos
      ("never", "auto", "always"), long_answers ("error", "truncate", "skip"), chat_template, system, date, precision ("auto",
      "exact"), engine_kernels ("auto", "plain"), kv_type ("f32", "f16", "q8_0"), flash_attention ("off", "auto", "on"), adapters
      ([(path, scale)]), stream_weights, numa, workers, rpc ([address]); of servers api_key_file, ca_file, wait, request_timeout,
      max_concurrency. They mean what `hre eval --help-all` says.

    >>> import hre
    >>> hre.open_model("baseline:length").name
    'baseline:length'
    """
    if isinstance(model, _core.Model):
        return model
    if isinstance(model, (str, os.PathLike)):
        return _core.open_model(os.fspath(model), options, listener(progress))
    if options:
        raise TypeError(f"a model in memory takes no {', '.join(options)}: it has its own settings")
    name = getattr(model, "name", None) or type(model).__name__
    settings = [(str(key), str(value)) for key, value in dict(getattr(model, "settings", {})).items()]
    batch, fingerprint = getattr(model, "batch_questions", 32), getattr(model, "fingerprint", "")
    if hasattr(model, "score_plans"):
        return _core.wrap_model(
            model,
            name,
            fingerprint,
            settings,
            batch,
            model.max_length,
            model.bos,
            model.long_answers,
            getattr(model, "decoder_start", None),
            getattr(model, "source_end", None),
        )
    if not hasattr(model, "score_questions"):
        if not hasattr(model, "loglikelihoods"):
            raise TypeError(f"{type(model).__name__} is no model: it has no method loglikelihoods(pairs)")
        model = _Pairs(model)
    return _core.wrap_model(model, name, fingerprint, settings, batch, 0, None, "error", None, None)
