// The strictness of the topology file: every refusal names the exact line and column and the mend.
#include "topology/topology_file.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace everwrite::topology {
namespace {

// Lines 1 to 22; each test spoils one place.
constexpr char kValid[] = R"(cluster: demo
regions:
  - name: us-east-1
    id: 1
    endpoint: 127.0.0.1:8100
    admin: 127.0.0.1:8101
    nats: nats://127.0.0.1:8102
    data: data/a
  - name: eu-west-1
    id: 2
    endpoint: 127.0.0.1:8200
    admin: 127.0.0.1:8201
    nats: nats://127.0.0.1:8202
    data: data/b
links:
  - between: [us-east-1, eu-west-1]
    latency: 40ms
    jitter: 5ms
    bandwidth: 10MB/s
    state: cut
replication: {batch_bytes: 64KB, credit_bytes: 4MB, heartbeat: 200ms, silence: 2s, replicate: all}
durability: relaxed
)";

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(TopologyFile, ReadsEveryKey) {
  const auto topology = ParseTopology(kValid, "some/folder/demo.yaml");
  ASSERT_TRUE(topology.ok()) << topology.status().message();
  EXPECT_EQ(topology->cluster, "demo");
  ASSERT_EQ(topology->regions.size(), 2u);
  const Region& east = topology->regions[0];
  EXPECT_EQ(east.name, "us-east-1");
  EXPECT_EQ(east.id.value, 1);
  EXPECT_EQ(east.endpoint.ToString(), "127.0.0.1:8100");
  EXPECT_EQ(east.NatsUrl(), "nats://127.0.0.1:8102");
  EXPECT_EQ(topology->DataFolder(east), "some/folder/data/a");
  EXPECT_EQ(topology->DataFolder(east, "/tmp/x"), "/tmp/x/data/a");
  ASSERT_EQ(topology->links.size(), 1u);
  const Link* link = topology->FindLink(RegionId{2}, RegionId{1});
  ASSERT_NE(link, nullptr);
  EXPECT_EQ(link->latency_us, 40'000);
  EXPECT_EQ(link->jitter_us, 5'000);
  EXPECT_EQ(link->bytes_per_second, 10'000'000u);
  EXPECT_EQ(link->state, LinkState::kCut);
  EXPECT_EQ(topology->replication.batch_bytes, 64'000u);
  EXPECT_EQ(topology->replication.credit_bytes, 4'000'000u);
  EXPECT_EQ(topology->replication.heartbeat_us, 200'000);
  EXPECT_EQ(topology->durability, Durability::kRelaxed);
  EXPECT_EQ(topology->limits.change_log_hours, 24u);
}

struct Refusal {
  const char* name;
  const char* from;
  const char* to;
  const char* message;  // how the message begins, after "demo.yaml:"
};

class TopologyRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(TopologyRefusal, NamesThePlaceAndTheMend) {
  const auto topology =
      ParseTopology(Replaced(kValid, GetParam().from, GetParam().to), "demo.yaml");
  ASSERT_FALSE(topology.ok());
  EXPECT_EQ(topology.status().code(), StatusCode::kInvalidArgument);
  const std::string message = topology.status().message();
  EXPECT_TRUE(message.starts_with(std::string("demo.yaml:") + GetParam().message)) << message;
  EXPECT_NE(message.find_first_of(";?"), std::string::npos) << "no mend: " << message;
}

const Refusal kRefusals[] = {
    {"unknown_key",
     "cluster:", "clustre:", "1:1: unknown key \"clustre\" in the file; did you mean \"cluster\"?"},
    {"unknown_key_in_region", "    id: 2", "    idd: 2",
     "10:5: unknown key \"idd\" in a region; did you mean \"id\"?"},
    {"unknown_key_in_link", "    latency", "    latencey",
     "17:5: unknown key \"latencey\" in a link; did you mean \"latency\"?"},
    {"unknown_key_far_from_all", "durability:", "xyzzy:",
     "22:1: unknown key \"xyzzy\" in the file; known are cluster, version, regions"},
    {"unknown_key_in_replication", "heartbeat:", "hartbeat:", "21:53: unknown key \"hartbeat\""},
    {"no_cluster", "cluster: demo\n", "", "1:1: the file has no \"cluster\"; add it"},
    {"bad_cluster", "cluster: demo", "cluster: Demo Cluster",
     "1:10: \"Demo Cluster\" cannot be the cluster's name; use"},
    {"no_endpoint", "    endpoint: 127.0.0.1:8200\n", "",
     "9:5: region eu-west-1 has no \"endpoint\"; add it"},
    {"duplicate_key", "    id: 2", "    id: 2\n    id: 3",
     "11:5: \"id\" is given twice; remove one"},
    {"duplicate_name", "name: eu-west-1", "name: us-east-1",
     "9:11: the name \"us-east-1\" is used on line 3 already; give"},
    {"duplicate_id", "id: 2", "id: 1", "10:9: the id 1 is used on line 4 already; give"},
    {"duplicate_address", "admin: 127.0.0.1:8201", "admin: 127.0.0.1:8102",
     "12:12: the address 127.0.0.1:8102 is used on line 7 already; give"},
    {"duplicate_folder", "data/b", "data/a",
     "14:11: the folder \"data/a\" is used on line 8 already; give"},
    {"id_zero", "id: 2", "id: 0", "10:9: \"0\" must be a whole number from 1 to 65535; write"},
    {"id_too_large", "id: 2", "id: 65536",
     "10:9: \"65536\" must be a whole number from 1 to 65535; write"},
    {"id_negative", "id: 2", "id: -1", "10:9: \"-1\" must be a whole number"},
    {"id_word", "id: 2", "id: two", "10:9: \"two\" must be a whole number"},
    {"bad_region_name", "name: eu-west-1", "name: EU_West",
     "9:11: \"EU_West\" cannot be a region's name; use"},
    {"no_port", "127.0.0.1:8200", "127.0.0.1",
     "11:15: \"127.0.0.1\" is not host:port with a port from 1 to 65535; write"},
    {"port_zero", "127.0.0.1:8200", "127.0.0.1:0", "11:15: \"127.0.0.1:0\" is not host:port"},
    {"port_too_large", "127.0.0.1:8200", "127.0.0.1:70000",
     "11:15: \"127.0.0.1:70000\" is not host:port"},
    {"bad_ipv4", "127.0.0.1:8200", "127.0.0.300:8200",
     "11:15: \"127.0.0.300:8200\" is not host:port"},
    {"bad_host", "127.0.0.1:8200", "under_score:8200",
     "11:15: \"under_score:8200\" is not host:port"},
    {"nats_without_scheme", "nats://127.0.0.1:8202", "127.0.0.1:8202",
     "13:11: \"127.0.0.1:8202\" does not start with nats://; write"},
    {"data_empty", "data: data/b", "data: \"\"", "14:11: the data folder is empty; write"},
    {"data_missing_value", "data: data/b",
     "data:", "14:5: a data folder must be a single value, not nothing; write"},
    {"unknown_region_in_link", "[us-east-1, eu-west-1]", "[us-east-1, mars]",
     "16:26: there is no region \"mars\"; the regions are us-east-1, eu-west-1"},
    {"link_to_itself", "[us-east-1, eu-west-1]", "[us-east-1, us-east-1]",
     "16:14: a link joins two different regions; name"},
    {"link_of_three", "[us-east-1, eu-west-1]", "[us-east-1, eu-west-1, a]",
     "16:14: \"between\" must name two regions, as [a, b]; or"},
    {"duplicate_link", "durability: relaxed", "links2: 1",
     "22:1: unknown key \"links2\" in the file; did you mean \"links\"?"},
    {"latency_without_unit", "40ms", "40", "17:14: \"40\" has no unit; write for example 40ms"},
    {"latency_bad_unit", "40ms", "40sec", "17:14: \"40sec\" has an unknown unit; write"},
    {"latency_too_long", "40ms", "11s", "17:14: \"11s\" is out of range; use 0s to 10s"},
    {"bandwidth_not_a_rate", "10MB/s", "10MB", "19:16: \"10MB\" is not a rate; write"},
    {"bandwidth_zero", "10MB/s", "0B/s", "19:16: \"0B/s\" is out of range; use"},
    {"bad_state", "state: cut", "state: down", "20:12: \"down\" is not known; use up or cut"},
    {"credit_above_bus_limit", "4MB", "25MB",
     "21:48: \"25MB\" is out of range; use 64000B to 24000000B"},
    {"credit_below_batches", "4MB", "128KB",
     "21:48: credit_bytes must be at least 4 times batch_bytes; raise"},
    {"heartbeat_too_slow", "200ms", "2s", "21:64: \"2s\" is out of range; use 50ms to 1s"},
    {"silence_too_short", "silence: 2s", "silence: 400ms",
     "21:80: silence must be at least 3 times heartbeat; raise"},
    {"bad_replicate", "replicate: all", "replicate: some",
     "21:95: \"some\" is not known; use all or explicit"},
    {"bad_durability", "relaxed", "fast", "22:13: \"fast\" is not known; use durable or relaxed"},
    {"limits_unknown", "durability: relaxed", "limits: {conections: 5}",
     "22:10: unknown key \"conections\" in \"limits\"; did you mean \"connections\"?"},
    {"limits_hours", "durability: relaxed", "limits: {change_log_hours: -1}",
     "22:28: \"-1\" must be a whole number from 0"},
    {"regions_not_a_list", "  - name: us-east-1", "  - 7\n  - name: us-east-1",
     "3:5: a region must be a map of name, id"},
    {"not_text", "cluster: demo", "cluster: \"d\\x1b\\xff\"",
     "1:10: \"d\\x1b\\xc3\\xbf\" cannot be the cluster's name; use"},
    {"anchor", "cluster: demo", "cluster: &x demo", "1:10: anchors (&name) are not allowed; write"},
    {"yaml_error", "[us-east-1, eu-west-1]", "[us-east-1, eu-west-1", "17:"},
    {"tab", "    id: 2", "\tid: 2", "10:1: a tab in the indentation; use"},
};

INSTANTIATE_TEST_SUITE_P(All, TopologyRefusal, ::testing::ValuesIn(kRefusals),
                         [](const auto& info) { return std::string(info.param.name); });

Status Refused(std::string_view text) { return ParseTopology(text, "f").status(); }

TEST(TopologyFile, MissingLinkIsRefusedNamingThePair) {
  std::string text(kValid);
  const size_t links = text.find("links:");
  text.erase(links, text.find("replication:") - links);
  EXPECT_TRUE(Refused(text).message().starts_with(
      "f:1:1: the link between us-east-1 and eu-west-1 is missing; add"))
      << Refused(text).message();
}

TEST(TopologyFile, DuplicateLinkIsRefused) {
  const std::string text = Replaced(
      kValid, "replication:", "  - {between: [eu-west-1, us-east-1], latency: 1ms}\nreplication:");
  EXPECT_TRUE(
      Refused(text).message().starts_with("f:21:15: the link between eu-west-1 and us-east-1"))
      << Refused(text).message();
}

TEST(TopologyFile, EmptyThingsAreRefused) {
  EXPECT_TRUE(Refused("").message().starts_with("f:1:1: the file is empty; see"));
  EXPECT_TRUE(Refused("# nothing\n").message().starts_with("f:1:1: the file is empty; see"));
  EXPECT_TRUE(Refused("cluster: a\nregions: []\n")
                  .message()
                  .starts_with("f:2:10: there are no regions; add"));
  EXPECT_TRUE(Refused("cluster: a\nregions:\n")
                  .message()
                  .starts_with("f:2:1: \"regions\" must be a list, not nothing;"))
      << Refused("cluster: a\nregions:\n").message();
  EXPECT_TRUE(
      Refused("cluster: a\n---\ncluster: b\n").message().starts_with("f:3:1: a second document"))
      << Refused("cluster: a\n---\ncluster: b\n").message();
}

TEST(TopologyFile, AliasBombsAreRefusedWithoutBeingFollowed) {
  std::string bomb = "a: &a [x, x]\n";
  for (char c = 'b'; c <= 'z'; ++c)
    bomb += std::string(1, c) + ": &" + c + " [*" + char(c - 1) + ", *" + char(c - 1) + "]\n";
  EXPECT_TRUE(Refused(bomb).message().starts_with("f:1:4: anchors")) << Refused(bomb).message();
  EXPECT_FALSE(Refused("cluster: *a\n").ok());
}

TEST(TopologyFile, DepthAndSizeAreBounded) {
  EXPECT_NE(Refused(std::string(40, '[')).message(), "");
  const Status deep = Refused("a: " + std::string(20, '[') + std::string(20, ']'));
  EXPECT_NE(deep.message().find("nested too deeply"), std::string::npos) << deep.message();
  EXPECT_FALSE(Refused(std::string(100'000, '[')).ok());
  EXPECT_FALSE(Refused(std::string(kMaxTopologyFileBytes + 1, ' ')).ok());
}

TEST(TopologyFile, TooManyRegionsAreRefused) {
  std::string text = "cluster: a\nregions:\n";
  for (int i = 1; i <= 33; ++i)
    text += "  - {name: r" + std::to_string(i) + ", id: " + std::to_string(i) + "}\n";
  EXPECT_TRUE(Refused(text).message().starts_with("f:35:5: more than 32 regions;"))
      << Refused(text).message();
}

TEST(TopologyFile, OneRegionNeedsNoLinks) {
  EXPECT_TRUE(LoadTopology("topology/examples/one_region.yaml").ok());
}

TEST(TopologyFile, ExamplesLoadAndReadBackAsWritten) {
  for (const char* name : {"one_region", "two_regions", "three_regions", "five_regions"}) {
    const std::string path = std::string("topology/examples/") + name + ".yaml";
    const auto topology = LoadTopology(path);
    ASSERT_TRUE(topology.ok()) << topology.status().message();
    EXPECT_EQ(topology->links.size(),
              topology->regions.size() * (topology->regions.size() - 1) / 2);
    const std::string written = WriteTopology(*topology);
    const auto again = ParseTopology(written, path);
    ASSERT_TRUE(again.ok()) << again.status().message() << written;
    EXPECT_EQ(WriteTopology(*again), written);
    EXPECT_EQ(again->regions.size(), topology->regions.size());
    // Ports that people's own DynamoDB and gateway use.
    EXPECT_EQ(written.find(":8000"), std::string::npos);
  }
}

TEST(TopologyFile, ThreeRegionsExampleShowsTheDefaults) {
  const auto topology = LoadTopology("topology/examples/three_regions.yaml");
  ASSERT_TRUE(topology.ok());
  const Topology defaults;
  EXPECT_EQ(topology->replication.batch_bytes, defaults.replication.batch_bytes);
  EXPECT_EQ(topology->replication.credit_bytes, defaults.replication.credit_bytes);
  EXPECT_EQ(topology->replication.heartbeat_us, defaults.replication.heartbeat_us);
  EXPECT_EQ(topology->replication.silence_us, defaults.replication.silence_us);
  EXPECT_EQ(topology->replication.max_clock_offset_us, defaults.replication.max_clock_offset_us);
  EXPECT_EQ(topology->limits.connections, defaults.limits.connections);
  EXPECT_EQ(topology->limits.cache_bytes, defaults.limits.cache_bytes);
  EXPECT_EQ(topology->limits.change_log_bytes, defaults.limits.change_log_bytes);
}

TEST(TopologyFile, FilesThatCannotBeReadSayWhy) {
  EXPECT_EQ(LoadTopology("topology/no_such_file.yaml").status().code(), StatusCode::kNotFound);
  EXPECT_NE(LoadTopology("topology").status().message().find("is a folder"), std::string::npos);
}

TEST(TopologyFile, OthersStandsForThePairsNotNamed) {
  const auto topology = LoadTopology("topology/examples/five_regions.yaml");
  ASSERT_TRUE(topology.ok());
  EXPECT_EQ(topology->FindLink(RegionId{1}, RegionId{2})->latency_us, 32'000);
  EXPECT_EQ(topology->FindLink(RegionId{4}, RegionId{5})->latency_us, 110'000);
}

}  // namespace
}  // namespace everwrite::topology
