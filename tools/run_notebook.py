"""Runs a notebook's cells in order, as Jupyter does, and fails where one of them fails. Needs nothing but what the cells import.

    PYTHONPATH=build/release/python python3 tools/run_notebook.py docs/python.ipynb [--write]

With --write the notebook keeps the new outputs; otherwise outputs that are of another kind, or whose text differs in more than
its numbers, are told, and the exit status is 1.
"""

import ast
import contextlib
import io
import json
import os
import pathlib
import re
import sys
import traceback


def run_cell(source, names):
    """The cell's outputs, as a notebook's file has them."""
    tree, printed, value = ast.parse(source), io.StringIO(), None
    last = ast.Expression(tree.body.pop().value) if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), names)
        if last is not None:
            value = eval(compile(last, "<cell>", "eval"), names)
    outputs = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": printed.getvalue().splitlines(keepends=True)})
    if value is not None:
        data = {"text/html": value._repr_html_().splitlines(keepends=True)} if hasattr(value, "_repr_html_") else {}
        data["text/plain"] = repr(value).splitlines(keepends=True)
        outputs.append({"data": data, "execution_count": None, "metadata": {}, "output_type": "execute_result"})
    return outputs


def shape(outputs):
    """Outputs without their numbers and the width of their columns."""
    return re.sub(r"[-+\d.,e ]+", " ", json.dumps([output.get("data", output.get("text")) for output in outputs], ensure_ascii=False))


def main(path, write=""):
    path = pathlib.Path(path).resolve()
    notebook = json.loads(path.read_text(encoding="utf-8"))
    os.chdir(path.parent)
    names, different = {"__name__": "__main__"}, 0
    for count, cell in enumerate((cell for cell in notebook["cells"] if cell["cell_type"] == "code"), 1):
        try:
            outputs = run_cell("".join(cell["source"]), names)
        except Exception:
            sys.exit(f"cell {count}:\n{''.join(cell['source'])}\n\n{traceback.format_exc()}")
        if not write and shape(outputs) != shape(cell["outputs"]):
            different += 1
            print(f"cell {count} gives\n{json.dumps(outputs, indent=1)}\nand the notebook has\n{json.dumps(cell['outputs'], indent=1)}")
        for output in outputs:
            if "execution_count" in output:
                output["execution_count"] = count
        cell["execution_count"], cell["outputs"] = count, outputs
    if write:
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{count} cells, {different} different" + ("; with --write the notebook keeps what they give now" if different else ""))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
