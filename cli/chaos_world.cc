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
#include "chaos/live/private_network.h"
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
// So long a region with a damaged file is left to notice it.
constexpr int64_t kDamageMicros = 12'000'000;

int64_t NowMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

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
  for (const auto& [name, machine] : machines_) machine->Heal();
  if (up_ != nullptr) up_->Stop();
}

Result<std::unique_ptr<ChaosWorld>> ChaosWorld::Start(const chaos::Scenario& scenario,
                                                      const std::vector<Stroke>& strokes,
                                                      ChaosWorldOptions given,
                                                      const std::function<bool()>& interrupted) {
  const std::string& folder = given.folder;
  std::unique_ptr<ChaosWorld> world(new ChaosWorld());
  world->strokes_ = &strokes;
  world->names_ = scenario.region_names;
  std::string file = scenario.topology_file;
  if (file.empty()) {
    EW_ASSIGN_OR_RETURN(const std::vector<uint16_t> ports, FreePorts(3 * scenario.regions));
    file = folder + "/topology.yaml";
    std::ofstream(file) << topology::WriteTopology(chaos::ShortTopology(scenario, ports));
  }
  EW_ASSIGN_OR_RETURN(world->topology_text_, topology::ReadConfigText(file));
  if (std::any_of(strokes.begin(), strokes.end(),
                  [](const Stroke& stroke) { return stroke.kind == FaultKind::kTopology; })) {
    // The file is going to be spoilt: a copy of it.
    file = folder + "/topology.yaml";
    std::ofstream(file) << world->topology_text_;
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
  world->seed_ = given.seed;
  EW_RETURN_IF_ERROR(world->MakeMachines(scenario, given));
  static const SystemClock clock;
  UpOptions options;
  options.plan = world->plan_;
  options.program = ThisProgram();
  LogOptions log;
  log.component = "up";
  log.json = true;
  options.log = Logger(std::make_shared<FileSink>(folder + "/up.log"), log, &clock);
  options.adjust = [raw = world.get()](const RegionPlan& region, std::string_view role,
                                       chaos::ProcessSpec& spec) {
    raw->machines_.at(region.name)->Adjust(role, spec);
  };
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

Status ChaosWorld::MakeMachines(const chaos::Scenario& scenario, const ChaosWorldOptions& options) {
  bool shim = options.lying_disk;
  for (const chaos::Fault& fault : scenario.faults) {
    shim |= chaos::NeedsShim(fault.kind);
    if (fault.kind == FaultKind::kUpgrade && options.other.empty())
      return FailedPrecondition(
          "the scenario upgrades processes to another version: name its program with --other");
    if (fault.kind == FaultKind::kTopology && fault.bad_topology == chaos::BadTopology::kOlder) {
      EW_ASSIGN_OR_RETURN(const topology::Topology right,
                          topology::ParseTopology(topology_text_, plan_.topology_file));
      if (right.version < 2)
        return FailedPrecondition(
            "no topology is older than one without a version: write \"version: 2\" into " +
            scenario.topology_file);
    }
    if (fault.kind == FaultKind::kMemory)
      EW_RETURN_IF_ERROR(chaos::MemoryLimit::Make("trial", fault.limit_bytes).status());
  }
  if (shim) {
    EW_ASSIGN_OR_RETURN(shim_, chaos::FindDiskShim());
  }
  for (const RegionPlan& region : plan_.regions) {
    ChaosMachine::Options machine;
    machine.region = region;
    machine.side = options.folder + "/disks/" + region.name;
    machine.shim = shim_;
    machine.other = options.other;
    machine.lying_disk = options.lying_disk;
    machine.region_pid = [this, name = region.name] { return RegionPid(name); };
    EW_ASSIGN_OR_RETURN(machines_[region.name], ChaosMachine::Make(std::move(machine)));
  }
  return OkStatus();
}

pid_t ChaosWorld::RegionPid(const std::string& region) const {
  for (const chaos::ProcessInfo& process : up_->Processes())
    if (process.name == ProcessOf(region, Role::kRegion)) return process.pid;
  return 0;
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
  bool packets_changed = false;
  for (const auto& [direction, quiet] : quiet_) {
    const chaos::LinkCondition wanted = chaos::ConditionAt(*strokes_, direction, quiet, now);
    chaos::LinkCondition& current = current_[direction];
    if (wanted == current) continue;
    const auto& [from, to] = direction;
    LinkSet& links = up_->links();
    (void)links.Shape(from, to, /*one_way=*/true,
                      {wanted.delay_us, wanted.jitter_us,
                       static_cast<int64_t>(wanted.bytes_per_second), wanted.over_bytes});
    (void)(wanted.cut ? links.Cut(from, to, true) : links.Heal(from, to, true));
    packets_changed |= wanted.loss_percent != current.loss_percent ||
                       wanted.duplicate_percent != current.duplicate_percent;
    current = wanted;
  }
  if (packets_changed) ApplyPacketFaults();
  for (const std::string& name : names_) SetClock(name, chaos::ClockAt(*strokes_, name, now));
}

// What travels from A to B goes to the port by which A reaches B, and comes from the port by which
// B reaches A.
void ChaosWorld::ApplyPacketFaults() {
  std::vector<chaos::PacketFault> faults;
  for (const auto& [direction, condition] : current_) {
    if (condition.loss_percent <= 0 && condition.duplicate_percent <= 0) continue;
    const auto& [from, to] = direction;
    faults.push_back({{up_->links().PortFor(from, to)},
                      {up_->links().PortFor(to, from)},
                      condition.loss_percent,
                      condition.duplicate_percent});
  }
  (void)chaos::SetPacketFaults(faults);
}

void ChaosWorld::SetClock(const std::string& region, const chaos::ClockCondition& clock) {
  const chaos::ClockCondition last = clocks_[region];
  if (clock == last) return;
  // A drift is made of steps.
  if (clock.offset_us != 0 && clock.grain_us == last.grain_us && clock.frozen == last.frozen &&
      std::abs(clock.offset_us - last.offset_us) < kClockGrainMicros)
    return;
  const auto reply = HttpCall("POST", PlanOf(region).admin.ToString(),
                              "/test/clock?offset_ms=" + std::to_string(clock.offset_us / 1000) +
                                  "&grain_ms=" + std::to_string(clock.grain_us / 1000) +
                                  (clock.frozen ? "&frozen=1" : ""),
                              {.timeout_ms = kShortCallMs});
  if (reply.ok() && reply->status == 200) clocks_[region] = clock;
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
    case FaultKind::kPowerCut:
      machines_.at(stroke.region)->PlanPowerCut(seed_ * 1000 + numbered_++);
      KillMachine(stroke.region);
      break;
    case FaultKind::kDamage:
      CollectLostLogs(stroke.region);
      machines_.at(stroke.region)->PlanDamage(stroke.fault, seed_ * 1000 + numbered_++);
      (void)up_->Signal(ProcessOf(stroke.region, Role::kRegion), SIGKILL);
      clocks_.erase(stroke.region);
      break;
    case FaultKind::kDiskError:
      if (!stroke.fault.from_start) {
        machines_.at(stroke.region)->Begin(stroke);
        break;
      }
      machines_.at(stroke.region)->PlanDiskError(stroke.fault);
      (void)up_->Signal(ProcessOf(stroke.region, Role::kRegion), SIGKILL);
      clocks_.erase(stroke.region);
      break;
    case FaultKind::kTopology: PushTopology(stroke); break;
    case FaultKind::kUpgrade:
      machines_.at(stroke.region)->PlanUpgrade();
      // In good order, as one does it.
      (void)up_->Signal(ProcessOf(stroke.region, Role::kRegion), SIGTERM);
      (void)up_->Signal(ProcessOf(stroke.region, Role::kReplicator), SIGTERM);
      clocks_.erase(stroke.region);
      break;
    case FaultKind::kDiskSlow:
    case FaultKind::kDiskHang:
    case FaultKind::kCpu:
    case FaultKind::kMemory: machines_.at(stroke.region)->Begin(stroke); break;
    default: break;  // the network and clocks follow Apply
  }
}

void ChaosWorld::KillMachine(const std::string& region) {
  for (const Role role : {Role::kRegion, Role::kReplicator, Role::kNats})
    (void)up_->Signal(ProcessOf(region, role), SIGKILL);
  clocks_.erase(region);
}

// Whoever deploys: writes the file, and starts the region's processes again.
void ChaosWorld::PushTopology(const Stroke& stroke) {
  std::string text;
  if (stroke.fault.bad_topology == chaos::BadTopology::kBroken)
    text = topology_text_.substr(0, topology_text_.size() / 2) + "\n  - {";
  if (stroke.fault.bad_topology == chaos::BadTopology::kOlder) {
    auto older = topology::ParseTopology(topology_text_, plan_.topology_file);
    older->version -= 1;
    // As it was before the last region was added.
    const RegionId last = older->regions.back().id;
    if (older->regions.size() > 1) older->regions.pop_back();
    std::erase_if(older->links,
                  [last](const topology::Link& link) { return link.a == last || link.b == last; });
    text = topology::WriteTopology(*older);
  }
  std::ofstream(plan_.topology_file, std::ios::trunc) << text;
  topologies_.push_back(stroke.region);
  (void)up_->Signal(ProcessOf(stroke.region, Role::kRegion), SIGTERM);
  (void)up_->Signal(ProcessOf(stroke.region, Role::kReplicator), SIGTERM);
  clocks_.erase(stroke.region);
}

std::vector<std::string> ChaosWorld::TopologiesTaken() const {
  std::vector<std::string> taken;
  for (const std::string& region : std::set<std::string>(topologies_.begin(), topologies_.end())) {
    const auto pushed = std::count(topologies_.begin(), topologies_.end(), region);
    for (const char* role : {"region", "replicator"}) {
      std::ifstream log(PlanOf(region).run_folder() + "/" + role + ".log");
      int64_t refused = 0;
      for (std::string line; std::getline(log, line);)
        refused += line.find("the topology file is refused") != std::string::npos ? 1 : 0;
      if (refused < pushed)
        taken.push_back("the " + std::string(role) + " of " + region + " refused " +
                        std::to_string(refused) + " of " + std::to_string(pushed) +
                        " bad topology files");
    }
  }
  return taken;
}

void ChaosWorld::End(const Stroke& stroke) {
  if (stroke.kind == FaultKind::kTopology)
    std::ofstream(plan_.topology_file, std::ios::trunc) << topology_text_;
  if (const auto machine = machines_.find(stroke.region); machine != machines_.end())
    machine->second->End(stroke);
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
  for (const auto& [name, machine] : machines_) machine->Heal();
  for (const std::string& name : names_) FillDisk(name, false);
  constexpr int64_t kAfterAll = INT64_MAX;
  Apply(kAfterAll);
}

// It may be dead already; then the others have heard of its logs.
void ChaosWorld::CollectLostLogs(const std::string& region) {
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
}

// What the region keeps is put aside, and it starts again with nothing.
void ChaosWorld::LoseDisk(const std::string& region) {
  CollectLostLogs(region);
  machines_.at(region)->PlanNewDisk();
  const std::string process = ProcessOf(region, Role::kRegion);
  if (!up_->Signal(process, SIGKILL).ok()) (void)up_->Revive(process);
  clocks_.erase(region);
}

bool ChaosWorld::LogTellsOfDamage(const std::string& region) const {
  const auto damaged = damaged_.find(region);
  std::ifstream log(PlanOf(region).run_folder() + "/region.log");
  log.seekg(static_cast<std::streamoff>(damaged->second.log_bytes));
  // What the store says; that rows are not what they were; that the log is not what peers know.
  constexpr std::string_view kTells[] = {"orruption", "damaged", "rows do not add up",
                                         "rows differ", "a new log is begun"};
  for (std::string line; std::getline(log, line);)
    for (const std::string_view tells : kTells)
      if (line.find(tells) != std::string::npos) return true;
  return false;
}

// Whoever operates a region: one that says that it is damaged gets a new disk, as
// docs/operations.md tells; one that does not say so is looked at after a while.
std::vector<std::string> ChaosWorld::Tick() {
  std::vector<std::string> replaced;
  const int64_t now = NowMicros();
  for (const auto& [name, machine] : machines_) {
    machine->Tick();
    std::error_code ignored;
    const std::string log = PlanOf(name).run_folder() + "/region.log";
    if (const auto file = machine->TakeDamaged()) {
      const auto bytes = fs::file_size(log, ignored);
      damaged_[name] = {damages_.size(), now, bytes};
      damages_.push_back({name, fs::path(*file).filename().string()});
    }
    const auto damaged = damaged_.find(name);
    if (damaged == damaged_.end()) continue;
    DamageReport& report = damages_[damaged->second.report];
    const auto processes = up_->Processes();
    const auto process = std::find_if(processes.begin(), processes.end(), [&](const auto& one) {
      return one.name == ProcessOf(name, Role::kRegion);
    });
    const bool refused = process->finished;
    if (!refused && now - damaged->second.since_us < kDamageMicros) continue;
    std::error_code gone;
    if (refused)
      report.noticed = DamageReport::Noticed::kAtStart;
    else if (report.file.find('.') != std::string::npos &&
             !fs::exists(PlanOf(name).data + "/db/" + report.file, gone))
      report.noticed = DamageReport::Noticed::kUnneeded;
    else if (LogTellsOfDamage(name))
      report.noticed = DamageReport::Noticed::kLater;
    damaged_.erase(damaged);
    LoseDisk(name);
    replaced.push_back(name);
  }
  return replaced;
}

ChaosMachine::Figures ChaosWorld::MachineFigures() const {
  ChaosMachine::Figures sum;
  for (const auto& [name, machine] : machines_) {
    const ChaosMachine::Figures one = machine->figures();
    sum.power_cuts += one.power_cuts;
    sum.lost.files_cut += one.lost.files_cut;
    sum.lost.bytes_lost += one.lost.bytes_lost;
    sum.lost.changes_lost += one.lost.changes_lost;
    sum.errors_given += one.errors_given;
    sum.holes += one.holes;
    sum.failures.insert(sum.failures.end(), one.failures.begin(), one.failures.end());
  }
  return sum;
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
  if (!damaged_.empty()) return false;
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
