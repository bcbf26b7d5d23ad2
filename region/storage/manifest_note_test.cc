// A MANIFEST that ends early: RocksDB opens what was, the note tells that there was more.
#include "region/storage/manifest_note.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

#include "base/random.h"
#include "region/storage/rocksdb_kv_store.h"

namespace everwrite::storage {
namespace {

namespace fs = std::filesystem;
constexpr const char* kNote = "/everwrite.manifest";

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}
std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ManifestNoteTest : public testing::Test {
 protected:
  ManifestNoteTest() {
    char name[] = "/tmp/everwrite_manifest_XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~ManifestNoteTest() override { fs::remove_all(root_); }

  std::string root_;
};

// A folder with no more of a database than what the note looks at.
class NotedFolderTest : public ManifestNoteTest {
 protected:
  void Lay(uint64_t number, size_t bytes) {
    const std::string name = "MANIFEST-00000" + std::to_string(number);
    WriteFile(root_ + "/CURRENT", name + "\n");
    WriteFile(root_ + "/" + name, std::string(bytes, 'm'));
  }
  std::string Found() const {
    const Status status = ManifestNote(root_).Check();
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::kDataLoss) << status.ToString();
    return status.ok() ? "well" : status.message();
  }
};

TEST_F(NotedFolderTest, WhereNothingWasNotedNothingIsMissed) {
  EXPECT_EQ(Found(), "well");
  Lay(5, 10);
  EXPECT_EQ(Found(), "well");
}

TEST_F(NotedFolderTest, AShorterManifestIsMissedALongerOneIsNot) {
  Lay(5, 100);
  ManifestNote note(root_);
  ASSERT_TRUE(note.Raise({5, 100}).ok());
  EXPECT_EQ(Found(), "well");
  Lay(5, 101);
  EXPECT_EQ(Found(), "well");
  Lay(5, 99);
  EXPECT_EQ(Found(), "MANIFEST-000005 has lost its end: it has 99 bytes, and had 100");
  fs::remove(root_ + "/MANIFEST-000005");
  EXPECT_EQ(Found(), "MANIFEST-000005 is missing");
}

TEST_F(NotedFolderTest, ANewManifestIsNotHeldAgainstTheNoteOfTheFormerOneButAnOlderOneIs) {
  ManifestNote note(root_);
  ASSERT_TRUE(note.Raise({5, 100}).ok());
  Lay(6, 10);
  EXPECT_EQ(Found(), "well");
  Lay(4, 1000);
  EXPECT_EQ(Found(), "CURRENT names MANIFEST-000004, and had named MANIFEST-000005");
  fs::remove(root_ + "/CURRENT");
  EXPECT_EQ(Found(), "CURRENT is missing");
}

TEST_F(NotedFolderTest, TheNoteOnlyRises) {
  Lay(5, 100);
  ManifestNote note(root_);
  ASSERT_TRUE(note.Raise({5, 100}).ok());
  ASSERT_TRUE(note.Raise({5, 50}).ok());
  ASSERT_TRUE(note.Raise({4, 500}).ok());
  Lay(5, 99);
  EXPECT_NE(Found(), "well");
}

TEST_F(NotedFolderTest, ANoteThatCannotBeWrittenLeavesTheFormerOne) {
  ManifestNote note(root_);
  ASSERT_TRUE(note.Raise({5, 100}).ok());
  fs::create_directory(root_ + kNote + ".tmp");
  EXPECT_FALSE(note.Raise({5, 200}).ok());
  Lay(5, 100);
  EXPECT_EQ(Found(), "well");
  fs::remove(root_ + kNote + ".tmp");
  EXPECT_TRUE(note.Raise({5, 200}).ok());
  EXPECT_NE(Found(), "well");
}

TEST_F(NotedFolderTest, ANoteThatIsDamagedItselfIsNoNote) {
  Lay(5, 100);
  ManifestNote note(root_);
  ASSERT_TRUE(note.Raise({5, 100}).ok());
  const std::string good = ReadFile(root_ + kNote);
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    WriteFile(root_ + kNote, bad);
    EXPECT_EQ(Found(), "everwrite.manifest cannot be understood") << bad;
    WriteFile(root_ + kNote, good.substr(0, at));
    EXPECT_EQ(Found(), "everwrite.manifest cannot be understood") << at;
  }
}

// A real database that has flushed and compacted its families many times.
class CutManifestTest : public ManifestNoteTest {
 protected:
  using Rows = std::map<std::pair<int, std::string>, std::string>;
  const RocksDbOptions kSmall = {
      .block_cache_bytes = 1 << 20, .write_buffer_bytes = 256 << 10, .max_wal_bytes = 512 << 10};

  static Rows AllOf(const RocksDbKvStore& store) {
    Rows rows;
    for (int family = 0; family < kColumnFamilyCount; ++family) {
      const auto it = store.NewIterator(static_cast<ColumnFamily>(family), {});
      for (it->Seek(""); it->Valid(); it->Next()) {
        rows[{family, std::string(it->key())}] = it->value();
      }
      EXPECT_TRUE(it->status().ok());
    }
    return rows;
  }

  Rows Fill(const std::string& path, const RocksDbOptions& options, int writes) {
    Random random(7);
    auto store = RocksDbKvStore::Open(path, options).value();
    for (int i = 0; i < writes; ++i) {
      KvBatch batch;
      for (int family = 0; family < kColumnFamilyCount; ++family) {
        const std::string key = "key" + std::to_string(random.Below(2000));
        std::string value(100 + 100 * static_cast<size_t>(family), '\0');
        for (char& byte : value) byte = static_cast<char>(random.Below(256));
        batch.Put(static_cast<ColumnFamily>(family), key, value);
      }
      EXPECT_TRUE(store->Write(batch, Sync::kNo).ok());
    }
    EXPECT_TRUE(store->SyncLog().ok());
    return AllOf(*store);
  }

  static std::string ManifestOf(const std::string& path) {
    std::string name = ReadFile(path + "/CURRENT");
    name.pop_back();
    return path + "/" + name;
  }

  // Where records of a MANIFEST end: RocksDB's log format, blocks of 32 KB, headers of 7 bytes.
  static std::vector<size_t> RecordEnds(const std::string& log) {
    constexpr size_t kBlock = 32768, kHeader = 7;
    std::vector<size_t> ends;
    for (size_t at = 0; at + kHeader <= log.size();) {
      if (kBlock - at % kBlock < kHeader) {
        at += kBlock - at % kBlock;
        continue;
      }
      const size_t size = static_cast<uint8_t>(log[at + 4]) |
                          static_cast<size_t>(static_cast<uint8_t>(log[at + 5])) << 8;
      const char type = log[at + 6];  // 1: a whole record, 4: the last part of one
      at += kHeader + size;
      if (type == 1 || type == 4) ends.push_back(at);
    }
    return ends;
  }

  // The database again, with its MANIFEST cut to `bytes`. Files that never change are linked.
  std::string CutTo(const std::string& from, size_t bytes) {
    const std::string path = root_ + "/cut";
    fs::remove_all(path);
    fs::copy(from, path, fs::copy_options::recursive | fs::copy_options::create_hard_links);
    const std::string manifest = ManifestOf(path), text = ReadFile(manifest);
    fs::remove(manifest);
    WriteFile(manifest, text.substr(0, bytes));
    return path;
  }
};

TEST_F(CutManifestTest, WhereverItIsCutTheDatabaseIsRefused) {
  const std::string db = root_ + "/db";
  const Rows rows = Fill(db, kSmall, 2500);
  const std::string manifest = ReadFile(ManifestOf(db));
  std::vector<size_t> cuts = RecordEnds(manifest);
  ASSERT_GT(cuts.size(), 30U);
  ASSERT_EQ(cuts.back(), manifest.size());
  cuts.pop_back();
  for (const size_t cut : cuts) {
    for (const size_t bytes : {cut, cut + 3}) {
      const std::string path = CutTo(db, bytes);
      const auto opened = RocksDbKvStore::Open(path, kSmall);
      ASSERT_FALSE(opened.ok()) << bytes << " of " << manifest.size();
      EXPECT_EQ(opened.status().code(), StatusCode::kDataLoss);
      const std::string message = opened.status().message();
      EXPECT_NE(message.find(path), std::string::npos) << message;
      EXPECT_NE(message.find("Rebuild this region from a peer"), std::string::npos) << message;
      EXPECT_NE(message.find("has lost its end"), std::string::npos) << message;
    }
  }
  const auto whole = RocksDbKvStore::Open(CutTo(db, manifest.size()), kSmall);
  ASSERT_TRUE(whole.ok()) << whole.status().ToString();
  EXPECT_TRUE(AllOf(**whole) == rows);
}

// The note is needed: without it some cuts open, and rows are missing or old. (Few flushes and no
// compaction: a table that is named and has been compacted away is missed by RocksDB itself.)
TEST_F(CutManifestTest, WithoutTheNoteSomeCutsOpenAsAnOlderDatabase) {
  const std::string db = root_ + "/db";
  const RocksDbOptions kFew = {
      .block_cache_bytes = 1 << 20, .write_buffer_bytes = 1 << 20, .max_wal_bytes = 1536 << 10};
  const Rows rows = Fill(db, kFew, 1500);
  int refused = 0, older = 0, equal = 0;
  const std::vector<size_t> cuts = RecordEnds(ReadFile(ManifestOf(db)));
  for (const size_t bytes : cuts) {
    const std::string path = CutTo(db, bytes);
    fs::remove(path + kNote);
    const auto opened = RocksDbKvStore::Open(path, kSmall);
    if (!opened.ok())
      ++refused;
    else
      ++(AllOf(**opened) == rows ? equal : older);
  }
  RecordProperty("refused", refused);
  RecordProperty("older", older);
  RecordProperty("equal", equal);
  std::printf("without the note: %d refused, %d older, %d equal\n", refused, older, equal);
  EXPECT_GT(older, 0);
  EXPECT_GT(equal, 0);
}

// What was flushed while the database closed is noted too.
TEST_F(CutManifestTest, AClosedDatabaseHasNotedAllOfItsManifest) {
  const std::string db = root_ + "/db";
  Fill(db, kSmall, 2500);
  const std::string bytes = std::to_string(fs::file_size(ManifestOf(db)));
  EXPECT_NE(ReadFile(db + kNote).find(" " + bytes + " "), std::string::npos) << bytes;
}

}  // namespace
}  // namespace everwrite::storage
