// `everwrite chaos run`, `list` and `show`: a scenario on real processes, from its start to its
// report.
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "base/random.h"
#include "chaos/checkers/end_state.h"
#include "chaos/checkers/live_history.h"
#include "chaos/checkers/record_bytes.h"
#include "chaos/live/private_network.h"
#include "chaos/run/client.h"
#include "chaos/run/report.h"
#include "chaos/scenario/scenario_file.h"
#include "chaos/scenario/shipped.h"
#include "cli/chaos_call.h"
#include "cli/chaos_load.h"
#include "cli/chaos_remake.h"
#include "cli/chaos_world.h"
#include "cli/commands.h"
#include "cli/end_signals.h"
#include "region/storage/rocksdb_kv_store.h"
#include "region/table/layout.h"

namespace everwrite::cli {
namespace {

namespace fs = std::filesystem;
using chaos::ObservedOp;
using chaos::Stroke;

constexpr int64_t kTickMs = 20;
constexpr int64_t kConvergePollMs = 100;
// An item that expires is deleted within so long (it is looked for once a second).
constexpr int64_t kSweepMicros = 2'000'000;
constexpr int64_t kSettleMicros = 10'000'000;
// How much longer than is expected the run waits for equal regions, to tell late from never.
constexpr int64_t kConvergeExtraMs = 30'000;

// Lines while it runs; on a terminal the last one is written over.
class Progress {
 public:
  Progress() : terminal_(::isatty(STDOUT_FILENO) == 1) {}
  void Line(const std::string& text) {
    if (open_) std::printf("\r\033[K");
    open_ = false;
    std::printf("%s\n", text.c_str());
    std::fflush(stdout);
  }
  void Status(const std::string& text) {
    if (!terminal_) return;
    std::printf("\r\033[K%s", text.c_str());
    std::fflush(stdout);
    open_ = true;
  }

 private:
  const bool terminal_;
  bool open_ = false;
};

std::string Count(size_t number, const std::string& one) {
  return std::to_string(number) + " " + one + (number == 1 ? "" : "s");
}

std::string Seconds(int64_t micros) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f s", static_cast<double>(micros) / 1e6);
  return text;
}

// The folder of a run; taken away at the end, unless somebody will want to look at it.
class RunFolder {
 public:
  static Result<std::unique_ptr<RunFolder>> Make(const std::string& wanted) {
    auto folder = std::make_unique<RunFolder>();
    if (!wanted.empty()) {
      std::error_code error;
      fs::create_directories(wanted, error);
      if (error || !fs::is_empty(wanted, error) || error)
        return FailedPrecondition(wanted + " is no empty folder; name one that is, or a new one");
      folder->path = AbsolutePath(wanted);
      folder->keep = true;
      return folder;
    }
    const char* const base = std::getenv("TMPDIR");
    std::string name =
        (base != nullptr && *base == '/' ? std::string(base) : "/tmp") + "/everwrite-chaos-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return FailedPrecondition("cannot create " + name);
    folder->path = name;
    return folder;
  }
  ~RunFolder() {
    std::error_code ignored;
    if (!keep && !path.empty()) fs::remove_all(path, ignored);
  }
  std::string path;
  bool keep = false;
};

class Run {
 public:
  Run(const ChaosRunCommand& command, const chaos::Scenario& scenario, EndSignals& signals)
      : command_(command),
        scenario_(scenario),
        signals_(signals),
        strokes_(chaos::DrawTimeline(scenario, command.seed)) {}

  Result<bool> Do() {
    EW_ASSIGN_OR_RETURN(folder_, RunFolder::Make(command_.data));
    Begin();
    EW_ASSIGN_OR_RETURN(world_, ChaosWorld::Start(scenario_, strokes_,
                                                  {folder_->path, command_.other,
                                                   command_.lying_disk, command_.seed},
                                                  [this] { return signals_.Wait(0); }));
    EW_RETURN_IF_ERROR(StartRemake());
    Recorder recorder;
    recorder_ = &recorder;
    Sampler sampler(*world_, recorder);
    std::atomic<bool> stop{false};
    std::vector<std::thread> clients = StartClients(stop);
    const bool done = DoFaults();
    stop = true;
    for (std::thread& client : clients) client.join();
    for (std::thread& remake : remakes_) remake.join();
    if (remake_ != nullptr) remake_->Stop();
    phases_.load_end = recorder.Now();
    if (done) Converge();
    sampler.Stop();
    if (!done || signals_.Wait(0)) return Aborted("interrupted");
    ReadCounters();
    if (remake_ != nullptr) remade_ = remake_->Judge();
    world_->Stop();
    report_.lag_ms = std::move(sampler.lag_ms);
    report_.conflicts = std::move(sampler.conflicts);
    EW_RETURN_IF_ERROR(Judge());
    return report_.Passed();
  }

 private:
  Status StartRemake() {
    if (std::none_of(scenario_.faults.begin(), scenario_.faults.end(), [](const auto& fault) {
          return fault.kind == chaos::FaultKind::kRemakeTable;
        }))
      return OkStatus();
    std::vector<std::pair<std::string, std::string>> endpoints;
    for (const std::string& region : scenario_.region_names)
      endpoints.emplace_back(region, world_->Endpoint(region));
    EW_ASSIGN_OR_RETURN(remake_, ChaosRemake::Start(std::move(endpoints)));
    return OkStatus();
  }

  void Begin() {
    progress_.Line(scenario_.name + ": seed " + std::to_string(command_.seed) + ", " +
                   Count(scenario_.region_names.size(), "region") + ", " +
                   Count(strokes_.size(), "fault") + " in " + Seconds(scenario_.duration) +
                   " after " + Seconds(scenario_.warmup) + " of quiet");
  }

  std::vector<std::thread> StartClients(const std::atomic<bool>& stop) {
    std::vector<std::thread> clients;
    uint64_t number = 0;
    for (const std::string& region : scenario_.region_names) {
      for (uint64_t i = 0; i < scenario_.workload.clients; ++i) {
        chaos::Client client(scenario_.workload, {region, scenario_.region_names, ++number},
                             command_.seed, [this] { return recorder_->NextId(); });
        clients.emplace_back([this, &stop, client = std::move(client)]() mutable {
          RunClient(std::move(client), *world_, scenario_.workload, *recorder_, stop);
        });
      }
    }
    return clients;
  }

  // The warm-up, the faults and the recovery; false when it was interrupted.
  bool DoFaults() {
    if (!Pass(scenario_.warmup, "quiet", [] {})) return false;
    phases_.faults_begin = recorder_->Now();
    size_t next = 0;
    std::vector<const Stroke*> lasting;
    const bool done = Pass(scenario_.duration, "faults", [&] {
      const int64_t now = recorder_->Now() - phases_.faults_begin;
      for (; next < strokes_.size() && strokes_[next].at <= now; ++next) {
        const Stroke& stroke = strokes_[next];
        progress_.Line(
            "  " + Seconds(now) + "  " + stroke.text +
            (stroke.until > stroke.at ? " for " + Seconds(stroke.until - stroke.at) : ""));
        world_->Begin(stroke);
        // Of a log that ends too early nobody can tell by itself: what it had may be gone at once.
        if (stroke.kind == chaos::FaultKind::kLoseDisk || stroke.kind == chaos::FaultKind::kDamage)
          RecordLoss(stroke.region);
        if (stroke.kind == chaos::FaultKind::kRemakeTable)
          remakes_.emplace_back([this, region = stroke.region] { remake_->Remake(region); });
        if (stroke.until > stroke.at) lasting.push_back(&stroke);
      }
      for (auto at = lasting.begin(); at != lasting.end();) {
        const bool over = (*at)->until <= now;
        if (over) world_->End(**at);
        at = over ? lasting.erase(at) : at + 1;
      }
      world_->Apply(now);
    });
    world_->Heal();
    phases_.faults_end = recorder_->Now();
    return done && Pass(scenario_.recovery, "healed", [] {});
  }

  void Tend() {
    for (const std::string& region : world_->Tick()) {
      progress_.Line("  the disk of " + region + " is replaced");
      RecordLoss(region);
    }
  }

  void RecordLoss(const std::string& region) {
    ObservedOp lost;
    lost.act = chaos::Act::kLost;
    lost.region = region;
    lost.begin_us = recorder_->Now();
    lost.logs = world_->LostLogs(region);
    recorder_->Add(std::move(lost));
  }

  template <typename Tick>
  bool Pass(int64_t length_us, const char* phase, Tick tick) {
    const int64_t begin = recorder_->Now();
    int64_t told = begin;
    while (recorder_->Now() - begin < length_us) {
      tick();
      Tend();
      if (signals_.Wait(kTickMs)) return false;
      const int64_t now = recorder_->Now();
      if (now - told < 1'000'000) continue;
      told = now;
      const auto counts = recorder_->Since(counted_);
      unknown_ += counts.unknown;
      progress_.Status("  " + std::string(phase) + " " + Seconds(now - begin) + " of " +
                       Seconds(length_us) + ": " + std::to_string(counts.operations) +
                       " operations, " + std::to_string(counts.operations - counted_) +
                       " a second, " + std::to_string(unknown_) + " unknown");
      counted_ = counts.operations;
    }
    return true;
  }

  void Converge() {
    const int64_t deadline =
        phases_.load_end + scenario_.expect.converged_within + kConvergeExtraMs * 1000;
    while (recorder_->Now() < deadline) {
      Tend();
      if (world_->IsConverged()) {
        phases_.converged = recorder_->Now();
        progress_.Line("  equal " + Seconds(phases_.converged - phases_.load_end) +
                       " after the load");
        Settle();
        return;
      }
      // Nobody will start it again.
      if (!world_->Finished().empty() && world_->IsSettled()) break;
      progress_.Status("  waiting for equal regions: " +
                       Seconds(recorder_->Now() - phases_.load_end));
      if (signals_.Wait(kConvergePollMs)) return;
    }
    for (const std::string& line : world_->Finished()) progress_.Line("  " + line);
    progress_.Line("  not equal after " + Seconds(recorder_->Now() - phases_.load_end));
  }

  // What expires while the regions end would be deleted in one and not come to the others: until
  // nothing is left that could.
  void Settle() {
    const auto expire = static_cast<size_t>(chaos::Operation::kExpire);
    if (scenario_.workload.mix[expire] == 0) return;
    const int64_t over = phases_.load_end + chaos::kMaxLifeSeconds * 1'000'000 + kSweepMicros;
    while (recorder_->Now() < over + kSettleMicros) {
      if (recorder_->Now() >= over && world_->IsConverged()) return;
      if (signals_.Wait(kConvergePollMs)) return;
    }
  }

  // What every region says of every counter in the end.
  void ReadCounters() {
    if (phases_.converged < 0) return;
    for (const std::string& region : scenario_.region_names) {
      for (const std::string& counted : scenario_.region_names) {
        chaos::Request request;
        request.region = region;
        request.items.push_back({"count-" + counted, 0, 0});
        const ChaosCall call = MakeCall(request);
        ObservedOp op;
        op.act = chaos::Act::kGet;
        op.region = region;
        op.begin_us = recorder_->Now();
        const chaos::Reply reply =
            Understand(request, HttpCall("POST", world_->Endpoint(region), "/",
                                         {.headers = call.headers, .body = call.body}));
        op.end_us = recorder_->Now();
        op.outcome = reply.outcome;
        op.items = request.items;
        if (!reply.seen.empty()) op.items[0].id = reply.seen[0];
        op.number = reply.number;
        op.last = true;
        recorder_->Add(std::move(op));
      }
    }
  }

  // The stores of the ended regions; none, with the reasons, if one cannot be read.
  std::vector<std::string> OpenStores() {
    std::vector<std::string> unreadable;
    for (const RegionPlan& region : world_->plan().regions) {
      auto store = storage::RocksDbKvStore::Open(region.data + "/db", {});
      std::string state;
      if (!store.ok()) {
        unreadable.push_back(region.name + ": " + store.status().message());
        continue;
      }
      const auto found = (*store)->Get(ColumnFamily::kSystem, table::kRegionStateKey, &state);
      if (!found.ok() || !*found) unreadable.push_back(region.name + ": its store is empty");
      stores_.push_back(std::move(store).value());
    }
    return unreadable;
  }

  Status Judge() {
    std::vector<std::string> unreadable = OpenStores();
    std::vector<const KvStore*> stores;
    for (const auto& store : stores_) stores.push_back(store.get());
    chaos::ObservedHistory observed = recorder_->Take();
    observed.regions = scenario_.region_names;
    report_.name = scenario_.name;
    report_.description = scenario_.description;
    report_.seed = command_.seed;
    report_.replay =
        "everwrite chaos run " + command_.scenario + " --seed " + std::to_string(command_.seed);
    report_.regions = scenario_.region_names;
    report_.strokes = strokes_;
    report_.phases = phases_;
    report_.figures = chaos::Summarise(observed, phases_, scenario_.region_names);
    if (unreadable.empty()) {
      const chaos::History history = chaos::CompleteHistory(observed, stores);
      chaos::Violations end_state;
      if (scenario_.checks.count(chaos::Check::kEndState) != 0)
        end_state = chaos::CheckEndState(stores, history);
      report_.verdicts = chaos::JudgeRun(scenario_, chaos::CheckObserved(observed), end_state,
                                         report_.figures, phases_);
    } else {
      // Without the logs nothing that was seen can be put in order.
      chaos::Verdict& lost = report_.verdicts.emplace_back();
      lost.name = "end_state";
      lost.holds = false;
      lost.says = Count(unreadable.size(), "store") + " cannot be read";
      lost.lines = std::move(unreadable);
    }
    JudgeVersions(stores);
    JudgeMachines();
    Print();
    return Write(chaos::WriteObservedHistory(observed));
  }

  // Where versions were mixed: what the later one has written is kept by the earlier one.
  void JudgeVersions(const std::vector<const KvStore*>& stores) {
    if (command_.other.empty()) return;
    chaos::RecordBytes records = chaos::CompareRecordBytes(stores);
    chaos::Verdict& versions = report_.verdicts.emplace_back();
    versions.name = "versions";
    versions.holds = records.differ.empty();
    versions.says = Count(records.compared, "record") + " are the same in all logs, " +
                    std::to_string(records.unknown) + " of them with fields of a later version";
    if (records.differ.size() > chaos::kMaxLines) records.differ.resize(chaos::kMaxLines);
    versions.lines = std::move(records.differ);
  }

  // What was done to disks, and whether it could be done and was noticed.
  void JudgeMachines() {
    const ChaosMachine::Figures figures = world_->MachineFigures();
    if (world_->has_shim() || !figures.failures.empty()) {
      chaos::Verdict& disks = report_.verdicts.emplace_back();
      disks.name = "disks";
      disks.lines = figures.failures;
      if (figures.holes > 0)
        disks.lines.push_back(std::to_string(figures.holes) +
                              " writes went past the shim: a power cut would not take them back");
      disks.holds = disks.lines.empty();
      disks.says = Count(figures.power_cuts, "power cut") + " took " +
                   Count(figures.lost.bytes_lost, "byte") + " and " +
                   Count(figures.lost.changes_lost, "change") +
                   " of folders that were not synced; " + Count(figures.errors_given, "error") +
                   " given";
    }
    if (world_->topologies_pushed() > 0) {
      chaos::Verdict& topologies = report_.verdicts.emplace_back();
      topologies.name = "topology";
      topologies.lines = world_->TopologiesTaken();
      topologies.holds = topologies.lines.empty();
      topologies.says =
          Count(world_->topologies_pushed(), "bad file") + " refused by who was started with it";
    }
    if (remade_) report_.verdicts.push_back(*remade_);
    if (world_->damages().empty()) return;
    chaos::Verdict& damages = report_.verdicts.emplace_back();
    damages.name = "damage";
    size_t at_start = 0, unneeded = 0;
    for (const DamageReport& one : world_->damages()) {
      at_start += one.noticed == DamageReport::Noticed::kAtStart ? 1 : 0;
      unneeded += one.noticed == DamageReport::Noticed::kUnneeded ? 1 : 0;
      if (one.noticed == DamageReport::Noticed::kNo)
        damages.lines.push_back(one.region + " did not notice that " + one.file + " was damaged");
    }
    damages.holds = damages.lines.empty();
    damages.says = Count(world_->damages().size(), "damaged file") + ", " +
                   std::to_string(at_start) + " refused at the start, " + std::to_string(unneeded) +
                   " of no use any more";
  }

  void Print() {
    const chaos::Figures& figures = report_.figures;
    progress_.Line("  " + std::to_string(figures.operations) + " operations, " +
                   std::to_string(figures.acknowledged_writes) + " writes acknowledged, " +
                   std::to_string(figures.unknown) + " of unknown outcome");
    for (const chaos::Verdict& verdict : report_.verdicts) {
      char name[64];
      std::snprintf(name, sizeof(name), "  %-9s %-17s ", verdict.holds ? "holds" : "VIOLATED",
                    verdict.name.c_str());
      progress_.Line(name + verdict.says);
      for (const std::string& line : verdict.lines) progress_.Line("            " + line);
    }
  }

  Status Write(const std::string& history) {
    const auto write = [](const std::string& path, const std::string& text) {
      std::ofstream out(path, std::ios::binary);
      out << text << std::flush;
      return out ? OkStatus() : FailedPrecondition("cannot write " + path);
    };
    if (!report_.Passed()) folder_->keep = true;
    if (folder_->keep) {
      EW_RETURN_IF_ERROR(write(folder_->path + "/history.txt", history));
      progress_.Line("  data, logs and history.txt: " + folder_->path);
    }
    if (!command_.history.empty()) EW_RETURN_IF_ERROR(write(command_.history, history));
    if (!command_.json.empty())
      EW_RETURN_IF_ERROR(write(command_.json, chaos::ReportJson(report_)));
    if (!command_.report.empty()) {
      EW_RETURN_IF_ERROR(write(command_.report, chaos::ReportHtml(report_)));
      progress_.Line("  report: " + command_.report);
    }
    progress_.Line(report_.Passed() ? scenario_.name + ": everything holds"
                                    : scenario_.name + ": VIOLATED; again: " + report_.replay);
    return OkStatus();
  }

  const ChaosRunCommand& command_;
  const chaos::Scenario& scenario_;
  EndSignals& signals_;
  const std::vector<Stroke> strokes_;
  Progress progress_;
  std::unique_ptr<RunFolder> folder_;
  std::unique_ptr<ChaosWorld> world_;
  std::vector<std::unique_ptr<storage::RocksDbKvStore>> stores_;  // once all has ended
  std::unique_ptr<ChaosRemake> remake_;  // of scenarios that make a table again
  std::vector<std::thread> remakes_;
  std::optional<chaos::Verdict> remade_;
  Recorder* recorder_ = nullptr;
  chaos::RunPhases phases_;
  chaos::RunReport report_;
  size_t counted_ = 0;
  size_t unknown_ = 0;
};

Status EnterNetworkFor(const chaos::Scenario& scenario) {
  const bool packets = std::any_of(
      scenario.faults.begin(), scenario.faults.end(),
      [](const chaos::Fault& fault) { return fault.kind == chaos::FaultKind::kPackets; });
  return packets ? chaos::EnterPrivateNetwork() : OkStatus();
}

// A file, or the name of a scenario that is shipped.
Result<chaos::Scenario> FindScenario(const std::string& name) {
  std::error_code ignored;
  if (!fs::exists(name, ignored)) {
    for (const chaos::ShippedScenario& shipped : chaos::ShippedScenarios()) {
      if (shipped.name != name && !shipped.name.starts_with(name + "-")) continue;
      return chaos::ParseScenario(shipped.text, std::string(shipped.name) + ".yaml",
                                  [](const std::string& path) -> Result<topology::Topology> {
                                    return NotFound(path + ": no such file");
                                  });
    }
  }
  return chaos::LoadScenario(name);
}

}  // namespace

int RunChaosRun(const ChaosRunCommand& given) {
  EndSignals signals;
  const auto scenario = FindScenario(given.scenario);
  if (!scenario.ok()) {
    ReportError(scenario.status());
    return kExitConfiguration;
  }
  ChaosRunCommand command = given;
  if (command.seed == 0) command.seed = RandomSeed() % 1'000'000 + 1;
  if (const Status private_network = EnterNetworkFor(*scenario); !private_network.ok()) {
    ReportError(
        FailedPrecondition(scenario->name + " loses packets: " + private_network.message()));
    return kExitConfiguration;
  }
  const auto passed = Run(command, *scenario, signals).Do();
  if (!passed.ok()) {
    const int status = ReportError(passed.status());
    return signals.Wait(0) ? 130 : status;
  }
  return *passed ? 0 : kExitNo;
}

int RunChaosList() {
  for (const chaos::ShippedScenario& shipped : chaos::ShippedScenarios()) {
    const auto scenario = FindScenario(std::string(shipped.name));
    std::printf(
        "%-24s %s\n", std::string(shipped.name).c_str(),
        scenario.ok() ? scenario->description.c_str() : scenario.status().message().c_str());
  }
  std::printf("\neverwrite chaos run NAME runs one; everwrite chaos show NAME prints its file.\n");
  return 0;
}

int RunChaosShow(const std::string& name) {
  for (const chaos::ShippedScenario& shipped : chaos::ShippedScenarios()) {
    if (shipped.name != name && !shipped.name.starts_with(name + "-")) continue;
    std::fputs(std::string(shipped.text).c_str(), stdout);
    return 0;
  }
  return ReportError(NotFound("no scenario \"" + name + "\" is shipped; see everwrite chaos list"));
}

}  // namespace everwrite::cli
