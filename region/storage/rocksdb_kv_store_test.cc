// RocksDB behind the port: what survives the process, what is cut off, and what refuses to open.
#include "region/storage/rocksdb_kv_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/coding.h"

namespace everwrite::storage {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
constexpr ColumnFamily kItems = ColumnFamily::kItems;

class RocksDbKvStoreTest : public testing::Test {
 protected:
  RocksDbKvStoreTest() {
    char name[] = "/tmp/everwrite_rocks_XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~RocksDbKvStoreTest() override { fs::remove_all(root_); }

  std::unique_ptr<RocksDbKvStore> Open(const std::string& name) {
    auto store = RocksDbKvStore::Open(root_ + "/" + name, {.block_cache_bytes = 1 << 20});
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return store.ok() ? std::move(store).value() : nullptr;
  }
  // The files as they are now, as a machine that lost its power would find them.
  void CopyAs(const std::string& from, const std::string& to) {
    fs::copy(root_ + "/" + from, root_ + "/" + to, fs::copy_options::recursive);
    fs::remove(root_ + "/" + to + "/LOCK");
  }
  std::string LogFile(const std::string& name) {
    std::string newest;
    for (const auto& entry : fs::directory_iterator(root_ + "/" + name)) {
      const std::string path = entry.path();
      if (path.ends_with(".log") && path > newest) newest = path;
    }
    return newest;
  }
  static Status Put(KvStore& store, int i, Sync sync = Sync::kYes) {
    KvBatch batch;
    batch.Put(kItems, "key" + std::to_string(i), std::string(500, static_cast<char>('a' + i % 26)));
    batch.Put(ColumnFamily::kChanges, "log" + std::to_string(i), "record");
    return store.Write(batch, sync);
  }
  static int Count(const KvStore& store, ColumnFamily family = kItems) {
    int count = 0;
    const auto it = store.NewIterator(family, {});
    for (it->Seek(""); it->Valid(); it->Next()) ++count;
    EXPECT_TRUE(it->status().ok());
    return count;
  }

  std::string root_;
};

TEST_F(RocksDbKvStoreTest, WhatWasWrittenIsThereAfterReopening) {
  {
    auto store = Open("db");
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(Put(*store, i).ok());
  }
  auto store = Open("db");
  EXPECT_EQ(Count(*store), 100);
  EXPECT_EQ(Count(*store, ColumnFamily::kChanges), 100);
}

// The log is trimmed while it is appended to (LogHint).
TEST_F(RocksDbKvStoreTest, AppendingAndTrimmingDoNotDisturbEachOther) {
  auto store = Open("db");
  const auto key = [](uint64_t log, uint64_t number) {
    std::string bytes;
    PutFixed64(bytes, log);
    PutFixed64(bytes, number);
    return bytes;
  };
  constexpr uint64_t kLogs = 3, kNumbers = 3000;
  for (uint64_t number = 1; number <= kNumbers; ++number) {
    KvBatch batch;
    for (uint64_t log = 1; log <= kLogs; ++log) {
      batch.Put(ColumnFamily::kChanges, key(log, number), std::string(50, 'r'));
      if (number % (10 + log) == 0)
        batch.DeleteRange(ColumnFamily::kChanges, key(log, 0), key(log, number - 5));
    }
    ASSERT_TRUE(store->Write(batch, Sync::kNo).ok());
  }
  size_t held = 0;
  const auto it = store->NewIterator(ColumnFamily::kChanges, {});
  for (it->Seek(""); it->Valid(); it->Next()) ++held;
  size_t expected = 0;
  for (uint64_t log = 1; log <= kLogs; ++log) {
    const uint64_t last = kNumbers / (10 + log) * (10 + log);
    expected += kNumbers - last + 6;
  }
  EXPECT_EQ(held, expected);
}

TEST_F(RocksDbKvStoreTest, AnUncleanEndLosesNothingThatWasSynced) {
  auto store = Open("db");
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Put(*store, i, Sync::kNo).ok());
  ASSERT_TRUE(store->SyncLog().ok());
  CopyAs("db", "crashed");
  auto after = Open("crashed");
  EXPECT_EQ(Count(*after), 100);
}

TEST_F(RocksDbKvStoreTest, ATornTailIsCutOffAndTheRestIsKept) {
  auto store = Open("db");
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Put(*store, i).ok());
  CopyAs("db", "torn");
  const std::string log = LogFile("torn");
  fs::resize_file(log, fs::file_size(log) - 100);
  auto after = Open("torn");
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(Count(*after), 99);
  EXPECT_EQ(Count(*after, ColumnFamily::kChanges), 99);
}

TEST_F(RocksDbKvStoreTest, AFlippedBitInsideTheLogRefusesToOpenRatherThanLoseWhatIsBehindIt) {
  auto store = Open("db");
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Put(*store, i).ok());
  CopyAs("db", "flipped");
  const std::string log = LogFile("flipped");
  {
    std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(2000);
    const char byte = static_cast<char>(file.get());
    file.seekp(2000);
    file.put(static_cast<char>(byte ^ 1));
  }
  const auto after = RocksDbKvStore::Open(root_ + "/flipped", {});
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.status().code(), StatusCode::kDataLoss);
  EXPECT_NE(after.status().message().find("Rebuild this region from a peer"), std::string::npos);
  EXPECT_NE(after.status().message().find("Corruption"), std::string::npos);
}

TEST_F(RocksDbKvStoreTest, AMissingTableFileRefusesToOpen) {
  {
    auto store = RocksDbKvStore::Open(root_ + "/db", {.write_buffer_bytes = 256 << 10}).value();
    for (int i = 0; i < 2000; ++i) ASSERT_TRUE(Put(*store, i, Sync::kNo).ok());
    ASSERT_TRUE(store->SyncLog().ok());
  }
  int removed = 0;
  for (const auto& entry : fs::directory_iterator(root_ + "/db")) {
    if (entry.path().extension() == ".sst") removed += fs::remove(entry.path()) ? 1 : 0;
  }
  ASSERT_GT(removed, 0);
  const auto after = RocksDbKvStore::Open(root_ + "/db", {});
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.status().code(), StatusCode::kDataLoss) << after.status().ToString();
}

TEST_F(RocksDbKvStoreTest, SuperfluousFilesGoOneAfterAnotherAndOverTheNextOpening) {
  const auto trash = [this] {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(root_ + "/db"))
      count += entry.path().extension() == ".trash" ? 1 : 0;
    return count;
  };
  const int rows = 3000;
  {
    auto store = RocksDbKvStore::Open(root_ + "/db", {.write_buffer_bytes = 256 << 10,
                                                      .max_wal_bytes = 512 << 10,
                                                      .delete_bytes_per_second = 1000})
                     .value();
    for (int i = 0; i < rows; ++i) ASSERT_TRUE(Put(*store, i, Sync::kNo).ok());
    // A log of half a megabyte has gone, and the next waits for minutes.
    for (int i = 0; trash() < 1 && i < 1000; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_GE(trash(), 1);
    EXPECT_EQ(Count(*store), rows);
  }
  EXPECT_GE(trash(), 1) << "closing waits for nothing";
  auto store = Open("db");
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(Count(*store), rows);
  for (int i = 0; trash() > 0 && i < 1000; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(trash(), 0);
}

TEST_F(RocksDbKvStoreTest, ASecondOpenerIsToldThatTheDatabaseIsInUse) {
  auto store = Open("db");
  const auto second = RocksDbKvStore::Open(root_ + "/db", {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(second.status().message().find("in use"), std::string::npos);
}

// A log file that may not grow stands for a full or broken disk.
TEST_F(RocksDbKvStoreTest, AfterAFailedWriteEveryLaterWriteFailsAndReadsGoOn) {
  auto store = Open("db");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Put(*store, i).ok());
  ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit saved {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &saved), 0);
  struct rlimit small = saved;
  small.rlim_cur = fs::file_size(LogFile("db")) + 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Status status;
  int accepted = 0;
  for (int i = 20; i < 400 && status.ok(); ++i) {
    status = Put(*store, i);
    if (status.ok()) ++accepted;
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &saved), 0);
  ASSERT_FALSE(status.ok());
  // There is room again, but what the failed write left is unknown.
  EXPECT_EQ(Put(*store, 500), status);
  EXPECT_EQ(store->SyncLog(), status);
  EXPECT_TRUE(store->Stats().writes_stopped);
  std::string value;
  EXPECT_TRUE(store->Get(kItems, "key0", &value).value());
  // Every write that was acknowledged is there at the next start.
  CopyAs("db", "restarted");
  store.reset();
  auto after = Open("restarted");
  ASSERT_NE(after, nullptr);
  EXPECT_GE(Count(*after), 20 + accepted);
}

TEST_F(RocksDbKvStoreTest, ADamagedCurrentFileRefusesToOpenAndNoSecondLogFileIsKept) {
  {
    auto store = Open("db");
    ASSERT_TRUE(Put(*store, 1).ok());
  }
  EXPECT_FALSE(fs::exists(root_ + "/db/LOG"));
  fs::resize_file(root_ + "/db/CURRENT", 3);
  const auto after = RocksDbKvStore::Open(root_ + "/db", {});
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.status().code(), StatusCode::kDataLoss) << after.status().ToString();
}

TEST_F(RocksDbKvStoreTest, AnIdleStoreTakesLittleMemory) {
  auto store = Open("db");
  ASSERT_TRUE(Put(*store, 1).ok());
  EXPECT_LT(store->Stats().memtable_bytes, 8U << 20);
}

}  // namespace
}  // namespace everwrite::storage
