"""HumanRankEval: how well a language model's log-likelihoods rank the answers that people wrote and voted on.

>>> import hre
>>> run = hre.evaluate("baseline:zstd", "sample", limit=2)
>>> len(run.questions), run.value is not None
(28, True)
"""

from collections.abc import Iterable
from typing import Any, Literal

from . import _core
from ._data import Dataset, load_dataset
from ._errors import Error, InputError, Interrupted, ThresholdError
from ._model import open_model
from ._progress import listener as _listener
from ._run import Comparison, Gate, Power, Run, Store, Study, compare, gate, load, load_all, power, report, study

__version__ = _core.__version__
__all__ = [
    "Comparison",
    "Dataset",
    "Error",
    "Gate",
    "InputError",
    "Interrupted",
    "Power",
    "Run",
    "Store",
    "Study",
    "ThresholdError",
    "compare",
    "evaluate",
    "gate",
    "load",
    "load_all",
    "load_dataset",
    "open_model",
    "power",
    "report",
    "study",
]


def evaluate(
    model: Any,
    data: Any = None,
    *,
    topics: Iterable[str] = (),
    limit: int | None = None,
    where: Iterable[str] = (),
    metadata: str = "",
    until: float | None = None,
    shuffle: bool = True,
    shuffle_seed: int = 42,
    prompt: str | None = None,
    undefined: Literal["leave-out", "zero"] = "leave-out",
    keep_tokens: bool = False,
    store: str = "none",
    name: str = "",
    reuse: bool = True,
    progress: Any = True,
    **model_options: Any,
) -> Run:
    """Evaluates a model on a dataset, and gives the Run.

    model, model_options: see hre.open_model. data: see hre.load_dataset.
    topics: globs; none: all. limit: questions of each topic, after the shuffle (the published order).
    where: conditions that questions must meet, such as "votes>=10" or "date>=2024-01" (`hre eval --where`). metadata: a file with
      dates and tags; "": the dataset's own.
    until: stop as soon as the value's confidence sequence is no wider than this.
    prompt: a template with {question} and, at its end, {answer}.
    undefined: what a mean does with questions that have no correlation, "leave-out" or "zero".
    keep_tokens: keep each token's log-probability.
    store: a file that keeps the run, and answers for later ones; "" is the program's own, "none" keeps nothing. Objects as models
      need a fingerprint there.
    name: the run's name in the store. reuse: False scores everything again.
    progress: see docs/python.md; True shows tqdm's bars.

    Ctrl-C raises KeyboardInterrupt, and what was scored is in the store. An exception of the model's own comes through as it
    is. Several threads may evaluate at once, each its own model.

    >>> import hre
    >>> class Short:
    ...     def loglikelihoods(self, pairs):
    ...         return [[-1.0] * len(continuation.split()) for _, continuation in pairs]
    >>> hre.evaluate(Short(), "sample", topics=["python"], limit=3, progress=False).model
    'Short'
    """
    bars = _listener(progress)
    if prompt is None and model_options.get("chat_template", "none") != "none":
        prompt = "{question}{answer}"  # the template makes the rest
    options = {
        "topics": list(topics),
        "limit": limit,
        "where": list(where),
        "metadata": metadata,
        "until": until,
        "shuffle": shuffle,
        "shuffle_seed": shuffle_seed,
        "prompt": prompt,
        "undefined": undefined,
        "keep_tokens": keep_tokens,
        "store": store,
        "name": name,
        "reuse": reuse,
    }
    options = {name: value for name, value in options.items() if value is not None}

    def work():
        opened = open_model(model, progress=bars, **model_options)
        return Run(_core.evaluate(opened, load_dataset(data, progress=bars), options, bars))

    together = getattr(model, "evaluate_together", None)  # for models that several processes have
    return together(work) if together else work()
