#!/usr/bin/env python3
"""Logs of other harnesses, written by these harnesses themselves: 30 questions about prime numbers, which are hre's own, answered
twice by chance.

    PYTHON tools/harness_logs.py lm_eval|inspect_ai|lighteval|olmo_eval FOLDER [--all]

PYTHON has the harness. --all: in its other formats too, which are large. FOLDER gets two runs' logs and said.json, what the harness says of them: {"harness", "version", "items",
"logs": {METRIC: [[FILE, mean, standard error], ...]}}. tests/data/logs holds what this wrote; tests/test_item_logs.py compares it
with what hre says, and runs this again where there is such a Python.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import types

QUESTIONS = [
    {"text": f"Is {n} a prime number?", "choices": ["yes", "no"], "gold": int(any(n % k == 0 for k in range(2, n)))} for n in range(2, 32)
]
SEEDS = (1, 2)


def write_questions(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(question) + "\n" for question in QUESTIONS))


def lm_eval(out, _):
    """Its dummy model answers by chance."""
    write_questions(pathlib.Path("questions.jsonl"))
    pathlib.Path("tasks").mkdir()
    pathlib.Path("tasks/primes.yaml").write_text(
        "task: primes\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: questions.jsonl\ntest_split: test\n"
        "output_type: multiple_choice\ndoc_to_text: text\ndoc_to_choice: choices\ndoc_to_target: gold\nmetric_list:\n  - metric: acc\n"
    )
    logs = []
    for seed in SEEDS:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "lm_eval",
                "--model",
                "dummy",
                "--tasks",
                "primes",
                "--include_path",
                "tasks",
                "--log_samples",
                "--output_path",
                f"results{seed}",
                "--seed",
                str(seed),
            ],
            check=True,
            stdout=sys.stderr,
        )
        samples = next(pathlib.Path(f"results{seed}").rglob("samples_primes_*.jsonl"))
        result = json.loads(next(pathlib.Path(f"results{seed}").rglob("results_*.json")).read_text())["results"]["primes"]
        (out / f"run{seed}").mkdir()
        shutil.copy(samples, out / f"run{seed}")
        logs.append([f"run{seed}/{samples.name}", result["acc,none"], result["acc_stderr,none"]])
    return {"acc": logs}


def inspect_ai(out, all_formats):
    """Three epochs of a scorer with one value and one with two."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import Score, accuracy, match, scorer, stderr
    from inspect_ai.solver import solver

    @solver
    def answer(seed):
        choose = random.Random(seed)

        async def solve(state, generate):
            state.output = ModelOutput.from_content("mockllm/model", choose.choice(["yes", "no"]))
            return state

        return solve

    @scorer(metrics={"right": [accuracy(), stderr()], "length": [accuracy(), stderr()]})
    def both():
        async def score(state, target):
            return Score(value={"right": state.output.completion == target.text, "length": len(state.output.completion) / 3})

        return score

    logs = {}
    for kind in ("eval", "json") if all_formats else ("eval",):
        for seed in SEEDS:
            task = Task(
                name="primes",
                dataset=[Sample(input=q["text"], target=q["choices"][q["gold"]]) for q in QUESTIONS],
                solver=answer(seed),
                scorer=[match(), both()],
            )
            log = eval(task, model="mockllm/model", epochs=3, log_dir="logs", log_format=kind, display="none", log_realtime=False)[0]
            name = f"run{seed}.{kind}"
            shutil.copy(log.location.removeprefix("file://"), out / name)
            for one in log.results.scores:
                metric = one.name if one.name == one.scorer else f"{one.scorer}:{one.name}"
                logs.setdefault(metric, []).append([name, one.metrics["accuracy"].value, one.metrics["stderr"].value])
    return logs


def lighteval(out, _):
    """Its dummy model answers by chance."""
    write_questions(pathlib.Path("data/test.jsonl"))
    pathlib.Path("tasks.py").write_text("""
from lighteval.metrics.metrics import Metrics
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc

def prompt(line, task_name=None):
    return Doc(task_name=task_name, query=line["text"], choices=line["choices"], gold_index=line["gold"])

TASKS_TABLE = [LightevalTaskConfig(name="primes", prompt_function=prompt, hf_repo="data", hf_subset="default", hf_avail_splits=["test"],
                                   evaluation_splits=["test"], metrics=[Metrics.loglikelihood_acc])]
""")
    from lighteval.logging.evaluation_tracker import EvaluationTracker
    from lighteval.models.dummy.dummy_model import DummyModelConfig
    from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters
    from lighteval.tasks.registry import Registry

    # Only the task above: some of those that it brings fetch files when they are imported.
    Registry._load_from_files = Registry._load_from_subdirs = staticmethod(lambda *arguments: {})
    logs = []
    for seed in SEEDS:
        pipeline = Pipeline(
            tasks="primes",
            evaluation_tracker=EvaluationTracker(output_dir="results", save_details=True),
            pipeline_parameters=PipelineParameters(launcher_type=ParallelismManager.NONE, custom_tasks_directory="tasks.py"),
            model_config=DummyModelConfig(model_name=f"dummy{seed}", seed=seed, cache_dir="cache"),
        )
        pipeline.evaluate()
        pipeline.save_and_push_results()
        results = pipeline.get_results()["results"]
        result = next(results[name] for name in results if name.startswith("primes"))
        details = next(pathlib.Path(f"results/details/dummy{seed}").rglob("*.parquet"))
        # The folders name model and date.
        folder = out / details.parent.relative_to("results/details")
        folder.mkdir(parents=True)
        shutil.copy(details, folder)
        logs.append([str((folder / details.name).relative_to(out)), result["acc"], result["acc_stderr"]])
    return {"acc": logs}


def olmo_eval(out, _):
    """Predictions by its builder and writer, of answers by chance that its scorers scored; it states no standard errors. It is not on
    PyPI: PYTHONPATH names the folder src of its repository."""
    # Only these modules: what stands around them needs vLLM and more.
    for name in ("olmo_eval", "olmo_eval.runners", "olmo_eval.runners.io"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [os.path.join(folder, *name.split(".")) for folder in sys.path]
    from olmo_eval.common.metrics import AccuracyMetric, BPBMetricInstanceAvg
    from olmo_eval.common.types import Instance, LMOutput, LMRequest, RequestType, Response
    from olmo_eval.runners.io.builders import build_predictions
    from olmo_eval.runners.io.writers import write_predictions_jsonl

    metrics = (AccuracyMetric(), BPBMetricInstanceAvg())
    logs = {"accuracy:exact_match": [], "bits_per_byte": []}
    for seed in SEEDS:
        choose = random.Random(seed)
        responses = []
        for i, question in enumerate(QUESTIONS):
            instance = Instance(question["text"], question["choices"][question["gold"]], metadata={"id": f"prime-{i + 2}"})
            text = choose.choice(question["choices"])
            output = LMOutput(text, extracted_answer=text, logprobs=[{"token": text, "logprob": -choose.random()}])
            response = Response(instance, LMRequest(RequestType.COMPLETION, prompt=question["text"]), [output])
            for metric in metrics:
                scorer = metric.scorer()
                response.scores[scorer.name] = scorer.score(instance, output)
            responses.append(response)
        write_predictions_jsonl(str(out), "primes", build_predictions(responses, metrics), f"run{seed}", "a1b2c3")
        file = next((out / "predictions" / f"run{seed}").iterdir()).relative_to(out)
        for metric, name in zip(metrics, logs):
            logs[name].append([str(file), metric.compute(responses), None])
    return logs


def main():
    writers = {write.__name__: write for write in (lm_eval, inspect_ai, lighteval, olmo_eval)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("harness", choices=writers)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--version", help="of a harness that is not installed")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ.update(HF_HOME=f"{folder}/hf", HF_HUB_OFFLINE="1", LIGHTEVAL_DISABLE_TQDM="1", HOME=folder, PYTHONWARNINGS="ignore")
        logs = writers[arguments.harness](out, arguments.all)
        os.chdir("/")
    said = {
        "harness": arguments.harness,
        "version": arguments.version or importlib.metadata.version(arguments.harness),
        "items": len(QUESTIONS),
        "logs": logs,
    }
    (out / "said.json").write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    main()
