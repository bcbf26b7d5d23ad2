// The clients of a simulated world: sessions in every region that put, update, delete and read.
//
// Half of the writes go to a few hot keys that all regions fight for, half to keys that are written
// once: a hot key hides a lost write behind the next one, a write-once key shows it (measured: the
// same planted bug is found in 1 of 100 seeds with hot keys alone, in 62 with both). Beside them
//   burst keys   are put and deleted by everybody for a short while, and then never again: what is
//                deleted last stays so, and whatever comes late must not bring it back
//   mortal keys  are put once, and deleted once by somebody who need not have seen them
// Every written value is unique and names the write that its session had read before, anywhere: its
// cause.
//
// While running it checks, at every read in a region:
//   - the version of a key never goes back there (no resurrection, no lost update),
//   - whoever sees a write can see its cause (causal order),
//   - a write-once key is there once the region's vector says so: also a region that is filled does
//     not answer before it has it.
//
// Thread-safety: none.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "chaos/history.h"
#include "chaos/sim/sim_region.h"

namespace everwrite::chaos {

struct WorkloadOptions {
  size_t sessions_per_region = 3;
  int64_t think_micros = 20 * kMicrosPerMilli;  // mean pause between two operations of a session
  size_t hot_keys = 8;
  uint64_t once_percent = 50;
  uint64_t delete_percent = 8;
  uint64_t conditional_percent = 10;
  uint64_t read_percent = 40;
  int64_t burst_micros = 0;     // after so long it is another key; 0: there are none
  uint64_t mortal_percent = 0;  // of the writes; as many are deletions of them
  bool streamed = false;        // the table has a stream
};

class Workload {
 public:
  Workload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
           WorkloadOptions options);

  // Creates the table in region 0; sessions begin where and when they see it.
  void Start();
  // No new operations; those under way end.
  void Stop() { stopped_ = true; }

  // The region has lost its disk: what its clients had seen may be gone.
  void ForgetRegion(size_t region);

  History& history() { return history_; }
  static constexpr const char* kTable = "world";

 private:
  struct Session {
    size_t region = 0;
    Random random;
    // The last write that this session has seen or made; empty key: none.
    std::string cause_key;
    conflict::Version cause_version;
    uint64_t once_keys = 0;  // that it has made
  };
  // Of an item. Most are used again and again: encoded once.
  struct Key {
    explicit Key(std::string name);
    std::string name;
    std::string encoded;
  };
  void CreateTable();
  void Next(size_t session);
  void Step(size_t session);
  const Key& BurstKey();
  void Read(Session& session, const std::string& key);
  void Write(size_t session, const Key& key, uint64_t delete_percent);
  // Of a key that is not there: its one write is known to be applied here.
  bool IsMissing(const SimRegion& region, const std::string& key) const;
  void CheckRead(Session& session, const std::string& key, const conflict::Version& version,
                 const std::string* image);
  void Violation(std::string text);

  // A key that is written once and deleted once: small, as many others are moved when one goes.
  struct MortalKey {
    size_t session = 0;
    uint64_t number = 0;
    Key AsKey() const {
      return Key("mortal" + std::to_string(session) + "." + std::to_string(number));
    }
  };

  Simulator& simulator_;
  std::vector<std::unique_ptr<SimRegion>>& regions_;
  const WorkloadOptions options_;
  std::vector<Session> sessions_;
  History history_;
  bool stopped_ = false;
  std::vector<Key> hot_keys_;
  std::optional<Key> burst_key_;                 // the last one
  std::deque<Key> once_keys_;                    // in the order of their making
  std::vector<MortalKey> mortal_keys_;           // those nobody has deleted yet
  std::map<std::string, uint64_t> once_writes_;  // by key: the id of its write
  // By region: the highest version that a client has seen of a key there.
  std::map<size_t, std::unordered_map<std::string, conflict::Version>> seen_;
};

}  // namespace everwrite::chaos
