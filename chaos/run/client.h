// One client of a chaos run: what it asks next, and what it learns from the answers. It is one
// session: one request after the other, all in its own region, but for reads of what it knows in
// another region, with the session's tokens.
//
// Keys: hotN (everybody writes them), onceN (one write each), casN (compare-and-set), newN (who
// comes first creates it), count-REGION (counted in that region only), pairN.a/.b/.c (written by
// transactions, all three), againN (deleted and created again), briefN (written once, and expires).
//
// Pure: chance is seeded, ids come from the caller. Use from one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "chaos/observed_history.h"
#include "chaos/scenario/scenario.h"

namespace everwrite::chaos {

inline constexpr uint64_t kMaxLifeSeconds = 3;  // of items that expire

struct Request {
  Act act = Act::kGet;
  std::string region;
  bool far = false;
  std::vector<ObservedItem> items;  // keys, and the ids to write
  std::optional<uint64_t> expected;
  std::string after_key;  // what the client had seen before
  uint64_t after_id = 0;
  uint64_t value_bytes = 0;
  uint64_t lives_seconds = 0;  // then it expires; 0: never
  std::string tokens;          // of the session; empty: none are sent
  std::string from;            // of a scan: behind this key; empty: from the beginning
};

struct Reply {
  Outcome outcome = Outcome::kUnknown;
  bool behind = false;             // refused: the region lacks what the tokens name
  std::vector<uint64_t> seen;      // of reads, an id for each item of the request
  std::vector<ObservedItem> page;  // of a scan: what it has
  std::string next;                // and where it goes on; empty: nowhere
  std::optional<int64_t> number;
  std::string after_key;
  uint64_t after_id = 0;
  bool torn = false;
  std::string token;
  std::string receipt;
};

class Client {
 public:
  struct Place {
    std::string region;
    std::vector<std::string> regions;  // all
    uint64_t number = 0;               // of the client, over all regions, from 1
  };
  Client(const WorkloadSpec& workload, Place place, uint64_t seed,
         std::function<uint64_t()> next_id);

  Request Next(int64_t now_us);
  // Takes in the answer and gives the line of history.
  ObservedOp Told(const Request& request, const Reply& reply, int64_t begin_us, int64_t end_us);

 private:
  Request Write(Act act, std::string key);
  Request Get(std::string key);
  Request Put();
  Request Condition(int64_t now_us);
  Request Transaction();
  Request Remake();
  Request Expire();
  Request Read();
  Request FarRead();
  Request Scan();
  std::string Numbered(const char* what, uint64_t count);
  void LearnTokens(const Request& request, const Reply& reply);
  void Learn(const Request& request, const Reply& reply);
  void Remember(const std::string& key, uint64_t id);
  uint64_t session() const;

  const WorkloadSpec workload_;
  const Place place_;
  Random chance_;
  const std::function<uint64_t()> next_id_;
  std::map<std::string, std::string> tokens_;  // by region: the newest of each
  uint64_t sessions_begun_ = 0;
  uint64_t refused_in_a_row_ = 0;
  std::string last_key_;  // seen or written last, in the own region
  uint64_t last_id_ = 0;
  std::map<std::string, uint64_t> known_;  // casN -> the id that stands there
  std::deque<std::string> recent_;         // keys to read, the newest first; at most kRecent
  std::string scan_from_;                  // of the scan that is under way; empty: none is
  std::deque<std::string> to_read_;        // causes of what was seen; at most kRecent
};

}  // namespace everwrite::chaos
