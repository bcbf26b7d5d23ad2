// The server over real loopback sockets: a well-behaved client, pipelining, late answers, and each
// way in which a client can be broken or hostile.
#include "region/http/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

namespace everwrite::http {
namespace {

// A blocking client that gives up after ten seconds.
class Client {
 public:
  explicit Client(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval timeout{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(0, ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address));
  }
  ~Client() { ::close(fd_); }

  void Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // the server may refuse before it has read everything
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  // One answer: its status line and head in `head`, its body returned. Empty head: end of stream.
  std::string Read(std::string* head) {
    head->clear();
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!Fill()) return "";
    *head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    size_t size = 0;
    if (const size_t at = head->find("Content-Length: "); at != std::string::npos)
      size = std::stoul(head->substr(at + 16));
    while (buffer_.size() < size)
      if (!Fill()) return "(cut short)";
    std::string body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return body;
  }
  std::string Ask(std::string_view request) {
    Write(request);
    std::string head;
    const std::string body = Read(&head);
    return body + "|" + head.substr(0, head.find("\r\n"));
  }
  bool AtEnd() { return buffer_.empty() && !Fill(); }
  int fd() const { return fd_; }

 private:
  bool Fill() {
    char chunk[65536];
    const ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
    if (n <= 0) return false;
    buffer_.append(chunk, static_cast<size_t>(n));
    return true;
  }
  int fd_;
  std::string buffer_;
};

std::string Post(std::string_view body, std::string_view target = "/") {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

// Answers "METHOD TARGET BODY", or as the target asks.
class HttpServerTest : public ::testing::Test {
 protected:
  void Start(HttpServerOptions options = {}) {
    auto server = HttpServer::Start(options, [this](const HttpRequest& request, HttpResponder r) {
      Handle(request, std::move(r));
    });
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
  }
  void Handle(const HttpRequest& request, HttpResponder responder) {
    if (request.target == "/keep") {
      {
        std::lock_guard lock(mutex_);
        kept_.push_back(std::move(responder));
        kept_executor_ = request.executor;
      }
      ++handled_;  // whoever waits for this may look at kept_
      return;
    }
    ++handled_;
    if (request.target == "/drop") return;
    HttpResponse response{.content_type = "text/plain"};
    if (request.target == "/later") {
      // The request stays readable until it is answered.
      auto shared = std::make_shared<HttpResponder>(std::move(responder));
      request.executor->Post([shared, &request] {
        HttpResponse late;
        late.body = "later " + std::string(request.body);
        shared->Send(std::move(late));
      });
      return;
    }
    if (request.target == "/big") {
      response.body.assign(8 * 1024 * 1024, 'b');
    } else if (request.target == "/thread") {
      response.body = std::to_string(reinterpret_cast<uintptr_t>(request.executor));
    } else {
      response.body.append(request.method).append(" ").append(request.target).append(" ");
      response.body += request.body.size() > 1000 ? std::to_string(request.body.size())
                                                  : std::string(request.body);
    }
    response.headers = request.Find("x-echo") ? "X-Echoed: yes\r\n" : "";
    // What simdjson will do.
    for (size_t i = 0; i < kBodyPadding; ++i)
      sum_ += request.body.data()[request.body.size() + i] & 1;
    responder.Send(std::move(response));
  }
  void TearDown() override {
    if (server_) server_->Stop(0);
    kept_.clear();
    server_.reset();
  }
  uint16_t port() { return server_->port(); }

  std::unique_ptr<HttpServer> server_;
  std::atomic<int> handled_{0};
  std::atomic<int> sum_{0};
  std::mutex mutex_;
  std::vector<HttpResponder> kept_;
  Executor* kept_executor_ = nullptr;
};

TEST_F(HttpServerTest, AnswersOnOneConnectionManyTimes) {
  Start();
  Client client(port());
  for (int i = 0; i < 100; ++i) {
    const std::string body = std::to_string(i);
    EXPECT_EQ(client.Ask(Post(body)), "POST / " + body + "|HTTP/1.1 200 OK");
  }
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(HttpServerTest, FieldNamesAreFoundInAnyCaseAndHeadersAreSent) {
  Start();
  Client client(port());
  client.Write("GET /a?b=c HTTP/1.1\r\nhost: x\r\nX-ECHO: 1\r\n\r\n");
  std::string head;
  EXPECT_EQ(client.Read(&head), "GET /a?b=c ");
  EXPECT_EQ(head,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n"
            "X-Echoed: yes\r\n");
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  Client client(port());
  std::string all;
  for (int i = 0; i < 500; ++i)
    all += Post(std::string(static_cast<size_t>(i), 'p'), i % 3 == 0 ? "/later" : "/now");
  std::thread writer([&] { client.Write(all); });
  for (int i = 0; i < 500; ++i) {
    std::string head;
    const std::string body(static_cast<size_t>(i), 'p');
    ASSERT_EQ(client.Read(&head), (i % 3 == 0 ? "later " : "POST /now ") + body);
  }
  writer.join();
}

TEST_F(HttpServerTest, RequestMayComeByteByByte) {
  Start();
  Client client(port());
  for (const char c : Post("slow") + Post("slower", "/x")) client.Write(std::string_view(&c, 1));
  std::string head;
  EXPECT_EQ(client.Read(&head), "POST / slow");
  EXPECT_EQ(client.Read(&head), "POST /x slower");
}

TEST_F(HttpServerTest, LargeBodiesAndLargeAnswersPass) {
  Start();
  Client client(port());
  EXPECT_EQ(client.Ask(Post(std::string(10 * 1024 * 1024, 'x'))),
            "POST / 10485760|HTTP/1.1 200 OK");
  client.Write(Post("", "/big"));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the server has to wait for us
  std::string head;
  EXPECT_EQ(client.Read(&head), std::string(8 * 1024 * 1024, 'b'));
  EXPECT_EQ(client.Ask(Post("again")), "POST / again|HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, ChunkedBodiesAreJoined) {
  Start();
  Client client(port());
  std::string request = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  request += "4\r\nwiki\r\n5;ext=1\r\npedia\r\n0\r\nTrailer: t\r\n\r\n";
  EXPECT_EQ(client.Ask(request), "POST / wikipedia|HTTP/1.1 200 OK");
  for (const char c : request) client.Write(std::string_view(&c, 1));
  EXPECT_EQ(client.Ask(""), "POST / wikipedia|HTTP/1.1 200 OK");
  EXPECT_EQ(client.Ask(Post("plain")), "POST / plain|HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, ChunkedBodyOverTheLimitIsRefused) {
  HttpServerOptions options;
  options.body_bytes_max = 1000;
  Start(options);
  Client client(port());
  std::string request = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 100; ++i) request += "14\r\n" + std::string(20, 'x') + "\r\n";
  EXPECT_EQ(client.Ask(request), "Payload Too Large|HTTP/1.1 413 Payload Too Large");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, ExpectContinueIsAnswered) {
  Start();
  Client client(port());
  client.Write("POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  std::string head;
  client.Read(&head);
  EXPECT_EQ(head, "HTTP/1.1 100 Continue\r\n");
  EXPECT_EQ(client.Ask("ok"), "POST / ok|HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  Start();
  Client client(port());
  client.Write("HEAD /h HTTP/1.1\r\n\r\nGET /g HTTP/1.1\r\nConnection: close\r\n\r\n");
  std::string all;
  char c;
  while (::recv(client.fd(), &c, 1, 0) == 1) all += c;
  EXPECT_NE(all.find("Content-Length: 8\r\n\r\nHTTP/1.1 200 OK"), std::string::npos) << all;
}

TEST_F(HttpServerTest, ConnectionEndsWhenAskedTo) {
  Start();
  Client one(port());
  one.Write("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  std::string head;
  EXPECT_EQ(one.Read(&head), "GET / ");
  EXPECT_NE(head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(one.AtEnd());
  Client old(port());
  EXPECT_EQ(old.Ask("GET / HTTP/1.0\r\n\r\n"), "GET / |HTTP/1.1 200 OK");
  EXPECT_TRUE(old.AtEnd());
}

TEST_F(HttpServerTest, MalformedRequestsAreRefusedAndTheConnectionEnded) {
  Start();
  const std::map<std::string, std::string> cases = {
      {"nonsense\r\n\r\n", "400"},
      {"GET / HTTP/2.0\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", "400"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\nabc", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", "400"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
      {"POST / HTTP/1.1\nContent-Length: 3\n\nabc", "400"},
      {"POST / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nA : b\r\n\r\n", "400"},
      {std::string("POST / HTTP/1.1\r\nA: b\0c\r\n\r\n", 27), "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 16777217\r\n\r\n", "413"},
      {"GET /" + std::string(20000, 'u') + " HTTP/1.1\r\n\r\n", "431"},
      {"GET / HTTP/1.1\r\nA: " + std::string(20000, 'v') + "\r\n\r\n", "431"},
  };
  for (const auto& [request, status] : cases) {
    Client client(port());
    const std::string answer = client.Ask(request + (request.back() == '\n' ? "" : "\r\n\r\n"));
    EXPECT_NE(answer.find("|HTTP/1.1 " + status), std::string::npos)
        << request.substr(0, 100) << " -> " << answer;
    EXPECT_TRUE(client.AtEnd()) << request.substr(0, 100);
  }
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  Client client(port());
  EXPECT_NE(client.Ask(many + "\r\n").find("431"), std::string::npos);
  EXPECT_EQ(handled_, 0);
  Client healthy(port());
  EXPECT_EQ(healthy.Ask(Post("fine")), "POST / fine|HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, DeadlinesEndSlowAndIdleClients) {
  HttpServerOptions options;
  options.tick_ms = 10;
  options.idle_ms = 50;
  options.request_ms = 50;
  Start(options);
  Client idle(port());
  EXPECT_TRUE(idle.AtEnd());
  Client slow_head(port());
  EXPECT_NE(slow_head.Ask("POST / HTTP/1.1\r\nContent-").find("408"), std::string::npos);
  EXPECT_TRUE(slow_head.AtEnd());
  Client slow_body(port());
  EXPECT_NE(slow_body.Ask("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx").find("408"),
            std::string::npos);
}

TEST_F(HttpServerTest, ClientThatDoesNotReadIsCut) {
  HttpServerOptions options;
  options.tick_ms = 10;
  options.write_ms = 50;
  Start(options);
  Client client(port());
  for (int i = 0; i < 4; ++i) client.Write(Post("", "/big"));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (server_->connections() > 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_LT(handled_, 4);
}

TEST_F(HttpServerTest, AnswerAfterTheClientHasGoneIsDropped) {
  Start();
  {
    Client client(port());
    client.Write(Post("", "/keep") + Post("", "/keep"));
  }
  while (handled_ < 1) std::this_thread::yield();
  std::promise<void> sent;
  kept_executor_->Post([&] {
    for (int i = 0; i < 2 && !kept_.empty(); ++i) {
      HttpResponder responder = std::move(kept_.back());
      kept_.pop_back();
      HttpResponse response;
      response.body = "too late";
      responder.Send(std::move(response));
    }
    sent.set_value();
  });
  sent.get_future().wait();
  Client client(port());
  EXPECT_EQ(client.Ask(Post("alive")), "POST / alive|HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, ResponderDestroyedUnusedAnswers500) {
  Start();
  Client client(port());
  EXPECT_EQ(client.Ask(Post("", "/drop")), "|HTTP/1.1 500 Internal Server Error");
}

TEST_F(HttpServerTest, ConnectionsSpreadEvenlyOverLoops) {
  HttpServerOptions options;
  options.threads = 2;
  Start(options);
  std::map<std::string, int> loops;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(port()));
    ++loops[clients.back()->Ask(Post("", "/thread"))];
  }
  ASSERT_EQ(loops.size(), 2u);
  EXPECT_EQ(loops.begin()->second, 10);
}

TEST_F(HttpServerTest, ConnectionsAboveTheLimitAreClosed) {
  HttpServerOptions options;
  options.connections_max = 2;
  Start(options);
  Client one(port()), two(port());
  one.Ask(Post("1"));
  two.Ask(Post("2"));
  Client three(port());
  EXPECT_TRUE(three.AtEnd());
  EXPECT_EQ(one.Ask(Post("1")), "POST / 1|HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, BodiesAboveTheCommonBudgetAreTurnedAway) {
  HttpServerOptions options;
  options.buffered_bytes_max = 1024 * 1024;
  Start(options);
  Client client(port());
  const std::string answer = client.Ask(Post(std::string(3 * 1024 * 1024, 'x')));
  EXPECT_NE(answer.find("503"), std::string::npos) << answer;
  Client healthy(port());
  EXPECT_EQ(healthy.Ask(Post(std::string(500 * 1024, 'x'))), "POST / 512000|HTTP/1.1 200 OK");
  EXPECT_EQ(healthy.Ask(Post(std::string(500 * 1024, 'x'))), "POST / 512000|HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, PortInUseIsAStatusThatNamesIt) {
  Start();
  HttpServerOptions options;
  options.port = port();
  const auto second = HttpServer::Start(options, [](const HttpRequest&, HttpResponder) {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(second.status().message(),
            "cannot listen on 127.0.0.1:" + std::to_string(port()) + ": Address already in use");
  options.address = "localhost";
  const auto named = HttpServer::Start(options, [](const HttpRequest&, HttpResponder) {});
  EXPECT_EQ(named.status().code(), StatusCode::kInvalidArgument);
}

TEST_F(HttpServerTest, StopLetsRequestsInFlightBeAnswered) {
  Start();
  Client idle(port()), busy(port());
  idle.Ask(Post("x"));
  busy.Write(Post("", "/keep"));
  while (handled_ < 2) std::this_thread::yield();
  std::thread stopper([&] { server_->Stop(10000); });
  EXPECT_TRUE(idle.AtEnd());
  kept_executor_->Post([&] {
    HttpResponse response;
    response.body = "drained";
    kept_.front().Send(std::move(response));
  });
  std::string head;
  EXPECT_EQ(busy.Read(&head), "drained");
  EXPECT_NE(head.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(busy.AtEnd());
  ::shutdown(busy.fd(), SHUT_RDWR);
  stopper.join();
}

TEST_F(HttpServerTest, StopCutsWhatIsNotAnsweredInTime) {
  Start();
  Client busy(port());
  busy.Write(Post("", "/keep"));
  while (handled_ < 1) std::this_thread::yield();
  server_->Stop(20);
  EXPECT_TRUE(busy.AtEnd());
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpServerTest, PostFromManyThreadsRunsEveryTaskInOrderOfItsThread) {
  Start();
  constexpr int kThreads = 4, kTasks = 2000;
  std::vector<int> next(kThreads, 0);  // of the loop's thread
  std::atomic<int> wrong{0}, done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) {
        server_->executor(0).Post([&, t, i] {
          if (next[static_cast<size_t>(t)]++ != i) ++wrong;
          ++done;
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (done < kThreads * kTasks) std::this_thread::yield();
  EXPECT_EQ(wrong, 0);
}

TEST_F(HttpServerTest, TwoServersLiveInOneProcess) {
  Start();
  auto admin = HttpServer::Start({}, [](const HttpRequest&, HttpResponder responder) {
    HttpResponse response;
    response.body = "admin";
    responder.Send(std::move(response));
  });
  ASSERT_TRUE(admin.ok());
  Client one(port()), two((*admin)->port());
  EXPECT_EQ(two.Ask(Post("")), "admin|HTTP/1.1 200 OK");
  EXPECT_EQ(one.Ask(Post("a")), "POST / a|HTTP/1.1 200 OK");
}

}  // namespace
}  // namespace everwrite::http
