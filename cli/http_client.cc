#include "cli/http_client.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>

namespace everwrite::cli {
namespace {

constexpr size_t kHeadBytesMax = 64 * 1024;

int64_t NowMillis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

class Connection {
 public:
  Connection(std::string_view address, int64_t timeout_ms)
      : address_(address), deadline_(NowMillis() + timeout_ms) {}
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  void SetTimeout(int64_t timeout_ms) { deadline_ = NowMillis() + timeout_ms; }

  Status Open() {
    EW_ASSIGN_OR_RETURN(const HostPort name, SplitAddress(address_));
    struct addrinfo hints {};
    hints.ai_socktype = SOCK_STREAM;
    struct addrinfo* found = nullptr;
    const int error = ::getaddrinfo(name.host.c_str(), name.port.c_str(), &hints, &found);
    if (error != 0) return Unavailable(address_ + ": " + ::gai_strerror(error));
    Status status = Unavailable(address_ + ": no address");
    for (const struct addrinfo* at = found; at != nullptr && fd_ < 0; at = at->ai_next) {
      status = OpenOne(*at);
    }
    ::freeaddrinfo(found);
    return status;
  }

  Status Send(std::string_view data) {
    while (!data.empty()) {
      EW_RETURN_IF_ERROR(Wait(POLLOUT));
      const ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (sent < 0) return Unavailable(address_ + ": " + std::strerror(errno));
      data.remove_prefix(static_cast<size_t>(sent));
    }
    return OkStatus();
  }

  // Appends what is there; false at the end of the stream.
  Result<bool> Receive(std::string& out) {
    char buffer[64 * 1024];
    while (true) {
      EW_RETURN_IF_ERROR(Wait(POLLIN));
      const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), 0);
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0) return Unavailable(address_ + ": " + std::strerror(errno));
      out.append(buffer, static_cast<size_t>(got));
      return got > 0;
    }
  }

 private:
  Status OpenOne(const struct addrinfo& address) {
    fd_ = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return Unavailable(std::string("socket: ") + std::strerror(errno));
    int error = 0;
    if (::connect(fd_, address.ai_addr, address.ai_addrlen) != 0) {
      error = errno;
      if (error == EINPROGRESS) {
        EW_RETURN_IF_ERROR(Wait(POLLOUT));
        socklen_t size = sizeof(error);
        ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    if (error == 0) return OkStatus();
    ::close(fd_);
    fd_ = -1;
    return Unavailable(address_ + ": " + std::strerror(error));
  }

  Status Wait(short events) {
    while (true) {
      const int64_t left = deadline_ - NowMillis();
      struct pollfd wait {
        fd_, events, 0
      };
      const int ready = left > 0 ? ::poll(&wait, 1, static_cast<int>(left)) : 0;
      if (ready > 0) return OkStatus();
      if (ready == 0) return DeadlineExceeded(address_ + ": no answer in time");
      if (errno != EINTR) return Unavailable(std::string("poll: ") + std::strerror(errno));
    }
  }

  const std::string address_;
  int64_t deadline_;
  int fd_ = -1;
};

// A head field's value without the space around it.
std::optional<std::string_view> HeadField(std::string_view head, std::string_view name) {
  size_t at = head.find("\r\n");
  while (at != std::string_view::npos) {
    const std::string_view rest = head.substr(at + 2);
    const size_t end = rest.find("\r\n");
    std::string_view line = rest.substr(0, end);
    bool same = line.size() > name.size() && line[name.size()] == ':';
    for (size_t i = 0; same && i < name.size(); ++i) same = Lower(line[i]) == name[i];
    if (same) {
      line.remove_prefix(name.size() + 1);
      while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
      while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
      return line;
    }
    at = end == std::string_view::npos ? end : at + 2 + end;
  }
  return std::nullopt;
}

Result<std::string> Dechunk(std::string_view raw) {
  std::string body;
  while (true) {
    const size_t line = raw.find("\r\n");
    size_t size = 0;
    if (line == std::string_view::npos ||
        std::from_chars(raw.data(), raw.data() + line, size, 16).ec != std::errc()) {
      return DataLoss("the answer's chunks are malformed");
    }
    raw.remove_prefix(line + 2);
    if (size == 0) return body;
    if (raw.size() < size + 2) return DataLoss("the answer was cut");
    body.append(raw.substr(0, size));
    raw.remove_prefix(size + 2);
  }
}

}  // namespace

Result<HostPort> SplitAddress(std::string_view address) {
  if (address.starts_with("http://")) address.remove_prefix(7);
  while (address.ends_with('/')) address.remove_suffix(1);
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size()) {
    return InvalidArgument("'" + std::string(address) + "' is not host:port");
  }
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return HostPort{std::string(host), std::string(address.substr(colon + 1))};
}

namespace {

// One request and its answer over an open connection.
Result<HttpReply> Exchange(Connection& connection, std::string_view method,
                           std::string_view address, std::string_view target, bool keep,
                           const HttpCallOptions& options) {
  std::string request;
  request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ");
  request.append(address.starts_with("http://") ? address.substr(7) : address);
  if (!keep) request.append("\r\nConnection: close");
  request.append("\r\nContent-Length: ");
  request.append(std::to_string(options.body.size())).append("\r\n");
  request.append(options.headers).append("\r\n").append(options.body);
  EW_RETURN_IF_ERROR(connection.Send(request));

  std::string answer;
  size_t head_end = std::string::npos;
  while ((head_end = answer.find("\r\n\r\n")) == std::string::npos) {
    if (answer.size() > kHeadBytesMax) return DataLoss("the answer's head is too long");
    EW_ASSIGN_OR_RETURN(const bool more, connection.Receive(answer));
    if (!more) return DataLoss(std::string(address) + ": the connection ended without an answer");
  }
  std::string body = answer.substr(head_end + 4);
  HttpReply reply;
  reply.head = answer.substr(0, head_end + 2);
  const std::string& head = reply.head;
  if (!head.starts_with("HTTP/1.") || head.size() < 12 ||
      std::from_chars(head.data() + 9, head.data() + 12, reply.status).ec != std::errc()) {
    return DataLoss(std::string(address) + ": the answer is not HTTP");
  }
  const auto length = HeadField(head, "content-length");
  const bool chunked = HeadField(head, "transfer-encoding").value_or("") == "chunked";
  size_t wanted = SIZE_MAX;
  if (length.has_value()) {
    const auto [end, error] =
        std::from_chars(length->data(), length->data() + length->size(), wanted);
    if (error != std::errc()) return DataLoss("the answer's length is malformed");
  }
  while (body.size() < wanted) {
    if (body.size() > options.body_bytes_max) return ResourceExhausted("the answer is too long");
    EW_ASSIGN_OR_RETURN(const bool more, connection.Receive(body));
    if (more) continue;
    if (length.has_value()) return DataLoss(std::string(address) + ": the answer was cut");
    break;
  }
  if (length.has_value()) body.resize(wanted);
  if (chunked) {
    EW_ASSIGN_OR_RETURN(body, Dechunk(body));
  }
  reply.body = std::move(body);
  return reply;
}

}  // namespace

std::string HttpReply::Field(std::string_view name) const {
  return std::string(HeadField(head, name).value_or(""));
}

Result<HttpReply> HttpCall(std::string_view method, std::string_view address,
                           std::string_view target, const HttpCallOptions& options) {
  Connection connection(address, options.timeout_ms);
  EW_RETURN_IF_ERROR(connection.Open());
  return Exchange(connection, method, address, target, /*keep=*/false, options);
}

class HttpSession::State {
 public:
  explicit State(std::string address) : address_(std::move(address)) {}
  Result<HttpReply> Call(std::string_view method, std::string_view target,
                         const HttpCallOptions& options) {
    if (connection_ == nullptr) {
      auto opened = std::make_unique<Connection>(address_, options.timeout_ms);
      EW_RETURN_IF_ERROR(opened->Open());
      connection_ = std::move(opened);
    }
    connection_->SetTimeout(options.timeout_ms);
    auto reply = Exchange(*connection_, method, address_, target, /*keep=*/true, options);
    if (!reply.ok() || reply->Field("connection") == "close") connection_.reset();
    return reply;
  }

 private:
  const std::string address_;
  std::unique_ptr<Connection> connection_;
};

HttpSession::HttpSession(std::string address)
    : state_(std::make_unique<State>(std::move(address))) {}
HttpSession::~HttpSession() = default;

Result<HttpReply> HttpSession::Call(std::string_view method, std::string_view target,
                                    const HttpCallOptions& options) {
  return state_->Call(method, target, options);
}

std::string UrlEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[c & 15];
    }
  }
  return out;
}

std::string UrlDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr ==
            text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string QueryValue(std::string_view target, std::string_view name) {
  const size_t question = target.find('?');
  if (question == std::string_view::npos) return {};
  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return UrlDecode(pair.substr(name.size() + 1));
    }
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return {};
}

}  // namespace everwrite::cli
