// Clients that roam: each request goes to another region, with the session token of the last answer
// (region/session), as a traveller's phone or a load balancer over regions does.
//
// While running it checks, at every answer:
//   - a client reads its own writes and never an older version than it has read, in any region
//     (read your writes, monotonic reads: Terry et al. 1994),
//   - what it wrote after that replaces it, wherever it wrote (monotonic writes),
// and in the end that every region honours every token that was given out.
// A client whose token is not reached several times in a row begins anew without it.
//
// Thread-safety: none.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chaos/history.h"
#include "chaos/sim/sim_region.h"

namespace everwrite::chaos {

struct RoamingOptions {
  size_t clients = 0;  // in all regions together
  int64_t think_micros = 50 * kMicrosPerMilli;
};

class RoamingWorkload {
 public:
  // The table is made by Workload. `history` outlives this.
  RoamingWorkload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
                  RoamingOptions options, History& history)
      : simulator_(simulator), regions_(regions), options_(options), history_(history) {}

  void Start();
  void Stop() { stopped_ = true; }
  // All regions are equal: every token must be reached.
  void Finish();
  uint64_t answers() const { return answers_; }

 private:
  // What a client knows of a key.
  struct Known {
    conflict::Version version;
    bool live = false;
    // Of all deletions that it ever began, also before it began anew: those that may yet be carried
    // out, and the highest version of the others. A region that lags shows the item still.
    size_t open_deletes = 0;
    conflict::Version deleted;
  };
  struct Client {
    Random random;
    std::string token;
    std::map<std::string, Known> known;  // by encoded key
    uint64_t request = 0;                // the one under way, or the last
    bool busy = false;
    Instant since;
    int refused = 0;  // in a row
  };
  void Next(size_t client);
  void Step(size_t client);
  void Serve(size_t client, size_t region);
  void Read(size_t client, size_t region, const std::string& name);
  void Write(size_t client, size_t region, const std::string& name, bool is_delete);
  void OnWritten(size_t client, size_t region, uint64_t id, const Status& status,
                 const conflict::Version& committed);
  void OnAnswer(Client& client, SimRegion& region);
  void OnRefused(Client& client);
  void Violation(std::string text);

  Simulator& simulator_;
  std::vector<std::unique_ptr<SimRegion>>& regions_;
  const RoamingOptions options_;
  History& history_;
  std::vector<Client> clients_;
  uint64_t answers_ = 0;
  bool stopped_ = false;
};

}  // namespace everwrite::chaos
