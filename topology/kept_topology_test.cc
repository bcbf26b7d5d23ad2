#include "topology/kept_topology.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace everwrite::topology {
namespace {

namespace fs = std::filesystem;

class KeptTopologyTest : public testing::Test {
 protected:
  KeptTopologyTest() {
    char name[] = "/tmp/everwrite_topology_XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~KeptTopologyTest() override { fs::remove_all(root_); }
  void Write(const std::string& text) { std::ofstream(File()) << text; }
  std::string File() const { return root_ + "/topology.yaml"; }
  Result<LoadedTopology> Load() const { return LoadTopologyOrKept(File(), root_ + "/kept.yaml"); }
  static std::string Text(const std::string& version, const std::string& cluster = "c") {
    return "cluster: " + cluster + "\n" + version +
           "regions:\n  - {name: x, id: 1, endpoint: \"127.0.0.1:1\", admin: \"127.0.0.1:2\", "
           "nats: \"nats://127.0.0.1:3\", data: x}\n";
  }
  std::string root_;
};

TEST_F(KeptTopologyTest, TheFileIsUsedAsLongAsItIsGood) {
  Write(Text("version: 3\n"));
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(loaded->topology.version, 3u);
  EXPECT_EQ(loaded->refused, "");
  Write(Text("version: 4\n"));
  EXPECT_EQ(Load()->topology.version, 4u);
}

TEST_F(KeptTopologyTest, AnEmptyABrokenAndAMissingFileAreRefusedAndTheLastGoodOneIsUsed) {
  Write(Text("version: 3\n"));
  ASSERT_TRUE(Load().ok());
  for (const char* bad : {"", "cluster: c\nregions: []\n", "cluster: [\n"}) {
    Write(bad);
    const auto loaded = Load();
    ASSERT_TRUE(loaded.ok()) << bad;
    EXPECT_EQ(loaded->topology.version, 3u);
    EXPECT_EQ(loaded->topology.directory, root_);
    EXPECT_NE(loaded->refused.find("topology.yaml"), std::string::npos) << loaded->refused;
  }
  fs::remove(File());
  EXPECT_NE(Load()->refused.find("no such file"), std::string::npos);
}

TEST_F(KeptTopologyTest, AnOlderVersionIsRefusedAndAnotherClusterIsNot) {
  Write(Text("version: 3\n"));
  ASSERT_TRUE(Load().ok());
  Write(Text("version: 2\n"));
  EXPECT_NE(Load()->refused.find("version 2 is older than version 3"), std::string::npos);
  Write(Text(""));
  EXPECT_NE(Load()->refused, "");
  Write(Text("", "d"));
  EXPECT_EQ(Load()->refused, "");
}

TEST_F(KeptTopologyTest, WithoutACopyABadFileIsAnError) {
  Write("");
  EXPECT_EQ(Load().status().code(), StatusCode::kInvalidArgument);
  Write(Text(""));
  const auto loaded = LoadTopologyOrKept(File(), "");
  ASSERT_TRUE(loaded.ok());
  EXPECT_FALSE(fs::exists(root_ + "/kept.yaml"));
}

}  // namespace
}  // namespace everwrite::topology
