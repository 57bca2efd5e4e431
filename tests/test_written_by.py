"""What earlier versions wrote is read for ever: stores, run files, datasets, recipes and policies, one archive a version, each made by
that version's own program (tests/data/written_by/VERSION.tar.xz; tests/data/store has the store's earlier formats).

An archive holds a dump of two sites (SITE/Posts.xml); set, the dataset that `hre data build` made of it, with its recipe;
questions.jsonl, the same by `hre data convert`; length.json and model.json, what `hre eval --json --details` said of
baseline:length and, with its tokens, of hre-base-q8_0 on one of the topics; store.db, the store with both runs; and gate.toml with
gate.json. A release adds its archive; none is ever made anew.
"""

import json
import shutil
import tarfile
import unittest

from program import SOURCE_DIR, ProgramTest

ARCHIVES = sorted((SOURCE_DIR / "tests" / "data" / "written_by").glob("*.tar.xz"))


def without(run, *names):
    return {name: value for name, value in run.items() if name not in names}


class WrittenByTest(ProgramTest):
    def each(self):
        """Each version's files in a folder of the test's own."""
        self.assertTrue(ARCHIVES)
        for archive in ARCHIVES:
            with self.subTest(version=archive.name.removesuffix(".tar.xz")):
                with tarfile.open(archive) as files:
                    files.extractall(self.folder)
                yield
                for path in self.folder.iterdir():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def contains(self, new, old, place=""):
        """Whatever the older file says, the newer one says too; it may say more."""
        if isinstance(old, dict):
            for name, value in old.items():
                self.assertIn(name, new, place)
                self.contains(new[name], value, f"{place}.{name}")
        elif isinstance(old, list):
            self.assertEqual(len(old), len(new), place)
            for i, value in enumerate(old):
                self.contains(new[i], value, f"{place}[{i}]")
        elif isinstance(old, float):
            self.assertAlmostEqual(old, new, delta=1e-12, msg=place)
        else:
            self.assertEqual(old, new, place)

    def test_stores(self):
        for _ in self.each():
            for name in ("length", "model"):
                run = json.loads(self.run_hre("runs", "export", name, "--store", "store.db").stdout)
                old = self.read_json(f"{name}.json")
                for key in ("results", "questions", "config", "model", "dataset", "format", "planned", "partial"):
                    self.contains(run[key], old[key], f"{name}.{key}")

    def test_a_stored_evaluation_is_reused(self):
        for _ in self.each():
            done = self.run_hre("eval", "baseline:length", "--data", "set", "--store", "store.db", "--json", "again.json", "--details")
            self.assertIn("12 of 12 questions reused", done.stdout + done.stderr)
            self.contains(self.read_json("again.json")["questions"], self.read_json("length.json")["questions"])
            # And a new one has the same values.
            self.run_hre("eval", "baseline:length", "--data", "set", "--store", "none", "--json", "new.json", "--details", "--quiet")
            self.contains(self.read_json("new.json")["results"], self.read_json("length.json")["results"])

    def test_run_files(self):
        for _ in self.each():
            for name in ("length", "model"):
                old = self.read_json(f"{name}.json")
                run = json.loads(self.run_hre("runs", "export", f"{name}.json").stdout)
                for key in ("results", "questions", "model", "dataset"):
                    self.contains(run[key], old[key], f"{name}.{key}")
                self.run_hre("runs", "import", f"{name}.json", "--store", "new.db")
            listed = self.run_hre("runs", "list", "--store", "new.db").stdout
            self.assertRegex(listed, r"(?m)^baseline-length-set +0\.21 +12 ")
            self.assertRegex(listed, r"(?m)^hre-base-q8_0-set +-0\.22 +6 ")
            self.run_hre("report", "length.json", "model.json", "--data", "set", "--out", "report", "--quiet")
            self.run_hre("compare", "length.json", "model.json", "--json", "compare.json")
            self.assertEqual(6, self.read_json("compare.json")["questions"]["shared"])

    def test_datasets(self):
        for _ in self.each():
            for data in ("set", "questions.jsonl"):
                self.run_hre("data", "convert", data, "again.jsonl", "--quiet", "--force")
                self.assertEqual((self.folder / "questions.jsonl").read_text(), (self.folder / "again.jsonl").read_text())
            self.run_hre("eval", "baseline:length", "--data", "set", "--where", "votes>=10", "--json", "some.json", "--quiet")
            self.assertLess(0, self.read_json("some.json")["planned"])

    def test_recipes_and_policies(self):
        for _ in self.each():
            self.run_hre("data", "build", "--recipe", "set/recipe.toml", "--dumps", ".", "--out", "again", "--quiet")
            self.run_hre("data", "convert", "again", "again.jsonl", "--quiet")
            self.assertEqual((self.folder / "questions.jsonl").read_text(), (self.folder / "again.jsonl").read_text())
            self.run_hre("gate", "length.json", "--against", "length.json", "--policy", "gate.toml", "--json", "new.json", status=4)
            self.contains(without(self.read_json("new.json"), "command"), without(self.read_json("gate.json"), "command"))


if __name__ == "__main__":
    unittest.main()
