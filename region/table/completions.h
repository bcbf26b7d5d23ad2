// Completions: what the units of one turn have to say when it ends, gathered by executor.
//
// A turn under load ends some ten writes of each event loop. Posted one by one, the first would
// wake its loop and the others race with it; gathered, each loop is woken once, with all that
// concerns it.
//
// Thread-safety: of one thread. Nothing is posted before Flush.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "region/table/engine.h"

namespace everwrite::table {

class Completions {
 public:
  // `operation->Done(status)` on `executor`, then the operation goes, there.
  void Done(Executor& executor, std::unique_ptr<WriteOperation> operation, const Status& status) {
    OfExecutor(executor).emplace_back(std::move(operation), status);
  }

  void Flush() {
    for (Group& group : groups_) {
      group.executor->Post([ended = std::move(group.ended)] {
        for (auto& [operation, status] : *ended) {
          operation->Done(status);
          operation.reset();
        }
      });
    }
    groups_.clear();
  }

 private:
  using Ended = std::vector<std::pair<std::unique_ptr<WriteOperation>, Status>>;
  struct Group {
    Executor* executor;
    std::shared_ptr<Ended> ended;  // shared, because a task must be copyable
  };

  // One executor an event loop: few.
  Ended& OfExecutor(Executor& executor) {
    for (Group& group : groups_)
      if (group.executor == &executor) return *group.ended;
    return *groups_.emplace_back(Group{&executor, std::make_shared<Ended>()}).ended;
  }

  std::vector<Group> groups_;
};

}  // namespace everwrite::table
