"""Functions of human_rank_eval.yaml; hre.lm_eval explains them."""

from hre.lm_eval import best, choices, context, load, mean, process_results  # noqa: F401
