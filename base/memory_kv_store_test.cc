// The in-memory store: order, bounds, and what a crash forgets.
#include "base/memory_kv_store.h"

#include <gtest/gtest.h>

namespace everwrite {
namespace {

constexpr ColumnFamily kItems = ColumnFamily::kItems;

KvBatch Put(std::string_view key, std::string_view value) {
  KvBatch batch;
  batch.Put(kItems, key, value);
  return batch;
}

std::string Dump(const MemoryKvStore& store, KvRange range = {}, bool backwards = false) {
  std::string text;
  auto it = store.NewIterator(kItems, range);
  if (backwards) {
    for (it->SeekForPrev("\xff"); it->Valid(); it->Prev()) text += std::string(it->key()) + " ";
  } else {
    for (it->Seek(""); it->Valid(); it->Next()) text += std::string(it->key()) + " ";
  }
  return text;
}

TEST(KvBatch, KeepsWhatIsPutAndIsEmptyWhenMovedFrom) {
  KvBatch batch;
  const std::string large(3000, 'l');
  batch.Put(ColumnFamily::kItems, "a", large);
  batch.Delete(ColumnFamily::kSystem, "b");
  KvBatch taken = std::move(batch);
  batch.Put(ColumnFamily::kLedger, "", "");
  const auto list = [](const KvBatch& of) {
    std::vector<std::pair<std::string, std::string>> entries;
    of.ForEach([&](KvBatch::Kind, ColumnFamily, std::string_view key, std::string_view value) {
      entries.emplace_back(key, value);
    });
    return entries;
  };
  using Entries = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(list(taken), (Entries{{"a", large}, {"b", ""}}));
  EXPECT_EQ(list(batch), (Entries{{"", ""}}));
  batch = std::move(taken);
  EXPECT_EQ(batch.count(), 2U);
  EXPECT_TRUE(taken.empty());
  EXPECT_EQ(taken.bytes(), 0U);
  batch.Clear();
  EXPECT_EQ(list(batch), Entries());
}

TEST(MemoryKvStore, IteratesInOrderBothWaysWithinBounds) {
  MemoryKvStore store;
  for (const char* key : {"d", "a", "c", "b"})
    ASSERT_TRUE(store.Write(Put(key, key), Sync::kNo).ok());
  EXPECT_EQ(Dump(store), "a b c d ");
  EXPECT_EQ(Dump(store, {"b", "d"}), "b c ");
  EXPECT_EQ(Dump(store, {"b", "d"}, true), "c b ");
}

TEST(MemoryKvStore, ACrashForgetsWhatNoSyncCovered) {
  MemoryKvStore store;
  ASSERT_TRUE(store.Write(Put("a", "1"), Sync::kYes).ok());
  ASSERT_TRUE(store.Write(Put("a", "2"), Sync::kNo).ok());
  ASSERT_TRUE(store.Write(Put("b", "1"), Sync::kNo).ok());
  KvBatch range;
  range.DeleteRange(kItems, "a", "z");
  ASSERT_TRUE(store.Write(range, Sync::kNo).ok());
  EXPECT_EQ(Dump(store), "");
  store.Crash(/*kept_batches=*/1);
  std::string value;
  EXPECT_TRUE(store.Get(kItems, "a", &value).value());
  EXPECT_EQ(value, "2");
  EXPECT_FALSE(store.Get(kItems, "b", &value).value());
}

TEST(MemoryKvStore, ASyncCoversEverythingBeforeIt) {
  MemoryKvStore store;
  ASSERT_TRUE(store.Write(Put("a", "1"), Sync::kNo).ok());
  ASSERT_TRUE(store.Write(Put("b", "1"), Sync::kYes).ok());
  ASSERT_TRUE(store.Write(Put("c", "1"), Sync::kNo).ok());
  store.Crash();
  EXPECT_EQ(Dump(store), "a b ");
  ASSERT_TRUE(store.Write(Put("d", "1"), Sync::kNo).ok());
  ASSERT_TRUE(store.SyncLog().ok());
  store.Crash();
  EXPECT_EQ(Dump(store), "a b d ");
}

TEST(MemoryKvStore, ASnapshotDoesNotMove) {
  MemoryKvStore store;
  ASSERT_TRUE(store.Write(Put("a", "1"), Sync::kYes).ok());
  const auto snapshot = store.TakeSnapshot();
  ASSERT_TRUE(store.Write(Put("a", "2"), Sync::kYes).ok());
  std::string value;
  ASSERT_TRUE(store.Get(kItems, "a", &value, snapshot.get()).value());
  EXPECT_EQ(value, "1");
}

}  // namespace
}  // namespace everwrite
