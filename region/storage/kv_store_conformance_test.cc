// What the KvStore port promises, asked of both its implementations: the engine is tested and
// simulated over the one in memory, and runs over RocksDB.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <map>

#include "base/kv_store.h"
#include "base/memory_kv_store.h"
#include "base/random.h"
#include "region/storage/rocksdb_kv_store.h"

namespace everwrite::storage {
namespace {

constexpr ColumnFamily kItems = ColumnFamily::kItems;

class MemoryMaker {
 public:
  std::unique_ptr<KvStore> Make() { return std::make_unique<MemoryKvStore>(); }
  void Settle(std::unique_ptr<KvStore>&) {}
};

class RocksMaker {
 public:
  RocksMaker() {
    char name[] = "/tmp/everwrite_kv_XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~RocksMaker() { std::filesystem::remove_all(path_); }
  std::unique_ptr<KvStore> Make() {
    auto store = RocksDbKvStore::Open(path_ + "/db", {.block_cache_bytes = 1 << 20});
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return std::move(store).value();
  }
  // What was only in memory is in files after it: opening writes out what the log holds.
  void Settle(std::unique_ptr<KvStore>& store) {
    store.reset();
    store = Make();
  }

 private:
  std::string path_;
};

template <typename Maker>
class KvStoreConformance : public testing::Test {
 protected:
  Maker maker_;
  std::unique_ptr<KvStore> store_ = maker_.Make();

  void Put(std::string_view key, std::string_view value, ColumnFamily family = kItems) {
    KvBatch batch;
    batch.Put(family, key, value);
    ASSERT_TRUE(store_->Write(batch, Sync::kNo).ok());
  }
  std::string Get(std::string_view key, const KvSnapshot* snapshot = nullptr,
                  ColumnFamily family = kItems) {
    std::string value;
    const auto found = store_->Get(family, key, &value, snapshot);
    EXPECT_TRUE(found.ok());
    return *found ? value : "(none)";
  }
  std::string Forward(KvRange range, std::string_view from = {},
                      const KvSnapshot* snapshot = nullptr) {
    std::string text;
    const auto it = store_->NewIterator(kItems, std::move(range), snapshot);
    for (it->Seek(from); it->Valid(); it->Next()) text += std::string(it->key()) + " ";
    EXPECT_TRUE(it->status().ok());
    return text;
  }
  std::string Backward(KvRange range, std::string_view from) {
    std::string text;
    const auto it = store_->NewIterator(kItems, std::move(range));
    for (it->SeekForPrev(from); it->Valid(); it->Prev()) text += std::string(it->key()) + " ";
    EXPECT_TRUE(it->status().ok());
    return text;
  }
};

using Makers = testing::Types<MemoryMaker, RocksMaker>;
class MakerNames {
 public:
  template <typename T>
  static std::string GetName(int) {
    return std::is_same_v<T, MemoryMaker> ? "Memory" : "RocksDb";
  }
};
TYPED_TEST_SUITE(KvStoreConformance, Makers, MakerNames);

TYPED_TEST(KvStoreConformance, AnAbsentKeyIsNotThereAndAnEmptyValueIs) {
  this->Put("a", "");
  EXPECT_EQ(this->Get("a"), "");
  EXPECT_EQ(this->Get("b"), "(none)");
}

TYPED_TEST(KvStoreConformance, KeysAndValuesMayHoldAnyBytes) {
  const std::string key("\0\xff\0k", 4);
  const std::string value("\0v\xff", 3);
  this->Put(key, value);
  EXPECT_EQ(this->Get(key), value);
}

TYPED_TEST(KvStoreConformance, ColumnFamiliesAreApart) {
  this->Put("k", "item", ColumnFamily::kItems);
  for (int i = 1; i < kColumnFamilyCount; ++i) {
    EXPECT_EQ(this->Get("k", nullptr, static_cast<ColumnFamily>(i)), "(none)");
  }
  this->Put("k", "change", ColumnFamily::kChanges);
  EXPECT_EQ(this->Get("k"), "item");
}

TYPED_TEST(KvStoreConformance, ABatchIsAppliedInItsOrder) {
  KvBatch batch;
  batch.Put(kItems, "a", "1");
  batch.Delete(kItems, "a");
  batch.Put(kItems, "b", "1");
  batch.DeleteRange(kItems, "a", "c");
  batch.Put(kItems, "c", "1");
  batch.Put(kItems, "c", "2");
  ASSERT_TRUE(this->store_->Write(batch, Sync::kYes).ok());
  EXPECT_EQ(this->Forward({}), "c ");
  EXPECT_EQ(this->Get("c"), "2");
}

TYPED_TEST(KvStoreConformance, OrderIsOfUnsignedBytes) {
  for (const char* key : {"b", "\xff", "a", "\x80", "ab"}) this->Put(key, "v");
  EXPECT_EQ(this->Forward({}), "a ab b \x80 \xff ");
  EXPECT_EQ(this->Backward({}, "\xff\xff"), "\xff \x80 b ab a ");
}

TYPED_TEST(KvStoreConformance, BoundsHoldInBothDirectionsAndForEverySeek) {
  for (const char* key : {"a", "b", "c", "d", "e"}) this->Put(key, key);
  EXPECT_EQ(this->Forward({"b", "d"}), "b c ");
  EXPECT_EQ(this->Forward({"b", "d"}, "c"), "c ");
  EXPECT_EQ(this->Forward({"b", "d"}, "d"), "");
  EXPECT_EQ(this->Forward({"b", ""}), "b c d e ");
  EXPECT_EQ(this->Backward({"b", "d"}, "z"), "c b ");
  EXPECT_EQ(this->Backward({"b", "d"}, "d"), "c b ");
  EXPECT_EQ(this->Backward({"b", "d"}, "b"), "b ");
  EXPECT_EQ(this->Backward({"b", "d"}, "a"), "");
  EXPECT_EQ(this->Backward({"", "c"}, "z"), "b a ");
  EXPECT_EQ(this->Forward({"d", "b"}), "");
  EXPECT_EQ(this->Backward({"d", "b"}, "z"), "");
  EXPECT_EQ(this->Forward({"c", "c"}), "");
}

TYPED_TEST(KvStoreConformance, SeeksLandBetweenKeys) {
  for (const char* key : {"a", "c", "e"}) this->Put(key, key);
  EXPECT_EQ(this->Forward({}, "b"), "c e ");
  EXPECT_EQ(this->Backward({}, "d"), "c a ");
  EXPECT_EQ(this->Backward({}, "c"), "c a ");
  EXPECT_EQ(this->Forward({}, "f"), "");
}

TYPED_TEST(KvStoreConformance, AnIteratorTurnsAround) {
  for (const char* key : {"a", "b", "c"}) this->Put(key, key);
  const auto it = this->store_->NewIterator(kItems, {});
  it->Seek("b");
  it->Next();
  it->Prev();
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), "b");
  it->Prev();
  EXPECT_EQ(it->key(), "a");
  EXPECT_EQ(it->value(), "a");
}

TYPED_TEST(KvStoreConformance, ASnapshotDoesNotMove) {
  this->Put("a", "1");
  this->Put("b", "1");
  const auto snapshot = this->store_->TakeSnapshot();
  this->Put("a", "2");
  this->Put("c", "1");
  KvBatch batch;
  batch.DeleteRange(kItems, "b", "c");
  ASSERT_TRUE(this->store_->Write(batch, Sync::kNo).ok());
  EXPECT_EQ(this->Get("a", snapshot.get()), "1");
  EXPECT_EQ(this->Get("b", snapshot.get()), "1");
  EXPECT_EQ(this->Forward({}, {}, snapshot.get()), "a b ");
  EXPECT_EQ(this->Forward({}), "a c ");
}

TYPED_TEST(KvStoreConformance, AnEmptyOrTurnedRangeDeletesNothing) {
  this->Put("b", "1");
  KvBatch batch;
  batch.DeleteRange(kItems, "b", "b");
  batch.DeleteRange(kItems, "c", "a");
  ASSERT_TRUE(this->store_->Write(batch, Sync::kYes).ok());
  EXPECT_EQ(this->Get("b"), "1");
  ASSERT_TRUE(this->store_->Write(KvBatch(), Sync::kYes).ok());
  ASSERT_TRUE(this->store_->SyncLog().ok());
}

TYPED_TEST(KvStoreConformance, BytesOfARangeAreAboutRight) {
  Random random(7);
  KvBatch batch;
  for (int i = 0; i < 2000; ++i) {
    std::string value;  // that no compression makes smaller
    while (value.size() < 500) {
      const uint64_t bits = random.Next();
      value.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
    }
    batch.Put(kItems, "key" + std::to_string(10000 + i), value);
  }
  ASSERT_TRUE(this->store_->Write(batch, Sync::kYes).ok());
  const auto bytes = [&](const std::string& begin, const std::string& end) {
    return static_cast<double>(this->store_->ApproximateBytes(kItems, {begin, end}));
  };
  // Of what is in memory only, RocksDB guesses from a few steps of a skip list whose heights are
  // drawn: for half of the keys the guess may be nothing, and is never more than there is.
  EXPECT_LT(bytes("", ""), 1.5e6);
  this->maker_.Settle(this->store_);
  EXPECT_NEAR(bytes("", ""), 1e6, 2e5);
  EXPECT_NEAR(bytes("key11000", "key12000"), 5e5, 1e5);
  EXPECT_EQ(bytes("x", "y"), 0);
  EXPECT_EQ(bytes("y", "x"), 0);
}

// The model test: random batches, then every key and both directions agree with a map.
TYPED_TEST(KvStoreConformance, RandomBatchesAgreeWithAMap) {
  Random random(20261);
  std::map<std::string, std::string> model;
  const auto key = [&] {
    return std::string(1 + random.Below(2), static_cast<char>('a' + random.Below(20)));
  };
  for (int round = 0; round < 300; ++round) {
    KvBatch batch;
    for (uint64_t i = random.Below(6); i > 0; --i) {
      const std::string a = key();
      if (random.Chance(1, 6)) {
        const std::string b = key();
        batch.DeleteRange(kItems, a, b);
        if (a < b) model.erase(model.lower_bound(a), model.lower_bound(b));
      } else if (random.Chance(1, 4)) {
        batch.Delete(kItems, a);
        model.erase(a);
      } else {
        const std::string value = std::to_string(random.Next());
        batch.Put(kItems, a, value);
        model[a] = value;
      }
    }
    ASSERT_TRUE(this->store_->Write(batch, random.Chance(1, 10) ? Sync::kYes : Sync::kNo).ok());
    std::string begin = random.Chance(1, 3) ? "" : key();
    std::string end = random.Chance(1, 3) ? "" : key();
    std::string expected, expected_back;
    for (const auto& [k, v] : model) {
      if (k < begin || (!end.empty() && k >= end)) continue;
      expected += k + " ";
      expected_back = k + " " + expected_back;
    }
    ASSERT_EQ(this->Forward({begin, end}), expected) << begin << " .. " << end;
    ASSERT_EQ(this->Backward({begin, end}, "zzz"), expected_back) << begin << " .. " << end;
    const std::string probe = key();
    ASSERT_EQ(this->Get(probe), model.count(probe) != 0 ? model[probe] : "(none)");
  }
}

}  // namespace
}  // namespace everwrite::storage
