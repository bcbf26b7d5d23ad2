// Bits that flip in files that nobody reads are found.
#include "region/storage/file_scrub.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <vector>

namespace everwrite::storage {
namespace {

namespace fs = std::filesystem;

class FileScrubTest : public testing::Test {
 protected:
  FileScrubTest() {
    char name[] = "/tmp/everwrite_scrub_XXXXXX";
    root_ = ::mkdtemp(name);
    // So small that it has files of rows soon.
    store_ = RocksDbKvStore::Open(root_ + "/db", {.write_buffer_bytes = 64 << 10}).value();
    for (int i = 0; i < 3000; ++i) {
      KvBatch batch;
      const std::string key = "key" + std::to_string(i);
      batch.Put(ColumnFamily::kItems, key, std::string(200, static_cast<char>('a' + i % 26)));
      batch.Put(ColumnFamily::kLedger, key, std::string(200, 'l'));
      EXPECT_TRUE(store_->Write(batch, Sync::kNo).ok());
    }
    Settle();
  }
  ~FileScrubTest() override {
    store_.reset();
    fs::remove_all(root_);
  }

  // Waits until nothing is flushed or compacted any more: files neither come nor go.
  void Settle() {
    std::vector<uint64_t> before;
    for (int same = 0; same < 10;) {
      ::usleep(30'000);
      std::vector<uint64_t> numbers;
      for (const TableFile& file : store_->TableFiles()) numbers.push_back(file.number);
      same = numbers.size() >= 2 && numbers == before ? same + 1 : 0;
      before = std::move(numbers);
    }
  }

  static void Flip(const std::string& path, uint64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char flipped = static_cast<char>(file.get() ^ 4);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(flipped);
  }

  std::string root_;
  std::unique_ptr<RocksDbKvStore> store_;
};

TEST_F(FileScrubTest, EveryFileIsReadAndFoundWell) {
  const auto files = store_->TableFiles();
  ASSERT_GE(files.size(), 2u) << "one of each family";
  for (const TableFile& file : files) {
    EXPECT_EQ(fs::file_size(file.path), file.bytes);
    EXPECT_TRUE(VerifyTableFile(file).ok()) << file.path;
  }
}

TEST_F(FileScrubTest, AFlippedBitAnywhereInAFilesBlocksIsFound) {
  const TableFile file = store_->TableFiles().front();
  for (int part = 1; part < 8; ++part) {
    const uint64_t at = file.bytes * static_cast<uint64_t>(part) / 8;
    Flip(file.path, at);
    EXPECT_EQ(VerifyTableFile(file).code(), StatusCode::kDataLoss) << "byte " << at;
    Flip(file.path, at);
  }
  EXPECT_TRUE(VerifyTableFile(file).ok());
}

TEST_F(FileScrubTest, AFileThatIsGoneIsNotDamaged) {
  EXPECT_EQ(VerifyTableFile({7, root_ + "/db/000007.sst.gone", 10}).code(), StatusCode::kNotFound);
}

TEST_F(FileScrubTest, ADamagedFileIsToldOnceThoughAllPassesMeetIt) {
  const TableFile file = store_->TableFiles().back();
  Flip(file.path, file.bytes / 2);
  std::promise<std::string> damaged;
  std::atomic<int> told{0};
  FileScrub scrub(*store_, {.bytes_per_second = 1ULL << 40, .pass_every_us = 1000},
                  [&](const TableFile& which, const Status& what) {
                    EXPECT_EQ(what.code(), StatusCode::kDataLoss);
                    if (++told == 1) damaged.set_value(which.path);
                  });
  EXPECT_EQ(damaged.get_future().get(), file.path);
  while (scrub.figures().passes < 3) ::usleep(1000);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(scrub.figures().damaged, 1u);
  EXPECT_GT(scrub.figures().bytes, 0u);
}

TEST_F(FileScrubTest, ItEndsWhileItWaits) {
  const FileScrub slow(*store_, {.bytes_per_second = 1}, [](const auto&, const auto&) {});
}

}  // namespace
}  // namespace everwrite::storage
