#include "region/server/local_link.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/named_thread.h"
#include "streams/link_codec.h"

namespace everwrite::server {
namespace {

using streams::ReplicationStatus;

constexpr size_t kReadChunk = 256 * 1024;
// With so much unsent, nothing more is pushed and no more requests are read.
constexpr size_t kOutgoingMax = 32U << 20;
// With so much unsent, letters are dropped.
constexpr size_t kMailBelow = 8U << 20;
// The largest read that a replicator may ask for at once.
constexpr size_t kReadBytesMax = 4U << 20;

Status SystemError(const std::string& what) {
  return FailedPrecondition(what + ": " + std::strerror(errno));
}

Result<int> Listen(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return InvalidArgument("the link's socket path is longer than the system allows (" +
                           std::to_string(sizeof address.sun_path - 1) + " bytes): " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("socket");
  // The data folder's lock says that no other process serves this region: the old socket is a
  // leftover.
  unlink(path.c_str());
  const mode_t mask = umask(0077);
  const int bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  umask(mask);
  if (bound != 0 || listen(fd, 4) != 0) {
    const Status status = SystemError("cannot listen on " + path);
    close(fd);
    return status;
  }
  return fd;
}

}  // namespace

class LocalLink::Impl : public Executor {
 public:
  Impl(const LocalLinkOptions& options, int listener)
      : options_(options), listener_(listener), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    CHECK(wake_ >= 0);
    RegisterMetrics();
    thread_ = NamedThread("link", [this] { Run(); });
  }
  ~Impl() override {
    Stop();
    close(listener_);
    close(wake_);
    unlink(options_.socket_path.c_str());
  }

  void Post(std::function<void()> task) override {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    Wake();
  }

  void OnCommit(const table::CommitReport& report) {
    if (!connected_) return;
    {
      std::lock_guard lock(mutex_);
      state_moved_ = true;
      if (!report.own.empty() && pushed_bytes_ < kOutgoingMax) {
        pushed_bytes_ += report.own.bytes();
        pushed_.push_back(report.own);
      }
    }
    Wake();
  }

  void TellState() {
    {
      std::lock_guard lock(mutex_);
      state_moved_ = true;
    }
    Wake();
  }

  void SendMail(RegionId to, std::string body) {
    if (!connected_) return;
    auto mail = std::make_shared<streams::Mail>(streams::Mail{to, std::move(body)});
    Post([this, mail] {
      if (connected_ && outgoing_.size() - sent_ < kMailBelow) Send(std::move(*mail));
    });
  }

  bool connected() const { return connected_; }
  std::vector<LinkStatus> Links() const {
    std::vector<LinkStatus> links;
    for (const ReplicationStatus::Link& link : ToldLinks()) {
      LinkStatus& one = links.emplace_back();
      one.from = NameOf(link.from);
      one.to = NameOf(link.to);
      one.state = connected_ ? streams::LinkStateName(link.state) : "down";
      one.lag_ms = link.lag_ms;
      one.pending = link.pending;
      one.lag_p50_ms = link.lag_p50_ms;
      one.lag_p99_ms = link.lag_p99_ms;
      one.lag_max_ms = link.lag_max_ms;
      one.pending_bytes = link.pending_bytes;
      one.held_ahead_ms = link.held_ahead_ms;
      one.sent_bytes = link.sent_bytes;
      one.clock_offset_ms = link.clock_offset_ms;
      one.oldest_ms = link.from == options_.region ? OldestMs(link.to) : -1;
    }
    return links;
  }

  std::vector<ReplicationStatus::Link> ToldLinks() const {
    std::lock_guard lock(mutex_);
    return status_.links;
  }

  std::vector<streams::PeerProgress::Peer> Peers() const {
    std::lock_guard lock(mutex_);
    return progress_.peers;
  }

  FillStatus Fill() const {
    using Waits = ReplicationStatus::FillWaits;
    std::lock_guard lock(mutex_);
    FillStatus fill;
    if (!connected_) {
      fill.waits = "for its replicator, which is not attached";
      return fill;
    }
    if (status_.fill.source.value != 0) fill.source = NameOf(status_.fill.source);
    std::string names;
    for (const RegionId region : status_.fill.waits_for)
      names += (names.empty() ? "" : ", ") + NameOf(region);
    if (status_.fill.waits == Waits::kWord) {
      fill.waits = "for a word of " + (names.empty() ? "another region" : names);
    } else if (status_.fill.waits == Waits::kSource) {
      fill.waits = "for a region that has all that this one claims" +
                   (names.empty() ? "" : "; it cannot ask " + names);
    } else if (status_.fill.waits == Waits::kLogs) {
      fill.waits = "until the logs have brought what the source has";
    }
    return fill;
  }

  void Stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    Wake();
    thread_.join();
    Disconnect();
  }

 private:
  void Wake() {
    if (woken_.exchange(true)) return;
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(wake_, &one, sizeof one);
  }

  // The age of our oldest change that `to` has not applied, as last heard; -1: not known. Without
  // mutex_: it reads the change log, and commits do not wait for that.
  int64_t OldestMs(RegionId to) const {
    for (const auto& peer : Peers())
      if (peer.region == to && peer.heard_ms >= 0)
        return options_.engine->AgeOfFirstMissing(peer.applied);
    return -1;
  }

  std::string NameOf(RegionId id) const {
    const topology::Region* region = options_.topology->FindRegion(id);
    return region ? region->name : std::to_string(id.value);
  }

  void RegisterMetrics();
  void Run();
  void Accept();
  void Disconnect();
  void RunTasks();
  void PushCommits();
  void ReadSome();
  void WriteSome();
  void Send(const streams::LinkMessage& message) { outgoing_ += streams::EncodeLinkFrame(message); }
  bool OnMessage(streams::LinkMessage message);
  bool OnHello(const streams::LinkHello& hello);
  void OnProgress(const streams::PeerProgress& progress);
  void OnApply(streams::ApplyRequest request);
  void OnScan(const streams::ScanRequest& request);
  void OnFill(streams::FillRequest request);

  const LocalLinkOptions options_;
  const int listener_;
  const int wake_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> woken_{false};
  std::atomic<bool> connected_{false};  // and welcomed

  mutable std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;  // guarded by mutex_
  std::vector<streams::RecordBatch> pushed_;  // guarded by mutex_
  size_t pushed_bytes_ = 0;                   // guarded by mutex_
  bool state_moved_ = false;                  // guarded by mutex_
  ReplicationStatus status_;                  // guarded by mutex_
  streams::PeerProgress progress_;            // guarded by mutex_

  // The thread's own.
  int connection_ = -1;
  uint64_t generation_ = 0;  // of the connection: replies to an older one are dropped
  streams::LinkReader reader_;
  std::string outgoing_;
  size_t sent_ = 0;
  uint64_t credit_ = 0;
};

void LocalLink::Impl::RegisterMetrics() {
  if (!options_.registry) return;
  const auto add = [this](RegionId from, RegionId to) {
    const MetricLabels labels{{"from", NameOf(from)}, {"to", NameOf(to)}};
    const auto read = [this, from, to](auto value) {
      return [this, from, to, value]() -> double {
        std::lock_guard lock(mutex_);
        for (const auto& link : status_.links)
          if (link.from == from && link.to == to) return value(link);
        return -1;
      };
    };
    Registry& registry = *options_.registry;
    registry.AddCallback(
        "everwrite_replication_latency_seconds",
        "Age of the newest change applied, when it was applied; -1: none yet.", labels,
        read([](const auto& link) { return link.lag_ms < 0 ? -1.0 : link.lag_ms / 1e3; }));
    const auto seconds = [](int64_t ms) { return ms < 0 ? -1.0 : static_cast<double>(ms) / 1e3; };
    for (const auto& [quantile, value] : {std::pair{"0.5", &ReplicationStatus::Link::lag_p50_ms},
                                          {"0.99", &ReplicationStatus::Link::lag_p99_ms},
                                          {"1", &ReplicationStatus::Link::lag_max_ms}}) {
      if (to != options_.region) break;  // who receives measures
      MetricLabels of_quantile = labels;
      of_quantile["quantile"] = quantile;
      registry.AddCallback("everwrite_replication_latency_quantile_seconds",
                           "From the write to its being applied, of the last half to whole minute; "
                           "-1: nothing was applied.",
                           of_quantile, read([seconds, value = value](const auto& link) {
                             return seconds(link.*value);
                           }));
    }
    if (from == options_.region) {
      registry.AddCallback(
          "everwrite_replication_pending_bytes",
          "Bytes of the changes that the destination has not applied, about; -1: "
          "not known.",
          labels, read([](const auto& link) { return static_cast<double>(link.pending_bytes); }));
      registry.AddCallback("everwrite_replication_oldest_pending_seconds",
                           "Age of the oldest change that the destination has not applied; 0: it "
                           "has all; -1: not known.",
                           labels, [this, to, seconds] { return seconds(OldestMs(to)); });
      registry.AddCallback(
          "everwrite_replication_sent_bytes",
          "Bytes put on the bus for the destination since the replicator "
          "started, compressed, all kinds of messages.",
          labels, read([](const auto& link) { return static_cast<double>(link.sent_bytes); }));
    } else {
      registry.AddCallback("everwrite_replication_held_ahead_seconds",
                           "The source's changes are held, stamped so far ahead of our clock; 0: "
                           "none are.",
                           labels, read([](const auto& link) { return link.held_ahead_ms / 1e3; }));
    }
    registry.AddCallback("everwrite_replication_pending",
                         "Changes of the source that the destination has not applied.", labels,
                         read([](const auto& link) { return static_cast<double>(link.pending); }));
    registry.AddCallback("everwrite_replication_up", "1 when the two hear each other.", labels,
                         read([](const auto& link) {
                           return link.state == ReplicationStatus::LinkState::kUp ? 1.0 : 0.0;
                         }));
    registry.AddCallback("everwrite_clock_offset_seconds", "The other region's clock minus ours.",
                         labels, read([](const auto& link) { return link.clock_offset_ms / 1e3; }));
  };
  for (const RegionId other : options_.topology->Others(options_.region)) {
    add(other, options_.region);
    add(options_.region, other);
  }
}

void LocalLink::Impl::Run() {
  while (!stopping_) {
    pollfd fds[3] = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}, {connection_, 0, 0}};
    if (connection_ >= 0) {
      if (outgoing_.size() - sent_ < kOutgoingMax) fds[2].events |= POLLIN;
      if (outgoing_.size() > sent_) fds[2].events |= POLLOUT;
    }
    if (poll(fds, connection_ >= 0 ? 3 : 2, -1) < 0 && errno != EINTR) return;
    if (fds[0].revents) {
      uint64_t count = 0;
      [[maybe_unused]] const ssize_t n = read(wake_, &count, sizeof count);
      woken_ = false;
    }
    if (connection_ >= 0 && (fds[2].revents & (POLLIN | POLLHUP | POLLERR))) ReadSome();
    RunTasks();
    PushCommits();
    if (connection_ >= 0 && outgoing_.size() > sent_) WriteSome();
    if (fds[1].revents) Accept();
  }
}

void LocalLink::Impl::Accept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  if (connection_ >= 0) options_.log.Info("another replicator connects; the one before is cut");
  Disconnect();
  connection_ = fd;
  ++generation_;
}

void LocalLink::Impl::Disconnect() {
  if (connection_ < 0) return;
  if (connected_.exchange(false)) options_.log.Warning("the replicator has gone");
  close(connection_);
  connection_ = -1;
  reader_ = {};
  outgoing_.clear();
  sent_ = 0;
  credit_ = 0;
  std::lock_guard lock(mutex_);
  pushed_.clear();
  pushed_bytes_ = 0;
}

void LocalLink::Impl::RunTasks() {
  std::vector<std::function<void()>> tasks;
  {
    std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (auto& task : tasks) task();
}

void LocalLink::Impl::PushCommits() {
  std::vector<streams::RecordBatch> pushed;
  bool moved = false;
  {
    std::lock_guard lock(mutex_);
    pushed.swap(pushed_);
    pushed_bytes_ = 0;
    std::swap(moved, state_moved_);
  }
  if (!connected_) return;
  for (auto& batch : pushed) {
    const size_t bytes = batch.bytes();
    if (bytes > credit_ || outgoing_.size() - sent_ > kOutgoingMax) break;  // the replicator reads
    credit_ -= bytes;
    Send(streams::LinkCommitted{std::move(batch)});
  }
  if (moved) Send(options_.engine->State());
}

void LocalLink::Impl::ReadSome() {
  thread_local std::string buffer(kReadChunk, '\0');
  const ssize_t n = read(connection_, buffer.data(), buffer.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return Disconnect();
  reader_.Append(std::string_view(buffer.data(), n));
  for (;;) {
    auto next = reader_.Next();
    if (!next.ok()) {
      options_.log.Warning("the replicator sent what is no frame",
                           {{"reason", next.status().message()}});
      return Disconnect();
    }
    if (!next->has_value()) return;
    if (!OnMessage(std::move(**next))) return Disconnect();
  }
}

void LocalLink::Impl::WriteSome() {
  const ssize_t n = write(connection_, outgoing_.data() + sent_, outgoing_.size() - sent_);
  if (n < 0) {
    if (errno != EAGAIN && errno != EINTR) Disconnect();
    return;
  }
  sent_ += n;
  if (sent_ == outgoing_.size()) {
    outgoing_.clear();
    sent_ = 0;
  } else if (sent_ > kOutgoingMax / 4) {
    outgoing_.erase(0, sent_);
    sent_ = 0;
  }
}

// False: the connection is to be closed.
bool LocalLink::Impl::OnMessage(streams::LinkMessage message) {
  if (const auto* hello = std::get_if<streams::LinkHello>(&message)) return OnHello(*hello);
  if (!connected_) return false;  // nothing before Hello
  if (auto* read = std::get_if<streams::ReadRequest>(&message)) {
    read->max_bytes = std::min(read->max_bytes, kReadBytesMax);
    auto reply = options_.engine->Read(*read);
    if (!reply.ok()) {
      // Not an answer that looks like an end of the log: the replicator connects again and asks
      // again.
      options_.log.Error("the change log cannot be read; rebuild this region from a peer",
                         {{"reason", reply.status()}});
      return false;
    }
    Send(std::move(reply).value());
  } else if (auto* apply = std::get_if<streams::ApplyRequest>(&message)) {
    OnApply(std::move(*apply));
  } else if (auto* mail = std::get_if<streams::Mail>(&message)) {
    if (options_.on_mail) options_.on_mail(mail->peer, std::move(mail->body));
  } else if (const auto* scan = std::get_if<streams::ScanRequest>(&message)) {
    OnScan(*scan);
  } else if (auto* fill = std::get_if<streams::FillRequest>(&message)) {
    OnFill(std::move(*fill));
  } else if (const auto* progress = std::get_if<streams::PeerProgress>(&message)) {
    OnProgress(*progress);
  } else if (const auto* word = std::get_if<streams::PeerWord>(&message)) {
    options_.engine->OnWord(*word, *this);
  } else if (const auto* credit = std::get_if<streams::LinkCredit>(&message)) {
    credit_ += credit->bytes;
  } else if (auto* status = std::get_if<ReplicationStatus>(&message)) {
    std::lock_guard lock(mutex_);
    status_ = std::move(*status);
  } else {
    return false;
  }
  return true;
}

void LocalLink::Impl::OnProgress(const streams::PeerProgress& progress) {
  const int64_t before_ms = options_.engine->clock().correction_ms();
  options_.engine->OnProgress(progress);
  const int64_t after_ms = options_.engine->clock().correction_ms();
  if (after_ms != before_ms) {
    options_.log.Warning(
        "this machine's clock is off from the other regions', and is corrected; mend it",
        {{"correction_ms", after_ms}, {"before_ms", before_ms}});
    Send(options_.engine->State());
  }
  std::lock_guard lock(mutex_);
  progress_ = progress;
}

bool LocalLink::Impl::OnHello(const streams::LinkHello& hello) {
  std::string refusal;
  if (hello.version != streams::kLinkVersion) {
    refusal =
        "this region speaks version " + std::to_string(streams::kLinkVersion) + " of the link";
  } else if (hello.cluster != options_.cluster) {
    refusal = "this region belongs to cluster " + options_.cluster;
  } else if (hello.region != options_.region) {
    refusal = "this is the socket of region id " + std::to_string(options_.region.value);
  }
  if (!refusal.empty()) {
    options_.log.Warning("a replicator is refused", {{"reason", refusal}});
    Send(streams::LinkRefusal{refusal});
    WriteSome();
    return false;
  }
  credit_ = hello.credit;
  Send(streams::LinkWelcome{streams::kLinkVersion, options_.cluster, options_.region});
  // Before the state is read: a commit in between must find us connected, or nobody would tell of
  // it.
  connected_ = true;
  Send(options_.engine->State());
  options_.log.Info("the replicator is attached");
  return true;
}

void LocalLink::Impl::OnApply(streams::ApplyRequest request) {
  options_.engine->Apply(
      std::move(request), *this, [this, generation = generation_](streams::ApplyReply reply) {
        if (generation != generation_ || !connected_) return;
        if (!reply.status.ok())
          options_.log.Warning("a batch was not applied", {{"reason", reply.status}});
        Send(std::move(reply));
      });
}

void LocalLink::Impl::OnScan(const streams::ScanRequest& request) {
  streams::ScanRequest bounded = request;
  bounded.max_bytes = std::min(bounded.max_bytes, kReadBytesMax);
  streams::ScanReply reply;
  reply.id = request.id;
  auto chunk = options_.engine->Scan(bounded);
  if (chunk.ok()) {
    reply.chunk = std::move(chunk).value();
  } else {
    reply.status = chunk.status();
    if (reply.status.code() != StatusCode::kFailedPrecondition)
      options_.log.Warning("a peer cannot be filled from here", {{"reason", reply.status}});
  }
  Send(std::move(reply));
}

void LocalLink::Impl::OnFill(streams::FillRequest request) {
  options_.engine->Fill(
      std::move(request), *this, [this, generation = generation_](streams::FillReply reply) {
        if (generation != generation_ || !connected_) return;
        if (!reply.status.ok())
          options_.log.Warning("a chunk was not merged", {{"reason", reply.status}});
        Send(std::move(reply));
      });
}

LocalLink::LocalLink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalLink::~LocalLink() = default;

Result<std::unique_ptr<LocalLink>> LocalLink::Start(const LocalLinkOptions& options) {
  EW_ASSIGN_OR_RETURN(const int listener, Listen(options.socket_path));
  return std::unique_ptr<LocalLink>(new LocalLink(std::make_unique<Impl>(options, listener)));
}

void LocalLink::OnCommit(const table::CommitReport& report) { impl_->OnCommit(report); }
void LocalLink::SendMail(RegionId to, std::string body) { impl_->SendMail(to, std::move(body)); }
void LocalLink::TellState() { impl_->TellState(); }
bool LocalLink::connected() const { return impl_->connected(); }
std::vector<LinkStatus> LocalLink::Links() const { return impl_->Links(); }
std::vector<streams::PeerProgress::Peer> LocalLink::Peers() const { return impl_->Peers(); }
LocalLink::FillStatus LocalLink::Fill() const { return impl_->Fill(); }
void LocalLink::Stop() { impl_->Stop(); }

}  // namespace everwrite::server
