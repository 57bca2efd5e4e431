"""third_party/engine.patch: the engine that hre was built with has it, and it goes onto nothing else."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from program import SOURCE_DIR, ProgramTest

PATCH = SOURCE_DIR / "third_party" / "engine.patch"
SOURCES = pathlib.Path(os.environ.get("HRE_ENGINE_SOURCES") or SOURCE_DIR / "build" / "deps" / "llama.cpp")
FILES = re.findall(r"^\+\+\+ b/(\S+)$", PATCH.read_text(encoding="utf-8"), re.MULTILINE)


class EnginePatchTest(ProgramTest):
    def apply(self, folder, *options):
        """What patch says, called as tools/setup.sh does."""
        return subprocess.run(
            ["patch", "-d", folder, "-p1", "--fuzz=0", "--no-backup-if-mismatch", "--reject-file=-", *options],
            stdin=PATCH.open(),
            capture_output=True,
            text=True,
            check=False,
        )

    def unpatched(self):
        """The files that the patch changes, as llama.cpp has them."""
        folder = self.folder / "sources"
        for name in FILES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCES / name, folder / name)
        done = self.apply(folder, "--reverse")
        self.assertEqual(0, done.returncode, f"{SOURCES} has another patch than {PATCH}: run tools/setup.sh\n{done.stdout}")
        return folder

    def setUp(self):
        super().setUp()
        if not SOURCES.exists():
            self.skipTest(f"{SOURCES} is not there (HRE_ENGINE_SOURCES names the engine's sources)")

    def test_the_sources_have_it(self):
        folder = self.unpatched()
        self.assertFalse((folder / "ggml/include/hre-engine.h").exists())
        done = self.apply(folder, "--forward")
        self.assertEqual(0, done.returncode, done.stdout)
        for name in FILES:
            self.assertEqual((SOURCES / name).read_bytes(), (folder / name).read_bytes(), name)

    def test_it_goes_onto_no_other_line(self):
        folder = self.unpatched()
        path = folder / "src/llama-context.cpp"
        text = path.read_text(encoding="utf-8")
        self.assertEqual(1, text.count("bool has_logits     = true;"))
        path.write_text(text.replace("bool has_logits     = true;", "bool has_logits     = false;"), encoding="utf-8")
        done = self.apply(folder, "--forward", "--dry-run")
        self.assertNotEqual(0, done.returncode)
        self.assertRegex(done.stdout, r"llama-context.cpp\nHunk #\d FAILED")

    def test_its_number_is_in_the_program(self):
        number = re.search(r"^\+#define HRE_ENGINE_PATCH (\d+)$", PATCH.read_text(encoding="utf-8"), re.MULTILINE)[1]
        self.assertEqual(int(number), self.need_own_engine())
        self.assertIn(f"hre_engine_patch_{number}\n", PATCH.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
