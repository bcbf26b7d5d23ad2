// A data folder serves one region of one cluster, in one process at a time.
#include "region/storage/data_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace everwrite::storage {
namespace {

namespace fs = std::filesystem;

class DataFolderTest : public testing::Test {
 protected:
  DataFolderTest() {
    char name[] = "/tmp/everwrite_folder_XXXXXX";
    root_ = ::mkdtemp(name);
    path_ = root_ + "/a/b";
  }
  ~DataFolderTest() override { fs::remove_all(root_); }
  std::string Message(const FolderIdentity& identity) {
    const auto folder = DataFolder::Open(path_, identity);
    return folder.ok() ? "opened" : folder.status().message();
  }
  static bool Has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }
  std::string root_, path_;
  const FolderIdentity mine_{"demo", RegionId{2}, "eu-west-1"};
};

TEST_F(DataFolderTest, AFirstStartCreatesItAndALaterOneFindsIt) {
  {
    const auto folder = DataFolder::Open(path_, mine_);
    ASSERT_TRUE(folder.ok()) << folder.status().ToString();
    EXPECT_TRUE(folder->created());
    EXPECT_EQ(folder->database_path(), path_ + "/db");
  }
  const auto again = DataFolder::Open(path_, mine_);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->created());
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(DataFolderTest, TheFolderOfAnotherRegionOrClusterIsRefused) {
  ASSERT_EQ(Message(mine_), "opened");
  EXPECT_TRUE(Has(Message({"demo", RegionId{3}, "us-east-1"}), "belongs to region 2 (eu-west-1)"));
  EXPECT_TRUE(Has(Message({"prod", RegionId{2}, "eu-west-1"}), "belongs to cluster 'demo'"));
  EXPECT_EQ(Message({"demo", RegionId{2}, "renamed"}), "opened");
}

TEST_F(DataFolderTest, AFolderInUseIsRefusedAndNamesItsHolder) {
  const auto holder = DataFolder::Open(path_, mine_);
  ASSERT_TRUE(holder.ok());
  const std::string message = Message(mine_);
  EXPECT_TRUE(Has(message, "in use")) << message;
  EXPECT_TRUE(Has(message, std::to_string(::getpid()))) << message;
}

TEST_F(DataFolderTest, AnIdentityThatCannotBeUnderstoodIsDataLoss) {
  ASSERT_EQ(Message(mine_), "opened");
  for (const char* text :
       {"", "format 1\ncluster demo\nregion 2", "format x\ncluster demo\nregion 2\n"}) {
    std::ofstream(path_ + "/everwrite.identity") << text;
    const auto folder = DataFolder::Open(path_, mine_);
    ASSERT_FALSE(folder.ok());
    EXPECT_EQ(folder.status().code(), StatusCode::kDataLoss) << text;
  }
  std::ofstream(path_ + "/everwrite.identity") << "format 9\ncluster demo\nregion 2\n";
  EXPECT_TRUE(Has(Message(mine_), "data format 9"));
}

TEST_F(DataFolderTest, ADatabaseWithoutAnIdentityIsRefused) {
  fs::create_directories(path_ + "/db");
  EXPECT_TRUE(Has(Message(mine_), "no everwrite.identity"));
}

TEST_F(DataFolderTest, AFileInPlaceOfTheFolderIsRefused) {
  fs::create_directories(root_ + "/a");
  std::ofstream(path_) << "x";
  EXPECT_TRUE(Has(Message(mine_), "not a folder"));
}

TEST_F(DataFolderTest, AnUnreadableFolderIsRefused) {
  // /proc refuses new files to everyone, root included.
  const auto folder = DataFolder::Open("/proc/everwrite", mine_);
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace everwrite::storage
