#!/usr/bin/env python3
"""Writes tests/data/datasets: small datasets by pyarrow and datasets, as other people's programs
would write them, and expected.json with what they hold; and from them fuzz/seeds. Texts are our own.

    python3 -m pip install pyarrow datasets
    python3 tools/make_data_fixtures.py
"""

import json
import pathlib
import shutil

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "data" / "datasets"

TOPICS = {  # topic: (published split, [(question, [(text, votes)])])
    "python": (
        "HumanRankEvalPython",
        [
            (
                "How do I reverse a list?",
                [("`items[::-1]` makes a reversed copy.", 12), ("Call items.reverse(); it works in place.", 30), ("No idea.", -2)],
            ),
            ("Why does 0.1 + 0.2 print 0.30000000000000004?", [("Binary fractions.", 7), ("", 0)]),
            (
                "¿Qué hace «yield»? 生成器 \U0001f40d",
                [
                    ("It makes a generator: ジェネレータ.", 3),
                    ("Nothing\tmuch.\n\nReally.", 1),
                    ("It waits.", 1),
                    ("See above.", 0),
                    ("It yields.", 2),
                ],
            ),
        ],
    ),
    "soft_eng": (
        "HumanRankEvalSoftEng",
        [
            ("Is a comment a failure?", [("Sometimes.", 4), ("A comment says why, code says how.", 41)]),
            ("Should tests be deleted?", [("When what they test is gone.", 5), ("Never.", 5), ("Zero\0byte.", -1)]),
        ],
    ),
}

STRING, LARGE = pa.string(), pa.large_string()


def rows_of(topic):
    return [
        {"question": question, "answers": [{"text": text, "votes": votes} for text, votes in answers]}
        for question, answers in TOPICS[topic][1]
    ]


def votes_as(kind, rows):
    return [{**row, "answers": [{**answer, "votes": kind(answer["votes"])} for answer in row["answers"]]} for row in rows]


def schema_of(question=STRING, text=STRING, votes=STRING, list_of=pa.list_, extra=()):
    answers = list_of(pa.struct([("text", text), ("votes", votes)]))
    return pa.schema([("question", question), ("answers", answers), *extra])


def write(name, rows, schema, **options):
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path, **options)


def write_stream(name, rows, schema):
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_stream(path, schema) as stream:
        stream.write_table(pa.Table.from_pylist(rows, schema), max_chunksize=2)


def write_expected():
    questions = [{"id": f"{topic}/{i:06}", "topic": topic, **row} for topic in TOPICS for i, row in enumerate(rows_of(topic))]
    (OUT / "expected.json").write_text(json.dumps(questions, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_equal():
    """Datasets that hold exactly what expected.json says, each written in another way."""
    for topic, (split, _) in TOPICS.items():
        rows = rows_of(topic)
        write(f"equal/published/data/{split}-00000-of-00001-0123456789abcdef.parquet", votes_as(str, rows), schema_of())
        write(f"equal/int_votes/{topic}.parquet", rows, schema_of(votes=pa.int64()), compression="gzip")
        write(f"equal/small_int_votes/{topic}.parquet", rows, schema_of(votes=pa.int8()), compression="none")
        write(f"equal/float_votes/{topic}.parquet", votes_as(float, rows), schema_of(votes=pa.float32()), data_page_version="2.0")
        write(f"equal/half_votes/{topic}.parquet", votes_as(float, rows), schema_of(votes=pa.float16()))
        write(
            f"equal/large/{split}.parquet",
            votes_as(str, rows),
            schema_of(LARGE, LARGE, LARGE, pa.large_list),
            compression="zstd",
            row_group_size=1,
        )
        write(f"equal/list_views/{split}.parquet", votes_as(str, rows), schema_of(list_of=pa.list_view))
        write_stream(f"equal/large_list_views/{split}.arrow", votes_as(str, rows), schema_of(list_of=pa.large_list_view))
        # As datasets stores a Sequence of structs.
        columns = [{**row, "answers": {key: [str(a[key]) for a in row["answers"]] for key in ("text", "votes")}} for row in rows]
        write(
            f"equal/struct_of_lists/{split}.parquet",
            columns,
            pa.schema([("question", STRING), ("answers", pa.struct([("text", pa.list_(STRING)), ("votes", pa.list_(STRING))]))]),
        )
        coded = pa.dictionary(pa.int16(), STRING)
        write(f"equal/dictionary/{split}.parquet", votes_as(str, rows), schema_of(coded, STRING, coded), write_page_checksum=True)
        view = pa.string_view()
        write_stream(f"equal/views/{split}.arrow", votes_as(str, rows), schema_of(view, view, view))
        extra = [dict(row, views=7, tags=["a", "b"], answers=[dict(a, author={"name": "x"}) for a in row["answers"]]) for row in rows]
        answer = pa.struct([("author", pa.struct([("name", STRING)])), ("votes", pa.int32()), ("text", STRING)])
        write(
            f"equal/extra_columns/{split}.parquet",
            extra,
            pa.schema([("tags", pa.list_(STRING)), ("answers", pa.list_(answer)), ("views", pa.int64()), ("question", STRING)]),
        )
        middle = len(rows) // 2
        for part, rows_of_part in enumerate([rows[:middle], rows[middle:]]):
            write(f"equal/parts/{split}-0000{part}-of-00002.parquet", votes_as(str, rows_of_part), schema_of())
    mixed = [dict(row, topic=topic) for topic in reversed(TOPICS) for row in votes_as(str, rows_of(topic))]
    write("equal/topic_column/train.parquet", mixed, schema_of(extra=[("topic", STRING), ("id", STRING)]))

    saved = {split: datasets.Dataset.from_list(votes_as(str, rows_of(topic))) for topic, (split, _) in TOPICS.items()}
    datasets.DatasetDict(saved).save_to_disk(OUT / "equal" / "saved_dict")
    datasets.DatasetDict(saved).save_to_disk(OUT / "equal" / "saved_parts", num_shards={split: 2 for split in saved})
    whole = datasets.Dataset.from_list([dict(row, topic=topic) for topic in TOPICS for row in rows_of(topic)])
    whole.save_to_disk(OUT / "equal" / "saved_one")
    # Rows that are not next to each other are saved as a copy, in this order.
    order = [row["question"] for topic in TOPICS for row in rows_of(topic)]
    shuffled = whole.sort("question")
    shuffled.select([shuffled["question"].index(question) for question in order]).save_to_disk(OUT / "equal" / "saved_selection")


def one_row(question="Q", answers=(("A", "1"), ("B", "2")), **more):
    return {"question": question, "answers": [None if a is None else {"text": a[0], "votes": a[1]} for a in answers], **more}


def write_bad():
    good = one_row()
    write("bad/votes_text.parquet", [good, one_row(answers=[("A", "1"), ("B", "many")])], schema_of())
    write("bad/votes_nan.parquet", [one_row(answers=[("A", 1.0), ("B", float("nan"))])], schema_of(votes=pa.float64()))
    write("bad/votes_null.parquet", [good, good, one_row(answers=[("A", "1"), ("B", None)])], schema_of())
    write("bad/votes_bool.parquet", [one_row(answers=[("A", True), ("B", False)])], schema_of(votes=pa.bool_()))
    write("bad/text_null.parquet", [good, one_row(answers=[(None, "1"), ("B", "2")])], schema_of())
    write("bad/answer_null.parquet", [good, one_row(answers=[("A", "1"), None])], schema_of())
    write("bad/answers_null.parquet", [good, {"question": "Q", "answers": None}], schema_of())
    write("bad/one_answer.parquet", [good, one_row(answers=[("A", "1")])], schema_of())
    write("bad/question_null.parquet", [good, one_row(question=None)], schema_of())
    write("bad/question_int.parquet", [one_row(question=3)], schema_of(question=pa.int64()))
    write(
        "bad/answers_text.parquet",
        [{"question": "Q", "answers": ["A", "B"]}],
        pa.schema([("question", STRING), ("answers", pa.list_(STRING))]),
    )
    write(
        "bad/answers_struct.parquet",
        [{"question": "Q", "answers": {"text": ["A", "B"], "votes": ["1"]}}],
        pa.schema([("question", STRING), ("answers", pa.struct([("text", pa.list_(STRING)), ("votes", pa.list_(STRING))]))]),
    )
    write(
        "bad/no_votes.parquet",
        [{"question": "Q", "answers": [{"text": "A"}]}],
        pa.schema([("question", STRING), ("answers", pa.list_(pa.struct([("text", STRING)])))]),
    )
    write("bad/no_answers.parquet", [{"question": "Q", "reply": "A"}], pa.schema([("question", STRING), ("reply", STRING)]))
    write("bad/id_twice.parquet", [one_row(id="x"), one_row(id="y"), one_row(id="x")], schema_of(extra=[("id", STRING)]))
    write("bad/no_rows.parquet", [], schema_of())

    # Text that is not UTF-8 can only be made from bytes.
    raw = b"fine" + b"caf\xe9 in Latin-1"
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 4, len(raw))))
    question = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(raw))
    answers = pa.array([good["answers"]] * 2, schema_of().field("answers").type)
    pq.write_table(pa.Table.from_arrays([question, answers], schema=schema_of()), OUT / "bad" / "latin1.parquet")

    whole = (OUT / "equal/published/data/HumanRankEvalPython-00000-of-00001-0123456789abcdef.parquet").read_bytes()
    (OUT / "bad" / "truncated.parquet").write_bytes(whole[: len(whole) // 2])
    (OUT / "bad" / "empty.parquet").write_bytes(b"")
    (OUT / "bad" / "text.parquet").write_text("This is no parquet.\n")

    table = pa.Table.from_pylist([good], schema_of())
    with pa.ipc.new_file(OUT / "bad" / "feather.arrow", table.schema) as file:
        file.write_table(table)
    shutil.copytree(OUT / "equal" / "saved_dict", OUT / "bad" / "saved_truncated")
    arrow = OUT / "bad" / "saved_truncated" / "HumanRankEvalSoftEng" / "data-00000-of-00001.arrow"
    arrow.write_bytes(arrow.read_bytes()[:-8])
    shutil.copytree(OUT / "equal" / "saved_dict", OUT / "bad" / "saved_missing")
    (OUT / "bad" / "saved_missing" / "HumanRankEvalSoftEng" / "data-00000-of-00001.arrow").unlink()


def write_seeds():
    """A few of the files, for the fuzz targets to begin with."""
    seeds = {
        "data_parquet": [
            "equal/published/data/HumanRankEvalSoftEng-00000-of-00001-0123456789abcdef.parquet",
            "equal/small_int_votes/soft_eng.parquet",
            "equal/large/HumanRankEvalSoftEng.parquet",
            "equal/dictionary/HumanRankEvalSoftEng.parquet",
            "equal/topic_column/train.parquet",
        ],
        "data_arrow": [
            "equal/saved_one/data-00000-of-00001.arrow",
            "equal/views/HumanRankEvalSoftEng.arrow",
            "equal/saved_dict/HumanRankEvalSoftEng/data-00000-of-00001.arrow",
        ],
    }
    for target, names in seeds.items():
        folder = ROOT / "fuzz" / "seeds" / target
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for i, name in enumerate(names):
            shutil.copy(OUT / name, folder / f"{i}{pathlib.Path(name).suffix}")
    folder = ROOT / "fuzz" / "seeds" / "data_jsonl"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = [
        dict(row, topic=topic, id=i if i else "own", more=[{"deep": [None, True, 1.5e3]}])
        for topic in TOPICS
        for i, row in enumerate(votes_as(str if topic == "python" else int, rows_of(topic)))
    ]
    for ascii_only in (True, False):
        text = "".join(json.dumps(line, ensure_ascii=ascii_only) + "\r\n\n" for line in lines)
        (folder / f"{int(ascii_only)}.jsonl").write_text(text, encoding="utf-8")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    write_expected()
    write_equal()
    write_bad()
    write_seeds()


if __name__ == "__main__":
    main()
