// How commands find what runs: only a state file of a living process is believed.
#include "cli/cluster_view.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace everwrite::cli {
namespace {

class ClusterViewTest : public testing::Test {
 protected:
  ClusterViewTest() {
    char name[] = "/tmp/everwrite_view_XXXXXX";
    root_ = ::mkdtemp(name);
    ::setenv("XDG_RUNTIME_DIR", root_.c_str(), 1);
    view_.cluster = "demo";
    view_.pid = ::getpid();
    view_.control = "127.0.0.1:1";
    view_.data = root_ + "/data";
    view_.regions = {{"us-east-1", "127.0.0.1:2", "127.0.0.1:3"}};
    std::filesystem::create_directories(view_.data);
  }
  ~ClusterViewTest() override {
    ::unsetenv("XDG_RUNTIME_DIR");
    std::filesystem::remove_all(root_);
  }
  std::string root_;
  ClusterView view_;
};

TEST_F(ClusterViewTest, WhatIsPublishedIsFoundAndWithdrawn) {
  EXPECT_EQ(FindRunning().status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(PublishView(view_).ok());
  const auto found = FindRunning();
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(ViewToJson(*found).Dump(false), ViewToJson(view_).Dump(false));
  EXPECT_TRUE(std::filesystem::exists(view_.data + "/up.json"));
  WithdrawView(view_);
  EXPECT_FALSE(std::filesystem::exists(view_.data + "/up.json"));
  EXPECT_EQ(FindRunning().status().code(), StatusCode::kNotFound);
}

TEST_F(ClusterViewTest, AProcessThatIsGoneIsNotBelieved) {
  view_.pid = 0x3fffffff;
  ASSERT_TRUE(PublishView(view_).ok());
  EXPECT_EQ(FindRunning().status().code(), StatusCode::kNotFound);
}

TEST_F(ClusterViewTest, AnotherProcesssFileIsLeftAlone) {
  ClusterView other = view_;
  other.pid = 1;
  ASSERT_TRUE(PublishView(other).ok());
  WithdrawView(view_);
  EXPECT_TRUE(FindRunning().ok());
}

TEST_F(ClusterViewTest, ADamagedFileIsNothing) {
  std::filesystem::create_directories(root_ + "/everwrite");
  std::ofstream(root_ + "/everwrite/current.json") << "{\"pid\":";
  EXPECT_EQ(FindRunning().status().code(), StatusCode::kNotFound);
}

TEST_F(ClusterViewTest, ALinkInPlaceOfTheFolderIsRefused) {
  std::filesystem::create_directory_symlink(root_ + "/data", root_ + "/everwrite");
  EXPECT_EQ(RuntimeFolder().status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(ClusterViewTest, VectorsAreOneTextWhateverTheirOrder) {
  const auto text = [](const char* json) { return VectorText(JsonValue::Parse(json).value()); };
  EXPECT_EQ(text(R"({"b":2,"a":18446744073709551615})"), "a:18446744073709551615 b:2");
  EXPECT_EQ(text(R"({"b":2,"a":1,"c":0})"), text(R"({"a":1,"b":2})"));
  EXPECT_EQ(text("{}"), "");
}

}  // namespace
}  // namespace everwrite::cli
