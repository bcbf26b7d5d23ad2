// Change records are passed on as they came: what one region's log has of another's change is byte
// for byte what its maker wrote, with what later versions may have written into it.
//
// Thread-safety: a free function.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/kv_store.h"

namespace everwrite::chaos {

struct RecordBytes {
  size_t compared = 0;  // records that two regions or more have
  size_t unknown = 0;   // of these, such with fields that this version does not know
  std::vector<std::string> differ;
};

RecordBytes CompareRecordBytes(const std::vector<const KvStore*>& stores);

}  // namespace everwrite::chaos
