// CheckIndexes: holds every secondary index of a store against a rebuild from its table.
//
// For tests, the simulator and operators. An index that is being filled may lack entries; whatever
// it has must be right. No entry may belong to a table or index that is not there, and the counts
// of complete indexes must be exact.
//
// Thread-safety: a pure function over a store that nobody writes to meanwhile.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/kv_store.h"
#include "base/result.h"

namespace everwrite::table {

// One line a violation, at most `limit`; none means that it holds. kDataLoss for bytes that are
// neither rows nor definitions.
Result<std::vector<std::string>> CheckIndexes(const KvStore& store, size_t limit = 20);

// The same for several stores, one after the other. Of a row that they have in common, in a table
// that they define alike, it is worked out once what the indexes should hold.
class IndexChecker {
 public:
  IndexChecker();
  ~IndexChecker();
  Result<std::vector<std::string>> Check(const KvStore& store, size_t limit = 20);

 private:
  class Run;
  struct Row;
  struct Table;
  std::map<std::string, std::unique_ptr<Table>> tables_;  // by their definitions' bytes
};

}  // namespace everwrite::table
