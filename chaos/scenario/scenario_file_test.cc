#include "chaos/scenario/scenario_file.h"

#include <gtest/gtest.h>

#include "chaos/scenario/shipped.h"
#include "topology/topology_file.h"

namespace everwrite::chaos {
namespace {

Result<topology::Topology> NoTopology(const std::string& path) {
  return NotFound(path + ": no such file");
}

Scenario Parsed(std::string_view text) {
  auto scenario = ParseScenario(text, "s.yaml", NoTopology);
  EXPECT_TRUE(scenario.ok()) << scenario.status().message();
  return scenario.ok() ? *scenario : Scenario();
}

std::string Refused(std::string_view text) {
  const auto scenario = ParseScenario(text, "s.yaml", NoTopology);
  EXPECT_FALSE(scenario.ok()) << text;
  EXPECT_EQ(scenario.status().code(), StatusCode::kInvalidArgument);
  return scenario.ok() ? "" : scenario.status().message();
}

std::string WithFault(std::string_view fault) {
  return "name: a\nfaults:\n  - " + std::string(fault) + "\n";
}

TEST(ScenarioFile, ThreeLinesAreAScenario) {
  const Scenario scenario =
      Parsed("name: cut\nfaults:\n  - {at: 2s, for: 5s, cut: [us-east-1, eu-west-1]}\n");
  EXPECT_EQ(scenario.name, "cut");
  EXPECT_EQ(scenario.region_names,
            (std::vector<std::string>{"us-east-1", "eu-west-1", "ap-northeast-1"}));
  ASSERT_EQ(scenario.faults.size(), 1u);
  EXPECT_EQ(scenario.faults[0].kind, FaultKind::kCut);
  EXPECT_EQ(scenario.faults[0].at, 2'000'000);
  EXPECT_EQ(scenario.faults[0].duration, 5'000'000);
  EXPECT_EQ(scenario.duration, 10'000'000);
  EXPECT_EQ(scenario.checks.size(), kChecks);
}

TEST(ScenarioFile, EveryKindOfFaultIsRead) {
  EXPECT_EQ(Parsed(WithFault("{isolate: any}")).faults[0].choice, Choice::kAny);
  EXPECT_TRUE(Parsed(WithFault("{isolate: us-east-1, one_way: true}")).faults[0].one_way);
  EXPECT_EQ(Parsed(WithFault("{split: [[us-east-1], [eu-west-1]]}")).faults[0].groups.size(), 2u);
  EXPECT_EQ(Parsed(WithFault("{chain: all}")).faults[0].kind, FaultKind::kChain);
  const Fault flap = Parsed(WithFault("{cut: any, flap: {off: 2s, on: 1s}}")).faults[0];
  EXPECT_EQ(flap.flap_off, 2'000'000);
  EXPECT_EQ(flap.flap_on, 1'000'000);
  const Fault slow =
      Parsed(WithFault("{slow: all, delay: 80ms, jitter: 20ms, bandwidth: 2MB/s}")).faults[0];
  EXPECT_EQ(slow.delay_us, 80'000);
  EXPECT_EQ(slow.jitter_us, 20'000);
  EXPECT_EQ(slow.bytes_per_second, 2'000'000u);
  const Fault kill =
      Parsed(WithFault("{kill: nats, of: eu-west-1, every: 2s, times: 3}")).faults[0];
  EXPECT_EQ(kill.role, Role::kNats);
  EXPECT_EQ(kill.times, 3u);
  EXPECT_EQ(Parsed(WithFault("{kill: everything}")).faults[0].role, Role::kEverything);
  EXPECT_EQ(Parsed(WithFault("{pause: any, for: 3s}")).faults[0].role, Role::kAny);
  const Fault clock = Parsed(WithFault("{clock: us-east-1, jump: -10m, drift: 1s}")).faults[0];
  EXPECT_EQ(clock.jump_us, -600'000'000);
  EXPECT_EQ(clock.drift_us_per_second, 1'000'000);
  EXPECT_EQ(Parsed(WithFault("{lose_disk: any}")).faults[0].kind, FaultKind::kLoseDisk);
  EXPECT_EQ(Parsed(WithFault("{disk_full: any, for: 3s}")).faults[0].kind, FaultKind::kDiskFull);
  const Fault frozen = Parsed(WithFault("{clock: any, grain: 500ms, frozen: true}")).faults[0];
  EXPECT_EQ(frozen.grain_us, 500'000);
  EXPECT_TRUE(frozen.frozen);
  EXPECT_EQ(Parsed(WithFault("{power_cut: all}")).faults[0].choice, Choice::kAll);
  const Fault error = Parsed(WithFault("{disk_error: any, sync: 3, error: no_space, once: true, "
                                       "from_start: true, rising: true, every: 2s, for: 1s}"))
                          .faults[0];
  EXPECT_EQ(error.fail_sync, 3u);
  EXPECT_TRUE(error.no_space && error.once && error.from_start && error.rising);
  EXPECT_EQ(Parsed(WithFault("{disk_slow: any, sync_delay: 50ms}")).faults[0].sync_delay_us,
            50'000);
  EXPECT_EQ(Parsed(WithFault("{disk_hang: any, for: 10s}")).faults[0].duration, 10'000'000);
  const Fault damage = Parsed(WithFault("{damage: any, file: manifest, how: truncate}")).faults[0];
  EXPECT_EQ(damage.file, DamagedFile::kManifest);
  EXPECT_EQ(damage.how, DamageHow::kTruncate);
  EXPECT_DOUBLE_EQ(Parsed(WithFault("{cpu: any, share: 20%}")).faults[0].share_percent, 20);
  EXPECT_EQ(Parsed(WithFault("{memory: any, limit: 100MB}")).faults[0].limit_bytes, 100'000'000u);
  EXPECT_EQ(Parsed(WithFault("{topology: any, as: older}")).faults[0].bad_topology,
            BadTopology::kOlder);
  EXPECT_EQ(Parsed(WithFault("{upgrade: all}")).faults[0].kind, FaultKind::kUpgrade);
  EXPECT_EQ(Parsed(WithFault("{remake_table: any}")).faults[0].kind, FaultKind::kRemakeTable);
  EXPECT_DOUBLE_EQ(Parsed(WithFault("{packets: all, loss: 2.5%}")).faults[0].loss_percent, 2.5);
  EXPECT_EQ(Parsed(WithFault("{black_hole: any, over: 600B}")).faults[0].over_bytes, 600u);
  EXPECT_EQ(Parsed(WithFault("{reset: any, every: 1s}")).faults[0].every, 1'000'000);
}

TEST(ScenarioFile, TheRestIsRead) {
  const Scenario scenario = Parsed(
      "name: a\ntopology: {regions: 5, delay: 40ms, jitter: 2ms}\nwarmup: 6s\nduration: 30s\n"
      "recovery: 1s\nworkload:\n  clients: 3\n  rate: 7\n  hot_percent: 20\n  hot_keys: 4\n"
      "  value_bytes: [100B, 4KB]\n  timeout: 1s\n  mix: {put: 5, read: 5}\n"
      "checks: [end_state, causality]\nexpect:\n  local_success: 99.9%\n  local_p99: 2x\n"
      "  converged_within: 9s\n");
  EXPECT_EQ(scenario.regions, 5u);
  EXPECT_EQ(scenario.delay_us, 40'000);
  EXPECT_EQ(scenario.warmup, 6'000'000);
  EXPECT_EQ(scenario.duration, 30'000'000);
  EXPECT_EQ(scenario.workload.clients, 3u);
  EXPECT_EQ(scenario.workload.value_bytes_max, 4000u);
  EXPECT_EQ(scenario.workload.mix[static_cast<size_t>(Operation::kTransaction)], 0u);
  EXPECT_EQ(scenario.checks, (std::set<Check>{Check::kEndState, Check::kCausality}));
  EXPECT_DOUBLE_EQ(*scenario.expect.local_success_percent, 99.9);
  EXPECT_DOUBLE_EQ(*scenario.expect.local_p99_times, 2);
  EXPECT_EQ(scenario.expect.converged_within, 9'000'000);
}

TEST(ScenarioFile, RefusalsNameThePlaceAndTheMend) {
  const std::pair<std::string, std::string> cases[] = {
      {"faults: []\n", "s.yaml:1:1: the file has no \"name\"; add it"},
      {"name: a\nfault: []\n",
       "s.yaml:2:1: unknown key \"fault\" in the file; did you mean \"faults\"?"},
      {WithFault("{at: 2s, cot: any}"),
       "s.yaml:3:14: unknown key \"cot\" in a fault; did you mean \"cut\"?"},
      {WithFault("{at: 2, cut: any}"),
       "s.yaml:3:10: \"2\" has no unit; write for example 40ms, 1.5s or 24h"},
      {WithFault("{at: 2s}"), "s.yaml:3:5: the entry names no fault; add one of cut, isolate"},
      {WithFault("{cut: any, kill: region}"),
       "s.yaml:3:22: two faults in one entry; start another"},
      {WithFault("{cut: [us-east-1, mars-1]}"),
       "s.yaml:3:23: there is no region \"mars-1\"; the regions are us-east-1, eu-west-1, "
       "ap-northeast-1"},
      {WithFault("{cut: [us-east-1, us-east-1]}"), "s.yaml:3:23: \"us-east-1\" is named twice"},
      {WithFault("{cut: us-east-1}"), "s.yaml:3:11: name the two regions"},
      {WithFault("{ring: all}"), "s.yaml:3:12: a ring that leaves a link out"},
      {WithFault("{slow: all}"), "s.yaml:3:12: slow needs delay, jitter or bandwidth"},
      {WithFault("{cut: any, delay: 3ms}"), "s.yaml:3:23: \"delay\" goes with slow only"},
      {WithFault("{kill: region, for: 3s}"),
       "s.yaml:3:25: \"for\" goes with a fault that lasts only"},
      {WithFault("{kill: server}"), "s.yaml:3:12: \"server\" is no process; use region"},
      {WithFault("{kill: everything, of: any}"), "s.yaml:3:28: everything is of all regions"},
      {WithFault("{cut: any, every: 3s}"), "s.yaml:3:5: \"every\" needs \"for\""},
      {WithFault("{kill: region, times: 3}"), "s.yaml:3:27: \"times\" needs \"every\""},
      {WithFault("{clock: any}"), "s.yaml:3:13: clock needs jump, drift, grain or frozen"},
      {WithFault("{disk_error: any}"), "s.yaml:3:18: disk_error needs write or sync"},
      {WithFault("{disk_error: any, sync: 0}"),
       "s.yaml:3:29: \"0\" must be a whole number from 1 to"},
      {WithFault("{disk_error: any, sync: 1, rising: true}"),
       "s.yaml:3:40: \"rising\" needs \"every\""},
      {WithFault("{disk_slow: any}"), "s.yaml:3:17: disk_slow needs sync_delay"},
      {WithFault("{disk_hang: any}"), "s.yaml:3:17: disk_hang needs for"},
      {WithFault("{damage: any, file: log, how: flip}"),
       "s.yaml:3:25: \"log\" is not understood; use one of wal, sst, manifest, current"},
      {WithFault("{damage: any, file: wal}"), "s.yaml:3:5: damage has no \"how\"; add it"},
      {WithFault("{cpu: any}"), "s.yaml:3:11: cpu needs share"},
      {WithFault("{cpu: any, share: 20}"), "s.yaml:3:23: \"20\" is no share up to 100%"},
      {WithFault("{memory: any}"), "s.yaml:3:14: memory needs limit"},
      {WithFault("{power_cut: any, for: 3s}"), "s.yaml:3:27: \"for\" goes with a fault that lasts"},
      {WithFault("{power_cut: any, sync: 3}"), "s.yaml:3:28: \"sync\" goes with disk_error only"},
      {WithFault("{packets: all}"), "s.yaml:3:15: packets needs loss or duplicate"},
      {WithFault("{black_hole: all}"), "s.yaml:3:18: black_hole needs over"},
      {WithFault("{clock: any, jump: 2}"), "s.yaml:3:24: \"2\" has no unit"},
      {"name: a\nduration: 5s\nfaults:\n  - {at: 4s, for: 2s, cut: any}\n",
       "s.yaml:2:11: the faults last 6s; make \"duration\" at least so long"},
      {"name: a\nchecks: [all_of_it]\n",
       "s.yaml:2:10: there is no check \"all_of_it\"; use all or some of end_state"},
      {"name: a\nexpect: {local_success: 99.9}\n",
       "s.yaml:2:25: \"99.9\" is not understood; write for example 99.9%"},
      {"name: a\nworkload: {mix: {put: 0}}\n", "s.yaml:2:17: the mix is empty"},
      {"name: a\nworkload: {value_bytes: [2KB, 1KB]}\n",
       "s.yaml:2:25: the first size is the smaller one"},
      {"name: a\ntopology: {regions: 10}\n",
       "s.yaml:2:21: \"10\" must be a whole number from 1 to 9"},
      {"name: a\ntopology: t.yaml\n", "s.yaml:2:11: the topology: t.yaml: no such file"},
      {"name: a\ntopology: {regions: 1}\nfaults:\n  - {cut: any}\n",
       "s.yaml:4:11: a fault of links needs at least 2 regions; the topology has 1"},
  };
  for (const auto& [text, message] : cases) {
    const std::string refused = Refused(text);
    EXPECT_TRUE(refused.starts_with(message)) << refused << "\nexpected " << message;
  }
}

TEST(ScenarioFile, ATopologyOfOnesOwnGivesTheNames) {
  const auto scenario = ParseScenario(
      "name: a\ntopology: t.yaml\nfaults:\n  - {isolate: x}\n", "s.yaml", [](const std::string&) {
        return topology::ParseTopology(
            "cluster: c\nregions:\n"
            "  - {name: x, id: 1, endpoint: \"127.0.0.1:1\", admin: \"127.0.0.1:2\", nats: "
            "\"nats://127.0.0.1:3\", data: x}\n"
            "  - {name: y, id: 2, endpoint: \"127.0.0.1:4\", admin: \"127.0.0.1:5\", nats: "
            "\"nats://127.0.0.1:6\", data: y}\nlinks:\n  - {between: others, latency: 9ms}\n",
            "t.yaml");
      });
  ASSERT_TRUE(scenario.ok()) << scenario.status().message();
  EXPECT_EQ(scenario->region_names, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(scenario->topology_file, "t.yaml");
}

TEST(ScenarioFile, TheShortTopologyIsOneThatDaemonsRead) {
  const Scenario scenario = Parsed("name: a\ntopology: {regions: 4, delay: 30ms}\n");
  std::vector<uint16_t> ports;
  for (uint16_t i = 0; i < 12; ++i) ports.push_back(static_cast<uint16_t>(20'000 + i));
  const auto read =
      topology::ParseTopology(topology::WriteTopology(ShortTopology(scenario, ports)), "t");
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->regions.size(), 4u);
  EXPECT_EQ(read->links.size(), 6u);
  EXPECT_EQ(read->links[5].latency_us, 30'000);
}

TEST(ScenarioFile, AllThatAreShippedAreGood) {
  ASSERT_GE(ShippedScenarios().size(), 2u);
  for (const ShippedScenario& shipped : ShippedScenarios()) {
    const auto scenario = ParseScenario(shipped.text, shipped.name, NoTopology);
    ASSERT_TRUE(scenario.ok()) << scenario.status().message();
    EXPECT_EQ(scenario->name, shipped.name);
    EXPECT_FALSE(scenario->description.empty()) << shipped.name;
  }
}

}  // namespace
}  // namespace everwrite::chaos
