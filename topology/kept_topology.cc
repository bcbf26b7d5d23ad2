#include "topology/kept_topology.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "topology/topology_file.h"

namespace everwrite::topology {
namespace {

// A copy that cannot be made is not there the next time it is needed: no reason not to start.
void Keep(const std::string& text, const std::string& path) {
  const auto there = ReadConfigText(path);
  if (there.ok() && *there == text) return;
  const std::string temporary = path + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  ::close(fd);
  if (written) (void)::rename(temporary.c_str(), path.c_str());
}

}  // namespace

Result<LoadedTopology> LoadTopologyOrKept(const std::string& path, const std::string& kept) {
  const auto text = ReadConfigText(path);
  auto file = text.ok() ? ParseTopology(*text, path) : Result<Topology>(text.status());
  if (kept.empty()) {
    if (!file.ok()) return file.status();
    return LoadedTopology{std::move(file).value(), ""};
  }
  const auto kept_text = ReadConfigText(kept);
  // Relative folders are below the file that was named, whichever is used.
  auto copy =
      kept_text.ok() ? ParseTopology(*kept_text, path) : Result<Topology>(kept_text.status());
  const bool older =
      file.ok() && copy.ok() && file->cluster == copy->cluster && file->version < copy->version;
  if (file.ok() && !older) {
    Keep(*text, kept);
    return LoadedTopology{std::move(file).value(), ""};
  }
  if (!copy.ok()) return file.status();
  const std::string reason = older ? path + ": version " + std::to_string(file->version) +
                                         " is older than version " + std::to_string(copy->version) +
                                         ", which is in use"
                                   : file.status().message();
  return LoadedTopology{std::move(copy).value(), reason};
}

}  // namespace everwrite::topology
