#include "cli/link_set.h"

#include "base/random.h"

namespace everwrite::cli {

using chaos::LinkDirection;
using chaos::LinkProxy;
using chaos::LinkShape;

Result<std::unique_ptr<LinkSet>> LinkSet::Create(const std::vector<NetworkNode>& nodes,
                                                 const std::vector<NetworkDirection>& directions) {
  EW_ASSIGN_OR_RETURN(auto proxy, LinkProxy::Create(RandomSeed()));
  std::unique_ptr<LinkSet> set(new LinkSet(std::move(proxy)));
  for (const NetworkNode& from : nodes) {
    for (const NetworkNode& to : nodes) {
      if (from.name == to.name) continue;
      chaos::LinkSpec spec;
      spec.target_host = to.host;
      spec.target_port = to.port;
      EW_ASSIGN_OR_RETURN(const LinkProxy::LinkId link, set->proxy_->Add(spec));
      set->links_[{from.name, to.name}] = link;
      set->directions_[{from.name, to.name}];
    }
  }
  for (const NetworkDirection& direction : directions) {
    const auto found = set->directions_.find({direction.from, direction.to});
    if (found == set->directions_.end()) {
      return NotFound("no link from " + direction.from + " to " + direction.to);
    }
    found->second = {direction.shape, direction.cut};
  }
  for (const auto& [key, direction] : set->directions_) set->Apply(key);
  return set;
}

uint16_t LinkSet::PortFor(const std::string& dialler, const std::string& target) const {
  const auto found = links_.find({dialler, target});
  return found == links_.end() ? 0 : proxy_->port(found->second);
}

void LinkSet::Apply(const Pair& key) {
  const Direction& direction = directions_[key];
  const std::pair<LinkProxy::LinkId, LinkDirection> carriers[] = {
      {links_.at(key), LinkDirection::kForward},
      {links_.at({key.second, key.first}), LinkDirection::kBackward}};
  for (const auto& [link, way] : carriers) {
    proxy_->SetShape(link, way, direction.shape);
    if (direction.cut) {
      proxy_->Cut(link, way);
    } else {
      proxy_->Heal(link, way);
    }
  }
}

template <typename Act>
Status LinkSet::ForEach(const std::string& from, const std::string& to, bool one_way, Act act) {
  const std::lock_guard lock(mutex_);
  const Pair there(from, to);
  if (directions_.find(there) == directions_.end()) {
    return NotFound("there is no link from '" + from + "' to '" + to + "'");
  }
  act(directions_[there]);
  Apply(there);
  if (one_way) return OkStatus();
  const Pair back(to, from);
  act(directions_[back]);
  Apply(back);
  return OkStatus();
}

Status LinkSet::Cut(const std::string& from, const std::string& to, bool one_way) {
  return ForEach(from, to, one_way, [](Direction& direction) { direction.cut = true; });
}
Status LinkSet::Heal(const std::string& from, const std::string& to, bool one_way) {
  return ForEach(from, to, one_way, [](Direction& direction) { direction.cut = false; });
}
Status LinkSet::Shape(const std::string& from, const std::string& to, bool one_way,
                      const LinkShape& shape) {
  return ForEach(from, to, one_way, [&](Direction& direction) { direction.shape = shape; });
}

Status LinkSet::Reset(const std::string& a, const std::string& b) {
  return ForEach(a, b, /*one_way=*/true, [&](Direction&) {
    proxy_->Reset(links_.at({a, b}));
    proxy_->Reset(links_.at({b, a}));
  });
}

void LinkSet::HealAll() {
  const std::lock_guard lock(mutex_);
  for (auto& [key, direction] : directions_) {
    direction.cut = false;
    Apply(key);
  }
}

JsonValue LinkSet::Describe() const {
  const std::lock_guard lock(mutex_);
  JsonValue list = JsonValue::Array();
  for (const auto& [key, direction] : directions_) {
    JsonValue item = JsonValue::Object();
    item.Set("from", JsonValue::String(key.first));
    item.Set("to", JsonValue::String(key.second));
    item.Set("delay_ms", JsonValue::Number(direction.shape.delay_us / 1000));
    item.Set("jitter_ms", JsonValue::Number(direction.shape.jitter_us / 1000));
    item.Set("bytes_per_second", JsonValue::Number(direction.shape.bytes_per_second));
    item.Set("cut", JsonValue::Bool(direction.cut));
    const chaos::LinkStats stats = proxy_->Stats(links_.at(key));
    item.Set("queued_bytes", JsonValue::Number(static_cast<int64_t>(stats.queued_bytes)));
    item.Set("connections", JsonValue::Number(stats.connections));
    list.Add(std::move(item));
  }
  return list;
}

}  // namespace everwrite::cli
