"""lm-evaluation-harness: HumanRankEval as a task of its own, and its models as scorers of hre.

As a task, on any model that the harness knows:

    lm_eval --model hf --model_args pretrained=HuggingFaceTB/SmolLM2-135M-Instruct \\
        --tasks human_rank_eval --include_path "$(python -m hre.lm_eval)"

evaluates on the published dataset; --metadata '{"data": "sample"}' names another (what hre.load_dataset takes). The other way
round, with all of hre's statistics:

    run = hre.evaluate(hre.lm_eval.Model(lm), "sample")
"""

import os

import hre
from hre import _core

#: The folder that holds the task, for --include_path.
TASKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lm_eval_tasks")


class Model:
    """A model of lm-evaluation-harness (an lm_eval.api.model.LM) as a model of hre.

    The harness gives an answer's sum of log-probabilities alone, and no tokens. name: as results show it. fingerprint: a text that
    changes whenever the weights do; a store needs it.

    >>> import hre, hre.lm_eval
    >>> class Lm:  # in place of lm_eval.models.huggingface.HFLM(...)
    ...     def loglikelihood(self, requests):
    ...         return [(-0.5 * len(request.args[1]), False) for request in requests]
    >>> hre.evaluate(hre.lm_eval.Model(Lm(), name="mine"), "sample", topics=["python"], limit=2, progress=False).model
    'mine'
    """

    batch_questions = 64

    def __init__(self, lm, *, name=None, fingerprint=""):
        config = getattr(getattr(lm, "config", None), "_name_or_path", None)
        self._lm, self.name, self.fingerprint = lm, name or config or type(lm).__name__, fingerprint
        self.settings = {"engine": f"lm-evaluation-harness, {type(lm).__name__}"}

    def loglikelihoods(self, pairs):
        """Each (context, continuation)'s log-likelihood in nats."""
        from lm_eval.api.instance import Instance

        requests = [Instance("loglikelihood", {}, pair, i) for i, pair in enumerate(pairs)]
        return [[float(answer[0])] for answer in self._lm.loglikelihood(requests)]


def load(data=None, **_metadata):
    """The dataset as the harness has its datasets: a split "test" with a row for each question."""
    import datasets

    questions = hre.load_dataset(data)
    return {"test": datasets.Dataset.from_list([questions.question(i) for i in range(len(questions))])}


def context(doc):
    """The published prompt."""
    return f"Question: {doc['question']}\nAnswer:"


def choices(doc):
    return [answer["text"] for answer in doc["answers"]]


def best(doc):
    """The answer with the most votes."""
    votes = [answer["votes"] for answer in doc["answers"]]
    return votes.index(max(votes))


def process_results(doc, results):
    """A question's metrics from its answers' log-likelihoods; those that are undefined are left out."""
    votes = [float(answer["votes"]) for answer in doc["answers"]]
    values = _core.question_metrics(votes, [float(result[0]) for result in results], choices(doc))
    return {name: value for name, value in values.items() if value is not None}


def mean(values):
    return sum(values) / len(values) if values else float("nan")


if __name__ == "__main__":
    print(TASKS)
