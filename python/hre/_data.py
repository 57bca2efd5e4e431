"""DATA: what the command line takes, tables in memory, and plain Python."""

import os
from collections.abc import Mapping
from typing import Any

from . import _core
from ._progress import listener

Dataset = _core.Dataset


def _stream(table):
    """A table's Arrow C stream, or None. A datasets.Dataset may hold its rows by an index: it gives them in their order."""
    if hasattr(table, "with_format") and hasattr(table, "features"):
        table = table.with_format("arrow")[:]
    return table.__arrow_c_stream__() if hasattr(table, "__arrow_c_stream__") else None


def load_dataset(data: Any = None, *, name: str | None = None, progress: Any = False) -> Dataset:
    """Questions with the answers that people wrote and voted on.

    data: "sample"; a file or folder of parquet, Arrow or JSON lines; hf:ORG/REPO; None for the published dataset (fetched
      from the hub); a datasets.Dataset or DatasetDict, whose splits are topics; a pandas, polars or pyarrow table with the
      columns question (a string) and answers (a list of structs of text and votes), and if wanted topic and id; or an
      iterable of dictionaries with those keys. Tables are read by Arrow's C interface, without a copy.
    name: what results call the data that has no name of its own.

    >>> import hre
    >>> data = hre.load_dataset([{"topic": "tea", "question": "How hot?", "answers": [
    ...     {"text": "90 degrees for green tea is too much: 70.", "votes": 12}, {"text": "Hot.", "votes": -1}]}], name="tea")
    >>> len(data), data.name
    (1, 'tea')

    Raises hre.InputError for what is not there or has another form; the text names row and column.
    """
    if isinstance(data, Dataset):
        return data
    if data is None or isinstance(data, (str, os.PathLike)):
        return _core.load_dataset("" if data is None else os.fspath(data), listener(progress))
    name = name or "data"
    if isinstance(data, Mapping) and "question" not in data:
        return _core.dataset_of_streams([(split, _stream(table)) for split, table in data.items()], name)
    stream = _stream(data)
    if stream is not None:
        return _core.dataset_of_streams([(name, stream)], name)
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        data = data.to_dict("records")  # a pandas of before Arrow's interface
    return _core.dataset_of_rows(data, name)
