#include "chaos/live/link_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/named_thread.h"
#include "base/random.h"

namespace everwrite::chaos {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr int kReadsATurn = 8;  // of one socket, so that one stream does not starve the others
constexpr int64_t kNever = INT64_MAX;

int64_t NowMicros() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kMicrosPerSecond + now.tv_nsec / 1000;
}

// What travels: bytes, or the end of them.
struct Chunk {
  enum class Kind : uint8_t { kData, kFin, kReset };
  Kind kind = Kind::kData;
  int64_t due = 0;
  std::string data;
  size_t sent = 0;
};

// One direction of one connection.
struct Pipe {
  std::deque<Chunk> chunks;
  size_t queued = 0;
  int64_t last_due = 0;
  bool source_ended = false;  // a kFin or kReset is queued or passed
};

struct Socket {
  int fd = -1;
  uint32_t events = 0;   // registered with epoll; 0: not registered
  bool blocked = false;  // the last write took less than it was given
};

struct Connection {
  uint64_t key = 0;
  int link = 0;
  // sockets[0] dialled us, sockets[1] is ours to the target. pipes[0] leads from 0 to 1.
  std::array<Socket, 2> sockets;
  std::array<Pipe, 2> pipes;
  enum class Dial : uint8_t { kWaiting, kConnecting, kConnected } dial = Dial::kWaiting;
  int64_t dial_at = 0;
};

struct Direction {
  LinkShape shape;
  bool cut = false;
  int64_t free_at = 0;  // when the bandwidth has let everything pass that came so far
  uint64_t passed = 0;
};

struct Link {
  sockaddr_in target{};
  int listen_fd = -1;
  uint16_t port = 0;
  std::array<Direction, 2> directions;
  uint32_t connections = 0;
};

void SetReset(int fd) {
  const struct linger hard { 1, 0 };
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

}  // namespace

// Everything behind one mutex: the thread holds it while it works and lets it go while it waits.
class LinkProxy::Loop {
 public:
  explicit Loop(uint64_t seed) : random_(seed) {}
  ~Loop();
  Status Start();
  Result<int> Add(const LinkSpec& spec);
  void Reset(int link);
  void Wake();

  mutable std::mutex mutex_;
  std::deque<Link> links_;  // by id; elements stay where they are
  std::map<uint64_t, Connection> connections_;

 private:
  // What an epoll event is about, packed in its 64 bits: a key, and which of the pair of sockets.
  static constexpr uint64_t kWakeTag = 0;
  static constexpr uint64_t kListenTag = 1ULL << 63;

  void Run();
  int64_t Turn();  // when to be back
  void OnEvent(uint64_t tag, uint32_t events);
  void Accept(int link);
  void Dial(Connection& c);
  void FinishDial(Connection& c);
  void ReadFrom(Connection& c, int side);
  void Enqueue(Connection& c, int side, Chunk chunk, int64_t now);
  void OnSourceError(Connection& c, int side);
  // Passes on what is due; false when the connection is finished.
  bool Pump(Connection& c, int64_t now, int64_t* wake_at);
  void PumpPipe(Connection& c, int pipe, int64_t now, int64_t* wake_at);
  bool SendChunk(Connection& c, int pipe, Chunk& chunk);
  void CloseSocket(Connection& c, int side, bool reset);
  void Watch(Connection& c, int side);

  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  bool stopping_ = false;
  uint64_t next_key_ = 1;
  Random random_;
  std::string buffer_;
  std::thread thread_;
};

Status LinkProxy::Loop::Start() {
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_fd_ < 0 || wake_fd_ < 0) {
    return Unavailable(std::string("link proxy: no descriptors: ") + std::strerror(errno));
  }
  struct epoll_event event {};
  event.events = EPOLLIN;
  event.data.u64 = kWakeTag;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event);
  buffer_.resize(kReadBytes);
  thread_ = NamedThread("links", [this] { Run(); });
  return OkStatus();
}

LinkProxy::Loop::~Loop() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    Wake();
    thread_.join();
  }
  for (auto& [key, connection] : connections_) {
    for (Socket& socket : connection.sockets) {
      if (socket.fd >= 0) ::close(socket.fd);
    }
  }
  for (Link& link : links_) {
    if (link.listen_fd >= 0) ::close(link.listen_fd);
  }
  if (wake_fd_ >= 0) ::close(wake_fd_);
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

void LinkProxy::Loop::Wake() {
  const uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof(one));
}

Result<int> LinkProxy::Loop::Add(const LinkSpec& spec) {
  Link link;
  link.target.sin_family = AF_INET;
  link.target.sin_port = htons(spec.target_port);
  if (::inet_pton(AF_INET, spec.target_host.c_str(), &link.target.sin_addr) != 1) {
    return InvalidArgument("link proxy: '" + spec.target_host + "' is not an IPv4 address");
  }
  link.directions[0].shape = spec.forward;
  link.directions[1].shape = spec.backward;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Unavailable(std::string("link proxy: socket: ") + std::strerror(errno));
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(spec.listen_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, raw, size) != 0 || ::listen(fd, 64) != 0 || ::getsockname(fd, raw, &size) != 0) {
    const std::string why = std::strerror(errno);
    ::close(fd);
    return Unavailable(
        "link proxy: cannot listen on 127.0.0.1:" + std::to_string(spec.listen_port) + ": " + why);
  }
  link.listen_fd = fd;
  link.port = ntohs(address.sin_port);

  const std::lock_guard lock(mutex_);
  const int id = static_cast<int>(links_.size());
  links_.push_back(link);
  struct epoll_event event {};
  event.events = EPOLLIN;
  event.data.u64 = kListenTag | static_cast<uint64_t>(id);
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
  return id;
}

void LinkProxy::Loop::Run() {
  std::array<struct epoll_event, 64> events;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const int64_t wake_at = Turn();
    struct timespec wait {};
    const struct timespec* timeout = nullptr;
    if (wake_at != kNever) {
      const int64_t micros = std::max<int64_t>(0, wake_at - NowMicros());
      wait.tv_sec = micros / kMicrosPerSecond;
      wait.tv_nsec = micros % kMicrosPerSecond * 1000;
      timeout = &wait;
    }
    lock.unlock();
    // Microseconds matter: a millisecond of rounding would be a fifth of a short link's delay.
    const int count = ::epoll_pwait2(epoll_fd_, events.data(), events.size(), timeout, nullptr);
    lock.lock();
    for (int i = 0; i < count; ++i) OnEvent(events[i].data.u64, events[i].events);
  }
}

int64_t LinkProxy::Loop::Turn() {
  const int64_t now = NowMicros();
  int64_t wake_at = kNever;
  for (auto at = connections_.begin(); at != connections_.end();) {
    if (Pump(at->second, now, &wake_at)) {
      ++at;
    } else {
      --links_[at->second.link].connections;
      at = connections_.erase(at);
    }
  }
  return wake_at;
}

void LinkProxy::Loop::OnEvent(uint64_t tag, uint32_t events) {
  if (tag == kWakeTag) {
    uint64_t count = 0;
    (void)!::read(wake_fd_, &count, sizeof(count));
    return;
  }
  if ((tag & kListenTag) != 0) {
    Accept(static_cast<int>(tag & ~kListenTag));
    return;
  }
  const auto found = connections_.find(tag >> 1);
  if (found == connections_.end()) return;  // ended earlier in this turn
  Connection& c = found->second;
  const int side = static_cast<int>(tag & 1);
  Socket& socket = c.sockets[side];
  if (socket.fd < 0) return;
  if (side == 1 && c.dial == Connection::Dial::kConnecting) {
    FinishDial(c);
    return;
  }
  if ((events & EPOLLOUT) != 0) socket.blocked = false;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && (socket.events & EPOLLIN) != 0) {
    ReadFrom(c, side);
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    socket.blocked = false;  // the next write says what is wrong
  }
}

void LinkProxy::Loop::Accept(int link_id) {
  Link& link = links_[link_id];
  while (true) {
    const int fd = ::accept4(link.listen_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (link.connections >= kMaxLinkConnections) {
      SetReset(fd);
      ::close(fd);
      continue;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const uint64_t key = next_key_++;
    Connection& c = connections_[key];
    c.key = key;
    c.link = link_id;
    c.sockets[0].fd = fd;
    // The target hears of it as late as of anything else.
    c.dial_at = NowMicros() + link.directions[0].shape.delay_us;
    ++link.connections;
  }
}

void LinkProxy::Loop::Dial(Connection& c) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    CloseSocket(c, 0, /*reset=*/true);
    return;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  c.sockets[1].fd = fd;
  c.dial = Connection::Dial::kConnecting;
  const sockaddr_in& target = links_[c.link].target;
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&target), sizeof(target));
  if (result == 0 || errno != EINPROGRESS) FinishDial(c);
}

void LinkProxy::Loop::FinishDial(Connection& c) {
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(c.sockets[1].fd, SOL_SOCKET, SO_ERROR, &error, &size);
  sockaddr_in peer{};
  size = sizeof(peer);
  const bool connected =
      error == 0 && ::getpeername(c.sockets[1].fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
  if (connected) {
    c.dial = Connection::Dial::kConnected;
    return;
  }
  CloseSocket(c, 1, /*reset=*/false);
  CloseSocket(c, 0, /*reset=*/true);
}

void LinkProxy::Loop::ReadFrom(Connection& c, int side) {
  Pipe& pipe = c.pipes[side];
  const int64_t now = NowMicros();
  for (int turn = 0; turn < kReadsATurn && pipe.queued < kMaxQueuedBytes; ++turn) {
    const size_t room = std::min(kReadBytes, kMaxQueuedBytes - pipe.queued);
    const ssize_t size = ::read(c.sockets[side].fd, buffer_.data(), room);
    if (size > 0) {
      Enqueue(c, side, {.data = buffer_.substr(0, static_cast<size_t>(size))}, now);
      if (static_cast<size_t>(size) < room) return;
    } else if (size == 0) {
      Enqueue(c, side, {.kind = Chunk::Kind::kFin}, now);
      return;
    } else {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) OnSourceError(c, side);
      return;
    }
  }
}

void LinkProxy::Loop::Enqueue(Connection& c, int side, Chunk chunk, int64_t now) {
  Pipe& pipe = c.pipes[side];
  Direction& direction = links_[c.link].directions[side];
  const LinkShape& shape = direction.shape;
  int64_t due = now;
  if (shape.bytes_per_second > 0) {
    direction.free_at = std::max(direction.free_at, now) + static_cast<int64_t>(chunk.data.size()) *
                                                               kMicrosPerSecond /
                                                               shape.bytes_per_second;
    due = direction.free_at;
  }
  due += shape.delay_us;
  if (shape.jitter_us > 0) due += random_.Between(0, shape.jitter_us);
  chunk.due = pipe.last_due = std::max(pipe.last_due, due);
  pipe.source_ended |= chunk.kind != Chunk::Kind::kData;
  pipe.queued += chunk.data.size();
  pipe.chunks.push_back(std::move(chunk));
}

// The socket is gone. The other side hears of it through the link, so after the delay and not
// during a cut.
void LinkProxy::Loop::OnSourceError(Connection& c, int side) {
  CloseSocket(c, side, /*reset=*/false);
  if (!c.pipes[side].source_ended) {
    Enqueue(c, side, {.kind = Chunk::Kind::kReset}, NowMicros());
  } else {
    // Its end was said already; what it can no longer receive must still stop the sender.
    c.pipes[side].chunks.push_back({.kind = Chunk::Kind::kReset, .due = c.pipes[side].last_due});
  }
}

bool LinkProxy::Loop::Pump(Connection& c, int64_t now, int64_t* wake_at) {
  const Link& link = links_[c.link];
  if (c.dial == Connection::Dial::kWaiting && c.sockets[0].fd >= 0 && !link.directions[0].cut &&
      !link.directions[1].cut) {
    if (c.dial_at <= now) {
      Dial(c);
    } else {
      *wake_at = std::min(*wake_at, c.dial_at);
    }
  }
  if (c.dial == Connection::Dial::kWaiting && c.pipes[0].source_ended) {
    CloseSocket(c, 0, /*reset=*/false);  // gave up before the target ever heard of it
    return false;
  }
  for (int pipe = 0; pipe < 2; ++pipe) PumpPipe(c, pipe, now, wake_at);
  if (c.sockets[0].fd < 0 && c.sockets[1].fd < 0) return false;
  // Both ends said and passed on: done.
  const auto finished = [](const Pipe& p) { return p.source_ended && p.chunks.empty(); };
  if (finished(c.pipes[0]) && finished(c.pipes[1])) {
    CloseSocket(c, 0, false);
    CloseSocket(c, 1, false);
    return false;
  }
  Watch(c, 0);
  Watch(c, 1);
  return true;
}

void LinkProxy::Loop::PumpPipe(Connection& c, int index, int64_t now, int64_t* wake_at) {
  Pipe& pipe = c.pipes[index];
  Socket& to = c.sockets[1 - index];
  if (index == 0 && c.dial != Connection::Dial::kConnected) return;
  if (to.fd < 0) {
    pipe.chunks.clear();
    pipe.queued = 0;
    return;
  }
  const Direction& direction = links_[c.link].directions[index];
  if (direction.cut) return;
  const uint64_t over = direction.shape.over_bytes;
  while (!pipe.chunks.empty() && !to.blocked) {
    Chunk& chunk = pipe.chunks.front();
    if (chunk.due > now) {
      *wake_at = std::min(*wake_at, chunk.due);
      return;
    }
    if (over != 0 && chunk.data.size() > over) return;
    if (!SendChunk(c, index, chunk)) return;
    if (to.fd < 0) return;
    pipe.chunks.pop_front();
  }
}

// True when the whole chunk was passed on.
bool LinkProxy::Loop::SendChunk(Connection& c, int index, Chunk& chunk) {
  Socket& to = c.sockets[1 - index];
  switch (chunk.kind) {
    case Chunk::Kind::kFin: ::shutdown(to.fd, SHUT_WR); return true;
    case Chunk::Kind::kReset: CloseSocket(c, 1 - index, /*reset=*/true); return true;
    case Chunk::Kind::kData: break;
  }
  while (chunk.sent < chunk.data.size()) {
    const ssize_t size =
        ::send(to.fd, chunk.data.data() + chunk.sent, chunk.data.size() - chunk.sent, MSG_NOSIGNAL);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) {
        to.blocked = true;
      } else {
        OnSourceError(c, 1 - index);
      }
      return false;
    }
    chunk.sent += static_cast<size_t>(size);
    c.pipes[index].queued -= static_cast<size_t>(size);
    links_[c.link].directions[index].passed += static_cast<uint64_t>(size);
  }
  return true;
}

void LinkProxy::Loop::CloseSocket(Connection& c, int side, bool reset) {
  Socket& socket = c.sockets[side];
  if (socket.fd < 0) return;
  if (reset) SetReset(socket.fd);
  ::close(socket.fd);  // leaves epoll with it
  socket = Socket();
}

// Tells epoll what is waited for. A socket that waits for nothing is taken out: a hang-up is
// reported whether asked for or not, and would spin a loop that may not act on it (a cut link, a
// full queue).
void LinkProxy::Loop::Watch(Connection& c, int side) {
  Socket& socket = c.sockets[side];
  if (socket.fd < 0) return;
  const bool connecting = side == 1 && c.dial == Connection::Dial::kConnecting;
  const Pipe& out = c.pipes[side];
  uint32_t wanted = 0;
  if (!connecting && !out.source_ended && out.queued < kMaxQueuedBytes) wanted |= EPOLLIN;
  if (connecting || socket.blocked) wanted |= EPOLLOUT;
  if (wanted == socket.events) return;
  struct epoll_event event {};
  event.events = wanted;
  event.data.u64 = (c.key << 1) | static_cast<uint64_t>(side);
  const int operation = wanted == 0          ? EPOLL_CTL_DEL
                        : socket.events == 0 ? EPOLL_CTL_ADD
                                             : EPOLL_CTL_MOD;
  ::epoll_ctl(epoll_fd_, operation, socket.fd, &event);
  socket.events = wanted;
}

void LinkProxy::Loop::Reset(int link) {
  for (auto at = connections_.begin(); at != connections_.end();) {
    if (at->second.link != link) {
      ++at;
      continue;
    }
    CloseSocket(at->second, 0, /*reset=*/true);
    CloseSocket(at->second, 1, /*reset=*/true);
    --links_[link].connections;
    at = connections_.erase(at);
  }
}

LinkProxy::LinkProxy(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
LinkProxy::~LinkProxy() = default;

Result<std::unique_ptr<LinkProxy>> LinkProxy::Create(uint64_t jitter_seed) {
  auto loop = std::make_unique<Loop>(jitter_seed);
  EW_RETURN_IF_ERROR(loop->Start());
  return std::unique_ptr<LinkProxy>(new LinkProxy(std::move(loop)));
}

Result<LinkProxy::LinkId> LinkProxy::Add(const LinkSpec& spec) { return loop_->Add(spec); }

uint16_t LinkProxy::port(LinkId link) const {
  const std::lock_guard lock(loop_->mutex_);
  return loop_->links_[link].port;
}

void LinkProxy::SetShape(LinkId link, LinkDirection direction, const LinkShape& shape) {
  const std::lock_guard lock(loop_->mutex_);
  loop_->links_[link].directions[static_cast<int>(direction)].shape = shape;
}

LinkShape LinkProxy::Shape(LinkId link, LinkDirection direction) const {
  const std::lock_guard lock(loop_->mutex_);
  return loop_->links_[link].directions[static_cast<int>(direction)].shape;
}

void LinkProxy::Cut(LinkId link, LinkDirection direction) {
  const std::lock_guard lock(loop_->mutex_);
  loop_->links_[link].directions[static_cast<int>(direction)].cut = true;
}

void LinkProxy::Heal(LinkId link, LinkDirection direction) {
  {
    const std::lock_guard lock(loop_->mutex_);
    loop_->links_[link].directions[static_cast<int>(direction)].cut = false;
  }
  loop_->Wake();
}

bool LinkProxy::IsCut(LinkId link, LinkDirection direction) const {
  const std::lock_guard lock(loop_->mutex_);
  return loop_->links_[link].directions[static_cast<int>(direction)].cut;
}

void LinkProxy::Reset(LinkId link) {
  {
    const std::lock_guard lock(loop_->mutex_);
    loop_->Reset(link);
  }
  loop_->Wake();
}

LinkStats LinkProxy::Stats(LinkId link) const {
  const std::lock_guard lock(loop_->mutex_);
  LinkStats stats;
  stats.forward_bytes = loop_->links_[link].directions[0].passed;
  stats.backward_bytes = loop_->links_[link].directions[1].passed;
  stats.connections = loop_->links_[link].connections;
  for (const auto& [key, c] : loop_->connections_) {
    if (c.link == link) stats.queued_bytes += c.pipes[0].queued + c.pipes[1].queued;
  }
  return stats;
}

}  // namespace everwrite::chaos
