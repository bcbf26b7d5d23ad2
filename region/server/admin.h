// The admin endpoint: what operators, load balancers and the `everwrite` commands ask a region.
// Never on the public port.
//
//   GET  /healthz                    200 while the process lives
//   GET  /readyz                     200 when it serves, 503 and why when it does not
//   GET  /metrics                    Prometheus text
//   GET  /status                     JSON: vectors, links, conflicts, health
//   GET  /conflicts?table=&key=&loser_of=&from_ms=&until_ms=&limit=&after=
//                                    JSON list, newest first; key in hex of its DynamoDB JSON
//   GET  /conflicts/NAME             one conflict with both images
//   POST /conflicts/NAME/restore     the loser is written again
//   GET  /items?after=&limit=        one line a stored version, in key order: table key version
//                                    image-hash tombstone, all in hex; then a line "next KEY" or
//                                    "end"
//   GET  /digests?after=             a line a bucket: table bucket sum touched, in hex; then "next
//                                    TABLE.BUCKET" or "end ITEMS"
//   GET  /convergence                JSON: what the convergence guard has compared and found
//   GET  /where?session= | write= | table=&key=
//                                    JSON: where a write is visible (where_page.h)
//   POST /test/damage?table=         with test_hooks: flips a bit of a stored item
//   POST /test/clock?offset_ms=      with test_hooks: this region's clock is so wrong from now on
//
// Thread-safety: Handle on any loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/system_clock.h"
#include "region/convergence/guard.h"
#include "region/http/http_types.h"
#include "region/server/local_link.h"
#include "region/session/session_gate.h"
#include "region/table/region_engine.h"

namespace everwrite::server {

struct AdminContext {
  std::string region_name;
  std::vector<std::pair<std::string, RegionId>> regions;  // of the topology
  std::string cluster;
  std::string endpoint;  // host:port of the DynamoDB API
  std::string admin;
  table::RegionEngine* engine = nullptr;
  LocalLink* link = nullptr;
  const session::SessionGate* sessions = nullptr;
  const topology::Topology* topology = nullptr;
  const convergence::ConvergenceGuard* guard = nullptr;
  bool test_hooks = false;  // the environment has EVERWRITE_TEST_HOOKS
  std::function<void(const SystemClock::Fault&)> set_clock;  // for /test/clock
  Registry* registry = nullptr;
  const Clock* clock = nullptr;
};

class Admin {
 public:
  explicit Admin(AdminContext context) : context_(std::move(context)) {}
  void Handle(const http::HttpRequest& request, http::HttpResponder responder);

 private:
  http::HttpResponse Status() const;
  http::HttpResponse Ready() const;
  std::string FillJson() const;
  std::string LogJson() const;
  http::HttpResponse List(std::string_view query) const;
  http::HttpResponse Show(std::string_view name) const;
  http::HttpResponse Items(std::string_view query) const;
  http::HttpResponse Digests(std::string_view query) const;
  http::HttpResponse Convergence() const;
  http::HttpResponse SetClock(std::string_view query) const;
  void Damage(std::string_view query, Executor& executor, http::HttpResponder responder);
  std::string ConflictJson(const conflict::ConflictRecord& record) const;
  void Restore(std::string_view name, Executor& executor, http::HttpResponder responder);

  const AdminContext context_;
};

}  // namespace everwrite::server
