// The command line's HTTP client against the project's own server and against sockets that
// misbehave.
#include "cli/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "region/http/http_server.h"

namespace everwrite::cli {
namespace {

// Says `answer` to whoever comes, then closes or stays silent.
class RawServer {
 public:
  RawServer(std::string answer, bool close_after) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 4), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answer = std::move(answer), close_after] {
      const int connection = ::accept(fd_, nullptr, nullptr);
      if (connection < 0) return;
      char buffer[4096];
      (void)!::recv(connection, buffer, sizeof(buffer), 0);
      (void)!::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
      if (!close_after) (void)!::recv(connection, buffer, sizeof(buffer), 0);
      ::close(connection);
    });
  }
  ~RawServer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_;
  uint16_t port_;
  std::thread thread_;
};

TEST(HttpClient, CallsTheProjectsOwnServer) {
  const auto server = http::HttpServer::Start({}, [](const http::HttpRequest& request,
                                                     http::HttpResponder responder) {
    responder.Send({.status = 201,
                    .body = std::string(request.method) + " " + std::string(request.target) + " " +
                            std::string(request.Header("x-a")) + " " + std::string(request.body)});
  });
  ASSERT_TRUE(server.ok());
  const std::string address = "http://127.0.0.1:" + std::to_string((*server)->port()) + "/";
  const auto reply = HttpCall("POST", address, "/a?b=c", {.headers = "X-A: 1\r\n", .body = "body"});
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(reply->body, "POST /a?b=c 1 body");
}

TEST(HttpSession, KeepsItsConnectionAndOpensAnotherAfterAnError) {
  int calls = 0;
  const auto server = http::HttpServer::Start(
      {}, [&calls](const http::HttpRequest& request, http::HttpResponder responder) {
        ++calls;
        http::HttpResponse response{.status = 200, .body = std::string(request.body)};
        response.content_type = "text/plain";
        responder.Send(std::move(response));
      });
  ASSERT_TRUE(server.ok());
  HttpSession session("127.0.0.1:" + std::to_string((*server)->port()));
  for (const std::string body : {"one", "two", "three"}) {
    const auto reply = session.Call("POST", "/", {.body = body});
    ASSERT_TRUE(reply.ok()) << reply.status().message();
    EXPECT_EQ(reply->body, body);
    EXPECT_EQ(reply->Field("content-type"), "text/plain");
    EXPECT_EQ(reply->Field("x-absent"), "");
  }
  EXPECT_EQ(calls, 3);
  const RawServer cuts("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", true);
  HttpSession broken(cuts.address());
  EXPECT_EQ(broken.Call("GET", "/").status().code(), StatusCode::kDataLoss);
}

TEST(HttpClient, ReadsChunksAndAnswersWithoutALength) {
  RawServer chunks(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
      true);
  EXPECT_EQ(HttpCall("GET", chunks.address(), "/")->body, "abcde");
  RawServer plain("HTTP/1.1 200 OK\r\n\r\nall of it", true);
  EXPECT_EQ(HttpCall("GET", plain.address(), "/")->body, "all of it");
}

TEST(HttpClient, ACutOrForeignAnswerIsDataLoss) {
  for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "",
                             "SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"}) {
    RawServer server(answer, true);
    const auto reply = HttpCall("GET", server.address(), "/");
    ASSERT_FALSE(reply.ok()) << answer;
    EXPECT_EQ(reply.status().code(), StatusCode::kDataLoss) << reply.status().ToString();
  }
}

TEST(HttpClient, ASilentServerEndsAtTheDeadline) {
  RawServer server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", false);
  const auto reply = HttpCall("GET", server.address(), "/", {.timeout_ms = 100});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.status().code(), StatusCode::kDeadlineExceeded);
}

TEST(HttpClient, NobodyThereIsUnavailableAndABadAddressIsRefused) {
  EXPECT_EQ(HttpCall("GET", "127.0.0.1:1", "/").status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(HttpCall("GET", "nonsense", "/").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(SplitAddress("http://[::1]:80/")->host, "::1");
}

TEST(HttpClient, QueriesRoundTrip) {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(UrlDecode(UrlEncode(all)), all);
  EXPECT_EQ(QueryValue("/x?a=1&b=" + UrlEncode("x&y=z") + "&ab=3", "b"), "x&y=z");
  EXPECT_EQ(QueryValue("/x?ab=3", "a"), "");
  EXPECT_EQ(QueryValue("/x", "a"), "");
  EXPECT_EQ(UrlDecode("%4"), "%4");
  EXPECT_EQ(UrlDecode("100%"), "100%");
}

}  // namespace
}  // namespace everwrite::cli
