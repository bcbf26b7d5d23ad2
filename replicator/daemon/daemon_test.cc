// The daemon as a process: what it refuses, and how it ends.
#include "replicator/daemon.h"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace everwrite::replicator {
namespace {

TEST(Daemon, ConfigurationsThatCannotBeUsedEndWith78) {
  DaemonOptions options;
  options.topology_file = "topology/no_such_file.yaml";
  options.region = "us-east-1";
  EXPECT_EQ(RunReplicator(options), 78);
  options.topology_file = "topology/examples/three_regions.yaml";
  options.region = "mars";
  EXPECT_EQ(RunReplicator(options), 78);
  options.region = "us-east-1";
  options.peer_urls["mars"] = "nats://127.0.0.1:1";
  EXPECT_EQ(RunReplicator(options), 78);
  options.peer_urls = {{"us-east-1", "nats://127.0.0.1:1"}};
  EXPECT_EQ(RunReplicator(options), 78) << "a region is no peer of its own";
  options.peer_urls.clear();
  options.socket = "/tmp/" + std::string(200, 'x');
  EXPECT_EQ(RunReplicator(options), 78);
}

TEST(Daemon, WithNobodyThereItWaitsAndEndsAtSigterm) {
  std::string folder = (std::filesystem::temp_directory_path() / "ew-daemon-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  DaemonOptions options;
  options.topology_file = folder + "/topology.yaml";
  options.region = "a";
  std::ofstream(options.topology_file) << R"(cluster: nobody
regions:
  - {name: a, id: 1, endpoint: "127.0.0.1:2", admin: "127.0.0.1:3", nats: "nats://127.0.0.1:4", data: a}
  - {name: b, id: 2, endpoint: "127.0.0.1:5", admin: "127.0.0.1:6", nats: "nats://127.0.0.1:7", data: b}
links: [{between: [a, b]}]
)";
  const pid_t child = fork();
  if (child == 0) _exit(RunReplicator(options));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, WNOHANG), 0) << "it must not give up";
  kill(child, SIGTERM);
  for (int i = 0; i < 500 && waitpid(child, &status, WNOHANG) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace everwrite::replicator
