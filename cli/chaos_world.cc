#include "cli/chaos_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "base/random.h"
#include "base/system_clock.h"
#include "cli/chaos_call.h"
#include "cli/end_signals.h"
#include "topology/topology_file.h"

namespace everwrite::cli {
namespace {

namespace fs = std::filesystem;
using chaos::FaultKind;
using chaos::Role;
using chaos::Stroke;

constexpr int64_t kClockGrainMicros = 20'000;  // a drift is made of steps of so much
constexpr int64_t kShortCallMs = 300;          // to a process that may be paused

// Ports nobody listens on, below the range from which the kernel takes those of outgoing
// connections; held open together, so that they differ.
Result<std::vector<uint16_t>> FreePorts(size_t count) {
  std::vector<int> sockets;
  std::vector<uint16_t> ports;
  Random chance(RandomSeed());
  for (size_t tries = 0; ports.size() < count && tries < 100 * count; ++tries) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto port = static_cast<uint16_t>(chance.Between(10'000, 32'767));
    address.sin_port = htons(port);
    if (fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0)
      ports.push_back(port);
    if (fd >= 0) sockets.push_back(fd);
  }
  for (const int fd : sockets) ::close(fd);
  if (ports.size() < count) return Unavailable("no free ports on 127.0.0.1");
  return ports;
}

class FileSink : public LogSink {
 public:
  explicit FileSink(const std::string& path) : out_(path, std::ios::app) {}
  void Write(std::string_view line) override {
    const std::lock_guard lock(mutex_);
    out_ << line << std::flush;
  }

 private:
  std::mutex mutex_;
  std::ofstream out_;
};

std::string ProcessOf(const std::string& region, Role role) {
  return region + (role == Role::kRegion       ? "/region"
                   : role == Role::kReplicator ? "/replicator"
                                               : "/nats");
}

}  // namespace

ChaosWorld::~ChaosWorld() {
  if (up_ != nullptr) up_->Stop();
}

Result<std::unique_ptr<ChaosWorld>> ChaosWorld::Start(const chaos::Scenario& scenario,
                                                      const std::vector<Stroke>& strokes,
                                                      const std::string& folder,
                                                      const std::function<bool()>& interrupted) {
  std::unique_ptr<ChaosWorld> world(new ChaosWorld());
  world->strokes_ = &strokes;
  world->names_ = scenario.region_names;
  std::string file = scenario.topology_file;
  if (file.empty()) {
    EW_ASSIGN_OR_RETURN(const std::vector<uint16_t> ports, FreePorts(3 * scenario.regions));
    file = folder + "/topology.yaml";
    std::ofstream(file) << topology::WriteTopology(chaos::ShortTopology(scenario, ports));
  }
  // Data folders that the file gives are left alone, unless it names absolute ones.
  EW_ASSIGN_OR_RETURN(world->plan_, LoadPlan(file, folder + "/data"));
  for (const RegionPlan& region : world->plan_.regions)
    if (!region.data.starts_with(folder))
      return InvalidArgument(file + ": region " + region.name + " has its data in " + region.data +
                             ", outside of what a chaos run may spoil; give a relative folder");
  for (const NetworkDirection& direction : world->plan_.directions) {
    chaos::LinkCondition& quiet = world->quiet_[{direction.from, direction.to}];
    quiet.cut = direction.cut;
    quiet.delay_us = direction.shape.delay_us;
    quiet.jitter_us = direction.shape.jitter_us;
    quiet.bytes_per_second = static_cast<uint64_t>(direction.shape.bytes_per_second);
  }
  world->current_ = world->quiet_;
  static const SystemClock clock;
  UpOptions options;
  options.plan = world->plan_;
  options.program = ThisProgram();
  LogOptions log;
  log.component = "up";
  log.json = true;
  options.log = Logger(std::make_shared<FileSink>(folder + "/up.log"), log, &clock);
  // Regions take clocks that are set for tests.
  ::setenv("EVERWRITE_TEST_HOOKS", "1", 1);
  world->up_ = std::make_unique<Up>(std::move(options));
  EW_RETURN_IF_ERROR(world->up_->Start(interrupted));
  for (const RegionPlan& region : world->plan_.regions) {
    EW_ASSIGN_OR_RETURN(const JsonValue status, FetchRegionStatus(region.admin.ToString(), 5000));
    world->ids_[region.name] = static_cast<uint64_t>(status["id"].AsInt());
  }
  EW_RETURN_IF_ERROR(world->MakeTable(interrupted));
  return world;
}

const RegionPlan& ChaosWorld::PlanOf(const std::string& region) const {
  return *std::find_if(plan_.regions.begin(), plan_.regions.end(),
                       [&region](const RegionPlan& plan) { return plan.name == region; });
}

std::string ChaosWorld::Endpoint(const std::string& region) const {
  return PlanOf(region).endpoint.ToString();
}

Status ChaosWorld::MakeTable(const std::function<bool()>& interrupted) {
  const std::string table = "\"TableName\":\"" + std::string(kChaosTable) + "\"";
  const std::string& first = names_.front();
  const std::string create_headers = CallHeaders("CreateTable", first);
  const std::string create_body =
      "{" + table +
      ",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[{\"AttributeName\":\"pk\","
      "\"AttributeType\":\"S\"},{\"AttributeName\":\"bucket\",\"AttributeType\":\"S\"}],"
      "\"KeySchema\":[{"
      "\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}],\"GlobalSecondaryIndexes\":[{\"IndexName\":"
      "\"by-bucket\",\"KeySchema\":[{\"AttributeName\":\"bucket\",\"KeyType\":\"HASH\"},{"
      "\"AttributeName\":\"pk\",\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"ALL\"}"
      "}],"
      "\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"}}";
  EW_ASSIGN_OR_RETURN(
      const HttpReply made,
      HttpCall("POST", Endpoint(first), "/",
               {.timeout_ms = 10000, .headers = create_headers, .body = create_body}));
  if (made.status != 200) return Unavailable("the table cannot be made: " + made.body);
  const std::string body = "{" + table + "}";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (const std::string& name : names_) {
    const std::string headers = CallHeaders("DescribeTable", name);
    while (true) {
      const auto reply = HttpCall("POST", Endpoint(name), "/", {.headers = headers, .body = body});
      if (reply.ok() && reply->status == 200 && reply->body.find("ACTIVE") != std::string::npos)
        break;
      if (interrupted()) return Aborted("interrupted");
      if (std::chrono::steady_clock::now() > deadline)
        return Unavailable("the table does not reach " + name);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  const std::string expiry_headers = CallHeaders("UpdateTimeToLive", first);
  const std::string expiry_body =
      "{" + table + ",\"TimeToLiveSpecification\":{\"AttributeName\":\"expiry\",\"Enabled\":true}}";
  EW_ASSIGN_OR_RETURN(
      const HttpReply set,
      HttpCall("POST", Endpoint(first), "/", {.headers = expiry_headers, .body = expiry_body}));
  if (set.status != 200) return Unavailable("the time to live cannot be set: " + set.body);
  return OkStatus();
}

void ChaosWorld::Apply(int64_t now) {
  for (const auto& [direction, quiet] : quiet_) {
    const chaos::LinkCondition wanted = chaos::ConditionAt(*strokes_, direction, quiet, now);
    chaos::LinkCondition& current = current_[direction];
    if (wanted == current) continue;
    const auto& [from, to] = direction;
    LinkSet& links = up_->links();
    (void)links.Shape(
        from, to, /*one_way=*/true,
        {wanted.delay_us, wanted.jitter_us, static_cast<int64_t>(wanted.bytes_per_second)});
    (void)(wanted.cut ? links.Cut(from, to, true) : links.Heal(from, to, true));
    current = wanted;
  }
  for (const std::string& name : names_) SetClock(name, chaos::ClockOffsetAt(*strokes_, name, now));
}

void ChaosWorld::SetClock(const std::string& region, int64_t offset_us) {
  const auto at = clocks_.find(region);
  const int64_t last = at == clocks_.end() ? 0 : at->second;
  const bool same = offset_us == last;
  if (same || (offset_us != 0 && std::abs(offset_us - last) < kClockGrainMicros)) return;
  const auto reply = HttpCall("POST", PlanOf(region).admin.ToString(),
                              "/test/clock?offset_ms=" + std::to_string(offset_us / 1000),
                              {.timeout_ms = kShortCallMs});
  if (reply.ok() && reply->status == 200) clocks_[region] = offset_us;
}

// The processes that a stroke is about.
std::vector<std::string> ChaosWorld::Struck(const Stroke& stroke) const {
  if (stroke.role != Role::kEverything) return {ProcessOf(stroke.region, stroke.role)};
  std::vector<std::string> all;
  for (const chaos::ProcessInfo& process : up_->Processes()) all.push_back(process.name);
  return all;
}

void ChaosWorld::Begin(const Stroke& stroke) {
  switch (stroke.kind) {
    case FaultKind::kReset:
      for (const auto& [from, to] : stroke.directions)
        if (from < to || stroke.directions.size() == 1) (void)up_->links().Reset(from, to);
      break;
    case FaultKind::kKill:
      for (const std::string& process : Struck(stroke)) (void)up_->Signal(process, SIGKILL);
      // A new process has a right clock.
      if (stroke.role == Role::kEverything) clocks_.clear();
      if (stroke.role == Role::kRegion) clocks_.erase(stroke.region);
      break;
    case FaultKind::kPause: {
      const auto processes = up_->Processes();
      for (const std::string& name : Struck(stroke)) {
        const auto at = std::find_if(processes.begin(), processes.end(),
                                     [&name](const auto& one) { return one.name == name; });
        if (at == processes.end() || at->pid == 0) continue;
        (void)up_->Signal(name, SIGSTOP);
        auto& [times, pid] = paused_[name];
        ++times;
        pid = at->pid;
      }
      break;
    }
    case FaultKind::kLoseDisk: LoseDisk(stroke.region); break;
    case FaultKind::kDiskFull: FillDisk(stroke.region, true); break;
    case FaultKind::kAddIndex: AddIndex(stroke.region); break;
    default: break;  // the network and clocks follow Apply
  }
}

void ChaosWorld::End(const Stroke& stroke) {
  if (stroke.kind == FaultKind::kDiskFull) FillDisk(stroke.region, false);
  if (stroke.kind != FaultKind::kPause) return;
  for (const std::string& name : Struck(stroke)) {
    const auto at = paused_.find(name);
    if (at == paused_.end() || --at->second.first > 0) continue;
    (void)up_->Signal(name, SIGCONT);
    paused_.erase(at);
  }
}

void ChaosWorld::Heal() {
  for (const auto& [name, paused] : paused_) (void)up_->Signal(name, SIGCONT);
  paused_.clear();
  for (const std::string& name : names_) FillDisk(name, false);
  constexpr int64_t kAfterAll = INT64_MAX;
  Apply(kAfterAll);
}

// What a region keeps is renamed under its feet and its process killed: it starts again with
// nothing.
void ChaosWorld::LoseDisk(const std::string& region) {
  const RegionPlan& plan = PlanOf(region);
  // It may be dead already; then the others have heard of its logs.
  std::set<uint64_t> logs(lost_logs_[region].begin(), lost_logs_[region].end());
  for (const RegionPlan& other : plan_.regions) {
    const auto status = FetchRegionStatus(other.admin.ToString(), kShortCallMs);
    if (!status.ok()) continue;
    std::vector<std::string> heard;
    for (const auto& [log, number] : (*status)["applied"].members()) heard.push_back(log);
    if (other.name == region) heard.push_back((*status)["log"].AsString());
    for (const std::string& log : heard) {
      uint64_t value = 0;
      std::from_chars(log.data(), log.data() + log.size(), value, 16);
      if (value != 0 && value >> 48 == ids_[region]) logs.insert(value);
    }
  }
  lost_logs_[region].assign(logs.begin(), logs.end());
  for (const char* part : {"/db", "/everwrite.identity"}) {
    std::error_code ignored;
    fs::rename(plan.data + part, plan.data + part + ".lost-" + std::to_string(numbered_++),
               ignored);
  }
  (void)up_->Signal(ProcessOf(region, Role::kRegion), SIGKILL);
  clocks_.erase(region);
}

// The process may make no file longer than a byte: every append fails, as on a full disk.
void ChaosWorld::FillDisk(const std::string& region, bool full) {
  for (const chaos::ProcessInfo& process : up_->Processes()) {
    if (process.name != ProcessOf(region, Role::kRegion) || process.pid == 0) continue;
    const rlimit limit{full ? 1 : RLIM_INFINITY, RLIM_INFINITY};
    (void)::prlimit(process.pid, RLIMIT_FSIZE, &limit, nullptr);
  }
}

void ChaosWorld::AddIndex(const std::string& region) {
  const std::string name = "chaos-" + std::to_string(numbered_++);
  const std::string headers = CallHeaders("UpdateTable", region);
  const std::string body =
      "{\"TableName\":\"" + std::string(kChaosTable) +
      "\",\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}],"
      "\"GlobalSecondaryIndexUpdates\":[{\"Create\":{\"IndexName\":\"" +
      name +
      "\",\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}],\"Projection\":{"
      "\"ProjectionType\":\"ALL\"}}}]}";
  (void)HttpCall("POST", Endpoint(region), "/",
                 {.timeout_ms = 2000, .headers = headers, .body = body});
}

std::vector<std::string> ChaosWorld::Finished() const {
  std::vector<std::string> lines;
  for (const chaos::ProcessInfo& process : up_->Finished())
    lines.push_back(process.name + " ended for good with status " +
                    std::to_string(process.exit_status) + "; its log is " + process.log_file);
  return lines;
}

bool ChaosWorld::IsConverged() const {
  std::string vector;
  for (const RegionPlan& region : plan_.regions) {
    const auto status = FetchRegionStatus(region.admin.ToString(), 2000);
    if (!status.ok() || !(*status)["ready"].AsBool()) return false;
    const std::string here = VectorText((*status)["applied"]);
    if (!vector.empty() && here != vector) return false;
    vector = here;
  }
  return true;
}

}  // namespace everwrite::cli
