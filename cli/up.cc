#include "cli/up.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "cli/http_client.h"

namespace everwrite::cli {
namespace {

constexpr int64_t kStopGraceMs = 8000;
constexpr int64_t kReadyPollMs = 30;
// How long `ready` waits for a region that is filled from its peers. In a new cluster there is
// next to nothing to fill it with, and this is never reached.
constexpr int64_t kFillPatienceMs = 5000;
constexpr size_t kShownLogBytes = 2000;
constexpr int64_t kMaxDelayMs = 60000;

int64_t NowMillis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// mkdir -p for the owner alone.
Status MakeFolders(const std::string& path) {
  for (size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    if (::mkdir(path.substr(0, at).c_str(), 0700) != 0 && errno != EEXIST) {
      return FailedPrecondition("cannot create folder " + path.substr(0, at) + ": " +
                                std::strerror(errno));
    }
  }
  return OkStatus();
}

Status WriteFile(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return FailedPrecondition("cannot write " + path + ": " + std::strerror(errno));
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  ::close(fd);
  if (!written) return FailedPrecondition("cannot write " + path + ": " + std::strerror(error));
  return OkStatus();
}

std::string ProcessName(const RegionPlan& region, std::string_view role) {
  return region.name + "/" + std::string(role);
}

http::HttpResponse JsonAnswer(int status, const JsonValue& body) {
  http::HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = body.Dump(/*indented=*/false) + "\n";
  return response;
}

http::HttpResponse ErrorAnswer(int status, const std::string& message) {
  JsonValue body = JsonValue::Object();
  body.Set("error", JsonValue::String(message));
  return JsonAnswer(status, body);
}

bool ParseMillis(const std::string& text, int64_t* micros) {
  int64_t millis = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), millis);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if (millis < 0 || millis > kMaxDelayMs) return false;
  *micros = millis * 1000;
  return true;
}

}  // namespace

Up::Up(UpOptions options) : options_(std::move(options)), view_(options_.plan.View()) {}
Up::~Up() { Stop(); }

Status Up::Start(const std::function<bool()>& interrupted) {
  EW_RETURN_IF_ERROR(CheckPlan(options_.plan, options_.gateway_port));
  EW_RETURN_IF_ERROR(PrepareFolders());
  supervisor_ = std::make_unique<chaos::Supervisor>(options_.log.Named("supervisor"));
  EW_ASSIGN_OR_RETURN(links_, LinkSet::Create(options_.plan.Nodes(), options_.plan.directions));
  // First of what others depend on; nobody waits for anybody, for each tries until the other is
  // there.
  for (const RegionPlan& region : options_.plan.regions) EW_RETURN_IF_ERROR(StartNats(region));
  for (const RegionPlan& region : options_.plan.regions) EW_RETURN_IF_ERROR(StartRegion(region));
  for (const RegionPlan& region : options_.plan.regions)
    EW_RETURN_IF_ERROR(StartReplicator(region));
  if (options_.gateway_port.has_value()) {
    GatewayOptions gateway;
    gateway.port = *options_.gateway_port;
    for (const RegionPlan& region : options_.plan.regions) {
      gateway.regions.push_back({region.name, region.endpoint.host, region.endpoint.port});
    }
    EW_ASSIGN_OR_RETURN(gateway_, Gateway::Start(gateway));
    view_.gateway = "127.0.0.1:" + std::to_string(gateway_->port());
  }
  EW_RETURN_IF_ERROR(StartControl());
  EW_RETURN_IF_ERROR(WaitUntilReady(interrupted));
  view_.pid = ::getpid();
  published_ = true;
  if (const Status written = PublishView(view_); !written.ok()) {
    options_.log.Warning("other commands will not find this one by themselves", {{"why", written}});
  }
  return OkStatus();
}

void Up::Stop() {
  if (published_) WithdrawView(view_);
  published_ = false;
  gateway_.reset();
  if (supervisor_ != nullptr) {
    // Regions and replicators first, so that they part from a bus that still answers.
    std::vector<std::string> first;
    for (const RegionPlan& region : options_.plan.regions) {
      first.push_back(ProcessName(region, "region"));
      first.push_back(ProcessName(region, "replicator"));
    }
    supervisor_->Stop(first, kStopGraceMs);
    supervisor_->StopAll(kStopGraceMs);
  }
  control_.reset();
  supervisor_.reset();
  links_.reset();
}

Status Up::PrepareFolders() {
  if (!options_.plan.data.empty()) EW_RETURN_IF_ERROR(MakeFolders(options_.plan.data));
  for (const RegionPlan& region : options_.plan.regions) {
    EW_RETURN_IF_ERROR(MakeFolders(region.run_folder()));
    EW_RETURN_IF_ERROR(WriteFile(region.run_folder() + "/nats.conf", NatsConfiguration(region)));
  }
  return OkStatus();
}

Status Up::StartOne(const RegionPlan& region, std::string_view role, chaos::ProcessSpec spec) {
  spec.name = ProcessName(region, role);
  spec.log_file = region.run_folder() + "/" + std::string(role) + ".log";
  if (options_.adjust) options_.adjust(region, role, spec);
  return supervisor_->Start(std::move(spec));
}

Status Up::StartNats(const RegionPlan& region) {
  const Status started =
      StartOne(region, "nats",
               {.command = {options_.nats_server, "-c", region.run_folder() + "/nats.conf"}});
  if (started.ok()) return started;
  return FailedPrecondition(started.message() + " (Debian: apt-get install nats-server)");
}

std::vector<std::string> Up::DaemonCommand(const std::string& role,
                                           const RegionPlan& region) const {
  std::vector<std::string> command = {
      options_.program, role,
      "--topology",     options_.plan.topology_file,
      "--region",       region.name,
      "--socket",       region.socket,
      "--keep",         region.run_folder() + "/" + role + ".topology"};
  if (!options_.plan.data.empty()) {
    command.push_back("--data");
    command.push_back(options_.plan.data);
  }
  return command;
}

Status Up::StartRegion(const RegionPlan& region) {
  return StartOne(region, "region", {.command = DaemonCommand("region", region)});
}

Status Up::StartReplicator(const RegionPlan& region) {
  chaos::ProcessSpec spec{.command = DaemonCommand("replicator", region)};
  for (const RegionPlan& peer : options_.plan.regions) {
    if (peer.name == region.name) continue;
    spec.command.push_back("--peer");
    spec.command.push_back(
        peer.name + "=nats://127.0.0.1:" + std::to_string(links_->PortFor(region.name, peer.name)));
  }
  return StartOne(region, "replicator", std::move(spec));
}

Status Up::StartControl() {
  http::HttpServerOptions options;
  options.port = 0;
  EW_ASSIGN_OR_RETURN(control_,
                      http::HttpServer::Start(options, [this](const http::HttpRequest& request,
                                                              http::HttpResponder responder) {
                        responder.Send(HandleControl(request));
                      }));
  view_.control = "127.0.0.1:" + std::to_string(control_->port());
  return OkStatus();
}

// A process that ended for good before all serve is why they never will.
Status Up::CheckFinished() const {
  for (const chaos::ProcessInfo& process : Finished()) {
    const std::string message =
        process.name + " ended with status " + std::to_string(process.exit_status) + "; its log " +
        process.log_file + " ends with:\n" + chaos::FileTail(process.log_file, kShownLogBytes);
    return process.exit_status == 78 ? FailedPrecondition(message) : Unavailable(message);
  }
  return OkStatus();
}

Status Up::WaitUntilReady(const std::function<bool()>& interrupted) {
  const int64_t deadline = NowMillis() + options_.ready_timeout_ms;
  int64_t filled_since = 0;
  for (const RegionPlan& region : options_.plan.regions) {
    while (true) {
      auto reply = HttpCall("GET", region.admin.ToString(), "/readyz", {.timeout_ms = 1000});
      if (reply.ok() && reply->status == 200) {
        reply = HttpCall("GET", region.endpoint.ToString(), "/", {.timeout_ms = 1000});
        if (reply.ok()) break;
      }
      if (interrupted()) return Aborted("interrupted");
      // One that is filled from its peers takes as long as its data does: the others serve
      // meanwhile.
      if (reply.ok() && reply->body.find("is being filled") != std::string::npos) {
        if (filled_since == 0) filled_since = NowMillis();
        if (NowMillis() - filled_since >= kFillPatienceMs) break;
      }
      EW_RETURN_IF_ERROR(CheckFinished());
      if (NowMillis() >= deadline) {
        const std::string why = !reply.ok() ? reply.status().message() : reply->body;
        return Unavailable(region.name + " does not serve after " +
                           std::to_string(options_.ready_timeout_ms / 1000) + " s (" + why +
                           "); its log is " + region.run_folder() + "/region.log");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(kReadyPollMs));
    }
  }
  return CheckFinished();
}

std::string Up::ReadyLine() const {
  std::string line = "ready";
  for (const RegionPlan& region : options_.plan.regions) {
    line += " " + region.name + "=http://" + region.endpoint.ToString();
  }
  if (!view_.gateway.empty()) line += " gateway=http://" + view_.gateway;
  return line;
}

std::vector<chaos::ProcessInfo> Up::Finished() const {
  std::vector<chaos::ProcessInfo> finished;
  for (chaos::ProcessInfo& process : supervisor_->List()) {
    if (process.finished) finished.push_back(std::move(process));
  }
  return finished;
}

JsonValue Up::ControlStatus() const {
  JsonValue out = JsonValue::Object();
  out.Set("pid", JsonValue::Number(::getpid()));
  JsonValue processes = JsonValue::Array();
  for (const chaos::ProcessInfo& process : supervisor_->List()) {
    const size_t slash = process.name.rfind('/');
    JsonValue item = JsonValue::Object();
    item.Set("name", JsonValue::String(process.name));
    item.Set("region", JsonValue::String(process.name.substr(0, slash)));
    item.Set("role", JsonValue::String(process.name.substr(slash + 1)));
    item.Set("pid", JsonValue::Number(process.pid));
    item.Set("restarts", JsonValue::Number(process.restarts));
    item.Set("finished", JsonValue::Bool(process.finished));
    item.Set("exit_status", JsonValue::Number(process.exit_status));
    item.Set("log", JsonValue::String(process.log_file));
    processes.Add(std::move(item));
  }
  out.Set("processes", std::move(processes));
  out.Set("links", links_->Describe());
  return out;
}

http::HttpResponse Up::HandleControl(const http::HttpRequest& request) {
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  if (request.method == "GET" && path == "/status") return JsonAnswer(200, ControlStatus());
  if (request.method == "POST" && path == "/links") {
    if (request.Find("x-everwrite-control") == nullptr) {
      return ErrorAnswer(403, "the header X-Everwrite-Control is missing");
    }
    return ChangeLink(request);
  }
  return ErrorAnswer(404, "there is nothing here but GET /status and POST /links");
}

http::HttpResponse Up::ChangeLink(const http::HttpRequest& request) {
  const std::string from = QueryValue(request.target, "from");
  const std::string to = QueryValue(request.target, "to");
  const std::string action = QueryValue(request.target, "action");
  const bool one_way = QueryValue(request.target, "one_way") == "1";
  Status status;
  if (action == "cut") {
    status = links_->Cut(from, to, one_way);
  } else if (action == "heal" && from.empty() && to.empty()) {
    links_->HealAll();
  } else if (action == "heal") {
    status = links_->Heal(from, to, one_way);
  } else if (action == "reset") {
    status = links_->Reset(from, to);
  } else if (action == "delay") {
    chaos::LinkShape shape;
    const std::string jitter = QueryValue(request.target, "jitter_ms");
    if (!ParseMillis(QueryValue(request.target, "delay_ms"), &shape.delay_us) ||
        (!jitter.empty() && !ParseMillis(jitter, &shape.jitter_us))) {
      return ErrorAnswer(
          400, "delay_ms and jitter_ms are whole numbers from 0 to " + std::to_string(kMaxDelayMs));
    }
    status = links_->Shape(from, to, one_way, shape);
  } else {
    return ErrorAnswer(400, "action is one of cut, heal, delay, reset");
  }
  if (!status.ok()) return ErrorAnswer(404, status.message());
  options_.log.Info("link changed", {{"action", action}, {"from", from}, {"to", to}});
  return JsonAnswer(200, links_->Describe());
}

}  // namespace everwrite::cli
