// Real nats-servers, real sockets, whole daemons but for the process: replicators against toy
// regions that hold their logs in memory. Servers are killed, frozen and started again while
// regions write; at the end every region has everything.
#include <gtest/gtest.h>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "base/system_clock.h"
#include "replicator/daemon/driver.h"
#include "replicator/link/region_link.h"
#include "replicator/nats/nats_bus.h"
#include "streams/change_record.h"

namespace everwrite::replicator {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

bool WaitFor(const std::function<bool()>& condition, milliseconds time = seconds(20)) {
  const auto end = steady_clock::now() + time;
  while (!condition()) {
    if (steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

class NatsServer {
 public:
  explicit NatsServer(fs::path folder) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    Start();
  }
  ~NatsServer() { Kill(); }

  void Start() {
    const std::string port = port_.empty() ? "-1" : port_;
    pid_ = fork();
    if (pid_ == 0) {
      const std::string log = (folder_ / "nats.log").string();
      execlp("nats-server", "nats-server", "-a", "127.0.0.1", "-p", port.c_str(),
             "--ports_file_dir", folder_.c_str(), "-l", log.c_str(), static_cast<char*>(nullptr));
      execl("/usr/sbin/nats-server", "nats-server", "-a", "127.0.0.1", "-p", port.c_str(),
            "--ports_file_dir", folder_.c_str(), "-l", log.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    if (!port_.empty()) return;
    ASSERT_TRUE(WaitFor([this] { return ReadPort(); })) << "nats-server did not start";
  }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void Freeze() { kill(pid_, SIGSTOP); }
  void Thaw() { kill(pid_, SIGCONT); }
  std::string Url() const { return "nats://127.0.0.1:" + port_; }

 private:
  bool ReadPort() {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() != ".ports") continue;
      std::ifstream in(entry.path());
      const std::string text((std::istreambuf_iterator<char>(in)), {});
      const size_t at = text.find("nats://127.0.0.1:");
      if (at == std::string::npos) return false;
      port_ = text.substr(at + 17, text.find('"', at) - at - 17);
      return true;
    }
    return false;
  }
  const fs::path folder_;
  std::string port_;
  pid_t pid_ = -1;
};

// A region that keeps its logs in memory and serves one replicator at a Unix socket.
class ToyRegion {
 public:
  ToyRegion(RegionId id, std::string socket_path)
      : id_(id), log_(LogId::Make(id, 1)), socket_path_(std::move(socket_path)) {
    Listen();
  }
  ~ToyRegion() { Away(); }

  void Listen() {
    unlink(socket_path_.c_str());
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    ASSERT_LT(socket_path_.size(), sizeof address.sun_path);
    std::strcpy(address.sun_path, socket_path_.c_str());
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(listener_, 4), 0);
    stopping_ = false;
    thread_ = std::thread([this] { Serve(); });
  }
  // The process is gone; what it has stored stays.
  void Away() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    if (listener_ >= 0) close(listener_);
    listener_ = -1;
  }

  void Write(size_t count, size_t size, uint64_t transaction = 0) {
    std::lock_guard<std::mutex> lock(mutex_);
    streams::RecordBatch batch{log_, applied_.At(log_) + 1, {}};
    const std::string image(size, static_cast<char>('a' + batch.first % 26));
    for (size_t i = 0; i < count; ++i) {
      conflict::Vector context = applied_;
      context.Set(log_, 0);
      std::string context_bytes;
      context.EncodeTo(context_bytes);
      streams::ChangeRecord record;
      record.dot = {log_, applied_.At(log_) + 1};
      record.stamp = Stamp::Make(clock_.PhysicalMillis(), 1);
      record.context = context_bytes;
      record.key = "k";
      record.image = image;
      record.transaction = transaction;
      record.transaction_end = transaction != 0 && i + 1 == count;
      std::string bytes;
      streams::EncodeChangeRecord(record, bytes);
      batch.records.push_back(std::make_shared<const std::string>(std::move(bytes)));
      logs_[log_].push_back(batch.records.back());
      applied_.Raise(record.dot);
    }
    outbox_.push_back(streams::LinkCommitted{std::move(batch)});
    outbox_.push_back(State());
  }

  conflict::Vector applied() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return applied_;
  }
  std::vector<std::shared_ptr<const std::string>> LogOf(RegionId origin) const {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto at = logs_.find(LogId::Make(origin, 1));
    return at == logs_.end() ? std::vector<std::shared_ptr<const std::string>>() : at->second;
  }
  streams::ReplicationStatus status() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return status_;
  }
  streams::PeerProgress progress() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return progress_;
  }

 private:
  streams::RegionState State() const {
    return {id_, log_, applied_, applied_, clock_.PhysicalMillis(), 0, Stamp::Make(1, 0), {}};
  }

  void Serve() {
    while (!stopping_) {
      pollfd polled{listener_, POLLIN, 0};
      if (poll(&polled, 1, 20) <= 0) continue;
      const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      Talk(connection);
      close(connection);
    }
  }

  void Talk(int connection) {
    streams::LinkReader reader;
    std::string buffer(1 << 20, '\0');
    bool welcomed = false;
    while (!stopping_) {
      std::vector<streams::LinkMessage> outbox;
      if (welcomed) {
        std::lock_guard<std::mutex> lock(mutex_);
        outbox.swap(outbox_);
      }
      for (const auto& message : outbox)
        if (!SendAll(connection, streams::EncodeLinkFrame(message))) return;
      pollfd polled{connection, POLLIN, 0};
      if (poll(&polled, 1, 2) <= 0) continue;
      const ssize_t count = recv(connection, buffer.data(), buffer.size(), 0);
      if (count <= 0) return;
      reader.Append(std::string_view(buffer).substr(0, static_cast<size_t>(count)));
      while (true) {
        auto next = reader.Next();
        ASSERT_TRUE(next.ok()) << next.status().ToString();
        if (!next->has_value()) break;
        if (std::holds_alternative<streams::LinkHello>(**next)) {
          std::lock_guard<std::mutex> lock(mutex_);
          outbox_ = {streams::LinkWelcome{streams::kLinkVersion, "demo", id_}, State()};
          welcomed = true;
        } else {
          Handle(**next);
        }
      }
    }
  }

  static bool SendAll(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

  void Handle(const streams::LinkMessage& message) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (const auto* apply = std::get_if<streams::ApplyRequest>(&message)) {
      const Status status = Apply(apply->batch);
      outbox_.push_back(streams::ApplyReply{apply->id, status, applied_, applied_});
    } else if (const auto* read = std::get_if<streams::ReadRequest>(&message)) {
      streams::ReadReply reply{read->id, {read->log, read->after + 1, {}}, false};
      const auto& log = logs_[read->log];
      size_t bytes = 0;
      for (size_t i = read->after;
           i < log.size() && (reply.batch.empty() || bytes < read->max_bytes); ++i) {
        reply.batch.records.push_back(log[i]);
        bytes += log[i]->size();
      }
      outbox_.push_back(std::move(reply));
    } else if (const auto* status = std::get_if<streams::ReplicationStatus>(&message)) {
      status_ = *status;
    } else if (const auto* progress = std::get_if<streams::PeerProgress>(&message)) {
      progress_ = *progress;
    }
  }

  Status Apply(const streams::RecordBatch& batch) {
    if (batch.first > applied_.At(batch.log) + 1) return Aborted("gap");
    uint64_t number = batch.first;
    uint64_t open_transaction = 0;
    for (const auto& bytes : batch.records) {
      streams::ChangeRecord record;
      EXPECT_TRUE(streams::DecodeChangeRecord(*bytes, record));
      EXPECT_EQ(record.dot.number, number);
      conflict::Vector context;
      EXPECT_TRUE(record.context.empty() || conflict::Vector::Decode(record.context, context));
      EXPECT_TRUE(applied_.Covers(context)) << "an answer before its question";
      open_transaction = record.transaction_end ? 0 : record.transaction;
      if (number == applied_.At(batch.log) + 1) {
        logs_[batch.log].push_back(bytes);
        applied_.Raise(record.dot);
      }
      ++number;
    }
    EXPECT_EQ(open_transaction, 0u) << "half a transaction";
    return OkStatus();
  }

  const RegionId id_;
  const LogId log_;
  const std::string socket_path_;
  const SystemClock clock_;
  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  conflict::Vector applied_;
  std::map<LogId, std::vector<std::shared_ptr<const std::string>>> logs_;
  std::vector<streams::LinkMessage> outbox_;
  streams::ReplicationStatus status_;
  streams::PeerProgress progress_;
  std::thread thread_;
};

class IntegrationTest : public ::testing::Test {
 protected:
  static constexpr int kCount = 3;

  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ew-repl-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    for (int i = 0; i < kCount; ++i) {
      servers_.push_back(std::make_unique<NatsServer>(folder_ / ("nats" + std::to_string(i))));
      regions_.push_back(std::make_unique<ToyRegion>(Id(i), Socket(i)));
    }
    daemons_.resize(kCount);
    for (int i = 0; i < kCount; ++i) StartDaemon(i);
  }
  void TearDown() override {
    daemons_.clear();
    regions_.clear();
    servers_.clear();
    fs::remove_all(folder_);
  }

  struct Daemon {
    std::unique_ptr<Driver> driver;
    std::unique_ptr<NatsBus> bus;
    std::unique_ptr<RegionLink> link;
    ~Daemon() {
      driver->Stop();
      link.reset();
      bus.reset();
    }
  };

  static RegionId Id(int i) { return RegionId{static_cast<uint16_t>(i + 1)}; }
  static std::string Name(int i) { return "region-" + std::to_string(i + 1); }
  std::string Socket(int i) const { return (folder_ / (Name(i) + ".sock")).string(); }

  void StartDaemon(int i) {
    daemons_[i] = nullptr;
    Options options;
    options.self = Id(i);
    options.heartbeat_us = 100 * kMicrosPerMilli;
    NatsBusOptions bus{"demo", Id(i), Name(i), servers_[i]->Url(), {}};
    std::map<RegionId, std::string> names;
    for (int k = 0; k < kCount; ++k) {
      names[Id(k)] = Name(k);
      if (k == i) continue;
      options.peers.push_back(Id(k));
      bus.peers.push_back({Id(k), Name(k), servers_[k]->Url()});
    }
    auto daemon = std::make_unique<Daemon>();
    // EVERWRITE_TEST_LOG=1 shows what the daemons say.
    const Logger log = std::getenv("EVERWRITE_TEST_LOG") != nullptr
                           ? Logger(StderrSink(), {.region = Name(i)}, &clock_)
                           : Logger();
    daemon->driver = std::make_unique<Driver>(options, names, RandomSeed(), clock_, log);
    daemon->bus = std::make_unique<NatsBus>(bus, daemon->driver.get());
    daemon->link = std::make_unique<RegionLink>(RegionLinkOptions{Socket(i), "demo", Id(i)},
                                                daemon->driver.get());
    daemon->driver->Start(daemon->bus.get(), daemon->link.get());
    daemons_[i] = std::move(daemon);
  }

  bool Converged() const {
    for (int i = 1; i < kCount; ++i)
      if (regions_[i]->applied() != regions_[0]->applied()) return false;
    return true;
  }
  void ExpectConverged(const char* when) {
    EXPECT_TRUE(WaitFor([this] { return Converged(); })) << when;
    for (int i = 0; i < kCount; ++i) {
      for (int k = 0; k < kCount; ++k) {
        const auto here = regions_[i]->LogOf(Id(k));
        const auto there = regions_[k]->LogOf(Id(k));
        ASSERT_EQ(here.size(), there.size()) << when << ": log of " << k << " at " << i;
        for (size_t n = 0; n < here.size(); ++n) ASSERT_EQ(*here[n], *there[n]);
      }
    }
  }

  fs::path folder_;
  SystemClock clock_;
  std::vector<std::unique_ptr<NatsServer>> servers_;
  std::vector<std::unique_ptr<ToyRegion>> regions_;
  std::vector<std::unique_ptr<Daemon>> daemons_;
};

TEST_F(IntegrationTest, WhatIsWrittenAnywhereIsEverywhere) {
  for (int round = 0; round < 100; ++round)
    for (int i = 0; i < kCount; ++i) regions_[i]->Write(3, 100);
  ExpectConverged("after writing");
  EXPECT_EQ(regions_[0]->applied().At(LogId::Make(Id(2), 1)), 300u);
  // Everyone learns that everyone holds it, and the status says that all is well.
  EXPECT_TRUE(WaitFor(
      [this] { return regions_[0]->progress().durable_everywhere == regions_[0]->applied(); }));
  EXPECT_TRUE(WaitFor([this] { return regions_[0]->progress().stable == regions_[0]->applied(); }));
  EXPECT_TRUE(WaitFor([this] {
    const auto status = regions_[0]->status();
    if (!status.bus_connected || status.links.size() != 4) return false;
    for (const auto& link : status.links)
      if (link.state != streams::ReplicationStatus::LinkState::kUp || link.pending != 0)
        return false;
    return true;
  }));
}

TEST_F(IntegrationTest, LargeRecordsAndATransactionOfManyFramesArriveWhole) {
  regions_[0]->Write(3, 400'000);
  regions_[1]->Write(20, 300'000, /*transaction=*/7);
  regions_[2]->Write(500, 10'000);
  ExpectConverged("large");
}

TEST_F(IntegrationTest, AKilledServerIsJustADelay) {
  regions_[0]->Write(10, 100);
  ExpectConverged("before");
  for (int victim = 0; victim < kCount; ++victim) {
    servers_[victim]->Kill();
    for (int i = 0; i < kCount; ++i) regions_[i]->Write(20, 100);
    std::this_thread::sleep_for(milliseconds(300));
    for (int i = 0; i < kCount; ++i) regions_[i]->Write(20, 100);
    servers_[victim]->Start();
    ExpectConverged("after the kill");
  }
}

TEST_F(IntegrationTest, AReplicatorStartsAgainWhileAllWrite) {
  for (int i = 0; i < kCount; ++i) {
    regions_[i]->Write(50, 100);
    StartDaemon(i);
    regions_[i]->Write(50, 100);
  }
  ExpectConverged("after restarts");
}

TEST_F(IntegrationTest, ARegionGoesAwayAndComesBack) {
  regions_[0]->Write(10, 100);
  ExpectConverged("before");
  regions_[1]->Away();
  regions_[0]->Write(10, 100);
  regions_[2]->Write(10, 100);
  std::this_thread::sleep_for(milliseconds(200));
  regions_[1]->Listen();
  regions_[1]->Write(10, 100);
  ExpectConverged("after");
}

TEST_F(IntegrationTest, AFrozenServerHoldsNobodyUpAndIsNoticed) {
  regions_[0]->Write(10, 100);
  ExpectConverged("before");
  using LinkState = streams::ReplicationStatus::LinkState;
  const auto link_is = [this](LinkState state) {
    for (const auto& link : daemons_[1]->driver->status().links)
      if (link.from == Id(0)) return link.state == state;
    return false;
  };
  ASSERT_TRUE(WaitFor([&] { return link_is(LinkState::kUp); }));
  servers_[0]->Freeze();
  const auto frozen = steady_clock::now();
  // The others go on at once, and what region 1 says is only late.
  regions_[1]->Write(10, 100);
  regions_[0]->Write(200, 1000);
  EXPECT_TRUE(WaitFor([this] { return regions_[2]->applied().At(LogId::Make(Id(1), 1)) == 10; },
                      seconds(2)));
  EXPECT_TRUE(WaitFor([&] { return !link_is(LinkState::kUp); }, seconds(5)));
  EXPECT_TRUE(WaitFor([&] { return link_is(LinkState::kDown); }, seconds(3)));
  EXPECT_LT(steady_clock::now() - frozen, seconds(7));
  servers_[0]->Thaw();
  ExpectConverged("after the thaw");
}

TEST_F(IntegrationTest, WhatAReplicatorOfAnotherClusterSaysIsIgnored) {
  NatsBusOptions options{
      "other", Id(1), Name(1), servers_[1]->Url(), {{Id(0), Name(0), servers_[0]->Url()}}};
  struct Silent : BusEvents {
    std::atomic<bool> up{false};
    std::atomic<int> messages{0};
    void OnOwnBus(bool) override {}
    void OnPeer(RegionId, bool is_up) override { up = is_up; }
    void OnBusMessage(RegionId, Message) override { ++messages; }
    void OnBusNote(RegionId, std::string) override {}
  } events;
  NatsBus stranger(options, &events);
  ASSERT_TRUE(WaitFor([&] { return events.up.load(); }));
  stranger.Send(Id(0), Open{(1ULL << 32) | 1, LogId::Make(Id(0), 1), 0, 1'000'000});
  regions_[0]->Write(10, 100);
  ExpectConverged("with a stranger");
  EXPECT_EQ(events.messages, 0);
}

TEST_F(IntegrationTest, NobodyAtThePeerIsSaidByTheBusAtOnce) {
  daemons_[0] = nullptr;
  struct Listener : BusEvents {
    std::atomic<bool> up{false};
    std::atomic<bool> nobody{false};
    void OnOwnBus(bool) override {}
    void OnPeer(RegionId, bool is_up) override { up = is_up; }
    void OnBusMessage(RegionId, Message message) override {
      const End* end = std::get_if<End>(&message);
      if (end != nullptr && end->reason == EndReason::kNobody) nobody = true;
    }
    void OnBusNote(RegionId, std::string) override {}
  } events;
  daemons_[1] = nullptr;
  NatsBus bus({"demo", Id(1), Name(1), servers_[1]->Url(), {{Id(0), Name(0), servers_[0]->Url()}}},
              &events);
  ASSERT_TRUE(WaitFor([&] { return events.up.load(); }));
  bus.Send(Id(0), Open{(1ULL << 32) | 1, LogId::Make(Id(0), 1), 0, 1'000'000});
  EXPECT_TRUE(WaitFor([&] { return events.nobody.load(); }, seconds(2)));
}

}  // namespace
}  // namespace everwrite::replicator
