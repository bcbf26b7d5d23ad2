#include "cli/cluster_view.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "chaos/live/supervisor.h"
#include "cli/http_client.h"

namespace everwrite::cli {
namespace {

constexpr size_t kMaxViewBytes = 1U << 20;

std::string CurrentFile(const std::string& folder) { return folder + "/current.json"; }

Status WriteFileAtomically(const std::string& path, const std::string& text) {
  const std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return FailedPrecondition("cannot create " + temporary + ": " + std::strerror(errno));
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
    return FailedPrecondition("cannot write " + path + ": " + std::strerror(errno));
  }
  return OkStatus();
}

Result<ClusterView> ReadView(const std::string& path) {
  const std::string text = chaos::FileTail(path, kMaxViewBytes);
  if (text.empty()) return NotFound("no " + path);
  EW_ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(text));
  return ViewFromJson(json);
}

bool ProcessLives(pid_t pid) { return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM); }

void RemoveIfOurs(const std::string& path) {
  const auto view = ReadView(path);
  if (view.ok() && view->pid == ::getpid()) ::unlink(path.c_str());
}

}  // namespace

Result<std::string> RuntimeFolder() {
  const char* const base = std::getenv("XDG_RUNTIME_DIR");
  const std::string folder = base != nullptr && *base == '/'
                                 ? std::string(base) + "/everwrite"
                                 : "/tmp/everwrite-" + std::to_string(::getuid());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return FailedPrecondition("cannot create " + folder + ": " + std::strerror(errno));
  }
  struct stat info {};
  // In /tmp anyone may have made it first; what they write there must not direct our commands.
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::getuid()) {
    return FailedPrecondition(folder + " is not a folder of this user");
  }
  return folder;
}

JsonValue ViewToJson(const ClusterView& view) {
  JsonValue json = JsonValue::Object();
  json.Set("cluster", JsonValue::String(view.cluster));
  json.Set("topology_file", JsonValue::String(view.topology_file));
  json.Set("pid", JsonValue::Number(view.pid));
  json.Set("control", JsonValue::String(view.control));
  json.Set("gateway", JsonValue::String(view.gateway));
  json.Set("data", JsonValue::String(view.data));
  JsonValue regions = JsonValue::Array();
  for (const RegionEndpoint& region : view.regions) {
    JsonValue item = JsonValue::Object();
    item.Set("name", JsonValue::String(region.name));
    item.Set("endpoint", JsonValue::String(region.endpoint));
    item.Set("admin", JsonValue::String(region.admin));
    regions.Add(std::move(item));
  }
  json.Set("regions", std::move(regions));
  return json;
}

Result<ClusterView> ViewFromJson(const JsonValue& json) {
  ClusterView view;
  view.cluster = json["cluster"].AsString();
  view.topology_file = json["topology_file"].AsString();
  view.pid = static_cast<pid_t>(json["pid"].AsInt());
  view.control = json["control"].AsString();
  view.gateway = json["gateway"].AsString();
  view.data = json["data"].AsString();
  for (const JsonValue& item : json["regions"].items()) {
    view.regions.push_back(
        {item["name"].AsString(), item["endpoint"].AsString(), item["admin"].AsString()});
  }
  if (view.regions.empty()) return DataLoss("a cluster's state file names no region");
  return view;
}

Status PublishView(const ClusterView& view) {
  const std::string text = ViewToJson(view).Dump(/*indented=*/true) + "\n";
  if (!view.data.empty()) EW_RETURN_IF_ERROR(WriteFileAtomically(view.data + "/up.json", text));
  EW_ASSIGN_OR_RETURN(const std::string folder, RuntimeFolder());
  return WriteFileAtomically(CurrentFile(folder), text);
}

void WithdrawView(const ClusterView& view) {
  if (!view.data.empty()) RemoveIfOurs(view.data + "/up.json");
  const auto folder = RuntimeFolder();
  if (folder.ok()) RemoveIfOurs(CurrentFile(*folder));
}

Result<ClusterView> FindRunning() {
  EW_ASSIGN_OR_RETURN(const std::string folder, RuntimeFolder());
  auto view = ReadView(CurrentFile(folder));
  if (!view.ok() || !ProcessLives(view->pid)) {
    return NotFound(
        "no `everwrite up` or `everwrite demo` of this user is running; start one, or name a "
        "topology file");
  }
  return view;
}

Result<JsonValue> FetchRegionStatus(const std::string& admin, int64_t timeout_ms) {
  EW_ASSIGN_OR_RETURN(const HttpReply reply,
                      HttpCall("GET", admin, "/status", {.timeout_ms = timeout_ms}));
  if (reply.status != 200) {
    return Unavailable(admin + "/status answered " + std::to_string(reply.status));
  }
  return JsonValue::Parse(reply.body);
}

std::string VectorText(const JsonValue& vector) {
  std::vector<std::string> entries;
  for (const auto& [log, number] : vector.members()) {
    if (number.AsInt() != 0) entries.push_back(log + ":" + number.AsString());
  }
  std::sort(entries.begin(), entries.end());
  std::string text;
  for (const std::string& entry : entries) text += (text.empty() ? "" : " ") + entry;
  return text;
}

}  // namespace everwrite::cli
