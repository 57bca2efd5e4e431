/// A disk that fails: every write, sync and read of a scenario in turn. Whatever fails, nothing stored before is lost
/// or changed, what is found is right, SQLite's own check finds the file sound, and the next evaluation goes on.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <random>

#include "hre/store.h"
#include "store/schema.h"
#include "store/session.h"
#include "store/test_run.h"

namespace hre::store {
namespace {

enum class Fault {
  kNone,
  kWriteOnce,  // the nth write fails, and the next ones work
  kFull,       // the nth write and all after it find the disk full
  kSyncOnce,   // the nth sync fails
  kTorn,       // the nth write leaves half of its bytes, and nothing works after it: the power is gone
  kReadOnce,   // the nth read fails
};

/// The faults of all files that are opened through the VFS. The writer's thread uses it too.
struct Disk {
  std::atomic<Fault> fault = Fault::kNone;
  std::atomic<int64_t> countdown = 0;
  std::atomic<int64_t> writes = 0, syncs = 0, reads = 0;
  std::atomic<bool> dead = false;

  void set(Fault new_fault, int64_t nth) {
    fault = new_fault;
    countdown = nth;
    writes = syncs = reads = 0;
    dead = false;
  }
  bool strikes() { return --countdown == 0; }
};

Disk disk;

struct FaultyFile {
  sqlite3_file base;
  sqlite3_file* real;  // behind this struct, in the same allocation
};

sqlite3_file* real_of(sqlite3_file* file) { return reinterpret_cast<FaultyFile*>(file)->real; }

int faulty_read(sqlite3_file* file, void* buffer, int n, sqlite3_int64 offset) {
  ++disk.reads;
  if (disk.fault == Fault::kReadOnce && disk.strikes()) return SQLITE_IOERR_READ;
  return real_of(file)->pMethods->xRead(real_of(file), buffer, n, offset);
}

int faulty_write(sqlite3_file* file, const void* buffer, int n, sqlite3_int64 offset) {
  ++disk.writes;
  if (disk.dead) return SQLITE_IOERR_WRITE;
  sqlite3_file* real = real_of(file);
  if (disk.fault == Fault::kWriteOnce && disk.strikes()) return SQLITE_IOERR_WRITE;
  if (disk.fault == Fault::kFull && (disk.countdown <= 1 || disk.strikes())) return SQLITE_FULL;
  if (disk.fault == Fault::kTorn && disk.strikes()) {
    real->pMethods->xWrite(real, buffer, n / 2, offset);
    disk.dead = true;
    return SQLITE_IOERR_WRITE;
  }
  return real->pMethods->xWrite(real, buffer, n, offset);
}

int faulty_sync(sqlite3_file* file, int flags) {
  ++disk.syncs;
  if (disk.dead) return SQLITE_IOERR_FSYNC;
  if (disk.fault == Fault::kSyncOnce && disk.strikes()) return SQLITE_IOERR_FSYNC;
  return real_of(file)->pMethods->xSync(real_of(file), flags);
}

int faulty_truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (disk.dead) return SQLITE_IOERR_TRUNCATE;
  return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

// The rest is handed on.
int close_file(sqlite3_file* file) { return real_of(file)->pMethods->xClose(real_of(file)); }
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
int lock(sqlite3_file* file, int level) { return real_of(file)->pMethods->xLock(real_of(file), level); }
int unlock(sqlite3_file* file, int level) { return real_of(file)->pMethods->xUnlock(real_of(file), level); }
int check_lock(sqlite3_file* file, int* out) { return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out); }
int control(sqlite3_file* file, int op, void* argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}
int sector_size(sqlite3_file* file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }
// Without promises of the device, such as atomic appends, SQLite takes every care.
int characteristics(sqlite3_file*) { return 0; }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}
void shm_barrier(sqlite3_file* file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return real_of(file)->pMethods->xShmUnmap(real_of(file), remove); }

const sqlite3_io_methods kMethods = {
    2,        close_file,  faulty_read, faulty_write, faulty_truncate, faulty_sync,     file_size,
    lock,     unlock,      check_lock,  control,      sector_size,     characteristics, shm_map,
    shm_lock, shm_barrier, shm_unmap,   nullptr,      nullptr};

sqlite3_vfs* real_vfs = nullptr;

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* faulty = reinterpret_cast<FaultyFile*>(file);
  faulty->real = reinterpret_cast<sqlite3_file*>(faulty + 1);
  std::memset(faulty->real, 0, static_cast<size_t>(real_vfs->szOsFile));
  const int code = real_vfs->xOpen(real_vfs, name, faulty->real, flags, out_flags);
  faulty->base.pMethods = faulty->real->pMethods == nullptr ? nullptr : &kMethods;
  return code;
}

/// Every store of the test program is opened through the faulty VFS from here on.
void use_faulty_disk() {
  static sqlite3_vfs vfs;
  if (real_vfs != nullptr) return;
  real_vfs = sqlite3_vfs_find(nullptr);
  vfs = *real_vfs;
  vfs.zName = "faulty";
  vfs.szOsFile = static_cast<int>(sizeof(FaultyFile)) + real_vfs->szOsFile;
  vfs.pNext = nullptr;
  vfs.xOpen = open_file;
  sqlite3_vfs_register(&vfs, 1);
}

constexpr int64_t kBefore = 40, kAll = 120;

/// One evaluation: what is there is found, the rest is scored and kept.
Status evaluate_all(const std::string& path, int64_t n) {
  const Run run = made_run("model", n);
  auto session = Session::begin(path, run, "", Stored::kStay);
  if (!session) return forward(session);
  const auto keys = made_keys(n);
  auto found = (*session)->find(keys);
  if (!found) return forward(found);
  Run done = run;
  for (int64_t i = 0; i < n; ++i) {
    done.questions.push_back(made_question(i));
    if (!(*found)[static_cast<size_t>(i)]) {
      (*session)->put(i, keys[static_cast<size_t>(i)], done.questions.back());
    }
  }
  return (*session)->finish(done);
}

/// Without faults: the file is sound, the first questions are there, and all that is there is right.
void expect_sound(const std::string& path, const std::string& what) {
  disk.set(Fault::kNone, 0);
  auto database = open_store(path, Open::kExisting);
  ASSERT_TRUE(database) << what << ": " << database.error().text();
  Statement check(**database, "PRAGMA integrity_check");
  ASSERT_TRUE(check.step()) << what;
  ASSERT_EQ(check.text(0), "ok") << what;
  auto session = Session::begin(path, made_run("model", kAll), "", Stored::kStay);
  ASSERT_TRUE(session) << what;
  const auto found = (*session)->find(made_keys(kAll));
  ASSERT_TRUE(found) << what;
  for (int64_t i = 0; i < kAll; ++i) {
    const auto& score = (*found)[static_cast<size_t>(i)];
    if (i < kBefore) {
      ASSERT_TRUE(score) << what << ": question " << i << " is lost";
    }
    if (score) {
      ASSERT_FALSE(score->damaged) << what << ": question " << i;
      ASSERT_TRUE(are_equal(score->answers, made_question(i).answers)) << what << ": question " << i;
    }
  }
}

class FaultsTest : public testing::TestWithParam<Fault> {
 protected:
  void SetUp() override {
    use_faulty_disk();
    disk.set(Fault::kNone, 0);
    ASSERT_TRUE(evaluate_all(scratch_.path("before.db"), kBefore));
  }

  std::string fresh_copy() {
    const std::string path = scratch_.path("runs.db");
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
    std::filesystem::copy_file(scratch_.path("before.db"), path);
    return path;
  }

  Scratch scratch_;
};

TEST_P(FaultsTest, NothingIsLostOrWrong) {
  std::string path = fresh_copy();
  disk.set(Fault::kNone, 0);
  ASSERT_TRUE(evaluate_all(path, kAll));
  const bool counts_syncs = GetParam() == Fault::kSyncOnce, counts_reads = GetParam() == Fault::kReadOnce;
  const int64_t n_faults = counts_syncs ? disk.syncs : counts_reads ? disk.reads : disk.writes;
  ASSERT_GT(n_faults, 5);
  int64_t failed = 0;
  for (int64_t n = 1; n <= n_faults; ++n) {
    const std::string what = "fault " + std::to_string(n) + " of " + std::to_string(n_faults);
    path = fresh_copy();
    disk.set(GetParam(), n);
    const Status status = evaluate_all(path, kAll);
    failed += status ? 0 : 1;
    expect_sound(path, what);
    if (HasFatalFailure()) return;
    disk.set(Fault::kNone, 0);
    const Status again = evaluate_all(path, kAll);
    ASSERT_TRUE(again) << what << ": " << again.error().text();
    auto store = RunStore::open(path);
    ASSERT_TRUE(store) << what;
    const auto run = store->load("last");
    ASSERT_TRUE(run) << what << ": " << run.error().text();
    ASSERT_EQ(static_cast<int64_t>(run->questions.size()), kAll) << what;
  }
  EXPECT_GT(failed, 0) << "no fault was ever felt";
}

std::string name_of(const testing::TestParamInfo<Fault>& info) {
  static const char* const kNames[] = {"none", "writes", "full", "syncs", "torn", "reads"};
  return kNames[static_cast<int>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(EveryOperation, FaultsTest,
                         testing::Values(Fault::kWriteOnce, Fault::kFull, Fault::kSyncOnce, Fault::kTorn,
                                         Fault::kReadOnce),
                         name_of);

/// Bytes of the file change under the store: what is read is either right or said to be damaged.
TEST(Rot, IsNeverTakenForAnAnswer) {
  use_faulty_disk();
  disk.set(Fault::kNone, 0);
  const Scratch scratch;
  const std::string path = scratch.path("runs.db");
  ASSERT_TRUE(evaluate_all(path, kAll));
  std::ifstream original(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(original)), {});
  constexpr uint64_t kSeed = 20260131;
  std::mt19937_64 random(kSeed);
  int noticed = 0;
  for (int round = 0; round < 200; ++round) {
    std::string rotten = bytes;
    for (int i = 0; i < 16; ++i)
      rotten[4096 + random() % (rotten.size() - 4096)] ^= static_cast<char>(1 + random() % 255);
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path + suffix);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << rotten;
    auto session = Session::begin(path, made_run("model", kAll), "", Stored::kStay);
    if (!session) {
      ++noticed;
      continue;
    }
    const auto found = (*session)->find(made_keys(kAll));
    if (!found) {
      ++noticed;
      continue;
    }
    for (int64_t i = 0; i < kAll; ++i) {
      const auto& score = (*found)[static_cast<size_t>(i)];
      if (score && score->damaged) ++noticed;
      if (score && !score->damaged) {
        ASSERT_TRUE(are_equal(score->answers, made_question(i).answers)) << "seed " << kSeed << " round " << round;
      }
    }
  }
  EXPECT_GT(noticed, 0);
}

}  // namespace
}  // namespace hre::store
