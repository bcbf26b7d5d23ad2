// A client's write of one item of the simulated workload.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "chaos/workload_item.h"
#include "region/table/region_engine.h"

namespace everwrite::chaos {

// Tells how it ended. Destroyed unheard by a crash, it leaves the write as unknown.
class SimWrite : public table::WriteOperation {
 public:
  enum class Kind : uint8_t { kPut, kCreate, kDelete };
  using Ended = std::function<void(const Status&, const SimWrite&)>;
  SimWrite(table::TablePtr table, std::string key, Kind kind, SimItem item, Ended ended)
      : WriteOperation(std::move(table), std::move(key)),
        kind_(kind),
        item_(std::move(item)),
        ended_(std::move(ended)) {}

  Result<table::Mutation> Evaluate(std::optional<std::string_view> stored) override {
    if (kind_ == Kind::kCreate && stored) return ConditionFailed("exists");
    if (kind_ == Kind::kDelete)
      return table::Mutation{table::Mutation::Kind::kDelete, EncodeSimKeyItem(item_.pk)};
    return table::Mutation{table::Mutation::Kind::kPut, EncodeSimItem(item_)};
  }
  void Done(const Status& status) override { ended_(status, *this); }

 private:
  const Kind kind_;
  const SimItem item_;
  const Ended ended_;
};

}  // namespace everwrite::chaos
