// Driver: carries out what the core decides. One thread; everything that happens elsewhere comes in
// through a mailbox, and each Ready is executed in the order of its fields.
//
//   Driver driver(options, clock, log);
//   NatsBus bus(..., &driver);  RegionLink link(..., &driver);
//   driver.Start(&bus, &link);  ...  driver.Stop();
//
// Threads: events may come from any thread, from construction on. Stop ends the thread after
// telling the peers that this replicator goes; then bus and link may be destroyed, then the driver.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "replicator/ports.h"
#include "replicator/replicator.h"

namespace everwrite::replicator {

// What may wait in the mailbox. Credit keeps it far below; beyond it messages of peers are dropped.
inline constexpr size_t kMailboxMax = 100'000;

class Driver : public BusEvents, public RegionEvents {
 public:
  // `names` are for the log. `clock` must outlive the driver.
  Driver(const Options& options, std::map<RegionId, std::string> names, uint64_t seed,
         const Clock& clock, Logger log);
  ~Driver() override;

  void Start(Bus* bus, RegionPort* region);
  void Stop();
  // As of the last turn of the loop.
  streams::ReplicationStatus status() const;

  void OnOwnBus(bool up) override;
  void OnPeer(RegionId peer, bool up) override;
  void OnBusMessage(RegionId peer, Message message) override;
  void OnBusNote(RegionId peer, std::string text) override;
  void OnRegionConnected() override;
  void OnRegionDisconnected(std::string why) override;
  void OnRegionMessage(streams::LinkMessage message) override;

 private:
  struct OwnBus {
    bool up;
  };
  struct PeerLink {
    RegionId peer;
    bool up;
  };
  struct FromPeer {
    RegionId peer;
    Message message;
  };
  struct Note {
    RegionId peer;
    std::string text;
  };
  struct RegionLost {
    std::string why;
  };
  struct RegionFound {};
  using Input =
      std::variant<OwnBus, PeerLink, FromPeer, Note, RegionLost, RegionFound, streams::LinkMessage>;

  void Post(Input input);
  void Run();
  // False when it is time to stop.
  bool Collect(std::vector<Input>& inputs);
  void Handle(Input& input, Instant now);
  void HandleRegion(streams::LinkMessage& message, Instant now);
  void Execute(Instant now);
  void Report(Instant now);
  std::string Name(RegionId region) const;

  const Clock& clock_;
  const Logger log_;
  const RegionId self_;
  const std::map<RegionId, std::string> names_;
  Bus* bus_ = nullptr;
  RegionPort* region_ = nullptr;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Input> mailbox_;         // guarded by mutex_
  bool stopping_ = false;              // guarded by mutex_
  streams::ReplicationStatus status_;  // guarded by mutex_

  // The thread's own.
  Random random_;
  Replicator core_;
  Instant wake_at_;
  Instant report_at_;
  bool own_bus_up_ = false;
  uint64_t consumed_ = 0;  // bytes of pushed records since the last LinkCredit
  std::map<std::pair<RegionId, std::string>, Instant> noted_;

  std::thread thread_;
};

}  // namespace everwrite::replicator
