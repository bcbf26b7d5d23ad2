// `up` with real processes: nats-servers, and stand-ins for regions and replicators.
#include "cli/up.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "cli/http_client.h"

namespace everwrite::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// The stand-in lies beside this test's executable.
std::string FakeDaemon() {
  return fs::read_symlink("/proc/self/exe").parent_path() / "everwrite_fake_daemon";
}

bool Alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string number, name, state;
  return stat >> number >> name >> state && state != "Z";
}

class UpTest : public testing::Test {
 protected:
  UpTest() {
    char name[] = "/tmp/everwrite_up_XXXXXX";
    root_ = ::mkdtemp(name);
    ::setenv("XDG_RUNTIME_DIR", root_.c_str(), 1);
    for (int& port : ports_) port = FreePort();
    std::ofstream file(root_ + "/topology.yaml");
    file << "cluster: test\nregions:\n";
    for (int i = 0; i < 2; ++i) {
      file << "  - {name: " << Name(i) << ", id: " << i + 1;
      file << ", endpoint: \"127.0.0.1:" << ports_[3 * i]
           << "\", admin: \"127.0.0.1:" << ports_[3 * i + 1]
           << "\", nats: \"nats://127.0.0.1:" << ports_[3 * i + 2] << "\", data: " << Name(i)
           << "}\n";
    }
    file << "links:\n  - {between: [east-1, west-1], latency: 20ms}\n";
  }
  ~UpTest() override {
    up_.reset();
    ::unsetenv("XDG_RUNTIME_DIR");
    fs::remove_all(root_);
  }
  static std::string Name(int i) { return i == 0 ? "east-1" : "west-1"; }
  // Held open until all are known, so that no port is given twice.
  int FreePort() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    held_.push_back(fd);
    return ntohs(address.sin_port);
  }
  Status Start(bool gateway = false) {
    for (const int fd : held_) ::close(fd);
    held_.clear();
    auto plan = LoadPlan(root_ + "/topology.yaml", root_ + "/data");
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    UpOptions options;
    options.plan = *plan;
    options.program = FakeDaemon();
    options.ready_timeout_ms = 20000;
    if (gateway) options.gateway_port = static_cast<uint16_t>(gateway_port_);
    up_ = std::make_unique<Up>(std::move(options));
    return up_->Start([] { return false; });
  }
  JsonValue Control() {
    return JsonValue::Parse(HttpCall("GET", up_->view().control, "/status")->body).value();
  }
  std::vector<pid_t> Pids() {
    std::vector<pid_t> pids;
    const JsonValue status = Control();
    for (const JsonValue& process : status["processes"].items()) {
      pids.push_back(static_cast<pid_t>(process["pid"].AsInt()));
    }
    return pids;
  }
  HttpReply Link(const std::string& query) {
    return HttpCall("POST", up_->view().control, "/links?" + query,
                    {.headers = "X-Everwrite-Control: 1\r\n"})
        .value();
  }
  std::string root_;
  int ports_[6];
  int gateway_port_ = 0;
  std::vector<int> held_;
  std::unique_ptr<Up> up_;
};

TEST_F(UpTest, ItStartsEverythingIsFoundAndLeavesNoProcess) {
  const Status started = Start(/*gateway=*/true);
  ASSERT_TRUE(started.ok()) << started.ToString();
  EXPECT_TRUE(
      up_->ReadyLine().starts_with("ready east-1=http://127.0.0.1:" + std::to_string(ports_[0])))
      << up_->ReadyLine();
  EXPECT_NE(up_->ReadyLine().find(" gateway=http://127.0.0.1:"), std::string::npos);
  EXPECT_EQ(FindRunning()->control, up_->view().control);
  EXPECT_EQ(FindCluster(root_ + "/topology.yaml")->control, up_->view().control);
  const std::vector<pid_t> pids = Pids();
  ASSERT_EQ(pids.size(), 6u);
  for (const pid_t pid : pids) EXPECT_TRUE(Alive(pid));
  // A replicator is told to reach its peer by the simulated link.
  const std::string log = chaos::FileTail(root_ + "/data/east-1/run/replicator.log", 10000);
  EXPECT_NE(log.find("--peer west-1=nats://127.0.0.1:"), std::string::npos) << log;
  EXPECT_EQ(log.find(std::to_string(ports_[5])), std::string::npos) << log;
  up_->Stop();
  for (const pid_t pid : pids) EXPECT_FALSE(Alive(pid));
  EXPECT_FALSE(FindRunning().ok());
}

TEST_F(UpTest, WhatCrashesIsStartedAgain) {
  ASSERT_TRUE(Start().ok());
  const std::vector<pid_t> before = Pids();
  for (const pid_t pid : before) ::kill(pid, SIGKILL);
  bool all = false;
  for (int i = 0; i < 500 && !all; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
    const std::vector<pid_t> now = Pids();
    all = true;
    for (size_t p = 0; p < now.size(); ++p) all &= now[p] != 0 && now[p] != before[p];
  }
  EXPECT_TRUE(all);
}

TEST_F(UpTest, LinksAreChangedThroughTheControlEndpoint) {
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Control()["links"].Dump(false).find("\"cut\":true"), std::string::npos);
  EXPECT_EQ(Link("action=cut&from=east-1&to=west-1").status, 200);
  EXPECT_EQ(Control()["links"].Dump(false).find("\"cut\":false"), std::string::npos);
  EXPECT_EQ(Link("action=heal&from=east-1&to=west-1&one_way=1").status, 200);
  EXPECT_EQ(Link("action=heal").status, 200);
  EXPECT_EQ(Control()["links"].Dump(false).find("\"cut\":true"), std::string::npos);
  EXPECT_EQ(Link("action=delay&from=east-1&to=west-1&one_way=1&delay_ms=70&jitter_ms=2").status,
            200);
  const std::string links = Control()["links"].Dump(false);
  EXPECT_NE(links.find("\"delay_ms\":70,\"jitter_ms\":2"), std::string::npos) << links;
  EXPECT_NE(links.find("\"delay_ms\":20"), std::string::npos) << links;
  EXPECT_EQ(Link("action=cut&from=east-1&to=nowhere").status, 404);
  EXPECT_EQ(Link("action=delay&from=east-1&to=west-1&delay_ms=-1").status, 400);
  EXPECT_EQ(Link("action=explode&from=east-1&to=west-1").status, 400);
  // What a web page could send.
  EXPECT_EQ(
      HttpCall("POST", up_->view().control, "/links?action=cut&from=east-1&to=west-1")->status,
      403);
}

TEST_F(UpTest, APortInUseIsToldBeforeAnythingIsStarted) {
  const int taken = held_[4];
  held_.erase(held_.begin() + 4);
  ASSERT_EQ(::listen(taken, 1), 0);
  const Status status = Start();
  ::close(taken);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find(std::to_string(ports_[4])), std::string::npos)
      << status.message();
  EXPECT_NE(status.message().find("west-1"), std::string::npos);
  EXPECT_FALSE(fs::exists(root_ + "/data"));
}

TEST_F(UpTest, AGatewaysPortInUseIsToldBeforeAnythingIsStarted) {
  const int port = FreePort();
  const int taken = held_.back();
  held_.pop_back();
  ASSERT_EQ(::listen(taken, 1), 0);
  gateway_port_ = port;
  const Status status = Start(/*gateway=*/true);
  ::close(taken);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status.message();
  EXPECT_FALSE(fs::exists(root_ + "/data"));
}

TEST_F(UpTest, ARegionThatRefusesItsConfigurationEndsUpWithItsWords) {
  std::ofstream(root_ + "/west-1.refuse") << "";
  const Status status = Start();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status.message();
  EXPECT_NE(status.message().find("refused by the test"), std::string::npos) << status.message();
}

TEST_F(UpTest, AnInterruptDuringTheStartEndsIt) {
  std::ofstream(root_ + "/none") << "";
  auto plan = LoadPlan(root_ + "/topology.yaml", root_ + "/data");
  for (const int fd : held_) ::close(fd);
  held_.clear();
  UpOptions options;
  options.plan = *plan;
  options.program = "/bin/sleep";  // never serves
  options.nats_server = "/bin/true";
  up_ = std::make_unique<Up>(std::move(options));
  EXPECT_EQ(up_->Start([] { return true; }).code(), StatusCode::kAborted);
}

}  // namespace
}  // namespace everwrite::cli
