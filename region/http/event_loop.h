// EventLoop: an io_context with its thread's connections, tick and task queue; the Executor that
// handlers and commits post to.
//
// Includes Asio: for .cc files of this folder only.
//
// Thread-safety: Post, any thread; everything else on the loop's thread once it runs.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/executor.h"
#include "region/http/http_server.h"

namespace everwrite::http {

namespace asio = boost::asio;
using asio::ip::tcp;
// Without the type-erased executor: a virtual call less in every operation.
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         asio::io_context::executor_type>;
using boost::system::error_code;

// What all loops of one server share.
struct Shared {
  HttpServerOptions options;
  HttpHandler handler;
  std::atomic<size_t> connections{0};
  std::atomic<size_t> buffered{0};
};

class Connection;

// One event loop: the Executor of everything that happens on its thread.
class EventLoop final : public Executor {
 public:
  explicit EventLoop(std::shared_ptr<Shared> shared)
      : shared(std::move(shared)), guard(context.get_executor()), ticker(context) {}

  // The first task of a batch wakes the loop; those that come before it has woken ride along.
  void Post(std::function<void()> task) override {
    bool wake;
    {
      std::lock_guard lock(mutex);
      if (dead) return;
      wake = tasks.empty();
      tasks.push_back(std::move(task));
    }
    if (wake) asio::post(context, [this] { RunTasks(); });
  }

  void Run() {
    StartTick();
    context.run();
    // Tasks hold connections, which hold this loop: cut the circle.
    std::vector<std::function<void()>> dropped;
    {
      std::lock_guard lock(mutex);
      dead = true;
      dropped.swap(tasks);
    }
  }

  uint64_t TickIn(int64_t ms) const {
    return tick + 1 +
           static_cast<uint64_t>((ms + shared->options.tick_ms - 1) / shared->options.tick_ms);
  }

  void BeginDrain();
  void CloseAll();

  const std::shared_ptr<Shared> shared;
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  Timer ticker;
  std::atomic<size_t> connections{0};  // accepted for this loop and not yet closed
  std::function<void()> on_tick;

  // Of the loop's thread alone.
  Connection* first = nullptr;
  uint64_t tick = 0;
  bool draining = false;

 private:
  void RunTasks() {
    {
      std::lock_guard lock(mutex);
      running.swap(tasks);
    }
    for (std::function<void()>& task : running) {
      task();
      task = nullptr;
    }
    running.clear();
  }
  void StartTick() {
    ticker.expires_after(std::chrono::milliseconds(shared->options.tick_ms));
    ticker.async_wait([this](error_code ec) {
      if (ec) return;
      OnTick();
      StartTick();
    });
  }
  void OnTick();

  std::mutex mutex;
  std::vector<std::function<void()>> tasks;    // guarded by mutex
  std::vector<std::function<void()>> running;  // of the loop's thread; keeps its capacity
  bool dead = false;                           // guarded by mutex
};

}  // namespace everwrite::http
