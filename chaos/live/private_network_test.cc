#include "chaos/live/private_network.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace everwrite::chaos {
namespace {

TEST(PrivateNetwork, RulesNameDirectionsByPorts) {
  const std::string rules = PacketRules({{{7000, 7001}, {7002}, 2.5, 0}});
  EXPECT_NE(rules.find("tcp dport { 7000, 7001 } numgen random mod 10000 < 250 drop"),
            std::string::npos)
      << rules;
  EXPECT_NE(rules.find("tcp sport { 7002 } numgen random mod 10000 < 250 drop"), std::string::npos);
  EXPECT_EQ(rules.find("dup"), std::string::npos);
}

// How many segments TCP sent again for a megabyte; -1: this machine cannot.
int Retransmissions(double loss_percent) {
  if (!EnterPrivateNetwork().ok()) return -1;
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, raw, size) != 0 || ::listen(listener, 1) != 0) return -2;
  ::getsockname(listener, raw, &size);
  if (!SetPacketFaults({{{ntohs(address.sin_port)}, {}, loss_percent, 5}}).ok()) return -3;
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(fd, raw, size) != 0) return -4;
  const int other = ::accept(listener, nullptr, nullptr);
  constexpr size_t kBytes = 1'000'000;
  size_t got = 0;
  std::thread reader([&] {
    char buffer[65536];
    while (got < kBytes) {
      const ssize_t more = ::read(other, buffer, sizeof(buffer));
      if (more <= 0) return;
      got += static_cast<size_t>(more);
    }
  });
  const std::string piece(1000, 'x');
  for (size_t sent = 0; sent < kBytes; sent += piece.size())
    if (::write(fd, piece.data(), piece.size()) < 0) break;
  reader.join();
  tcp_info info{};
  size = sizeof(info);
  ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
  return got == kBytes ? static_cast<int>(std::min<uint32_t>(info.tcpi_total_retrans, 100)) : -5;
}

// In a process of its own: there is no way back.
int InChild(double loss_percent) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(Retransmissions(loss_percent) & 0xff);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return static_cast<int8_t>(WEXITSTATUS(status));
}

TEST(PrivateNetwork, PacketsAreLostAndTcpSendsThemAgain) {
  const int lossy = InChild(20);
  if (lossy == -1) return;  // no root, no namespaces of users, or no nft: the error says so
  EXPECT_GT(lossy, 0);
  EXPECT_EQ(InChild(0), 0);
}

}  // namespace
}  // namespace everwrite::chaos
