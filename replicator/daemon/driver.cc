#include "replicator/daemon/driver.h"

#include <algorithm>
#include <chrono>

#include "base/named_thread.h"

namespace everwrite::replicator {
namespace {

constexpr int64_t kReportMicros = 1 * kMicrosPerSecond;
constexpr uint64_t kCreditStep = 1U << 20;
// The same note about the same peer is not written again for so long.
constexpr int64_t kNoteRestMicros = 10 * kMicrosPerSecond;
constexpr size_t kNotedMax = 256;

}  // namespace

Driver::Driver(const Options& options, std::map<RegionId, std::string> names, uint64_t seed,
               const Clock& clock, Logger log)
    : clock_(clock),
      log_(std::move(log)),
      self_(options.self),
      names_(std::move(names)),
      random_(seed),
      core_(options, random_, clock.Now()),
      wake_at_(clock.Now()),
      report_at_(clock.Now()) {}

Driver::~Driver() { Stop(); }

void Driver::Start(Bus* bus, RegionPort* region) {
  bus_ = bus;
  region_ = region;
  thread_ = NamedThread("replicator", [this] { Run(); });
}

void Driver::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

streams::ReplicationStatus Driver::status() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

void Driver::Post(Input input) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (mailbox_.size() >= kMailboxMax && std::holds_alternative<FromPeer>(input)) return;
    mailbox_.push_back(std::move(input));
    if (mailbox_.size() > 1) return;  // it is awake, or will be
  }
  wake_.notify_one();
}

void Driver::OnOwnBus(bool up) { Post(OwnBus{up}); }
void Driver::OnPeer(RegionId peer, bool up) { Post(PeerLink{peer, up}); }
void Driver::OnBusMessage(RegionId peer, Message message) {
  Post(FromPeer{peer, std::move(message)});
}
void Driver::OnBusNote(RegionId peer, std::string text) { Post(Note{peer, std::move(text)}); }
void Driver::OnRegionConnected() { Post(RegionFound{}); }
void Driver::OnRegionDisconnected(std::string why) { Post(RegionLost{std::move(why)}); }
void Driver::OnRegionMessage(streams::LinkMessage message) { Post(std::move(message)); }

bool Driver::Collect(std::vector<Input>& inputs) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto micros = std::clamp<int64_t>(wake_at_ - clock_.Now(), 0, kMicrosPerSecond);
  wake_.wait_for(lock, std::chrono::microseconds(micros),
                 [this] { return stopping_ || !mailbox_.empty(); });
  inputs.swap(mailbox_);
  return !stopping_;
}

void Driver::Run() {
  std::vector<Input> inputs;
  while (Collect(inputs)) {
    const Instant now = clock_.Now();
    for (Input& input : inputs) Handle(input, now);
    inputs.clear();
    core_.OnTick(now);
    Execute(now);
    if (now >= report_at_) Report(now);
    wake_at_ = std::min(wake_at_, report_at_);
  }
  // The peers look for another source at once instead of after silence.
  const Instant now = clock_.Now();
  core_.OnRegionDown(now);
  core_.OnTick(now);
  Execute(now);
}

void Driver::Handle(Input& input, Instant now) {
  if (auto* from = std::get_if<FromPeer>(&input)) {
    core_.OnMessage(from->peer, std::move(from->message), now);
  } else if (auto* message = std::get_if<streams::LinkMessage>(&input)) {
    HandleRegion(*message, now);
  } else if (const auto* link = std::get_if<PeerLink>(&input)) {
    log_.Info(link->up ? "connected to the peer's bus" : "lost the peer's bus",
              {{"peer", Name(link->peer)}});
    link->up ? core_.OnPeerUp(link->peer, now) : core_.OnPeerDown(link->peer, now);
  } else if (const auto* bus = std::get_if<OwnBus>(&input)) {
    own_bus_up_ = bus->up;
    log_.Info(bus->up ? "connected to the region's bus" : "lost the region's bus");
  } else if (std::holds_alternative<RegionFound>(input)) {
    log_.Info("connected to the region");
    consumed_ = 0;
  } else if (const auto* lost = std::get_if<RegionLost>(&input)) {
    log_.Warning("the region is not connected", {{"why", lost->why}});
    core_.OnRegionDown(now);
  } else if (const auto* note = std::get_if<Note>(&input)) {
    if (noted_.size() >= kNotedMax) noted_.clear();
    Instant& next = noted_[{note->peer, note->text}];
    if (next > now) return;
    next = now + kNoteRestMicros;
    log_.Warning(note->text, {{"peer", Name(note->peer)}});
  }
}

void Driver::HandleRegion(streams::LinkMessage& message, Instant now) {
  if (const auto* committed = std::get_if<streams::LinkCommitted>(&message)) {
    core_.OnRecordsCommitted(committed->batch, now);
    consumed_ += committed->batch.bytes();
    if (consumed_ < kCreditStep) return;
    region_->Send(streams::LinkCredit{consumed_});
    consumed_ = 0;
  } else if (const auto* state = std::get_if<streams::RegionState>(&message)) {
    core_.OnRegionState(*state, now);
  } else if (const auto* apply = std::get_if<streams::ApplyReply>(&message)) {
    core_.OnApplyReply(*apply, now);
  } else if (const auto* read = std::get_if<streams::ReadReply>(&message)) {
    core_.OnReadReply(*read, now);
  } else if (auto* mail = std::get_if<streams::Mail>(&message)) {
    core_.OnRegionMail(std::move(*mail), now);
  } else if (auto* scan = std::get_if<streams::ScanReply>(&message)) {
    core_.OnScanReply(std::move(*scan), now);
  } else if (const auto* fill = std::get_if<streams::FillReply>(&message)) {
    core_.OnFillReply(*fill, now);
  } else {
    log_.Warning("the region said what only a replicator says; ignored");
  }
}

void Driver::Execute(Instant now) {
  Ready ready = core_.TakeReady(now);
  for (auto& apply : ready.applies) region_->Send(std::move(apply));
  for (auto& fill : ready.fills) region_->Send(std::move(fill));
  for (auto& read : ready.reads) region_->Send(read);
  for (auto& scan : ready.scans) region_->Send(std::move(scan));
  if (ready.progress) region_->Send(std::move(*ready.progress));
  for (streams::Mail& mail : ready.mails) region_->Send(std::move(mail));
  for (streams::PeerWord& word : ready.words) region_->Send(std::move(word));
  for (Outgoing& outgoing : ready.messages) bus_->Send(outgoing.to, std::move(outgoing.message));
  for (const Event& event : ready.events)
    log_.Log(event.level == Event::Level::kInfo ? LogLevel::kInfo : LogLevel::kWarning, event.text,
             {{"peer", Name(event.peer)}});
  wake_at_ = ready.wake_at;
}

void Driver::Report(Instant now) {
  report_at_ = now + kReportMicros;
  streams::ReplicationStatus status = core_.status(now);
  status.bus_connected = own_bus_up_;
  for (auto& link : status.links)
    if (link.from == self_) link.sent_bytes = bus_->SentBytes(link.to);
  region_->Send(status);
  std::lock_guard<std::mutex> lock(mutex_);
  status_ = std::move(status);
}

std::string Driver::Name(RegionId region) const {
  const auto at = names_.find(region);
  return at != names_.end() ? at->second : region.value == 0 ? "" : std::to_string(region.value);
}

}  // namespace everwrite::replicator
