// `everwrite up`: a whole topology on this machine.
//
// For each region a nats-server, an `everwrite region` and an `everwrite replicator`, as processes
// of their own under a supervisor that starts again what crashes; between the regions the simulated
// links (link_set.h), which live in this process. A control endpoint on loopback serves `everwrite
// status` and `everwrite link`:
//
//   GET  /status   {pid, processes: [{name, region, role, pid, restarts, log}], links: [...]}
//   POST /links?action=cut|heal|delay|reset&from=&to=[&one_way=1][&delay_ms=&jitter_ms=]
//
// A POST must bear the header X-Everwrite-Control: a web page cannot send it without the server's
// consent, so none that a user happens to visit can cut links.
//
// Threads: those of the supervisor, the link proxy and the control server. Use from one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "chaos/live/supervisor.h"
#include "cli/gateway.h"
#include "cli/plan.h"
#include "region/http/http_server.h"

namespace everwrite::cli {

struct UpOptions {
  ClusterPlan plan;
  std::string program;  // this executable
  std::string nats_server = "nats-server";
  std::optional<uint16_t> gateway_port;  // none: no gateway
  int64_t ready_timeout_ms = 60000;
  // May change what is started: role is "region", "replicator" or "nats".
  std::function<void(const RegionPlan&, std::string_view role, chaos::ProcessSpec&)> adjust;
  Logger log;
};

class Up {
 public:
  explicit Up(UpOptions options);
  ~Up();

  // Starts everything and returns when all regions serve. `interrupted` is asked now and then; when
  // it says true, kAborted. kFailedPrecondition: what a user must mend (ports, folders, topology);
  // kUnavailable: the rest. After an error, Stop.
  Status Start(const std::function<bool()>& interrupted);
  // Ends everything, and returns when no process is left.
  void Stop();

  // The line that says that all serve: "ready NAME=http://HOST:PORT ... [gateway=...]".
  std::string ReadyLine() const;
  const ClusterView& view() const { return view_; }
  // The simulated network, after Start.
  LinkSet& links() { return *links_; }
  // Every process, as NAME/region, NAME/replicator and NAME/nats.
  std::vector<chaos::ProcessInfo> Processes() const { return supervisor_->List(); }
  // A signal to one of them, as a fault would send it.
  Status Signal(const std::string& process, int signal) {
    return supervisor_->Signal(process, signal);
  }
  // One that has ended for good is started again.
  Status Revive(const std::string& process) { return supervisor_->Revive(process); }
  // The processes that ended for good, if any.
  std::vector<chaos::ProcessInfo> Finished() const;

 private:
  Status PrepareFolders();
  std::vector<std::string> DaemonCommand(const std::string& role, const RegionPlan& region) const;
  Status StartOne(const RegionPlan& region, std::string_view role, chaos::ProcessSpec spec);
  Status StartNats(const RegionPlan& region);
  Status StartRegion(const RegionPlan& region);
  Status StartReplicator(const RegionPlan& region);
  Status StartControl();
  Status WaitUntilReady(const std::function<bool()>& interrupted);
  Status CheckFinished() const;
  http::HttpResponse HandleControl(const http::HttpRequest& request);
  http::HttpResponse ChangeLink(const http::HttpRequest& request);
  JsonValue ControlStatus() const;

  const UpOptions options_;
  ClusterView view_;
  std::unique_ptr<LinkSet> links_;
  std::unique_ptr<chaos::Supervisor> supervisor_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<http::HttpServer> control_;
  bool published_ = false;
};

}  // namespace everwrite::cli
