// The demo's topology is good, and what it tells people to paste names the right places.
#include "cli/demo.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "topology/topology_file.h"

namespace everwrite::cli {
namespace {

TEST(Demo, ItsTopologyIsValidWithARealisticDelayOnEveryLink) {
  const auto topology = topology::ParseTopology(DemoTopology(), "demo.yaml");
  ASSERT_TRUE(topology.ok()) << topology.status().ToString();
  EXPECT_EQ(topology->regions.size(), 3u);
  for (const topology::Link& link : topology->links) EXPECT_GE(link.latency_us, 30000);
  for (const topology::Region& region : topology->regions) {
    for (const auto& address : {region.endpoint, region.admin, region.nats}) {
      EXPECT_NE(address.port, 8000) << "the gateway's";
      EXPECT_NE(address.port, 8001) << "dynamodb-admin's own default";
    }
  }
}

ClusterView View() {
  ClusterView view;
  view.regions = {{"us-east-1", "127.0.0.1:8100", ""}, {"eu-west-1", "127.0.0.1:8200", ""}};
  return view;
}

TEST(Demo, InstructionsUseTheGatewayAndEveryRegion) {
  ClusterView view = View();
  view.gateway = "127.0.0.1:8000";
  const std::string text = DemoInstructions(view);
  EXPECT_NE(text.find("--endpoint-url http://127.0.0.1:8000"), std::string::npos);
  EXPECT_NE(text.find("ew put-item --region us-east-1"), std::string::npos);
  EXPECT_NE(text.find("ew get-item --region eu-west-1"), std::string::npos);
  EXPECT_NE(text.find("everwrite link cut us-east-1 eu-west-1"), std::string::npos);
}

TEST(Demo, TheEnvironmentNamesTheGatewayOrElseTheFirstRegion) {
  ClusterView view = View();
  EXPECT_NE(EnvironmentLines(view).find("AWS_ENDPOINT_URL=http://127.0.0.1:8100\n"),
            std::string::npos);
  view.gateway = "127.0.0.1:8000";
  EXPECT_NE(EnvironmentLines(view).find("AWS_ENDPOINT_URL=http://127.0.0.1:8000\n"),
            std::string::npos);
}

TEST(Demo, OnlyItsOwnTemporaryFolderIsRemoved) {
  const std::string made = MakeTemporaryFolder().value();
  EXPECT_TRUE(std::filesystem::exists(made));
  const std::string other = made + "-kept";
  RemoveTemporaryFolder(made);
  EXPECT_FALSE(std::filesystem::exists(made));
  char name[] = "/tmp/everwrite_other_XXXXXX";
  const std::string foreign = ::mkdtemp(name);
  RemoveTemporaryFolder(foreign);
  EXPECT_TRUE(std::filesystem::exists(foreign));
  std::filesystem::remove_all(foreign);
}

}  // namespace
}  // namespace everwrite::cli
