// A link over real sockets: what it delays, holds, cuts, bounds and resets.
#include "chaos/live/link_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace everwrite::chaos {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

int64_t MillisSince(Clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
}

// Two connected ends: `a` dialled the link, `b` is what the target accepted.
class LinkProxyTest : public testing::Test {
 protected:
  LinkProxyTest() {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    target_port_ = ntohs(address.sin_port);
    proxy_ = LinkProxy::Create(1).value();
  }
  ~LinkProxyTest() override {
    for (const int fd : opened_) ::close(fd);
    if (listener_ >= 0) ::close(listener_);
  }
  void Add(LinkShape forward = {}, LinkShape backward = {}) {
    link_ = proxy_->Add({.target_port = target_port_, .forward = forward, .backward = backward})
                .value();
  }
  int Dial() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(proxy_->port(link_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    opened_.push_back(fd);
    return fd;
  }
  static bool Readable(int fd, int timeout_ms) {
    struct pollfd wait {
      fd, POLLIN, 0
    };
    return ::poll(&wait, 1, timeout_ms) == 1;
  }
  int Accept(int timeout_ms = 2000) {
    if (!Readable(listener_, timeout_ms)) return -1;
    const int fd = ::accept(listener_, nullptr, nullptr);
    opened_.push_back(fd);
    return fd;
  }
  void Connect() {
    a_ = Dial();
    b_ = Accept();
    ASSERT_GE(b_, 0);
  }
  static void Send(int fd, std::string_view text) {
    ASSERT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What arrives until `size` bytes are there or the time is over; "<end>", "<reset>" for what they
  // say.
  static std::string Receive(int fd, size_t size, int timeout_ms = 2000) {
    std::string text;
    while (text.size() < size && Readable(fd, timeout_ms)) {
      char buffer[65536];
      const ssize_t got = ::recv(fd, buffer, std::min(sizeof(buffer), size - text.size()), 0);
      if (got == 0) return text + "<end>";
      if (got < 0) return text + (errno == ECONNRESET ? "<reset>" : "<error>");
      text.append(buffer, static_cast<size_t>(got));
    }
    return text;
  }

  std::unique_ptr<LinkProxy> proxy_;
  LinkProxy::LinkId link_ = 0;
  int listener_ = -1, a_ = -1, b_ = -1;
  uint16_t target_port_ = 0;
  std::vector<int> opened_;
};

constexpr auto kForward = LinkDirection::kForward;
constexpr auto kBackward = LinkDirection::kBackward;

TEST_F(LinkProxyTest, BytesPassBothWaysUnchanged) {
  Add();
  Connect();
  std::string big(3 << 20, '\0');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 >> 3);
  std::thread sender([&] { Send(a_, big); });
  EXPECT_TRUE(Receive(b_, big.size()) == big);
  sender.join();
  Send(b_, "answer");
  EXPECT_EQ(Receive(a_, 6), "answer");
  EXPECT_EQ(proxy_->Stats(link_).forward_bytes, big.size());
  EXPECT_EQ(proxy_->Stats(link_).connections, 1u);
}

TEST_F(LinkProxyTest, DelayIsPerDirectionAndOrderIsKeptUnderJitter) {
  Add({.delay_us = 60000, .jitter_us = 20000}, {});
  Connect();
  const auto start = Clock::now();
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    const std::string piece = std::to_string(i) + ",";
    Send(a_, piece);
    expected += piece;
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(Receive(b_, expected.size()), expected);
  EXPECT_GE(MillisSince(start), 60);
  const auto back = Clock::now();
  Send(b_, "x");
  EXPECT_EQ(Receive(a_, 1), "x");
  EXPECT_LT(MillisSince(back), 50);
}

TEST_F(LinkProxyTest, BandwidthIsKept) {
  Add({.bytes_per_second = 1000000});
  Connect();
  const auto start = Clock::now();
  const std::string data(300000, 'x');
  std::thread sender([&] { Send(a_, data); });
  EXPECT_EQ(Receive(b_, data.size()).size(), data.size());
  sender.join();
  EXPECT_GE(MillisSince(start), 280);
  EXPECT_LT(MillisSince(start), 1500);
}

TEST_F(LinkProxyTest, ACutDirectionPassesNothingAndHealingDeliversWhatWasHeld) {
  Add();
  Connect();
  proxy_->Cut(link_, kForward);
  EXPECT_TRUE(proxy_->IsCut(link_, kForward));
  EXPECT_FALSE(proxy_->IsCut(link_, kBackward));
  Send(a_, "held");
  EXPECT_EQ(Receive(b_, 4, 100), "");
  Send(b_, "other way");
  EXPECT_EQ(Receive(a_, 9), "other way");
  proxy_->Heal(link_, kForward);
  EXPECT_EQ(Receive(b_, 4), "held");
}

TEST_F(LinkProxyTest, ABlackHolePassesWhatIsShortUntilSomethingLongCame) {
  Add({.over_bytes = 600}, {.over_bytes = 600});
  Connect();
  Send(a_, "short");
  EXPECT_EQ(Receive(b_, 5), "short");
  Send(a_, std::string(2000, 'x'));
  EXPECT_EQ(Receive(b_, 1, 200), "");
  Send(a_, "more");
  EXPECT_EQ(Receive(b_, 1, 200), "") << "it would have to overtake";
  Send(b_, "back");
  EXPECT_EQ(Receive(a_, 4), "back");
  const int other = Dial();
  const int accepted = Accept();
  Send(other, "new");
  EXPECT_EQ(Receive(accepted, 3), "new");
  proxy_->SetShape(link_, kForward, {});
  proxy_->Heal(link_, kForward);
  EXPECT_EQ(Receive(b_, 2004), std::string(2000, 'x') + "more");
}

TEST_F(LinkProxyTest, DuringACutNewConnectionsHangAndEndsAreNotSeen) {
  Add();
  Connect();
  proxy_->Cut(link_, kForward);
  proxy_->Cut(link_, kBackward);
  const int late = Dial();
  Send(late, "hello");
  EXPECT_EQ(Accept(100), -1);
  ::shutdown(a_, SHUT_RDWR);
  EXPECT_FALSE(Readable(b_, 100));
  proxy_->Heal(link_, kForward);
  proxy_->Heal(link_, kBackward);
  EXPECT_EQ(Receive(b_, 1), "<end>");
  const int accepted = Accept();
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(Receive(accepted, 5), "hello");
}

TEST_F(LinkProxyTest, WhoGivesUpDuringACutLeavesNoConnectionBehind) {
  Add();
  proxy_->Cut(link_, kForward);
  for (int i = 0; i < 200; ++i) {
    const int fd = Dial();
    ::shutdown(fd, SHUT_RDWR);
    if (i % 20 == 19) std::this_thread::sleep_for(milliseconds(5));
  }
  for (int i = 0; i < 100 && proxy_->Stats(link_).connections > 0; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(proxy_->Stats(link_).connections, 0u);
  proxy_->Heal(link_, kForward);
  EXPECT_EQ(Accept(50), -1);
}

TEST_F(LinkProxyTest, ACutLinkCostsNoProcessorTimeAndBoundedMemory) {
  Add();
  Connect();
  proxy_->Cut(link_, kForward);
  const int flags = ::fcntl(a_, F_GETFL);
  ::fcntl(a_, F_SETFL, flags | O_NONBLOCK);
  const std::string data(1 << 20, 'x');
  size_t taken = 0;
  for (int quiet = 0; quiet < 20;) {
    const ssize_t sent = ::send(a_, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      taken += static_cast<size_t>(sent);
      quiet = 0;
    } else {
      ++quiet;
      std::this_thread::sleep_for(milliseconds(5));
    }
  }
  EXPECT_LE(proxy_->Stats(link_).queued_bytes, kMaxQueuedBytes);
  EXPECT_GT(proxy_->Stats(link_).queued_bytes, kMaxQueuedBytes / 2);
  ::shutdown(b_, SHUT_RDWR);  // a hang-up that may not be passed on must not spin either
  struct rusage before {
  }, after{};
  ::getrusage(RUSAGE_SELF, &before);
  std::this_thread::sleep_for(milliseconds(200));
  ::getrusage(RUSAGE_SELF, &after);
  const auto micros = [](const rusage& u) {
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
  };
  EXPECT_LT(micros(after) - micros(before), 50000);
  EXPECT_GT(taken, kMaxQueuedBytes);
}

TEST_F(LinkProxyTest, AnEndArrivesBehindTheDataAndTheOtherDirectionStaysOpen) {
  Add({.delay_us = 20000}, {});
  Connect();
  Send(a_, "last words");
  ::shutdown(a_, SHUT_WR);
  EXPECT_EQ(Receive(b_, 100), "last words<end>");
  Send(b_, "reply");
  EXPECT_EQ(Receive(a_, 5), "reply");
}

TEST_F(LinkProxyTest, ResetEndsBothSidesAtOnce) {
  Add();
  Connect();
  Send(a_, "x");
  ASSERT_EQ(Receive(b_, 1), "x");
  proxy_->Reset(link_);
  EXPECT_EQ(Receive(a_, 1), "<reset>");
  EXPECT_EQ(Receive(b_, 1), "<reset>");
  EXPECT_EQ(proxy_->Stats(link_).connections, 0u);
}

TEST_F(LinkProxyTest, AClosedTargetResetsTheCallerAndComesBackWhenTheTargetDoes) {
  Add();
  ::close(listener_);
  listener_ = -1;
  EXPECT_EQ(Receive(Dial(), 1), "<reset>");
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target_port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener_, 16), 0);
  Connect();
  Send(a_, "x");
  EXPECT_EQ(Receive(b_, 1), "x");
}

TEST_F(LinkProxyTest, APortInUseAndABadAddressAreRefused) {
  const auto taken = proxy_->Add({.target_port = 1, .listen_port = target_port_});
  ASSERT_FALSE(taken.ok());
  EXPECT_NE(taken.status().message().find(std::to_string(target_port_)), std::string::npos);
  EXPECT_FALSE(proxy_->Add({.target_host = "nowhere", .target_port = 1}).ok());
}

TEST_F(LinkProxyTest, ShapesChangeWhileItRuns) {
  Add();
  Connect();
  proxy_->SetShape(link_, kBackward, {.delay_us = 80000});
  EXPECT_EQ(proxy_->Shape(link_, kBackward).delay_us, 80000);
  const auto start = Clock::now();
  Send(b_, "x");
  EXPECT_EQ(Receive(a_, 1), "x");
  EXPECT_GE(MillisSince(start), 80);
}

}  // namespace
}  // namespace everwrite::chaos
