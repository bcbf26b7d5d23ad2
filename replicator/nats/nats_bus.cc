#include "replicator/nats/nats_bus.h"

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/named_thread.h"
#include "base/random.h"
#include "replicator/messages_codec.h"
#include "replicator/nats/subjects.h"

namespace everwrite::replicator {

// Where callbacks go. It outlives the bus: callbacks of nats.c may come late.
struct NatsBus::Target {
  std::mutex mutex;
  BusEvents* events = nullptr;  // guarded by mutex; null once the bus is gone

  template <typename Call>
  void Tell(Call&& call) {
    std::lock_guard<std::mutex> lock(mutex);
    if (events != nullptr) call(*events);
  }
};

// One life of a connection, from dialling until nats.c has said its last word about it. It is the
// closure of all its callbacks, so it is freed only when they can no longer come.
struct NatsBus::Session {
  std::shared_ptr<Target> target;
  RegionId peer;  // 0: our own server
  natsConnection* connection = nullptr;
  struct Subscribed {
    Session* session = nullptr;
    natsSubscription* subscription = nullptr;
    bool complete = false;  // guarded by the session's mutex
  };
  std::deque<Subscribed> subscriptions;  // addresses stay
  // Readers by the last token of the subject; used by one delivery thread.
  std::map<std::string, std::pair<RegionId, std::unique_ptr<FrameReader>>, std::less<>> readers;
  std::atomic<bool> broken{false};
  std::mutex mutex;
  bool closed = false;                      // guarded by mutex
  std::condition_variable* wake = nullptr;  // of the worker, guarded by mutex

  // The last thing that a callback does: once the flag is seen with the mutex held, the session may
  // go.
  void Set(bool& flag) {
    std::lock_guard<std::mutex> lock(mutex);
    flag = true;
    if (wake != nullptr) wake->notify_all();
  }
  // Nothing more will be heard of it.
  bool LetGo() {
    std::lock_guard<std::mutex> lock(mutex);
    for (const Subscribed& subscribed : subscriptions)
      if (!subscribed.complete) return false;
    return closed;
  }
};

namespace {

using std::chrono::milliseconds;

constexpr int64_t kConnectTimeoutMs = 2000;
constexpr int64_t kWriteDeadlineMs = 3000;
constexpr int64_t kPingIntervalMs = 1500;  // twice unanswered: noticed after 3 to 4.5 s
constexpr int kPingsOut = 2;
constexpr int kReconnectWaitMs = 200;
constexpr int kReconnectJitterMs = 100;
constexpr int kIoBufferBytes = 64 << 10;
// Credit bounds what is queued for each peer; this is the bound when nobody reads the credit.
constexpr size_t kQueueBytesMax = 64U << 20;
constexpr milliseconds kDrainTime{500};
constexpr milliseconds kLetGoTime{3000};

struct MessageDeleter {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using MessagePtr = std::unique_ptr<natsMsg, MessageDeleter>;

}  // namespace

struct NatsCallbacks {
  using Session = NatsBus::Session;

  static void OnFrame(natsConnection*, natsSubscription*, natsMsg* raw, void* closure) {
    const MessagePtr message(raw);
    Session& session = *static_cast<Session::Subscribed*>(closure)->session;
    const std::string_view subject = natsMsg_GetSubject(message.get());
    const auto reader = session.readers.find(LastToken(subject));
    if (reader == session.readers.end()) {
      session.target->Tell([&](BusEvents& events) {
        events.OnBusNote({}, "a message of an unknown region on " + std::string(subject));
      });
      return;
    }
    const auto& [from, frames] = reader->second;
    auto result = frames->Read({natsMsg_GetData(message.get()),
                                static_cast<size_t>(natsMsg_GetDataLength(message.get()))});
    session.target->Tell([&, from = from](BusEvents& events) {
      if (!result.ok())
        events.OnBusNote(from, "a frame was refused: " + result.status().message());
      else if (result->has_value())
        events.OnBusMessage(from, std::move(**result));
    });
  }

  // The server answers an Open by itself when nobody listens there.
  static void OnNobody(natsConnection*, natsSubscription*, natsMsg* raw, void* closure) {
    const MessagePtr message(raw);
    Session& session = *static_cast<Session::Subscribed*>(closure)->session;
    if (!natsMsg_IsNoResponders(message.get())) return;
    session.target->Tell([&](BusEvents& events) {
      events.OnBusMessage(session.peer, End{0, {}, EndReason::kNobody});
    });
  }

  static void OnSubscriptionComplete(void* closure) {
    auto* subscribed = static_cast<Session::Subscribed*>(closure);
    subscribed->session->Set(subscribed->complete);
  }

  static void OnClosed(natsConnection*, void* closure) {
    auto* session = static_cast<Session*>(closure);
    session->broken = true;
    session->Set(session->closed);
  }

  static void OnDisconnected(natsConnection*, void* closure) {
    auto* session = static_cast<Session*>(closure);
    session->broken = true;
    std::lock_guard<std::mutex> lock(session->mutex);
    if (session->wake != nullptr) session->wake->notify_all();
  }

  static void OnError(natsConnection*, natsSubscription*, natsStatus status, void* closure) {
    auto* session = static_cast<Session*>(closure);
    session->target->Tell([&](BusEvents& events) {
      events.OnBusNote(session->peer, std::string("nats: ") + natsStatus_GetText(status));
    });
  }
};

// A worker thread and the connection that only it uses.
class NatsBus::Connection {
 public:
  // `peer` null: our own server.
  Connection(const NatsBusOptions& options, const NatsBusOptions::Peer* peer,
             std::shared_ptr<Target> target, SentBytesTable& sent)
      : options_(options),
        peer_(peer),
        target_(std::move(target)),
        sent_(sent),
        url_(peer != nullptr ? peer->url : options.own_url),
        writer_(options.cluster, options.self),
        random_(RandomSeed()),
        thread_(NamedThread("bus", [this] { Run(); })) {}

  ~Connection() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  void Send(RegionId to, Message message) {
    const Batch* batch = std::get_if<Batch>(&message);
    const size_t cost = 256 + (batch != nullptr ? BatchCost(batch->records) : 0);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!up_ || queued_bytes_ + cost > kQueueBytesMax) return;
      queued_bytes_ += cost;
      queue_.push_back({to, std::move(message), cost});
    }
    wake_.notify_all();
  }

 private:
  struct Queued {
    RegionId to;
    Message message;
    size_t cost;
  };

  void Run() {
    while (!Stopping()) {
      const std::string error = Connect();
      if (error.empty()) {
        Tell(true);
        Serve();
        Tell(false);
        Drop();
      } else if (error != last_error_) {
        target_->Tell([&](BusEvents& events) {
          events.OnBusNote(peer_ != nullptr ? peer_->id : RegionId{},
                           "cannot connect to " + url_ + ": " + error);
        });
      }
      last_error_ = error;
      Sweep();
      Pause(milliseconds(kReconnectWaitMs + static_cast<int>(random_.Below(kReconnectJitterMs))));
    }
    LetGo();
  }

  bool Stopping() {
    std::lock_guard<std::mutex> lock(mutex_);
    return stopping_;
  }
  void Pause(milliseconds time) {
    std::unique_lock<std::mutex> lock(mutex_);
    wake_.wait_for(lock, time, [this] { return stopping_; });
  }
  void Tell(bool up) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      up_ = up;
      queue_.clear();
      queued_bytes_ = 0;
    }
    target_->Tell([&](BusEvents& events) {
      if (peer_ != nullptr)
        events.OnPeer(peer_->id, up);
      else
        events.OnOwnBus(up);
    });
  }

  natsStatus MakeOptions(natsOptions** options) {
    natsStatus status = natsOptions_Create(options);
    const auto set = [&](natsStatus next) {
      if (status == NATS_OK) status = next;
    };
    natsOptions* const o = *options;
    set(natsOptions_SetURL(o, url_.c_str()));
    set(natsOptions_SetName(o, ("everwrite replicator " + options_.self_name).c_str()));
    set(natsOptions_SetTimeout(o, kConnectTimeoutMs));
    set(natsOptions_SetWriteDeadline(o, kWriteDeadlineMs));
    set(natsOptions_SetSendAsap(o, true));
    set(natsOptions_SetPingInterval(o, kPingIntervalMs));
    set(natsOptions_SetMaxPingsOut(o, kPingsOut));
    set(natsOptions_SetIOBufSize(o, kIoBufferBytes));
    set(natsOptions_SetAllowReconnect(o, false));
    set(natsOptions_SetIgnoreDiscoveredServers(o, true));
    set(natsOptions_SetNoEcho(o, true));
    set(natsOptions_SetErrorHandler(o, NatsCallbacks::OnError, session_.get()));
    set(natsOptions_SetClosedCB(o, NatsCallbacks::OnClosed, session_.get()));
    set(natsOptions_SetDisconnectedCB(o, NatsCallbacks::OnDisconnected, session_.get()));
    return status;
  }

  // Empty when connected and subscribed, otherwise why not.
  std::string Connect() {
    if (session_ == nullptr) {
      session_ = std::make_unique<Session>();
      session_->target = target_;
      session_->peer = peer_ != nullptr ? peer_->id : RegionId{};
      session_->wake = &wake_;
    }
    session_->broken = false;
    natsOptions* options = nullptr;
    natsStatus status = MakeOptions(&options);
    if (status == NATS_OK) status = natsConnection_Connect(&session_->connection, options);
    natsOptions_Destroy(options);
    if (status != NATS_OK) {
      session_->connection = nullptr;
      return natsStatus_GetText(status);
    }
    status = Subscribe();
    // The server knows the subscriptions before anybody is told that we are up.
    if (status == NATS_OK)
      status = natsConnection_FlushTimeout(session_->connection, kConnectTimeoutMs);
    if (status == NATS_OK) return "";
    Drop();
    return std::string("subscribing: ") + natsStatus_GetText(status);
  }

  natsStatus Subscribe() {
    if (peer_ == nullptr) {
      for (const auto& peer : options_.peers) AddReader(peer.name, peer.id);
      return SubscribeTo(ControlSubjects(options_.self_name), NatsCallbacks::OnFrame);
    }
    AddReader(options_.self_name, peer_->id);
    const natsStatus status =
        SubscribeTo(NoticeSubject(peer_->name, options_.self_name), NatsCallbacks::OnFrame);
    if (status != NATS_OK) return status;
    nobody_ = NobodySubject(options_.self_name, peer_->name);
    return SubscribeTo(nobody_, NatsCallbacks::OnNobody);
  }
  void AddReader(const std::string& token, RegionId from) {
    session_->readers[token] = {
        from, std::make_unique<FrameReader>(options_.cluster, options_.self, from)};
  }
  natsStatus SubscribeTo(const std::string& subject, natsMsgHandler handler) {
    Session::Subscribed& subscribed = session_->subscriptions.emplace_back();
    subscribed.session = session_.get();
    natsStatus status = natsConnection_Subscribe(&subscribed.subscription, session_->connection,
                                                 subject.c_str(), handler, &subscribed);
    if (status != NATS_OK) {
      std::lock_guard<std::mutex> lock(session_->mutex);
      subscribed.complete = true;
      return status;
    }
    status = natsSubscription_SetOnCompleteCB(subscribed.subscription,
                                              NatsCallbacks::OnSubscriptionComplete, &subscribed);
    // The default is to drop silently; credit is the bound instead.
    if (status == NATS_OK)
      status = natsSubscription_SetPendingLimits(subscribed.subscription, -1, -1);
    return status;
  }

  // Publishes what is queued until the connection breaks or the bus stops.
  void Serve() {
    const auto max_payload =
        static_cast<size_t>(natsConnection_GetMaxPayload(session_->connection));
    std::chrono::steady_clock::time_point give_up{};
    while (!session_->broken) {
      std::deque<Queued> queue;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait_for(lock, milliseconds(1000),
                       [this] { return stopping_ || session_->broken || !queue_.empty(); });
        if (stopping_ && queue_.empty()) break;
        // What was said last still goes out, within bounds.
        if (stopping_ && give_up.time_since_epoch().count() == 0)
          give_up = std::chrono::steady_clock::now() + kDrainTime;
        if (stopping_ && std::chrono::steady_clock::now() > give_up) return;
        queue.swap(queue_);
        queued_bytes_ = 0;
      }
      for (const Queued& queued : queue)
        if (!session_->broken && !Publish(queued, max_payload)) session_->broken = true;
    }
    if (!session_->broken) natsConnection_FlushTimeout(session_->connection, kDrainTime.count());
  }

  bool Publish(const Queued& queued, size_t max_payload) {
    auto frames = writer_.Write(queued.to, queued.message, max_payload);
    if (!frames.ok()) {
      target_->Tell([&](BusEvents& events) {
        events.OnBusNote(queued.to, "a message was not sent: " + frames.status().message());
      });
      return true;
    }
    const bool open = std::holds_alternative<Open>(queued.message);
    const std::string subject = SubjectTo(queued.to);
    for (const std::string& frame : *frames) {
      const int size = static_cast<int>(frame.size());
      const natsStatus status =
          open ? natsConnection_PublishRequest(session_->connection, subject.c_str(),
                                               nobody_.c_str(), frame.data(), size)
               : natsConnection_Publish(session_->connection, subject.c_str(), frame.data(), size);
      if (status != NATS_OK) return false;
      const auto sent = sent_.find(queued.to);
      if (sent != sent_.end()) sent->second += frame.size();
    }
    return true;
  }
  std::string SubjectTo(RegionId to) const {
    if (peer_ != nullptr) return ControlSubject(peer_->name, options_.self_name);
    for (const auto& peer : options_.peers)
      if (peer.id == to) return NoticeSubject(options_.self_name, peer.name);
    return "";
  }

  // Ends the connection; its session waits for nats.c's last callbacks.
  void Drop() {
    if (session_ == nullptr || session_->connection == nullptr) return;
    for (Session::Subscribed& subscribed : session_->subscriptions)
      if (subscribed.subscription != nullptr) natsSubscription_Unsubscribe(subscribed.subscription);
    natsConnection_Close(session_->connection);
    ending_.push_back(std::move(session_));
  }

  // Frees the sessions of which nothing more will be heard.
  void Sweep() {
    std::erase_if(ending_, [](std::unique_ptr<Session>& session) {
      if (!session->LetGo()) return false;
      for (Session::Subscribed& subscribed : session->subscriptions)
        natsSubscription_Destroy(subscribed.subscription);
      natsConnection_Destroy(session->connection);
      return true;
    });
  }

  void LetGo() {
    const auto give_up = std::chrono::steady_clock::now() + kLetGoTime;
    for (Sweep(); !ending_.empty() && std::chrono::steady_clock::now() < give_up; Sweep())
      std::this_thread::sleep_for(milliseconds(5));
    // Late callbacks must find their closure: better never freed than used after.
    for (auto& session : ending_) {
      std::lock_guard<std::mutex> lock(session->mutex);
      session->wake = nullptr;
    }
    for (auto& session : ending_) (void)session.release();
    ending_.clear();
  }

  const NatsBusOptions& options_;
  const NatsBusOptions::Peer* const peer_;
  const std::shared_ptr<Target> target_;
  SentBytesTable& sent_;
  const std::string url_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Queued> queue_;  // guarded by mutex_
  size_t queued_bytes_ = 0;   // guarded by mutex_
  bool up_ = false;           // guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_

  // The worker's own.
  FrameWriter writer_;
  Random random_;
  std::unique_ptr<Session> session_;
  std::vector<std::unique_ptr<Session>> ending_;
  std::string nobody_;
  std::string last_error_;

  std::thread thread_;  // last: starts when all else is there
};

NatsBus::NatsBus(NatsBusOptions options, BusEvents* events) : options_(std::move(options)) {
  target_ = std::make_shared<Target>();
  target_->events = events;
  for (const auto& peer : options_.peers) sent_[peer.id] = 0;
  own_ = std::make_unique<Connection>(options_, nullptr, target_, sent_);
  for (const auto& peer : options_.peers)
    peers_[peer.id] = std::make_unique<Connection>(options_, &peer, target_, sent_);
}

NatsBus::~NatsBus() {
  own_.reset();
  peers_.clear();
  std::lock_guard<std::mutex> lock(target_->mutex);
  target_->events = nullptr;
}

void NatsBus::Send(RegionId to, Message message) {
  if (!IsFromReceiver(message)) return own_->Send(to, std::move(message));
  const auto peer = peers_.find(to);
  if (peer != peers_.end()) peer->second->Send(to, std::move(message));
}

uint64_t NatsBus::SentBytes(RegionId to) const {
  const auto sent = sent_.find(to);
  return sent != sent_.end() ? sent->second.load() : 0;
}

}  // namespace everwrite::replicator
