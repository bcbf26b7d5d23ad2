#include "replicator/link/region_link.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/named_thread.h"

namespace everwrite::replicator {
namespace {

constexpr int kRetryMs = 200;
constexpr int kRefusedRetryMs = 2000;
constexpr int kHandshakeMs = 2000;
constexpr size_t kReadBytes = 256 << 10;

}  // namespace

class RegionLink::Worker {
 public:
  Worker(RegionLinkOptions options, RegionEvents* events)
      : options_(std::move(options)),
        events_(events),
        wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        thread_(NamedThread("link", [this] { Run(); })) {}

  ~Worker() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    Wake();
    thread_.join();
    close(wake_);
  }

  void Send(const streams::LinkMessage& message) {
    std::string frame = streams::EncodeLinkFrame(message);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!connected_) return;
      outbox_ += frame;
    }
    Wake();
  }

 private:
  void Run() {
    while (!Stopping()) {
      int retry_ms = kRetryMs;
      std::string why = Connect();
      if (why.empty()) {
        why = Serve();
        if (refused_) retry_ms = kRefusedRetryMs;
        Disconnect(why);
      } else if (why != last_why_) {
        events_->OnRegionDisconnected("cannot connect to " + options_.socket_path + ": " + why);
      }
      last_why_ = why;
      if (!Stopping()) WaitFor(-1, 0, retry_ms);
    }
  }

  bool Stopping() {
    std::lock_guard<std::mutex> lock(mutex_);
    return stopping_;
  }
  void Wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
  }

  // Waits for the socket, a Wake or the time; gives the socket's events.
  short WaitFor(int fd, short events, int timeout_ms) {
    pollfd polled[2] = {{wake_, POLLIN, 0}, {fd, events, 0}};
    if (poll(polled, fd >= 0 ? 2 : 1, timeout_ms) <= 0) return 0;
    if ((polled[0].revents & POLLIN) != 0) {
      uint64_t count = 0;
      [[maybe_unused]] const ssize_t drained = read(wake_, &count, sizeof count);
    }
    return fd >= 0 ? polled[1].revents : static_cast<short>(0);
  }

  std::string Connect() {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (options_.socket_path.size() >= sizeof address.sun_path)
      return "the socket's path is too long";
    std::memcpy(address.sun_path, options_.socket_path.data(), options_.socket_path.size());
    socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return std::strerror(errno);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      const std::string why = std::strerror(errno);
      close(socket_);
      socket_ = -1;
      return why;
    }
    fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
    reader_ = {};
    welcomed_ = false;
    refused_ = false;
    std::lock_guard<std::mutex> lock(mutex_);
    connected_ = true;
    outbox_ = streams::EncodeLinkFrame(streams::LinkHello{streams::kLinkVersion, options_.cluster,
                                                          options_.region, options_.credit});
    return "";
  }

  void Disconnect(const std::string& why) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      connected_ = false;
      outbox_.clear();
    }
    close(socket_);
    socket_ = -1;
    writing_.clear();
    written_ = 0;
    if (welcomed_ || refused_) events_->OnRegionDisconnected(why);
  }

  // Until the connection ends; says why.
  std::string Serve() {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(kHandshakeMs);
    while (true) {
      if (!TakeOutbox()) return "we stop";
      if (!welcomed_ && std::chrono::steady_clock::now() > deadline) return "no answer to Hello";
      const short wanted = static_cast<short>(POLLIN | (written_ < writing_.size() ? POLLOUT : 0));
      const short events = WaitFor(socket_, wanted, 1000);
      if ((events & POLLOUT) != 0 && !Write()) return std::string("write: ") + std::strerror(errno);
      if ((events & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      const std::string why = Read();
      if (!why.empty()) return why;
    }
  }

  // False when the link is to stop and all is written.
  bool TakeOutbox() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (written_ == writing_.size()) {
      writing_.clear();
      written_ = 0;
      writing_.swap(outbox_);
    }
    return !stopping_;
  }

  bool Write() {
    const ssize_t count =
        send(socket_, writing_.data() + written_, writing_.size() - written_, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    written_ += static_cast<size_t>(count);
    return true;
  }

  // Empty, or why the connection is over.
  std::string Read() {
    buffer_.resize(kReadBytes);
    const ssize_t count = recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (count == 0) return "the region closed the link";
    if (count < 0) return errno == EAGAIN || errno == EINTR ? "" : std::strerror(errno);
    reader_.Append(std::string_view(buffer_).substr(0, static_cast<size_t>(count)));
    while (true) {
      auto next = reader_.Next();
      if (!next.ok()) return next.status().message();
      if (!next->has_value()) return "";
      const std::string why = OnMessage(std::move(**next));
      if (!why.empty()) return why;
    }
  }

  std::string OnMessage(streams::LinkMessage message) {
    if (const auto* refusal = std::get_if<streams::LinkRefusal>(&message)) {
      refused_ = true;
      return "refused: " + refusal->reason;
    }
    if (welcomed_) {
      events_->OnRegionMessage(std::move(message));
      return "";
    }
    const auto* welcome = std::get_if<streams::LinkWelcome>(&message);
    if (welcome == nullptr) return "something before Welcome";
    if (welcome->version != streams::kLinkVersion || welcome->cluster != options_.cluster ||
        welcome->region != options_.region) {
      refused_ = true;
      return "another region, cluster or version answers at the socket";
    }
    welcomed_ = true;
    events_->OnRegionConnected();
    return "";
  }

  const RegionLinkOptions options_;
  RegionEvents* const events_;
  const int wake_;

  std::mutex mutex_;
  bool stopping_ = false;   // guarded by mutex_
  bool connected_ = false;  // guarded by mutex_
  std::string outbox_;      // guarded by mutex_

  // The thread's own.
  int socket_ = -1;
  bool welcomed_ = false;
  bool refused_ = false;
  std::string last_why_;
  std::string writing_;
  size_t written_ = 0;
  std::string buffer_;
  streams::LinkReader reader_;

  std::thread thread_;  // last: starts when all else is there
};

RegionLink::RegionLink(RegionLinkOptions options, RegionEvents* events)
    : worker_(std::make_unique<Worker>(std::move(options), events)) {}
RegionLink::~RegionLink() = default;

void RegionLink::Send(const streams::LinkMessage& message) { worker_->Send(message); }

}  // namespace everwrite::replicator
