"""Token ids of the shared vocabularies, against what Hugging Face's tokenizers and SentencePiece gave for the same texts.

tests/data/tokens.json keeps checksums and which texts differ; tools/models/tokens.py makes it.
"""

import json
import sys
import unittest

from program import PROGRAM, SOURCE_DIR, ProgramTest, clean_environment, shared_data

sys.path.append(str(SOURCE_DIR / "tools" / "models"))
import tokens  # noqa: E402

EXPECTED = json.loads((SOURCE_DIR / "tests" / "data" / "tokens.json").read_text(encoding="utf-8"))


class TokensTest(ProgramTest):
    def check(self, name, texts):
        for vocabulary, sets in EXPECTED.items():
            expected = sets[name]
            with self.subTest(vocabulary=vocabulary):
                found = tokens.hre_ids(PROGRAM, shared_data(f"tokenizers/{vocabulary}"), texts, clean_environment())
                same = [tokens.checksum(ids) for i, ids in enumerate(found) if i not in expected["differ"]]
                self.assertEqual(len(texts), len(found))
                self.assertEqual(expected["checksum"], tokens.checksum(same))

    def test_real_questions(self):
        shared_data("questions/data")
        for sets in EXPECTED.values():
            self.assertEqual([], sets["real"]["differ"])
        self.check("real", tokens.question_texts(PROGRAM, shared_data("."), clean_environment()))

    def test_hostile_texts(self):
        shared_data("tokenizers")
        self.check("hostile", tokens.hostile_texts())


if __name__ == "__main__":
    unittest.main()
