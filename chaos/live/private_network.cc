#include "chaos/live/private_network.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace everwrite::chaos {
namespace {

// Of an ordinary network; a loopback's own would put everything into one packet.
constexpr int kPacketBytes = 1500;
constexpr int kParts = 10'000;  // chance is drawn in so many parts

Status Refused(const std::string& what) {
  return FailedPrecondition(what + ": " + std::strerror(errno));
}

bool WriteText(const char* path, const std::string& text) {
  std::ofstream out(path);
  out << text << std::flush;
  return static_cast<bool>(out);
}

Status Unshare() {
  if (::unshare(CLONE_NEWNET) == 0) return OkStatus();
  const uid_t user = ::getuid();
  const gid_t group = ::getgid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
    return Refused("a network of its own needs root, or namespaces of users");
  (void)WriteText("/proc/self/setgroups", "deny");
  if (!WriteText("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") ||
      !WriteText("/proc/self/gid_map", "0 " + std::to_string(group) + " 1"))
    return Refused("a namespace of users cannot be set up");
  return OkStatus();
}

std::string PortSet(const std::vector<uint16_t>& ports) {
  std::string text;
  for (const uint16_t port : ports) text += (text.empty() ? "{ " : ", ") + std::to_string(port);
  return text + " }";
}

}  // namespace

Status EnterPrivateNetwork() {
  // Known beforehand, so that a run does not end in its middle.
  if (::system("nft --version >/dev/null 2>&1") != 0)
    return FailedPrecondition(
        "packets are lost and repeated by nft, which is not here (Debian: "
        "apt-get install nftables)");
  if (Status status = Unshare(); !status.ok()) return status;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_mtu = kPacketBytes;
  const bool sized = ::ioctl(fd, SIOCSIFMTU, &request) == 0;
  request = ifreq{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  if (!sized || !up) return Refused("the loopback of a network of its own cannot be used");
  return SetPacketFaults({});
}

std::string PacketRules(const std::vector<PacketFault>& faults) {
  std::string rules =
      "add table netdev everwrite\ndelete table netdev everwrite\ntable netdev everwrite {\n"
      "  chain arrivals {\n    type filter hook ingress device \"lo\" priority 0; policy accept;\n";
  const auto rule = [&rules](const char* field, const std::vector<uint16_t>& ports, double percent,
                             const char* verdict) {
    const int parts = static_cast<int>(percent * kParts / 100);
    if (ports.empty() || parts == 0) return;
    rules += std::string("    tcp ") + field + " " + PortSet(ports) + " numgen random mod " +
             std::to_string(kParts) + " < " + std::to_string(parts) + " " + verdict + "\n";
  };
  for (const PacketFault& fault : faults) {
    rule("dport", fault.to, fault.loss_percent, "drop");
    rule("sport", fault.from, fault.loss_percent, "drop");
    rule("dport", fault.to, fault.duplicate_percent, "dup to \"lo\"");
    rule("sport", fault.from, fault.duplicate_percent, "dup to \"lo\"");
  }
  return rules + "  }\n}\n";
}

Status SetPacketFaults(const std::vector<PacketFault>& faults) {
  FILE* const nft = ::popen("nft -f - 2>&1 >/dev/null", "w");
  if (nft == nullptr) return Refused("nft cannot be started");
  const std::string rules = PacketRules(faults);
  const bool written = std::fwrite(rules.data(), 1, rules.size(), nft) == rules.size();
  const int status = ::pclose(nft);
  if (!written || status != 0)
    return FailedPrecondition("nft does not take rules that lose and repeat packets");
  return OkStatus();
}

}  // namespace everwrite::chaos
