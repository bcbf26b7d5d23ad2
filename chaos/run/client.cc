#include "chaos/run/client.h"

#include <algorithm>

namespace everwrite::chaos {
namespace {

constexpr size_t kRecent = 32;
constexpr uint64_t kCompared = 4;           // casN
constexpr uint64_t kPairs = 4;              // pairN
constexpr uint64_t kRemade = 8;             // againN
constexpr int64_t kNewKeyMicros = 250'000;  // so long all clients try to create the same key
// Tokens that name what a lost disk had never come true again: then the session ends.
constexpr uint64_t kPatience = 5;
constexpr uint64_t kMaxSessionsOfClient = 1'000'000;

}  // namespace

Client::Client(const WorkloadSpec& workload, Place place, uint64_t seed,
               std::function<uint64_t()> next_id)
    : workload_(workload),
      place_(std::move(place)),
      chance_(seed * 1'000'003 + place_.number),
      next_id_(std::move(next_id)) {}

uint64_t Client::session() const { return place_.number * kMaxSessionsOfClient + sessions_begun_; }

std::string Client::Numbered(const char* what, uint64_t count) {
  return what + std::to_string(chance_.Below(count));
}

Request Client::Next(int64_t now_us) {
  // What a read has shown to have a cause is read next, before the cause comes of itself.
  if (!to_read_.empty() && chance_.Chance(2, 3)) {
    Request request = Get(to_read_.front());
    to_read_.pop_front();
    return request;
  }
  if (!scan_from_.empty() && chance_.Chance(1, 2)) return Scan();
  uint64_t sum = 0;
  for (const uint64_t weight : workload_.mix) sum += weight;
  uint64_t drawn = chance_.Below(sum);
  size_t at = 0;
  while (drawn >= workload_.mix[at]) drawn -= workload_.mix[at++];
  switch (static_cast<Operation>(at)) {
    case Operation::kPut: return Put();
    case Operation::kCondition: return Condition(now_us);
    case Operation::kCount: return Write(Act::kCount, "count-" + place_.region);
    case Operation::kTransaction: return Transaction();
    case Operation::kRemake: return Remake();
    case Operation::kRead: return Read();
    case Operation::kExpire: return Expire();
    case Operation::kFarRead: return FarRead();
    case Operation::kScan: return Scan();
  }
  return Read();
}

Request Client::Write(Act act, std::string key) {
  Request request;
  request.act = act;
  request.region = place_.region;
  request.items.push_back({std::move(key), next_id_(), 0});
  request.value_bytes =
      static_cast<uint64_t>(chance_.Between(static_cast<int64_t>(workload_.value_bytes_min),
                                            static_cast<int64_t>(workload_.value_bytes_max)));
  return request;
}

Request Client::Get(std::string key) {
  Request request;
  request.act = Act::kGet;
  request.region = place_.region;
  request.items.push_back({std::move(key), 0, 0});
  return request;
}

Request Client::Put() {
  const bool hot = chance_.Below(100) < workload_.hot_percent;
  Request request = Write(Act::kPut, hot ? Numbered("hot", workload_.hot_keys) : std::string());
  if (!hot) request.items[0].key = "once" + std::to_string(request.items[0].id);
  if (last_id_ != 0 && last_key_ != request.items[0].key) {
    request.after_key = last_key_;
    request.after_id = last_id_;
  }
  return request;
}

Request Client::Condition(int64_t now_us) {
  if (chance_.Chance(1, 2)) {
    Request create = Write(Act::kPut, "new" + std::to_string(now_us / kNewKeyMicros));
    create.expected = 0;
    return create;
  }
  Request request = Write(Act::kPut, Numbered("cas", kCompared));
  const auto known = known_.find(request.items[0].key);
  if (known == known_.end()) return Get(request.items[0].key);  // first look what is there
  request.expected = known->second;
  return request;
}

Request Client::Transaction() {
  Request request = Write(Act::kTransact, Numbered("pair", kPairs));
  const std::string group = request.items[0].key;
  request.items[0].key = group + ".a";
  for (const char* part : {".b", ".c"}) request.items.push_back({group + part, next_id_(), 0});
  return request;
}

Request Client::Remake() {
  std::string key = Numbered("again", kRemade);
  return Write(chance_.Chance(1, 2) ? Act::kPut : Act::kDelete, std::move(key));
}

Request Client::Expire() {
  Request request = Write(Act::kPut, std::string());
  request.items[0].key = "brief" + std::to_string(request.items[0].id);
  request.lives_seconds = 1 + chance_.Below(kMaxLifeSeconds);
  return request;
}

Request Client::Read() {
  switch (chance_.Below(6)) {
    case 0: return Get(Numbered("hot", workload_.hot_keys));
    case 1: return Get(Numbered("again", kRemade));
    case 2: return Get(Numbered("cas", kCompared));
    case 3: return Get("count-" + place_.regions[chance_.Below(place_.regions.size())]);
    case 4: {
      Request request = Get(Numbered("pair", kPairs));
      request.act = Act::kSnapshot;
      const std::string group = request.items[0].key;
      request.items.clear();
      for (const char* part : {".a", ".b", ".c"}) request.items.push_back({group + part, 0, 0});
      return request;
    }
    default:
      if (recent_.empty()) return Get(Numbered("hot", workload_.hot_keys));
      return Get(recent_[chance_.Below(recent_.size())]);
  }
}

Request Client::FarRead() {
  if (place_.regions.size() == 1 || recent_.empty() || tokens_.empty()) return Read();
  Request request = Get(recent_[chance_.Below(std::min<size_t>(recent_.size(), 4))]);
  do {
    request.region = place_.regions[chance_.Below(place_.regions.size())];
  } while (request.region == place_.region);
  request.far = true;
  for (const auto& [region, token] : tokens_)
    request.tokens += (request.tokens.empty() ? "" : ",") + token;
  return request;
}

// The next page of the one under way, or a first one.
Request Client::Scan() {
  Request request;
  request.act = Act::kScan;
  request.region = place_.region;
  request.from = scan_from_;
  return request;
}

ObservedOp Client::Told(const Request& request, const Reply& reply, int64_t begin_us,
                        int64_t end_us) {
  ObservedOp op;
  op.act = request.act;
  op.session = session();
  op.region = request.region;
  op.begin_us = begin_us;
  op.end_us = end_us;
  op.outcome = reply.outcome;
  op.items = request.items;
  op.far = request.far;
  op.expected = request.expected;
  op.number = reply.number;
  op.receipt = reply.receipt;
  if (op.act == Act::kScan) {
    op.items = reply.page;
    op.from = request.from;
    op.next = reply.next;
    op.torn = reply.torn;
  } else if (op.IsRead()) {
    for (size_t i = 0; i < op.items.size() && i < reply.seen.size(); ++i)
      op.items[i].id = reply.seen[i];
    op.torn = reply.torn;
    op.after_key = reply.after_key;
    op.after_id = reply.after_id;
  } else {
    op.after_key = request.after_key;
    op.after_id = request.after_id;
  }
  if (reply.outcome != Outcome::kRefused || !reply.behind) refused_in_a_row_ = 0;
  LearnTokens(request, reply);
  Learn(request, reply);
  return op;
}

void Client::LearnTokens(const Request& request, const Reply& reply) {
  if (reply.behind && ++refused_in_a_row_ >= kPatience) {
    tokens_.clear();
    recent_.clear();
    ++sessions_begun_;
    refused_in_a_row_ = 0;
  }
  if (reply.outcome != Outcome::kAcknowledged || reply.token.empty()) return;
  // The newest token of an answer covers those that came with the request.
  if (!request.tokens.empty()) tokens_.clear();
  tokens_[request.region] = reply.token;
}

void Client::Learn(const Request& request, const Reply& reply) {
  if (request.act == Act::kScan) {
    scan_from_ = reply.next;  // an answer that did not come ends it
    return;
  }
  const std::string& key = request.items[0].key;
  if (request.expected && *request.expected != 0 && reply.outcome != Outcome::kAcknowledged)
    known_.erase(key);
  if (key.starts_with("cas") && !request.far && reply.outcome == Outcome::kAcknowledged) {
    const uint64_t id =
        request.act == Act::kGet && !reply.seen.empty() ? reply.seen[0] : request.items[0].id;
    known_[key] = id;
  }
  if (request.expected && *request.expected == 0 && key.starts_with("cas") &&
      reply.outcome != Outcome::kAcknowledged)
    known_.erase(key);
  if (reply.outcome != Outcome::kAcknowledged || request.far) return;
  if (request.act == Act::kPut) Remember(key, request.items[0].id);
  if (request.act == Act::kDelete) recent_.push_front(key);
  if (request.act == Act::kGet && !reply.seen.empty() && reply.seen[0] != 0) {
    Remember(key, reply.seen[0]);
    if (!reply.after_key.empty()) to_read_.push_back(reply.after_key);
  }
  if (to_read_.size() > kRecent) to_read_.pop_front();
  if (recent_.size() > kRecent) recent_.pop_back();
}

void Client::Remember(const std::string& key, uint64_t id) {
  // Deleted keys are nobody's cause: "nothing" would have to be told from "not yet".
  if (!key.starts_with("again") && !key.starts_with("brief")) {
    last_key_ = key;
    last_id_ = id;
  }
  recent_.push_front(key);
}

}  // namespace everwrite::chaos
