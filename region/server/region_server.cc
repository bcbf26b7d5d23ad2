#include "region/server/region_server.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "base/named_thread.h"
#include "base/random.h"
#include "base/system_clock.h"
#include "region/api/dispatcher.h"
#include "region/convergence/guard.h"
#include "region/http/http_server.h"
#include "region/server/admin.h"
#include "region/server/commit_thread.h"
#include "region/server/local_link.h"
#include "region/server/log_alarm.h"
#include "region/server/region_metrics.h"
#include "region/server/request_metrics.h"
#include "region/session/session_gate.h"
#include "region/storage/data_folder.h"
#include "region/storage/file_scrub.h"
#include "region/storage/rocksdb_kv_store.h"
#include "streams/link_codec.h"
#include "topology/kept_topology.h"

namespace everwrite::server {
namespace {

constexpr int kExitDiskFailed = 70;
constexpr int kExitConfiguration = 78;
constexpr int kRelaxedSyncMs = 100;
constexpr int kMaintenanceSeconds = 5;
constexpr int kSweepSeconds = 1;  // for what is expired
constexpr std::chrono::milliseconds kGuardTick{100};
constexpr int64_t kDrainMs = 5000;

// Maintenance now and then, on a thread and executor of its own. Tasks are lock continuations:
// short.
class MaintenanceThread : public Executor {
 public:
  MaintenanceThread(table::RegionEngine& engine, LogAlarm::NameOf name_of, Logger log)
      : engine_(engine), log_(std::move(log)), log_alarm_(std::move(name_of), log_) {
    thread_ = NamedThread("maintenance", [this] { Run(); });
  }
  ~MaintenanceThread() override { Stop(); }
  // Runs nothing any more. Whoever still has something to post may do so until we are destroyed.
  void Stop() {
    if (!thread_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ready_.notify_one();
    thread_.join();
  }
  void Post(std::function<void()> task) override {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    ready_.notify_one();
  }
  // Ticks from now on.
  void SetGuard(convergence::ConvergenceGuard& guard) {
    std::lock_guard lock(mutex_);
    guard_ = &guard;
  }
  // On our thread.
  void OnMail(RegionId from, std::string body) {
    auto letter = std::make_shared<std::string>(std::move(body));
    Post([this, from, letter] {
      convergence::ConvergenceGuard* guard = nullptr;
      {
        std::lock_guard lock(mutex_);
        guard = guard_;
      }
      if (guard) guard->OnMail(from, *letter, *this);
    });
  }

 private:
  void Run() {
    auto next = std::chrono::steady_clock::now() + std::chrono::seconds(kMaintenanceSeconds);
    auto next_sweep = std::chrono::steady_clock::now();
    auto next_guard = next_sweep;
    std::unique_lock lock(mutex_);
    for (;;) {
      ready_.wait_until(lock, std::min({next, next_sweep, next_guard}),
                        [this] { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      std::vector<std::function<void()>> tasks;
      tasks.swap(tasks_);
      convergence::ConvergenceGuard* const guard = guard_;
      lock.unlock();
      for (auto& task : tasks) task();
      const auto now = std::chrono::steady_clock::now();
      if (now >= next_guard) {
        next_guard = now + kGuardTick;
        if (guard) {  // everything is there
          guard->Tick(*this);
          engine_.TickAdmission(*this);
        }
      }
      if (now >= next_sweep) {
        next_sweep = now + std::chrono::seconds(kSweepSeconds);
        engine_.SweepExpired(*this);
        engine_.SettleReplicas(*this);
      }
      if (now >= next) {
        next = now + std::chrono::seconds(kMaintenanceSeconds);
        if (const Status status = engine_.maintenance().RunOnce(*this); !status.ok())
          log_.Error("maintenance failed", {{"reason", status.message()}});
        RetainLedger();
        log_alarm_.Check(engine_.log_report());
      }
      lock.lock();
    }
  }

  void RetainLedger() {
    table::LedgerRetention& retention = engine_.ledger_retention();
    const uint64_t before = retention.forgotten();
    if (const Status status = retention.RunOnce(engine_.State().physical_ms); !status.ok())
      log_.Error("the ledger cannot be trimmed", {{"reason", status.message()}});
    const auto bytes = static_cast<uint64_t>(engine_.LedgerSize().bytes);
    const bool near = bytes > retention.bounds().bytes_max / 10 * 9;
    if (near && !ledger_alarm_)
      log_.Warning("the conflict ledger is nearly full: its oldest entries go next",
                   {{"bytes", bytes}, {"ledger_bytes", retention.bounds().bytes_max}});
    ledger_alarm_ = near;
    if (before > ledger_told_ || (before > 0 && ledger_told_ == 0)) {
      log_.Warning("entries of the conflict ledger were forgotten", {{"in_all", before}});
      ledger_told_ = before;
    }
  }

  table::RegionEngine& engine_;
  const Logger log_;
  bool ledger_alarm_ = false;
  uint64_t ledger_told_ = 0;
  LogAlarm log_alarm_;  // the thread's own
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<std::function<void()>> tasks_;
  convergence::ConvergenceGuard* guard_ = nullptr;  // guarded by mutex_
  bool stopping_ = false;
  std::thread thread_;
};

// Ends the waits of requests whose session token was not reached in time.
class SessionThread {
 public:
  explicit SessionThread(session::SessionGate& gate, const Clock& clock)
      : gate_(gate), clock_(clock) {
    gate_.SetWake([this] {
      std::lock_guard lock(mutex_);
      woken_ = true;
      ready_.notify_one();
    });
    thread_ = NamedThread("sessions", [this] { Run(); });
  }
  ~SessionThread() { Stop(); }
  void Stop() {
    if (!thread_.joinable()) return;
    gate_.SetWake(nullptr);
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ready_.notify_one();
    thread_.join();
  }

 private:
  void Run() {
    constexpr int64_t kLongest = 60 * kMicrosPerSecond;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      woken_ = false;
      lock.unlock();
      const Instant now = clock_.Now();
      const int64_t wait = std::min(kLongest, gate_.Expire(now) - now);
      lock.lock();
      ready_.wait_for(lock, std::chrono::microseconds(wait),
                      [this] { return stopping_ || woken_; });
    }
  }

  session::SessionGate& gate_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable ready_;
  bool woken_ = false;     // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

// Everything, in the order in which it must go away: last member first.
struct Server {
  explicit Server(int64_t clock_offset_ms) : clock(clock_offset_ms) {}

  SystemClock clock;
  Logger log;
  Registry registry;
  std::unique_ptr<storage::DataFolder> folder;
  std::unique_ptr<storage::RocksDbKvStore> store;
  std::unique_ptr<storage::FileScrub> file_scrub;
  CommitThread commit_thread;
  std::unique_ptr<table::RegionEngine> engine;
  std::unique_ptr<session::SessionGate> sessions;
  std::unique_ptr<LocalLink> link;
  std::atomic<LocalLink*> started_link{nullptr};  // for threads that run before it is there
  std::unique_ptr<convergence::ConvergenceGuard> guard;
  std::unique_ptr<RegionMetrics> metrics;
  std::unique_ptr<RequestMetrics> request_metrics;
  std::unique_ptr<api::Dispatcher> dispatcher;
  std::unique_ptr<Admin> admin;
  std::unique_ptr<MaintenanceThread> maintenance;
  std::unique_ptr<SessionThread> session_thread;
  std::unique_ptr<http::HttpServer> endpoint_server;
  std::unique_ptr<http::HttpServer> admin_server;

  ~Server() {
    // No loop may run into an engine that is gone, and no commit into a loop that is gone.
    if (session_thread) session_thread->Stop();
    if (maintenance) maintenance->Stop();
    if (link) link->Stop();
    commit_thread.Stop();
    endpoint_server.reset();
    admin_server.reset();
  }
};

void StartFileScrub(Server& server, uint64_t bytes_per_second) {
  if (bytes_per_second == 0) return;
  storage::FileScrubOptions options;
  options.bytes_per_second = bytes_per_second;
  server.file_scrub = std::make_unique<storage::FileScrub>(
      *server.store, options, [&server](const storage::TableFile& file, const Status& what) {
        server.log.Error(
            "a file of the store is damaged: move the data folder away and start "
            "again, to be filled from the peers",
            {{"file", file.path}, {"reason", what.message()}});
      });
  server.registry.AddCallback(
      "everwrite_damaged_files", "Files of the store whose bytes are not what was written.", {},
      [&server] { return static_cast<double>(server.file_scrub->figures().damaged); });
  server.registry.AddCallback(
      "everwrite_verified_file_bytes_total", "Read again from the disk and found well.", {},
      [&server] { return static_cast<double>(server.file_scrub->figures().bytes); });
}

Status OpenStorage(Server& server, const topology::Topology& topology,
                   const topology::Region& region, const std::string& data) {
  auto folder = storage::DataFolder::Open(topology.DataFolder(region, data),
                                          {topology.cluster, region.id, region.name});
  EW_RETURN_IF_ERROR(folder.status());
  server.folder = std::make_unique<storage::DataFolder>(std::move(folder).value());
  storage::RocksDbOptions options;
  options.block_cache_bytes = topology.limits.cache_bytes;
  options.log = server.log.Named("rocksdb");
  options.stagger = region.id.value;
  EW_ASSIGN_OR_RETURN(server.store,
                      storage::RocksDbKvStore::Open(server.folder->database_path(), options));
  StartFileScrub(server, topology.limits.verify_bytes_per_second);
  return {};
}

// Where a file lies and since when: another place than last time means that the folder was copied
// or restored. The time of birth is there because a file system gives the number of a deleted inode
// to the next file that is made.
std::string PlaceOf(const std::string& file) {
  struct statx found {};
  if (statx(AT_FDCWD, file.c_str(), AT_STATX_SYNC_AS_STAT, STATX_INO | STATX_BTIME, &found) != 0)
    return {};
  std::string place = std::to_string(found.stx_dev_major) + "," +
                      std::to_string(found.stx_dev_minor) + ":" + std::to_string(found.stx_ino);
  if ((found.stx_mask & STATX_BTIME) != 0)
    place += ":" + std::to_string(found.stx_btime.tv_sec) + "." +
             std::to_string(found.stx_btime.tv_nsec);
  return place;
}

// For whoever finds two of one region.
std::string WhoWeAre(const Server& server) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  std::string who = "process " + std::to_string(getpid()) + " on " + host + ", data folder " +
                    std::filesystem::absolute(server.folder->path()).string() + ", started " +
                    FormatUtcMillis(server.clock.PhysicalMillis());
  who.resize(std::min(who.size(), streams::kWhoBytesMax));
  return who;
}

void OnAdmission(Server& server, const std::string& name, table::Admission::Decision decision,
                 const std::string& reason) {
  if (decision == table::Admission::Decision::kRefuse) {
    server.log.Error("this region is refused", {{"reason", reason}});
    std::fprintf(stderr, "everwrite region %s: %s\n", name.c_str(), reason.c_str());
    // Not exit(): another thread may be anywhere.
    std::_Exit(kExitConfiguration);
  }
  if (decision == table::Admission::Decision::kNewLog)
    server.log.Warning("a new log is begun", {{"reason", reason}});
  else if (decision == table::Admission::Decision::kWhole && reason.empty())
    server.log.Info("what the peers hold of this region's own changes is here: clients are served");
  else if (decision == table::Admission::Decision::kWhole)
    server.log.Warning("clients are served without changes of this region's own",
                       {{"reason", reason}});
  else
    server.log.Info("the log goes on");
  if (LocalLink* link = server.started_link) link->TellState();
}

Status OpenEngine(Server& server, const topology::Topology& topology,
                  const topology::Region& region, bool is_new) {
  table::RegionEngineOptions options;
  options.region = region.id;
  options.joins = topology.regions.size() > 1 && !is_new;
  if (topology.regions.size() > 1) options.ttl_unjudged_ms = table::kUnjudgedExpiryMs;
  const bool durable = topology.durability == topology::Durability::kDurable;
  options.commit.sync = durable ? Sync::kYes : Sync::kNo;
  options.place = PlaceOf(server.folder->path() + "/everwrite.identity");
  options.ledger.keep_ms = topology.limits.ledger_days * 24 * 3600 * 1000;
  options.ledger.bytes_max = topology.limits.ledger_bytes;
  options.region_name = [&topology](RegionId id) {
    const topology::Region* named = topology.FindRegion(id);
    return named ? named->name : std::to_string(id.value);
  };
  options.others = topology.Others(region.id);
  options.admission.peers = options.others;
  options.life = {RandomSeed() | 1, server.clock.PhysicalMillis(), false, WhoWeAre(server)};
  options.on_admission = [&server, name = region.name](table::Admission::Decision decision,
                                                       const std::string& reason) {
    OnAdmission(server, name, decision, reason);
  };
  options.change_log_keep_ms = topology.limits.change_log_hours * 3600 * 1000;
  options.change_log_bytes = topology.limits.change_log_bytes;
  // 48 random bits name the first log: a folder that is wiped and filled again never meets its old
  // name.
  EW_ASSIGN_OR_RETURN(server.engine,
                      table::RegionEngine::Open(*server.store, server.clock, options, RandomSeed(),
                                                [&server] { server.commit_thread.Wake(); }));
  if (const int64_t ms = server.engine->clock().correction_ms(); ms != 0)
    server.log.Warning("this machine's clock was ahead of the other regions', and starts corrected",
                       {{"correction_ms", ms}});
  server.commit_thread.Start(
      server.engine->committer(), durable ? 0 : kRelaxedSyncMs, [&server](const Status& status) {
        server.log.Error("writing has failed; the process ends", {{"reason", status.message()}});
        // Not exit(): destructors would wait for what can no longer finish.
        std::_Exit(kExitDiskFailed);
      });
  return {};
}

// Before anything commits or asks: the commit thread tells it, the endpoint uses it.
void StartSessions(Server& server, const topology::Topology& topology) {
  session::SessionGateOptions options;
  options.wait_us = topology.sessions.wait_us;
  options.waiting_max = topology.limits.connections;
  options.name_of = [&topology](RegionId id) {
    const topology::Region* region = topology.FindRegion(id);
    return region ? region->name : "region " + std::to_string(id.value);
  };
  const table::Committer& committer = server.engine->committer();
  server.sessions = std::make_unique<session::SessionGate>(
      session::SessionTokens(topology.cluster, topology.sessions.key),
      session::AppliedSource{[&committer] { return committer.epoch(); },
                             [&committer] { return committer.CommittedState().applied; }},
      server.clock, std::move(options));
  server.session_thread = std::make_unique<SessionThread>(*server.sessions, server.clock);
}

Status StartLink(Server& server, const topology::Topology& topology, const topology::Region& region,
                 const std::string& socket) {
  LocalLinkOptions options;
  options.socket_path =
      socket.empty() ? server.folder->path() + "/" + std::string(streams::kLinkSocketName) : socket;
  options.cluster = topology.cluster;
  options.region = region.id;
  options.engine = server.engine.get();
  options.registry = &server.registry;
  options.topology = &topology;
  options.on_mail = [&server](RegionId from, std::string body) {
    server.maintenance->OnMail(from, std::move(body));
  };
  options.log = server.log.Named("link");
  EW_ASSIGN_OR_RETURN(server.link, LocalLink::Start(options));
  server.started_link = server.link.get();
  server.link->TellState();
  server.metrics = std::make_unique<RegionMetrics>(server.registry, *server.engine, *server.link,
                                                   *server.sessions);
  server.engine->committer().SetReport([&server](const table::CommitReport& report) {
    server.sessions->OnApplied(report.applied);
    server.metrics->OnCommit(report);
    server.link->OnCommit(report);
  });
  return {};
}

void StartGuard(Server& server, const topology::Topology& topology,
                const topology::Region& region) {
  convergence::GuardOptions options;
  options.peers = topology.Others(region.id);
  options.scrub_rows_per_second = topology.limits.verify_rows_per_second;
  const auto note = [&server, &topology](const convergence::Finding& finding,
                                         std::string_view what) {
    const auto table = server.engine->FindTableById(finding.table);
    const topology::Region* other = topology.FindRegion(finding.differs_from);
    server.log.Error(
        "convergence: " + std::string(what),
        {{"table", table ? table->definition.name : std::to_string(finding.table.value)},
         {"bucket", finding.bucket},
         {"other", other ? other->name : ""},
         {"repaired", finding.repaired}});
  };
  server.guard = std::make_unique<convergence::ConvergenceGuard>(
      *server.engine, server.clock, std::move(options),
      [&server](RegionId to, std::string letter) { server.link->SendMail(to, std::move(letter)); },
      note);
  server.maintenance->SetGuard(*server.guard);
  const auto count = [&server](uint64_t convergence::GuardReport::*field) {
    return [&server, field] { return static_cast<double>(server.guard->report().*field); };
  };
  using Report = convergence::GuardReport;
  server.registry.AddCallback(
      "everwrite_diverged_buckets",
      "Buckets of keys that are suspect of differing between regions.", {},
      [&server] { return static_cast<double>(server.guard->report().open); });
  server.registry.AddCallback("everwrite_divergence_found_total",
                              "Buckets in which something was wrong.", {}, count(&Report::found));
  server.registry.AddCallback("everwrite_repaired_rows_total",
                              "Rows put right from another region.", {},
                              count(&Report::repaired_rows));
  server.registry.AddCallback("everwrite_buckets_proven_total",
                              "Buckets compared with another region's and equal.", {},
                              count(&Report::compared_equal));
  server.registry.AddCallback("everwrite_scrubbed_rows_total",
                              "Rows counted again against their digests.", {},
                              count(&Report::scrubbed_rows));
}

Status StartEndpoints(Server& server, const topology::Topology& topology,
                      const topology::Region& region) {
  AdminContext context;
  context.region_name = region.name;
  for (const topology::Region& one : topology.regions)
    context.regions.emplace_back(one.name, one.id);
  context.cluster = topology.cluster;
  context.endpoint = region.endpoint.ToString();
  context.admin = region.admin.ToString();
  context.engine = server.engine.get();
  context.link = server.link.get();
  context.topology = &topology;
  context.guard = server.guard.get();
  context.test_hooks = std::getenv("EVERWRITE_TEST_HOOKS") != nullptr;
  context.set_clock = [&server](const SystemClock::Fault& fault) { server.clock.SetFault(fault); };
  context.registry = &server.registry;
  context.clock = &server.clock;
  context.sessions = server.sessions.get();
  server.admin = std::make_unique<Admin>(std::move(context));
  server.request_metrics = std::make_unique<RequestMetrics>(server.registry);
  std::map<RegionId, std::string> region_names;
  for (const topology::Region& other : topology.regions) region_names[other.id] = other.name;
  server.dispatcher = std::make_unique<api::Dispatcher>(api::ApiContext{
      region.name, server.engine.get(), &server.clock, server.request_metrics.get(),
      static_cast<uint64_t>(topology.limits.ttl_change_interval_us / kMicrosPerMilli),
      server.sessions.get(), std::move(region_names),
      topology.replication.replicate == topology::ReplicateScope::kAll});
  http::HttpServerOptions options;
  options.address = region.endpoint.host;
  options.port = region.endpoint.port;
  options.connections_max = topology.limits.connections;
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  options.threads = static_cast<int>(topology.limits.threads ? topology.limits.threads : cores);
  options.thread_name = "api";
  EW_ASSIGN_OR_RETURN(server.endpoint_server,
                      http::HttpServer::Start(options, [&server](const http::HttpRequest& request,
                                                                 http::HttpResponder responder) {
                        server.dispatcher->Handle(request, std::move(responder));
                      }));

  // Last, so that /readyz answers only once the endpoint serves.
  http::HttpServerOptions admin_options;
  admin_options.address = region.admin.host;
  admin_options.port = region.admin.port;
  admin_options.thread_name = "admin";
  EW_ASSIGN_OR_RETURN(
      server.admin_server,
      http::HttpServer::Start(admin_options, [&server](const http::HttpRequest& request,
                                                       http::HttpResponder responder) {
        server.admin->Handle(request, std::move(responder));
      }));
  return {};
}

// With EVERWRITE_TEST_HOOKS, EVERWRITE_TEST_CLOCK=NAME=MS,... says whose clock is how wrong.
int64_t TestClockOffset(const std::string& region) {
  const char* offsets = std::getenv("EVERWRITE_TEST_CLOCK");
  if (offsets == nullptr || std::getenv("EVERWRITE_TEST_HOOKS") == nullptr) return 0;
  const std::string text = "," + std::string(offsets);
  const size_t at = text.find("," + region + "=");
  return at == std::string::npos ? 0 : std::atoll(text.c_str() + at + region.size() + 2);
}

}  // namespace

int RunRegion(const RegionOptions& options) {
  // Before any thread starts, so that all of them leave the signals to this one.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // A limit on the length of files is a full disk: an error of the write, not the end in its
  // middle.
  signal(SIGXFSZ, SIG_IGN);

  const auto fail = [&options](const Status& status) {
    std::fprintf(stderr, "everwrite region %s: %s\n", options.region.c_str(),
                 status.message().c_str());
    return kExitConfiguration;
  };
  const auto loaded = topology::LoadTopologyOrKept(options.topology_file, options.keep);
  if (!loaded.ok()) return fail(loaded.status());
  const topology::Topology* const topology = &loaded->topology;
  const topology::Region* region = topology->FindRegion(options.region);
  if (!region) {
    return fail(InvalidArgument("the topology has no region of this name; it has " +
                                topology->RegionNames()));
  }
  Server server(TestClockOffset(region->name));
  LogOptions log_options;
  log_options.region = region->name;
  log_options.component = "region";
  log_options.json = !StderrIsTerminal();
  server.log = Logger(StderrSink(), log_options, &server.clock);

  if (!loaded->refused.empty())
    server.log.Error("the topology file is refused, the last good one is used",
                     {{"reason", loaded->refused}});

  Status status = OpenStorage(server, *topology, *region, options.data);
  if (status.ok()) status = OpenEngine(server, *topology, *region, options.is_new);
  if (status.ok()) {
    StartSessions(server, *topology);
    server.maintenance = std::make_unique<MaintenanceThread>(
        *server.engine, [&topology = *topology](RegionId id) { return topology.NameOf(id); },
        server.log.Named("maintenance"));
  }
  if (status.ok()) status = StartLink(server, *topology, *region, options.socket);
  if (status.ok()) StartGuard(server, *topology, *region);
  if (status.ok()) status = StartEndpoints(server, *topology, *region);
  if (!status.ok()) {
    fail(status);
    // A disk that fails may answer the next time; what is configured wrong does not mend itself.
    const bool disk = status.code() == StatusCode::kUnavailable ||
                      status.code() == StatusCode::kResourceExhausted;
    return disk ? kExitDiskFailed : kExitConfiguration;
  }
  server.engine->StartBackfill(*server.maintenance);
  server.log.Info("serving", {{"endpoint", region->endpoint.ToString()},
                              {"admin", region->admin.ToString()},
                              {"log", server.engine->State().log.value}});
  int received = 0;
  sigwait(&signals, &received);
  server.log.Info("draining", {{"signal", received}});
  server.endpoint_server->Stop(kDrainMs);
  return 0;
}

}  // namespace everwrite::server
