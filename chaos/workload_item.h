// The items of the simulated workload: a key, the id of the write, and what its session had seen
// before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "conflict/version.h"
#include "region/table/schema.h"

namespace everwrite::chaos {

struct SimItem {
  std::string pk;
  uint64_t id = 0;  // of the write
  // The cause: another item's key and version; empty key: none.
  std::string cause_key;
  conflict::Version cause;
  uint64_t expiry = 0;  // in seconds; 0: never
};

// The attribute that holds the expiry.
inline constexpr std::string_view kSimExpiry = "expiry";

// Beside what SimItem says, the item has a "bucket" that follows from the id: a word of a few, but
// missing from some items and a number in others, so that indexes by it are sparse.
std::string EncodeSimItem(const SimItem& item);
// Just the key attributes, as a delete stores them.
std::string EncodeSimKeyItem(std::string_view pk);
std::optional<SimItem> DecodeSimItem(std::string_view bytes);
// Of that the id alone.
std::optional<uint64_t> SimIdOf(std::string_view bytes);
std::string EncodeSimKey(std::string_view pk);
// With a global index by bucket and cause, and one within the partition by id. A stream of both
// images, if wanted, is turned on at kSimStreamMs.
table::TableDefinition SimTable(std::string name, bool streamed = false);
inline constexpr uint64_t kSimStreamMs = 1;
table::IndexDefinition SimIndexThatComesAndGoes();

}  // namespace everwrite::chaos
