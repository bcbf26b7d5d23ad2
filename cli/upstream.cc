#include "cli/upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "base/named_thread.h"

namespace everwrite::cli {
namespace {

constexpr int64_t kTickMs = 100;  // how exactly deadlines are kept
constexpr size_t kReadBytes = 64 * 1024;

int64_t NowMillis() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct Request {
  int server = 0;
  std::string bytes;
  bool head_only = false;
  int64_t deadline = 0;
  UpstreamPool::Callback done;
};

// What the bytes received so far amount to.
class ReplyParser {
 public:
  explicit ReplyParser(bool head_only) : head_only_(head_only) {}
  // Consumes all of `data`. True when the answer is complete; an error when it is not HTTP or too
  // long.
  Result<bool> Feed(std::string_view data);
  // False when the server will close, or said more than one answer.
  bool reusable() const { return reusable_; }
  UpstreamReply& reply() { return reply_; }

 private:
  Status ParseHead(std::string_view head);

  const bool head_only_;
  std::string head_;  // until it is complete
  bool in_body_ = false;
  size_t wanted_ = 0;
  bool reusable_ = true;
  UpstreamReply reply_;
};

Result<bool> ReplyParser::Feed(std::string_view data) {
  if (!in_body_) {
    const size_t before = head_.size();
    head_.append(data);
    const size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == std::string::npos) {
      if (head_.size() > kMaxUpstreamHeadBytes) return Unavailable("its answer's head is too long");
      return false;
    }
    EW_RETURN_IF_ERROR(ParseHead(std::string_view(head_).substr(0, end)));
    in_body_ = true;
    reply_.body.reserve(wanted_);
    reply_.body = head_.substr(end + 4);
    head_.clear();
  } else {
    reply_.body.append(data);
  }
  if (reply_.body.size() > wanted_) {
    reusable_ = false;
    reply_.body.resize(wanted_);
  }
  return reply_.body.size() == wanted_;
}

Status ReplyParser::ParseHead(std::string_view head) {
  const auto malformed = [] { return Unavailable("its answer is not HTTP"); };
  if (!head.starts_with("HTTP/1.") || head.size() < 12) return malformed();
  if (std::from_chars(head.data() + 9, head.data() + 12, reply_.status).ec != std::errc()) {
    return malformed();
  }
  bool has_length = false;
  size_t at = head.find("\r\n");
  while (at != std::string_view::npos) {
    const size_t end = head.find("\r\n", at + 2);
    const std::string_view line =
        head.substr(at + 2, end == std::string_view::npos ? end : end - at - 2);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return malformed();
    std::string name(line.substr(0, colon));
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
      value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    if (name == "content-length") {
      const auto [last, error] =
          std::from_chars(value.data(), value.data() + value.size(), wanted_);
      if (error != std::errc() || last != value.data() + value.size()) return malformed();
      has_length = true;
    } else if (name == "connection" && value == "close") {
      reusable_ = false;
    } else if (name == "transfer-encoding") {
      return Unavailable("its answer has no length");  // a region always says it
    }
    reply_.fields.emplace_back(std::move(name), value);
    at = end;
  }
  if (head_only_ || reply_.status == 204 || reply_.status == 304) {
    wanted_ = 0;
  } else if (!has_length) {
    return Unavailable("its answer has no length");
  }
  if (wanted_ > kMaxUpstreamBodyBytes) return Unavailable("its answer is too long");
  return OkStatus();
}

}  // namespace

std::string_view UpstreamReply::Field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

class UpstreamPool::Loop {
 public:
  Status Start();
  ~Loop();

  struct Server {
    sockaddr_in address{};
    std::string name;
    std::vector<int> idle;  // descriptors; the last used is the first taken
    size_t connections = 0;
    std::deque<Request> waiting;
  };
  std::vector<Server> servers_;

  void Post(Request request) {
    {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(request));
    }
    const uint64_t one = 1;
    (void)!::write(wake_fd_, &one, sizeof(one));
  }

 private:
  struct Connection {
    int server = 0;
    bool connected = false;
    std::optional<Request> request;
    size_t sent = 0;
    std::optional<ReplyParser> parser;
  };

  void Run();
  void Begin(Request request);
  void BeginOn(int fd, Connection& connection, Request request);
  bool Dial(Request& request);
  void OnEvent(int fd, uint32_t events);
  // These return false when the connection is gone.
  bool Flush(int fd, Connection& connection);
  void Read(int fd, Connection& connection);
  void Complete(int fd, Connection& connection);
  void Fail(int fd, Connection& connection, Status status);
  void Drop(int fd, Connection& connection);
  void ServeWaiting(int server);
  void CheckDeadlines();
  void Watch(int fd, uint32_t events, int operation);
  Connection* Find(int fd) {
    const auto index = static_cast<size_t>(fd);
    return index < connections_.size() ? connections_[index].get() : nullptr;
  }

  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  std::mutex mutex_;
  std::vector<Request> posted_;                           // under mutex_
  bool stopping_ = false;                                 // under mutex_
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::string buffer_;
  std::thread thread_;
};

Status UpstreamPool::Loop::Start() {
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_fd_ < 0 || wake_fd_ < 0) return Unavailable("gateway: no descriptors");
  Watch(wake_fd_, EPOLLIN, EPOLL_CTL_ADD);
  buffer_.resize(kReadBytes);
  thread_ = NamedThread("gateway", [this] { Run(); });
  return OkStatus();
}

UpstreamPool::Loop::~Loop() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    const uint64_t one = 1;
    (void)!::write(wake_fd_, &one, sizeof(one));
    thread_.join();
  }
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

void UpstreamPool::Loop::Watch(int fd, uint32_t events, int operation) {
  struct epoll_event event {};
  event.events = events;
  event.data.fd = fd;
  ::epoll_ctl(epoll_fd_, operation, fd, &event);
}

void UpstreamPool::Loop::Run() {
  std::array<struct epoll_event, 64> events;
  int64_t next_check = NowMillis() + kTickMs;
  std::vector<Request> posted;
  while (true) {
    const int count = ::epoll_wait(epoll_fd_, events.data(), events.size(), kTickMs);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd != wake_fd_) {
        OnEvent(events[i].data.fd, events[i].events);
        continue;
      }
      uint64_t value = 0;
      (void)!::read(wake_fd_, &value, sizeof(value));
    }
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      posted.swap(posted_);
      stopping = stopping_;
    }
    for (Request& request : posted) Begin(std::move(request));
    posted.clear();
    if (stopping) break;
    if (NowMillis() >= next_check) {
      CheckDeadlines();
      next_check = NowMillis() + kTickMs;
    }
  }
  for (Server& server : servers_) {
    for (Request& request : server.waiting) request.done(Unavailable("the gateway is stopping"));
    server.waiting.clear();
  }
  for (size_t fd = 0; fd < connections_.size(); ++fd) {
    if (connections_[fd] != nullptr) {
      Fail(static_cast<int>(fd), *connections_[fd], Unavailable("the gateway is stopping"));
    }
  }
}

void UpstreamPool::Loop::Begin(Request request) {
  Server& server = servers_[request.server];
  if (!server.idle.empty()) {
    const int fd = server.idle.back();
    server.idle.pop_back();
    BeginOn(fd, *Find(fd), std::move(request));
  } else if (server.connections < kMaxUpstreamConnections) {
    if (!Dial(request)) request.done(Unavailable(server.name + " cannot be reached"));
  } else if (server.waiting.size() < kMaxWaitingRequests) {
    server.waiting.push_back(std::move(request));
  } else {
    request.done(ResourceExhausted("too many requests are waiting for " + server.name));
  }
}

// False when the system refuses at once; the request is still the caller's then.
bool UpstreamPool::Loop::Dial(Request& request) {
  Server& server = servers_[request.server];
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const auto* const address = reinterpret_cast<const sockaddr*>(&server.address);
  const int result = ::connect(fd, address, sizeof(server.address));
  if (result != 0 && errno != EINPROGRESS) {
    ::close(fd);
    return false;
  }
  if (connections_.size() <= static_cast<size_t>(fd))
    connections_.resize(static_cast<size_t>(fd) + 1);
  connections_[fd] = std::make_unique<Connection>();
  Connection& connection = *connections_[fd];
  connection.server = request.server;
  connection.parser.emplace(request.head_only);
  connection.request = std::move(request);
  ++server.connections;
  Watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
  return true;
}

void UpstreamPool::Loop::BeginOn(int fd, Connection& connection, Request request) {
  connection.parser.emplace(request.head_only);
  connection.request = std::move(request);
  connection.sent = 0;
  if (Flush(fd, connection) && connection.sent < connection.request->bytes.size()) {
    Watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
  }
}

void UpstreamPool::Loop::OnEvent(int fd, uint32_t events) {
  Connection* const connection = Find(fd);
  if (connection == nullptr) return;
  if (!connection->connected) {
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      Fail(fd, *connection,
           Unavailable(servers_[connection->server].name +
                       " cannot be reached: " + std::strerror(error)));
      return;
    }
    if ((events & EPOLLOUT) == 0) return;
    connection->connected = true;
  }
  if ((events & EPOLLOUT) != 0 && connection->request.has_value()) {
    if (!Flush(fd, *connection)) return;
    if (connection->sent == connection->request->bytes.size()) Watch(fd, EPOLLIN, EPOLL_CTL_MOD);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Read(fd, *connection);
}

bool UpstreamPool::Loop::Flush(int fd, Connection& connection) {
  const std::string& bytes = connection.request->bytes;
  while (connection.sent < bytes.size()) {
    const ssize_t sent =
        ::send(fd, bytes.data() + connection.sent, bytes.size() - connection.sent, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return true;
      Fail(fd, connection,
           Unavailable(servers_[connection.server].name + " closed the connection"));
      return false;
    }
    connection.sent += static_cast<size_t>(sent);
  }
  return true;
}

void UpstreamPool::Loop::Read(int fd, Connection& connection) {
  const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (!connection.request.has_value()) {
    Drop(fd, connection);  // of the pool: closed by the server, or speaking unasked
    return;
  }
  const std::string& name = servers_[connection.server].name;
  if (got <= 0) {
    Fail(fd, connection, Unavailable(name + " closed the connection before it answered"));
    return;
  }
  const auto complete =
      connection.parser->Feed(std::string_view(buffer_.data(), static_cast<size_t>(got)));
  if (!complete.ok()) {
    Fail(fd, connection, Unavailable(name + ": " + complete.status().message()));
  } else if (*complete) {
    Complete(fd, connection);
  }
}

void UpstreamPool::Loop::Complete(int fd, Connection& connection) {
  Request request = std::move(*connection.request);
  connection.request.reset();
  const int server = connection.server;
  const bool reusable = connection.parser->reusable() && connection.sent == request.bytes.size();
  UpstreamReply reply = std::move(connection.parser->reply());
  connection.parser.reset();
  if (reusable) {
    servers_[server].idle.push_back(fd);
  } else {
    Drop(fd, connection);
  }
  request.done(std::move(reply));
  ServeWaiting(server);
}

void UpstreamPool::Loop::Fail(int fd, Connection& connection, Status status) {
  std::optional<Request> request = std::move(connection.request);
  const int server = connection.server;
  Drop(fd, connection);
  if (request.has_value()) request->done(std::move(status));
  ServeWaiting(server);
}

void UpstreamPool::Loop::Drop(int fd, Connection& connection) {
  Server& server = servers_[connection.server];
  --server.connections;
  std::erase(server.idle, fd);
  ::close(fd);
  connections_[fd].reset();
}

void UpstreamPool::Loop::ServeWaiting(int index) {
  Server& server = servers_[index];
  if (server.waiting.empty()) return;
  if (server.idle.empty() && server.connections >= kMaxUpstreamConnections) return;
  Request next = std::move(server.waiting.front());
  server.waiting.pop_front();
  // Through the queue, not by a call: a server that refuses everything would nest one call a
  // request.
  Post(std::move(next));
}

void UpstreamPool::Loop::CheckDeadlines() {
  const int64_t now = NowMillis();
  for (size_t fd = 0; fd < connections_.size(); ++fd) {
    Connection* const connection = connections_[fd].get();
    if (connection == nullptr || !connection->request.has_value()) continue;
    if (connection->request->deadline > now) continue;
    Fail(static_cast<int>(fd), *connection,
         DeadlineExceeded(servers_[connection->server].name + " did not answer in time"));
  }
  for (Server& server : servers_) {
    while (!server.waiting.empty() && server.waiting.front().deadline <= now) {
      Request late = std::move(server.waiting.front());
      server.waiting.pop_front();
      late.done(DeadlineExceeded(server.name + " did not answer in time"));
    }
  }
}

UpstreamPool::UpstreamPool(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
UpstreamPool::~UpstreamPool() = default;

Result<std::unique_ptr<UpstreamPool>> UpstreamPool::Create(
    const std::vector<UpstreamServer>& servers) {
  auto loop = std::make_unique<Loop>();
  for (const UpstreamServer& spec : servers) {
    Loop::Server& server = loop->servers_.emplace_back();
    server.address.sin_family = AF_INET;
    server.address.sin_port = htons(spec.port);
    if (::inet_pton(AF_INET, spec.address.c_str(), &server.address.sin_addr) != 1) {
      return InvalidArgument("'" + spec.address + "' is not an IPv4 address");
    }
    server.name = spec.address + ":" + std::to_string(spec.port);
  }
  EW_RETURN_IF_ERROR(loop->Start());
  return std::unique_ptr<UpstreamPool>(new UpstreamPool(std::move(loop)));
}

void UpstreamPool::Send(int server, std::string request, bool head_only, int64_t timeout_ms,
                        Callback done) {
  loop_->Post({server, std::move(request), head_only, NowMillis() + timeout_ms, std::move(done)});
}

}  // namespace everwrite::cli
