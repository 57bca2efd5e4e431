"""Runs, comparisons and stores, as objects."""

from __future__ import annotations

import builtins
import html
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Union

from . import _core
from ._progress import listener

if TYPE_CHECKING:
    import pandas

Path = Union[str, "os.PathLike[str]"]
Weights = Literal["questions", "topics"]


def _interval_text(mean, interval):
    if mean is None:
        return "undefined"
    return f"{mean:.4f}" if interval is None or interval[0] is None else f"{mean:.4f} [{interval[0]:.4f}, {interval[1]:.4f}]"


def _shown(text):
    """A name from elsewhere in one line, without characters that a terminal obeys."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class Run:
    """One model on one dataset: values with their uncertainty, and every question and answer.

    hre.evaluate makes runs, hre.load reads them from files, and hre.Store from a store.

    >>> import hre, os, tempfile
    >>> run = hre.evaluate("baseline:zstd", "sample", limit=4, progress=False)
    >>> run.model, run.dataset, run.name, run.partial, len(run.questions), len(run.topics)
    ('baseline:zstd', 'sample', '', False, 56, 14)
    >>> run.interval[0] < run.value < run.interval[1], run.value == run.summary["pearson"]["mean"]
    (True, True)
    >>> run.config["prompt"], run.data["format"], run.data == json.loads(run.json())
    ('Question: {question}\\nAnswer: {answer}', 'hre-run/1', True)
    >>> run.notes[0][:32]
    "The sample's votes are invented:"
    >>> list(run.to_pandas().columns)[:4]
    ['topic', 'question', 'answer', 'votes']
    >>> run.with_score("sum").value == run.value
    False
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run.save(os.path.join(folder, "run.json"))
    ...     hre.load(os.path.join(folder, "run.json")).value == run.value
    True
    """

    def __init__(self, core):
        self._core, self._data = core, None

    @property
    def data(self) -> dict[str, Any]:
        """The whole run as a dictionary: the format hre-run/1 (docs/formats.md) with details."""
        if self._data is None:
            self._data = json.loads(self._core.json(True))
        return self._data

    @property
    def model(self) -> str:
        """The model's name."""
        return self.data["model"]["name"]

    @property
    def dataset(self) -> str:
        """The dataset's name."""
        return self.data["dataset"]["name"]

    @property
    def name(self) -> str:
        """Its name in the store; empty where it is in none."""
        return self._core.name

    @property
    def partial(self) -> bool:
        """Whether it ended before its end."""
        return self._core.partial

    @property
    def config(self) -> dict[str, Any]:
        """Everything that can move a value, as text."""
        return self.data["config"]

    @property
    def value(self) -> float | None:
        """HumanRankEval's value: the mean of Pearson's r over all questions. None where no question has a correlation. Of a log of
        another harness, the mean of its values."""
        return self._main["mean"]

    @property
    def interval(self) -> tuple[float, float] | None:
        """The value's 95 % interval, or None."""
        found = self._main["ci95"]
        return None if found[0] is None else tuple(found)

    @property
    def _main(self):
        return self.summary["item" if "item" in self.summary else "pearson"]

    @property
    def summary(self) -> dict[str, Any]:
        """Each metric's mean over all questions, with n, undefined, stderr, ci95 and bootstrap95."""
        return self.data["results"]["micro"]

    @property
    def topics(self) -> dict[str, Any]:
        """The same for each topic."""
        return self.data["results"]["topics"]

    @property
    def questions(self) -> list[dict[str, Any]]:
        """Each question's id, topic, metrics and answers (votes, sum_log_prob in nats, n_tokens, n_chars, score). Of a log of another
        harness, each item's id, topic, value ("item") and number of measurements."""
        return self.data["questions"]

    @property
    def notes(self) -> list[str]:
        """What readers must know, a sentence each: that votes are invented, or that the run is partial."""
        return self.data["notes"]

    def with_score(
        self,
        score: Literal["per-char", "per-token", "per-byte", "sum"] | None = None,
        *,
        reference: Run | None = None,
        allow_different: bool = False,
    ) -> Run:
        """The same run with other scores. No model is needed.

        score: what an answer's log-likelihood is divided by: its characters ("per-char", the published rule), its tokens, its bytes,
          or nothing ("sum"). None: as the run has it; "sum" with a reference.
        reference: a run of another model on the same questions. A score is then the difference of the two log-likelihoods: the implicit
          reward of a model that was tuned from the reference on preferences.
          Where it is the same model with the prompt without its question, it is the pointwise mutual information of both.
        allow_different: refer to a run whose other settings differ.

        >>> import hre
        >>> run = hre.evaluate("baseline:zstd", "sample", limit=2, progress=False)
        >>> run.with_score("sum").questions[0]["answers"][0]["score"] == run.questions[0]["answers"][0]["sum_log_prob"]
        True
        """
        return Run(self._core.with_score(score, None if reference is None else reference._core, allow_different))

    def to_pandas(self) -> pandas.DataFrame:
        """A data frame with a row for each answer. Needs pandas."""
        import pandas

        return pandas.DataFrame(
            [
                {"topic": question["topic"], "question": question["id"], "answer": i, **answer}
                for question in self.questions
                for i, answer in enumerate(question.get("answers", []))
            ]
        )

    def json(self, details: bool = True) -> str:
        """The text of `hre eval --json`; with details, every question and answer."""
        return self._core.json(details)

    def save(self, path: Path) -> None:
        """Writes the run with its details as JSON, which hre.load and every command read."""
        self._core.save(os.fspath(path))

    def __str__(self) -> str:
        return self._core.text(80)

    def __repr__(self) -> str:
        partial = "PARTIAL, " if self.partial else ""
        return f"<hre.Run {_shown(self.model)} on {_shown(self.dataset)}: {_interval_text(self.value, self.interval)}, {partial}{len(self.questions)} questions>"

    def _repr_html_(self) -> str:
        if "item" in self.summary:
            return f"<pre>{html.escape(str(self))}</pre>"
        rows = [
            (topic, row["questions"], row["pearson"]["mean"], row["pearson"]["ci95"], row["pairwise_accuracy"]["mean"])
            for topic, row in self.topics.items()
        ]
        rows.append(
            (
                "all questions",
                self.summary["pearson"]["n"] + self.summary["pearson"]["undefined"],
                self.value,
                self.interval,
                self.summary["pairwise_accuracy"]["mean"],
            )
        )
        cells = "".join(
            f"<tr><td style='text-align:left'>{html.escape(topic)}</td><td>{n}</td><td>{html.escape(_interval_text(mean, interval))}</td>"
            f"<td>{'–' if pairs is None else f'{100 * pairs:.0f} %'}</td></tr>"
            for topic, n, mean, interval, pairs in rows
        )
        return (
            f"<table><caption>{html.escape(self.model)} on {html.escape(self.dataset)}</caption><thead><tr>"
            f"<th style='text-align:left'>topic</th><th>questions</th><th>Pearson's r [95 %]</th><th>pairs in people's order (chance: 50 %)</th>"
            f"</tr></thead><tbody>{cells}</tbody></table>" + "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        )


class _Result:
    """A result as the commands show it: `data` holds its numbers, str() its text."""

    def __init__(self, result):
        self._json, self._text = result
        self.data = json.loads(self._json)

    def json(self) -> str:
        """The text of the command's --json."""
        return self._json

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<hre.{type(self).__name__}\n{self._text}>"

    def _repr_html_(self) -> str:
        return f"<pre style='white-space:pre;overflow-x:auto;font-family:monospace'>{html.escape(self._text)}</pre>"  # the columns stay columns


class Comparison(_Result):
    """Runs against each other on the questions that they share: format hre-compare/1 (docs/formats.md).

    >>> import hre
    >>> comparison = hre.compare(*(hre.evaluate(f"baseline:{name}", "sample", limit=2, progress=False) for name in ("length", "zstd")))
    >>> comparison.difference == comparison.pairs[0]["difference"], 0 < comparison.p <= 1
    (True, True)
    >>> json.loads(comparison.json()) == comparison.data
    True
    """

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """Each two runs' paired comparison: difference, ci95, p, won, tied, lost."""
        return self.data["pairs"]

    @property
    def difference(self) -> float:
        """The first pair's difference of means."""
        return self.pairs[0]["difference"]

    @property
    def p(self) -> float:
        """The first pair's p-value, from a paired permutation test."""
        return self.pairs[0]["p"]


class Power(_Result):
    """What so many questions can tell: format hre-power/1 (docs/formats.md).

    >>> import hre
    >>> power = hre.power(hre.evaluate("baseline:zstd", "sample", progress=False), difference=0.05)
    >>> json.loads(power.json()) == power.data, power.data["format"]
    (True, 'hre-power/1')
    """


def load_all(path: Path) -> list[Run]:
    """All runs of a JSON file with details, as `hre eval --json FILE --details` writes it.

    >>> import hre, os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hre.evaluate("baseline:zstd", "sample", limit=1, progress=False).save(os.path.join(folder, "run.json"))
    ...     [run.model for run in hre.load_all(os.path.join(folder, "run.json"))]
    ['baseline:zstd']
    """
    with open(path, encoding="utf-8") as file:
        return [Run(run) for run in _core.read_runs(file.read(), os.fspath(path))]


def load(path: Path, metric: str = "") -> Run:
    """The run of such a file, or of one that Run.save wrote; or a log of another harness (docs/formats.md), which compare, power, gate,
    study and report take too.

    metric: of a log, which of its values ("acc_norm", "exact_match,flexible-extract"); "": the first.

    >>> import hre, os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hre.evaluate("baseline:zstd", "sample", limit=1, progress=False).save(os.path.join(folder, "run.json"))
    ...     hre.load(os.path.join(folder, "run.json")).model
    'baseline:zstd'
    """
    if _core.is_log(os.fspath(path)):
        return Run(_core.read_log(os.fspath(path), metric))
    if metric:
        raise ValueError(f"{os.fspath(path)}: is no log of another harness, of which a metric names the value")
    runs = load_all(path)
    if len(runs) != 1:
        raise ValueError(f"{os.fspath(path)}: holds {len(runs)} runs; hre.load_all reads them")
    return runs[0]


def compare(
    *runs: Run,
    metric: str = "pearson",
    weights: Weights = "questions",
    level: float = 0.05,
    margin: float | None = None,
    allow_different: bool = False,
) -> Comparison:
    """Whether runs differ, question by question: paired tests and intervals over the questions that they share.

    metric: "pearson", "spearman", "pairwise", ... as `hre compare --metric`.
    weights: "questions" or "topics", what weighs the same.
    level: of p-values under which runs are told apart.
    margin: hold the first run against each of the others: is it worse by less than this?
    allow_different: compare runs that were not made alike.

    >>> import hre
    >>> runs = [hre.evaluate(f"baseline:{name}", "sample", limit=2) for name in ("length", "zstd")]
    >>> hre.compare(*runs).data["format"]
    'hre-compare/1'
    """
    return Comparison(_core.compare([run._core for run in runs], metric, weights, level, margin, allow_different))


def power(*runs: Run, metric: str = "pearson", difference: float | None = None, questions: int | None = None) -> Power:
    """What so many questions can tell of one run or two.

    difference: to be found. questions: to be asked; None: as many as are there.

    >>> import hre
    >>> run = hre.evaluate("baseline:zstd", "sample", limit=2, progress=False)
    >>> hre.power(run, difference=0.1).data["difference"]
    0.1
    """
    return Power(_core.power([run._core for run in runs], metric, difference, questions))


class Gate(_Result):
    """The verdict on a run against a baseline: format hre-gate/1 (docs/formats.md). bool() is True only for "pass".

    >>> import hre
    >>> run = hre.evaluate("baseline:zstd", "sample", progress=False)
    >>> gate = hre.gate(run, hre.evaluate("baseline:length", "sample", progress=False), margin=0.9)
    >>> gate.verdict, bool(gate), [check["metric"] for check in gate.checks]
    ('inconclusive', False, ['pearson'])
    >>> json.loads(gate.json()) == gate.data
    True
    """

    @property
    def verdict(self) -> Literal["pass", "fail", "inconclusive"]:
        """ "fail" if any check shows that the run is worse by more than its margin, "pass" if all show that it is not; else
        "inconclusive"."""
        return self.data["verdict"]

    @property
    def checks(self) -> list[dict[str, Any]]:
        """Each check's metric, topic, margin, difference, p-values and verdict."""
        return self.data["checks"]

    def __bool__(self) -> bool:
        return self.verdict == "pass"


def gate(
    run: Run,
    baseline: Run,
    *,
    policy: Path | None = None,
    metric: str = "pearson",
    score: Literal["per-char", "per-token", "per-byte", "sum"] | None = None,
    margin: float = 0.02,
    topics: str = "",
    weights: Weights = "questions",
    level: float | None = None,
    allow_different: bool = False,
) -> Gate:
    """Whether a run is good enough: not worse than the baseline (a released model, an earlier checkpoint) by the margin.

    Fails only where all of the paired interval is worse than the margin, passes only where none of it is, both by a test that is
    adjusted over all checks. Too few questions decide neither: the verdict is then "inconclusive".

    policy: a file that says what is checked (docs/ci.md); it takes the place of metric, score, margin, topics and weights. The
      baseline is the one that is given here.
    score: None: the runs' own. topics: a glob: each topic whose name matches is checked by itself too.
    level: the probability of a wrong verdict, over all checks; None: the policy's, or 0.05.

    >>> import hre
    >>> length, zstd = (hre.evaluate(f"baseline:{name}", "sample", limit=2) for name in ("length", "zstd"))
    >>> hre.gate(zstd, length, margin=0.5).verdict
    'inconclusive'
    """
    text = ""
    if policy is not None:
        with open(policy, encoding="utf-8") as file:
            text = file.read() or "\n"
    return Gate(
        _core.gate(
            run._core,
            baseline._core,
            text,
            "" if policy is None else os.fspath(policy),
            metric,
            score,
            margin,
            topics,
            weights,
            level,
            allow_different,
        )
    )


class Study(_Result):
    """Families of models: format hre-study/1 (docs/formats.md).

    >>> import hre
    >>> members = [{"run": hre.evaluate(f"baseline:{name}", "sample", limit=2, progress=False), "family": "Baseline", "size": 1, "stage": stage}
    ...            for name, stage in (("length", "pretrained"), ("zstd", "tuned"))]
    >>> study = hre.study(members)
    >>> json.loads(study.json()) == study.data, study.data["format"]
    (True, 'hre-study/1')
    """


def study(
    members: Iterable[Mapping[str, Any]],
    judgements: Any = None,
    *,
    name: str = "",
    metric: str = "pearson",
    weights: Weights = "questions",
    allow_different: bool = False,
) -> Study:
    """What separates pretrained models from tuned ones, and whether values agree with outside judgements.

    members: a dictionary for each model: run, family, stage ("pretrained", "tuned" or "preference") and, where the run does not
      say, size (parameters) and name.
    judgements: values by judgement and model's name, {"Elo": {"pythia-tuned": 1012, ...}}, or a data frame whose index is the
      models' names. A model that is missing there has none.

    >>> import hre
    >>> runs = [hre.evaluate(f"baseline:{name}", "sample", limit=2) for name in ("length", "zstd")]
    >>> facts = {"family": "Baseline", "size": 1e6}
    >>> study = hre.study([{"run": runs[0], "stage": "pretrained", **facts}, {"run": runs[1], "stage": "tuned", **facts}])
    >>> [pair["family"] for pair in study.data["separations"][0]["pairs"]]
    ['Baseline']
    """
    members = list(members)
    judgements = {} if judgements is None else judgements.to_dict() if hasattr(judgements, "to_dict") else judgements
    names = [member.get("name") or member["run"].model for member in members]
    facts = [(name, member["family"], member.get("size"), member["stage"]) for name, member in zip(names, members)]
    value = lambda cell: None if cell is None or cell != cell else float(cell)  # a data frame says NaN
    columns = [(str(judgement), [value(values.get(name)) for name in names]) for judgement, values in judgements.items()]
    return Study(_core.study([member["run"]._core for member in members], facts, columns, name, metric, weights, allow_different))


def report(*runs: Run, out: Path, data: Any = None, study: Study | None = None, allow_different: bool = False, progress: Any = True) -> str:
    """Writes a page, figures and tables into the folder `out`, as `hre report` does; gives the page's path.

    data: the dataset, for the questions' texts (a Dataset, or what `hre report --data` takes); None: from where the runs have it.
    study: a Study, for the figures of families of models.

    >>> import hre, os, tempfile
    >>> run = hre.evaluate("baseline:length", "sample", topics=["python"], limit=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     os.path.basename(hre.report(run, out=folder, progress=False))
    'index.html'
    """
    dataset, source = (data, "") if isinstance(data, _core.Dataset) else (None, "" if data is None else os.fspath(data))
    return _core.report(
        [run._core for run in runs],
        os.fspath(out),
        dataset,
        source,
        "" if study is None else study.json(),
        allow_different,
        listener(progress),
    )


class Store:
    """The store of runs: one SQLite file, which other processes may use at the same time.

    path: its file; None: the program's own ($HRE_STORE, else hre/runs.db in $XDG_STATE_HOME or ~/.local/state).

    >>> import hre, os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "runs.db")
    ...     for name in ("length", "zstd"):
    ...         run = hre.evaluate(f"baseline:{name}", "sample", limit=2, store=file, name=name, progress=False)
    ...     store = hre.Store(file)
    ...     store.path == file
    ...     [row["name"] for row in store.list()], len(store), store.load("zstd").value == run.value
    ...     store.list()[0]["ci95"] == run.interval
    ...     store.remove("length")
    ...     [run.name for run in store]
    True
    (['zstd', 'length'], 2, True)
    True
    ['zstd']
    """

    def __init__(self, path: Path | None = None):
        #: Its file.
        self.path: str = _core.store_path("" if path is None else os.fspath(path))
        self._core = _core.Store.open(self.path)

    def list(self) -> builtins.list[dict[str, Any]]:
        """A dictionary for each run, the latest first: name, id, model, dataset, created, questions, planned, value, stderr, ci95
        (None: no interval); and problem, for a run that is damaged."""
        return self._core.list()

    def load(self, run: str = "last") -> Run:
        """The run of a name, the beginning of an id, "last" or "last~1"."""
        return Run(self._core.load(run))

    def remove(self, run: str) -> None:
        """Removes a run, and the answers that no other run has."""
        self._core.remove(run)

    def __iter__(self) -> Iterator[Run]:
        """The runs, the latest first; those that are damaged are left out (list() says which, and why)."""
        return (self.load(info["id"]) for info in self.list() if "problem" not in info)

    def __len__(self) -> int:
        return len(self.list())
