#!/usr/bin/env python3
"""Draws the pictures of docs/gallery.md.

    HRE_PROGRAM=build/release/src/hre tools/make_gallery.py

Runs the commands that the gallery shows, in a scratch folder, and keeps each figure at 110 dots an inch in
docs/gallery/. Some figures need models that no repository holds: these are drawn from made-up runs (the sample's run of
baseline:zstd, with scores moved at random) and from the made-up study of tools/make_example_study.py.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import report_data  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("HRE_PROGRAM", ROOT / "build/release/src/hre")).resolve()
FROM_THE_SAMPLE = ["headline", "dialogue", "votes", "appendix_votes", "overall_mean", "forest", "rank_intervals"]
FROM_MADE_UP_RUNS = ["bits_per_byte", "value_speed", "training_steps"]
FROM_A_MADE_UP_STUDY = [
    "pythia",
    "appendix_pythia",
    "pythia_overall",
    "starcoder",
    "starcoder_overall",
    "starcoder_spearman",
    "appendix_starcoder_spearman",
    "ChatArena",
    "corr",
]


def made_up_runs(base):
    """Steps of one training, each nearer to people's votes than the one before."""
    for i in range(6):
        run = report_data.other_model(base, f"example-step{(i + 1) * 1000}", i, spread=0.4 - 0.05 * i)
        for question in run["questions"]:
            votes = [answer["votes"] for answer in question["answers"]]
            for answer in question["answers"]:
                answer["score"] += 0.04 * i * (answer["votes"] - min(votes)) / max(1, max(votes) - min(votes))
                answer["sum_log_prob"] = answer["score"] * answer["n_chars"]
            question["pearson"] = report_data.pearson(votes, [answer["score"] for answer in question["answers"]])
        run["times"].update({"positions": 60000, "positions_unshared": 120000, "score_seconds": 20 + 35 * i})
        yield run


def main():
    out = ROOT / "docs" / "gallery"
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        run = lambda *arguments: subprocess.run(arguments, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        run(PROGRAM, "eval", "baseline:length", "baseline:zstd", "--data", "sample", "--json", "runs.json", "--details", "--quiet")
        run(PROGRAM, "report", "runs.json", "--out", "sample", "--quiet", "--study", ROOT / "tests/data/report/study.json")
        (folder / "made.json").write_text(json.dumps(list(made_up_runs(json.loads((folder / "runs.json").read_text())[1]))))
        run(PROGRAM, "report", "made.json", "--out", "made", "--quiet")
        for names, source in ((FROM_THE_SAMPLE + FROM_A_MADE_UP_STUDY, "sample"), (FROM_MADE_UP_RUNS, "made")):
            for name in names:
                run("pdftocairo", "-png", "-singlefile", "-r", "110", folder / source / "figures" / f"{name}.pdf", out / name)


if __name__ == "__main__":
    main()
