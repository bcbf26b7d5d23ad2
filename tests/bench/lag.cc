// Replication lag, as a client sees it: writes 1 KB items in one region at a fixed rate, and polls
// one sequence item in each other region.
//
//   lag RATE SECONDS TABLE WRITER_PORT [READER_PORT...]      (all on 127.0.0.1; the table must be
//   there)
//
// One thread sends what is due over kConnections kept connections; a write for which none is free
// waits, so the server never has more under way, and `writes_s` says what rate was reached to the
// last answer. A hundredth of a second after another the item "sequence" is written with the next
// number, over a connection and by a thread of its own. A reader's lag for a number is from the
// moment its write was answered in the writer's region to the first poll that shows that number or
// a later one; polls are two milliseconds apart, six behind one that showed a new number, and that
// is part of what is measured. A number shown before its own answer came back counts as 0. Prints
// one JSON object: {"writes": ..., "writes_s": ..., "late_p50_ms": and "late_p99_ms": how long
// writes waited for a connection, "readers": [{"port", "samples", "p50_ms", "p99_ms", "max_ms"}]}.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kConnections = 64;             // for the load; each has at most one write under way
constexpr int64_t kSendEveryNs = 1'000'000;  // what is due by then is sent together
constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
constexpr int64_t kSequenceEveryNs = 10'000'000;
constexpr int64_t kPollEveryNs = 2'000'000;
constexpr int64_t kPollAfterNewNs = 6'000'000;  // numbers are further apart than that
constexpr int64_t kCatchUpNs = 10'000'000'000;  // readers wait so long for the last number
constexpr int kKeys = 20000;

int64_t Now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

void SleepUntil(int64_t when) {
  if (Now() >= when) return;
  const timespec time{when / 1'000'000'000, when % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "lag: %s\n", what);
  std::_Exit(1);
}

// One kept connection; signatures are well-formed, not valid.
class Client {
 public:
  explicit Client(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      Die("cannot connect");
  }
  ~Client() { close(socket_); }

  // The body of the answer, which must be 200.
  const std::string& Call(const char* operation, const std::string& body) {
    Send(operation, body);
    while (!Receive()) {
    }
    return body_;
  }

  void Send(const char* operation, const std::string& body) {
    std::string request = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: DynamoDB_20120810.";
    request += operation;
    request +=
        "\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Date: "
        "20260101T000000Z\r\nAuthorization: "
        "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/dynamodb/aws4_request, "
        "SignedHeaders=host;x-amz-date;x-amz-target, Signature=";
    request.append(64, '0');
    request += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    for (size_t sent = 0; sent < request.size();) {
      const ssize_t size = write(socket_, request.data() + sent, request.size() - sent);
      if (size <= 0) Die("the connection was lost");
      sent += static_cast<size_t>(size);
    }
    received_.clear();
  }

  // Reads once; true when the answer is whole.
  bool Receive() {
    char buffer[8192];
    const ssize_t got = read(socket_, buffer, sizeof buffer);
    if (got <= 0) Die("the connection was lost");
    received_.append(buffer, static_cast<size_t>(got));
    const size_t end = received_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const size_t length = received_.find("Content-Length: ");
    if (length > end) Die("an answer without a length");
    const size_t size = std::strtoul(received_.c_str() + length + 16, nullptr, 10);
    if (received_.size() < end + 4 + size) return false;
    if (received_.compare(0, 12, "HTTP/1.1 200") != 0) Die(received_.c_str());
    body_ = received_.substr(end + 4);
    return true;
  }

  int fd() const { return socket_; }

 private:
  const int socket_;
  std::string received_;
  std::string body_;
};

struct Run {
  std::string table;
  int64_t begin = 0;
  int64_t end = 0;
  std::vector<std::atomic<int64_t>> answered;  // by sequence number - 1; 0: not yet
  std::atomic<uint64_t> writes{0};
  std::vector<int64_t> late;    // by write of the load: how long after it was due it was sent
  int64_t load_ended = 0;       // the last answer
  std::atomic<size_t> last{0};  // the last number written
  std::atomic<bool> written{false};
};

std::string RandomItem(const std::string& table, uint64_t& random) {
  random ^= random << 13, random ^= random >> 7, random ^= random << 17;
  std::string body = "{\"TableName\":\"" + table + "\",\"Item\":{\"pk\":{\"S\":\"lag" +
                     std::to_string(random % kKeys) + "\"},\"sk\":{\"N\":\"0\"}";
  for (int field = 0; field < 10; ++field) {
    body += ",\"field" + std::to_string(field) + "\":{\"S\":\"";
    for (int i = 0; i < 100; i += 10) {  // what no compressor makes smaller than three quarters
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      for (int shift = 0; shift < 60; shift += 6) body += kLetters[(random >> shift) % 64];
    }
    body += "\"}";
  }
  return body + "}}";
}

// A schedule: what is late is made up for.
void WriteLoad(Run& run, int port, double rate) {
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<Client*> idle;
  const int poll = epoll_create1(0);
  for (int i = 0; i < kConnections; ++i) {
    Client* const client = clients.emplace_back(std::make_unique<Client>(port)).get();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = client;
    if (epoll_ctl(poll, EPOLL_CTL_ADD, client->fd(), &event) != 0) Die("epoll");
    idle.push_back(client);
  }
  uint64_t random = 88172645463325252ULL;
  const double step = 1e9 / rate;
  int64_t sent = 0;
  const auto due = [&] { return run.begin + static_cast<int64_t>(sent * step); };
  int64_t tick = run.begin;
  epoll_event events[kConnections];
  while (due() < run.end || idle.size() < clients.size()) {
    int64_t now = Now();
    for (; now >= tick && !idle.empty() && due() <= now && due() < run.end; ++sent) {
      idle.back()->Send("PutItem", RandomItem(run.table, random));
      idle.pop_back();
      run.late.push_back(now - due());
      now = Now();
    }
    while (tick <= now) tick += kSendEveryNs;
    // With work due and no connection, or nothing due any more, only an answer helps. Otherwise
    // answers wait for the next sending: nobody looks at their time.
    const bool stuck = idle.empty() || due() >= run.end;
    if (!stuck) SleepUntil(tick);
    const int count = epoll_wait(poll, events, kConnections, stuck ? -1 : 0);
    for (int i = 0; i < count; ++i) {
      Client* const client = static_cast<Client*>(events[i].data.ptr);
      if (!client->Receive()) continue;
      idle.push_back(client);
      ++run.writes;
    }
  }
  run.load_ended = Now();
  close(poll);
}

void WriteSequence(Run& run, int port) {
  Client client(port);
  for (size_t i = 0; i < run.answered.size(); ++i) {
    const int64_t due = run.begin + static_cast<int64_t>(i) * kSequenceEveryNs;
    if (due >= run.end) break;
    SleepUntil(due);
    client.Call(
        "PutItem",
        "{\"TableName\":\"" + run.table +
            "\",\"Item\":{\"pk\":{\"S\":\"sequence\"},\"sk\":{\"N\":\"0\"},\"n\":{\"N\":\"" +
            std::to_string(i + 1) + "\"}}}");
    run.answered[i] = Now();
    run.last = i + 1;
    ++run.writes;
  }
  run.written = true;
}

// The lags in ns, one a sequence number.
std::vector<int64_t> Read(Run& run, int port) {
  Client client(port);
  const std::string body = "{\"TableName\":\"" + run.table +
                           "\",\"Key\":{\"pk\":{\"S\":\"sequence\"},\"sk\":{\"N\":\"0\"}}}";
  std::vector<int64_t> lags;
  size_t seen = 0;
  int64_t pause = 0;
  for (int64_t due = run.begin; !run.written || seen < run.last;
       due = std::max(due + pause, Now())) {
    SleepUntil(due);
    if (Now() > run.end + kCatchUpNs) Die("a reader never saw the last number");
    const std::string& answer = client.Call("GetItem", body);
    const int64_t now = Now();
    const size_t at = answer.find("\"n\":{\"N\":\"");
    const size_t shown =
        at == std::string::npos ? 0 : std::strtoul(answer.c_str() + at + 10, nullptr, 10);
    pause = seen < shown ? kPollAfterNewNs : kPollEveryNs;
    for (; seen < shown; ++seen) {
      const int64_t answered = run.answered[seen];
      lags.push_back(answered == 0 ? 0 : std::max<int64_t>(0, now - answered));
    }
  }
  std::sort(lags.begin(), lags.end());
  return lags;
}

double Milliseconds(const std::vector<int64_t>& sorted, double share) {
  if (sorted.empty()) return -1;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * sorted.size()))] / 1e6;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) Die("usage: lag RATE SECONDS TABLE WRITER_PORT [READER_PORT...]");
  const double rate = std::atof(arguments[1]);
  const double seconds = std::atof(arguments[2]);
  const int writer_port = std::atoi(arguments[4]);
  std::vector<int> ports;
  for (int i = 5; i < count; ++i) ports.push_back(std::atoi(arguments[i]));

  Run run;
  run.table = arguments[3];
  Client(writer_port)
      .Call("DeleteItem", "{\"TableName\":\"" + run.table +
                              "\",\"Key\":{\"pk\":{\"S\":\"sequence\"},\"sk\":{\"N\":\"0\"}}}");
  SleepUntil(Now() + 2'000'000'000);  // an older sequence goes from all regions
  run.answered =
      std::vector<std::atomic<int64_t>>(static_cast<size_t>(seconds * 1e9 / kSequenceEveryNs) + 1);
  run.begin = Now() + 100'000'000;
  run.end = run.begin + static_cast<int64_t>(seconds * 1e9);

  std::vector<std::vector<int64_t>> lags(ports.size());
  std::vector<std::thread> threads;
  const double others = rate - 1e9 / kSequenceEveryNs;
  threads.emplace_back([&] { WriteLoad(run, writer_port, others); });
  threads.emplace_back([&] { WriteSequence(run, writer_port); });
  for (size_t i = 0; i < ports.size(); ++i)
    threads.emplace_back([&, i] { lags[i] = Read(run, ports[i]); });
  for (std::thread& thread : threads) thread.join();

  std::sort(run.late.begin(), run.late.end());
  std::printf(
      "{\"writes\": %llu, \"writes_s\": %.0f, \"late_p50_ms\": %.1f, \"late_p99_ms\": %.1f, "
      "\"readers\": [",
      static_cast<unsigned long long>(run.writes),
      run.writes * 1e9 / (std::max(run.load_ended, run.end) - run.begin),
      Milliseconds(run.late, 0.5), Milliseconds(run.late, 0.99));
  for (size_t i = 0; i < ports.size(); ++i)
    std::printf(
        "%s{\"port\": %d, \"samples\": %zu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}",
        i ? ", " : "", ports[i], lags[i].size(), Milliseconds(lags[i], 0.5),
        Milliseconds(lags[i], 0.99), Milliseconds(lags[i], 1));
  std::printf("]}\n");
}
